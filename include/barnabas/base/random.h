// Randomness is passed in, so that a test can repeat a run from its seed.
#pragma once

#include <cstdint>
#include <memory>

#include "barnabas/base/uuid.h"

namespace barnabas {

// THREAD: home
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  // A random (version 4) id whose text never starts with '-', as Kafka makes them.
  Uuid uuid();
};

[[nodiscard]] std::unique_ptr<Random> make_system_random();
[[nodiscard]] std::unique_ptr<Random> make_seeded_random(std::uint64_t seed);

}  // namespace barnabas
