// The metadata tree as a store of znodes: ZooKeeper's model and nothing beyond it, so that the
// embedded tree and a ZooKeeper session stand behind one interface.
//
// Life cycle: made connected (embedded) or connecting (ZooKeeper); close() ends the session and
// with it the session's ephemeral nodes. After kExpired only renew_session() and close() do
// anything but fail.
// Order: requests of one session are carried out, and their callbacks run, in the order of calling.
// A watch that a change fires is delivered before the answer of any request that sees the change.
// Callbacks never run inside the call that names them, and a write's callback runs after the write
// is durable. Threads: everything is called at home, every callback runs at home.
// Failure: StoreError; the session's own fate goes to the session listeners.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "barnabas/base/executor.h"
#include "barnabas/base/result.h"
#include "barnabas/base/strong.h"

namespace barnabas::zk {

using Zxid = Strong<struct ZxidTag, std::int64_t>;            // id of a write; rises by every write
using SessionId = Strong<struct SessionIdTag, std::int64_t>;  // 0: none
using NodeVersion = Strong<struct NodeVersionTag, std::int32_t>;  // writes to a node's data

inline constexpr NodeVersion kAnyVersion{-1};
inline constexpr SessionId kNoSession{0};

// What a node holds. Absent is ZooKeeper's null, which is not the empty string.
using NodeData = std::optional<std::string>;

enum class StoreErrorCode : std::uint8_t {
  kNoNode,
  kNodeExists,
  kBadVersion,
  kNotEmpty,
  kNoChildrenForEphemerals,
  kBadArguments,    // a path that is none, data above the limit
  kRolledBack,      // an operation of a multi of which another one failed
  kConnectionLoss,  // whether it happened is not known; ask again when connected
  kSessionExpired,  // it did not and will not happen
  kNoAuth,
  kClosed,
  kFailed,  // the store itself is broken: see the session listener
};

// NO_NODE and so on, as ZooKeeper names them.
[[nodiscard]] std::string_view store_error_name(StoreErrorCode code);

struct StoreError {
  StoreErrorCode code = StoreErrorCode::kFailed;
  std::string path;           // of the operation that failed
  std::size_t operation = 0;  // its place in a multi
  std::string message;        // for people, where there is more to say
};

[[nodiscard]] std::string to_string(const StoreError& error);
// The same as a general error: a request that needed the store was not carried out.
[[nodiscard]] Error to_error(const StoreError& error);

template <typename T>
using StoreResult = std::expected<T, StoreError>;

struct Stat {
  Zxid czxid;  // the write that created the node
  Zxid mzxid;  // the last write of its data
  Zxid pzxid;  // the last change of its children
  std::int64_t ctime_ms = 0;
  std::int64_t mtime_ms = 0;
  NodeVersion version;        // data version, 0 at creation
  std::int32_t cversion = 0;  // changes of the list of children
  SessionId ephemeral_owner;  // kNoSession: persistent
  std::int32_t data_length = 0;
  std::int32_t num_children = 0;
  bool operator==(const Stat&) const = default;
};

struct Node {
  NodeData data;
  Stat stat;
};

struct Children {
  std::vector<std::string> names;  // without the path, sorted
  Stat stat;                       // of the parent
};

enum class CreateMode : std::uint8_t {
  kPersistent,
  kEphemeral,
  kPersistentSequential,  // the path is a prefix; ten digits of the parent's counter follow
  kEphemeralSequential,
};

struct CreateOp {
  std::string path;
  NodeData data;
  CreateMode mode = CreateMode::kPersistent;
};
struct SetOp {
  std::string path;
  NodeData data;
  NodeVersion version = kAnyVersion;
};
struct DeleteOp {
  std::string path;
  NodeVersion version = kAnyVersion;
};
struct CheckOp {
  std::string path;
  NodeVersion version = kAnyVersion;
};
using WriteOp = std::variant<CreateOp, SetOp, DeleteOp, CheckOp>;

[[nodiscard]] const std::string& path_of(const WriteOp& op);

struct WriteResult {
  std::string path;  // of a create: the path made, sequence number and all
  Stat stat;         // of a create or set: the node after it
};

enum class EventType : std::uint8_t { kCreated, kDeleted, kDataChanged, kChildrenChanged };

struct WatchEvent {
  EventType type = EventType::kDataChanged;
  std::string path;
};

// Called once at most; dropped without a call when the session expires or is closed.
using Watcher = std::move_only_function<void(const WatchEvent&)>;

enum class SessionState : std::uint8_t {
  kConnected,
  kDisconnected,  // requests fail with kConnectionLoss or wait; the session may live on
  kExpired,       // its ephemeral nodes are gone or about to go; watches are dropped
  kFailed,        // the store cannot go on (journal not writable, authentication refused)
  kClosed,
};

template <typename T>
using Callback = std::move_only_function<void(StoreResult<T>)>;
using SessionListener = std::function<void(SessionState)>;

// THREAD: home
class MetadataStore {
 public:
  virtual ~MetadataStore() = default;
  [[nodiscard]] virtual Executor& home() = 0;

  // Reads. `watcher` may be empty. A data watch fires on a change of the data or the deletion;
  // on a path that does not exist only exists() leaves one, and it fires on the creation.
  virtual void get(std::string path, Watcher watcher, Callback<Node> done) = 0;
  virtual void exists(std::string path, Watcher watcher, Callback<std::optional<Stat>> done) = 0;
  // Fires when a child comes or goes, or the node itself goes.
  virtual void children(std::string path, Watcher watcher, Callback<Children> done) = 0;

  // Writes. All of it or nothing; results in the order of the operations.
  virtual void multi(std::vector<WriteOp> ops, Callback<std::vector<WriteResult>> done) = 0;
  void create(CreateOp op, Callback<WriteResult> done);
  void set(SetOp op, Callback<WriteResult> done);
  void remove(DeleteOp op, Callback<WriteResult> done);

  // The session.
  [[nodiscard]] virtual SessionId session_id() const = 0;
  [[nodiscard]] virtual SessionState session_state() const = 0;
  // Every listener hears every change of state, in the order of registration.
  virtual void add_session_listener(SessionListener listener) = 0;
  // A new session after kExpired.
  virtual void renew_session(Callback<SessionId> done) = 0;
  // Ends the session: its ephemeral nodes are deleted before `done` runs. What was asked earlier
  // is answered first; what is asked later fails with kClosed.
  virtual void close(Callback<SessionId> done) = 0;
};

}  // namespace barnabas::zk
