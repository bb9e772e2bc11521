// Groups of the consumer protocol: what members hear, who has what, what is written.
#include "coordinator/consumer_group.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "barnabas/base/random.h"
#include "consumer_player.h"

namespace barnabas::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Says = ConsumerPlayer::Says;

constexpr auto kNone = ErrorCode::kNone;

TEST(ConsumerGroup, TheFirstMemberHasAll) {
  ConsumerPlayer p;
  p.topics.set("t", 3);
  const auto joined = p.join("a", {"t"});
  EXPECT_EQ(joined.error, kNone);
  EXPECT_EQ(joined.epoch, 1);
  EXPECT_EQ(joined.assigned, (Owned{{"t", {0, 1, 2}}}));
  EXPECT_EQ(p.group.state_name(), "Stable");
  // Nothing new: nothing is said and nothing written.
  const auto again = p.beat("a", 1);
  EXPECT_EQ(again.assigned, std::nullopt);
  EXPECT_EQ(again.records, 0U);
  // All of it again to one that says everything.
  EXPECT_TRUE(p.beat("a", 1,
                     {.topics = std::vector<std::string>{"t"},
                      .owned = Owned{},
                      .rebalance_timeout_ms = 300000})
                  .assigned.has_value());
}

TEST(ConsumerGroup, PartitionsMoveWhenTheyWereGivenUp) {
  ConsumerPlayer p;
  p.topics.set("t", 4);
  p.join("a", {"t"});
  const auto second = p.join("b", {"t"});
  EXPECT_EQ(second.epoch, 2);
  EXPECT_EQ(second.assigned, Owned{});
  EXPECT_EQ(p.find("b")->state, MemberState::kUnreleasedPartitions);
  EXPECT_EQ(p.group.state_name(), "Reconciling");
  const Owned kept = p.target("a");
  // a is told and stays in its epoch until it owns no more than that.
  const auto told = p.beat("a", 1);
  EXPECT_EQ(told.epoch, 1);
  EXPECT_EQ(told.assigned, kept);
  EXPECT_EQ(p.beat("a", 1, {.owned = Owned{{"t", {0, 1, 2, 3}}}}).records, 0U);
  EXPECT_EQ(p.beat("b", 2).records, 1U);  // its own epoch was the one before
  EXPECT_EQ(p.beat("b", 2).records, 0U);
  const auto done = p.beat("a", 1, {.owned = kept});
  EXPECT_EQ(done.epoch, 2);
  EXPECT_EQ(done.assigned, std::nullopt);
  const auto given = p.beat("b", 2, {.owned = Owned{}});
  EXPECT_EQ(given.assigned, p.target("b"));
  EXPECT_EQ(p.group.state_name(), "Stable");
}

TEST(ConsumerGroup, EpochsFence) {
  struct Row {
    const char* what;
    std::string member;
    std::int32_t epoch;
    std::optional<Owned> owned;
    ErrorCode expected;
  };
  const std::vector<Row> rows = {
      {"the epoch it has", "a", 2, std::nullopt, kNone},
      {"a greater one", "a", 3, std::nullopt, ErrorCode::kFencedMemberEpoch},
      {"the one before, silent", "a", 1, std::nullopt, ErrorCode::kFencedMemberEpoch},
      {"the one before, with its own", "a", 1, Owned{{"t", {0}}}, kNone},
      {"the one before, with nothing", "a", 1, Owned{}, kNone},
      {"the one before, with another's", "a", 1, Owned{{"u", {0}}}, ErrorCode::kFencedMemberEpoch},
      {"an older one", "a", 0, Owned{}, ErrorCode::kInvalidRequest},
      {"nobody's", "x", 2, std::nullopt, ErrorCode::kUnknownMemberId},
      {"nobody's that leaves", "x", -1, std::nullopt, ErrorCode::kUnknownMemberId},
  };
  for (const auto& row : rows) {
    ConsumerPlayer p;
    p.topics.set("t", 1);
    p.topics.set("u", 1);
    p.join("a", {"t"});
    p.beat("a", 1, {.topics = std::vector<std::string>{"t", "v"}});
    ASSERT_EQ(p.find("a")->epoch, 2);
    ASSERT_EQ(p.find("a")->previous_epoch, 1);
    EXPECT_EQ(p.beat(row.member, row.epoch, {.owned = row.owned}).error, row.expected) << row.what;
  }
}

TEST(ConsumerGroup, RequestsThatMakeNoSense) {
  ConsumerPlayer p;
  const Says full{
      .topics = std::vector<std::string>{"t"}, .owned = Owned{}, .rebalance_timeout_ms = 1};
  const auto with = [&](auto change) {
    Says says = full;
    change(says);
    return p.beat("a", 0, says).error;
  };
  EXPECT_EQ(with([](Says& s) { s.rebalance_timeout_ms = -1; }), ErrorCode::kInvalidRequest);
  EXPECT_EQ(with([](Says& s) { s.topics.reset(); }), ErrorCode::kInvalidRequest);
  EXPECT_EQ(with([](Says& s) { s.topics->clear(); }), ErrorCode::kInvalidRequest);
  EXPECT_EQ(with([](Says& s) { s.owned.reset(); }), ErrorCode::kInvalidRequest);
  EXPECT_EQ(with([](Says& s) { s.instance = ""; }), ErrorCode::kInvalidRequest);
  EXPECT_EQ(with([](Says& s) { s.rack = ""; }), ErrorCode::kInvalidRequest);
  EXPECT_EQ(with([](Says& s) { s.assignor = "sticky"; }), ErrorCode::kUnsupportedAssignor);
  EXPECT_EQ(p.beat("a", -3).error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(p.beat("a", -2).error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(p.beat("", 1).error, ErrorCode::kInvalidRequest);
  EXPECT_TRUE(p.written.empty());
  EXPECT_EQ(with([](Says&) {}), kNone);
}

TEST(ConsumerGroup, IsFull) {
  ConsumerPlayer p;
  p.options.max_size = 2;
  p.join("a", {"t"});
  p.join("b", {"t"});
  EXPECT_EQ(p.join("c", {"t"}).error, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(p.beat("b", 2).error, kNone);
  p.beat("a", -1);
  EXPECT_EQ(p.join("c", {"t"}).error, kNone);
}

TEST(ConsumerGroup, AStaticMemberComesBackToWhatItHad) {
  ConsumerPlayer p;
  p.topics.set("t", 4);
  p.join("a", {"t"}, {.instance = "one"});
  p.join("b", {"t"}, {.instance = "two"});
  p.settle({"a", "b"});
  const Owned had = p.has("b");
  EXPECT_EQ(p.join("c", {"t"}, {.instance = "two"}).error, ErrorCode::kUnreleasedInstanceId);
  EXPECT_EQ(p.beat("b", -2, {.instance = "two"}).epoch, -2);
  EXPECT_EQ(p.has("b"), had);
  EXPECT_EQ(p.beat("b", 2, {.instance = "two"}).error, ErrorCode::kFencedMemberEpoch);
  const std::int32_t epoch = p.group.epoch();
  const auto back = p.join("c", {"t"}, {.instance = "two"});
  EXPECT_EQ(back.assigned, had);
  EXPECT_EQ(p.group.epoch(), epoch);  // nobody else has to do anything
  EXPECT_EQ(p.find("b"), nullptr);
  EXPECT_EQ(p.beat("b", 2, {.instance = "two"}).error, ErrorCode::kFencedInstanceId);
  EXPECT_EQ(p.beat("c", back.epoch, {.instance = "three"}).error, ErrorCode::kUnknownMemberId);
  p.settle({"a", "c"});
  EXPECT_EQ(p.group.state_name(), "Stable");
  // For good: its partitions go to the other.
  p.beat("c", -1, {.instance = "two"});
  p.settle({"a"});
  EXPECT_EQ(p.has("a"), (Owned{{"t", {0, 1, 2, 3}}}));
}

TEST(ConsumerGroup, AStaticMemberThatStaysAwayIsFenced) {
  ConsumerPlayer p;
  p.topics.set("t", 2);
  p.join("a", {"t"}, {.instance = "one"});
  p.beat("a", -2, {.instance = "one"});
  p.pass(seconds(44));
  EXPECT_TRUE(p.expire().empty());
  p.pass(seconds(1));
  EXPECT_EQ(p.expire(), std::vector<std::string>{"a"});
  EXPECT_EQ(p.group.state_name(), "Empty");
}

TEST(ConsumerGroup, AnInstanceThatReturnsWithOtherTopics) {
  ConsumerPlayer p;
  p.topics.set("t", 2);
  p.topics.set("u", 2);
  p.join("a", {"t"}, {.instance = "one"});
  p.beat("a", -2, {.instance = "one"});
  const auto back = p.join("b", {"u"}, {.instance = "one"});
  EXPECT_EQ(back.error, kNone);
  p.settle({"b"});
  EXPECT_EQ(p.has("b"), (Owned{{"u", {0, 1}}}));
  EXPECT_FALSE(p.group.is_subscribed_to("t"));
}

TEST(ConsumerGroup, WhoIsNotHeardOfIsFenced) {
  ConsumerPlayer p;
  p.topics.set("t", 2);
  p.join("a", {"t"});
  p.join("b", {"t"});
  p.settle({"a", "b"});
  p.pass(seconds(30));
  p.beat("a", p.find("a")->epoch);
  p.pass(seconds(15));
  EXPECT_EQ(p.expire(), std::vector<std::string>{"b"});
  p.settle({"a"});
  EXPECT_EQ(p.has("a"), (Owned{{"t", {0, 1}}}));
}

TEST(ConsumerGroup, WhoDoesNotGiveUpInTimeIsFenced) {
  ConsumerPlayer p;
  p.options.session_timeout_ms = 1'000'000;
  p.topics.set("t", 2);
  Says says;
  says.topics = {"t"};
  says.owned = Owned{};
  says.rebalance_timeout_ms = 5000;
  p.beat("a", 0, says);
  p.join("b", {"t"});
  p.beat("a", 1);
  ASSERT_EQ(p.find("a")->state, MemberState::kUnrevokedPartitions);
  p.pass(milliseconds(4999));
  EXPECT_TRUE(p.expire().empty());
  p.pass(milliseconds(1));
  EXPECT_EQ(p.expire(), std::vector<std::string>{"a"});
  p.settle({"b"});
  EXPECT_EQ(p.has("b"), (Owned{{"t", {0, 1}}}));
}

TEST(ConsumerGroup, WhoGaveUpInTimeIsNotFenced) {
  ConsumerPlayer p;
  p.options.session_timeout_ms = 1'000'000;
  p.topics.set("t", 2);
  p.join("a", {"t"});
  p.join("b", {"t"});
  p.beat("a", 1);
  p.settle({"a", "b"});
  p.pass(seconds(301));
  EXPECT_TRUE(p.expire().empty());
}

TEST(ConsumerGroup, TopicsComeGrowAndGo) {
  ConsumerPlayer p;
  EXPECT_EQ(p.join("a", {"t"}).assigned, Owned{});
  const auto epoch = [&] { return p.find("a")->epoch; };
  p.topics.set("t", 1);
  EXPECT_EQ(p.beat("a", epoch()).assigned, (Owned{{"t", {0}}}));
  p.topics.set("unrelated", 5);
  EXPECT_EQ(p.beat("a", epoch()).records, 0U);
  p.topics.set("t", 2);
  EXPECT_EQ(p.beat("a", epoch()).assigned, (Owned{{"t", {0, 1}}}));
  const std::int32_t before = p.group.epoch();
  p.topics.set("t", 2, "rack");  // Kafka's records say where replicas are, so that is a change
  p.beat("a", epoch());
  EXPECT_EQ(p.group.epoch(), before + 1);
  p.topics.remove("t");
  p.beat("a", epoch());
  p.beat("a", epoch(), {.owned = Owned{}});
  EXPECT_TRUE(p.find("a")->assigned.empty());
}

TEST(ConsumerGroup, AChangeThatCouldNotBeWrittenIsSeenAgain) {
  ConsumerPlayer p;
  p.join("a", {"t"});
  p.topics.set("t", 1);
  ConsumerHeartbeatEvent event;
  event.request.group_id = "g";
  event.request.member_id = "a";
  event.request.member_epoch = 1;
  event.client_id = "test";
  event.client_host = "/127.0.0.1";
  const auto lost = p.group.heartbeat(event, p.context());
  ASSERT_TRUE(lost.has_value());
  EXPECT_FALSE(lost->records.empty());
  p.group.dropped();
  EXPECT_EQ(p.group.epoch(), 1);
  EXPECT_EQ(p.beat("a", 1).assigned, (Owned{{"t", {0}}}));
}

TEST(ConsumerGroup, MostVotesChooseTheAssignor) {
  ConsumerPlayer p;
  const auto used = [&] {
    protocol::ConsumerGroupDescribeResponse::DescribedGroup described;
    p.group.describe(p.context(), described);
    return described.assignor_name;
  };
  p.join("a", {"t"});
  EXPECT_EQ(used(), "uniform");
  p.join("b", {"t"}, {.assignor = "range"});
  EXPECT_EQ(used(), "range");
  p.join("c", {"t"}, {.assignor = "uniform"});
  p.join("d", {"t"}, {.assignor = "uniform"});
  EXPECT_EQ(used(), "uniform");
  p.options.assignors = {"range", "uniform"};
  for (const auto* const member : {"b", "c", "d"}) {
    p.beat(member, -1);
  }
  EXPECT_EQ(used(), "range");
}

TEST(ConsumerGroup, WhoMayCommitAndFetch) {
  ConsumerPlayer p;
  EXPECT_EQ(p.group.check_commit({"", {}, -1}, false, 9), kNone);
  p.join("a", {"t"});
  struct Row {
    std::string member;
    std::int32_t epoch;
    bool transactional;
    std::int16_t version;
    ErrorCode commit;
  };
  const std::vector<Row> rows = {
      {"a", 1, false, 9, kNone},
      {"a", 1, false, 8, ErrorCode::kUnsupportedVersion},
      {"a", 1, true, 3, kNone},
      {"a", 0, false, 9, ErrorCode::kStaleMemberEpoch},
      {"a", 2, false, 9, ErrorCode::kStaleMemberEpoch},
      {"a", 2, true, 9, ErrorCode::kIllegalGeneration},
      {"x", 1, false, 9, ErrorCode::kUnknownMemberId},
      {"", -1, false, 9, ErrorCode::kUnknownMemberId},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(p.group.check_commit({row.member, {}, row.epoch}, row.transactional, row.version),
              row.commit)
        << row.member << " " << row.epoch;
  }
  EXPECT_EQ(p.group.check_fetch(std::nullopt, -1), kNone);
  EXPECT_EQ(p.group.check_fetch("a", 1), kNone);
  EXPECT_EQ(p.group.check_fetch("a", 0), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(p.group.check_fetch("x", 1), ErrorCode::kUnknownMemberId);
}

// --- Any life of a group ---

// What a client does, now and then losing an answer: it then says again what it said before.
class Crowd {
 public:
  explicit Crowd(std::uint64_t seed) : random_(make_seeded_random(seed)) {
    p.topics.set("t", 5);
    p.topics.set("u", 3);
  }

  void step() {
    switch (below(12)) {
      case 0:
        p.topics.set("t", 5 + static_cast<int>(below(4)));
        break;
      case 1:
        below(2) == 0 ? p.topics.remove("u") : p.topics.set("u", 3);
        break;
      case 2:
        leave();
        break;
      case 3:
      case 4:
        join();
        break;
      default:
        report();
    }
    p.check();
  }

  void come_to_rest() {
    std::vector<std::string> ids;
    for (const auto& [id, known] : epochs_) {
      ids.push_back(id);
    }
    p.settle(ids);
  }

  ConsumerPlayer p;

 private:
  std::uint64_t below(std::uint64_t bound) { return random_->next() % bound; }
  std::string any() {
    auto it = epochs_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(below(epochs_.size())));
    return it->first;
  }
  void join() {
    const std::string id = "m" + std::to_string(++count_);
    std::vector<std::string> topics{"t"};
    if (below(2) == 0) {
      topics.emplace_back("u");
    }
    epochs_[id] = p.join(id, topics).epoch;
  }
  void leave() {
    if (!epochs_.empty()) {
      const std::string id = any();
      p.beat(id, -1);
      epochs_.erase(id);
    }
  }
  void report() {
    if (epochs_.empty()) {
      return;
    }
    const std::string id = any();
    const auto answer =
        p.beat(id, epochs_[id], {.owned = below(3) == 0 ? std::nullopt : std::optional(p.has(id))});
    if (answer.error != kNone) {
      // Only one whose answer was lost too often is fenced; it joins anew.
      p.beat(id, -1);
      epochs_.erase(id);
    } else if (below(5) != 0) {
      epochs_[id] = answer.epoch;
    }
  }

  std::unique_ptr<Random> random_;
  std::map<std::string, std::int32_t> epochs_;
  int count_ = 0;
};

TEST(ConsumerGroup, InAnyLifeNoPartitionHasTwoOwnersAndAllAreOwnedInTheEnd) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Crowd crowd(seed);
    for (int step = 0; step < 120; ++step) {
      crowd.step();
    }
    crowd.come_to_rest();
    for (const auto& [id, member] : crowd.p.group.members()) {
      EXPECT_EQ(crowd.p.has(id), crowd.p.target(id)) << "seed " << seed << " " << id;
    }
    EXPECT_TRUE(crowd.p.group.empty() || crowd.p.group.state_name() == "Stable") << seed;
    // What was written is the whole of it.
    ConsumerGroup again("g");
    for (const auto& record : crowd.p.written) {
      again.apply(record);
    }
    again.loaded(crowd.p.options, crowd.p.now);
    EXPECT_EQ(again.members(), crowd.p.group.members()) << seed;
    EXPECT_EQ(again.targets(), crowd.p.group.targets()) << seed;
    EXPECT_EQ(again.epoch(), crowd.p.group.epoch()) << seed;
    EXPECT_EQ(again.target_epoch(), crowd.p.group.target_epoch()) << seed;
  }
}

}  // namespace
}  // namespace barnabas::coordinator
