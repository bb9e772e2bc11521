// The controller's way to the broker in its own process: requests are values in a queue, carried
// out one after the other, replicas' on the disk pool, metadata at home.
// THREAD: home (the controller's)
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "barnabas/base/executor.h"
#include "barnabas/controller/controller.h"
#include "controller_requests.h"

namespace barnabas::broker {

class LocalChannel final : public controller::BrokerChannel {
 public:
  LocalChannel(BrokerId local, Executor& home, Executor& disk)
      : local_(local), home_(home), disk_(disk) {}

  // Nothing is carried out before this.
  void open(ControllerRequests& requests);
  // `task` runs when the queue is empty, at once if it is now.
  void when_drained(Task task);
  // What waits is dropped without an answer, and what runs now answers nobody.
  void close();

  void add_broker(BrokerId id, const zk::BrokerZNode& node) override;
  void remove_broker(BrokerId id) override;
  void send(BrokerId to, std::shared_ptr<const protocol::LeaderAndIsrRequest> request,
            controller::ResponseCallback<protocol::LeaderAndIsrResponse> done) override;
  void send(BrokerId to, std::shared_ptr<const protocol::StopReplicaRequest> request,
            controller::ResponseCallback<protocol::StopReplicaResponse> done) override;
  void send(BrokerId to, std::shared_ptr<const protocol::UpdateMetadataRequest> request,
            controller::ResponseCallback<protocol::UpdateMetadataResponse> done) override;

 private:
  template <typename Request, typename Response>
  void enqueue(BrokerId to, Executor& where, std::shared_ptr<const Request> request,
               controller::ResponseCallback<Response> done);
  void next();

  const BrokerId local_;
  Executor& home_;
  Executor& disk_;
  ControllerRequests* requests_ = nullptr;
  std::deque<Task> queue_;
  bool busy_ = false;
  std::vector<Task> on_drained_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace barnabas::broker
