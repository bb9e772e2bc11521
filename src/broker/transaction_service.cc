#include "transaction_service.h"

#include <future>
#include <utility>

#include "barnabas/metadata/topic_name.h"

namespace barnabas::broker {

coordinator::TransactionOptions transaction_options(const config::BrokerConfig& config) {
  coordinator::TransactionOptions options;
  options.max_timeout_ms = config.get_int("transaction.max.timeout.ms");
  options.abort_timed_out_interval_ms =
      config.get_int("transaction.abort.timed.out.transaction.cleanup.interval.ms");
  options.expiration_ms = config.get_int("transactional.id.expiration.ms");
  options.remove_expired_interval_ms =
      config.get_int("transaction.remove.expired.transaction.cleanup.interval.ms");
  options.load_buffer_bytes = config.get_int("transaction.state.log.load.buffer.size");
  options.request_timeout_ms = config.get_int("request.timeout.ms");
  return options;
}

TransactionService::TransactionService(const Parts& parts)
    : threads_({1, false, "transactions"}, parts.clock),
      home_(parts.connections, threads_, parts.clock),
      log_(std::string(metadata::kTransactionStateTopic),
           parts.config.get_int("transaction.state.log.num.partitions"), home_, parts.broker_id,
           parts.metadata, parts.replicas),
      writer_(home_, parts.broker_id, parts.clock, parts.config.get_int("request.timeout.ms"),
              parts.replicas, parts.groups),
      router_(home_, parts.broker_id, writer_, parts.metadata, parts.replicas),
      ids_(home_, parts.producer_ids),
      coordinator_(coordinator::TransactionCoordinator::make(
          transaction_options(parts.config),
          {home_, parts.disk, parts.clock, log_, router_, ids_})) {}

TransactionService::~TransactionService() {
  stop();
}

Status TransactionService::start() {
  TRY_STATUS(threads_.start());
  coordinator_->start();
  return {};
}

void TransactionService::open() {
  home_.post([this] { router_.open(); });
}

void TransactionService::close() {
  if (closed_) {
    return;
  }
  closed_ = true;
  std::promise<void> done;
  home_.post([&] {
    coordinator_->stop();
    done.set_value();
  });
  done.get_future().wait();
}

void TransactionService::stop() {
  threads_.stop();
}

void TransactionService::write_marker(coordinator::TransactionMarker marker,
                                      coordinator::Done<std::vector<ErrorCode>> done) {
  home_.post([this, marker = std::move(marker), done = std::move(done)]() mutable {
    writer_.write(std::move(marker), std::move(done));
  });
}

void TransactionService::on_leader(const TopicPartition& partition, LeaderEpoch epoch) {
  if (partition.topic == metadata::kTransactionStateTopic) {
    coordinator_->elected(partition.partition, epoch);
  }
}

void TransactionService::on_follower(const TopicPartition& partition, LeaderEpoch epoch) {
  if (partition.topic == metadata::kTransactionStateTopic) {
    coordinator_->resigned(partition.partition, epoch);
  }
}

}  // namespace barnabas::broker
