#include "producer_ids.h"

namespace barnabas::broker {

void ProducerIds::deliver(Waiting waiting, Result<ProducerId> id) {
  Executor& home = *waiting.home;
  home.post(
      [done = std::move(waiting.done), id = std::move(id)]() mutable { done(std::move(id)); });
}

void ProducerIds::next(Executor& home, Callback done) {
  const MutexLock lock(mutex_);
  if (waiting_.size() >= kMaxWaiting) {
    deliver({&home, std::move(done)}, fail(ErrorCode::kCoordinatorLoadInProgress,
                                           "too many producers wait for a block of ids"));
    return;
  }
  waiting_.push_back({&home, std::move(done)});
  serve();
}

void ProducerIds::set_broker_epoch(BrokerEpoch epoch) {
  const MutexLock lock(mutex_);
  broker_epoch_ = epoch;
}

void ProducerIds::serve() {
  while (!waiting_.empty() && next_ <= last_) {
    deliver(std::move(waiting_.front()), next_);
    waiting_.pop_front();
    ++next_;
  }
  if (!waiting_.empty() && !fetching_) {
    fetch();
  }
}

void ProducerIds::fetch() {
  fetching_ = true;
  admin_.allocate_producer_ids(broker_, broker_epoch_,
                               [this, alive = alive_](Result<controller::ProducerIdBlock> block) {
                                 if (*alive) {
                                   take_block(std::move(block));
                                 }
                               });
}

void ProducerIds::take_block(Result<controller::ProducerIdBlock> block) {
  const MutexLock lock(mutex_);
  fetching_ = false;
  if (!block) {
    for (auto& waiting : waiting_) {
      deliver(std::move(waiting), std::unexpected(block.error()));
    }
    waiting_.clear();
    return;
  }
  next_ = block->first;
  last_ = block->last;
  serve();
}

}  // namespace barnabas::broker
