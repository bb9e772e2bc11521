// Producer ids for idempotent producers: handed out from a block of 1000 that the controller gives
// (/latest_producer_id_block), fetched anew when it is used up. Ids are never handed out twice; a
// restart skips what was left of the block.
// THREAD: any
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "barnabas/base/executor.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/controller/topic_admin.h"

namespace barnabas::broker {

class ProducerIds {
 public:
  using Callback = std::move_only_function<void(Result<ProducerId>)>;
  ProducerIds(controller::TopicAdmin& admin, BrokerId broker, BrokerEpoch broker_epoch)
      : admin_(admin), broker_(broker), broker_epoch_(broker_epoch) {}
  // When no thread runs any more: a request that the controller gives up later finds nobody here.
  ~ProducerIds() { *alive_ = false; }
  ProducerIds(const ProducerIds&) = delete;
  ProducerIds& operator=(const ProducerIds&) = delete;

  // Once this broker is registered.
  void set_broker_epoch(BrokerEpoch epoch);

  // `done` is posted to `home`. COORDINATOR_LOAD_IN_PROGRESS where too many wait for a block.
  void next(Executor& home, Callback done);

 private:
  struct Waiting {
    Executor* home;
    Callback done;
  };
  static constexpr std::size_t kMaxWaiting = 10'000;

  void take_block(Result<controller::ProducerIdBlock> block);
  void serve() REQUIRES(mutex_);
  void fetch() REQUIRES(mutex_);
  static void deliver(Waiting waiting, Result<ProducerId> id);

  controller::TopicAdmin& admin_;
  const BrokerId broker_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Mutex mutex_;
  BrokerEpoch broker_epoch_ GUARDED_BY(mutex_);
  ProducerId next_ GUARDED_BY(mutex_){0};
  ProducerId last_ GUARDED_BY(mutex_){-1};  // inclusive; below next_: the block is used up
  bool fetching_ GUARDED_BY(mutex_) = false;
  std::deque<Waiting> waiting_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::broker
