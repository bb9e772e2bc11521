// The states of a transaction by the numbers of the transaction log, in Kafka's words. Pure.
// THREAD: any
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace barnabas::apps {

[[nodiscard]] inline std::string_view transaction_state_name(std::int8_t state) {
  constexpr std::array<std::string_view, 8> kNames = {
      "Empty",          "Ongoing",       "PrepareCommit", "PrepareAbort",
      "CompleteCommit", "CompleteAbort", "Dead",          "PrepareEpochFence"};
  const auto index = static_cast<std::size_t>(state);
  return state >= 0 && index < kNames.size() ? kNames[index] : "Unknown";
}

}  // namespace barnabas::apps
