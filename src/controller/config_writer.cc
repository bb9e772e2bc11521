#include "config_writer.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "barnabas/base/logging.h"

namespace barnabas::controller {
namespace {

// Somebody who keeps changing the same configuration is not waited for for ever.
constexpr int kMaxRounds = 10;

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("controller");
  return logger;
}

std::vector<zk::WriteOp> writes_of(zk::ConfigType type, const std::string& entity,
                                   const zk::StoreResult<zk::Node>& node,
                                   const zk::ConfigMap& next) {
  const std::string path = zk::config_path(type, entity);
  std::vector<zk::WriteOp> ops;
  if (type == zk::ConfigType::kTopic) {
    ops.emplace_back(zk::CheckOp{zk::topic_path(entity)});  // it exists
  }
  if (node) {
    ops.emplace_back(zk::SetOp{path, zk::encode_config(next), node->stat.version});
  } else {
    ops.emplace_back(zk::CreateOp{path, zk::encode_config(next)});
  }
  ops.emplace_back(zk::CreateOp{std::string(zk::kConfigChangePrefix),
                                zk::encode_config_change(type, entity),
                                zk::CreateMode::kPersistentSequential});
  return ops;
}

}  // namespace

// Answers itself when it is dropped.
struct ConfigWriter::Request {
  zk::ConfigType type;
  std::string entity;
  ConfigEdit edit;
  bool validate_only;
  std::move_only_function<void(Status)> done;

  ~Request() { answer(fail(ErrorCode::kUnknownServerError, "The broker is shutting down.")); }
  void answer(Status status) {
    if (done) {
      std::exchange(done, {})(std::move(status));
    }
  }
};

ConfigWriter::ConfigWriter(zk::MetadataStore& store, ConfigListener& listener)
    : home_(store.home()),
      store_(store),
      listener_(listener),
      // An event answers its own errors.
      events_(store.home(), [](const zk::StoreError& error) {
        log().error("a change of a configuration failed: {}", zk::to_string(error));
      }) {}

void ConfigWriter::stop() {
  *alive_ = false;
  events_.stop();
}

void ConfigWriter::edit_config(zk::ConfigType type, std::string entity, ConfigEdit edit,
                               bool validate_only, std::move_only_function<void(Status)> done) {
  std::shared_ptr<Request> request(
      new Request{type, std::move(entity), std::move(edit), validate_only, std::move(done)});
  home_.post([this, alive = alive_, request = std::move(request)]() mutable {
    if (*alive) {
      events_.push(
          [this, request = std::move(request)]() mutable { return handle(std::move(request)); });
    }
  });
}

Async<Step> ConfigWriter::handle(std::shared_ptr<Request> request) {
  const std::string path = zk::config_path(request->type, request->entity);
  for (int round = 0; round < kMaxRounds; ++round) {
    const auto node = co_await store_.get(path);
    if (!node && node.error().code != zk::StoreErrorCode::kNoNode) {
      request->answer(std::unexpected(zk::to_error(node.error())));
      co_return Step{};
    }
    const auto now = zk::decode_config(path, node ? node->data : zk::NodeData{});
    auto next = now ? request->edit(*now) : Result<zk::ConfigMap>(std::unexpected(now.error()));
    if (!next || request->validate_only) {
      request->answer(next ? Status{} : std::unexpected(std::move(next).error()));
      co_return Step{};
    }
    const WriteAnswer written =
        co_await store_.write_unfenced(writes_of(request->type, request->entity, node, *next));
    if (written) {
      log().info("{} is changed", path);
      listener_.on_config(request->type, request->entity, *next);
      request->answer({});
      co_return Step{};
    }
    const zk::StoreError& error = written.error();
    if (error.code == zk::StoreErrorCode::kNoNode &&
        error.path == zk::topic_path(request->entity)) {
      request->answer(fail(ErrorCode::kUnknownTopicOrPartition,
                           fmt::format("The topic '{}' does not exist.", request->entity)));
      co_return Step{};
    }
    if (!is_about_node(error)) {
      request->answer(std::unexpected(zk::to_error(error)));
      co_return Step{};
    }
  }
  request->answer(fail(ErrorCode::kUnknownServerError, path + " keeps being changed."));
  co_return Step{};
}

}  // namespace barnabas::controller
