#include "delayed_fetch.h"

#include <chrono>
#include <string>

#include "barnabas/protocol/gen/fetch.h"

namespace barnabas::broker {
namespace {

using protocol::FetchResponse;

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

}  // namespace

void answer_fetch(Services& services, const FetchJob& job, FetchPass pass) {
  const FetchAnswerPlan plan = services.fetch_sessions.close(job.context, results_of(pass));
  FetchResponse response;
  response.error_code = static_cast<std::int16_t>(plan.error);
  response.session_id = plan.session_id;
  std::vector<net::FileRange> ranges;
  for (std::size_t i = 0; i < plan.include.size(); ++i) {
    if (!plan.include[i]) {
      continue;
    }
    const FetchItem& item = job.context.items[i];
    const FetchRead& read = pass.reads[i];
    const bool same_topic =
        !response.responses.empty() &&
        (job.context.by_topic_id ? response.responses.back().topic_id == item.topic_id
                                 : response.responses.back().topic == item.topic);
    if (!same_topic) {
      auto& topic = response.responses.emplace_back();
      topic.topic = read.topic;
      topic.topic_id = item.topic_id;
    }
    fill(response.responses.back().partitions.emplace_back(), item, read, ranges);
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

DelayedFetch::DelayedFetch(Services& services, FetchJob job)
    : services_(services), job_(std::move(job)) {}

void DelayedFetch::start() {
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
}

}  // namespace barnabas::broker
