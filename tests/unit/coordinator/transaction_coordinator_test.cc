// The coordinator over a log in memory, markers that a test answers and virtual time: every
// request, every failure of the log, and a restart at every step of a transaction.
#include "barnabas/coordinator/transaction_coordinator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "memory_log.h"
#include "support/manual_executor.h"

namespace barnabas::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kName = "txn";
const TopicPartition kData{"data", PartitionId(0)};
const TopicPartition kMore{"data", PartitionId(1)};

// Keeps what it is to send until a test says what became of it.
class FakeMarkers final : public MarkerSender {
 public:
  explicit FakeMarkers(Executor& home) : home_(home) {}
  void send(TransactionMarker marker, Done<std::vector<MarkerOutcome>> done) override {
    std::string text = fmt::format("{} {}/{} from {}:", marker.commit ? "commit" : "abort",
                                   marker.producer.id.value(), marker.producer.epoch.value(),
                                   marker.coordinator_epoch.value());
    for (const auto& one : marker.partitions) {
      text += " " + to_string(one);
    }
    sent.push_back(std::move(text));
    waiting_.push_back({marker.partitions.size(), std::move(done)});
  }
  // The oldest one.
  void answer(std::vector<MarkerOutcome> outcomes) {
    auto waiting = std::move(waiting_.front());
    waiting_.pop_front();
    outcomes.resize(waiting.count, MarkerOutcome::kWritten);
    home_.post([done = std::move(waiting.done), outcomes]() mutable { done(outcomes); });
  }
  void answer_all() {
    while (!waiting_.empty()) {
      answer({});
    }
  }

  std::vector<std::string> sent;

 private:
  struct Waiting {
    std::size_t count;
    Done<std::vector<MarkerOutcome>> done;
  };
  Executor& home_;
  std::deque<Waiting> waiting_;
};

class FakeIds final : public ProducerIdSource {
 public:
  explicit FakeIds(Executor& home) : home_(home) {}
  void next(Done<Result<ProducerId>> done) override {
    home_.post([done = std::move(done), id = ++last, refuse = refuse]() mutable {
      done(refuse ? Result<ProducerId>(fail(ErrorCode::kCoordinatorLoadInProgress, "none left"))
                  : Result<ProducerId>(ProducerId(id)));
    });
  }
  std::int64_t last = 0;
  bool refuse = false;

 private:
  Executor& home_;
};

class TransactionCoordinatorTest : public ::testing::Test {
 protected:
  TransactionCoordinatorTest() { make(); }

  void make() {
    coordinator.reset();
    markers = std::make_unique<FakeMarkers>(home);
    TransactionOptions options;
    options.load_buffer_bytes = 1;  // batch by batch
    coordinator = TransactionCoordinator::make(options, {home, disk, time, log, *markers, ids});
    coordinator->start();
    partition = coordinator->partition_for(kName);
  }
  void elect(std::int32_t epoch = 1) {
    coordinator->elected(partition, LeaderEpoch(epoch));
    time.run_all();
  }
  // As after kill -9: all that is left is the log.
  void restart() {
    make();
    elect(++epoch);
  }

  std::string init(std::optional<ProducerIdAndEpoch> expected = {},
                   std::int32_t timeout_ms = 60000) {
    std::string text = "(none)";
    coordinator->init_producer_id(kName, timeout_ms, expected, [&](InitializedProducer given) {
      producer = given.error == ErrorCode::kNone ? given.producer : producer;
      text = given.error == ErrorCode::kNone
                 ? fmt::format("{}/{}", given.producer.id.value(), given.producer.epoch.value())
                 : std::string(error_name(given.error));
    });
    time.run_all();
    return text;
  }
  std::string add(std::vector<TopicPartition> partitions = {kData}) {
    return ask([&](auto done) {
      coordinator->add_partitions(kName, producer, std::move(partitions), std::move(done));
    });
  }
  std::string end(bool commit) {
    return ask(
        [&](auto done) { coordinator->end_transaction(kName, producer, commit, std::move(done)); });
  }
  template <typename Ask>
  std::string ask(Ask request) {
    auto text = std::make_shared<std::string>("(none)");
    request([text](ErrorCode error) { *text = error_name(error); });
    time.run_all();
    last = text;
    return *text;
  }
  std::string state() {
    std::string text;
    coordinator->describe_transactions({kName}, [&](const auto& response) {
      const auto& one = response.transaction_states.at(0);
      text = one.error_code == 0 ? one.transaction_state
                                 : std::string(error_name(static_cast<ErrorCode>(one.error_code)));
    });
    time.run_all();
    return text;
  }

  testing::ManualTime time;
  testing::ManualExecutor home{time};
  testing::ManualExecutor disk{time};
  MemoryLog log{home};
  FakeIds ids{home};
  std::unique_ptr<FakeMarkers> markers;
  std::unique_ptr<TransactionCoordinator> coordinator;
  PartitionId partition{0};
  ProducerIdAndEpoch producer;
  std::shared_ptr<std::string> last;
  std::int32_t epoch = 1;
};

TEST_F(TransactionCoordinatorTest, ServesWhatItLeadsAndWhatIsLoaded) {
  EXPECT_EQ(init(), "NOT_COORDINATOR");
  log.refuse_read = ErrorCode::kKafkaStorageError;
  elect();
  EXPECT_EQ(init(), "COORDINATOR_LOAD_IN_PROGRESS");
  EXPECT_EQ(state(), "COORDINATOR_LOAD_IN_PROGRESS");
  log.refuse_read = ErrorCode::kNone;
  time.advance(seconds(1));
  EXPECT_EQ(init(), "1/0");
  coordinator->resigned(partition, LeaderEpoch(1));
  EXPECT_EQ(init(), "NOT_COORDINATOR");
  coordinator->stop();
  EXPECT_EQ(init(), "COORDINATOR_NOT_AVAILABLE");
}

TEST_F(TransactionCoordinatorTest, RefusesTimeoutsOutOfBounds) {
  elect();
  for (const std::int32_t timeout : {0, -1, 900001}) {
    EXPECT_EQ(init({}, timeout), "INVALID_TRANSACTION_TIMEOUT");
  }
  EXPECT_EQ(init({}, 900000), "1/0");
}

TEST_F(TransactionCoordinatorTest, AnswersTheEndBeforeTheMarkersAreWritten) {
  elect();
  init();
  EXPECT_EQ(add({kData, kMore}), "NONE");
  EXPECT_EQ(end(true), "NONE");
  EXPECT_EQ(markers->sent, std::vector<std::string>{"commit 1/0 from 1: data-0 data-1"});
  EXPECT_EQ(state(), "PrepareCommit");
  EXPECT_EQ(add(), "CONCURRENT_TRANSACTIONS");
  markers->answer_all();
  time.run_all();
  EXPECT_EQ(state(), "CompleteCommit");
  EXPECT_EQ(end(true), "NONE");
  EXPECT_EQ(add(), "NONE");
}

TEST_F(TransactionCoordinatorTest, SendsAgainWhatIsLeftOfTheMarkers) {
  elect();
  init();
  add({kData, kMore});
  end(false);
  markers->answer({MarkerOutcome::kWritten, MarkerOutcome::kRetry});
  time.run_all();
  EXPECT_EQ(markers->sent.size(), 1U);
  time.advance(milliseconds(100));
  ASSERT_EQ(markers->sent.size(), 2U);
  EXPECT_EQ(markers->sent.back(), "abort 1/0 from 1: data-1");
  markers->answer({MarkerOutcome::kGone});
  time.run_all();
  EXPECT_EQ(state(), "CompleteAbort");
}

TEST_F(TransactionCoordinatorTest, LeavesMarkersToWhoeverIsNewer) {
  elect();
  init();
  add();
  end(true);
  markers->answer({MarkerOutcome::kFenced});
  time.advance(seconds(5));
  EXPECT_EQ(markers->sent.size(), 1U);
  EXPECT_EQ(state(), "PrepareCommit");
  restart();  // what is left is found again
  EXPECT_EQ(markers->sent, std::vector<std::string>{"commit 1/0 from 2: data-0"});
}

// The coordinator dies behind each step; the log says how it goes on.
TEST_F(TransactionCoordinatorTest, GoesOnFromTheLogAfterEveryStep) {
  elect();
  init();
  restart();
  EXPECT_EQ(state(), "Empty");
  EXPECT_EQ(add(), "NONE");
  restart();
  EXPECT_EQ(state(), "Ongoing");
  EXPECT_TRUE(markers->sent.empty());
  EXPECT_EQ(end(true), "NONE");
  for (int round = 0; round < 3; ++round) {  // nobody answers the markers
    restart();
    EXPECT_EQ(state(), "PrepareCommit");
    EXPECT_EQ(markers->sent,
              std::vector<std::string>{fmt::format("commit 1/0 from {}: data-0", epoch)});
    EXPECT_EQ(end(true), "CONCURRENT_TRANSACTIONS");
  }
  markers->answer_all();
  time.run_all();
  restart();
  EXPECT_EQ(state(), "CompleteCommit");
  EXPECT_TRUE(markers->sent.empty());
  EXPECT_EQ(init(), "1/1");
}

TEST_F(TransactionCoordinatorTest, AnEndThatIsNotLoggedIsNotAnsweredAndSendsNothing) {
  elect();
  init();
  add();
  log.hold = true;
  EXPECT_EQ(end(true), "(none)");
  EXPECT_TRUE(markers->sent.empty());
  log.hold = false;
  log.release();
  time.run_all();
  EXPECT_EQ(*last, "NONE");
  EXPECT_EQ(markers->sent.size(), 1U);
}

TEST_F(TransactionCoordinatorTest, TellsWhyTheLogRefused) {
  struct Row {
    ErrorCode refused;
    const char* answer;
  };
  elect();
  init();
  for (const Row& row : {Row{ErrorCode::kNotEnoughReplicas, "COORDINATOR_NOT_AVAILABLE"},
                         Row{ErrorCode::kRequestTimedOut, "COORDINATOR_NOT_AVAILABLE"},
                         Row{ErrorCode::kNotLeaderOrFollower, "NOT_COORDINATOR"},
                         Row{ErrorCode::kKafkaStorageError, "NOT_COORDINATOR"},
                         Row{ErrorCode::kMessageTooLarge, "UNKNOWN_SERVER_ERROR"}}) {
    log.refuse = row.refused;
    EXPECT_EQ(add(), row.answer);
    EXPECT_EQ(init(), row.answer);
    log.refuse = ErrorCode::kNone;
    EXPECT_EQ(state(), "Empty");
  }
}

TEST_F(TransactionCoordinatorTest, TriesAgainToLogTheCompletion) {
  elect();
  init();
  add();
  end(true);
  log.refuse = ErrorCode::kNotEnoughReplicas;
  markers->answer_all();
  time.run_all();
  EXPECT_EQ(state(), "PrepareCommit");
  time.advance(milliseconds(350));
  log.refuse = ErrorCode::kNone;
  time.advance(milliseconds(100));
  EXPECT_EQ(state(), "CompleteCommit");
  EXPECT_EQ(markers->sent.size(), 1U);
}

TEST_F(TransactionCoordinatorTest, AbortsWhatIsOpenForTooLongAndFencesItsProducer) {
  elect();
  init({}, 15000);
  add();
  time.advance(seconds(10));
  EXPECT_EQ(state(), "Ongoing");
  time.advance(seconds(10));
  EXPECT_EQ(markers->sent, std::vector<std::string>{"abort 1/1 from 1: data-0"});
  EXPECT_EQ(end(true), "PRODUCER_FENCED");
  markers->answer_all();
  time.run_all();
  EXPECT_EQ(state(), "CompleteAbort");
  EXPECT_EQ(add(), "PRODUCER_FENCED");
}

TEST_F(TransactionCoordinatorTest, ForgetsIdsThatNobodyUses) {
  elect();
  init();
  const auto before = log.count(partition);
  time.advance(std::chrono::hours(24 * 7) - std::chrono::minutes(30));
  log.refuse = ErrorCode::kNotEnoughReplicas;
  time.advance(std::chrono::hours(1));
  EXPECT_EQ(state(), "Empty");  // its tombstone was not written
  log.refuse = ErrorCode::kNone;
  time.advance(std::chrono::hours(1));
  EXPECT_EQ(state(), "TRANSACTIONAL_ID_NOT_FOUND");
  EXPECT_EQ(log.count(partition).tombstones, before.tombstones + 1);
  restart();
  EXPECT_EQ(state(), "TRANSACTIONAL_ID_NOT_FOUND");
  EXPECT_EQ(init(), "2/0");
}

TEST_F(TransactionCoordinatorTest, WithoutAnIdTheProducerComesAgain) {
  elect();
  ids.refuse = true;
  EXPECT_EQ(init(), "COORDINATOR_LOAD_IN_PROGRESS");
  EXPECT_EQ(state(), "TRANSACTIONAL_ID_NOT_FOUND");
}

TEST_F(TransactionCoordinatorTest, WhatIsUnderWayWhenThePartitionLeavesIsNoLongerItsOwn) {
  elect();
  init();
  add();
  log.hold = true;
  EXPECT_EQ(end(true), "(none)");
  coordinator->resigned(partition, LeaderEpoch(1));
  log.hold = false;
  log.release();
  time.run_all();
  EXPECT_EQ(*last, "NOT_COORDINATOR");
  EXPECT_TRUE(markers->sent.empty());
  elect(2);  // but it was logged
  EXPECT_EQ(markers->sent, std::vector<std::string>{"commit 1/0 from 2: data-0"});
}

TEST_F(TransactionCoordinatorTest, ListsByStateProducerAndAge) {
  elect();
  init();
  add();
  time.advance(seconds(5));
  const auto list = [&](std::vector<std::string> states, std::vector<std::int64_t> producers,
                        std::int64_t longer_than_ms) {
    protocol::ListTransactionsRequest request;
    request.state_filters = std::move(states);
    request.producer_id_filters = std::move(producers);
    request.duration_filter = longer_than_ms;
    std::string text;
    coordinator->list_transactions(std::move(request), [&](const auto& response) {
      for (const auto& one : response.transaction_states) {
        text +=
            fmt::format("{} {} {};", one.transactional_id, one.producer_id, one.transaction_state);
      }
      for (const auto& one : response.unknown_state_filters) {
        text += "?" + one;
      }
    });
    time.run_all();
    return text;
  };
  EXPECT_EQ(list({}, {}, -1), "txn 1 Ongoing;");
  EXPECT_EQ(list({"Ongoing"}, {1}, 4999), "txn 1 Ongoing;");
  EXPECT_EQ(list({}, {}, 5000), "");
  EXPECT_EQ(list({"Empty"}, {}, -1), "");
  EXPECT_EQ(list({}, {2}, -1), "");
  EXPECT_EQ(list({"ongoing"}, {}, -1), "?ongoing");
}

}  // namespace
}  // namespace barnabas::coordinator
