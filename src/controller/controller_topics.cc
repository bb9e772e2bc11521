// What the controller does when topics, their partitions or the wish to delete them appear in the
// tree, and when brokers have taken metadata that a request waits for.
#include <algorithm>
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

zk::Watcher ControllerImpl::on_topic_change(const std::string& topic) {
  return [this, alive = alive_, topic](const zk::WatchEvent& event) {
    if (*alive && event.type == zk::EventType::kDataChanged) {
      events_.push_once("topic " + topic, [this, topic] { return on_partitions_changed(topic); });
    }
  };
}

Async<Step> ControllerImpl::read_topics() {
  auto listed = co_await store_.children(std::string(zk::kTopicsPath),
                                         on_change("topics", &ControllerImpl::on_topics_changed));
  if (!listed) {
    co_return std::unexpected(listed.error());
  }
  auto tps = co_await adopt_topics(std::move(listed->names), false);
  if (!tps) {
    co_return std::unexpected(tps.error());
  }
  co_return co_await machines_.load_leadership(std::move(*tps));
}

Async<Step> ControllerImpl::on_topics_changed() {
  if (!active_) {
    co_return Step{};
  }
  auto listed = co_await store_.children(std::string(zk::kTopicsPath),
                                         on_change("topics", &ControllerImpl::on_topics_changed));
  if (!listed) {
    co_return std::unexpected(listed.error());
  }
  std::vector<std::string> gone;
  for (const auto& [name, topic] : context_.topics) {
    if (!std::ranges::binary_search(listed->names, name)) {
      gone.push_back(name);
    }
  }
  for (const std::string& name : gone) {
    log().warn("{}: somebody else has removed it from the tree", name);
    context_.remove_topic(name);
    settled(name);
  }
  std::vector<std::string> come = std::move(listed->names);
  std::erase_if(come, [this](const std::string& name) { return context_.topic(name) != nullptr; });
  if (come.empty()) {
    co_return Step{};
  }
  auto tps = co_await adopt_topics(std::move(come), true);
  if (!tps) {
    co_return std::unexpected(tps.error());
  }
  co_return co_await bring_up(std::move(*tps));
}

Async<zk::StoreResult<std::vector<TopicPartition>>> ControllerImpl::adopt_topics(
    std::vector<std::string> names, bool tell_config) {
  std::vector<std::string> paths;
  std::vector<std::string> config_paths;
  for (const std::string& name : names) {
    paths.push_back(zk::topic_path(name));
    config_paths.push_back(zk::config_path(zk::ConfigType::kTopic, name));
  }
  std::size_t next = 0;
  const auto nodes = co_await store_.get_all(
      std::move(paths),
      [this, &names, &next](const std::string&) { return on_topic_change(names[next++]); });
  const auto configs = co_await store_.get_all(config_paths);
  std::vector<ReadTopic> topics;
  std::map<std::string, zk::ConfigMap> config_of;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const auto* read : {&nodes[i], &configs[i]}) {
      if (!*read && !is_about_node(read->error())) {
        co_return std::unexpected(read->error());
      }
    }
    if (!nodes[i]) {
      continue;  // gone again
    }
    auto topic = zk::decode_topic(names[i], nodes[i]->data);
    auto config =
        zk::decode_config(config_paths[i], configs[i] ? configs[i]->data : zk::NodeData{});
    if (!topic || !config) {
      log().error("{}", !topic ? topic.error().message : config.error().message);
    }
    if (topic) {
      config_of[names[i]] = config ? std::move(*config) : zk::ConfigMap{};
      topics.push_back({names[i], std::move(*topic), nodes[i]->stat.version});
    }
  }
  Step step = co_await give_topic_ids(topics);
  if (!step) {
    co_return std::unexpected(step.error());
  }
  std::vector<TopicPartition> tps;
  for (ReadTopic& read : topics) {
    TopicInfo topic;
    topic.id = read.node.topic_id;
    topic.config = std::move(config_of[read.name]);
    for (auto& [id, assignment] : read.node.partitions) {
      topic.partitions[id].assignment = std::move(assignment);
      tps.push_back({read.name, id});
    }
    if (tell_config) {
      // Before any broker is told to lead it: a new topic's configuration is not announced
      // under /config/changes.
      ports_.configs.on_config(zk::ConfigType::kTopic, read.name, topic.config);
    }
    context_.add_topic(read.name, std::move(topic));
  }
  co_return tps;
}

Async<Step> ControllerImpl::give_topic_ids(std::vector<ReadTopic>& topics) {
  std::vector<zk::WriteOp> ops;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < topics.size(); ++i) {
    if (!topics[i].node.topic_id) {
      topics[i].node.topic_id = ports_.random.uuid();
      ops.emplace_back(
          zk::SetOp{zk::topic_path(topics[i].name), encode(topics[i].node), topics[i].version});
      places.push_back(i);
    }
  }
  const auto answers = co_await store_.write_each(std::move(ops));
  std::vector<std::string> changed;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i]) {
      continue;
    }
    if (!is_about_node(answers[i].error())) {
      co_return std::unexpected(answers[i].error());
    }
    changed.push_back(topics[places[i]].name);
  }
  // Written to meanwhile, or gone: leave these out and look again.
  std::erase_if(topics, [&](const ReadTopic& topic) {
    return std::ranges::find(changed, topic.name) != changed.end();
  });
  if (!changed.empty()) {
    events_.push_once("topics", [this] { return on_topics_changed(); });
  }
  co_return Step{};
}

Async<Step> ControllerImpl::on_partitions_changed(std::string topic) {
  if (!active_ || context_.topic(topic) == nullptr) {
    co_return Step{};
  }
  const auto node = co_await store_.get(zk::topic_path(topic), on_topic_change(topic));
  if (!node) {
    co_return is_about_node(node.error()) ? Step{} : std::unexpected(node.error());
  }
  auto read = zk::decode_topic(topic, node->data);
  if (!read) {
    log().error("{}", read.error().message);
    co_return Step{};
  }
  TopicInfo& info = *context_.topic(topic);
  if (!read->topic_id && !info.to_be_deleted) {
    // A tool that knows no ids has written the whole node. Without its id the next controller
    // would give the topic another one, and no log would fit it any more.
    read->topic_id = info.id;
    Step step = co_await write_topic_node(topic, *read, node->stat.version);
    if (!step) {
      co_return step;
    }
  }
  std::vector<TopicPartition> added;
  for (const auto& [id, assignment] : read->partitions) {
    if (!info.partitions.contains(id)) {
      added.push_back({topic, id});
    }
  }
  if (added.empty()) {
    co_return Step{};
  }
  if (info.to_be_deleted) {
    log().warn("{}: partitions are not added, it is being deleted", topic);
    co_return co_await restore_assignment(topic, node->stat.version);
  }
  for (const TopicPartition& tp : added) {
    info.partitions[tp.partition].assignment = std::move(read->partitions[tp.partition]);
  }
  co_return co_await bring_up(std::move(added));
}

Async<Step> ControllerImpl::restore_assignment(std::string topic, zk::NodeVersion version) {
  const TopicInfo& info = *context_.topic(topic);
  zk::TopicZNode node;
  node.topic_id = info.id;
  for (const auto& [id, partition] : info.partitions) {
    node.partitions[id] = partition.assignment;
  }
  co_return co_await write_topic_node(topic, std::move(node), version);
}

// Somebody else's write meanwhile is no error: the watch tells of it.
Async<Step> ControllerImpl::write_topic_node(std::string topic, zk::TopicZNode node,
                                             zk::NodeVersion version) {
  std::vector<zk::WriteOp> ops;
  ops.emplace_back(zk::SetOp{zk::topic_path(topic), encode(node), version});
  const WriteAnswer answer = co_await store_.write(std::move(ops));
  co_return answer || is_about_node(answer.error()) ? Step{} : std::unexpected(answer.error());
}

Async<Step> ControllerImpl::bring_up(std::vector<TopicPartition> tps) {
  machines_.mark(tps, PartitionState::kNew);
  const auto replicas = context_.replicas_of(tps);
  machines_.mark_replicas(replicas, ReplicaState::kNew);
  Step step = co_await machines_.bring_online(std::move(tps), ElectionReason::kOffline);
  machines_.mark_replicas(replicas, ReplicaState::kOnline);
  co_return step;
}

// ---- Deletions ---------------------------------------------------------------------------------

Async<Step> ControllerImpl::read_deletions() {
  const auto listed =
      co_await store_.children(std::string(zk::kDeleteTopicsPath),
                               on_change("deletions", &ControllerImpl::on_deletions_changed));
  if (!listed) {
    co_return std::unexpected(listed.error());
  }
  std::vector<std::string> without_effect;
  for (const std::string& name : listed->names) {
    TopicInfo* const topic = context_.topic(name);
    if (topic == nullptr || !options_.delete_topic_enable) {
      without_effect.push_back(name);
      continue;
    }
    topic->to_be_deleted = true;
    for (const ReplicaOf& replica : context_.replicas_of(context_.partitions_of(name))) {
      topic->deletion_halted = topic->deletion_halted || !context_.is_alive(replica.broker);
    }
  }
  co_return co_await remove_deletion_marks(std::move(without_effect));
}

Async<Step> ControllerImpl::on_deletions_changed() {
  if (!active_) {
    co_return Step{};
  }
  const auto listed =
      co_await store_.children(std::string(zk::kDeleteTopicsPath),
                               on_change("deletions", &ControllerImpl::on_deletions_changed));
  if (!listed) {
    co_return std::unexpected(listed.error());
  }
  std::vector<std::string> without_effect;
  std::vector<std::string> topics;
  for (const std::string& name : listed->names) {
    const bool known = context_.topic(name) != nullptr && options_.delete_topic_enable;
    (known ? topics : without_effect).push_back(name);
  }
  Step step = co_await remove_deletion_marks(std::move(without_effect));
  if (step && !topics.empty()) {
    step = co_await deletion_.begin(std::move(topics));
  }
  co_return step;
}

Async<Step> ControllerImpl::remove_deletion_marks(std::vector<std::string> names) {
  std::vector<zk::WriteOp> ops;
  for (const std::string& name : names) {
    log().warn(
        "{}: cannot be deleted, {}", name,
        options_.delete_topic_enable ? "there is no such topic" : "delete.topic.enable is false");
    ops.emplace_back(zk::DeleteOp{zk::delete_topic_path(name)});
  }
  const auto answers = co_await store_.write_each(std::move(ops));
  for (const WriteAnswer& answer : answers) {
    if (!answer && !is_about_node(answer.error())) {
      co_return std::unexpected(answer.error());
    }
  }
  co_return Step{};
}

// ---- Waiting for metadata ----------------------------------------------------------------------

bool ControllerImpl::is_up(const std::string& topic) const {
  const TopicInfo* const info = context_.topic(topic);
  return info != nullptr && std::ranges::all_of(info->partitions, [](const auto& partition) {
           const auto& leadership = partition.second.leadership;
           return leadership && leadership->state.leader.value() >= 0;
         });
}

void ControllerImpl::metadata_taken(BrokerId broker, const std::vector<std::string>& topics) {
  if (broker != options_.broker) {
    return;
  }
  for (const std::string& name : topics) {
    TopicInfo* const topic = context_.topic(name);
    if (topic != nullptr && topic->to_be_deleted) {
      topic->forgotten_here = true;
      if (topic->deletion_halted) {
        deletions_.satisfied(name);
      }
    }
    elections_.satisfied(name);
    if (creations_.waits_for(name) && is_up(name)) {
      creations_.satisfied(name);
    }
  }
}

// Gone from the tree, or as far as it gets for now.
void ControllerImpl::settled(const std::string& topic) {
  const TopicInfo* const info = context_.topic(topic);
  if (info == nullptr || info->forgotten_here) {
    deletions_.satisfied(topic);
  }
}

}  // namespace barnabas::controller
