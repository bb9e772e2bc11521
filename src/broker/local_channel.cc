#include "local_channel.h"

#include <fmt/format.h>

#include "barnabas/protocol/gen/leader_and_isr.h"
#include "barnabas/protocol/gen/stop_replica.h"
#include "barnabas/protocol/gen/update_metadata.h"

namespace barnabas::broker {

void LocalChannel::open(ControllerRequests& requests) {
  requests_ = &requests;
  next();
}

void LocalChannel::when_drained(Task task) {
  on_drained_.push_back(std::move(task));
  next();
}

void LocalChannel::close() {
  *alive_ = false;
  queue_.clear();
  on_drained_.clear();
}

// There is but one broker here; the tree may name others only in a cluster, which has links.
void LocalChannel::add_broker(BrokerId, const zk::BrokerZNode&) {}
void LocalChannel::remove_broker(BrokerId) {}

void LocalChannel::next() {
  if (busy_ || requests_ == nullptr) {
    return;
  }
  if (queue_.empty()) {
    auto drained = std::move(on_drained_);
    on_drained_.clear();
    for (auto& task : drained) {
      task();
    }
    return;
  }
  busy_ = true;
  Task task = std::move(queue_.front());
  queue_.pop_front();
  task();
}

template <typename Request, typename Response>
void LocalChannel::enqueue(BrokerId to, Executor& where, std::shared_ptr<const Request> request,
                           controller::ResponseCallback<Response> done) {
  if (to != local_) {
    home_.post([to, done = std::move(done)]() mutable {
      done(fail(ErrorCode::kBrokerNotAvailable,
                fmt::format("broker {} cannot be reached from an embedded tree", to.value())));
    });
    return;
  }
  queue_.emplace_back(
      [this, &where, request = std::move(request), done = std::move(done)]() mutable {
        where.post(
            [this, request = std::move(request), done = std::move(done), alive = alive_]() mutable {
              auto response = std::make_unique<Response>(requests_->apply(*request));
              home_.post([this, response = std::move(response), done = std::move(done),
                          alive = std::move(alive)]() mutable {
                if (!*alive) {
                  return;
                }
                done(std::move(*response));
                busy_ = false;
                next();
              });
            });
      });
  next();
}

void LocalChannel::send(BrokerId to, std::shared_ptr<const protocol::LeaderAndIsrRequest> request,
                        controller::ResponseCallback<protocol::LeaderAndIsrResponse> done) {
  enqueue(to, disk_, std::move(request), std::move(done));
}

void LocalChannel::send(BrokerId to, std::shared_ptr<const protocol::StopReplicaRequest> request,
                        controller::ResponseCallback<protocol::StopReplicaResponse> done) {
  enqueue(to, disk_, std::move(request), std::move(done));
}

void LocalChannel::send(BrokerId to, std::shared_ptr<const protocol::UpdateMetadataRequest> request,
                        controller::ResponseCallback<protocol::UpdateMetadataResponse> done) {
  enqueue(to, home_, std::move(request), std::move(done));
}

}  // namespace barnabas::broker
