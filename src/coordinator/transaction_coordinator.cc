// The coordinator's front: finds the shard of a transactional id.
#include "barnabas/coordinator/transaction_coordinator.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "barnabas/coordinator/key_partition.h"
#include "shard_table.h"
#include "transaction_loader.h"
#include "transaction_shard.h"

namespace barnabas::coordinator {
namespace {

std::int16_t wire(ErrorCode error) {
  return static_cast<std::int16_t>(error);
}

}  // namespace

class TransactionCoordinatorImpl final : public TransactionCoordinator {
 public:
  TransactionCoordinatorImpl(TransactionOptions options, Ports ports)
      : options_(options),
        ports_(ports),
        shards_({"__transaction_state", "transactional ids"}, options.load_buffer_bytes,
                {ports.home, ports.disk, ports.log},
                [this](PartitionId partition, LeaderEpoch epoch) {
                  return std::make_shared<TransactionShard>(partition, epoch, options_, ports_);
                }) {}

  void start() override {
    post([this] {
      schedule_aborts();
      schedule_removals();
    });
  }

  void stop() override {
    aborts_.reset();
    removals_.reset();
    shards_.stop();
  }

  [[nodiscard]] PartitionId partition_for(std::string_view transactional_id) const override {
    return partition_of_key(transactional_id, ports_.log.partition_count());
  }

  void elected(PartitionId partition, LeaderEpoch epoch) override {
    shards_.elected(partition, epoch);
  }

  void resigned(PartitionId partition, LeaderEpoch epoch) override {
    shards_.resigned(partition, epoch);
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
  void post(Task task) { shards_.post(std::move(task)); }

  // The active shard of an id; null with the error that says why there is none.
  [[nodiscard]] TransactionShard* find(std::string_view id, ErrorCode& error) const {
    if (id.empty() && !shards_.stopped()) {
      error = ErrorCode::kInvalidRequest;
      return nullptr;
    }
    return shards_.find(partition_for(id), error);
  }

  [[nodiscard]] protocol::ListTransactionsResponse list(
      const protocol::ListTransactionsRequest& request) const {
    protocol::ListTransactionsResponse response;
    if (shards_.stopped() || shards_.any_loading()) {
      response.error_code = wire(shards_.stopped() ? ErrorCode::kCoordinatorNotAvailable
                                                   : ErrorCode::kCoordinatorLoadInProgress);
      return response;
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
    shards_.for_each_active(
        [&](const TransactionShard& shard) { shard.list(filter, response.transaction_states); });
    return response;
  }

  void schedule_aborts() {
    aborts_ = ports_.home.run_after(
        std::chrono::milliseconds(options_.abort_timed_out_interval_ms), [this] {
          shards_.for_each_active([](TransactionShard& shard) { shard.abort_timed_out(); });
          schedule_aborts();
        });
  }

  void schedule_removals() {
    removals_ = ports_.home.run_after(
        std::chrono::milliseconds(options_.remove_expired_interval_ms), [this] {
          shards_.for_each_active([](TransactionShard& shard) { shard.remove_expired(); });
          schedule_removals();
        });
  }

  const TransactionOptions options_;
  const Ports ports_;
  ShardTable<TransactionShard, TransactionLoader> shards_;
  std::unique_ptr<Timer> aborts_;
  std::unique_ptr<Timer> removals_;
};

std::unique_ptr<TransactionCoordinator> TransactionCoordinator::make(TransactionOptions options,
                                                                     Ports ports) {
  return std::make_unique<TransactionCoordinatorImpl>(options, ports);
}

}  // namespace barnabas::coordinator
