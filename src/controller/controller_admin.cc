// Administrators' requests: topics made and deleted, blocks of producer ids.
#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "barnabas/base/logging.h"
#include "controller_impl.h"

namespace barnabas::controller {
namespace {

constexpr std::int64_t kProducerIdBlockSize = 1000;
constexpr std::int64_t kLastProducerId = std::numeric_limits<std::int64_t>::max();

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("controller");
  return logger;
}

Error not_controller() {
  return {ErrorCode::kNotController, "This is not the correct controller for this cluster."};
}

std::chrono::milliseconds limited(std::int64_t timeout_ms) {
  constexpr std::int64_t kLongest = std::numeric_limits<std::int32_t>::max();
  return std::chrono::milliseconds{std::clamp<std::int64_t>(timeout_ms, 0, kLongest)};
}

template <typename Result>
void set_error(Result& result, const Error& error) {
  result.error = error.code;
  result.message = error.message;
}

}  // namespace

// Each request answers itself: one that is dropped, because this broker is not or no longer the
// controller, says so.
struct ControllerImpl::CreateRequest {
  std::vector<NewTopic> topics;
  CreateTopicsOptions options;
  std::move_only_function<void(std::vector<CreatedTopic>)> done;
  std::vector<CreatedTopic> results;
  std::map<std::size_t, AcceptedTopic> accepted;  // by place, until written

  CreateRequest(std::vector<NewTopic> asked, CreateTopicsOptions how,
                std::move_only_function<void(std::vector<CreatedTopic>)> answer)
      : topics(std::move(asked)), options(how), done(std::move(answer)), results(topics.size()) {
    for (std::size_t i = 0; i < topics.size(); ++i) {
      results[i].name = topics[i].name;
    }
  }
  ~CreateRequest() {
    for (CreatedTopic& result : results) {
      set_error(result, not_controller());
    }
    answer();
  }
  CreateRequest(const CreateRequest&) = delete;
  CreateRequest& operator=(const CreateRequest&) = delete;

  void answer() {
    if (done) {
      std::exchange(done, {})(std::move(results));
    }
  }
};

struct ControllerImpl::DeleteRequest {
  std::vector<std::string> names;
  std::int64_t timeout_ms;
  std::move_only_function<void(std::vector<DeletedTopic>)> done;
  std::vector<DeletedTopic> results;

  DeleteRequest(std::vector<std::string> asked, std::int64_t timeout,
                std::move_only_function<void(std::vector<DeletedTopic>)> answer)
      : names(std::move(asked)),
        timeout_ms(timeout),
        done(std::move(answer)),
        results(names.size()) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      results[i].name = names[i];
    }
  }
  ~DeleteRequest() {
    for (DeletedTopic& result : results) {
      set_error(result, not_controller());
    }
    answer();
  }
  DeleteRequest(const DeleteRequest&) = delete;
  DeleteRequest& operator=(const DeleteRequest&) = delete;

  void answer() {
    if (done) {
      std::exchange(done, {})(std::move(results));
    }
  }
};

struct ControllerImpl::AllocateRequest {
  BrokerId broker;
  BrokerEpoch epoch;
  std::move_only_function<void(Result<ProducerIdBlock>)> done;

  AllocateRequest(BrokerId who, BrokerEpoch when,
                  std::move_only_function<void(Result<ProducerIdBlock>)> answer)
      : broker(who), epoch(when), done(std::move(answer)) {}
  ~AllocateRequest() { answer(std::unexpected(not_controller())); }
  AllocateRequest(const AllocateRequest&) = delete;
  AllocateRequest& operator=(const AllocateRequest&) = delete;

  void answer(Result<ProducerIdBlock> result) {
    if (done) {
      std::exchange(done, {})(std::move(result));
    }
  }
};

// ---- Creation ----------------------------------------------------------------------------------

void ControllerImpl::create_topics(std::vector<NewTopic> topics, CreateTopicsOptions options,
                                   std::move_only_function<void(std::vector<CreatedTopic>)> done) {
  auto request = std::make_shared<CreateRequest>(std::move(topics), options, std::move(done));
  home_.post([this, alive = alive_, request = std::move(request)]() mutable {
    if (*alive) {
      events_.push([this, request = std::move(request)]() mutable {
        return handle_create(std::move(request));
      });
    }
  });
}

Async<Step> ControllerImpl::handle_create(std::shared_ptr<CreateRequest> request) {
  if (!active_) {
    co_return Step{};
  }
  const TopicRules rules{context_, ports_.validate_config, ports_.random};
  std::set<std::string> names;
  for (std::size_t i = 0; i < request->topics.size(); ++i) {
    CreatedTopic& result = request->results[i];
    auto accepted = judge_topic(request->topics[i], request->options, rules, names);
    if (!accepted) {
      set_error(result, accepted.error());
      log().info("topic {} is not created: {}", result.name, result.message);
      continue;
    }
    result.num_partitions = static_cast<std::int32_t>(accepted->assignment.size());
    result.replication_factor =
        static_cast<std::int16_t>(accepted->assignment.begin()->second.size());
    result.configs = accepted->config;
    if (!request->options.validate_only) {
      names.insert(result.name);
      request->accepted.emplace(i, std::move(*accepted));
    }
  }
  Step step = co_await write_new_topics(request);
  if (step) {
    finish_create(std::move(request));
  }
  co_return step;
}

// A topic's configuration and its assignment are one write: a crash leaves both or neither.
Async<Step> ControllerImpl::write_new_topics(std::shared_ptr<CreateRequest> request) {
  std::vector<std::string> paths;
  for (const auto& [place, topic] : request->accepted) {
    const std::string& name = request->results[place].name;
    paths.push_back(zk::config_path(zk::ConfigType::kTopic, name));
    paths.push_back(zk::delete_topic_path(name));
  }
  const auto found = co_await store_.get_all(std::move(paths));
  std::vector<std::vector<zk::WriteOp>> writes;
  std::vector<std::size_t> places;
  std::size_t next = 0;
  for (const auto& [place, topic] : request->accepted) {
    CreatedTopic& result = request->results[place];
    const auto& config_node = found[next++];
    const auto& mark = found[next++];
    for (const auto* read : {&config_node, &mark}) {
      if (!*read && !is_about_node(read->error())) {
        co_return std::unexpected(read->error());
      }
    }
    if (mark) {
      set_error(result, topic_marked_for_deletion(result.name));
      continue;
    }
    zk::TopicZNode node;
    result.topic_id = ports_.random.uuid();
    node.topic_id = result.topic_id;
    for (const auto& [partition, brokers] : topic.assignment) {
      node.partitions[partition].replicas = brokers;
    }
    const std::string config_path = zk::config_path(zk::ConfigType::kTopic, result.name);
    const std::string config = zk::encode_config(topic.config);
    auto& ops = writes.emplace_back();
    if (config_node) {
      ops.emplace_back(zk::SetOp{config_path, config, config_node->stat.version});
    } else {
      ops.emplace_back(zk::CreateOp{config_path, config});
    }
    ops.emplace_back(zk::CreateOp{zk::topic_path(result.name), encode(node)});
    places.push_back(place);
  }
  const auto answers = co_await store_.write_all(std::move(writes));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    CreatedTopic& result = request->results[places[i]];
    if (answers[i]) {
      log().info("topic {} with id {} created: {} partitions, replication factor {}", result.name,
                 result.topic_id.to_string(), result.num_partitions, result.replication_factor);
      continue;
    }
    const zk::StoreError& error = answers[i].error();
    if (!is_about_node(error)) {
      co_return std::unexpected(error);
    }
    result.topic_id = {};
    if (error.code == zk::StoreErrorCode::kNodeExists &&
        error.path == zk::topic_path(result.name)) {
      set_error(result, topic_exists(result.name));
    } else {
      set_error(result, zk::to_error(error));
    }
  }
  request->accepted.clear();
  co_return Step{};
}

void ControllerImpl::finish_create(std::shared_ptr<CreateRequest> request) {
  if (request->options.validate_only) {
    return request->answer();
  }
  std::set<std::string> created;
  for (const CreatedTopic& result : request->results) {
    if (result.error == ErrorCode::kNone) {
      created.insert(result.name);
    }
  }
  CreateRequest& asked = *request;
  const auto answer = [request = std::move(request)](const std::set<std::string>& missing) {
    for (CreatedTopic& result : request->results) {
      if (missing.contains(result.name)) {
        result.error = ErrorCode::kRequestTimedOut;
      }
    }
    request->answer();
  };
  if (asked.options.timeout_ms <= 0) {
    return answer(created);
  }
  creations_.wait(std::move(created), limited(asked.options.timeout_ms), answer);
}

// ---- Deletion ----------------------------------------------------------------------------------

void ControllerImpl::delete_topics(std::vector<std::string> names, std::int64_t timeout_ms,
                                   std::move_only_function<void(std::vector<DeletedTopic>)> done) {
  auto request = std::make_shared<DeleteRequest>(std::move(names), timeout_ms, std::move(done));
  home_.post([this, alive = alive_, request = std::move(request)]() mutable {
    if (*alive) {
      events_.push([this, request = std::move(request)]() mutable {
        return handle_delete(std::move(request));
      });
    }
  });
}

Async<Step> ControllerImpl::handle_delete(std::shared_ptr<DeleteRequest> request) {
  if (!active_) {
    co_return Step{};
  }
  std::vector<zk::WriteOp> ops;
  for (DeletedTopic& result : request->results) {
    if (context_.topic(result.name) == nullptr) {
      result.error = ErrorCode::kUnknownTopicOrPartition;
    } else if (!options_.delete_topic_enable) {
      result.error = ErrorCode::kTopicDeletionDisabled;
    } else {
      ops.emplace_back(zk::CreateOp{zk::delete_topic_path(result.name), std::nullopt});
    }
  }
  const auto answers = co_await store_.write_each(std::move(ops));
  for (const WriteAnswer& answer : answers) {
    // Asked for before: this request waits for the same deletion.
    if (!answer && !is_about_node(answer.error())) {
      co_return std::unexpected(answer.error());
    }
  }
  finish_delete(std::move(request));
  co_return Step{};
}

void ControllerImpl::finish_delete(std::shared_ptr<DeleteRequest> request) {
  std::set<std::string> waiting;
  for (const DeletedTopic& result : request->results) {
    const TopicInfo* const topic = context_.topic(result.name);
    const bool halted = topic != nullptr && topic->deletion_halted && topic->forgotten_here;
    if (result.error == ErrorCode::kNone && topic != nullptr && !halted) {
      waiting.insert(result.name);
    }
  }
  const std::int64_t timeout_ms = request->timeout_ms;
  const auto answer = [request = std::move(request)](const std::set<std::string>& missing) {
    for (DeletedTopic& result : request->results) {
      if (missing.contains(result.name)) {
        result.error = ErrorCode::kRequestTimedOut;
      }
    }
    request->answer();
  };
  if (timeout_ms <= 0) {
    return answer(waiting);
  }
  deletions_.wait(std::move(waiting), limited(timeout_ms), answer);
}

// ---- Producer ids ------------------------------------------------------------------------------

void ControllerImpl::allocate_producer_ids(
    BrokerId broker, BrokerEpoch broker_epoch,
    std::move_only_function<void(Result<ProducerIdBlock>)> done) {
  auto request = std::make_shared<AllocateRequest>(broker, broker_epoch, std::move(done));
  home_.post([this, alive = alive_, request = std::move(request)]() mutable {
    if (*alive) {
      events_.push([this, request = std::move(request)]() mutable {
        return handle_allocate(std::move(request));
      });
    }
  });
}

Async<Step> ControllerImpl::handle_allocate(std::shared_ptr<AllocateRequest> request) {
  if (!active_) {
    co_return Step{};
  }
  const auto live = context_.brokers.find(request->broker);
  if (live == context_.brokers.end()) {
    request->answer(fail(ErrorCode::kBrokerIdNotRegistered));
    co_return Step{};
  }
  if (live->second.epoch != request->epoch) {
    request->answer(fail(ErrorCode::kStaleBrokerEpoch));
    co_return Step{};
  }
  for (;;) {
    const auto node = co_await store_.get(std::string(zk::kProducerIdBlockPath));
    if (!node) {
      co_return std::unexpected(node.error());
    }
    ProducerIdBlock block{request->broker, ProducerId{0}, ProducerId{kProducerIdBlockSize - 1}};
    if (node->data) {
      const auto last = zk::decode_producer_id_block(node->data);
      if (!last || last->last.value() > kLastProducerId - kProducerIdBlockSize) {
        log().error("{}", last ? "Have exhausted all producerIds." : last.error().message);
        request->answer(fail(ErrorCode::kUnknownServerError, "Have exhausted all producerIds."));
        co_return Step{};
      }
      block.first = last->last + 1;
      block.last = last->last + kProducerIdBlockSize;
    }
    std::vector<zk::WriteOp> ops;
    ops.emplace_back(
        zk::SetOp{std::string(zk::kProducerIdBlockPath), encode(block), node->stat.version});
    const WriteAnswer answer = co_await store_.write(std::move(ops));
    if (answer) {
      request->answer(block);
      co_return Step{};
    }
    if (!is_about_node(answer.error()) || answer.error().code != zk::StoreErrorCode::kBadVersion) {
      co_return std::unexpected(answer.error());
    }
    // A broker of an older version has taken a block meanwhile.
  }
}

}  // namespace barnabas::controller
