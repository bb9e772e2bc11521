#include "assignor.h"

#include <algorithm>
#include <bit>
#include <tuple>

#include "barnabas/coordinator/group_coordinator.h"
#include "barnabas/coordinator/key_partition.h"

namespace barnabas::coordinator {
namespace {

constexpr std::string_view kUniform = "uniform";
constexpr std::string_view kRange = "range";
constexpr std::string_view kPackage = "org.apache.kafka.coordinator.group.assignor.";

}  // namespace

std::string_view assignor_name(Assignor assignor) {
  return assignor == Assignor::kRange ? kRange : kUniform;
}

std::optional<Assignor> assignor_of(std::string_view name) {
  if (name == kUniform) {
    return Assignor::kUniform;
  }
  if (name == kRange) {
    return Assignor::kRange;
  }
  return std::nullopt;
}

std::optional<Assignor> configured_assignor(std::string_view word) {
  if (word.starts_with(kPackage)) {
    word.remove_prefix(kPackage.size());
    if (word == "UniformAssignor") {
      return Assignor::kUniform;
    }
    return word == "RangeAssignor" ? std::optional(Assignor::kRange) : std::nullopt;
  }
  return assignor_of(word);
}

Targets assign(Assignor assignor, const AssignorInput& input) {
  if (input.members.empty()) {
    return {};
  }
  if (assignor == Assignor::kRange) {
    return assign_range(input);
  }
  return input.same_subscriptions ? assign_uniform(input) : assign_uniform_mixed(input);
}

std::optional<std::string> assignor_by_config(std::string_view word) {
  const auto assignor = configured_assignor(word);
  return assignor ? std::optional<std::string>(assignor_name(*assignor)) : std::nullopt;
}

std::vector<std::string> java_order(std::vector<std::string> keys) {
  // A table of 16 that doubles above three quarters; a key's place is its hash folded once.
  const std::size_t wanted = keys.size() + keys.size() / 3 + 1;
  const auto slots = static_cast<std::uint32_t>(std::max<std::size_t>(16, std::bit_ceil(wanted)));
  const auto slot = [slots](const std::string& key) {
    const auto hash = static_cast<std::uint32_t>(java_string_hash(key));
    return (hash ^ (hash >> 16U)) & (slots - 1);
  };
  // Of two in one place, Kafka's depends on the order in which they came; here on their names.
  std::ranges::sort(keys, {}, [&](const std::string& key) { return std::tuple(slot(key), key); });
  return keys;
}

}  // namespace barnabas::coordinator
