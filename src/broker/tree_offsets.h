// Committed offsets of clients so old that they speak version 0 of OffsetCommit and OffsetFetch.
// These live in the metadata tree, as decimal text, where Kafka keeps them, too:
//   /consumers/<group>/offsets/<topic>/<partition>
// How it fails: a path that is none, or a tree that does not answer: UNKNOWN_SERVER_ERROR.
// THREAD: any; callbacks run on the tree's home, never inside the call.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/zk/metadata_store.h"

namespace barnabas::broker {

class TreeOffsets {
 public:
  explicit TreeOffsets(zk::MetadataStore& store) : store_(store) {}

  void put(const std::string& group, const TopicPartition& partition, Offset offset,
           std::move_only_function<void(Status)> done);
  using Found = Result<std::optional<Offset>>;
  void get(const std::string& group, const TopicPartition& partition,
           std::move_only_function<void(Found)> done);

 private:
  zk::MetadataStore& store_;
};

}  // namespace barnabas::broker
