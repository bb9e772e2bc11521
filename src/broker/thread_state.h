// What the handlers of one io thread keep from request to request: buffers, decoded objects, the
// appends gathered in the present train, the tables of the present train. Nothing here is locked.
// THREAD: home
#pragma once

#include <memory>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/base/executor.h"
#include "barnabas/metadata/cluster_snapshot.h"
#include "barnabas/protocol/writer.h"
#include "barnabas/replication/replica_manager.h"
#include "produce_gather.h"
#include "request_context.h"
#include "waits.h"

namespace barnabas::broker {

class ThreadState {
 public:
  ThreadState(Services& services, Executor& home)
      : services_(services), home_(home), gather_(services, home) {}
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;

  [[nodiscard]] Executor& home() { return home_; }
  [[nodiscard]] protocol::Writer& writer() { return writer_; }
  [[nodiscard]] ProduceGather& gather() { return gather_; }
  // What is to be answered at once when the server stops.
  [[nodiscard]] Waits& waits() { return *waits_; }
  [[nodiscard]] std::weak_ptr<Waits> share_waits() const { return waits_; }

  // The replica table and metadata as of the beginning of the train.
  [[nodiscard]] const replication::ReplicaTable& replicas() {
    if (replicas_ == nullptr) {
      replicas_ = services_.replicas.table();
    }
    return *replicas_;
  }
  [[nodiscard]] const metadata::ClusterSnapshot& metadata() {
    if (metadata_ == nullptr) {
      metadata_ = services_.metadata.load();
    }
    return *metadata_;
  }
  void end_train() {
    gather_.flush();
    replicas_.reset();
    metadata_.reset();
    if (writer_.bytes().size() > kKeptBytes) {
      writer_.clear();
      writer_.shrink(kKeptBytes);
    }
  }

 private:
  static constexpr std::size_t kKeptBytes = std::size_t{1} << 20U;

  Services& services_;
  Executor& home_;
  protocol::Writer writer_;
  ProduceGather gather_;
  std::shared_ptr<Waits> waits_ = std::make_shared<Waits>();
  std::shared_ptr<const replication::ReplicaTable> replicas_;
  std::shared_ptr<const metadata::ClusterSnapshot> metadata_;
};

}  // namespace barnabas::broker
