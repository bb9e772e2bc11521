#include "delayed_fetch.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "barnabas/base/logging.h"
#include "barnabas/protocol/gen/fetch.h"
#include "fetch_convert.h"

namespace barnabas::broker {
namespace {

using protocol::FetchResponse;

// What has been read and is to be answered. `converted` holds the records of old Fetch versions,
// one entry for each read; it is empty where the files' bytes are sent as they lie.
struct FetchAnswer {
  FetchPass pass;
  FetchAnswerPlan plan;
  std::vector<ByteVector> converted;
};

void fill(FetchResponse::PartitionData& out, const FetchItem& item, const FetchRead& read,
          std::vector<net::FileRange>& ranges) {
  out.partition_index = item.partition.value();
  out.error_code = static_cast<std::int16_t>(read.error);
  out.high_watermark = read.high_watermark.value();
  out.last_stable_offset = read.last_stable.value();
  out.log_start_offset = read.log_start.value();
  if (read.diverging) {
    out.diverging_epoch.epoch = read.diverging->epoch.value();
    out.diverging_epoch.end_offset = read.diverging->end_offset.value();
  }
  out.aborted_transactions.reset();
  if (read.aborted) {
    auto& aborted = out.aborted_transactions.emplace();
    for (const auto& transaction : *read.aborted) {
      auto& entry = aborted.emplace_back();
      entry.producer_id = transaction.producer_id.value();
      entry.first_offset = transaction.first_offset.value();
    }
  }
  out.preferred_read_replica = -1;
  if (read.slice.length == 0) {
    out.records = protocol::Records(ByteView{});
    return;
  }
  out.records =
      protocol::Records::external(read.slice.length, static_cast<std::uint32_t>(ranges.size()));
  ranges.push_back({read.slice.file, read.slice.position, read.slice.length, read.hot});
}

std::vector<FetchItemResult> results_of(const FetchPass& pass) {
  std::vector<FetchItemResult> results;
  results.reserve(pass.reads.size());
  for (const auto& read : pass.reads) {
    results.push_back({read.error, read.high_watermark, read.log_start, read.slice.length,
                       read.diverging.has_value()});
  }
  return results;
}

void send_answer(const FetchJob& job, FetchAnswer& answer) {
  FetchResponse response;
  response.error_code = static_cast<std::int16_t>(answer.plan.error);
  response.session_id = answer.plan.session_id;
  std::vector<net::FileRange> ranges;
  for (std::size_t i = 0; i < answer.plan.include.size(); ++i) {
    if (!answer.plan.include[i]) {
      continue;
    }
    const FetchItem& item = job.context.items[i];
    const FetchRead& read = answer.pass.reads[i];
    const bool same_topic =
        !response.responses.empty() &&
        (job.context.by_topic_id ? response.responses.back().topic_id == item.topic_id
                                 : response.responses.back().topic == item.topic);
    if (!same_topic) {
      auto& topic = response.responses.emplace_back();
      topic.topic = read.topic;
      topic.topic_id = item.topic_id;
    }
    auto& partition = response.responses.back().partitions.emplace_back();
    fill(partition, item, read, ranges);
    if (!answer.converted.empty()) {
      partition.records = protocol::Records(ByteView(answer.converted[i]));
    }
  }
  protocol::Writer out;
  if (!job.answer.encode(out, response)) {
    return;
  }
  std::vector<net::FileSplice> splices;
  splices.reserve(out.splices().size());
  for (const auto& splice : out.splices()) {
    splices.push_back({splice.position, std::move(ranges[splice.index])});
  }
  job.answer.connection().answer(job.answer.slot(), net::AnswerParts{out.bytes(), splices});
}

void refuse(FetchRead& read, ErrorCode error) {
  FetchRead refused;
  refused.topic = std::move(read.topic);
  refused.error = error;
  refused.aborted.emplace();
  read = std::move(refused);
}

// What clients before Fetch 10 cannot read.
void refuse_unreadable(Services& services, const FetchJob& job, FetchAnswer& answer) {
  const std::int16_t version = job.answer.version();
  const auto replicas = services.replicas.table();
  for (std::size_t i = 0; i < answer.plan.include.size(); ++i) {
    FetchRead& read = answer.pass.reads[i];
    if (!answer.plan.include[i]) {
      continue;
    }
    const auto partition = replicas->share(read.topic, job.context.items[i].partition);
    const auto log = partition == nullptr ? nullptr : partition->log();
    const ErrorCode unreadable =
        log == nullptr ? ErrorCode::kNone
                       : unreadable_for(version, job.limits.from_follower, log->config());
    if (unreadable != ErrorCode::kNone) {
      refuse(read, unreadable);
    } else if (read.error == ErrorCode::kKafkaStorageError &&
               version <= kLastFetchWithoutStorageError) {
      read.error = ErrorCode::kNotLeaderOrFollower;
    }
  }
}

// THREAD: disk
void convert_reads(const FetchJob& job, std::int8_t magic, FetchAnswer& answer) {
  for (std::size_t i = 0; i < answer.pass.reads.size(); ++i) {
    FetchRead& read = answer.pass.reads[i];
    if (read.slice.length == 0) {
      continue;
    }
    const FetchItem& item = job.context.items[i];
    auto converted = convert_slice(read.slice, magic, item.fetch_offset);
    read.slice = {};
    if (converted) {
      answer.converted[i] = std::move(*converted);
      continue;
    }
    logging::logger("broker").warn("{}-{}: cannot be converted to magic {} from offset {}: {}",
                                   read.topic, item.partition.value(), magic,
                                   item.fetch_offset.value(), converted.error().message);
    refuse(read, converted.error().code);
  }
}

}  // namespace

void answer_fetch(Services& services, const FetchJob& job, FetchPass pass) {
  const FetchAnswerPlan plan = services.fetch_sessions.close(job.context, results_of(pass));
  FetchAnswer answer{std::move(pass), plan, {}};
  if (job.answer.version() < kFirstFetchWithZstd) [[unlikely]] {
    refuse_unreadable(services, job, answer);
  }
  const auto magic = oldest_magic_of(job.answer.version());
  const bool has_records = std::ranges::any_of(
      answer.pass.reads, [](const auto& read) { return read.slice.length > 0; });
  if (!magic || !has_records) [[likely]] {
    send_answer(job, answer);
    return;
  }
  answer.converted.resize(answer.pass.reads.size());
  auto state = std::make_shared<std::pair<FetchJob, FetchAnswer>>(job, std::move(answer));
  services.disk.post([state = std::move(state), magic = *magic]() mutable {
    convert_reads(state->first, magic, state->second);
    Executor& home = state->first.answer.home();
    home.post([state = std::move(state)] { send_answer(state->first, state->second); });
  });
}

DelayedFetch::DelayedFetch(Services& services, FetchJob job)
    : services_(services), job_(std::move(job)) {}

void DelayedFetch::start(std::weak_ptr<Waits> waits) {
  listed_ = Waits::Entry(std::move(waits), shared_from_this());
  const auto replicas = services_.replicas.table();
  const auto metadata = services_.metadata.load();
  const FetchReader reader(services_.broker_id, *replicas, *metadata);
  for (const auto& item : job_.context.items) {
    std::string topic;
    ErrorCode error = ErrorCode::kNone;
    if (auto partition = reader.find(item, job_.context.by_topic_id, topic, error)) {
      const auto ticket = partition->add_waiter(weak_from_this());
      tickets_.emplace_back(std::move(partition), ticket);
    }
  }
  timer_ = job_.answer.home().run_after(std::chrono::milliseconds(job_.max_wait_ms),
                                        [self = shared_from_this()] { self->look(true); });
  look(false);  // what came between the first read and the registration
}

void DelayedFetch::on_partition_moved() {
  if (!look_posted_.exchange(true)) {
    job_.answer.home().post([self = shared_from_this()] { self->look(false); });
  }
}

void DelayedFetch::look(bool expired) {
  look_posted_.store(false);
  if (done_) {
    return;
  }
  const bool gone = !job_.answer.connection().is_open();
  if (!gone) {
    const auto replicas = services_.replicas.table();
    const auto metadata = services_.metadata.load();
    const FetchReader reader(services_.broker_id, *replicas, *metadata);
    FetchPass pass = reader.read(job_.context.items, job_.context.by_topic_id, job_.limits);
    const bool enough = pass.bytes >= static_cast<std::size_t>(std::max(job_.limits.min_bytes, 0));
    if (!expired && !enough && !pass.answer_now) {
      return;
    }
    answer_fetch(services_, job_, std::move(pass));
  }
  done_ = true;
  for (const auto& [partition, ticket] : tickets_) {
    partition->remove_waiter(ticket);
  }
  tickets_.clear();
  timer_.reset();
  listed_.reset();
}

}  // namespace barnabas::broker
