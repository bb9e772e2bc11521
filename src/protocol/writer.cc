#include "barnabas/protocol/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/varint.h"

namespace barnabas::protocol {

void Writer::clear() {
  size_ = 0;
  external_size_ = 0;
  splices_.clear();
  problem_.clear();
}

void Writer::shrink(std::size_t keep) {
  BARNABAS_CHECK(size_ == 0);
  if (buffer_.size() > keep) {
    buffer_.resize(keep);
    buffer_.shrink_to_fit();
  }
}

void Writer::grow(std::size_t count) {
  constexpr std::size_t kLeast = 256;
  buffer_.resize(std::max({kLeast, buffer_.size() * 2, size_ + count}));
}

void Writer::write_double(double value) {
  write(std::bit_cast<std::uint64_t>(value));
}

void Writer::write_uuid(const Uuid& value) {
  write(value.high);
  write(value.low);
}

void Writer::write_uvarint(std::uint32_t value) {
  barnabas::write_uvarint(reserve(uvarint_size(value)), value);
}

void Writer::write_raw(ByteView bytes) {
  if (!bytes.empty()) {
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
  }
}

void Writer::write_string(std::string_view value, bool flexible, const char* field) {
  if (value.size() > std::numeric_limits<std::int16_t>::max()) [[unlikely]] {
    fail(ErrorCode::kInvalidRequest, fmt::format("{} is longer than 32767 bytes", field));
    return;
  }
  if (flexible) {
    write_uvarint(static_cast<std::uint32_t>(value.size()) + 1);
  } else {
    write(static_cast<std::int16_t>(value.size()));
  }
  write_raw(as_bytes(value));
}

void Writer::write_bytes(ByteView value, bool flexible, const char* field) {
  write_array_length(value.size(), flexible, field);
  write_raw(value);
}

void Writer::write_records(const Records& value, bool flexible, bool nullable, const char* field) {
  if (value.is_null()) {
    write_null(flexible, false, nullable, field);
    return;
  }
  write_array_length(value.size(), flexible, field);
  if (value.is_external()) {
    splices_.push_back({size_, value.size(), value.external_index()});
    external_size_ += value.size();
  } else {
    write_raw(value.bytes());
  }
}

void Writer::write_array_length(std::size_t count, bool flexible, const char* field) {
  if (count > std::numeric_limits<std::int32_t>::max()) [[unlikely]] {
    fail(ErrorCode::kInvalidRequest, fmt::format("{} is longer than 2^31 - 1", field));
    return;
  }
  if (flexible) {
    write_uvarint(static_cast<std::uint32_t>(count) + 1);
  } else {
    write(static_cast<std::int32_t>(count));
  }
}

void Writer::write_null(bool flexible, bool short_form, bool nullable, const char* field) {
  if (!nullable) [[unlikely]] {
    fail(ErrorCode::kInvalidRequest, fmt::format("{} must not be null in this version", field));
  } else if (flexible) {
    write_uvarint(0);
  } else if (short_form) {
    write<std::int16_t>(-1);
  } else {
    write<std::int32_t>(-1);
  }
}

void Writer::write_presence(bool present, bool nullable, const char* field) {
  if (nullable) {
    write<std::int8_t>(present ? 1 : -1);
  } else if (!present) {
    fail(ErrorCode::kInvalidRequest, fmt::format("{} must not be null in this version", field));
  }
}

std::size_t Writer::begin_tagged(std::uint32_t tag) {
  write_uvarint(tag);
  return size_;
}

// The size goes before content whose length is known only now; tagged fields are rare and small.
void Writer::end_tagged(std::size_t mark) {
  const std::size_t content = size_ - mark;
  const std::size_t prefix = uvarint_size(content);
  reserve(prefix);
  std::byte* const at = buffer_.data() + mark;
  std::memmove(at + prefix, at, content);
  barnabas::write_uvarint(at, content);
}

void Writer::reject_field(const char* field, std::int16_t version) {
  fail(ErrorCode::kUnsupportedVersion,
       fmt::format("{} has a value, but version {} has no place for it", field, version));
}

bool Writer::supports(std::int16_t version, std::int16_t lowest, std::int16_t highest,
                      const char* message) {
  if (version < lowest || version > highest) [[unlikely]] {
    fail(ErrorCode::kUnsupportedVersion, fmt::format("{} has no version {}", message, version));
    return false;
  }
  return true;
}

void Writer::fail(ErrorCode code, std::string problem) {
  if (problem_.empty()) {
    code_ = code;
    problem_ = std::move(problem);
  }
}

Status Writer::finish(const Mark& begin) {
  if (ok()) [[likely]] {
    return {};
  }
  rewind(begin);
  return barnabas::fail(code_, std::exchange(problem_, {}));
}

void Writer::rewind(const Mark& begin) {
  size_ = begin.size;
  external_size_ = begin.external_size;
  splices_.resize(begin.splices);
}

}  // namespace barnabas::protocol
