// Reading for fetch requests: one pass over the items of a fetch context, with Kafka's rules for
// sizes, leaders and isolation. Nothing is copied: what is read are file ranges.
// THREAD: any
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/metadata/cluster_snapshot.h"
#include "barnabas/replication/replica_manager.h"
#include "barnabas/storage/log.h"
#include "fetch_session.h"

namespace barnabas::broker {

struct FetchLimits {
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = 0;  // of the whole answer
  bool read_committed = false;
  bool from_follower = false;     // reads to the end of the log
  BrokerId replica = kNoBroker;   // which follower
  bool first_batch_whole = true;  // an oversized first batch is sent all the same
};

// What was read for one item.
struct FetchRead {
  std::string topic;  // by name also where the request went by id; empty when not known
  ErrorCode error = ErrorCode::kNone;
  Offset high_watermark{-1};
  Offset last_stable{-1};
  Offset log_start{-1};
  std::optional<storage::EpochEndOffset> diverging;  // where the reader's history ends (KIP-595)
  std::optional<std::vector<storage::AbortedTransaction>> aborted;  // read_committed only
  storage::LogSlice slice;
  bool hot = true;  // near the end of the log, so in the page cache
};

struct FetchPass {
  std::vector<FetchRead> reads;  // one for each item
  std::size_t bytes = 0;
  bool answer_now = false;  // an error or a diverging epoch: waiting would gain nothing
};

class FetchReader {
 public:
  FetchReader(BrokerId local, const replication::ReplicaTable& replicas,
              const metadata::ClusterSnapshot& metadata)
      : local_(local), replicas_(replicas), metadata_(metadata) {}

  [[nodiscard]] FetchPass read(const std::vector<FetchItem>& items, bool by_topic_id,
                               const FetchLimits& limits) const;
  // The partition of an item, and its topic's name; null with the error set.
  [[nodiscard]] std::shared_ptr<replication::Partition> find(const FetchItem& item,
                                                             bool by_topic_id, std::string& topic,
                                                             ErrorCode& error) const;

 private:
  void read_one(const FetchItem& item, const replication::Partition& partition,
                const FetchLimits& limits, std::size_t max_bytes, bool at_least_one,
                FetchRead& read) const;

  const BrokerId local_;
  const replication::ReplicaTable& replicas_;
  const metadata::ClusterSnapshot& metadata_;
};

}  // namespace barnabas::broker
