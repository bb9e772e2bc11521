// What a broker must remember to prove, after a crash, that the registration which still stands in
// ZooKeeper is its own: the session's id and password, and whose they are.
//
// The file "barnabas.zookeeper-session" lies in every log dir (a plain file there is nothing to
// Kafka; one that survives is enough), one "name=value" a line, mode 0600: who can read it can end
// the broker's session.
//   version=1
//   cluster.id=<22 characters>
//   broker.id=<number>
//   session.id=0x<hex>
//   session.password=<32 hex digits>
// Crash argument: written to a temporary file, synced and renamed before the session owns anything,
// and after whatever an earlier session of this broker owned has gone. So at each moment the file
// names the session of every registration of this broker that may stand.
// THREAD: disk
#pragma once

#include <string>
#include <vector>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"
#include "barnabas/zk/zookeeper_store.h"

namespace barnabas::zk {

struct SessionRecord {
  std::string cluster_id;
  BrokerId broker{-1};
  SessionCredentials session;
  bool operator==(const SessionRecord&) const = default;
};

[[nodiscard]] std::string session_file_path(const std::string& log_dir);
// Fails when no dir takes it, with the first dir's error.
[[nodiscard]] Status write_session_files(Vfs& vfs, const std::vector<std::string>& log_dirs,
                                         const SessionRecord& record);
// Empty when there is none that can be read: then no session is known to be ours.
[[nodiscard]] std::vector<SessionRecord> read_session_files(
    const Vfs& vfs, const std::vector<std::string>& log_dirs);

}  // namespace barnabas::zk
