#include "config_watcher.h"

#include <charconv>
#include <optional>
#include <utility>

#include "barnabas/base/logging.h"

namespace barnabas::controller {
namespace {

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("controller");
  return logger;
}

std::optional<std::int64_t> sequence_of(const std::string& name) {
  const std::size_t digits = name.rfind('_') + 1;
  std::int64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + digits, end, number);
  if (error != std::errc{} || stop != end) {
    return std::nullopt;
  }
  return number;
}

std::optional<zk::ConfigType> type_of(const std::string& name) {
  for (const zk::ConfigType type : {zk::ConfigType::kTopic, zk::ConfigType::kBroker}) {
    if (name == zk::config_type_name(type)) {
      return type;
    }
  }
  return std::nullopt;
}

std::string change_path(const std::string& name) {
  std::string path(zk::kConfigChangesPath);
  path += '/';
  path += name;
  return path;
}

}  // namespace

ConfigWatcher::ConfigWatcher(zk::MetadataStore& store, ConfigListener& listener, const Clock& clock,
                             std::int64_t retention_ms)
    : store_(store),
      listener_(listener),
      clock_(clock),
      retention_ms_(retention_ms),
      events_(store.home(), [this](const zk::StoreError& error) { failed(error); }) {}

void ConfigWatcher::start(std::move_only_function<void(Status)> loaded) {
  loaded_ = std::move(loaded);
  restart();
}

void ConfigWatcher::restart() {
  events_.push_once("load", [this] { return load(); });
}

void ConfigWatcher::failed(const zk::StoreError& error) {
  log().error("configurations cannot be read: {}", zk::to_string(error));
  if (loaded_) {
    std::exchange(loaded_, {})(std::unexpected(zk::to_error(error)));
  }
}

zk::Watcher ConfigWatcher::change_watcher() {
  return [this, alive = alive_](const zk::WatchEvent&) {
    if (*alive) {
      events_.push_once("changes", [this] { return look_for_changes(); });
    }
  };
}

Async<Step> ConfigWatcher::load() {
  // The watch comes first: a change made while we read is seen afterwards.
  const auto changes =
      co_await store_.children(std::string(zk::kConfigChangesPath), change_watcher());
  if (!changes) {
    co_return std::unexpected(changes.error());
  }
  for (const std::string& name : changes->names) {
    last_change_ = std::max(last_change_, sequence_of(name).value_or(-1));
  }
  for (const zk::ConfigType type : {zk::ConfigType::kBroker, zk::ConfigType::kTopic}) {
    Step step = co_await load_all(type);
    if (!step) {
      co_return step;
    }
  }
  if (loaded_) {
    std::exchange(loaded_, {})(Status{});
  }
  co_return Step{};
}

Async<Step> ConfigWatcher::load_all(zk::ConfigType type) {
  const auto entities = co_await store_.children(zk::config_type_path(type));
  if (!entities) {
    co_return std::unexpected(entities.error());
  }
  std::vector<std::string> paths;
  for (const std::string& entity : entities->names) {
    paths.push_back(zk::config_path(type, entity));
  }
  const auto nodes = co_await store_.get_all(std::move(paths));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i] && !is_about_node(nodes[i].error())) {
      co_return std::unexpected(nodes[i].error());
    }
    tell(type, entities->names[i], nodes[i]);
  }
  co_return Step{};
}

void ConfigWatcher::tell(zk::ConfigType type, const std::string& entity,
                         const zk::StoreResult<zk::Node>& node) {
  // A node that has gone holds nothing any more.
  auto config =
      zk::decode_config(zk::config_path(type, entity), node ? node->data : zk::NodeData{});
  if (!config) {
    return log().error("{}", config.error().message);
  }
  listener_.on_config(type, entity, *config);
}

Async<Step> ConfigWatcher::look_for_changes() {
  const auto changes =
      co_await store_.children(std::string(zk::kConfigChangesPath), change_watcher());
  if (!changes) {
    co_return std::unexpected(changes.error());
  }
  for (const std::string& name : changes->names) {
    const auto number = sequence_of(name);
    if (!number || *number <= last_change_) {
      continue;
    }
    Step step = co_await handle_change(name);
    if (!step) {
      co_return step;
    }
    last_change_ = *number;
  }
  co_return co_await remove_old(changes->names);
}

Async<Step> ConfigWatcher::handle_change(std::string name) {
  const std::string path = change_path(name);
  const auto node = co_await store_.get(path);
  if (!node) {
    co_return is_about_node(node.error()) ? Step{} : std::unexpected(node.error());
  }
  const auto change = zk::decode_config_change(path, node->data);
  if (!change) {
    log().error("{}", change.error().message);
    co_return Step{};
  }
  const auto type = type_of(change->type);
  if (!type) {
    log().debug("a change of {}/{} is not acted on", change->type, change->entity);
    co_return Step{};
  }
  const auto config = co_await store_.get(zk::config_path(*type, change->entity));
  if (!config && !is_about_node(config.error())) {
    co_return std::unexpected(config.error());
  }
  tell(*type, change->entity, config);
  co_return Step{};
}

Async<Step> ConfigWatcher::remove_old(std::vector<std::string> names) {
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    paths.push_back(change_path(name));
  }
  const auto nodes = co_await store_.get_all(paths);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i] || clock_.wall_ms() - nodes[i]->stat.ctime_ms <= retention_ms_) {
      continue;
    }
    std::vector<zk::WriteOp> ops;
    ops.emplace_back(zk::DeleteOp{paths[i]});
    const WriteAnswer answer = co_await store_.write_unfenced(std::move(ops));
    if (!answer && !is_about_node(answer.error())) {
      co_return std::unexpected(answer.error());
    }
  }
  co_return Step{};
}

}  // namespace barnabas::controller
