// Brokers whose controllers share one memory tree. Each has a home, a session, a controller and
// what the controllers' requests have made of it: its metadata and its replicas.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "barnabas/controller/controller.h"
#include "barnabas/metadata/cluster_snapshot.h"
#include "barnabas/protocol/gen/leader_and_isr.h"
#include "barnabas/protocol/gen/stop_replica.h"
#include "barnabas/protocol/gen/update_metadata.h"
#include "barnabas/zk/broker_registration.h"
#include "support/manual_executor.h"
#include "support/memory_tree.h"

namespace barnabas::controller {

struct HeldReplica {
  std::int32_t leader = -1;
  std::int32_t leader_epoch = -1;
  std::int32_t partition_epoch = -1;
  std::vector<std::int32_t> isr;
  Uuid topic_id;
  bool was_new = false;
};

// One broker as the requests of controllers have left it.
class FakeBroker {
 public:
  protocol::LeaderAndIsrResponse take(const protocol::LeaderAndIsrRequest& request) {
    protocol::LeaderAndIsrResponse response;
    requests.push_back(fmt::format("LeaderAndIsr epoch {}", request.controller_epoch));
    if (request.controller_epoch < controller_epoch) {
      response.error_code = static_cast<std::int16_t>(ErrorCode::kStaleControllerEpoch);
      return response;
    }
    controller_epoch = request.controller_epoch;
    for (const auto& topic : request.topic_states) {
      for (const auto& state : topic.partition_states) {
        HeldReplica& held = replicas[{topic.topic_name, PartitionId{state.partition_index}}];
        EXPECT_GE(state.leader_epoch, held.leader_epoch) << topic.topic_name;
        held.leader = state.leader;
        held.leader_epoch = state.leader_epoch;
        held.partition_epoch = state.partition_epoch;
        held.isr = state.isr;
        held.topic_id = topic.topic_id;
        held.was_new = held.was_new || state.is_new;
      }
    }
    return response;
  }
  protocol::StopReplicaResponse take(const protocol::StopReplicaRequest& request) {
    protocol::StopReplicaResponse response;
    requests.push_back(fmt::format("StopReplica epoch {}", request.controller_epoch));
    if (request.controller_epoch < controller_epoch) {
      response.error_code = static_cast<std::int16_t>(ErrorCode::kStaleControllerEpoch);
      return response;
    }
    controller_epoch = request.controller_epoch;
    for (const auto& topic : request.topic_states) {
      for (const auto& state : topic.partition_states) {
        if (state.delete_partition && !fail_deletions) {
          replicas.erase({topic.topic_name, PartitionId{state.partition_index}});
        }
        const auto code = state.delete_partition && fail_deletions ? ErrorCode::kKafkaStorageError
                                                                   : ErrorCode::kNone;
        response.partition_errors.push_back(
            {topic.topic_name, state.partition_index, static_cast<std::int16_t>(code)});
      }
    }
    return response;
  }
  protocol::UpdateMetadataResponse take(const protocol::UpdateMetadataRequest& request) {
    protocol::UpdateMetadataResponse response;
    requests.push_back(fmt::format("UpdateMetadata epoch {}", request.controller_epoch));
    metadata::SnapshotBuilder builder(*snapshot);
    const auto changes = builder.apply(request);
    if (!changes) {
      response.error_code = static_cast<std::int16_t>(changes.error().code);
      return response;
    }
    snapshot = builder.build();
    return response;
  }

  std::vector<std::string> requests;
  std::map<TopicPartition, HeldReplica> replicas;
  std::shared_ptr<const metadata::ClusterSnapshot> snapshot =
      metadata::SnapshotBuilder("cluster").build();
  std::int32_t controller_epoch = 0;
  bool fail_deletions = false;
  bool alive = true;
};

// One controller's way to the brokers. A dead broker never answers; when it is removed, what was
// sent to it fails.
class FakeChannel final : public BrokerChannel {
 public:
  FakeChannel(Executor& home, std::map<BrokerId, FakeBroker>& brokers)
      : home_(home), brokers_(brokers) {}

  void add_broker(BrokerId id, const zk::BrokerZNode& /*node*/) override {
    EXPECT_TRUE(links_.insert(id).second) << id.value();
  }
  void remove_broker(BrokerId id) override {
    EXPECT_EQ(links_.erase(id), 1U) << id.value();
    for (auto& give_up : std::exchange(unanswered_[id], {})) {
      home_.post(std::move(give_up));
    }
  }
  void send(BrokerId to, std::shared_ptr<const protocol::LeaderAndIsrRequest> request,
            ResponseCallback<protocol::LeaderAndIsrResponse> done) override {
    pass(to, std::move(request), std::move(done));
  }
  void send(BrokerId to, std::shared_ptr<const protocol::StopReplicaRequest> request,
            ResponseCallback<protocol::StopReplicaResponse> done) override {
    pass(to, std::move(request), std::move(done));
  }
  void send(BrokerId to, std::shared_ptr<const protocol::UpdateMetadataRequest> request,
            ResponseCallback<protocol::UpdateMetadataResponse> done) override {
    pass(to, std::move(request), std::move(done));
  }

 private:
  template <typename Request, typename Response>
  void pass(BrokerId to, std::shared_ptr<const Request> request, ResponseCallback<Response> done) {
    EXPECT_TRUE(links_.contains(to)) << to.value();
    if (!brokers_[to].alive) {
      unanswered_[to].push_back([done = std::move(done)]() mutable {
        done(fail(ErrorCode::kNetworkException, "the link was closed"));
      });
      return;
    }
    home_.post([this, to, request = std::move(request), done = std::move(done)]() mutable {
      Response response = brokers_[to].take(*request);
      home_.post([response = std::move(response), done = std::move(done)]() mutable {
        done(std::move(response));
      });
    });
  }

  Executor& home_;
  std::map<BrokerId, FakeBroker>& brokers_;
  std::set<BrokerId> links_;
  std::map<BrokerId, std::vector<Task>> unanswered_;
};

class FakeConfigs final : public ConfigListener {
 public:
  void on_config(zk::ConfigType type, const std::string& entity,
                 const zk::ConfigMap& config) override {
    told[std::string(zk::config_type_name(type)) + "/" + entity] = config;
    ++count;
  }
  std::map<std::string, zk::ConfigMap> told;
  int count = 0;
};

class ClusterFixture : public ::testing::Test {
 protected:
  struct Node {
    explicit Node(ClusterFixture& cluster, BrokerId who, ControllerOptions options)
        : id(who),
          home(cluster.time_),
          session(cluster.tree_.connect(home)),
          channel(home, cluster.brokers_),
          random(make_seeded_random(static_cast<std::uint64_t>(who.value()) + 100)),
          controller(Controller::make(
              std::move(options),
              {*session, channel, configs, cluster.time_, *random, cluster.validator_})) {}
    BrokerId id;
    testing::ManualExecutor home;
    std::unique_ptr<testing::MemorySession> session;
    FakeChannel channel;
    FakeConfigs configs;
    std::unique_ptr<Random> random;
    BrokerEpoch epoch{-1};
    std::optional<Status> started;
    std::unique_ptr<Controller> controller;
  };

  void SetUp() override {
    auto session = tree_.connect(home_);
    zk::prepare_tree(*session, *random_, [](Result<std::string> id) { ASSERT_TRUE(id); });
    time_.run_all();
  }

  // A broker that registers and competes; it does not run until time does.
  Node& begin(std::int32_t raw_id, bool delete_enabled = true) {
    const BrokerId id{raw_id};
    ControllerOptions options;
    options.broker = id;
    options.delete_topic_enable = delete_enabled;
    nodes_[id] = std::make_unique<Node>(*this, id, std::move(options));
    Node& node = *nodes_[id];
    brokers_[id].alive = true;
    zk::BrokerZNode znode;
    znode.endpoints.push_back({"PLAINTEXT", "PLAINTEXT", "h" + std::to_string(raw_id), 9092});
    zk::register_broker(*node.session, id, znode, [&node](Result<BrokerEpoch> epoch) {
      ASSERT_TRUE(epoch) << epoch.error().message;
      node.epoch = *epoch;
      node.controller->start(*epoch, [&node](Status status) { node.started = status; });
    });
    return node;
  }
  Node& start(std::int32_t id, bool delete_enabled = true) {
    Node& node = begin(id, delete_enabled);
    time_.run_all();
    return node;
  }
  // kill -9, and its session runs out.
  void kill(std::int32_t raw_id) {
    const BrokerId id{raw_id};
    brokers_[id].alive = false;
    nodes_[id]->session->expire_silently();
    nodes_.erase(id);
    time_.run_all();
  }
  Node& active() {
    Node* found = nullptr;
    for (auto& [id, node] : nodes_) {
      if (node->controller->is_active()) {
        EXPECT_EQ(found, nullptr) << "two controllers";
        found = node.get();
      }
    }
    EXPECT_NE(found, nullptr) << "no controller";
    return *found;
  }

  static NewTopic topic(const std::string& name, std::int32_t partitions = 1,
                        std::int16_t factor = 1) {
    NewTopic topic;
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = factor;
    return topic;
  }
  std::vector<CreatedTopic> create(Node& node, std::vector<NewTopic> topics,
                                   CreateTopicsOptions options = {}) {
    std::optional<std::vector<CreatedTopic>> results;
    node.controller->admin().create_topics(
        std::move(topics), options,
        [&results](std::vector<CreatedTopic> answer) { results = std::move(answer); });
    time_.run_all();
    if (!results) {
      time_.advance(std::chrono::minutes(1));
    }
    EXPECT_TRUE(results) << "no answer";
    return results.value_or(std::vector<CreatedTopic>{});
  }
  CreatedTopic create_one(Node& node, NewTopic topic, CreateTopicsOptions options = {}) {
    auto results = create(node, {std::move(topic)}, options);
    EXPECT_EQ(results.size(), 1U);
    return results.empty() ? CreatedTopic{} : results.front();
  }
  DeletedTopic remove(Node& node, const std::string& name, std::int64_t timeout_ms = 30000) {
    std::optional<std::vector<DeletedTopic>> results;
    node.controller->admin().delete_topics(
        {name}, timeout_ms,
        [&results](std::vector<DeletedTopic> answer) { results = std::move(answer); });
    time_.run_all();
    if (!results) {
      time_.advance(std::chrono::minutes(1));
    }
    EXPECT_TRUE(results) << "no answer";
    return results ? results->front() : DeletedTopic{};
  }
  zk::PartitionStateZNode state_of(const std::string& name, std::int32_t partition = 0) {
    const TopicPartition tp{name, PartitionId{partition}};
    auto state =
        zk::decode_partition_state(tp, tree_.data(zk::partition_state_path(name, tp.partition)));
    EXPECT_TRUE(state);
    return state.value_or(zk::PartitionStateZNode{});
  }
  // Nothing of the topic is left, in the tree or on a live broker.
  void expect_gone(const std::string& name) {
    for (const std::string& path : tree_.paths()) {
      EXPECT_EQ(path.find("/" + name + "/"), std::string::npos) << path;
      EXPECT_FALSE(path.ends_with("/" + name)) << path;
    }
    for (const auto& [id, broker] : brokers_) {
      if (!broker.alive) {
        continue;
      }
      EXPECT_EQ(broker.snapshot->topic(name), nullptr);
      for (const auto& [tp, replica] : broker.replicas) {
        EXPECT_NE(tp.topic, name) << id.value();
      }
    }
  }

  testing::ManualTime time_;
  testing::ManualExecutor home_{time_};
  testing::MemoryTree tree_{time_};
  std::unique_ptr<Random> random_ = make_seeded_random(1);
  TopicConfigValidator validator_;
  std::map<BrokerId, FakeBroker> brokers_;
  std::map<BrokerId, std::unique_ptr<Node>> nodes_;
};

}  // namespace barnabas::controller
