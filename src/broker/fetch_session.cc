#include "fetch_session.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <tuple>

namespace barnabas::broker {
namespace {

constexpr std::chrono::milliseconds kEvictionAge{
    120'000};  // Kafka's MIN_INCREMENTAL_..._EVICTION_MS

struct PartitionKey {
  Uuid topic_id;
  std::string topic;  // empty where the id counts
  PartitionId partition;
  bool operator==(const PartitionKey&) const = default;
};

struct PartitionKeyHash {
  std::size_t operator()(const PartitionKey& key) const noexcept {
    return std::hash<Uuid>{}(key.topic_id) ^ std::hash<std::string>{}(key.topic) * 31U ^
           static_cast<std::size_t>(key.partition.value());
  }
};

PartitionKey key_of(const FetchItem& item, bool by_topic_id) {
  return {by_topic_id ? item.topic_id : Uuid{}, by_topic_id ? std::string{} : item.topic,
          item.partition};
}

std::int32_t epoch_after(std::int32_t epoch) {
  if (epoch < 0) {
    return kFinalFetchEpoch;
  }
  return epoch == INT32_MAX ? 1 : epoch + 1;
}

struct CachedPartition {
  FetchItem item;
  Offset high_watermark{-1};
  Offset log_start_offset{-1};

  // Whether the answer has to name this partition; remembers what it says.
  bool update(const FetchItemResult& result) {
    bool respond = result.records_size > 0;
    if (high_watermark != result.high_watermark) {
      respond = true;
      high_watermark = result.high_watermark;
    }
    if (log_start_offset != result.log_start_offset) {
      respond = true;
      log_start_offset = result.log_start_offset;
    }
    if (result.error != ErrorCode::kNone || result.diverging) {
      respond = true;
      high_watermark = Offset(-1);  // the next answer names it again, once it is well
    }
    return respond;
  }
};

}  // namespace

class FetchSession {
 public:
  FetchSession(std::int32_t id, bool privileged, bool by_topic_id, MonotonicTime now)
      : id(id), privileged(privileged), by_topic_id(by_topic_id), created(now), last_used(now) {}

  void put(const FetchItem& item) REQUIRES(mutex) {
    PartitionKey key = key_of(item, by_topic_id);
    const auto found = index.find(key);
    if (found != index.end()) {
      found->second->item = item;
      return;
    }
    order.push_back(CachedPartition{item});
    index.emplace(std::move(key), std::prev(order.end()));
  }

  void remove(const FetchItem& item) REQUIRES(mutex) {
    const auto found = index.find(key_of(item, by_topic_id));
    if (found != index.end()) {
      order.erase(found->second);
      index.erase(found);
    }
  }

  // Answered partitions go to the end, so that each gets its turn when an answer is full.
  bool respond(const FetchItem& item, const FetchItemResult& result) REQUIRES(mutex) {
    const auto found = index.find(key_of(item, by_topic_id));
    if (found == index.end()) {
      return false;
    }
    const bool must = found->second->update(result);
    if (must) {
      order.splice(order.end(), order, found->second);
    }
    return must;
  }

  [[nodiscard]] std::size_t size() EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    return order.size();
  }

  const std::int32_t id;
  const bool privileged;  // a follower's
  const bool by_topic_id;
  const MonotonicTime created;
  MonotonicTime last_used;      // guarded by the cache's mutex
  std::size_t cached_size = 0;  // guarded by the cache's mutex: its size when last used
  Mutex mutex;
  std::int32_t epoch GUARDED_BY(mutex) = epoch_after(kInitialFetchEpoch);
  std::list<CachedPartition> order GUARDED_BY(mutex);
  std::unordered_map<PartitionKey, std::list<CachedPartition>::iterator, PartitionKeyHash> index
      GUARDED_BY(mutex);
};

std::shared_ptr<FetchSession> FetchSessionCache::find(std::int32_t id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

FetchContext FetchSessionCache::open(FetchSessionRequest request) {
  FetchContext context;
  context.by_topic_id = request.by_topic_id;
  context.from_follower = request.from_follower;
  const MutexLock cache_lock(mutex_);
  const auto session = find(request.session_id);
  if (request.session_epoch == kInitialFetchEpoch || request.session_epoch == kFinalFetchEpoch) {
    if (session != nullptr) {
      sessions_.erase(request.session_id);
    }
    context.kind = request.session_epoch == kFinalFetchEpoch ? FetchContext::Kind::kSessionless
                                                             : FetchContext::Kind::kFull;
    context.items = std::move(request.items);
    return context;
  }
  context.kind = FetchContext::Kind::kError;
  if (session == nullptr) {
    context.error = ErrorCode::kFetchSessionIdNotFound;
    return context;
  }
  const MutexLock session_lock(session->mutex);
  if (session->by_topic_id != request.by_topic_id) {
    context.error = ErrorCode::kFetchSessionTopicIdError;
    return context;
  }
  if (session->epoch != request.session_epoch) {
    context.error = ErrorCode::kInvalidFetchSessionEpoch;
    return context;
  }
  for (const auto& item : request.items) {
    session->put(item);
  }
  for (const auto& item : request.forgotten) {
    session->remove(item);
  }
  if (session->order.empty()) {
    sessions_.erase(session->id);
    context.kind = FetchContext::Kind::kSessionless;
    context.items = std::move(request.items);
    return context;
  }
  session->last_used = clock_.monotonic();
  session->cached_size = session->order.size();
  session->epoch = epoch_after(session->epoch);
  context.kind = FetchContext::Kind::kIncremental;
  context.session = session;
  context.next_epoch = session->epoch;
  context.items.reserve(session->order.size());
  for (const auto& cached : session->order) {
    context.items.push_back(cached.item);
  }
  return context;
}

FetchAnswerPlan FetchSessionCache::close(const FetchContext& context,
                                         const std::vector<FetchItemResult>& results) {
  switch (context.kind) {
    case FetchContext::Kind::kError:
      return {context.error, kNoFetchSession, {}};
    case FetchContext::Kind::kFull:
      return close_full(context, results);
    case FetchContext::Kind::kIncremental:
      return close_incremental(context, results);
    case FetchContext::Kind::kSessionless:
      break;
  }
  return {ErrorCode::kNone, kNoFetchSession, std::vector<bool>(results.size(), true)};
}

FetchAnswerPlan FetchSessionCache::close_full(const FetchContext& context,
                                              const std::vector<FetchItemResult>& results) {
  FetchAnswerPlan plan{ErrorCode::kNone, kNoFetchSession, std::vector<bool>(results.size(), true)};
  const MonotonicTime now = clock_.monotonic();
  const MutexLock cache_lock(mutex_);
  if (!make_room(context.from_follower, context.items.size())) {
    return plan;
  }
  std::int32_t id = kNoFetchSession;
  do {
    id = static_cast<std::int32_t>(random_.below(INT32_MAX - 1)) + 1;
  } while (sessions_.contains(id));
  auto session =
      std::make_shared<FetchSession>(id, context.from_follower, context.by_topic_id, now);
  session->cached_size = context.items.size();
  {
    const MutexLock session_lock(session->mutex);
    for (std::size_t i = 0; i < context.items.size(); ++i) {
      session->put(context.items[i]);
      session->order.back().high_watermark = results[i].high_watermark;
      session->order.back().log_start_offset = results[i].log_start_offset;
    }
  }
  sessions_.emplace(id, std::move(session));
  plan.session_id = id;
  return plan;
}

FetchAnswerPlan FetchSessionCache::close_incremental(const FetchContext& context,
                                                     const std::vector<FetchItemResult>& results) {
  FetchSession& session = *context.session;
  const MutexLock session_lock(session.mutex);
  if (session.epoch != context.next_epoch) {
    return {ErrorCode::kInvalidFetchSessionEpoch, session.id, {}};
  }
  FetchAnswerPlan plan{ErrorCode::kNone, session.id, std::vector<bool>(results.size(), false)};
  for (std::size_t i = 0; i < results.size(); ++i) {
    plan.include[i] = session.respond(context.items[i], results[i]);
  }
  return plan;
}

// A full cache gives up its oldest session when that has not been used for two minutes, else the
// smallest one that is smaller than the newcomer, if it was two minutes old when it was last used,
// or is a consumer's where a follower comes.
bool FetchSessionCache::make_room(bool privileged, std::size_t size) {
  if (max_sessions_ == 0) {
    return false;
  }
  if (sessions_.size() < max_sessions_) {
    return true;
  }
  const MonotonicTime now = clock_.monotonic();
  const auto oldest = std::ranges::min_element(sessions_, {}, [](const auto& entry) {
    return std::pair(entry.second->last_used, entry.first);
  });
  if (now - oldest->second->last_used > kEvictionAge) {
    sessions_.erase(oldest);
    return true;
  }
  using Key = std::tuple<bool, std::size_t, std::int32_t>;
  std::optional<Key> smallest;
  for (const auto& [id, session] : sessions_) {
    const bool old_enough = session->last_used - session->created > kEvictionAge;
    if (old_enough || (privileged && !session->privileged)) {
      const Key key{session->privileged, session->cached_size, id};
      smallest = smallest ? std::min(*smallest, key) : key;
    }
  }
  if (!smallest || Key{privileged, size, 0} < *smallest) {
    return false;
  }
  sessions_.erase(std::get<2>(*smallest));
  return true;
}

std::size_t FetchSessionCache::session_count() const {
  const MutexLock lock(mutex_);
  return sessions_.size();
}

}  // namespace barnabas::broker
