#include "barnabas/controller/controller.h"

#include <chrono>
#include <utility>

#include "barnabas/base/logging.h"
#include "controller_impl.h"

namespace barnabas::controller {
namespace {

Async<Step> nothing_to_do() {
  co_return Step{};
}

// Between an error that we do not understand and the next attempt.
constexpr std::chrono::seconds kRetryAfter{1};

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("controller");
  return logger;
}

}  // namespace

std::unique_ptr<Controller> Controller::make(ControllerOptions options, Ports ports) {
  return std::make_unique<ControllerImpl>(std::move(options), std::move(ports));
}

ControllerImpl::ControllerImpl(ControllerOptions options, Ports ports)
    : options_(std::move(options)),
      ports_(std::move(ports)),
      home_(ports_.store.home()),
      store_(ports_.store),
      batch_(options_.broker, options_.inter_broker_listener, context_, ports_.brokers,
             {[this, alive = alive_](BrokerId broker, const std::vector<std::string>& topics) {
                if (*alive && active_) {
                  metadata_taken(broker, topics);
                }
              },
              [this, alive = alive_](BrokerId broker, const std::vector<TopicPartition>& deleted,
                                     const std::vector<TopicPartition>& failed) {
                if (*alive && active_) {
                  events_.push([this, broker, deleted, failed, term = term_] {
                    return term == term_ ? deletion_.on_stopped(broker, deleted, failed)
                                         : nothing_to_do();
                  });
                }
              }}),
      machines_(context_, store_, batch_, options_.unclean_leader_election),
      deletion_(context_, store_, machines_, batch_,
                [this](const std::string& topic) { settled(topic); }),
      configs_(ports_.store, *this, ports_.clock, options_.config_change_retention_ms),
      config_writer_(ports_.store, *this),
      creations_(home_),
      deletions_(home_),
      elections_(home_),
      events_(home_, [this](const zk::StoreError& error) { event_failed(error); }) {}

ControllerImpl::~ControllerImpl() {
  *alive_ = false;
}

void ControllerImpl::start(BrokerEpoch epoch, std::move_only_function<void(Status)> started) {
  home_.assert_here();
  log().info("broker {} with epoch {} competes for the controller", options_.broker.value(),
             epoch.value());
  started_ = std::move(started);
  ports_.store.add_session_listener([this, alive = alive_](zk::SessionState state) {
    if (*alive && !stopped_) {
      session_changed(state);
    }
  });
  configs_.start([this](Status status) {
    if (!status) {
      return report_started(std::move(status));
    }
    events_.push_once("compete", [this] { return compete(); });
  });
}

void ControllerImpl::rejoined(BrokerEpoch epoch) {
  home_.assert_here();
  if (stopped_) {
    return;
  }
  log().info("broker {} with epoch {} competes for the controller again", options_.broker.value(),
             epoch.value());
  configs_.restart();
  events_.push_once("compete", [this] { return compete(); });
}

void ControllerImpl::stop() {
  home_.assert_here();
  stopped_ = true;
  events_.stop();
  configs_.stop();
  config_writer_.stop();
  retry_.reset();
  resign();
  *alive_ = false;
  report_started(fail(ErrorCode::kBrokerNotAvailable, "the controller was stopped"));
}

void ControllerImpl::report_started(Status status) {
  if (started_) {
    // Posted: whoever hears it may stop us, which must not happen in the middle of an event.
    home_.post([started = std::exchange(started_, {}), status = std::move(status)]() mutable {
      started(std::move(status));
    });
  }
}

zk::Watcher ControllerImpl::on_change(std::string name, Handler handle) {
  return [this, alive = alive_, name = std::move(name), handle](const zk::WatchEvent&) {
    if (*alive) {
      events_.push_once(name, [this, handle] { return (this->*handle)(); });
    }
  };
}

// ---- Configurations ----------------------------------------------------------------------------

void ControllerImpl::on_config(zk::ConfigType type, const std::string& entity,
                               const zk::ConfigMap& config) {
  ports_.configs.on_config(type, entity, config);
  TopicInfo* const topic = type == zk::ConfigType::kTopic ? context_.topic(entity) : nullptr;
  if (topic == nullptr || topic->config == config) {
    return;
  }
  topic->config = config;
  const auto unclean = config.find("unclean.leader.election.enable");
  if (unclean != config.end() && unclean->second == "true") {
    events_.push_once("leaderless", [this] { return elect_leaderless(); });
  }
}

void ControllerImpl::set_unclean_leader_election(bool enabled) {
  home_.assert_here();
  machines_.set_unclean_by_default(enabled);
  if (enabled && active_) {
    events_.push_once("leaderless", [this] { return elect_leaderless(); });
  }
}

Async<Step> ControllerImpl::elect_leaderless() {
  if (!active_) {
    co_return Step{};
  }
  co_return co_await machines_.bring_all_online();
}

// ---- Office ------------------------------------------------------------------------------------

Async<Step> ControllerImpl::compete() {
  while (!active_) {
    const auto seat = co_await store_.exists(std::string(zk::kControllerPath),
                                             on_change("seat", &ControllerImpl::on_seat_changed));
    if (!seat) {
      co_return std::unexpected(seat.error());
    }
    if (*seat && (*seat)->ephemeral_owner != ports_.store.session_id()) {
      log().info("another broker is controller");
      report_started({});
      co_return Step{};
    }
    if (*seat) {
      // Ours, but the answer that said so was lost: begin again rather than guess the epoch.
      std::vector<zk::WriteOp> ops;
      ops.emplace_back(zk::DeleteOp{std::string(zk::kControllerPath)});
      const WriteAnswer answer = co_await store_.write_unfenced(std::move(ops));
      if (!answer && !is_about_node(answer.error())) {
        co_return std::unexpected(answer.error());
      }
      continue;
    }
    bool won = false;
    Step step = co_await win(won);
    if (!step) {
      co_return step;
    }
    if (won) {
      step = co_await take_office();
      if (step) {
        report_started({});
      }
      co_return step;
    }
  }
  co_return Step{};
}

Async<Step> ControllerImpl::make_controller_epoch() {
  std::vector<zk::WriteOp> ops;
  ops.emplace_back(zk::CreateOp{std::string(zk::kControllerEpochPath),
                                zk::encode_controller_epoch(ControllerEpoch{0})});
  const WriteAnswer answer = co_await store_.write_unfenced(std::move(ops));
  if (!answer && answer.error().code != zk::StoreErrorCode::kNodeExists) {
    co_return std::unexpected(answer.error());
  }
  co_return Step{};
}

Async<Step> ControllerImpl::win(bool& won) {
  const std::string epoch_path(zk::kControllerEpochPath);
  auto node = co_await store_.get(epoch_path);
  if (!node && node.error().code == zk::StoreErrorCode::kNoNode) {
    Step step = co_await make_controller_epoch();
    if (!step) {
      co_return step;
    }
    node = co_await store_.get(epoch_path);
  }
  if (!node) {
    co_return std::unexpected(node.error());
  }
  const auto last = zk::decode_controller_epoch(node->data);
  if (!last) {
    co_return std::unexpected(
        zk::StoreError{zk::StoreErrorCode::kBadArguments, epoch_path, 0, last.error().message});
  }
  const ControllerEpoch next = *last + 1;
  std::vector<zk::WriteOp> ops;
  ops.emplace_back(
      zk::CreateOp{std::string(zk::kControllerPath),
                   encode(zk::ControllerZNode{options_.broker, ports_.clock.wall_ms(), -1}),
                   zk::CreateMode::kEphemeral});
  ops.emplace_back(zk::SetOp{epoch_path, zk::encode_controller_epoch(next), node->stat.version});
  const WriteAnswer answer = co_await store_.write_unfenced(std::move(ops));
  if (!answer) {
    // Another broker was faster: look again who it is.
    const auto code = answer.error().code;
    const bool lost =
        code == zk::StoreErrorCode::kNodeExists || code == zk::StoreErrorCode::kBadVersion;
    co_return lost ? Step{} : std::unexpected(answer.error());
  }
  context_.clear();
  context_.epoch = next;
  store_.fence_with(answer->back().stat.version);
  active_ = true;
  won = true;
  ++term_;
  log().info("broker {} is controller with epoch {}", options_.broker.value(), next.value());
  co_return Step{};
}

Async<Step> ControllerImpl::make_feature() {
  const auto there = co_await store_.exists(std::string(zk::kFeaturePath));
  if (!there) {
    co_return std::unexpected(there.error());
  }
  if (!*there) {
    std::vector<zk::WriteOp> ops;
    ops.emplace_back(zk::CreateOp{std::string(zk::kFeaturePath), zk::encode_feature_enabled()});
    const WriteAnswer answer = co_await store_.write(std::move(ops));
    if (!answer && !is_about_node(answer.error())) {
      co_return std::unexpected(answer.error());
    }
  }
  co_return Step{};
}

Async<Step> ControllerImpl::take_office() {
  Step step = co_await make_feature();
  if (step) {
    step = co_await read_brokers();
  }
  if (step) {
    step = co_await read_topics();
  }
  if (step) {
    step = co_await read_deletions();
  }
  if (!step) {
    co_return step;
  }
  // The brokers learn who is alive and what there is before they are told to lead any of it.
  batch_.add_update_metadata(context_.live_ids(), context_.partitions_with_leadership());
  batch_.send();
  step = co_await machines_.start_up();
  if (step) {
    step = co_await deletion_.resume();
  }
  if (step) {
    step = co_await read_notes();
  }
  co_return step;
}

// The seat has changed hands, or is empty.
Async<Step> ControllerImpl::on_seat_changed() {
  if (active_) {
    const auto seat = co_await store_.exists(std::string(zk::kControllerPath));
    if (!seat) {
      co_return std::unexpected(seat.error());
    }
    if (*seat && (*seat)->ephemeral_owner == ports_.store.session_id()) {
      // Still ours: it was our own taking of it that we saw. Watch on.
      const auto watched = co_await store_.exists(
          std::string(zk::kControllerPath), on_change("seat", &ControllerImpl::on_seat_changed));
      co_return watched ? Step{} : std::unexpected(watched.error());
    }
    resign();
  }
  co_return co_await compete();
}

void ControllerImpl::resign() {
  if (active_) {
    log().info("broker {} is controller no more (epoch {})", options_.broker.value(),
               context_.epoch.value());
    for (const auto& [id, broker] : context_.brokers) {
      ports_.brokers.remove_broker(id);
    }
  }
  active_ = false;
  ++term_;
  batch_.clear();
  context_.clear();
  creations_.finish_all();
  deletions_.finish_all();
  elections_.finish_all();
}

void ControllerImpl::event_failed(const zk::StoreError& error) {
  resign();
  if (error.code == zk::StoreErrorCode::kFailed || error.code == zk::StoreErrorCode::kClosed) {
    return report_started(std::unexpected(zk::to_error(error)));
  }
  if (error.code == zk::StoreErrorCode::kSessionExpired) {
    return;  // the listener goes on when there is a new session
  }
  if (is_moved(error)) {
    return events_.push_once("compete", [this] { return compete(); });
  }
  log().error("an event of the controller failed: {}", zk::to_string(error));
  if (error.code == zk::StoreErrorCode::kBadArguments) {
    // The tree holds what we cannot read: no second attempt makes it better.
    return report_started(std::unexpected(zk::to_error(error)));
  }
  // If the seat is ours still, competing gives it back first.
  retry_ = home_.run_after(kRetryAfter,
                           [this] { events_.push_once("compete", [this] { return compete(); }); });
}

void ControllerImpl::session_changed(zk::SessionState state) {
  if (state == zk::SessionState::kExpired) {
    events_.stop();
    configs_.stop();
    retry_.reset();
    resign();
  }
}

}  // namespace barnabas::controller
