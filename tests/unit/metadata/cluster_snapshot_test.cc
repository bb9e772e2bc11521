#include "barnabas/metadata/cluster_snapshot.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "barnabas/protocol/gen/update_metadata.h"

namespace {
// Counts allocations, to show that lookups make none.
thread_local std::size_t allocations = 0;
}  // namespace

// ThreadSanitizer brings operators of its own that cannot be replaced; nothing is counted there.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BARNABAS_OWN_ALLOCATOR 0
#endif
#endif
#ifndef BARNABAS_OWN_ALLOCATOR
#define BARNABAS_OWN_ALLOCATOR 1
#endif

#if BARNABAS_OWN_ALLOCATOR
// Not inlined: g++-12 would take the pair for a mismatch of new and free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) {
    return memory;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

#endif

namespace barnabas::metadata {
namespace {

using protocol::UpdateMetadataRequest;
using Snapshot = std::shared_ptr<const ClusterSnapshot>;

class ClusterSnapshotTest : public ::testing::Test {
 protected:
  static UpdateMetadataRequest request(std::int32_t epoch = 1) {
    UpdateMetadataRequest request;
    request.controller_id = 1;
    request.controller_epoch = epoch;
    for (const std::int32_t id : {2, 1}) {
      auto& broker = request.live_brokers.emplace_back();
      broker.id = id;
      broker.rack = std::nullopt;
      broker.endpoints.push_back({9090 + id, "h" + std::to_string(id), "PLAINTEXT", 0});
      broker.endpoints.push_back({9190 + id, "h" + std::to_string(id), "INTERNAL", 1});
    }
    return request;
  }
  static void add(UpdateMetadataRequest& request, const std::string& topic, Uuid id, int partition,
                  int leader, int leader_epoch = 0) {
    if (request.topic_states.empty() || request.topic_states.back().topic_name != topic) {
      auto& state = request.topic_states.emplace_back();
      state.topic_name = topic;
      state.topic_id = id;
    }
    auto& state = request.topic_states.back().partition_states.emplace_back();
    state.partition_index = partition;
    state.controller_epoch = 1;
    state.leader = leader;
    state.leader_epoch = leader_epoch;
    state.isr = {1, 2};
    state.replicas = {1, 2};
    state.zk_version = 5;
  }
  SnapshotBuilder::Changes apply(const UpdateMetadataRequest& request) {
    SnapshotBuilder builder(*snapshot_);
    auto changes = builder.apply(request);
    EXPECT_TRUE(changes);
    snapshot_ = builder.build();
    return changes ? *changes : SnapshotBuilder::Changes{};
  }

  Snapshot snapshot_ = SnapshotBuilder("cluster").build();
};

TEST_F(ClusterSnapshotTest, BeginsEmptyAndSaysSo) {
  EXPECT_FALSE(snapshot_->has_metadata());
  EXPECT_EQ(snapshot_->controller(), kNoBroker);
  apply(request());
  EXPECT_TRUE(snapshot_->has_metadata());
  EXPECT_EQ(snapshot_->cluster_id(), "cluster");
  EXPECT_EQ(snapshot_->version(), 2U);
}

TEST_F(ClusterSnapshotTest, BrokersReplaceEachOtherAndAreFoundByIdAndListener) {
  apply(request());
  ASSERT_EQ(snapshot_->brokers().size(), 2U);
  EXPECT_EQ(snapshot_->brokers()[0].id, BrokerId{1});
  EXPECT_EQ(snapshot_->broker(BrokerId{2})->endpoint("INTERNAL")->port, 9192);
  EXPECT_EQ(snapshot_->broker(BrokerId{2})->endpoint("EXTERNAL"), nullptr);
  EXPECT_EQ(snapshot_->broker(BrokerId{3}), nullptr);
  auto next = request();
  next.live_brokers.pop_back();
  apply(next);
  EXPECT_EQ(snapshot_->broker(BrokerId{1}), nullptr);
}

TEST_F(ClusterSnapshotTest, PartitionsAreMergedAndOldSnapshotsStay) {
  auto first = request();
  add(first, "t", Uuid{1, 1}, 0, 1);
  add(first, "t", Uuid{1, 1}, 2, 1);
  apply(first);
  const Snapshot before = snapshot_;
  auto second = request();
  add(second, "t", Uuid{1, 1}, 2, 2, 7);
  add(second, "u", Uuid{2, 2}, 0, 2);
  apply(second);
  EXPECT_EQ(snapshot_->partition("t", PartitionId{0})->leader, BrokerId{1});
  EXPECT_EQ(snapshot_->partition("t", PartitionId{2})->leader_epoch, LeaderEpoch{7});
  EXPECT_EQ(snapshot_->partition("t", PartitionId{1}), nullptr);
  EXPECT_EQ(snapshot_->partition("t", PartitionId{-1}), nullptr);
  EXPECT_EQ(snapshot_->topic(Uuid{2, 2})->name, "u");
  EXPECT_EQ(snapshot_->topic_count(), 2U);
  EXPECT_EQ(snapshot_->partition_count(), 3U);
  EXPECT_EQ(snapshot_->topics_by_name().front()->name, "t");
  EXPECT_EQ(before->partition("t", PartitionId{2})->leader_epoch, LeaderEpoch{0});
  EXPECT_EQ(before->topic("u"), nullptr);
}

TEST_F(ClusterSnapshotTest, DeletionTakesPartitionsAndAtLastTheTopic) {
  auto first = request();
  add(first, "t", Uuid{1, 1}, 0, 1);
  add(first, "t", Uuid{1, 1}, 1, 1);
  apply(first);
  auto one = request();
  add(one, "t", Uuid{1, 1}, 1, -2);
  auto changes = apply(one);
  EXPECT_EQ(changes.deleted, (std::vector<TopicPartition>{{"t", PartitionId{1}}}));
  EXPECT_TRUE(changes.deleted_topics.empty());
  EXPECT_EQ(snapshot_->topic("t")->partitions.size(), 1U);
  auto two = request();
  add(two, "t", Uuid{1, 1}, 0, -2);
  add(two, "t", Uuid{1, 1}, 1, -2);
  changes = apply(two);
  EXPECT_EQ(changes.deleted.size(), 1U);
  EXPECT_EQ(changes.deleted_topics, std::vector<std::string>{"t"});
  EXPECT_EQ(snapshot_->topic("t"), nullptr);
  EXPECT_EQ(snapshot_->topic(Uuid{1, 1}), nullptr);
  EXPECT_EQ(snapshot_->partition_count(), 0U);
}

TEST_F(ClusterSnapshotTest, ANewTopicIdIsANewTopic) {
  auto first = request();
  add(first, "t", Uuid{1, 1}, 0, 1);
  add(first, "t", Uuid{1, 1}, 1, 1);
  apply(first);
  auto second = request();
  add(second, "t", Uuid{9, 9}, 0, 2);
  apply(second);
  EXPECT_EQ(snapshot_->topic(Uuid{1, 1}), nullptr);
  EXPECT_EQ(snapshot_->topic(Uuid{9, 9})->partitions.size(), 1U);
}

TEST_F(ClusterSnapshotTest, OldVersionsAreRead) {
  auto old = request();
  old.live_brokers.clear();
  old.live_brokers.emplace_back().id = 3;
  old.live_brokers.back().v0_host = "h3";
  old.live_brokers.back().v0_port = 1;
  auto& second = old.live_brokers.emplace_back();
  second.id = 4;
  second.endpoints.push_back({2, "h4", "", 3});
  auto& state = old.ungrouped_partition_states.emplace_back();
  state.topic_name = "t";
  state.leader = 3;
  apply(old);
  EXPECT_EQ(snapshot_->broker(BrokerId{3})->endpoint("PLAINTEXT")->host, "h3");
  EXPECT_EQ(snapshot_->broker(BrokerId{4})->endpoint("SASL_SSL")->port, 2);
  EXPECT_EQ(snapshot_->broker(BrokerId{4})->rack, std::nullopt);
  EXPECT_EQ(snapshot_->partition("t", PartitionId{0})->leader, BrokerId{3});
}

TEST_F(ClusterSnapshotTest, AnOlderControllerIsRefused) {
  apply(request(5));
  SnapshotBuilder builder(*snapshot_);
  const auto refused = builder.apply(request(4));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kStaleControllerEpoch);
  EXPECT_TRUE(SnapshotBuilder(*snapshot_).apply(request(5)));
}

TEST_F(ClusterSnapshotTest, ConfigsAreKept) {
  SnapshotBuilder builder(*snapshot_);
  builder.set_topic_config("t", {{"retention.ms", "1"}});
  builder.set_broker_config(BrokerId{1}, {{"a", "1"}});
  builder.set_default_broker_config({{"b", "2"}});
  snapshot_ = builder.build();
  apply(request());
  EXPECT_EQ(snapshot_->topic_config("t").at("retention.ms"), "1");
  EXPECT_TRUE(snapshot_->topic_config("u").empty());
  EXPECT_EQ(snapshot_->broker_config(BrokerId{1}).at("a"), "1");
  EXPECT_TRUE(snapshot_->broker_config(BrokerId{2}).empty());
  EXPECT_EQ(snapshot_->default_broker_config().at("b"), "2");
  SnapshotBuilder next(*snapshot_);
  next.set_topic_config("t", {});
  EXPECT_TRUE(next.build()->topic_config("t").empty());
}

TEST_F(ClusterSnapshotTest, LookupsAllocateNothing) {
  auto many = request();
  for (int i = 0; i < 500; ++i) {
    add(many, fmt::format("a-topic-with-a-long-name-{}", i), Uuid{1, static_cast<std::uint64_t>(i)},
        0, 1);
  }
  apply(many);
  const std::string_view name = "a-topic-with-a-long-name-77";
  const std::size_t before = allocations;
  const PartitionMetadata* const found = snapshot_->partition(name, PartitionId{0});
  const TopicMetadata* const by_id = snapshot_->topic(Uuid{1, 77});
  const bool config = snapshot_->topic_config(name).empty();
  const std::size_t after = allocations;
  EXPECT_EQ(after, before);
  EXPECT_EQ(found->leader, BrokerId{1});
  EXPECT_EQ(by_id->name, name);
  EXPECT_TRUE(config);
}

}  // namespace
}  // namespace barnabas::metadata
