// Where connections go: to which io thread a new one, and how many of a crowded one to which other.
// Pure: the figures come in, the decision comes out. The rules are told in server.h.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "barnabas/net/server.h"

namespace barnabas::net {

struct ThreadLoad {
  double busy = 0;              // share of the time
  std::size_t connections = 0;  // those on their way there included
};

// The first that is not crowded; when all are, the one with the fewest connections.
[[nodiscard]] std::size_t place_of_new(std::span<const ThreadLoad> threads,
                                       const SpreadOptions& options);

struct Handover {
  std::size_t to = 0;
  std::size_t connections = 0;  // 1 at least
};

// What thread `mine` gives away, on which `active` connections had something to do of late; each
// counts as an equal part of what keeps it busy. The only active one stays: it would crowd the
// other thread instead.
[[nodiscard]] std::optional<Handover> plan_handover(std::span<const ThreadLoad> threads,
                                                    std::size_t mine, std::size_t active,
                                                    const SpreadOptions& options);

}  // namespace barnabas::net
