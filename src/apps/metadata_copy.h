// Carries a metadata tree from one keeper to another: an embedded tree's folder, a ZooKeeper
// (host:port/chroot), or a file in between.
//
// The file is text: a first line {"barnabas.metadata":1}, then one JSON object a node, parents
// first:
//   {"path":"/brokers/topics/t","data":"..."}       data null: ZooKeeper's null
// Left out is what belongs to living brokers and sessions: ephemeral nodes, and notifications that
// only say that something has changed. The count of writes of /brokers/seqid, from which broker ids
// are generated, is carried as "writes".
//
// Writing compares first: a target that holds anything else under one of the paths is refused
// before a single node is written, so is one with registered brokers. The same import again is no
// error, and finishes one that was broken off. THREAD: the main thread; waits
#pragma once

#include <string>
#include <vector>

#include "barnabas/base/result.h"
#include "barnabas/zk/metadata_store.h"

namespace barnabas::apps {

struct CarriedNode {
  std::string path;
  zk::NodeData data;
  std::int32_t writes = 0;  // further writes of the same data
  bool operator==(const CarriedNode&) const = default;
};

[[nodiscard]] bool is_carried(const std::string& path, const zk::Stat& stat);
[[nodiscard]] std::string encode_nodes(const std::vector<CarriedNode>& nodes);
[[nodiscard]] Result<std::vector<CarriedNode>> decode_nodes(const std::string& text);

// `place`: a folder, or host:port/chroot.
[[nodiscard]] Result<std::vector<CarriedNode>> read_tree(const std::string& place);
[[nodiscard]] Status write_tree(const std::string& place, const std::vector<CarriedNode>& nodes);

}  // namespace barnabas::apps
