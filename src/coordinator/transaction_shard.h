// One partition of __transaction_state as its coordinator serves it: the transactions, what is
// being logged of them, and the markers under way. It drives Transaction with the time and carries
// out what it asks for. Life: made when the partition is elected (loading), install() when it was
// read, close() when it leaves; then what is under way is answered with NOT_COORDINATOR, and the
// next coordinator of the partition goes on from what is logged. THREAD: home
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/coordinator/transaction_coordinator.h"
#include "transaction.h"
#include "transaction_loader.h"

namespace barnabas::coordinator {

class TransactionShard : public std::enable_shared_from_this<TransactionShard> {
 public:
  TransactionShard(PartitionId partition, LeaderEpoch epoch, const TransactionOptions& options,
                   const TransactionCoordinator::Ports& ports)
      : partition_(partition), epoch_(epoch), options_(options), ports_(ports) {}

  [[nodiscard]] LeaderEpoch epoch() const { return epoch_; }
  [[nodiscard]] bool is_loading() const { return state_ == State::kLoading; }
  // NONE, COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR.
  [[nodiscard]] ErrorCode status() const;
  [[nodiscard]] std::size_t count() const { return transactions_.size(); }

  // Begins at once to carry out what is prepared.
  void install(TransactionLoader::Loaded loaded);
  void close();

  struct InitRequest {
    std::string transactional_id;
    std::int32_t timeout_ms = 0;
    std::optional<ProducerIdAndEpoch> expected;
  };
  // Requests of an active shard.
  void init_producer_id(InitRequest request, Done<InitializedProducer> done);
  void add_partitions(std::string_view id, ProducerIdAndEpoch producer,
                      const std::vector<TopicPartition>& partitions, Done<ErrorCode> done);
  [[nodiscard]] std::vector<ErrorCode> verify(std::string_view id, ProducerIdAndEpoch producer,
                                              const std::vector<TopicPartition>& partitions) const;
  void end(std::string_view id, ProducerIdAndEpoch producer, bool commit, Done<ErrorCode> done);

  void abort_timed_out();
  void remove_expired();

  struct Filter {
    std::vector<TransactionState> states;
    bool by_state = false;
    std::vector<std::int64_t> producer_ids;  // none: all
    std::int64_t longer_than_ms = -1;        // -1: all
  };
  using Listed = protocol::ListTransactionsResponse::TransactionState;
  void list(const Filter& filter, std::vector<Listed>& out) const;
  using Described = protocol::DescribeTransactionsResponse::TransactionState;
  void describe(std::string_view id, Described& out) const;

 private:
  enum class State : std::uint8_t { kLoading, kActive, kClosed };

  struct Entry {
    std::string id;
    Transaction transaction;
    std::unique_ptr<Timer> retry;
  };
  using EntryPtr = std::shared_ptr<Entry>;
  // A transaction on its way from Prepare* to Complete*.
  struct Completion {
    EntryPtr entry;
    TransactionData done;
    bool commit = false;
  };
  using CompletionPtr = std::shared_ptr<const Completion>;

  [[nodiscard]] EntryPtr find(std::string_view id) const;
  [[nodiscard]] bool is_active() const { return state_ == State::kActive; }
  [[nodiscard]] std::int64_t now_ms() const { return ports_.clock.wall_ms(); }

  // With an id that nobody had, where one was needed.
  void init_with(InitRequest request, std::optional<ProducerId> fresh,
                 Done<InitializedProducer> done);
  void ask_producer_id(InitRequest request, Done<InitializedProducer> done);
  // `done` hears NOT_COORDINATOR when the shard is closed by then.
  void append(const EntryPtr& entry, const TransactionData& data, Done<ErrorCode> done);
  // Logs what a step asks for and takes the step, or takes it back.
  void log_step(const EntryPtr& entry, TransactionData data, Done<ErrorCode> done);
  void log_end(const EntryPtr& entry, TransactionData data, Done<ErrorCode> done);

  void begin_completion(const EntryPtr& entry);
  void send_markers(const CompletionPtr& completion);
  void on_markers(const CompletionPtr& completion, const std::vector<TopicPartition>& partitions,
                  const std::vector<MarkerOutcome>& outcomes);
  void log_completion(const CompletionPtr& completion);
  void retry_later(const CompletionPtr& completion);
  void write_tombstones(const std::vector<EntryPtr>& expired);

  const PartitionId partition_;
  const LeaderEpoch epoch_;
  const TransactionOptions& options_;
  const TransactionCoordinator::Ports& ports_;
  State state_ = State::kLoading;
  std::map<std::string, EntryPtr, std::less<>> transactions_;
};

}  // namespace barnabas::coordinator
