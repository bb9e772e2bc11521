// What the controller does when brokers come, go, or say something new of themselves.
#include <algorithm>
#include <charconv>
#include <utility>

#include "barnabas/base/logging.h"
#include "controller_impl.h"

namespace barnabas::controller {
namespace {

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("controller");
  return logger;
}

std::optional<BrokerId> broker_id(const std::string& name) {
  std::int32_t id = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, id);
  return error == std::errc{} && stop == end ? std::optional(BrokerId{id}) : std::nullopt;
}

// What the tree says of a broker, without when it was written.
bool same_broker(const zk::BrokerZNode& a, const zk::BrokerZNode& b) {
  return a.endpoints == b.endpoints && a.rack == b.rack;
}

}  // namespace

zk::Watcher ControllerImpl::on_broker_change(BrokerId id) {
  if (!watched_brokers_.insert(id).second) {
    return {};
  }
  return [this, alive = alive_, id](const zk::WatchEvent&) {
    if (*alive) {
      watched_brokers_.erase(id);
      events_.push_once("brokers", [this] { return on_brokers_changed(); });
    }
  };
}

Async<zk::StoreResult<std::map<BrokerId, LiveBroker>>> ControllerImpl::list_brokers() {
  const auto listed = co_await store_.children(
      std::string(zk::kBrokerIdsPath), on_change("brokers", &ControllerImpl::on_brokers_changed));
  if (!listed) {
    co_return std::unexpected(listed.error());
  }
  std::vector<BrokerId> ids;
  std::vector<std::string> paths;
  for (const std::string& name : listed->names) {
    if (const auto id = broker_id(name)) {
      ids.push_back(*id);
      paths.push_back(zk::broker_path(*id));
    }
  }
  std::size_t next = 0;
  const auto nodes = co_await store_.get_all(
      std::move(paths),
      [this, &ids, &next](const std::string&) { return on_broker_change(ids[next++]); });
  std::map<BrokerId, LiveBroker> brokers;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i]) {
      if (!is_about_node(nodes[i].error())) {
        co_return std::unexpected(nodes[i].error());
      }
      watched_brokers_.erase(ids[i]);  // gone again, and no watch was left
      continue;
    }
    auto node = zk::decode_broker(ids[i], nodes[i]->data);
    if (!node) {
      log().error("{}", node.error().message);
      continue;
    }
    brokers[ids[i]] = {std::move(*node), BrokerEpoch{nodes[i]->stat.czxid.value()}};
  }
  co_return brokers;
}

Async<Step> ControllerImpl::read_brokers() {
  watched_brokers_.clear();
  auto brokers = co_await list_brokers();
  if (!brokers) {
    co_return std::unexpected(brokers.error());
  }
  context_.brokers = std::move(*brokers);
  for (const auto& [id, broker] : context_.brokers) {
    ports_.brokers.add_broker(id, broker.node);
  }
  co_return Step{};
}

Async<Step> ControllerImpl::on_brokers_changed() {
  if (!active_) {
    co_return Step{};
  }
  auto now = co_await list_brokers();
  if (!now) {
    co_return std::unexpected(now.error());
  }
  std::map<BrokerId, LiveBroker> come;
  std::map<BrokerId, LiveBroker> bounced;
  std::set<BrokerId> gone;
  bool updated = false;
  for (auto& [id, broker] : *now) {
    const auto known = context_.brokers.find(id);
    if (known == context_.brokers.end()) {
      come.emplace(id, std::move(broker));
    } else if (broker.epoch > known->second.epoch) {
      bounced.emplace(id, std::move(broker));
    } else if (!same_broker(broker.node, known->second.node)) {
      known->second.node = std::move(broker.node);
      updated = true;
    }
  }
  for (const auto& [id, broker] : context_.brokers) {
    if (!now->contains(id)) {
      gone.insert(id);
    }
  }
  if (updated) {
    batch_.add_update_metadata(context_.live_ids(), {});
    batch_.send();
  }
  // A new registration is a new broker: the old one goes first, out of every ISR that has others.
  std::set<BrokerId> left = gone;
  for (const auto& [id, broker] : bounced) {
    left.insert(id);
  }
  Step step;
  if (!left.empty()) {
    step = co_await on_brokers_gone(std::move(left));
  }
  come.merge(bounced);
  if (step && !come.empty()) {
    step = co_await on_brokers_come(std::move(come));
  }
  co_return step;
}

Async<Step> ControllerImpl::on_brokers_come(std::map<BrokerId, LiveBroker> brokers) {
  const std::vector<BrokerId> others = context_.live_ids();
  std::set<BrokerId> ids;
  for (auto& [id, broker] : brokers) {
    log().info("broker {} has come, epoch {}", id.value(), broker.epoch.value());
    ports_.brokers.add_broker(id, broker.node);
    ids.insert(id);
    context_.brokers.insert_or_assign(id, std::move(broker));
  }
  batch_.add_update_metadata(others, {});
  batch_.send();
  batch_.add_update_metadata({ids.begin(), ids.end()}, context_.partitions_with_leadership());
  batch_.send();
  auto replicas = context_.replicas_on(ids);
  std::vector<ReplicaOf> of_deleted;
  std::ranges::copy_if(replicas, std::back_inserter(of_deleted), [this](const ReplicaOf& replica) {
    return context_.is_to_be_deleted(replica.partition.topic);
  });
  std::erase_if(replicas, [this](const ReplicaOf& replica) {
    return !may_change(context_.partition(replica.partition)->replica_state(replica.broker),
                       ReplicaState::kOnline);
  });
  machines_.mark_replicas(replicas, ReplicaState::kOnline);
  Step step = co_await machines_.bring_all_online();
  if (step && !of_deleted.empty()) {
    step = co_await deletion_.on_brokers_back(std::move(of_deleted));
  }
  co_return step;
}

Async<Step> ControllerImpl::on_brokers_gone(std::set<BrokerId> ids) {
  for (const BrokerId id : ids) {
    log().info("broker {} has gone", id.value());
    ports_.brokers.remove_broker(id);
    context_.brokers.erase(id);
  }
  auto replicas = context_.replicas_on(ids);
  std::vector<ReplicaOf> of_deleted;
  std::erase_if(replicas, [&](const ReplicaOf& replica) {
    if (!context_.is_to_be_deleted(replica.partition.topic)) {
      return false;
    }
    of_deleted.push_back(replica);
    return true;
  });
  machines_.mark(context_.partitions_with_dead_leader(), PartitionState::kOffline);
  Step step = co_await machines_.bring_all_online();
  const bool none = replicas.empty();
  if (step) {
    step = co_await machines_.take_offline(std::move(replicas));
  }
  if (step && !of_deleted.empty()) {
    step = co_await deletion_.on_replicas_dead(std::move(of_deleted));
  }
  if (step && none) {
    batch_.add_update_metadata(context_.live_ids(), {});
    batch_.send();
  }
  co_return step;
}

}  // namespace barnabas::controller
