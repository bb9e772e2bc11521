// For unordered containers with names as keys that are looked up by a view. Not noexcept: libstdc++
// keeps the hash of each key then, and does not read one key to find the end of another's bucket.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace barnabas {

struct StringHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

}  // namespace barnabas
