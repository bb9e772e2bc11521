// Random values for the fields of messages, with the edges (least, greatest, empty, long) often.
#pragma once

#include <concepts>
#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/random.h"
#include "barnabas/base/uuid.h"
#include "barnabas/protocol/records.h"

namespace barnabas::protocol::testing {

class Filler {
 public:
  explicit Filler(Random& random) : random_(random) {}

  // Leave a field as it is, now and then.
  [[nodiscard]] bool keep_default() { return random_.below(6) == 0; }
  [[nodiscard]] bool null() { return random_.below(4) == 0; }

  template <std::integral T>
  void fill(T& value) {
    switch (random_.below(6)) {
      case 0:
        value = std::numeric_limits<T>::min();
        break;
      case 1:
        value = std::numeric_limits<T>::max();
        break;
      case 2:
        value = static_cast<T>(random_.below(100));
        break;
      default:
        value = static_cast<T>(random_.next());
    }
  }
  void fill(bool& value) { value = random_.below(2) == 0; }
  void fill(double& value);
  void fill(Uuid& value) { value = {random_.next(), random_.next()}; }
  void fill(std::string& value);
  void fill(ByteVector& value);
  void fill(Records& value);

  template <typename T>
  std::vector<T>& resize(std::vector<T>& items) {
    items.clear();
    items.resize(count());
    return items;
  }

 private:
  std::size_t count();

  Random& random_;
  std::deque<ByteVector> records_;  // what filled Records point to
};

}  // namespace barnabas::protocol::testing
