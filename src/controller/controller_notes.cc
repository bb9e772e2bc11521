// What older tools and brokers leave in the tree for the controller, which reads it, acts and takes
// it away: /admin/reassign_partitions, /admin/preferred_replica_election, and the notifications
// under /isr_change_notification and /log_dir_event_notification.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "barnabas/base/logging.h"
#include "controller_impl.h"

namespace barnabas::controller {
namespace {

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("controller");
  return logger;
}

}  // namespace

Async<Step> ControllerImpl::read_notes() {
  for (const Handler handle :
       {&ControllerImpl::on_isr_notes, &ControllerImpl::on_log_dir_notes,
        &ControllerImpl::on_reassignment_note, &ControllerImpl::on_election_note}) {
    Step step = co_await (this->*handle)();
    if (!step) {
      co_return step;
    }
  }
  co_return Step{};
}

Async<Step> ControllerImpl::remove_note(std::string path) {
  std::vector<zk::WriteOp> ops;
  ops.emplace_back(zk::DeleteOp{std::move(path)});
  const WriteAnswer answer = co_await store_.write(std::move(ops));
  if (!answer && !is_about_node(answer.error())) {
    co_return std::unexpected(answer.error());
  }
  co_return Step{};
}

// ---- Reassignments -----------------------------------------------------------------------------

// Empty: there is nothing to do, which is as good as done.
std::string ControllerImpl::reassignment_refusal(const zk::PartitionWish& wish) const {
  const PartitionInfo* const info = context_.partition(wish.partition);
  if (info == nullptr || context_.is_to_be_deleted(wish.partition.topic)) {
    return "there is no such partition";
  }
  if (info->assignment.replicas == wish.replicas) {
    return {};
  }
  const std::set<BrokerId> distinct(wish.replicas.begin(), wish.replicas.end());
  if (wish.replicas.empty() || distinct.size() != wish.replicas.size()) {
    return "its replica list is empty or names a broker twice";
  }
  for (const BrokerId broker : wish.replicas) {
    if (!context_.is_alive(broker)) {
      return fmt::format("broker {} is not alive", broker.value());
    }
  }
  return "moving replicas between brokers is not served yet";
}

Async<Step> ControllerImpl::on_reassignment_note() {
  if (!active_) {
    co_return Step{};
  }
  const std::string path(zk::kReassignPartitionsPath);
  // The watch for the next one, and then what is there now.
  const auto there = co_await store_.exists(
      path, on_change("reassignment", &ControllerImpl::on_reassignment_note));
  if (!there) {
    co_return std::unexpected(there.error());
  }
  if (!*there) {
    co_return Step{};
  }
  const auto node = co_await store_.get(path);
  if (!node) {
    co_return is_about_node(node.error()) ? Step{} : std::unexpected(node.error());
  }
  const auto wishes = zk::decode_partition_wishes(path, node->data);
  if (!wishes) {
    log().error("{}", wishes.error().message);
    co_return co_await remove_note(path);
  }
  for (const zk::PartitionWish& wish : *wishes) {
    const std::string why = reassignment_refusal(wish);
    if (why.empty()) {
      log().info("{}: is assigned as asked already", to_string(wish.partition));
    } else {
      log().warn("{}: is not reassigned, {}", to_string(wish.partition), why);
    }
  }
  // All of them are dealt with: done, or refused, which takes them out as well.
  co_return co_await remove_note(path);
}

// ---- Elections of the preferred leader ---------------------------------------------------------

Async<Step> ControllerImpl::on_election_note() {
  if (!active_) {
    co_return Step{};
  }
  const std::string path(zk::kPreferredElectionPath);
  const auto there =
      co_await store_.exists(path, on_change("election", &ControllerImpl::on_election_note));
  if (!there) {
    co_return std::unexpected(there.error());
  }
  if (!*there) {
    co_return Step{};
  }
  const auto node = co_await store_.get(path);
  if (!node) {
    co_return is_about_node(node.error()) ? Step{} : std::unexpected(node.error());
  }
  const auto wishes = zk::decode_partition_wishes(path, node->data);
  if (!wishes) {
    log().error("{}", wishes.error().message);
    co_return co_await remove_note(path);
  }
  std::vector<TopicPartition> elect;
  for (const zk::PartitionWish& wish : *wishes) {
    const PartitionInfo* const info = context_.partition(wish.partition);
    if (info == nullptr || !info->leadership || context_.is_to_be_deleted(wish.partition.topic)) {
      log().warn("{}: its preferred leader is not elected, there is no such partition",
                 to_string(wish.partition));
    } else if (!info->assignment.replicas.empty() &&
               info->leadership->state.leader != info->assignment.replicas.front()) {
      elect.push_back(wish.partition);
    }
  }
  Step step;
  if (!elect.empty()) {
    step = co_await machines_.bring_online(std::move(elect), ElectionReason::kPreferred);
  }
  if (!step) {
    co_return step;
  }
  co_return co_await remove_note(path);
}

// ---- Notifications -----------------------------------------------------------------------------

Async<zk::StoreResult<std::vector<ControllerImpl::Note>>> ControllerImpl::take_notes(
    std::string parent, zk::Watcher watcher) {
  const auto listed = co_await store_.children(parent, std::move(watcher));
  std::vector<Note> notes;
  if (!listed) {
    // A tree of an embedded store of an earlier version may lack the parent.
    if (is_about_node(listed.error())) {
      co_return notes;
    }
    co_return std::unexpected(listed.error());
  }
  std::vector<std::string> paths;
  for (const std::string& name : listed->names) {
    paths.push_back(fmt::format("{}/{}", parent, name));
  }
  const auto nodes = co_await store_.get_all(paths);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i]) {
      notes.push_back({paths[i], nodes[i]->data});
    } else if (!is_about_node(nodes[i].error())) {
      co_return std::unexpected(nodes[i].error());
    }
  }
  co_return notes;
}

// A leader of an older version has changed an ISR in the tree itself: read it again, tell
// everybody.
Async<Step> ControllerImpl::on_isr_notes() {
  if (!active_) {
    co_return Step{};
  }
  const auto notes = co_await take_notes(std::string(zk::kIsrChangePath),
                                         on_change("isr notes", &ControllerImpl::on_isr_notes));
  if (!notes) {
    co_return std::unexpected(notes.error());
  }
  std::set<TopicPartition> changed;
  for (const Note& note : *notes) {
    const auto wishes = zk::decode_partition_wishes(note.path, note.data);
    if (!wishes) {
      log().error("{}", wishes.error().message);
      continue;
    }
    for (const zk::PartitionWish& wish : *wishes) {
      if (context_.partition(wish.partition) != nullptr) {
        changed.insert(wish.partition);
      }
    }
  }
  const std::vector<TopicPartition> tps(changed.begin(), changed.end());
  Step step = co_await machines_.load_leadership(tps);
  if (step && !tps.empty()) {
    batch_.add_update_metadata(context_.live_ids(), tps);
    batch_.send();
  }
  for (std::size_t i = 0; step && i < notes->size(); ++i) {
    step = co_await remove_note((*notes)[i].path);
  }
  co_return step;
}

// A broker has lost a log dir. Its replicas are ordered to it again, and it answers which of them
// it cannot serve.
Async<Step> ControllerImpl::on_log_dir_notes() {
  if (!active_) {
    co_return Step{};
  }
  const auto notes =
      co_await take_notes(std::string(zk::kLogDirEventPath),
                          on_change("log dir notes", &ControllerImpl::on_log_dir_notes));
  if (!notes) {
    co_return std::unexpected(notes.error());
  }
  std::set<BrokerId> brokers;
  for (const Note& note : *notes) {
    const auto broker = zk::decode_log_dir_event(note.path, note.data);
    if (!broker) {
      log().error("{}", broker.error().message);
    } else if (context_.is_alive(*broker)) {
      brokers.insert(*broker);
    }
  }
  for (const ReplicaOf& replica : context_.replicas_on(brokers)) {
    const PartitionInfo* const info = context_.partition(replica.partition);
    if (info->leadership && !context_.is_to_be_deleted(replica.partition.topic)) {
      batch_.add_leader_and_isr({replica.broker}, replica.partition, false);
    }
  }
  batch_.send();
  Step step;
  for (std::size_t i = 0; step && i < notes->size(); ++i) {
    step = co_await remove_note((*notes)[i].path);
  }
  co_return step;
}

}  // namespace barnabas::controller
