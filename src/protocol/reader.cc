#include "barnabas/protocol/reader.h"

#include <fmt/format.h>

#include <bit>
#include <limits>

#include "barnabas/base/check.h"
#include "barnabas/base/varint.h"
#include "codec.h"

namespace barnabas::protocol {

MutableBytes writable_part(MutableBytes frame, ByteView part) {
  BARNABAS_CHECK(part.data() >= frame.data() &&
                 part.data() + part.size() <= frame.data() + frame.size());
  return frame.subspan(static_cast<std::size_t>(part.data() - frame.data()), part.size());
}

double Reader::read_double() {
  return std::bit_cast<double>(read<std::uint64_t>());
}

Uuid Reader::read_uuid() {
  const auto high = read<std::uint64_t>();
  const auto low = read<std::uint64_t>();
  return {high, low};
}

std::uint32_t Reader::read_uvarint() {
  constexpr std::size_t kMaxBytes = 5;
  std::uint64_t value = 0;
  const std::size_t used = barnabas::read_uvarint(at_, remaining(), kMaxBytes, value);
  if (used == 0 || value > std::numeric_limits<std::uint32_t>::max()) [[unlikely]] {
    fail("has a malformed varint");
    return 0;
  }
  at_ += used;
  return static_cast<std::uint32_t>(value);
}

ByteView Reader::read_span(std::size_t size) {
  if (remaining() < size) [[unlikely]] {
    fail("ends early");
    return {};
  }
  const ByteView span{at_, size};
  at_ += size;
  return span;
}

// The bytes or elements that follow, kNull for null; the reader has failed when there are not as
// many bytes left.
std::int64_t Reader::read_length(bool flexible, bool short_form, const char* field) {
  std::int64_t length = 0;
  if (flexible) {
    length = static_cast<std::int64_t>(read_uvarint()) - 1;
  } else {
    length = short_form ? read<std::int16_t>() : read<std::int32_t>();
  }
  if (!ok()) [[unlikely]] {
    field_ = field;
    return kNull;
  }
  if (length < 0) {
    return kNull;
  }
  if (length > static_cast<std::int64_t>(remaining())) [[unlikely]] {
    fail("announces more than there is", field);
    return kNull;
  }
  if (short_form && length > std::numeric_limits<std::int16_t>::max()) [[unlikely]] {
    fail("is longer than 32767 bytes", field);
    return kNull;
  }
  return length;
}

void Reader::read_string(std::string& value, bool flexible, const char* field) {
  const std::int64_t length = read_length(flexible, true, field);
  if (length < 0) [[unlikely]] {
    fail("is null", field);
    value.clear();
    return;
  }
  value.assign(reinterpret_cast<const char*>(at_), static_cast<std::size_t>(length));
  at_ += length;
}

void Reader::read_nullable_string(std::optional<std::string>& value, bool flexible, bool nullable,
                                  const char* field) {
  const std::int64_t length = read_length(flexible, true, field);
  if (length < 0) {
    if (!nullable) {
      fail("is null", field);
    }
    value.reset();
    return;
  }
  ensure(value).assign(reinterpret_cast<const char*>(at_), static_cast<std::size_t>(length));
  at_ += length;
}

void Reader::read_bytes(ByteVector& value, bool flexible, const char* field) {
  const std::int64_t length = read_length(flexible, false, field);
  if (length < 0) [[unlikely]] {
    fail("is null", field);
    value.clear();
    return;
  }
  value.assign(at_, at_ + length);
  at_ += length;
}

void Reader::read_nullable_bytes(std::optional<ByteVector>& value, bool flexible, bool nullable,
                                 const char* field) {
  const std::int64_t length = read_length(flexible, false, field);
  if (length < 0) {
    if (!nullable) {
      fail("is null", field);
    }
    value.reset();
    return;
  }
  ensure(value).assign(at_, at_ + length);
  at_ += length;
}

void Reader::read_records(Records& value, bool flexible, bool nullable, const char* field) {
  const std::int64_t length = read_length(flexible, false, field);
  if (length < 0) {
    if (!nullable) {
      fail("is null", field);
    }
    value = Records();
    return;
  }
  value = Records(ByteView{at_, static_cast<std::size_t>(length)});
  at_ += length;
}

std::int64_t Reader::read_array_length(bool flexible, bool nullable, std::size_t min_element_size,
                                       const char* field) {
  const std::int64_t count = read_length(flexible, false, field);
  if (count < 0) {
    if (nullable && ok()) {
      return kNull;
    }
    fail("is null", field);
    return 0;
  }
  if (static_cast<std::size_t>(count) > remaining() / min_element_size) [[unlikely]] {
    fail("announces more than there is", field);
    return 0;
  }
  return count;
}

bool Reader::read_presence() {
  return read<std::int8_t>() >= 0 && ok();
}

std::uint32_t Reader::read_tagged_count() {
  constexpr std::size_t kLeastTaggedField = 2;
  const std::uint32_t count = read_uvarint();
  if (count > remaining() / kLeastTaggedField) [[unlikely]] {
    fail("announces more than there is", "tagged fields");
    return 0;
  }
  return count;
}

Reader::TagMark Reader::begin_tagged() {
  TagMark mark;
  mark.tag = read_uvarint();
  const std::uint32_t size = read_uvarint();
  if (size > remaining()) [[unlikely]] {
    fail("announces more than there is", "tagged field");
  }
  mark.outer_end = end_;
  if (ok()) {
    end_ = at_ + size;
  }
  return mark;
}

void Reader::end_tagged(const TagMark& mark) {
  if (!ok()) {
    return;
  }
  if (at_ != end_) {
    fail("is shorter than its size", "tagged field");
    return;
  }
  end_ = mark.outer_end;
}

void Reader::skip_tagged(const TagMark& mark) {
  if (ok()) {
    at_ = end_;
    end_ = mark.outer_end;
  }
}

void Reader::skip_tagged_fields() {
  for (std::uint32_t left = read_tagged_count(); left > 0 && ok(); --left) {
    skip_tagged(begin_tagged());
  }
}

bool Reader::supports(std::int16_t version, std::int16_t lowest, std::int16_t highest,
                      const char* message) {
  if (version < lowest || version > highest) [[unlikely]] {
    fail("does not exist in this version", message);
    unsupported_ = true;
    return false;
  }
  return ok();
}

void Reader::fail(const char* problem, const char* field) {
  if (problem_ == nullptr) {
    problem_ = problem;
    field_ = field;
  }
  at_ = end_;
}

Status Reader::error() const {
  return barnabas::fail(unsupported_ ? ErrorCode::kUnsupportedVersion : ErrorCode::kInvalidRequest,
                        fmt::format("{} {}", field_ != nullptr ? field_ : "message", problem_));
}

void read_strings(Reader& in, std::vector<std::string>& items, std::int64_t count, bool flexible,
                  const char* field) {
  if (!in.take_memory(count, sizeof(std::string))) [[unlikely]] {
    return;
  }
  items.resize(static_cast<std::size_t>(count));
  for (std::string& item : items) {
    in.read_string(item, flexible, field);
    if (!in.ok()) [[unlikely]] {
      return;
    }
  }
}

void read_uuids(Reader& in, std::vector<Uuid>& items, std::int64_t count) {
  if (!in.take_memory(count, sizeof(Uuid))) [[unlikely]] {
    return;
  }
  items.resize(static_cast<std::size_t>(count));
  for (Uuid& item : items) {
    item = in.read_uuid();
  }
}

}  // namespace barnabas::protocol
