// The controller dies at each of its writes, before and after it is carried out; the next one has
// to finish the job, whatever it finds.
#include "cluster_fixture.h"

namespace barnabas::controller {
namespace {

class ControllerCrashTest : public ClusterFixture {
 protected:
  void arm(Node& node, std::uint64_t step, bool carry_out) {
    if (carry_out) {
      node.session->die_after_write(step);
    } else {
      node.session->die_before_write(step);
    }
  }
  // Broker 1's process dies with its controller; its session runs out and it starts again.
  void next_life() {
    kill(1);
    start(1);
    time_.run_all();
  }
  void expect_whole(const std::string& name, int partitions) {
    const auto* seen = brokers_[BrokerId{1}].snapshot->topic(name);
    ASSERT_NE(seen, nullptr);
    EXPECT_EQ(seen->partitions.size(), static_cast<std::size_t>(partitions));
    EXPECT_TRUE(tree_.exists("/config/topics/" + name));
    for (int i = 0; i < partitions; ++i) {
      EXPECT_GE(state_of(name, i).leader.value(), 1);
      EXPECT_GE(seen->partition(PartitionId{i})->leader.value(), 1);
    }
  }
};

TEST_F(ControllerCrashTest, AtEveryWriteOfACreation) {
  for (const bool carry_out : {false, true}) {
    int found_whole = 0;
    int found_nothing = 0;
    for (std::uint64_t step = 0; step < 8; ++step) {
      SCOPED_TRACE(fmt::format("write {} carried out: {}", step, carry_out));
      Node& node = start(1);
      const std::string name = fmt::format("t{}-{}", step, carry_out ? "after" : "before");
      arm(node, step, carry_out);
      node.controller->admin().create_topics({topic(name, 2)}, {}, [](auto) {});
      time_.run_all();
      next_life();
      if (tree_.exists("/brokers/topics/" + name)) {
        expect_whole(name, 2);
        ++found_whole;
      } else {
        expect_gone(name);
        ++found_nothing;
      }
      EXPECT_TRUE(active().controller->idle());
      kill(1);
    }
    EXPECT_EQ(found_nothing, carry_out ? 0 : 1) << "all or nothing";
    EXPECT_GT(found_whole, 6);
  }
}

TEST_F(ControllerCrashTest, AtEveryWriteOfADeletion) {
  for (const bool carry_out : {false, true}) {
    for (std::uint64_t step = 0; step < 12; ++step) {
      SCOPED_TRACE(fmt::format("write {} carried out: {}", step, carry_out));
      Node& node = start(1);
      const std::string name = fmt::format("t{}-{}", step, carry_out ? "after" : "before");
      ASSERT_EQ(create_one(node, topic(name, 2)).error, ErrorCode::kNone);
      arm(node, step, carry_out);
      node.controller->admin().delete_topics({name}, 30000, [](auto) {});
      time_.run_all();
      next_life();
      if (step == 0 && !carry_out) {
        expect_whole(name, 2);  // nobody has been told
        ASSERT_EQ(remove(active(), name).error, ErrorCode::kNone);
      }
      expect_gone(name);
      EXPECT_TRUE(active().controller->idle());
      kill(1);
    }
  }
}

// The survivor takes over at once, with a live broker that still holds replicas.
TEST_F(ControllerCrashTest, AtEveryWriteWithASurvivor) {
  for (const bool deletion : {false, true}) {
    for (std::uint64_t step = 0; step < 14; ++step) {
      SCOPED_TRACE(fmt::format("{} write {}", deletion ? "deletion" : "creation", step));
      Node& one = start(1);
      start(2);
      ASSERT_TRUE(one.controller->is_active());
      const std::string name = fmt::format("{}{}", deletion ? "d" : "c", step);
      if (deletion) {
        ASSERT_EQ(create_one(one, topic(name, 2, 2)).error, ErrorCode::kNone);
      }
      one.session->die_after_write(step);
      if (deletion) {
        one.controller->admin().delete_topics({name}, 30000, [](auto) {});
      } else {
        one.controller->admin().create_topics({topic(name, 2, 2)}, {}, [](auto) {});
      }
      time_.run_all();
      kill(1);
      EXPECT_EQ(active().id, BrokerId{2});
      start(1);
      if (deletion) {
        expect_gone(name);
      } else {
        expect_whole(name, 2);
      }
      kill(2);
      kill(1);
      brokers_.clear();
    }
  }
}

TEST_F(ControllerCrashTest, AtEveryWriteOfAnElection) {
  for (const bool carry_out : {false, true}) {
    for (std::uint64_t step = 0; step < 5; ++step) {
      SCOPED_TRACE(fmt::format("write {} carried out: {}", step, carry_out));
      Node& node = begin(1);
      arm(node, step, carry_out);
      time_.run_all();
      nodes_[BrokerId{1}]->session->expire_silently();
      nodes_.erase(BrokerId{1});
      Node& next = start(1);
      EXPECT_TRUE(next.controller->is_active());
      EXPECT_EQ(tree_.data("/controller_epoch"), std::to_string(next.controller->epoch().value()));
      kill(1);
    }
  }
}

}  // namespace
}  // namespace barnabas::controller
