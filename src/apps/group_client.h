// Consumer groups as the administrators' tools see them: the requests, each to the coordinator that
// has the group, and their answers as values. As Java's AdminClient, a group is asked for by
// ConsumerGroupDescribe first and, where that does not know it, by DescribeGroups.
// Fails: NETWORK_EXCEPTION, the broker's error as check_answer makes it.
// THREAD: any, one owner (blocking)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "cluster_client.h"
#include "coordinator_client.h"

namespace barnabas::apps {

struct GroupListing {
  std::string id;
  std::string type;   // as Kafka prints it: "Classic", "Consumer"; empty: the broker does not tell
  std::string state;  // "Stable", ...
};

struct GroupMember {
  std::string id;
  std::string instance_id;  // empty: a dynamic member
  std::string client_id;
  std::string host;
  std::vector<TopicPartition> partitions;
};

struct GroupDescription {
  std::string id;
  std::string state;
  std::string assignor;
  std::vector<GroupMember> members;
  Coordinator coordinator;
};

using GroupOffsets = std::map<TopicPartition, std::int64_t>;

class GroupClient {
 public:
  GroupClient(ClusterClient& cluster, std::chrono::milliseconds timeout)
      : cluster_(cluster), timeout_(timeout) {}

  // Consumer groups, and groups without members ever; empty filters let everything pass.
  // In the order of a java.util.HashMap, which is that of Kafka's tool.
  [[nodiscard]] Result<std::vector<GroupListing>> list(const std::vector<std::string>& states,
                                                       const std::vector<std::string>& types);
  // A group that does not exist is "Dead". INVALID_REQUEST: it is no consumer group.
  [[nodiscard]] Result<GroupDescription> describe(const std::string& group);
  [[nodiscard]] Result<GroupOffsets> committed(const std::string& group);
  [[nodiscard]] Status commit(const std::string& group, const GroupOffsets& offsets);
  // What became of each partition; fails with the error of the group as a whole.
  [[nodiscard]] Result<std::map<TopicPartition, ErrorCode>> delete_offsets(
      const std::string& group, const std::vector<TopicPartition>& partitions);
  [[nodiscard]] Status remove(const std::string& group);

  [[nodiscard]] ClusterClient& cluster() { return cluster_; }

 private:
  [[nodiscard]] Status ask(const std::string& group,
                           const std::function<Status(WireClient&, const Coordinator&)>& call);

  ClusterClient& cluster_;
  std::chrono::milliseconds timeout_;
};

}  // namespace barnabas::apps
