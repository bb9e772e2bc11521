#include "spread.h"

#include <algorithm>
#include <cmath>

namespace barnabas::net {

std::size_t place_of_new(std::span<const ThreadLoad> threads, const SpreadOptions& options) {
  std::size_t fewest = 0;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    if (threads[i].busy <= options.crowded) {
      return i;
    }
    if (threads[i].connections < threads[fewest].connections) {
      fewest = i;
    }
  }
  return fewest;
}

std::optional<Handover> plan_handover(std::span<const ThreadLoad> threads, std::size_t mine,
                                      std::size_t active, const SpreadOptions& options) {
  const double here = threads[mine].busy;
  if (active < 2 || here <= options.crowded) {
    return std::nullopt;
  }
  const auto least = std::ranges::min_element(threads, {}, &ThreadLoad::busy);
  const double gap = here - least->busy;
  if (gap < options.gap) {
    return std::nullopt;
  }
  const double half_of_gap = static_cast<double>(active) * gap / (2 * here);
  const auto connections = static_cast<std::size_t>(std::lround(half_of_gap));
  if (connections == 0) {
    return std::nullopt;
  }
  return Handover{static_cast<std::size_t>(least - threads.begin()), connections};
}

}  // namespace barnabas::net
