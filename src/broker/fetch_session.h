// Incremental fetch sessions (KIP-227): the broker remembers which partitions a consumer reads, so
// that a request and its answer name only what has changed. Rules and eviction are those of Kafka
// 3.9.1's FetchSession.
//
// A fetch opens a FetchContext, reads its items, and closes the context with one result per item,
// which says which of them go into the answer. Sessions are shared by all threads of the broker:
// one mutex each, held while a context is opened or closed and never across a read.
// THREAD: any
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/error_code.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/random.h"
#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/uuid.h"

namespace barnabas::broker {

inline constexpr std::int32_t kNoFetchSession = 0;
inline constexpr std::int32_t kInitialFetchEpoch = 0;  // asks for a new session
inline constexpr std::int32_t kFinalFetchEpoch = -1;   // no session, or the end of one

// One partition of a fetch. Topics go by id where the session does (Fetch 13 and later; the name is
// then the one it had when the partition was added, empty if it was not known), by name otherwise.
struct FetchItem {
  std::string topic;
  Uuid topic_id;
  PartitionId partition{0};
  LeaderEpoch current_leader_epoch{-1};
  Offset fetch_offset{0};
  LeaderEpoch last_fetched_epoch{-1};
  std::int32_t max_bytes = 0;
};

// What an answer says of one partition, as far as the session has to remember it.
struct FetchItemResult {
  ErrorCode error = ErrorCode::kNone;
  Offset high_watermark{-1};
  Offset log_start_offset{-1};
  std::size_t records_size = 0;
  bool diverging = false;
};

class FetchSession;

struct FetchContext {
  enum class Kind : std::uint8_t { kSessionless, kFull, kIncremental, kError };
  Kind kind = Kind::kSessionless;
  ErrorCode error = ErrorCode::kNone;  // kError
  bool by_topic_id = false;
  bool from_follower = false;
  std::shared_ptr<FetchSession> session;  // kIncremental
  std::int32_t next_epoch = 0;            // kIncremental: the epoch the session is at until closed
  std::vector<FetchItem> items;           // in the order of reading
};

struct FetchSessionRequest {
  std::int32_t session_id = kNoFetchSession;
  std::int32_t session_epoch = kFinalFetchEpoch;
  bool by_topic_id = false;
  bool from_follower = false;
  std::vector<FetchItem> items;
  std::vector<FetchItem> forgotten;  // only topic and partition count
};

struct FetchAnswerPlan {
  ErrorCode error = ErrorCode::kNone;
  std::int32_t session_id = kNoFetchSession;
  std::vector<bool> include;  // one for each item of the context
};

class FetchSessionCache {
 public:
  FetchSessionCache(std::size_t max_sessions, const Clock& clock, Random& random)
      : max_sessions_(max_sessions), clock_(clock), random_(random) {}

  [[nodiscard]] FetchContext open(FetchSessionRequest request);
  // `results` stand in the order of context.items.
  [[nodiscard]] FetchAnswerPlan close(const FetchContext& context,
                                      const std::vector<FetchItemResult>& results);
  [[nodiscard]] std::size_t session_count() const;

 private:
  std::shared_ptr<FetchSession> find(std::int32_t id) REQUIRES(mutex_);
  bool make_room(bool privileged, std::size_t size) REQUIRES(mutex_);
  FetchAnswerPlan close_full(const FetchContext& context,
                             const std::vector<FetchItemResult>& results);
  FetchAnswerPlan close_incremental(const FetchContext& context,
                                    const std::vector<FetchItemResult>& results);

  const std::size_t max_sessions_;
  const Clock& clock_;
  mutable Mutex mutex_;
  Random& random_ GUARDED_BY(mutex_);
  std::unordered_map<std::int32_t, std::shared_ptr<FetchSession>> sessions_ GUARDED_BY(mutex_);
};

}  // namespace barnabas::broker
