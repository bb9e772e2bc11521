// Says by name what each field of a message holds, so that two implementations can be compared by
// value and not by bytes alone: {Name:value;...}, integers in decimal, a double as its 64 bits,
// text and bytes in hexadecimal after an x, arrays [a,b,], null.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/uuid.h"
#include "barnabas/protocol/records.h"

namespace barnabas::protocol::testing {

class Describer {
 public:
  [[nodiscard]] const std::string& text() const { return text_; }
  // FNV-1a of the text.
  [[nodiscard]] std::uint64_t digest() const;

  void open() { text_ += '{'; }
  void close() { text_ += '}'; }
  void name(std::string_view field) {
    text_ += field;
    text_ += ':';
  }
  void end() { text_ += ';'; }
  void null() { text_ += "null"; }
  void open_array() { text_ += '['; }
  void close_array() { text_ += ']'; }
  void end_item() { text_ += ','; }

  void value(bool v) { text_ += v ? "true" : "false"; }
  template <std::integral T>
  void value(T v) {
    text_ += std::to_string(v);
  }
  void value(double v) { value(std::bit_cast<std::int64_t>(v)); }
  void value(const Uuid& v) {
    value(static_cast<std::int64_t>(v.high));
    text_ += '/';
    value(static_cast<std::int64_t>(v.low));
  }
  void value(const std::string& v) { hex(as_bytes(v)); }
  void value(const ByteVector& v) { hex(v); }
  void value(const Records& v) { v.is_null() ? null() : hex(v.bytes()); }

 private:
  void hex(ByteView bytes);

  std::string text_;
};

}  // namespace barnabas::protocol::testing
