#include "barnabas/broker/broker.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <latch>
#include <optional>
#include <thread>
#include <utility>

#include "ask_and_wait.h"
#include "barnabas/base/clock.h"
#include "barnabas/base/logging.h"
#include "barnabas/base/random.h"
#include "barnabas/base/snapshot_cell.h"
#include "barnabas/base/vfs.h"
#include "barnabas/config/dynamic_config.h"
#include "barnabas/controller/controller.h"
#include "barnabas/net/disk_pool.h"
#include "barnabas/net/io_threads.h"
#include "barnabas/net/server.h"
#include "barnabas/zk/broker_registration.h"
#include "barnabas/zk/embedded_store.h"
#include "broker_options.h"
#include "controller_requests.h"
#include "dynamic_broker_config.h"
#include "fetch_session.h"
#include "group_service.h"
#include "local_channel.h"
#include "producer_ids.h"
#include "request_handler.h"
#include "strange_topics.h"
#include "topic_auto_creation.h"
#include "topic_configs.h"
#include "transaction_service.h"
#include "tree_offsets.h"
#include "zookeeper_link.h"

namespace barnabas::broker {
namespace {

constexpr std::size_t kDiskThreads = 4;
constexpr std::size_t kMaxRecoveryThreads = 256;
constexpr std::chrono::seconds kStopGrace{5};

logging::Logger& log() {
  static logging::Logger& instance = logging::logger("kafka.server.KafkaServer");
  return instance;
}

}  // namespace

class Broker::Impl final : public controller::ConfigListener,
                           public storage::LogDirFailureListener {
 public:
  explicit Impl(config::BrokerConfig config)
      : config_(std::move(config)),
        current_(std::make_shared<const config::BrokerConfig>(config_)),
        vfs_(make_posix_vfs()),
        storage_random_(make_system_random()),
        control_random_(make_system_random()),
        session_random_(make_system_random()),
        disk_(kDiskThreads, clock_, "disk"),
        control_({1, false, "control"}, clock_),
        io_({io_thread_count(config_), false, "net-io"}, clock_),
        metadata_(metadata::SnapshotBuilder(std::string{}).build()),
        fetch_sessions_(
            static_cast<std::size_t>(std::max(config_.requests.fetch_session_cache_slots, 0)),
            clock_, *session_random_) {}

  ~Impl() override { tear_down(); }

  Status start() {
    Status started = start_all();
    if (started) {
      log().info("[KafkaServer id={}] started", broker_id_.value());
    } else {
      tear_down();
    }
    return started;
  }

  void stop() {
    log().info("[KafkaServer id={}] shutting down", broker_id_.value());
    quiesce();
    if (logs_ != nullptr && loaded_) {
      if (const auto stopped = logs_->stop(broker_epoch_); !stopped) {
        log().error("closing the logs: {}", stopped.error().message);
      }
    }
    if (store_ != nullptr) {
      const auto closed = ask_and_wait<zk::SessionId>(home(), [this](auto done) {
        store_->close([done = std::move(done)](zk::StoreResult<zk::SessionId> id) mutable {
          if (id) {
            done(*id);
          } else {
            done(std::unexpected(zk::to_error(id.error())));
          }
        });
      });
      if (!closed) {
        log().error("closing the metadata: {}", closed.error().message);
      }
    }
    tear_down();
    log().info("[KafkaServer id={}] shut down completed", broker_id_.value());
  }

  // ConfigListener. Runs on the controller's home.
  void on_config(zk::ConfigType type, const std::string& entity,
                 const zk::ConfigMap& config) override {
    metadata::SnapshotBuilder builder(*metadata_.load());
    if (type == zk::ConfigType::kTopic) {
      builder.set_topic_config(entity, config);
    } else if (type == zk::ConfigType::kBroker && entity == zk::kDefaultEntity) {
      builder.set_default_broker_config(config);
    } else if (type == zk::ConfigType::kBroker && entity == fmt::to_string(broker_id_.value())) {
      builder.set_broker_config(broker_id_, config);
    } else {
      return;
    }
    metadata_.exchange(builder.build());
    if (type == zk::ConfigType::kTopic) {
      replicas_->update_config(entity);
    } else {
      take_dynamic_overrides(dynamic_overrides(*metadata_.load(), broker_id_));
      replicas_->update_configs();
      controller_->set_unclean_leader_election(
          current_.load()->get_bool("unclean.leader.election.enable"));
    }
  }

  // LogDirFailureListener
  void on_log_dir_failure(const std::string& log_dir, const Error& error) override {
    log().error(
        "log dir {} is offline, its partitions answer KAFKA_STORAGE_ERROR until the broker is "
        "started again: {}",
        log_dir, error.message);
    if (++failed_log_dirs_ == config_.log_dirs.dirs.size() && serving_) {
      // As Kafka: there is nothing left to serve, and others can take over what this broker led.
      log().error("Shutdown broker because all log dirs in {} have failed",
                  fmt::join(config_.log_dirs.dirs, ", "));
      logging::flush();
      std::_Exit(1);
    }
  }

  [[nodiscard]] BrokerId id() const { return broker_id_; }
  [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }
  [[nodiscard]] std::uint16_t port(std::string_view listener) const {
    return server_->port(listener);
  }

 private:
  static std::size_t io_thread_count(const config::BrokerConfig& config) {
    return config.threads.io_threads > 0
               ? static_cast<std::size_t>(config.threads.io_threads)
               : std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
  }

  Executor& home() { return control_.executor(0); }

  void take_dynamic_overrides(const config::DynamicBrokerOverrides& overrides) {
    const storage::CleanerOptions cleaner = cleaner_options(*current_.load());
    current_.exchange(
        std::make_shared<const config::BrokerConfig>(config::with_dynamic(config_, overrides)));
    if (cleaner_options(*current_.load()) != cleaner) {
      logs_->update_cleaner(cleaner_options(*current_.load()));
    }
  }

  Status start_all() {
    TRY_STATUS(open_storage());
    TRY_STATUS(open_tree());
    TRY_STATUS(load_logs());
    TRY_STATUS(listen());
    return lead();
  }

  Status open_storage() {
    disk_.start();
    TRY_STATUS(control_.start());
    const storage::StorageEnvironment environment{
        vfs_.get(), &clock_, &disk_, storage_random_.get(),
        [this](std::vector<Task> tasks) { run_on_disk(std::move(tasks)); }};
    TRY(logs_, storage::LogManager::open(log_manager_options(config_), environment));
    logs_->set_failure_listener(this);
    return {};
  }

  // Logs are loaded and closed by threads that are there for it alone:
  // num.recovery.threads.per.data.dir for each log dir, never fewer than the disk pool has.
  void run_on_disk(std::vector<Task> tasks) {
    const auto asked = config_.log_dirs.dirs.size() *
                       static_cast<std::size_t>(std::max(
                           current_.load()->get_int("num.recovery.threads.per.data.dir"), 1));
    const std::size_t useful = std::clamp<std::size_t>(tasks.size(), 1, kMaxRecoveryThreads);
    net::DiskPool pool(std::min(std::max(asked, kDiskThreads), useful), clock_, "recovery");
    pool.start();
    std::latch left(static_cast<std::ptrdiff_t>(tasks.size()));
    for (auto& task : tasks) {
      pool.post([&left, task = std::move(task)]() mutable {
        task();
        left.count_down();
      });
    }
    left.wait();
  }

  // The tree, the cluster's id, this broker's id; and that the directories belong to both.
  Status open_tree() {
    if (config_.metadata.embedded) {
      zk::EmbeddedStoreOptions options;
      options.directory = config_.metadata.embedded_dir.empty()
                              ? zk::metadata_directory(config_.log_dirs.dirs.front())
                              : config_.metadata.embedded_dir;
      TRY(store_, zk::open_embedded_store(options, *vfs_, clock_, home(), disk_));
    } else {
      TRY(zookeeper_, ZooKeeperLink::connect(config_, {*vfs_, home(), disk_, *control_random_}));
      store_ = zookeeper_->store();
      TRY_STATUS(zookeeper_->check_not_kraft());
    }
    TRY(cluster_id_, ask_and_wait<std::string>(home(), [this](auto done) {
          zk::prepare_tree(*store_, *control_random_, std::move(done));
        }));
    TRY(broker_id_, choose_broker_id());
    log().info("cluster id {}, broker id {}, log dirs {}", cluster_id_, broker_id_.value(),
               fmt::join(config_.log_dirs.dirs, ", "));
    return check_identity(logs_->write_meta_properties(cluster_id_, broker_id_));
  }

  // Kafka's words, and what to do.
  static Status check_identity(Status written) {
    if (!written && written.error().code == ErrorCode::kInconsistentClusterId) {
      written.error().message +=
          " Nothing was changed. Start with the ZooKeeper (zookeeper.connect), or the embedded "
          "tree, that these directories were made with, or carry that tree over with `barnabas "
          "metadata export` and `barnabas metadata import`; a new broker needs log.dirs of its "
          "own.";
    }
    return written;
  }

  Result<BrokerId> choose_broker_id() {
    if (config_.identity.broker_id != kNoBroker) {
      return config_.identity.broker_id;
    }
    if (const auto stored = logs_->meta_properties().broker_id) {
      return *stored;
    }
    // Kafka's way to a generated id: the version that a write to /brokers/seqid brings about.
    return ask_and_wait<BrokerId>(home(), [this](auto done) {
      store_->set({std::string(zk::kBrokerSeqIdPath), std::string{}, zk::kAnyVersion},
                  [this, done = std::move(done)](zk::StoreResult<zk::WriteResult> result) mutable {
                    if (result) {
                      done(config_.identity.reserved_max_id + result->stat.version.value());
                    } else {
                      done(std::unexpected(zk::to_error(result.error())));
                    }
                  });
    });
  }

  Status load_logs() {
    TRY(const auto topics, ask_and_wait<zk::StoreResult<zk::Children>>(home(), [this](auto done) {
          store_->children(std::string(zk::kTopicsPath), {},
                           [done = std::move(done)](zk::StoreResult<zk::Children> read) mutable {
                             done(Result<zk::StoreResult<zk::Children>>(std::move(read)));
                           });
        }));
    if (!topics) {
      return std::unexpected(zk::to_error(topics.error()));
    }
    TRY_STATUS(check_no_strange_topics(*vfs_, config_.log_dirs.dirs, topics->names));
    TRY(auto overrides, ask_and_wait<TopicConfigs>(home(), [this](auto done) {
          read_topic_configs(*store_, std::move(done));
        }));
    TRY(const auto dynamic, ask_and_wait<config::DynamicBrokerOverrides>(home(), [this](auto done) {
          read_dynamic_overrides(*store_, broker_id_, std::move(done));
        }));
    take_dynamic_overrides(dynamic);
    TRY_STATUS(logs_->load([&](const std::string& topic) {
      const auto found = overrides.find(topic);
      return log_config(*current_.load(), topic,
                        found == overrides.end() ? config::TopicOverrides{} : found->second);
    }));
    loaded_ = true;
    logs_->start();
    return {};
  }

  Status listen() {
    metadata_.exchange(metadata::SnapshotBuilder(cluster_id_).build());
    replicas_.emplace(broker_id_, *logs_, [this](const std::string& topic) {
      return log_config(*current_.load(), topic, metadata_.load()->topic_config(topic));
    });
    channel_.emplace(broker_id_, home(), disk_);
    controller::ControllerOptions options;
    options.broker = broker_id_;
    options.inter_broker_listener = config_.listeners.inter_broker_listener_name;
    options.delete_topic_enable = config_.topics.delete_topics;
    options.unclean_leader_election = current_.load()->get_bool("unclean.leader.election.enable");
    controller_ = controller::Controller::make(
        options, {*store_, *channel_, *this, clock_, *control_random_,
                  [this](const std::string&, const zk::ConfigMap& overrides) -> Status {
                    TRY_STATUS(config::resolve_topic_config(*current_.load(), overrides));
                    return {};
                  }});
    producer_ids_.emplace(controller_->admin(), broker_id_, broker_epoch_);
    groups_.emplace(config_, broker_id_, clock_, io_, disk_, metadata_, *replicas_);
    TRY_STATUS(groups_->start());
    transactions_.emplace(TransactionService::Parts{config_, broker_id_, clock_, io_, disk_,
                                                    metadata_, *replicas_, *producer_ids_,
                                                    groups_->coordinator()});
    TRY_STATUS(transactions_->start());
    services_.emplace(
        Services{config_, broker_id_, cluster_id_, clock_, metadata_, *logs_, *replicas_,
                 controller_->admin(), auto_creation_.emplace(config_, controller_->admin()),
                 controller_->config_admin(), fetch_sessions_, *producer_ids_, disk_,
                 groups_->coordinator(), *transactions_, tree_offsets_.emplace(*store_)});
    TRY_STATUS(io_.start());
    server_.emplace(
        server_options(config_), io_, clock_,
        [this](Executor& thread, std::size_t) {
          return std::make_unique<BrokerRequestHandler>(*services_, gate_, thread);
        },
        &disk_);
    return server_->start();
  }

  Result<BrokerEpoch> enter_cluster() {
    const auto make_node = [this] { return broker_znode(config_, *server_, clock_.wall_ms()); };
    if (zookeeper_ == nullptr) {
      return ask_and_wait<BrokerEpoch>(home(), [&](auto done) {
        zk::register_broker(*store_, broker_id_, make_node(), std::move(done));
      });
    }
    return zookeeper_->enter(cluster_id_, broker_id_, make_node, [this](BrokerEpoch epoch) {
      broker_epoch_ = epoch;
      producer_ids_->set_broker_epoch(epoch);
      requests_->set_broker_epoch(epoch);
      controller_->rejoined(epoch);
    });
  }

  // Registers, and waits until this broker leads what it has to lead.
  Status lead() {
    requests_.emplace(*replicas_, metadata_, broker_epoch_);
    requests_->add_listener(*groups_);
    requests_->add_listener(*transactions_);
    TRY(const BrokerEpoch epoch, enter_cluster());
    broker_epoch_ = epoch;
    producer_ids_->set_broker_epoch(epoch);
    requests_->set_broker_epoch(epoch);
    const auto led = ask_and_wait<bool>(home(), [this](auto done) {
      channel_->open(*requests_);
      controller_->start(broker_epoch_, [this, done = std::move(done)](Status started) mutable {
        if (!started) {
          done(std::unexpected(std::move(started).error()));
          return;
        }
        channel_->when_drained([done = std::move(done)]() mutable { done(true); });
      });
    });
    if (!led) {
      return std::unexpected(led.error());
    }
    serving_ = true;
    transactions_->open();
    gate_.open();
    return {};
  }

  // Ends what comes from outside; what is in hand is finished.
  void quiesce() {
    if (transactions_) {
      transactions_->close();
    }
    if (groups_) {
      groups_->close();
    }
    if (server_) {
      server_->stop(kStopGrace);
    }
    if (controller_ != nullptr) {
      static_cast<void>(ask_and_wait<bool>(home(), [this](auto done) {
        channel_->close();
        controller_->stop();
        done(true);
      }));
    }
  }

  // Joins every thread; afterwards nothing of this object is touched but by its destructor.
  void tear_down() {
    if (server_) {
      server_->stop(std::chrono::milliseconds(0));
    }
    if (transactions_) {
      transactions_->stop();
    }
    if (groups_) {
      groups_->stop();
    }
    io_.stop();
    control_.stop();
    disk_.stop();
  }

  const config::BrokerConfig config_;           // as it was at the start
  SnapshotCell<config::BrokerConfig> current_;  // with what has been changed since
  SystemClock clock_;
  std::unique_ptr<Vfs> vfs_;
  std::unique_ptr<Random> storage_random_;  // each belongs to the home that its name tells
  std::unique_ptr<Random> control_random_;
  std::unique_ptr<Random> session_random_;
  net::DiskPool disk_;
  net::IoThreads control_;
  net::IoThreads io_;
  SnapshotCell<metadata::ClusterSnapshot> metadata_;
  FetchSessionCache fetch_sessions_;
  StartGate gate_;

  std::unique_ptr<storage::LogManager> logs_;
  bool loaded_ = false;
  std::atomic<bool> serving_ = false;
  std::atomic<std::size_t> failed_log_dirs_ = 0;
  std::shared_ptr<zk::MetadataStore> store_;
  std::string cluster_id_;
  BrokerId broker_id_ = kNoBroker;
  std::atomic<BrokerEpoch> broker_epoch_{BrokerEpoch{-1}};
  std::unique_ptr<ZooKeeperLink> zookeeper_;  // none on an embedded tree
  std::optional<replication::ReplicaManager> replicas_;
  std::optional<LocalChannel> channel_;
  std::unique_ptr<controller::Controller> controller_;
  std::optional<ProducerIds> producer_ids_;
  std::optional<TopicAutoCreation> auto_creation_;
  std::optional<ControllerRequests> requests_;
  std::optional<GroupService> groups_;
  std::optional<TransactionService> transactions_;
  std::optional<TreeOffsets> tree_offsets_;
  std::optional<Services> services_;
  std::optional<net::Server> server_;
};

Broker::Broker(config::BrokerConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Broker::~Broker() = default;
Status Broker::start() {
  return impl_->start();
}
void Broker::stop() {
  impl_->stop();
}
BrokerId Broker::id() const {
  return impl_->id();
}
const std::string& Broker::cluster_id() const {
  return impl_->cluster_id();
}
std::uint16_t Broker::port(std::string_view listener) const {
  return impl_->port(listener);
}

}  // namespace barnabas::broker
