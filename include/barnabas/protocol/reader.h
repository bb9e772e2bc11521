// Reads the primitives of the Kafka protocol from a byte view, trusting no length in it.
//
// The first thing that does not fit makes the reader fail: it remembers why, jumps to its end and
// returns zeroes and empty values from then on, so generated code need not look after each field;
// status() tells at the end. Every count is checked against the bytes that are left, and against
// the least bytes an element can take, before anything is allocated; and since an element can take
// many times its bytes on the wire, all arrays of one message together against kMaxArrayMemory.
// Strings, arrays and bytes have two forms: the old one (fixed length fields, -1 for null, any
// other negative length read as null too, as Kafka does) and, in flexible versions, the compact one
// (unsigned varint of length + 1, 0 for null).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/result.h"
#include "barnabas/base/uuid.h"
#include "barnabas/protocol/records.h"

namespace barnabas::protocol {

// THREAD: any (a value over bytes that must outlive it)
class Reader {
 public:
  explicit Reader(ByteView bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const { return problem_ == nullptr; }
  // An InvalidRequest error that names the field, or UnsupportedVersion after supports().
  [[nodiscard]] Status status() const {
    if (ok()) [[likely]] {
      return {};
    }
    return error();
  }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
  // What has not been read yet.
  [[nodiscard]] ByteView rest() const { return {at_, remaining()}; }

  template <std::integral T>
  T read() {
    if (remaining() < sizeof(T)) [[unlikely]] {
      fail("ends early");
      return 0;
    }
    const T value = load_be<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  bool read_bool() { return read<std::uint8_t>() != 0; }
  double read_double();
  Uuid read_uuid();
  // At most five bytes, at most 2^32 - 1.
  std::uint32_t read_uvarint();
  // The next `size` bytes, not copied.
  ByteView read_span(std::size_t size);

  void read_string(std::string& value, bool flexible, const char* field);
  void read_nullable_string(std::optional<std::string>& value, bool flexible, bool nullable,
                            const char* field);
  void read_bytes(ByteVector& value, bool flexible, const char* field);
  void read_nullable_bytes(std::optional<ByteVector>& value, bool flexible, bool nullable,
                           const char* field);
  void read_records(Records& value, bool flexible, bool nullable, const char* field);
  // The number of elements; -1 for null, only where that is allowed.
  std::int64_t read_array_length(bool flexible, bool nullable, std::size_t min_element_size,
                                 const char* field);
  // For an array of `count` elements of `size` bytes in memory. False, and the reader fails, when
  // that is too much.
  [[nodiscard]] bool take_memory(std::int64_t count, std::size_t size) {
    const std::size_t wanted = static_cast<std::size_t>(count) * size;
    if (wanted > array_memory_left_) [[unlikely]] {
      fail("holds too many elements");
      return false;
    }
    array_memory_left_ -= wanted;
    return true;
  }
  // The marker before a nullable struct: is there one?
  bool read_presence();

  // Tagged fields: count, then for each begin_tagged .. end_tagged (known) or skip_tagged.
  struct TagMark {
    std::uint32_t tag = 0;
    const std::byte* outer_end = nullptr;
  };
  std::uint32_t read_tagged_count();
  TagMark begin_tagged();
  void end_tagged(const TagMark& mark);
  void skip_tagged(const TagMark& mark);
  void skip_tagged_fields();

  // False, and the reader fails, when `version` is outside of [lowest, highest].
  bool supports(std::int16_t version, std::int16_t lowest, std::int16_t highest,
                const char* message);
  void fail(const char* problem, const char* field = nullptr);

  // A LeaderAndIsr request of 200,000 partitions takes less than half of it.
  static constexpr std::size_t kMaxArrayMemory = std::size_t{64} << 20U;

 private:
  static constexpr std::int64_t kNull = -1;
  std::int64_t read_length(bool flexible, bool short_form, const char* field);
  [[nodiscard]] Status error() const;

  const std::byte* at_;
  const std::byte* end_;
  const char* problem_ = nullptr;
  const char* field_ = nullptr;
  bool unsupported_ = false;  // set by supports()
  std::size_t array_memory_left_ = kMaxArrayMemory;
};

}  // namespace barnabas::protocol
