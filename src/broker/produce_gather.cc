#include "produce_gather.h"

#include <algorithm>
#include <chrono>

namespace barnabas::broker {
namespace {

constexpr std::size_t kKeptCalls = 1024;  // of each thread, with their buffers
constexpr std::size_t kKeptGroups = 64;
constexpr std::size_t kKeptPartitions = 1024;  // of one call; what held more is not kept
constexpr std::size_t kMaxConvertedTrain = std::size_t{16} << 20U;  // of each thread

// With these Kafka answers no log start offset.
bool hides_log_start(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kCorruptMessage:
    case ErrorCode::kKafkaStorageError:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct ProduceGather::Group final : replication::AppendGroup {
  struct Place {
    ProduceCall* call;
    std::size_t index;
  };

  void on_written(std::unique_ptr<AppendGroup> self) override {
    if (const auto owner = gather.lock()) {
      (*owner)->settle(*this);
      (*owner)->free_groups_.emplace_back(static_cast<Group*>(self.release()));
    }
  }

  std::weak_ptr<ProduceGather*> gather;
  std::shared_ptr<replication::Partition> partition;
  std::shared_ptr<storage::Log> log;
  record::ValidateOptions options;
  std::vector<Place> places;          // one for each append
  std::vector<ByteVector> converted;  // batches that were written anew
};

ProduceGather::ProduceGather(Services& services, Executor& home)
    : services_(services), home_(home), self_(std::make_shared<ProduceGather*>(this)) {}

ProduceGather::~ProduceGather() = default;

ProduceCall& ProduceGather::begin(const RequestContext& context) {
  ProduceCall* call = nullptr;
  if (free_calls_.empty()) {
    calls_.push_back(std::make_unique<ProduceCall>());
    call = calls_.back().get();
  } else {
    call = free_calls_.back();
    free_calls_.pop_back();
  }
  call->answer.emplace(context.pending());
  call->outcomes.clear();
  call->outstanding = 1;
  return *call;
}

void ProduceGather::give_back(ProduceCall& call) {
  call.answer.reset();
  call.owned = {};
  if (call.outcomes.capacity() > kKeptPartitions ||
      call.request.topic_data.capacity() > kKeptPartitions) {
    call.request = {};
    call.outcomes = {};
  }
  if (calls_.size() <= kKeptCalls) {
    free_calls_.push_back(&call);
    return;
  }
  const auto found =
      std::ranges::find(calls_, &call, [](const auto& owned) { return owned.get(); });
  std::swap(*found, calls_.back());
  calls_.pop_back();
}

std::unique_ptr<ProduceGather::Group> ProduceGather::new_group() {
  if (free_groups_.empty()) {
    auto group = std::make_unique<Group>();
    group->gather = self_;
    group->home = &home_;
    return group;
  }
  auto group = std::move(free_groups_.back());
  free_groups_.pop_back();
  return group;
}

ProduceGather::Group& ProduceGather::group_of(replication::Partition& partition) {
  if (!open_groups_.empty() && open_groups_.back()->partition.get() == &partition) {
    return *open_groups_.back();
  }
  const auto [found, is_new] = group_index_.try_emplace(&partition, open_groups_.size());
  if (!is_new) {
    return *open_groups_[found->second];
  }
  auto group = new_group();
  group->partition = partition.shared_from_this();
  group->log = partition.log();
  if (group->log != nullptr) {
    const storage::LogConfig config = group->log->config();
    group->options.topic_partition = partition.name();
    group->options.now_ms = services_.clock.wall_ms();
    group->options.timestamp_type = config.message_timestamp_log_append
                                        ? record::TimestampType::kLogAppendTime
                                        : record::TimestampType::kCreateTime;
    group->options.timestamp_before_max_ms = config.timestamp_before_max_ms;
    group->options.timestamp_after_max_ms = config.timestamp_after_max_ms;
    group->options.max_message_bytes = config.max_message_bytes;
    group->options.compact = config.cleanup_compact;
    group->options.compression = config.compression;
    group->options.compression_level = config.compression_level;
  }
  open_groups_.push_back(std::move(group));
  return *open_groups_.back();
}

void ProduceGather::refuse(ProduceOutcome& outcome, const Error& error, const Group& group) {
  outcome.error = error.code;
  if (!validator_.record_errors().empty()) {
    outcome.record_errors = validator_.record_errors();
    outcome.message = error.message;
  }
  outcome.log_start_offset = hides_log_start(error.code) ? kNoOffset : group.log->start_offset();
}

void ProduceGather::add(ProduceCall& call, std::size_t place, replication::Partition& partition,
                        MutableBytes records) {
  Group& group = group_of(partition);
  ProduceOutcome& outcome = call.outcomes[place];
  if (group.log == nullptr) {
    outcome.error =
        partition.offline() ? ErrorCode::kKafkaStorageError : ErrorCode::kNotLeaderOrFollower;
    return;
  }
  if (records.empty()) {  // a message set of old without a message: nothing happens, successfully
    return;
  }
  storage::LeaderAppend& append = group.appends.emplace_back();
  append.records = records;
  append.guard = outcome.guard;
  if (const Status prepared = prepare(append, group); !prepared) {
    group.appends.pop_back();
    refuse(outcome, prepared.error(), group);
    return;
  }
  group.acks.push_back(call.request.acks);
  group.places.push_back({&call, place});
  ++call.outstanding;
  if (converted_bytes_ > kMaxConvertedTrain) {
    flush();
  }
}

Status ProduceGather::prepare(storage::LeaderAppend& append, Group& group) {
  Result<record::ValidatedBatch> validated;
  if (record::RecordValidator::must_convert(append.records, group.options)) [[unlikely]] {
    ByteVector made;
    validated = validator_.convert(append.records, group.options, made);
    if (validated) {
      made.shrink_to_fit();
      converted_bytes_ += made.size();
      append.records = group.converted.emplace_back(std::move(made));
    }
  } else {
    validated = validator_.validate(append.records, group.options);
  }
  if (!validated) {
    return std::unexpected(std::move(validated).error());
  }
  append.crc_is_producers = !validated->restamped;
  append.log_append_time_ms = validated->log_append_time_ms;
  return {};
}

void ProduceGather::submit(ProduceCall& call) {
  if (--call.outstanding == 0) {
    complete(call);
  }
}

void ProduceGather::flush() {
  // Settling can answer, never gather: the list does not grow under the loop.
  for (auto& group : open_groups_) {
    if (group->appends.empty()) {
      group->partition.reset();
      group->log.reset();
      group->converted.clear();
      free_groups_.push_back(std::move(group));
      continue;
    }
    auto partition = group->partition;
    auto written = partition->append(std::move(group));
    if (written != nullptr) {
      std::unique_ptr<Group> mine(static_cast<Group*>(written.release()));
      settle(*mine);
      free_groups_.push_back(std::move(mine));
    }
  }
  open_groups_.clear();
  group_index_.clear();
  converted_bytes_ = 0;
  if (free_groups_.size() > kKeptGroups) {
    free_groups_.resize(kKeptGroups);
  }
}

void ProduceGather::settle(Group& group) {
  for (std::size_t i = 0; i < group.appends.size(); ++i) {
    const auto& [call, place] = group.places[i];
    settle_one(group.appends[i], group, *call, place);
    if (--call->outstanding == 0) {
      complete(*call);
    }
  }
  group.appends.clear();
  group.acks.clear();
  group.places.clear();
  group.owned = {};
  group.converted.clear();
  group.partition.reset();
  group.log.reset();
}

void ProduceGather::settle_one(const storage::LeaderAppend& append, const Group& group,
                               ProduceCall& call, std::size_t place) {
  ProduceOutcome& outcome = call.outcomes[place];
  outcome.error = append.error;
  if (append.error != ErrorCode::kNone) {
    outcome.log_start_offset =
        hides_log_start(append.error) ? kNoOffset : group.log->start_offset();
    return;
  }
  outcome.base_offset = append.base_offset;
  outcome.last_offset = append.last_offset;
  outcome.log_start_offset = append.log_start_offset;
  outcome.log_append_time_ms = append.log_append_time_ms;
  if (call.request.acks == -1 && append.last_offset >= group.high_watermark) {
    outcome.partition = group.partition;
  }
}

// A request with acks=all whose records are not on all in-sync replicas yet.
struct ProduceGather::Waiting final : replication::Waiter,
                                      std::enable_shared_from_this<ProduceGather::Waiting> {
  Waiting(std::weak_ptr<ProduceGather*> gather, ProduceCall& call, Executor& home)
      : gather(std::move(gather)), call(call), home(home) {}

  void on_partition_moved() override {
    home.post([self = shared_from_this()] { self->look(); });
  }

  void start(std::chrono::milliseconds timeout) {
    for (auto& outcome : call.outcomes) {
      if (outcome.partition != nullptr) {
        tickets.emplace_back(outcome.partition, outcome.partition->add_waiter(weak_from_this()));
      }
    }
    timer = home.run_after(timeout, [self = shared_from_this()] { self->expire(); });
    look();
  }

  // Each partition that got there, or cannot any more, has its outcome.
  void look() {
    if (done || gather.expired()) {
      return;
    }
    bool all = true;
    for (auto& outcome : call.outcomes) {
      if (outcome.partition == nullptr) {
        continue;
      }
      const auto view = outcome.partition->view();
      if (view.log == nullptr) {
        outcome.error = ErrorCode::kNotLeaderOrFollower;
      } else if (view.high_watermark <= outcome.last_offset) {
        all = false;
        continue;
      }
      outcome.partition.reset();
    }
    if (all) {
      finish();
    }
  }

  void expire() {
    if (done || gather.expired()) {
      return;
    }
    for (auto& outcome : call.outcomes) {
      if (outcome.partition != nullptr) {
        outcome.error = ErrorCode::kRequestTimedOut;
        outcome.partition.reset();
      }
    }
    finish();
  }

  void finish() {
    done = true;
    for (const auto& [partition, ticket] : tickets) {
      partition->remove_waiter(ticket);
    }
    timer.reset();
    if (const auto owner = gather.lock()) {
      (*owner)->send(call);
    }
  }

  std::weak_ptr<ProduceGather*> gather;
  ProduceCall& call;  // owned by the gather; touched only while that is alive, at home
  Executor& home;
  std::vector<std::pair<std::shared_ptr<replication::Partition>, replication::WaiterTicket>>
      tickets;
  std::unique_ptr<Timer> timer;
  bool done = false;
};

bool ProduceGather::wait_for_replicas(ProduceCall& call) {
  const bool waits = std::ranges::any_of(
      call.outcomes, [](const auto& outcome) { return outcome.partition != nullptr; });
  if (!waits) {
    return false;
  }
  const std::chrono::milliseconds timeout(std::max(call.request.timeout_ms, 0));
  std::make_shared<Waiting>(self_, call, home_)->start(timeout);
  return true;
}

void ProduceGather::complete(ProduceCall& call) {
  if (call.request.acks == -1 && wait_for_replicas(call)) {
    return;
  }
  send(call);
}

void ProduceGather::send(ProduceCall& call) {
  if (call.request.acks == 0) {
    const bool failed = std::ranges::any_of(
        call.outcomes, [](const auto& outcome) { return outcome.error != ErrorCode::kNone; });
    call.answer->send_nothing();
    if (failed) {
      // The only way to tell a producer that asked for no answer (as Kafka does).
      call.answer->connection().close("a produce request with acks=0 failed");
    }
  } else {
    fill_answer(call);
    call.answer->send(writer_, response_);
  }
  give_back(call);
}

void ProduceGather::fill_answer(const ProduceCall& call) {
  const auto& topics = call.request.topic_data;
  response_.responses.resize(topics.size());
  std::size_t place = 0;
  for (std::size_t t = 0; t < topics.size(); ++t) {
    auto& topic = response_.responses[t];
    topic.name = topics[t].name;
    topic.partition_responses.resize(topics[t].partition_data.size());
    for (std::size_t p = 0; p < topic.partition_responses.size(); ++p) {
      const ProduceOutcome& outcome = call.outcomes[place++];
      auto& partition = topic.partition_responses[p];
      partition.index = topics[t].partition_data[p].index;
      partition.error_code = static_cast<std::int16_t>(outcome.error);
      partition.base_offset = outcome.base_offset.value();
      partition.log_append_time_ms = outcome.log_append_time_ms;
      partition.log_start_offset = outcome.log_start_offset.value();
      partition.error_message = outcome.message;
      partition.record_errors.resize(outcome.record_errors.size());
      for (std::size_t e = 0; e < outcome.record_errors.size(); ++e) {
        partition.record_errors[e].batch_index = outcome.record_errors[e].batch_index;
        partition.record_errors[e].batch_index_error_message = outcome.record_errors[e].message;
      }
    }
  }
}

}  // namespace barnabas::broker
