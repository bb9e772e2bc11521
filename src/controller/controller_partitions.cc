// Administrators' requests about partitions of topics that are there: more of them.
#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "barnabas/base/logging.h"
#include "controller_impl.h"

namespace barnabas::controller {
namespace {

// Somebody who keeps changing a topic's node under our hands is not waited for for ever.
constexpr int kMaxRounds = 10;

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("controller");
  return logger;
}

void set_error(GrownTopic& result, const Error& error) {
  result.error = error.code;
  result.message = error.message;
}

std::chrono::milliseconds limited(std::int64_t timeout_ms) {
  constexpr std::int64_t kLongest = std::numeric_limits<std::int32_t>::max();
  return std::chrono::milliseconds{std::clamp<std::int64_t>(timeout_ms, 0, kLongest)};
}

}  // namespace

// Answers itself when it is dropped, because this broker is not or no longer the controller.
struct ControllerImpl::GrowRequest {
  std::vector<TopicGrowth> topics;
  GrowTopicsOptions options;
  std::move_only_function<void(std::vector<GrownTopic>)> done;
  std::vector<GrownTopic> results;

  GrowRequest(std::vector<TopicGrowth> asked, GrowTopicsOptions how,
              std::move_only_function<void(std::vector<GrownTopic>)> answer)
      : topics(std::move(asked)), options(how), done(std::move(answer)), results(topics.size()) {
    for (std::size_t i = 0; i < topics.size(); ++i) {
      results[i].name = topics[i].name;
    }
  }
  ~GrowRequest() {
    for (GrownTopic& result : results) {
      result.error = ErrorCode::kNotController;
    }
    answer();
  }
  GrowRequest(const GrowRequest&) = delete;
  GrowRequest& operator=(const GrowRequest&) = delete;

  void answer() {
    if (done) {
      std::exchange(done, {})(std::move(results));
    }
  }
};

void ControllerImpl::create_partitions(
    std::vector<TopicGrowth> topics, GrowTopicsOptions options,
    std::move_only_function<void(std::vector<GrownTopic>)> done) {
  auto request = std::make_shared<GrowRequest>(std::move(topics), options, std::move(done));
  home_.post([this, alive = alive_, request = std::move(request)]() mutable {
    if (*alive) {
      events_.push([this, request = std::move(request)]() mutable {
        return handle_grow(std::move(request));
      });
    }
  });
}

Async<Step> ControllerImpl::handle_grow(std::shared_ptr<GrowRequest> request) {
  if (!active_) {
    co_return Step{};
  }
  for (std::size_t i = 0; i < request->topics.size(); ++i) {
    if (context_.is_to_be_deleted(request->topics[i].name)) {
      set_error(request->results[i],
                {ErrorCode::kInvalidTopicException, "The topic is queued for deletion."});
      continue;
    }
    Step step = co_await grow_topic(request, i);
    if (!step) {
      co_return step;
    }
  }
  if (request->options.validate_only) {
    request->answer();
    co_return Step{};
  }
  std::set<std::string> grown;
  std::vector<TopicPartition> added;
  for (const GrownTopic& result : request->results) {
    if (result.error == ErrorCode::kNone) {
      grown.insert(result.name);
      for (const TopicPartition& tp : context_.partitions_of(result.name)) {
        if (context_.partition(tp)->state == PartitionState::kNonExistent) {
          added.push_back(tp);
        }
      }
    }
  }
  const std::int64_t timeout_ms = request->options.timeout_ms;
  const auto answer = [request = std::move(request)](const std::set<std::string>& missing) {
    for (GrownTopic& result : request->results) {
      if (missing.contains(result.name)) {
        result.error = ErrorCode::kRequestTimedOut;
      }
    }
    request->answer();
  };
  // Waited for before their first leaders are elected: no update of metadata can come between.
  if (timeout_ms > 0) {
    creations_.wait(std::move(grown), limited(timeout_ms), answer);
  } else {
    answer(grown);
  }
  co_return co_await bring_up(std::move(added));
}

// Writes the topic's node with its added partitions, and puts them into the context.
Async<Step> ControllerImpl::grow_topic(std::shared_ptr<GrowRequest> request, std::size_t place) {
  const TopicGrowth& growth = request->topics[place];
  GrownTopic& result = request->results[place];
  for (int round = 0; round < kMaxRounds; ++round) {
    zk::TopicZNode node;
    zk::NodeVersion version;
    if (context_.topic(growth.name) != nullptr) {
      const auto read = co_await store_.get(zk::topic_path(growth.name));
      if (!read && !is_about_node(read.error())) {
        co_return std::unexpected(read.error());
      }
      if (read) {
        auto decoded = zk::decode_topic(growth.name, read->data);
        if (!decoded) {
          set_error(result, {ErrorCode::kUnknownServerError, decoded.error().message});
          co_return Step{};
        }
        node = std::move(*decoded);
        version = read->stat.version;
      }
    }
    const auto added = judge_growth(growth, node.partitions, context_);
    if (!added) {
      set_error(result, added.error());
      log().info("no partitions are added to {}: {}", growth.name, result.message);
      co_return Step{};
    }
    if (request->options.validate_only) {
      co_return Step{};
    }
    for (const auto& [partition, brokers] : *added) {
      node.partitions[partition].replicas = brokers;
    }
    std::vector<zk::WriteOp> ops;
    ops.emplace_back(zk::SetOp{zk::topic_path(growth.name), encode(node), version});
    const WriteAnswer answer = co_await store_.write(std::move(ops));
    if (answer) {
      log().info("{}: {} partitions added", growth.name, added->size());
      TopicInfo& info = *context_.topic(growth.name);
      for (auto& [partition, assignment] : node.partitions) {
        info.partitions.try_emplace(partition).first->second.assignment = std::move(assignment);
      }
      co_return Step{};
    }
    if (!is_about_node(answer.error())) {
      co_return std::unexpected(answer.error());
    }
  }
  set_error(result, {ErrorCode::kUnknownServerError, "The topic keeps being changed."});
  co_return Step{};
}

}  // namespace barnabas::controller
