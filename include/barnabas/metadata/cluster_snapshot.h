// What a broker knows of its cluster at one moment: brokers, topics, partitions, configurations.
// Immutable; readers hold it through a SnapshotCell<ClusterSnapshot> and take no lock on the way
// from a topic's name to a partition's leader, nor do they allocate.
// THREAD: any. Built by SnapshotBuilder on the metadata home.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/uuid.h"
#include "barnabas/metadata/sharded_map.h"

namespace barnabas::protocol {
struct UpdateMetadataRequest;
}

namespace barnabas::metadata {

using ConfigMap = std::map<std::string, std::string, std::less<>>;

struct EndPoint {
  std::string listener;                // listener name, upper case
  std::int16_t security_protocol = 0;  // 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL
  std::string host;
  std::int32_t port = -1;
  bool operator==(const EndPoint&) const = default;
};

struct BrokerMetadata {
  BrokerId id{-1};
  std::vector<EndPoint> endpoints;
  std::optional<std::string> rack;
  [[nodiscard]] const EndPoint* endpoint(std::string_view listener) const;  // null: none
  bool operator==(const BrokerMetadata&) const = default;
};

struct PartitionMetadata {
  PartitionId id{0};
  BrokerId leader{-1};  // -1: none
  LeaderEpoch leader_epoch{-1};
  ControllerEpoch controller_epoch{-1};
  PartitionEpoch partition_epoch{-1};
  std::vector<BrokerId> isr;
  std::vector<BrokerId> replicas;
  std::vector<BrokerId> offline_replicas;
};

class TopicMetadata {
 public:
  std::string name;
  Uuid id;  // zero: the controller gave none
  // By partition id; null where a partition has no leadership yet.
  std::vector<std::shared_ptr<const PartitionMetadata>> partitions;
  std::size_t known_partitions = 0;

  [[nodiscard]] const PartitionMetadata* partition(PartitionId id) const {
    const auto index = static_cast<std::size_t>(id.value());
    return id.value() >= 0 && index < partitions.size() ? partitions[index].get() : nullptr;
  }
};

class ClusterSnapshot {
 public:
  [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }
  [[nodiscard]] BrokerId controller() const { return controller_; }  // -1: none known
  [[nodiscard]] ControllerEpoch controller_epoch() const { return controller_epoch_; }
  // Counts the snapshots; a reader that keeps derived state compares it.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  // False until a controller has sent its first full update: requests that need metadata wait.
  [[nodiscard]] bool has_metadata() const { return has_metadata_; }

  [[nodiscard]] const std::vector<BrokerMetadata>& brokers() const { return brokers_; }  // by id
  [[nodiscard]] const BrokerMetadata* broker(BrokerId id) const;

  [[nodiscard]] const TopicMetadata* topic(std::string_view name) const;
  [[nodiscard]] const TopicMetadata* topic(const Uuid& id) const;
  [[nodiscard]] const PartitionMetadata* partition(std::string_view topic, PartitionId id) const;
  [[nodiscard]] std::size_t topic_count() const { return topics_.size(); }
  [[nodiscard]] std::size_t partition_count() const { return partition_count_; }
  [[nodiscard]] std::vector<const TopicMetadata*> topics_by_name() const;  // sorted

  // Overrides of a topic; the empty map when there are none. Valid while the snapshot lives.
  [[nodiscard]] const ConfigMap& topic_config(std::string_view topic) const;
  // Dynamic configs of one broker (/config/brokers/N) and of all (/config/brokers/<default>).
  [[nodiscard]] const ConfigMap& broker_config(BrokerId id) const;
  [[nodiscard]] const ConfigMap& default_broker_config() const { return default_broker_config_; }

 private:
  friend class SnapshotBuilder;

  std::string cluster_id_;
  BrokerId controller_{-1};
  ControllerEpoch controller_epoch_{-1};
  std::uint64_t version_ = 0;
  bool has_metadata_ = false;
  std::size_t partition_count_ = 0;
  std::vector<BrokerMetadata> brokers_;
  ShardedMap<std::string, std::shared_ptr<const TopicMetadata>, StringHash> topics_;
  ShardedMap<Uuid, std::shared_ptr<const TopicMetadata>, IdHash> topics_by_id_;
  ShardedMap<std::string, std::shared_ptr<const ConfigMap>, StringHash> topic_configs_;
  std::map<BrokerId, ConfigMap> broker_configs_;
  ConfigMap default_broker_config_;
};

// Makes the next snapshot out of the present one. Life: one change, then build().
// THREAD: home (whoever owns it)
class SnapshotBuilder {
 public:
  // Starts from nothing, or from `previous`.
  explicit SnapshotBuilder(std::string cluster_id);
  explicit SnapshotBuilder(const ClusterSnapshot& previous);

  // What an update took away, so that the caller can act on it.
  struct Changes {
    std::vector<TopicPartition> deleted;
    std::vector<std::string> deleted_topics;
  };
  // Kafka's rules: the live brokers replace the known ones, partition states are merged, a leader
  // of -2 deletes the partition and with the last one the topic, a new topic id replaces the old
  // topic whole. Takes every version's form (states flat before version 5, by topic since).
  // STALE_CONTROLLER_EPOCH when the request is of an older controller than the one known.
  [[nodiscard]] Result<Changes> apply(const protocol::UpdateMetadataRequest& request);

  void set_topic_config(std::string_view topic, ConfigMap config);
  void remove_topic_config(std::string_view topic);
  void set_broker_config(BrokerId id, ConfigMap config);
  void set_default_broker_config(ConfigMap config);

  // The snapshot, with the next version. The builder is spent.
  [[nodiscard]] std::shared_ptr<const ClusterSnapshot> build();

 private:
  void place(std::shared_ptr<const TopicMetadata> topic);
  void take_out(const TopicMetadata& topic);

  ClusterSnapshot next_;
};

}  // namespace barnabas::metadata
