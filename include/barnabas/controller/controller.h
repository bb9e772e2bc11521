// The controller: one of the brokers, elected through /controller, that owns the cluster's state.
// It elects leaders, brings topics up and takes them down, and tells every broker what holds.
//
// Shape: an event queue. Watches, answers of brokers, administrators' requests and timers become
// events; one event is worked on at a time, reading and writing the tree and then sending
// LeaderAndIsr, StopReplica and UpdateMetadata through the BrokerChannel port. Every write to the
// tree is a multi that first checks the version of /controller_epoch; the write that fails on it
// makes this broker resign, so that two that believe they are controller can do no harm.
//
// Life cycle: start() (watch /controller, try to win), stop() (resign, deliver nothing more).
// Every broker has one, elected or not. Home: the executor of the store. What arrives from other
// threads is posted there by the callers of TopicAdmin, whose methods say THREAD: any.
// Failure: a lost session makes it resign and wait; a failed store makes it stand still, the
// broker learns of it through its own session listener.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/random.h"
#include "barnabas/base/result.h"
#include "barnabas/base/uuid.h"
#include "barnabas/controller/config_admin.h"
#include "barnabas/controller/topic_admin.h"
#include "barnabas/zk/metadata_store.h"
#include "barnabas/zk/znodes.h"

namespace barnabas::protocol {
struct LeaderAndIsrRequest;
struct LeaderAndIsrResponse;
struct StopReplicaRequest;
struct StopReplicaResponse;
struct UpdateMetadataRequest;
struct UpdateMetadataResponse;
}  // namespace barnabas::protocol

namespace barnabas::controller {

template <typename Response>
using ResponseCallback = std::move_only_function<void(Result<Response>)>;

// The way to the brokers. Requests to one broker arrive in the order of sending, one outstanding at
// a time, repeated by the channel until they are answered or the broker is removed (then the
// callback gets an error). Callbacks run on the controller's home, never inside send.
// THREAD: the controller's home
class BrokerChannel {
 public:
  virtual ~BrokerChannel() = default;
  virtual void add_broker(BrokerId id, const zk::BrokerZNode& node) = 0;
  virtual void remove_broker(BrokerId id) = 0;
  virtual void send(BrokerId to, std::shared_ptr<const protocol::LeaderAndIsrRequest> request,
                    ResponseCallback<protocol::LeaderAndIsrResponse> done) = 0;
  virtual void send(BrokerId to, std::shared_ptr<const protocol::StopReplicaRequest> request,
                    ResponseCallback<protocol::StopReplicaResponse> done) = 0;
  virtual void send(BrokerId to, std::shared_ptr<const protocol::UpdateMetadataRequest> request,
                    ResponseCallback<protocol::UpdateMetadataResponse> done) = 0;
};

// What the broker hears of /config: the whole map of an entity, at the start for every entity that
// has one and again on each change. Runs on the controller's home on every broker, elected or not.
// THREAD: the controller's home
class ConfigListener {
 public:
  virtual ~ConfigListener() = default;
  virtual void on_config(zk::ConfigType type, const std::string& entity,
                         const zk::ConfigMap& config) = 0;
};

struct ControllerOptions {
  BrokerId broker;
  std::string inter_broker_listener = "PLAINTEXT";
  bool delete_topic_enable = true;
  bool unclean_leader_election = false;  // unless a topic says otherwise
  // Notifications of configuration changes older than this are removed.
  std::int64_t config_change_retention_ms = 15 * 60 * 1000;
};

// THREAD: home, but for admin() and config_admin(), which are for any thread.
class Controller {
 public:
  struct Ports {
    zk::MetadataStore& store;
    BrokerChannel& brokers;
    ConfigListener& configs;
    const Clock& clock;
    Random& random;
    TopicConfigValidator validate_config;  // may be empty: everything is accepted
  };

  static std::unique_ptr<Controller> make(ControllerOptions options, Ports ports);
  virtual ~Controller() = default;

  // `epoch` is what register_broker() answered. Reads the configurations first, then competes;
  // `started` runs when either this broker or another one is controller.
  virtual void start(BrokerEpoch epoch, std::move_only_function<void(Status)> started) = 0;
  // After a lost session: there is a new one, and the broker is registered in it with `epoch`.
  // Configurations are read again, and it competes again.
  virtual void rejoined(BrokerEpoch epoch) = 0;
  // Gives up the office if it is held (the session's end does that), lets go of everything that
  // waits with an error, ignores what still comes. The store stays open.
  virtual void stop() = 0;

  [[nodiscard]] virtual bool is_active() const = 0;
  [[nodiscard]] virtual ControllerEpoch epoch() const = 0;
  // True when no event waits or is being worked on: for tests and orderly stops.
  [[nodiscard]] virtual bool idle() const = 0;
  [[nodiscard]] virtual TopicAdmin& admin() = 0;          // THREAD: any
  [[nodiscard]] virtual ConfigAdmin& config_admin() = 0;  // THREAD: any
  // Where a topic does not say so itself. Switched on, leaderless partitions are looked at again.
  virtual void set_unclean_leader_election(bool enabled) = 0;
};

}  // namespace barnabas::controller
