// The coordinator's own ways of sharing partitions among the members of a consumer group.
//
//   uniform  balanced (no two members with the same choice differ by more than one), then sticky
//   range    of each topic a contiguous range, the same one of topics that have as many partitions
//
// Pure: from who subscribes to what and has what by now to what each is to have. Which member gets
// which partition is Kafka 3.9.1's choice wherever that depends on member ids alone; where it
// depends on hashes of topic ids, topics are taken in the order of their ids.
// THREAD: any
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "consumer_group_types.h"

namespace barnabas::coordinator {

struct AssignorMember {
  std::string id{};
  std::optional<std::string> instance_id{};
  std::set<Uuid> topics{};  // of those that exist
  Assignment target{};      // what it was to have before
};

struct AssignorInput {
  std::vector<AssignorMember> members{};      // in Kafka's order, see java_order()
  std::map<Uuid, std::int32_t> partitions{};  // how many, of every subscribed topic
  bool same_subscriptions = true;             // of all members
};

enum class Assignor : std::uint8_t { kUniform, kRange };

// Names as in requests.
[[nodiscard]] std::string_view assignor_name(Assignor assignor);
[[nodiscard]] std::optional<Assignor> assignor_of(std::string_view name);
// A word of group.consumer.assignors: a name, or the class of Kafka's that has it.
[[nodiscard]] std::optional<Assignor> configured_assignor(std::string_view word);

// Every member of the input is in the result.
[[nodiscard]] Targets assign(Assignor assignor, const AssignorInput& input);

// The parts of assign(); files of their own.
[[nodiscard]] Targets assign_range(const AssignorInput& input);
[[nodiscard]] Targets assign_uniform(const AssignorInput& input);        // same subscriptions
[[nodiscard]] Targets assign_uniform_mixed(const AssignorInput& input);  // any

// The order in which java.util.HashMap goes through these keys.
[[nodiscard]] std::vector<std::string> java_order(std::vector<std::string> keys);

}  // namespace barnabas::coordinator
