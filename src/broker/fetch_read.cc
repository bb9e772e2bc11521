#include "fetch_read.h"

#include <algorithm>

namespace barnabas::broker {
namespace {

// How far behind the end of the log a range counts as surely in the page cache.
constexpr std::int64_t kHotTailBytes = 16 << 20;

bool is_hot(const storage::LogSlice& slice, const storage::LogView& view) {
  const auto end = view.end_metadata();
  return slice.start.segment_base_offset == end.segment_base_offset &&
         end.position - static_cast<std::int64_t>(slice.position) <= kHotTailBytes;
}

// Where the reader's last epoch says that its history left this log (Fetch 12 and later).
std::optional<storage::EpochEndOffset> divergence(const FetchItem& item, const storage::Log& log,
                                                  ErrorCode& error) {
  if (item.last_fetched_epoch == kNoLeaderEpoch) {
    return std::nullopt;
  }
  const auto end = log.end_offset_for_epoch(item.last_fetched_epoch);
  if (end.end_offset == kNoOffset || end.epoch == kNoLeaderEpoch) {
    error = ErrorCode::kOffsetOutOfRange;
    return std::nullopt;
  }
  if (end.epoch < item.last_fetched_epoch || end.end_offset < item.fetch_offset) {
    return end;
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<replication::Partition> FetchReader::find(const FetchItem& item, bool by_topic_id,
                                                          std::string& topic,
                                                          ErrorCode& error) const {
  if (by_topic_id) {
    const auto* const known = metadata_.topic(item.topic_id);
    if (known == nullptr) {
      // A session that knew the topic by name knows that it is gone.
      error = item.topic.empty() ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition;
      topic = item.topic;
      return nullptr;
    }
    topic = known->name;
  } else {
    topic = item.topic;
  }
  auto partition = replicas_.share(topic, item.partition);
  if (partition == nullptr) {
    error = metadata_.partition(topic, item.partition) != nullptr
                ? ErrorCode::kNotLeaderOrFollower
                : ErrorCode::kUnknownTopicOrPartition;
  } else if (by_topic_id && partition->topic_id() != item.topic_id) {
    error = ErrorCode::kInconsistentTopicId;
    return nullptr;
  }
  return partition;
}

void FetchReader::read_one(const FetchItem& item, const replication::Partition& partition,
                           const FetchLimits& limits, std::size_t max_bytes, bool at_least_one,
                           FetchRead& read) const {
  const replication::PartitionView view = partition.view();
  read.error = replication::Partition::check_leader(view, local_, item.current_leader_epoch);
  if (read.error == ErrorCode::kNone && limits.from_follower &&
      !partition.has_follower(limits.replica)) {
    read.error = ErrorCode::kNotLeaderOrFollower;
  }
  if (read.error != ErrorCode::kNone) {
    return;
  }
  read.diverging = divergence(item, *view.log, read.error);
  if (read.error != ErrorCode::kNone) {
    return;
  }
  Offset bound = view.high_watermark;
  if (limits.from_follower) {
    bound = view.log_view.end_offset();
  } else if (limits.read_committed) {
    bound = view.last_stable;
  }
  if (!read.diverging) {
    auto slice = view.log->read(view.log_view, item.fetch_offset, max_bytes, bound, at_least_one);
    if (!slice) {
      read.error = slice.error().code;
      return;
    }
    read.slice = std::move(*slice);
    if (read.slice.first_batch_incomplete && limits.first_batch_whole) {
      // A part of a batch is of no use to anybody; up to Fetch 2 it counts all the same.
      read.slice.length = 0;
      read.slice.file.reset();
    }
    read.hot = is_hot(read.slice, view.log_view);
  }
  if (limits.read_committed) {
    read.aborted.emplace();
    if (read.slice.length > 0) {
      if (auto aborted = view.log->aborted_transactions(view.log_view, read.slice)) {
        read.aborted = std::move(*aborted);
      } else {
        // Without the list a reader would take for committed what was aborted.
        read.slice = {};
        read.error = aborted.error().code;
        return;
      }
    }
  }
  read.high_watermark = view.high_watermark;
  read.last_stable = view.last_stable;
  read.log_start = view.log_view.start_offset();
}

FetchPass FetchReader::read(const std::vector<FetchItem>& items, bool by_topic_id,
                            const FetchLimits& limits) const {
  FetchPass pass;
  pass.reads.resize(items.size());
  std::int64_t left = limits.max_bytes;
  bool at_least_one = limits.first_batch_whole;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const FetchItem& item = items[i];
    FetchRead& read = pass.reads[i];
    const auto partition = find(item, by_topic_id, read.topic, read.error);
    if (partition == nullptr) {
      read.aborted.emplace();  // an empty list where nothing was read, as Kafka has it
    } else {
      const std::int64_t wanted = std::min<std::int64_t>(item.max_bytes, left);
      if (wanted < 0) {
        read.error = ErrorCode::kUnknownServerError;  // Kafka's answer to a size that cannot be
      } else {
        read_one(item, *partition, limits, static_cast<std::size_t>(wanted), at_least_one, read);
      }
    }
    const std::size_t length = read.slice.length;
    if (length > 0) {
      at_least_one = false;
    }
    left = std::max<std::int64_t>(0, left - static_cast<std::int64_t>(length));
    pass.bytes += length;
    pass.answer_now |= read.error != ErrorCode::kNone || read.diverging.has_value();
  }
  return pass;
}

}  // namespace barnabas::broker
