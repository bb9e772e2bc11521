// Appends the primitives of the Kafka protocol to a buffer that is reused from message to message.
//
// The buffer keeps its memory over clear(), so a Writer that has reached the size of its messages
// allocates no more. It grows by doubling. External records are not copied: a Splice notes the
// place where size bytes of part `index` have to be sent in between (see records.h).
// What cannot be written (a string over 32767 bytes, null where it is not allowed, a field that the
// version lacks) makes the writer fail; Message::encode() then takes back what it had written and
// returns the error.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/result.h"
#include "barnabas/base/uuid.h"
#include "barnabas/protocol/records.h"

namespace barnabas::protocol {

// Bytes of an external part that belong before offset `position` of the writer's own bytes.
struct Splice {
  std::size_t position = 0;
  std::size_t size = 0;
  std::uint32_t index = 0;
  bool operator==(const Splice&) const = default;
};

// THREAD: any (one owner)
class Writer {
 public:
  Writer() = default;

  void clear();
  // Its own bytes so far; valid until the next write.
  [[nodiscard]] ByteView bytes() const { return {buffer_.data(), size_}; }
  [[nodiscard]] MutableBytes mutable_bytes() { return {buffer_.data(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  // In order of position.
  [[nodiscard]] const std::vector<Splice>& splices() const { return splices_; }
  // Own bytes and external parts together: the length of the message on the wire.
  [[nodiscard]] std::size_t total_size() const { return size_ + external_size_; }
  // Gives memory above `keep` bytes back; only when empty.
  void shrink(std::size_t keep);

  template <std::integral T>
  void write(T value) {
    store_be<T>(reserve(sizeof(T)), value);
  }
  void write_bool(bool value) { write<std::uint8_t>(value ? 1 : 0); }
  void write_double(double value);
  void write_uuid(const Uuid& value);
  void write_uvarint(std::uint32_t value);
  void write_raw(ByteView bytes);

  void write_string(std::string_view value, bool flexible, const char* field);
  void write_bytes(ByteView value, bool flexible, const char* field);
  void write_records(const Records& value, bool flexible, bool nullable, const char* field);
  void write_array_length(std::size_t count, bool flexible, const char* field);
  // `short_form`: strings, whose old form has a length of two bytes.
  void write_null(bool flexible, bool short_form, bool nullable, const char* field);
  // The marker before a nullable struct.
  void write_presence(bool present, bool nullable, const char* field);

  // A tagged field: its size is filled in by end_tagged.
  std::size_t begin_tagged(std::uint32_t tag);
  void end_tagged(std::size_t mark);

  [[nodiscard]] bool ok() const { return problem_.empty(); }
  // The field has another value than its default and `version` has no place for it.
  void reject_field(const char* field, std::int16_t version);
  bool supports(std::int16_t version, std::int16_t lowest, std::int16_t highest,
                const char* message);

  // For Message::encode(): where a message began, and its end with success or taken back.
  struct Mark {
    std::size_t size = 0;
    std::size_t external_size = 0;
    std::size_t splices = 0;
  };
  [[nodiscard]] Mark mark() const { return {size_, external_size_, splices_.size()}; }
  [[nodiscard]] Status finish(const Mark& begin);
  // Takes back what was written since.
  void rewind(const Mark& begin);

 private:
  std::byte* reserve(std::size_t count) {
    if (buffer_.size() - size_ < count) [[unlikely]] {
      grow(count);
    }
    std::byte* const at = buffer_.data() + size_;
    size_ += count;
    return at;
  }
  void grow(std::size_t count);
  void fail(ErrorCode code, std::string problem);

  ByteVector buffer_;  // its size is the memory at hand; size_ bytes are in use
  std::size_t size_ = 0;
  std::size_t external_size_ = 0;
  std::vector<Splice> splices_;
  ErrorCode code_ = ErrorCode::kNone;
  std::string problem_;
};

}  // namespace barnabas::protocol
