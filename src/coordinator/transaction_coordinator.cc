// The coordinator's front: finds the shard of a transactional id, loads and unloads shards.
#include "barnabas/coordinator/transaction_coordinator.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <utility>

#include "barnabas/base/logging.h"
#include "barnabas/coordinator/key_partition.h"
#include "transaction_loader.h"
#include "transaction_shard.h"

namespace barnabas::coordinator {
namespace {

// After a partition of __transaction_state could not be read.
constexpr std::chrono::seconds kLoadRetry{1};

logging::Logger& log() {
  static logging::Logger& instance = logging::logger("coordinator");
  return instance;
}

std::int16_t wire(ErrorCode error) {
  return static_cast<std::int16_t>(error);
}

}  // namespace

class TransactionCoordinatorImpl final : public TransactionCoordinator {
 public:
  TransactionCoordinatorImpl(TransactionOptions options, Ports ports)
      : options_(options), ports_(ports) {}
  ~TransactionCoordinatorImpl() override { *alive_ = false; }

  void start() override {
    post([this] {
      schedule_aborts();
      schedule_removals();
    });
  }

  void stop() override {
    stopped_ = true;
    aborts_.reset();
    removals_.reset();
    retries_.clear();
    for (auto& [partition, shard] : shards_) {
      shard->close();
    }
    shards_.clear();
  }

  [[nodiscard]] PartitionId partition_for(std::string_view transactional_id) const override {
    return partition_of_key(transactional_id, ports_.log.partition_count());
  }

  void elected(PartitionId partition, LeaderEpoch epoch) override {
    post([this, partition, epoch] { load(partition, epoch); });
  }

  void resigned(PartitionId partition, LeaderEpoch epoch) override {
    post([this, partition, epoch] { unload(partition, epoch); });
  }

  void init_producer_id(std::string transactional_id, std::int32_t timeout_ms,
                        std::optional<ProducerIdAndEpoch> expected,
                        Done<InitializedProducer> done) override {
    post([this, id = std::move(transactional_id), timeout_ms, expected,
          done = std::move(done)]() mutable {
      ErrorCode error = ErrorCode::kNone;
      if (id.empty()) {
        error = ErrorCode::kInvalidRequest;
      } else if (timeout_ms <= 0 || timeout_ms > options_.max_timeout_ms) {
        error = ErrorCode::kInvalidTransactionTimeout;
      } else if (auto* const shard = find(id, error)) {
        shard->init_producer_id({std::move(id), timeout_ms, expected}, std::move(done));
        return;
      }
      done({.error = error, .producer = {}});
    });
  }

  void add_partitions(std::string transactional_id, ProducerIdAndEpoch producer,
                      std::vector<TopicPartition> partitions, Done<ErrorCode> done) override {
    post([this, id = std::move(transactional_id), producer, partitions = std::move(partitions),
          done = std::move(done)]() mutable {
      ErrorCode error = ErrorCode::kNone;
      if (auto* const shard = find(id, error)) {
        shard->add_partitions(id, producer, partitions, std::move(done));
        return;
      }
      done(error);
    });
  }

  void verify_partitions(std::string transactional_id, ProducerIdAndEpoch producer,
                         std::vector<TopicPartition> partitions,
                         Done<std::vector<ErrorCode>> done) override {
    post([this, id = std::move(transactional_id), producer, partitions = std::move(partitions),
          done = std::move(done)]() mutable {
      ErrorCode error = ErrorCode::kNone;
      if (const auto* const shard = find(id, error)) {
        done(shard->verify(id, producer, partitions));
        return;
      }
      done(std::vector<ErrorCode>(partitions.size(), error));
    });
  }

  void end_transaction(std::string transactional_id, ProducerIdAndEpoch producer, bool commit,
                       Done<ErrorCode> done) override {
    post([this, id = std::move(transactional_id), producer, commit,
          done = std::move(done)]() mutable {
      ErrorCode error = ErrorCode::kNone;
      if (auto* const shard = find(id, error)) {
        shard->end(id, producer, commit, std::move(done));
        return;
      }
      done(error);
    });
  }

  void list_transactions(protocol::ListTransactionsRequest request,
                         Done<protocol::ListTransactionsResponse> done) override {
    post([this, request = std::move(request), done = std::move(done)]() mutable {
      done(list(request));
    });
  }

  void describe_transactions(std::vector<std::string> transactional_ids,
                             Done<protocol::DescribeTransactionsResponse> done) override {
    post([this, ids = std::move(transactional_ids), done = std::move(done)]() mutable {
      protocol::DescribeTransactionsResponse response;
      for (auto& id : ids) {
        auto& to = response.transaction_states.emplace_back();
        ErrorCode error = ErrorCode::kNone;
        if (const auto* const shard = find(id, error)) {
          shard->describe(id, to);
        } else {
          to.error_code = wire(error);
        }
        to.transactional_id = std::move(id);
      }
      done(std::move(response));
    });
  }

 private:
  // Runs `task` at home unless the coordinator is gone by then.
  void post(Task task) {
    ports_.home.post([alive = alive_, task = std::move(task)]() mutable {
      if (*alive) {
        task();
      }
    });
  }

  // The active shard of an id; null with the error that says why there is none.
  [[nodiscard]] TransactionShard* find(std::string_view id, ErrorCode& error) const {
    if (stopped_) {
      error = ErrorCode::kCoordinatorNotAvailable;
      return nullptr;
    }
    if (id.empty()) {
      error = ErrorCode::kInvalidRequest;
      return nullptr;
    }
    const auto found = shards_.find(partition_for(id));
    error = found == shards_.end() ? ErrorCode::kNotCoordinator : found->second->status();
    return error == ErrorCode::kNone ? found->second.get() : nullptr;
  }

  [[nodiscard]] protocol::ListTransactionsResponse list(
      const protocol::ListTransactionsRequest& request) const {
    protocol::ListTransactionsResponse response;
    if (stopped_) {
      response.error_code = wire(ErrorCode::kCoordinatorNotAvailable);
      return response;
    }
    for (const auto& [partition, shard] : shards_) {
      if (shard->is_loading()) {
        response.error_code = wire(ErrorCode::kCoordinatorLoadInProgress);
        return response;
      }
    }
    TransactionShard::Filter filter;
    filter.by_state = !request.state_filters.empty();
    for (const auto& name : request.state_filters) {
      if (const auto state = state_from_name(name)) {
        filter.states.push_back(*state);
      } else {
        response.unknown_state_filters.push_back(name);
      }
    }
    filter.producer_ids = request.producer_id_filters;
    filter.longer_than_ms = request.duration_filter;
    for (const auto& [partition, shard] : shards_) {
      shard->list(filter, response.transaction_states);
    }
    return response;
  }

  // --- Coming and going of partitions ---

  struct Load {
    PartitionId partition;
    LeaderEpoch epoch;
    Offset next{0};
    TransactionLoader loader;
  };

  void load(PartitionId partition, LeaderEpoch epoch) {
    if (stopped_) {
      return;
    }
    const auto found = shards_.find(partition);
    if (found != shards_.end()) {
      if (found->second->epoch() >= epoch) {
        return;
      }
      found->second->close();
    }
    shards_.insert_or_assign(
        partition, std::make_shared<TransactionShard>(partition, epoch, options_, ports_));
    begin_reading(partition, epoch);
  }

  void unload(PartitionId partition, LeaderEpoch epoch) {
    const auto found = shards_.find(partition);
    if (found == shards_.end() || found->second->epoch() > epoch) {
      return;
    }
    log().info("__transaction_state-{}: {} transactional ids are unloaded", partition.value(),
               found->second->transaction_count());
    found->second->close();
    shards_.erase(found);
    retries_.erase(partition);
  }

  void begin_reading(PartitionId partition, LeaderEpoch epoch) {
    auto load = std::make_shared<Load>();
    load->partition = partition;
    load->epoch = epoch;
    ports_.disk.post([this, alive = alive_, load] { read_chunk(load); });
  }

  // On the disk pool: one chunk, then the next one behind whatever else waits there.
  void read_chunk(const std::shared_ptr<Load>& load) {
    const auto chunk = ports_.log.read(load->partition, load->next,
                                       static_cast<std::size_t>(options_.load_buffer_bytes));
    if (!chunk) {
      finish(load, std::unexpected(chunk.error()));
      return;
    }
    const Offset before = load->next;
    const auto next = load->loader.add(chunk->bytes, before);
    if (!next) {
      finish(load, std::unexpected(next.error()));
      return;
    }
    load->next = *next;
    if (chunk->bytes.empty() || load->next >= chunk->end) {
      finish(load, {});
    } else if (load->next == before) {
      finish(load, fail(ErrorCode::kCorruptMessage,
                        fmt::format("nothing whole at offset {}", before.value())));
    } else {
      ports_.disk.post([this, load] { read_chunk(load); });
    }
  }

  void finish(const std::shared_ptr<Load>& load, Status status) {
    post([this, load, status = std::move(status)] {
      const auto found = shards_.find(load->partition);
      if (found == shards_.end() || found->second->epoch() != load->epoch) {
        return;  // it left meanwhile
      }
      if (status) {
        install(*found->second, *load);
        return;
      }
      log().error("__transaction_state-{} cannot be read, which is tried again: {}",
                  load->partition.value(), status.error().message);
      retries_[load->partition] = ports_.home.run_after(
          kLoadRetry, [this, partition = load->partition, epoch = load->epoch] {
            begin_reading(partition, epoch);
          });
    });
  }

  void install(TransactionShard& shard, Load& load) {
    retries_.erase(load.partition);
    shard.install(load.loader.take());
    if (load.loader.records() > 0) {
      log().info("__transaction_state-{}: {} transactional ids loaded from {} records, {} skipped",
                 load.partition.value(), shard.transaction_count(), load.loader.records(),
                 load.loader.skipped());
    }
  }

  void schedule_aborts() {
    aborts_ = ports_.home.run_after(
        std::chrono::milliseconds(options_.abort_timed_out_interval_ms), [this] {
          for_each_active([](TransactionShard& shard) { shard.abort_timed_out(); });
          schedule_aborts();
        });
  }

  void schedule_removals() {
    removals_ = ports_.home.run_after(
        std::chrono::milliseconds(options_.remove_expired_interval_ms), [this] {
          for_each_active([](TransactionShard& shard) { shard.remove_expired(); });
          schedule_removals();
        });
  }

  template <typename Do>
  void for_each_active(Do do_it) const {
    for (const auto& [partition, shard] : shards_) {
      if (!shard->is_loading()) {
        do_it(*shard);
      }
    }
  }

  const TransactionOptions options_;
  const Ports ports_;
  // False once tasks that are still under way must find nobody.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool stopped_ = false;
  std::map<PartitionId, std::shared_ptr<TransactionShard>> shards_;
  std::map<PartitionId, std::unique_ptr<Timer>> retries_;
  std::unique_ptr<Timer> aborts_;
  std::unique_ptr<Timer> removals_;
};

std::unique_ptr<TransactionCoordinator> TransactionCoordinator::make(TransactionOptions options,
                                                                     Ports ports) {
  return std::make_unique<TransactionCoordinatorImpl>(options, ports);
}

}  // namespace barnabas::coordinator
