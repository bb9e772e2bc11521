// What request handlers ask of the controller: topics made, grown and deleted, leaders elected,
// reassignments, blocks of producer ids.
// Only the active controller answers; elsewhere every result is NOT_CONTROLLER.
// Rules and sentences are Kafka's 3.9.1 (ZkAdminManager, AdminZkClient, AdminUtils).
// THREAD: any. Callbacks run on the controller's home; the caller posts them to its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/uuid.h"
#include "barnabas/zk/znodes.h"

namespace barnabas::controller {

// Judges the overrides of a topic; the broker supplies it. INVALID_CONFIG with Kafka's sentence.
using TopicConfigValidator =
    std::function<Status(const std::string& topic, const zk::ConfigMap& config)>;

struct NewTopic {
  std::string name;
  std::int32_t num_partitions = -1;      // -1: `default_partitions` of the request
  std::int16_t replication_factor = -1;  // -1: `default_replication_factor` of the request
  // Partition and its brokers; empty: chosen by the controller.
  std::vector<std::pair<PartitionId, std::vector<BrokerId>>> assignments;
  std::vector<std::pair<std::string, std::optional<std::string>>> configs;  // in order of asking
};

struct CreateTopicsOptions {
  std::int32_t default_partitions = 1;
  std::int16_t default_replication_factor = 1;
  bool validate_only = false;
  // How long to wait until this broker's metadata holds the topic with its leaders. Not positive:
  // answered REQUEST_TIMED_OUT at once although the topic is being made, as Kafka does.
  std::int64_t timeout_ms = 30000;
};

struct CreatedTopic {
  std::string name;
  ErrorCode error = ErrorCode::kNone;
  std::string message;  // Kafka's sentence; empty: none
  // Set also when `error` is REQUEST_TIMED_OUT; topic_id is zero when only validated.
  Uuid topic_id;
  std::int32_t num_partitions = -1;
  std::int16_t replication_factor = -1;
  zk::ConfigMap configs;  // the overrides, from which the broker shows what is in effect
};

struct DeletedTopic {
  std::string name;
  ErrorCode error = ErrorCode::kNone;
  std::string message;
};

// A topic that is to have more partitions.
struct TopicGrowth {
  std::string name;
  std::int32_t num_partitions = 0;  // in all, not those that are added
  // The brokers of each added partition, in order; none: chosen by the controller.
  std::optional<std::vector<std::vector<BrokerId>>> assignments;
};

struct GrowTopicsOptions {
  bool validate_only = false;
  std::int64_t timeout_ms = 30000;  // as in CreateTopicsOptions
};

struct GrownTopic {
  std::string name;
  ErrorCode error = ErrorCode::kNone;
  std::string message;
};

struct PartitionOutcome {
  TopicPartition partition;
  ErrorCode error = ErrorCode::kNone;
  std::string message;
};

// Which partitions shall have another leader: the first of their replicas, or, `unclean`, any that
// is alive where there is none.
struct LeaderElection {
  std::optional<std::set<TopicPartition>> partitions;  // none: all there are
  bool unclean = false;
  std::int64_t timeout_ms = 60000;
};

// The replicas a partition shall have; none: what is under way is called off.
using Reassignments = std::map<TopicPartition, std::optional<std::vector<BrokerId>>>;

struct OngoingReassignment {
  TopicPartition partition;
  zk::ReplicaAssignment assignment;
};

using ProducerIdBlock = zk::ProducerIdBlock;

class TopicAdmin {
 public:
  virtual ~TopicAdmin() = default;

  // The topics' names differ from each other (the handler answers doubles itself). Results come in
  // the order of asking, all at once, when every created topic has reached this broker's metadata.
  virtual void create_topics(std::vector<NewTopic> topics, CreateTopicsOptions options,
                             std::move_only_function<void(std::vector<CreatedTopic>)> done) = 0;

  // By name: the handler turns ids into names through its snapshot. Answered when the topics have
  // left this broker's metadata; REQUEST_TIMED_OUT when that takes longer than `timeout_ms`.
  virtual void delete_topics(std::vector<std::string> names, std::int64_t timeout_ms,
                             std::move_only_function<void(std::vector<DeletedTopic>)> done) = 0;

  // The topics' names differ from each other. Answered, in the order of asking, when the added
  // partitions have reached this broker's metadata with their leaders.
  virtual void create_partitions(std::vector<TopicGrowth> topics, GrowTopicsOptions options,
                                 std::move_only_function<void(std::vector<GrownTopic>)> done) = 0;

  // Answered when this broker's metadata shows the elected leaders. Where the leader is right
  // already: ELECTION_NOT_NEEDED.
  virtual void elect_leaders(LeaderElection election,
                             std::move_only_function<void(std::vector<PartitionOutcome>)> done) = 0;

  // Judged as Kafka does; an assignment that would move a replica is OPERATION_NOT_ATTEMPTED.
  virtual void alter_reassignments(
      Reassignments wanted,
      std::move_only_function<void(Result<std::vector<PartitionOutcome>>)> done) = 0;
  // Partitions whose replicas are being moved, by topic and partition.
  virtual void list_reassignments(
      std::move_only_function<void(Result<std::vector<OngoingReassignment>>)> done) = 0;

  // The next 1000 producer ids, written to /latest_producer_id_block before the answer.
  virtual void allocate_producer_ids(
      BrokerId broker, BrokerEpoch broker_epoch,
      std::move_only_function<void(Result<ProducerIdBlock>)> done) = 0;
};

}  // namespace barnabas::controller
