// Strong ids: an integer that cannot be mistaken for another kind of integer.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace barnabas {

template <typename Tag, typename Rep>
class Strong {
 public:
  using rep = Rep;
  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const Strong&) const = default;

  constexpr Strong& operator++() {
    ++value_;
    return *this;
  }
  constexpr Strong& operator+=(Rep delta) {
    value_ += delta;
    return *this;
  }
  friend constexpr Strong operator+(Strong id, Rep delta) {
    return Strong(static_cast<Rep>(id.value_ + delta));
  }
  friend constexpr Strong operator-(Strong id, Rep delta) {
    return Strong(static_cast<Rep>(id.value_ - delta));
  }
  // The distance between two ids of one kind.
  friend constexpr Rep operator-(Strong a, Strong b) {
    return static_cast<Rep>(a.value_ - b.value_);
  }

 private:
  Rep value_{};
};

}  // namespace barnabas

template <typename Tag, typename Rep>
struct std::hash<barnabas::Strong<Tag, Rep>> {
  std::size_t operator()(barnabas::Strong<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};
