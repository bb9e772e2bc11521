// A transactional id as a state machine: every request in every state, and what is logged of it.
#include "coordinator/transaction.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace barnabas::coordinator {
namespace {

constexpr std::int16_t kLast = INT16_MAX;

TopicPartition partition(std::int32_t number) {
  return {"t", PartitionId(number)};
}

ProducerIdAndEpoch who(std::int16_t epoch, std::int64_t id = 7) {
  return {ProducerId(id), ProducerEpoch(epoch)};
}

// Plays requests; each answer is one line. What is to be logged is written at once, unless it is
// held.
class Player {
 public:
  static TransactionData fresh(std::int16_t epoch = -1,
                               TransactionState state = TransactionState::kEmpty) {
    TransactionData data;
    data.producer = who(epoch);
    data.timeout_ms = 100;
    data.state = state;
    data.update_ms = 1;
    return data;
  }
  explicit Player(TransactionData data = fresh()) : machine(std::move(data)) {}

  std::string init(std::optional<ProducerIdAndEpoch> expected = {},
                   std::optional<ProducerId> id = {}) {
    return settle(machine.init_producer_id(expected, 100, id, now));
  }
  std::string add(std::int16_t epoch, std::vector<TopicPartition> partitions) {
    return settle(machine.add_partitions(who(epoch), partitions, now));
  }
  std::string end(std::int16_t epoch, bool commit) {
    return settle(machine.end(who(epoch), commit, now));
  }
  std::string verify(std::int16_t epoch, std::int32_t number) {
    return std::string(error_name(machine.verify(who(epoch), {partition(number)}).at(0)));
  }
  // The markers are written and the end is logged.
  std::string complete() {
    const TransactionData done = machine.begin_completion(now);
    const std::string text = show(done);
    machine.written(done);
    return text;
  }
  std::string settle(const Transaction::Step& step) {
    if (!step.write) {
      return step.needs_producer_id ? "needs an id" : std::string(error_name(step.answer));
    }
    if (!hold) {
      machine.written(*step.write);
    }
    held = step.write;
    return (step.fences ? "fence: " : "") + show(*step.write);
  }
  static std::string show(const TransactionData& data) {
    std::string text = fmt::format("{} {}/{}", state_name(data.state), data.producer.id.value(),
                                   data.producer.epoch.value());
    for (const auto& one : data.partitions) {
      text += " " + to_string(one);
    }
    return text;
  }

  Transaction machine;
  std::int64_t now = 1000;
  bool hold = false;
  std::optional<TransactionData> held;
};

TEST(Transaction, GoesThroughACommitAndAnAbort) {
  Player player;
  EXPECT_EQ(player.init(), "Empty 7/0");
  EXPECT_EQ(player.add(0, {partition(1), partition(0)}), "Ongoing 7/0 t-0 t-1");
  EXPECT_EQ(player.add(0, {partition(1)}), "NONE");
  EXPECT_EQ(player.add(0, {partition(2)}), "Ongoing 7/0 t-0 t-1 t-2");
  EXPECT_EQ(player.end(0, true), "PrepareCommit 7/0 t-0 t-1 t-2");
  EXPECT_EQ(player.complete(), "CompleteCommit 7/0");
  EXPECT_EQ(player.end(0, true), "NONE");
  EXPECT_EQ(player.end(0, false), "INVALID_TXN_STATE");
  EXPECT_EQ(player.add(0, {partition(0)}), "Ongoing 7/0 t-0");
  EXPECT_EQ(player.end(0, false), "PrepareAbort 7/0 t-0");
  EXPECT_EQ(player.complete(), "CompleteAbort 7/0");
  EXPECT_EQ(player.end(0, false), "NONE");
  EXPECT_EQ(player.end(0, true), "INVALID_TXN_STATE");
}

// Every state by every request of the right producer, of one with another epoch, of another one.
TEST(Transaction, AnswersEveryRequestInEveryState) {
  struct Row {
    TransactionState state;
    const char* init;
    const char* add;
    const char* commit;
    const char* abort;
    const char* verify;
  };
  const Row rows[] = {
      {TransactionState::kEmpty, "Empty 7/4", "Ongoing 7/3 t-0 t-5", "INVALID_TXN_STATE",
       "INVALID_TXN_STATE", "NONE"},
      {TransactionState::kOngoing, "fence: PrepareAbort 7/4 t-0", "Ongoing 7/3 t-0 t-5",
       "PrepareCommit 7/3 t-0", "PrepareAbort 7/3 t-0", "NONE"},
      {TransactionState::kPrepareCommit, "CONCURRENT_TRANSACTIONS", "CONCURRENT_TRANSACTIONS",
       "CONCURRENT_TRANSACTIONS", "INVALID_TXN_STATE", "CONCURRENT_TRANSACTIONS"},
      {TransactionState::kPrepareAbort, "CONCURRENT_TRANSACTIONS", "CONCURRENT_TRANSACTIONS",
       "INVALID_TXN_STATE", "CONCURRENT_TRANSACTIONS", "CONCURRENT_TRANSACTIONS"},
      {TransactionState::kCompleteCommit, "Empty 7/4", "Ongoing 7/3 t-0 t-5", "NONE",
       "INVALID_TXN_STATE", "NONE"},
      {TransactionState::kCompleteAbort, "Empty 7/4", "Ongoing 7/3 t-0 t-5", "INVALID_TXN_STATE",
       "NONE", "NONE"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(state_name(row.state));
    TransactionData data = Player::fresh(3, row.state);
    data.partitions = {partition(0)};
    EXPECT_EQ(Player(data).init(), row.init);
    EXPECT_EQ(Player(data).add(3, {partition(5)}), row.add);
    EXPECT_EQ(Player(data).end(3, true), row.commit);
    EXPECT_EQ(Player(data).end(3, false), row.abort);
    EXPECT_EQ(Player(data).verify(3, 0), row.verify);
    for (const std::int16_t epoch : {2, 4}) {
      EXPECT_EQ(Player(data).add(epoch, {partition(5)}), "PRODUCER_FENCED");
      EXPECT_EQ(Player(data).end(epoch, true), "PRODUCER_FENCED");
      EXPECT_EQ(Player(data).verify(epoch, 0), "PRODUCER_FENCED");
    }
    Transaction other(data);
    EXPECT_EQ(other.end(who(3, 8), true, 0).answer, ErrorCode::kInvalidProducerIdMapping);
    EXPECT_EQ(other.add_partitions(who(3, 8), {}, 0).answer, ErrorCode::kInvalidProducerIdMapping);
    EXPECT_EQ(other.verify(who(3, 8), {partition(0)}).at(0), ErrorCode::kInvalidProducerIdMapping);
  }
}

TEST(Transaction, AsksToComeAgainWhileAnythingIsPending) {
  Player player;
  player.init();
  player.add(0, {partition(0)});
  player.hold = true;
  EXPECT_EQ(player.end(0, true), "PrepareCommit 7/0 t-0");
  for (int written = 0; written < 2; ++written) {
    EXPECT_EQ(player.init(), "CONCURRENT_TRANSACTIONS");
    EXPECT_EQ(player.add(0, {partition(1)}), "CONCURRENT_TRANSACTIONS");
    EXPECT_EQ(player.end(0, true), "CONCURRENT_TRANSACTIONS");
    EXPECT_EQ(player.end(0, false), "CONCURRENT_TRANSACTIONS");
    if (written == 0) {
      player.machine.written(TransactionData(*player.held));
      static_cast<void>(player.machine.begin_completion(player.now));
    }
  }
}

TEST(Transaction, AStepThatCouldNotBeLoggedHasNotHappened) {
  Player player;
  player.init();
  player.add(0, {partition(0)});
  player.hold = true;
  player.end(0, true);
  player.machine.failed();
  EXPECT_EQ(player.machine.data().state, TransactionState::kOngoing);
  player.hold = false;
  EXPECT_EQ(player.end(0, false), "PrepareAbort 7/0 t-0");
}

TEST(Transaction, FencesAnOpenTransactionBeforeItGivesANewEpoch) {
  Player player;
  player.init();
  player.add(0, {partition(0)});
  EXPECT_EQ(player.init(), "fence: PrepareAbort 7/1 t-0");
  EXPECT_EQ(player.end(0, true), "PRODUCER_FENCED");
  EXPECT_EQ(player.complete(), "CompleteAbort 7/1");
  EXPECT_EQ(player.init(), "Empty 7/2");
  EXPECT_EQ(player.add(1, {partition(0)}), "PRODUCER_FENCED");
}

TEST(Transaction, AnEpochThatCouldNotBeLoggedIsNotBumpedAgain) {
  Player player;
  player.init();
  player.add(0, {partition(0)});
  player.hold = true;
  EXPECT_EQ(player.init(), "fence: PrepareAbort 7/1 t-0");
  player.machine.failed();
  // The old producer is out all the same.
  EXPECT_EQ(player.end(0, true), "PRODUCER_FENCED");
  EXPECT_EQ(player.init(), "fence: PrepareAbort 7/1 t-0");
  player.machine.written(TransactionData(*player.held));
  EXPECT_EQ(player.complete(), "CompleteAbort 7/1");
  player.hold = false;
  player.add(1, {partition(0)});
  EXPECT_EQ(player.init(), "fence: PrepareAbort 7/2 t-0");
}

// KIP-360: a producer says who it is, so that it goes on after an error without being fenced.
TEST(Transaction, BumpsTheEpochOfAProducerThatNamesItself) {
  Player player;
  EXPECT_EQ(player.init(), "Empty 7/0");
  EXPECT_EQ(player.init(who(0)), "Empty 7/1");
  EXPECT_EQ(player.init(who(0)), "Empty 7/1");  // its answer was lost
  EXPECT_EQ(player.init(who(1)), "Empty 7/2");
  EXPECT_EQ(player.init(who(0)), "PRODUCER_FENCED");
  EXPECT_EQ(player.init(who(9)), "PRODUCER_FENCED");
  EXPECT_EQ(player.init(who(2, 8)), "PRODUCER_FENCED");
  EXPECT_EQ(player.init(), "Empty 7/3");
  // Another producer has come since: the one before is not let in again.
  EXPECT_EQ(player.init(who(2)), "PRODUCER_FENCED");
}

TEST(Transaction, LetsAnyoneIntoAnIdThatWasForgotten) {
  Player player;
  EXPECT_EQ(player.init(who(5, 99)), "Empty 7/0");
}

TEST(Transaction, TakesAnotherIdWhenTheEpochsAreUsedUp) {
  Player player(Player::fresh(kLast - 2));
  EXPECT_EQ(player.init(), fmt::format("Empty 7/{}", kLast - 1));
  EXPECT_EQ(player.init(), "needs an id");
  EXPECT_EQ(player.init(who(kLast - 1)), "needs an id");
  EXPECT_EQ(player.init(who(kLast - 1), ProducerId(8)), "Empty 8/0");
  // Asked again, because the answer was lost: known by the id it had.
  EXPECT_EQ(player.init(who(kLast - 1)), "Empty 8/0");
  EXPECT_EQ(player.init(who(3)), "PRODUCER_FENCED");
}

TEST(Transaction, KeepsAnEpochToFenceTheLastProducerOfAnId) {
  Player player(Player::fresh(kLast - 1));
  player.add(kLast - 1, {partition(0)});
  EXPECT_EQ(player.init(), fmt::format("fence: PrepareAbort 7/{} t-0", kLast));
  EXPECT_EQ(player.complete(), fmt::format("CompleteAbort 7/{}", kLast));
  EXPECT_EQ(player.init({}, ProducerId(8)), "Empty 8/0");
}

TEST(Transaction, TimesOutFromItsStartOn) {
  Player player;
  player.init();
  EXPECT_FALSE(player.machine.is_timed_out(10'000));
  player.add(0, {partition(0)});
  player.now = 1050;
  player.add(0, {partition(1)});  // does not begin anew
  EXPECT_FALSE(player.machine.is_timed_out(1100));
  EXPECT_TRUE(player.machine.is_timed_out(1101));
  EXPECT_EQ(player.settle(player.machine.abort_timed_out(1101)), "fence: PrepareAbort 7/1 t-0 t-1");
  EXPECT_FALSE(player.machine.is_timed_out(10'000));
  EXPECT_EQ(player.end(0, true), "PRODUCER_FENCED");
}

TEST(Transaction, ExpiresWhenNothingIsOpen) {
  for (const auto state : {TransactionState::kEmpty, TransactionState::kOngoing,
                           TransactionState::kPrepareCommit, TransactionState::kPrepareAbort,
                           TransactionState::kCompleteCommit, TransactionState::kCompleteAbort}) {
    SCOPED_TRACE(state_name(state));
    const bool may_go = state != TransactionState::kOngoing &&
                        state != TransactionState::kPrepareCommit &&
                        state != TransactionState::kPrepareAbort;
    Player player(Player::fresh(0, state));
    EXPECT_FALSE(player.machine.is_expired(100, 100));
    EXPECT_EQ(player.machine.is_expired(101, 100), may_go);
    if (may_go) {
      player.machine.expire();
      EXPECT_EQ(player.add(0, {partition(0)}), "CONCURRENT_TRANSACTIONS");
      EXPECT_FALSE(player.machine.is_expired(101, 100));
    }
  }
}

TEST(Transaction, VerifiesWhatWasLoggedOnly) {
  Player player;
  player.init();
  player.hold = true;
  player.add(0, {partition(0)});
  EXPECT_EQ(player.verify(0, 0), "TRANSACTION_ABORTABLE");
  player.machine.written(TransactionData(*player.held));
  EXPECT_EQ(player.verify(0, 0), "NONE");
  EXPECT_EQ(player.verify(0, 1), "TRANSACTION_ABORTABLE");
  EXPECT_EQ(player.verify(1, 0), "PRODUCER_FENCED");
}

}  // namespace
}  // namespace barnabas::coordinator
