// One table of the znodes that Kafka 3.9.1 keeps: where they lie, what their JSON says.
// The text written is Kafka's to the byte (compact, Kafka's order of fields, which is the order in
// which its Scala and Java maps iterate); what is read may be any JSON with the same members.
// Source of facts: a recorded tree of a running 3.9.1 cluster and kafka.zk.ZkData.
// THREAD: any. Decoders fail with INVALID_REQUEST naming the path and what is wrong.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/uuid.h"
#include "barnabas/zk/metadata_store.h"

namespace barnabas::zk {

// ---- Fixed places ------------------------------------------------------------------------------
inline constexpr std::string_view kConsumersPath = "/consumers";
inline constexpr std::string_view kBrokerIdsPath = "/brokers/ids";
inline constexpr std::string_view kTopicsPath = "/brokers/topics";
inline constexpr std::string_view kBrokerSeqIdPath = "/brokers/seqid";
inline constexpr std::string_view kConfigChangesPath = "/config/changes";
inline constexpr std::string_view kConfigChangePrefix = "/config/changes/config_change_";
inline constexpr std::string_view kDeleteTopicsPath = "/admin/delete_topics";
inline constexpr std::string_view kReassignPartitionsPath = "/admin/reassign_partitions";
inline constexpr std::string_view kPreferredElectionPath = "/admin/preferred_replica_election";
inline constexpr std::string_view kIsrChangePath = "/isr_change_notification";
inline constexpr std::string_view kLogDirEventPath = "/log_dir_event_notification";
inline constexpr std::string_view kProducerIdBlockPath = "/latest_producer_id_block";
inline constexpr std::string_view kClusterIdPath = "/cluster/id";
inline constexpr std::string_view kControllerPath = "/controller";
inline constexpr std::string_view kControllerEpochPath = "/controller_epoch";
inline constexpr std::string_view kFeaturePath = "/feature";
inline constexpr std::string_view kMigrationPath = "/migration";

inline constexpr std::string_view kDefaultEntity = "<default>";  // stands for all of a kind

// The persistent parents that a broker makes at its start, in this order.
[[nodiscard]] const std::vector<std::string>& start_up_paths();

// ---- Places by name ----------------------------------------------------------------------------
enum class ConfigType : std::uint8_t { kTopic, kClient, kUser, kBroker, kIp };

[[nodiscard]] std::string_view config_type_name(ConfigType type);  // "topics", "clients", ...
[[nodiscard]] std::string config_type_path(ConfigType type);
[[nodiscard]] std::string config_path(ConfigType type, std::string_view entity);
[[nodiscard]] std::string broker_path(BrokerId id);
[[nodiscard]] std::string topic_path(std::string_view topic);
[[nodiscard]] std::string partitions_path(std::string_view topic);
[[nodiscard]] std::string partition_path(std::string_view topic, PartitionId partition);
[[nodiscard]] std::string partition_state_path(std::string_view topic, PartitionId partition);
[[nodiscard]] std::string delete_topic_path(std::string_view topic);

// ---- /controller, /controller_epoch, /cluster/id -----------------------------------------------
struct ControllerZNode {
  BrokerId broker{-1};
  std::int64_t timestamp_ms = 0;
  std::int32_t kraft_controller_epoch = -1;
};
[[nodiscard]] std::string encode(const ControllerZNode& node);
[[nodiscard]] Result<ControllerZNode> decode_controller(const NodeData& data);

[[nodiscard]] std::string encode_controller_epoch(ControllerEpoch epoch);
[[nodiscard]] Result<ControllerEpoch> decode_controller_epoch(const NodeData& data);

[[nodiscard]] std::string encode_cluster_id(std::string_view id);
[[nodiscard]] Result<std::string> decode_cluster_id(const NodeData& data);

// ---- /brokers/ids/N ----------------------------------------------------------------------------
struct BrokerEndPoint {
  std::string listener;           // upper case, as in listener.security.protocol.map
  std::string security_protocol;  // PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL
  std::string host;
  std::int32_t port = -1;
  bool operator==(const BrokerEndPoint&) const = default;
};
struct BrokerZNode {
  std::vector<BrokerEndPoint> endpoints;
  std::optional<std::string> rack;
  std::int32_t jmx_port = -1;
  std::int64_t timestamp_ms = 0;
  std::int32_t version = 5;
};
[[nodiscard]] std::string encode(const BrokerZNode& node);
[[nodiscard]] Result<BrokerZNode> decode_broker(BrokerId id, const NodeData& data);

// ---- /brokers/topics/T -------------------------------------------------------------------------
struct ReplicaAssignment {
  std::vector<BrokerId> replicas;  // the first is the preferred leader
  std::vector<BrokerId> adding;
  std::vector<BrokerId> removing;
  bool operator==(const ReplicaAssignment&) const = default;
};
struct TopicZNode {
  std::optional<Uuid> topic_id;  // absent when an old tool made the topic
  std::map<PartitionId, ReplicaAssignment> partitions;
};
[[nodiscard]] std::string encode(const TopicZNode& node);
[[nodiscard]] Result<TopicZNode> decode_topic(std::string_view topic, const NodeData& data);

// ---- /brokers/topics/T/partitions/P/state ------------------------------------------------------
inline constexpr BrokerId kLeaderNone{-1};
inline constexpr BrokerId kLeaderDuringDelete{-2};

struct PartitionStateZNode {
  BrokerId leader{-1};
  LeaderEpoch leader_epoch{0};
  ControllerEpoch controller_epoch{0};
  std::vector<BrokerId> isr;
  bool recovering = false;  // leader_recovery_state 1: elected from outside the ISR
  bool operator==(const PartitionStateZNode&) const = default;
};
[[nodiscard]] std::string encode(const PartitionStateZNode& node);
[[nodiscard]] Result<PartitionStateZNode> decode_partition_state(const TopicPartition& partition,
                                                                 const NodeData& data);

// ---- /config/<type>/<entity>, /config/changes/config_change_N ----------------------------------
using ConfigMap = std::map<std::string, std::string, std::less<>>;

[[nodiscard]] std::string encode_config(const ConfigMap& config);
// Null data, and JSON without a "config" member, is an empty map, as in Kafka.
[[nodiscard]] Result<ConfigMap> decode_config(std::string_view path, const NodeData& data);

[[nodiscard]] std::string encode_config_change(ConfigType type, std::string_view entity);
struct ConfigChange {
  std::string type;    // "topics", "brokers", ...: also kinds that are not ours to act on
  std::string entity;  // "T", "<default>", "U/clients/C"
};
[[nodiscard]] Result<ConfigChange> decode_config_change(std::string_view path,
                                                        const NodeData& data);

// ---- What old tools and old brokers leave for the controller ------------------------------------
// /admin/reassign_partitions, /admin/preferred_replica_election and the children of
// /isr_change_notification: {"version":1,"partitions":[{"topic":"T","partition":0,...},...]}.
struct PartitionWish {
  TopicPartition partition;
  std::vector<BrokerId> replicas;  // of a reassignment alone
};
[[nodiscard]] Result<std::vector<PartitionWish>> decode_partition_wishes(std::string_view path,
                                                                         const NodeData& data);
// A child of /log_dir_event_notification: the broker of which a log dir has failed.
[[nodiscard]] Result<BrokerId> decode_log_dir_event(std::string_view path, const NodeData& data);

// ---- /latest_producer_id_block, /feature -------------------------------------------------------
struct ProducerIdBlock {
  BrokerId broker{-1};
  ProducerId first{0};
  ProducerId last{0};  // inclusive
};
[[nodiscard]] std::string encode(const ProducerIdBlock& block);
[[nodiscard]] Result<ProducerIdBlock> decode_producer_id_block(const NodeData& data);

// What 3.9.1 writes when no feature was ever finalized.
[[nodiscard]] std::string encode_feature_enabled();

}  // namespace barnabas::zk
