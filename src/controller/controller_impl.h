// The controller's parts put together: the event queue, what is known, the state machines, and the
// handlers of events in controller.cc (office), controller_brokers.cc, controller_topics.cc
// (changes of the tree), controller_notes.cc (what old tools leave in it), controller_admin.cc,
// controller_partitions.cc and controller_elections.cc (administrators' requests). THREAD: home,
// but for the methods of TopicAdmin.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "barnabas/controller/controller.h"
#include "config_watcher.h"
#include "config_writer.h"
#include "controller_context.h"
#include "event_queue.h"
#include "request_batch.h"
#include "state_machines.h"
#include "store_calls.h"
#include "topic_deletion.h"
#include "topic_requests.h"
#include "topic_waits.h"

namespace barnabas::controller {

class ControllerImpl final : public Controller, public TopicAdmin, private ConfigListener {
 public:
  ControllerImpl(ControllerOptions options, Ports ports);
  ~ControllerImpl() override;

  void start(BrokerEpoch epoch, std::move_only_function<void(Status)> started) override;
  void rejoined(BrokerEpoch epoch) override;
  void stop() override;
  [[nodiscard]] bool is_active() const override { return active_; }
  [[nodiscard]] ControllerEpoch epoch() const override { return context_.epoch; }
  [[nodiscard]] bool idle() const override { return events_.idle() && configs_.idle(); }
  [[nodiscard]] TopicAdmin& admin() override { return *this; }
  [[nodiscard]] ConfigAdmin& config_admin() override { return config_writer_; }
  void set_unclean_leader_election(bool enabled) override;

  void create_topics(std::vector<NewTopic> topics, CreateTopicsOptions options,
                     std::move_only_function<void(std::vector<CreatedTopic>)> done) override;
  void delete_topics(std::vector<std::string> names, std::int64_t timeout_ms,
                     std::move_only_function<void(std::vector<DeletedTopic>)> done) override;
  void create_partitions(std::vector<TopicGrowth> topics, GrowTopicsOptions options,
                         std::move_only_function<void(std::vector<GrownTopic>)> done) override;
  void elect_leaders(LeaderElection election,
                     std::move_only_function<void(std::vector<PartitionOutcome>)> done) override;
  void alter_reassignments(
      Reassignments wanted,
      std::move_only_function<void(Result<std::vector<PartitionOutcome>>)> done) override;
  void list_reassignments(
      std::move_only_function<void(Result<std::vector<OngoingReassignment>>)> done) override;
  void allocate_producer_ids(BrokerId broker, BrokerEpoch broker_epoch,
                             std::move_only_function<void(Result<ProducerIdBlock>)> done) override;

 private:
  struct CreateRequest;
  struct DeleteRequest;
  struct GrowRequest;
  struct ElectRequest;
  struct ReassignRequest;
  struct ListRequest;
  struct AllocateRequest;

  // Office (controller.cc)
  Async<Step> compete();
  Async<Step> win(bool& won);
  Async<Step> make_controller_epoch();
  Async<Step> make_feature();
  Async<Step> take_office();
  Async<Step> on_seat_changed();
  void resign();
  void event_failed(const zk::StoreError& error);
  void session_changed(zk::SessionState state);
  void report_started(Status status);

  // Passes on what changes of configurations there are, and acts on its own part of them.
  void on_config(zk::ConfigType type, const std::string& entity,
                 const zk::ConfigMap& config) override;
  Async<Step> elect_leaderless();

  // Changes of the tree (controller_brokers.cc, controller_topics.cc)
  using Handler = Async<Step> (ControllerImpl::*)();
  [[nodiscard]] zk::Watcher on_change(std::string name, Handler handle);
  [[nodiscard]] zk::Watcher on_topic_change(const std::string& topic);
  [[nodiscard]] zk::Watcher on_broker_change(BrokerId id);
  Async<Step> read_brokers();
  Async<Step> read_topics();
  Async<Step> read_deletions();
  Async<zk::StoreResult<std::map<BrokerId, LiveBroker>>> list_brokers();
  Async<Step> on_brokers_changed();
  Async<Step> on_brokers_gone(std::set<BrokerId> ids);
  Async<Step> on_brokers_come(std::map<BrokerId, LiveBroker> brokers);
  Async<Step> on_topics_changed();
  Async<Step> on_partitions_changed(std::string topic);
  Async<Step> on_deletions_changed();
  struct ReadTopic {
    std::string name;
    zk::TopicZNode node;
    zk::NodeVersion version;
  };
  // Puts topics into the context, with an id even if an old tool made them without.
  Async<zk::StoreResult<std::vector<TopicPartition>>> adopt_topics(std::vector<std::string> names,
                                                                   bool tell_config);
  Async<Step> give_topic_ids(std::vector<ReadTopic>& topics);
  Async<Step> remove_deletion_marks(std::vector<std::string> names);
  // What old tools and old brokers leave (controller_notes.cc)
  Async<Step> read_notes();
  Async<Step> on_reassignment_note();
  Async<Step> on_election_note();
  Async<Step> on_isr_notes();
  Async<Step> on_log_dir_notes();
  struct Note {
    std::string path;
    zk::NodeData data;
  };
  Async<zk::StoreResult<std::vector<Note>>> take_notes(std::string parent, zk::Watcher watcher);
  Async<Step> remove_note(std::string path);
  [[nodiscard]] std::string reassignment_refusal(const zk::PartitionWish& wish) const;
  Async<Step> restore_assignment(std::string topic, zk::NodeVersion version);
  Async<Step> write_topic_node(std::string topic, zk::TopicZNode node, zk::NodeVersion version);
  Async<Step> bring_up(std::vector<TopicPartition> tps);
  void metadata_taken(BrokerId broker, const std::vector<std::string>& topics);
  [[nodiscard]] bool is_up(const std::string& topic) const;
  void settled(const std::string& topic);

  // Administrators' requests (controller_admin.cc)
  Async<Step> handle_create(std::shared_ptr<CreateRequest> request);
  Async<Step> write_new_topics(std::shared_ptr<CreateRequest> request);
  void finish_create(std::shared_ptr<CreateRequest> request);
  Async<Step> handle_delete(std::shared_ptr<DeleteRequest> request);
  void finish_delete(std::shared_ptr<DeleteRequest> request);
  // (controller_partitions.cc)
  Async<Step> handle_grow(std::shared_ptr<GrowRequest> request);
  Async<Step> grow_topic(std::shared_ptr<GrowRequest> request, std::size_t place);
  // (controller_elections.cc)
  Async<Step> handle_elect(std::shared_ptr<ElectRequest> request);
  [[nodiscard]] Status check_election(const TopicPartition& tp, bool unclean) const;
  [[nodiscard]] PartitionOutcome outcome_of_election(const TopicPartition& tp, bool unclean) const;
  void finish_elect(std::shared_ptr<ElectRequest> request);
  [[nodiscard]] Status judge_reassignment(
      const TopicPartition& tp, const std::optional<std::vector<BrokerId>>& replicas) const;
  Async<Step> handle_reassign(std::shared_ptr<ReassignRequest> request);
  Async<Step> handle_list(std::shared_ptr<ListRequest> request);
  Async<Step> handle_allocate(std::shared_ptr<AllocateRequest> request);

  const ControllerOptions options_;
  const Ports ports_;
  Executor& home_;
  // False once callbacks that are still under way must find nobody.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  StoreCalls store_;
  ControllerContext context_;
  RequestBatch batch_;
  StateMachines machines_;
  TopicDeletion deletion_;
  ConfigWatcher configs_;
  ConfigWriter config_writer_;
  TopicWaits creations_;  // topics whose metadata has not reached this broker yet
  TopicWaits deletions_;
  TopicWaits elections_;
  std::set<BrokerId> watched_brokers_;  // whose nodes have a watch of ours
  std::move_only_function<void(Status)> started_;
  std::unique_ptr<Timer> retry_;
  bool active_ = false;
  bool stopped_ = false;
  std::uint64_t term_ = 0;  // counts elections won and lost offices: what is older is not heard
  EventQueue events_;
};

}  // namespace barnabas::controller
