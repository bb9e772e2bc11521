#include "barnabas/base/random.h"

#include <random>

namespace barnabas {
namespace {

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override {
    return (static_cast<std::uint64_t>(device_()) << 32U) | device_();
  }

 private:
  std::random_device device_;
};

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace

Uuid Random::uuid() {
  for (;;) {
    Uuid id{next(), next()};
    id.high = (id.high & ~0xf000ULL) | 0x4000ULL;                       // version 4
    id.low = (id.low & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;  // IETF variant
    if (!id.to_string().starts_with('-')) {
      return id;
    }
  }
}

std::unique_ptr<Random> make_system_random() {
  return std::make_unique<SystemRandom>();
}

std::unique_ptr<Random> make_seeded_random(std::uint64_t seed) {
  return std::make_unique<SeededRandom>(seed);
}

}  // namespace barnabas
