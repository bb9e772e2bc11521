#include "zookeeper_client.h"

#include <fmt/format.h>
#include <zookeeper/zookeeper.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "barnabas/base/logging.h"

namespace barnabas::zk {
namespace {

// Digits of a sequence number and a terminating zero.
constexpr std::size_t kSequenceRoom = 16;

Stat to_stat(const ::Stat& from) {
  Stat stat;
  stat.czxid = Zxid{from.czxid};
  stat.mzxid = Zxid{from.mzxid};
  stat.pzxid = Zxid{from.pzxid};
  stat.ctime_ms = from.ctime;
  stat.mtime_ms = from.mtime;
  stat.version = NodeVersion{from.version};
  stat.cversion = from.cversion;
  stat.ephemeral_owner = SessionId{from.ephemeralOwner};
  stat.data_length = from.dataLength;
  stat.num_children = from.numChildren;
  return stat;
}

std::optional<StoreErrorCode> to_code(int rc) {
  switch (rc) {
    case ZOK:
      return std::nullopt;
    case ZNONODE:
      return StoreErrorCode::kNoNode;
    case ZNODEEXISTS:
      return StoreErrorCode::kNodeExists;
    case ZBADVERSION:
      return StoreErrorCode::kBadVersion;
    case ZNOTEMPTY:
      return StoreErrorCode::kNotEmpty;
    case ZNOCHILDRENFOREPHEMERALS:
      return StoreErrorCode::kNoChildrenForEphemerals;
    case ZBADARGUMENTS:
      return StoreErrorCode::kBadArguments;
    case ZRUNTIMEINCONSISTENCY:
      return StoreErrorCode::kRolledBack;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZSESSIONMOVED:
      return StoreErrorCode::kConnectionLoss;
    case ZSESSIONEXPIRED:
    case ZINVALIDSTATE:
      return StoreErrorCode::kSessionExpired;
    case ZNOAUTH:
    case ZAUTHFAILED:
    case ZINVALIDACL:
      return StoreErrorCode::kNoAuth;
    case ZCLOSING:
      return StoreErrorCode::kClosed;
    default:
      return StoreErrorCode::kFailed;
  }
}

NodeData to_data(const char* bytes, int length) {
  if (bytes == nullptr || length < 0) {
    return std::nullopt;
  }
  return std::string(bytes, static_cast<std::size_t>(length));
}

const char* bytes_of(const NodeData& data) {
  return data ? data->data() : nullptr;
}
int length_of(const NodeData& data) {
  return data ? static_cast<int>(data->size()) : -1;
}

int create_flags(CreateMode mode) {
  switch (mode) {
    case CreateMode::kPersistent:
      return ZOO_PERSISTENT;
    case CreateMode::kEphemeral:
      return ZOO_EPHEMERAL;
    case CreateMode::kPersistentSequential:
      return ZOO_PERSISTENT_SEQUENTIAL;
    case CreateMode::kEphemeralSequential:
      return ZOO_EPHEMERAL_SEQUENTIAL;
  }
  return ZOO_PERSISTENT;
}

void to_our_log(const char* message) {
  static logging::Logger& log = logging::logger("zookeeper");
  log.debug("{}", message);
}

class Client final : public ZooKeeperClient {
 public:
  Client(Executor& home, std::weak_ptr<ClientListener> listener, std::uint64_t generation)
      : home_(home), listener_(std::move(listener)), generation_(generation) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() override {
    if (handle_ != nullptr) {
      zookeeper_close(handle_);
    }
  }

  Status open(const ZooKeeperOptions& options, const std::optional<SessionCredentials>& session) {
    static std::once_flag once;
    std::call_once(once, [] { zoo_set_debug_level(ZOO_LOG_LEVEL_WARN); });
    clientid_t id{};
    if (session) {
      id.client_id = session->id.value();
      std::ranges::copy(session->password, static_cast<char*>(id.passwd));
    }
    const std::string where = options.connect.hosts + options.connect.chroot;
    handle_ = zookeeper_init2(where.c_str(), &Client::link_event,
                              static_cast<int>(options.session_timeout.count()),
                              session ? &id : nullptr, this, 0, &to_our_log);
    if (handle_ == nullptr) {
      const int error = errno;
      return fail(ErrorCode::kBrokerNotAvailable,
                  fmt::format("{}: {}", options.connect.hosts, std::strerror(error)), error);
    }
    return {};
  }

  Refusal get(const std::string& path, std::uint64_t watch, std::uint64_t token) override {
    auto ticket = std::make_unique<Ticket>(*this, token);
    const int rc = zoo_awget(handle_, path.c_str(), watch == 0 ? nullptr : &Client::node_event,
                             watch_context(watch), &Client::data_done, ticket.get());
    return sent(rc, std::move(ticket));
  }

  Refusal exists(const std::string& path, std::uint64_t watch, std::uint64_t token) override {
    auto ticket = std::make_unique<Ticket>(*this, token);
    const int rc = zoo_awexists(handle_, path.c_str(), watch == 0 ? nullptr : &Client::node_event,
                                watch_context(watch), &Client::stat_done, ticket.get());
    return sent(rc, std::move(ticket));
  }

  Refusal children(const std::string& path, std::uint64_t watch, std::uint64_t token) override {
    auto ticket = std::make_unique<Ticket>(*this, token);
    const int rc =
        zoo_awget_children2(handle_, path.c_str(), watch == 0 ? nullptr : &Client::node_event,
                            watch_context(watch), &Client::children_done, ticket.get());
    return sent(rc, std::move(ticket));
  }

  Refusal multi(const std::vector<WriteOp>& ops, std::uint64_t token) override {
    auto ticket = std::make_unique<Ticket>(*this, token);
    // The library keeps pointers into these until the answer has come.
    ticket->results.resize(ops.size());
    ticket->stats.resize(ops.size());
    ticket->paths.resize(ops.size());
    std::vector<zoo_op_t> asked(ops.size());
    for (std::size_t i = 0; i < ops.size(); ++i) {
      prepare(ops[i], asked[i], ticket->paths[i], ticket->stats[i]);
    }
    const int rc = zoo_amulti(handle_, static_cast<int>(ops.size()), asked.data(),
                              ticket->results.data(), &Client::multi_done, ticket.get());
    return sent(rc, std::move(ticket));
  }

 private:
  // One request under way; owned by the library between the call and the answer.
  struct Ticket {
    Ticket(Client& of, std::uint64_t number) : client(of), token(number) {}
    Client& client;
    std::uint64_t token;
    std::vector<zoo_op_result_t> results;
    std::vector<::Stat> stats;
    std::vector<std::string> paths;
  };

  static Refusal sent(int rc, std::unique_ptr<Ticket> ticket) {
    if (rc == ZOK) {
      static_cast<void>(ticket.release());
    }
    return to_code(rc);
  }

  static void* watch_context(std::uint64_t watch) {
    // The C client carries a pointer for us that it never follows: here the number of a watch.
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(watch));
  }

  static void prepare(const WriteOp& op, zoo_op_t& asked, std::string& path, ::Stat& stat) {
    if (const auto* create = std::get_if<CreateOp>(&op)) {
      path.resize(create->path.size() + kSequenceRoom);
      zoo_create_op_init(&asked, create->path.c_str(), bytes_of(create->data),
                         length_of(create->data), &ZOO_OPEN_ACL_UNSAFE, create_flags(create->mode),
                         path.data(), static_cast<int>(path.size()));
    } else if (const auto* set = std::get_if<SetOp>(&op)) {
      zoo_set_op_init(&asked, set->path.c_str(), bytes_of(set->data), length_of(set->data),
                      set->version.value(), &stat);
    } else if (const auto* remove = std::get_if<DeleteOp>(&op)) {
      zoo_delete_op_init(&asked, remove->path.c_str(), remove->version.value());
    } else if (const auto* check = std::get_if<CheckOp>(&op)) {
      zoo_check_op_init(&asked, check->path.c_str(), check->version.value());
    }
  }

  // ---- On the library's threads -------------------------------------------------------------
  template <typename Tell>
  void post(Tell tell) {
    home_.post([listener = listener_, tell = std::move(tell)]() mutable {
      if (const auto living = listener.lock()) {
        tell(*living);
      }
    });
  }

  static void link_event(zhandle_t* handle, int type, int state, const char*, void*) {
    if (type != ZOO_SESSION_EVENT) {
      return;
    }
    auto* const self = static_cast<Client*>(const_cast<void*>(zoo_get_context(handle)));
    LinkState link = LinkState::kConnecting;
    SessionCredentials session;
    std::string server;
    if (state == ZOO_CONNECTED_STATE) {
      link = LinkState::kConnected;
      const clientid_t* const id = zoo_client_id(handle);
      session.id = SessionId{id->client_id};
      std::ranges::copy(id->passwd, session.password.begin());
      if (const char* const name = zoo_get_current_server(handle)) {
        server = name;
      }
    } else if (state == ZOO_EXPIRED_SESSION_STATE) {
      link = LinkState::kExpired;
    } else if (state == ZOO_AUTH_FAILED_STATE) {
      link = LinkState::kAuthFailed;
    }
    self->post([generation = self->generation_, link, session,
                server = std::move(server)](ClientListener& listener) mutable {
      listener.on_link(generation, link, session, std::move(server));
    });
  }

  static void node_event(zhandle_t* handle, int type, int, const char* path, void* context) {
    WatchEvent event;
    if (type == ZOO_CREATED_EVENT) {
      event.type = EventType::kCreated;
    } else if (type == ZOO_DELETED_EVENT) {
      event.type = EventType::kDeleted;
    } else if (type == ZOO_CHANGED_EVENT) {
      event.type = EventType::kDataChanged;
    } else if (type == ZOO_CHILD_EVENT) {
      event.type = EventType::kChildrenChanged;
    } else {
      return;  // the session's own fate comes by link_event
    }
    event.path = path;
    auto* const self = static_cast<Client*>(const_cast<void*>(zoo_get_context(handle)));
    self->post([generation = self->generation_, watch = reinterpret_cast<std::uintptr_t>(context),
                event = std::move(event)](ClientListener& listener) mutable {
      listener.on_watch(generation, watch, std::move(event));
    });
  }

  static std::unique_ptr<Ticket> take(const void* data) {
    return std::unique_ptr<Ticket>(static_cast<Ticket*>(const_cast<void*>(data)));
  }

  static void reply(const Ticket& ticket, ClientReply answer, int rc) {
    answer.code = to_code(rc);
    if (answer.code == StoreErrorCode::kFailed) {
      answer.message = zerror(rc);
    }
    Client& client = ticket.client;
    client.post([generation = client.generation_, token = ticket.token,
                 answer = std::move(answer)](ClientListener& listener) mutable {
      listener.on_reply(generation, token, std::move(answer));
    });
  }

  static void data_done(int rc, const char* value, int length, const ::Stat* stat,
                        const void* data) {
    ClientReply answer;
    if (rc == ZOK) {
      answer.data = to_data(value, length);
      answer.stat = to_stat(*stat);
    }
    reply(*take(data), std::move(answer), rc);
  }

  static void stat_done(int rc, const ::Stat* stat, const void* data) {
    ClientReply answer;
    if (rc == ZOK) {
      answer.stat = to_stat(*stat);
    }
    reply(*take(data), std::move(answer), rc);
  }

  static void children_done(int rc, const String_vector* names, const ::Stat* stat,
                            const void* data) {
    ClientReply answer;
    if (rc == ZOK) {
      for (std::int32_t i = 0; i < names->count; ++i) {
        answer.names.emplace_back(names->data[i]);
      }
      std::ranges::sort(answer.names);
      answer.stat = to_stat(*stat);
    }
    reply(*take(data), std::move(answer), rc);
  }

  static void multi_done(int rc, const void* data) {
    const auto ticket = take(data);
    ClientReply answer;
    for (std::size_t i = 0; i < ticket->results.size(); ++i) {
      ClientReply::Outcome outcome;
      outcome.code = to_code(ticket->results[i].err);
      outcome.path = ticket->paths[i].c_str();
      outcome.stat = to_stat(ticket->stats[i]);
      answer.outcomes.push_back(std::move(outcome));
    }
    reply(*ticket, std::move(answer), rc);
  }

  Executor& home_;
  const std::weak_ptr<ClientListener> listener_;
  const std::uint64_t generation_;
  zhandle_t* handle_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<ZooKeeperClient>> ZooKeeperClient::open(
    const ZooKeeperOptions& options, const std::optional<SessionCredentials>& session,
    Executor& home, std::weak_ptr<ClientListener> listener, std::uint64_t generation) {
  auto client = std::make_unique<Client>(home, std::move(listener), generation);
  TRY_STATUS(client->open(options, session));
  return client;
}

}  // namespace barnabas::zk
