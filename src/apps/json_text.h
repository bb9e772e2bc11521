// JSON as Jackson writes it, put together field by field in the order given. Values only.
// THREAD: any
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/bytes.h"

namespace barnabas::apps {

[[nodiscard]] std::string json_string(std::string_view text);
// Base64 with padding, as a string.
[[nodiscard]] std::string json_bytes(ByteView bytes);

class JsonObject {
 public:
  // `json` is a value, written as it is.
  JsonObject& raw(std::string_view name, std::string_view json);
  JsonObject& text(std::string_view name, std::string_view value) {
    return raw(name, json_string(value));
  }
  JsonObject& nullable_text(std::string_view name, const std::optional<std::string>& value) {
    return raw(name, value ? json_string(*value) : "null");
  }
  JsonObject& number(std::string_view name, std::int64_t value) {
    return raw(name, std::to_string(value));
  }
  [[nodiscard]] std::string str() const { return text_ + '}'; }

 private:
  std::string text_ = "{";
};

// [a,b]: each element as `element` writes it.
template <typename Elements, typename Element>
[[nodiscard]] std::string json_array(const Elements& elements, Element element) {
  std::string text = "[";
  for (const auto& one : elements) {
    if (text.size() > 1) {
      text += ',';
    }
    text += element(one);
  }
  return text + ']';
}

}  // namespace barnabas::apps
