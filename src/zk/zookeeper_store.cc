#include "barnabas/zk/zookeeper_store.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"
#include "data_tree.h"
#include "zookeeper_client.h"
#include "zookeeper_requests.h"

namespace barnabas::zk {
namespace {

// Between two attempts to open a handle, when not even that succeeds (a name does not resolve).
constexpr std::chrono::seconds kReopenAfter{1};

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("zk");
  return logger;
}

template <typename T>
StoreResult<T> failed(StoreErrorCode code, std::string message = {}) {
  return std::unexpected(StoreError{code, {}, 0, std::move(message)});
}

class Store final : public ZooKeeperStore,
                    public ClientListener,
                    public std::enable_shared_from_this<Store> {
 public:
  Store(ZooKeeperOptions options, Executor& home, Executor& disk)
      : options_(std::move(options)), home_(home), disk_(disk) {}

  [[nodiscard]] Executor& home() override { return home_; }

  void get(std::string path, Watcher watcher, Callback<Node> done) override {
    home_.assert_here();
    submit(read(Request::Kind::kGet, std::move(path), std::move(watcher)),
           [done = std::move(done)](StoreResult<ClientReply> reply) mutable {
             if (!reply) {
               return done(std::unexpected(std::move(reply).error()));
             }
             done(Node{std::move(reply->data), reply->stat});
           });
  }

  void exists(std::string path, Watcher watcher, Callback<std::optional<Stat>> done) override {
    home_.assert_here();
    submit(read(Request::Kind::kExists, std::move(path), std::move(watcher)),
           [done = std::move(done)](StoreResult<ClientReply> reply) mutable {
             if (!reply) {
               return done(std::unexpected(std::move(reply).error()));
             }
             std::optional<Stat> stat;
             if (!reply->code) {
               stat = reply->stat;
             }
             done(stat);
           });
  }

  void children(std::string path, Watcher watcher, Callback<Children> done) override {
    home_.assert_here();
    submit(read(Request::Kind::kChildren, std::move(path), std::move(watcher)),
           [done = std::move(done)](StoreResult<ClientReply> reply) mutable {
             if (!reply) {
               return done(std::unexpected(std::move(reply).error()));
             }
             done(Children{std::move(reply->names), reply->stat});
           });
  }

  void multi(std::vector<WriteOp> ops, Callback<std::vector<WriteResult>> done) override {
    home_.assert_here();
    Request request;
    request.kind = Request::Kind::kMulti;
    request.ops = std::move(ops);
    submit(std::move(request), [done = std::move(done)](StoreResult<ClientReply> reply) mutable {
      if (!reply) {
        return done(std::unexpected(std::move(reply).error()));
      }
      std::vector<WriteResult> results;
      results.reserve(reply->outcomes.size());
      for (ClientReply::Outcome& outcome : reply->outcomes) {
        results.push_back({std::move(outcome.path), outcome.stat});
      }
      done(std::move(results));
    });
  }

  [[nodiscard]] SessionId session_id() const override {
    home_.assert_here();
    return session_.id;
  }
  [[nodiscard]] SessionState session_state() const override {
    home_.assert_here();
    return state_;
  }
  [[nodiscard]] SessionCredentials credentials() const override {
    home_.assert_here();
    return session_;
  }
  void add_session_listener(SessionListener listener) override {
    home_.assert_here();
    listeners_.push_back(std::move(listener));
  }

  void connect(std::chrono::milliseconds timeout, Callback<SessionId> done) override {
    home_.assert_here();
    begin_session(std::nullopt, timeout, std::move(done));
  }
  void take_over(SessionCredentials session, std::chrono::milliseconds timeout,
                 Callback<SessionId> done) override {
    home_.assert_here();
    begin_session(session, timeout, std::move(done));
  }

  void renew_session(Callback<SessionId> done) override {
    home_.assert_here();
    if (state_ == SessionState::kConnected) {
      return post_answer(std::move(done), StoreResult<SessionId>(session_.id));
    }
    if (state_ != SessionState::kExpired || closing_) {
      return post_answer(std::move(done), failed<SessionId>(closed_code()));
    }
    opened_ = std::move(done);
    open_handle(std::nullopt);
  }

  void close(Callback<SessionId> done) override {
    home_.assert_here();
    if (closing_ || state_ == SessionState::kClosed) {
      return post_answer(std::move(done), failed<SessionId>(StoreErrorCode::kClosed));
    }
    closing_ = std::move(done);
    // ZooKeeper is not asked whether it has ended a session before the socket goes: what the
    // session owns is deleted by requests that are answered.
    for (const std::string& path : std::exchange(ephemerals_, {})) {
      Request request;
      request.kind = Request::Kind::kMulti;
      request.ops.emplace_back(DeleteOp{path});
      request.done = [](StoreResult<ClientReply>) {};
      enqueue(std::move(request));
    }
    if (state_ != SessionState::kConnected) {
      fail_all(StoreErrorCode::kConnectionLoss);
    }
    home_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->deliver();
      }
    });
  }

  // ---- ClientListener: what the library's threads have posted ---------------------------------
  void on_link(std::uint64_t generation, LinkState link, SessionCredentials session,
               std::string server) override {
    home_.assert_here();
    if (generation != generation_) {
      return;
    }
    switch (link) {
      case LinkState::kConnected:
        return on_connected(session, server);
      case LinkState::kConnecting:
        if (state_ == SessionState::kConnected) {
          log().warn("the connection to ZooKeeper is lost, {}; it is sought again",
                     session_name(session_.id));
          set_state(SessionState::kDisconnected);
          if (closing_) {
            fail_all(StoreErrorCode::kConnectionLoss);
            deliver();
          }
        }
        return;
      case LinkState::kExpired:
        return on_expired();
      case LinkState::kAuthFailed:
        log().error("ZooKeeper has refused the authentication");
        end_handle();
        fail_all(StoreErrorCode::kNoAuth);
        set_state(SessionState::kFailed);
        report_opened(failed<SessionId>(StoreErrorCode::kNoAuth));
        return deliver();
    }
  }

  void on_watch(std::uint64_t generation, std::uint64_t watch, WatchEvent event) override {
    home_.assert_here();
    if (generation != generation_ || closing_) {
      return;
    }
    if (auto found = watches_.extract(watch)) {
      found.mapped()(event);
    }
  }

  void on_reply(std::uint64_t generation, std::uint64_t token, ClientReply reply) override {
    home_.assert_here();
    const auto place = tokens_.find(token);
    if (generation != generation_ || place == tokens_.end()) {
      return;
    }
    const auto [id, look] = place->second;
    tokens_.erase(place);
    const auto found = requests_.find(id);
    BARNABAS_CHECK(found != requests_.end());
    Request& request = found->second;
    if (look) {
      request.looks[*look] = std::move(reply);
      if (--request.looks_left == 0) {
        settle_doubt(id, request);
      }
    } else {
      --in_flight_;
      take_answer(id, request, std::move(reply));
    }
    deliver();
    pump();
  }

 private:
  // ---- The session ----------------------------------------------------------------------------
  void begin_session(std::optional<SessionCredentials> session, std::chrono::milliseconds timeout,
                     Callback<SessionId> done) REQUIRES(home_) {
    BARNABAS_CHECK(generation_ == 0);
    opened_ = std::move(done);
    timeout_ = home_.run_after(timeout, [this] { on_connect_timeout(); });
    open_handle(session);
  }

  void open_handle(std::optional<SessionCredentials> session) REQUIRES(home_) {
    const std::uint64_t generation = ++generation_;
    opening_ = true;
    disk_.post([weak = weak_from_this(), options = options_, session, generation, &home = home_] {
      auto client = ZooKeeperClient::open(options, session, home,
                                          std::weak_ptr<ClientListener>(weak), generation);
      home.post([weak, client = std::move(client)]() mutable {
        if (const auto self = weak.lock()) {
          self->on_opened(std::move(client));
        }
      });
    });
  }

  void on_opened(Result<std::unique_ptr<ZooKeeperClient>> client) {
    home_.assert_here();
    opening_ = false;
    if (client) {
      client_ = std::move(*client);
    } else {
      reason_ = client.error().message;
      log().warn("no connection to ZooKeeper: {}", reason_);
    }
    if (closing_) {
      return deliver();
    }
    if (given_up_) {
      return give_up();
    }
    if (client_ == nullptr) {
      reopen_ = home_.run_after(kReopenAfter, [this] {
        home_.assert_here();
        open_handle(std::nullopt);
      });
      return;
    }
    pump();
  }

  void on_connect_timeout() {
    home_.assert_here();
    timeout_.reset();
    given_up_ = true;
    if (!opening_) {
      give_up();
    }
  }

  // Nobody has answered the first time.
  void give_up() REQUIRES(home_) {
    reopen_.reset();
    end_handle();
    fail_all(StoreErrorCode::kClosed);
    set_state(SessionState::kClosed);
    report_opened(failed<SessionId>(StoreErrorCode::kConnectionLoss, reason_));
    deliver();
  }

  void on_connected(const SessionCredentials& session, const std::string& server) REQUIRES(home_) {
    timeout_.reset();
    log().info("connected to ZooKeeper {}, {}", server, session_name(session.id));
    session_ = session;
    set_state(SessionState::kConnected);
    report_opened(StoreResult<SessionId>(session.id));
    pump();
  }

  void on_expired() REQUIRES(home_) {
    timeout_.reset();
    log().warn("ZooKeeper has ended {}", session_name(session_.id));
    end_handle();
    session_ = {};
    ephemerals_.clear();
    watches_.clear();
    fail_all(StoreErrorCode::kSessionExpired);
    // Asked for and over before it began: a session that was to be taken over.
    report_opened(failed<SessionId>(StoreErrorCode::kSessionExpired));
    set_state(SessionState::kExpired);
    deliver();
  }

  void report_opened(StoreResult<SessionId> result) REQUIRES(home_) {
    if (opened_) {
      post_answer(std::exchange(opened_, {}), std::move(result));
    }
  }

  void set_state(SessionState state) REQUIRES(home_) {
    if (state == state_) {
      return;
    }
    state_ = state;
    home_.post([weak = weak_from_this(), state] {
      if (const auto self = weak.lock()) {
        self->home_.assert_here();
        const auto listeners = self->listeners_;
        for (const SessionListener& listener : listeners) {
          listener(state);
        }
      }
    });
  }

  // What this handle still says is not heard.
  void end_handle() REQUIRES(home_) {
    ++generation_;
    tokens_.clear();
    in_flight_ = 0;
    if (client_ != nullptr) {
      disk_.post([client = std::move(client_)]() mutable { client.reset(); });
    }
  }

  // ---- Requests -------------------------------------------------------------------------------
  [[nodiscard]] StoreErrorCode closed_code() const REQUIRES(home_) {
    if (state_ == SessionState::kExpired && !closing_) {
      return StoreErrorCode::kSessionExpired;
    }
    return state_ == SessionState::kFailed ? StoreErrorCode::kFailed : StoreErrorCode::kClosed;
  }

  template <typename T>
  void post_answer(Callback<T> done, StoreResult<T> result) REQUIRES(home_) {
    if (done) {
      home_.post([done = std::move(done), result = std::move(result)]() mutable {
        done(std::move(result));
      });
    }
  }

  Request read(Request::Kind kind, std::string path, Watcher watcher) REQUIRES(home_) {
    Request request;
    request.kind = kind;
    request.path = std::move(path);
    if (watcher) {
      request.watch = ++last_watch_;
      watches_.emplace(request.watch, std::move(watcher));
    }
    return request;
  }

  void submit(Request request, Request::Done done) REQUIRES(home_) {
    request.done = std::move(done);
    const bool open = state_ == SessionState::kConnected || state_ == SessionState::kDisconnected;
    if (!open || closing_) {
      watches_.erase(request.watch);
      request.answer = failed<ClientReply>(closed_code());
    } else if (auto sound = check_request(request); !sound) {
      watches_.erase(request.watch);
      request.answer = std::unexpected(std::move(sound).error());
    }
    enqueue(std::move(request));
  }

  void enqueue(Request request) REQUIRES(home_) {
    const std::uint64_t id = ++last_request_;
    const bool answered = request.answer.has_value();
    requests_.emplace(id, std::move(request));
    if (!answered) {
      unsent_.insert(id);
      return pump();
    }
    home_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->home_.assert_here();
        self->deliver();
      }
    });
  }

  void pump() REQUIRES(home_) {
    while (state_ == SessionState::kConnected && client_ != nullptr && !unsent_.empty() &&
           in_flight_ < options_.max_in_flight) {
      const std::uint64_t id = *unsent_.begin();
      const std::uint64_t token = ++last_token_;
      if (send(requests_.at(id), token)) {
        return;  // the handle is at its end, which it will say
      }
      tokens_.emplace(token, Place{id, std::nullopt});
      unsent_.erase(unsent_.begin());
      ++in_flight_;
    }
  }

  ZooKeeperClient::Refusal send(Request& request, std::uint64_t token) REQUIRES(home_) {
    switch (request.kind) {
      case Request::Kind::kGet:
        return client_->get(request.path, request.watch, token);
      case Request::Kind::kExists:
        return client_->exists(request.path, request.watch, token);
      case Request::Kind::kChildren:
        return client_->children(request.path, request.watch, token);
      case Request::Kind::kMulti:
        return client_->multi(request.ops, token);
    }
    return StoreErrorCode::kFailed;
  }

  void take_answer(std::uint64_t id, Request& request, ClientReply reply) REQUIRES(home_) {
    if (reply.code == StoreErrorCode::kConnectionLoss && !closing_) {
      request.doubtful = request.kind == Request::Kind::kMulti;
      unsent_.insert(id);
      return;
    }
    if (request.kind == Request::Kind::kMulti) {
      complete_outcomes(request.ops, session_.id, reply);
      if (request.doubtful && may_be_own_doing(request, reply)) {
        request.refused = std::move(reply);
        return look_at_nodes(id, request);
      }
    }
    settle(request, std::move(reply));
  }

  // Reads every node that the write names, to learn whether its first attempt was carried out.
  void look_at_nodes(std::uint64_t id, Request& request) REQUIRES(home_) {
    request.looks.assign(request.ops.size(), {});
    request.looks_left = request.ops.size();
    for (std::size_t i = 0; i < request.ops.size(); ++i) {
      const std::uint64_t token = ++last_token_;
      tokens_.emplace(token, Place{id, i});
      if (client_->get(path_of(request.ops[i]), 0, token)) {
        return;  // the handle is at its end, which it will say
      }
    }
  }

  void settle_doubt(std::uint64_t id, Request& request) REQUIRES(home_) {
    for (const ClientReply& look : request.looks) {
      if (look.code == StoreErrorCode::kConnectionLoss) {
        unsent_.insert(id);  // lost again: from the beginning
        return;
      }
    }
    if (auto done = done_before(request, session_.id)) {
      log().info("a write of {} had been carried out before the connection was lost",
                 path_of(request.ops.back()));
      return settle(request, std::move(*done));
    }
    settle(request, std::move(request.refused));
  }

  void settle(Request& request, ClientReply reply) REQUIRES(home_) {
    request.answer = to_answer(request, std::move(reply));
    if (!*request.answer) {
      watches_.erase(request.watch);
    } else if (request.kind == Request::Kind::kMulti) {
      for (std::size_t i = 0; i < request.ops.size(); ++i) {
        if (const auto* create = std::get_if<CreateOp>(&request.ops[i])) {
          if (is_ephemeral(create->mode)) {
            ephemerals_.insert((*request.answer)->outcomes[i].path);
          }
        } else if (std::holds_alternative<DeleteOp>(request.ops[i])) {
          ephemerals_.erase(path_of(request.ops[i]));
        }
      }
    }
  }

  void fail_all(StoreErrorCode code) REQUIRES(home_) {
    tokens_.clear();
    unsent_.clear();
    in_flight_ = 0;
    for (auto& [id, request] : requests_) {
      if (!request.answer) {
        watches_.erase(request.watch);
        request.answer = failed<ClientReply>(code);
      }
    }
  }

  // Answers in the order of asking.
  void deliver() {
    home_.assert_here();
    const auto self = shared_from_this();
    while (!requests_.empty() && requests_.begin()->second.answer) {
      auto first = requests_.extract(requests_.begin());
      Request& request = first.mapped();
      if (request.done) {
        request.done(std::move(*request.answer));
      }
    }
    if (closing_ && requests_.empty() && !opening_) {
      finish_close();
    }
  }

  void finish_close() REQUIRES(home_) {
    if (closed_) {
      return;
    }
    closed_ = true;
    ++generation_;
    reopen_.reset();
    timeout_.reset();
    watches_.clear();
    report_opened(failed<SessionId>(StoreErrorCode::kClosed));
    disk_.post([self = shared_from_this(), client = std::move(client_), &home = home_]() mutable {
      client.reset();
      home.post([self = std::move(self)] {
        self->home_.assert_here();
        self->state_ = SessionState::kClosed;
        self->post_answer(std::move(self->closing_), StoreResult<SessionId>(self->session_.id));
      });
    });
  }

  // Where an answer belongs: a request, or one of the looks at the nodes of a doubtful one.
  struct Place {
    std::uint64_t request;
    std::optional<std::size_t> look;
  };

  const ZooKeeperOptions options_;
  Executor& home_;
  Executor& disk_;

  SessionState state_ GUARDED_BY(home_) = SessionState::kDisconnected;
  SessionCredentials session_ GUARDED_BY(home_);
  std::vector<SessionListener> listeners_ GUARDED_BY(home_);
  std::unique_ptr<Timer> timeout_ GUARDED_BY(home_);
  std::unique_ptr<Timer> reopen_ GUARDED_BY(home_);
  std::string reason_ GUARDED_BY(home_);  // why there is no handle, for people
  Callback<SessionId> opened_ GUARDED_BY(home_);
  Callback<SessionId> closing_ GUARDED_BY(home_);
  bool opening_ GUARDED_BY(home_) = false;
  bool given_up_ GUARDED_BY(home_) = false;
  bool closed_ GUARDED_BY(home_) = false;

  std::map<std::uint64_t, Request> requests_ GUARDED_BY(home_);  // in the order of asking
  std::set<std::uint64_t> unsent_ GUARDED_BY(home_);
  std::map<std::uint64_t, Place> tokens_ GUARDED_BY(home_);
  std::map<std::uint64_t, Watcher> watches_ GUARDED_BY(home_);
  std::set<std::string> ephemerals_ GUARDED_BY(home_);  // made by this session
  std::size_t in_flight_ GUARDED_BY(home_) = 0;
  std::uint64_t generation_ GUARDED_BY(home_) = 0;  // counts handles and their ends
  std::uint64_t last_request_ GUARDED_BY(home_) = 0;
  std::uint64_t last_token_ GUARDED_BY(home_) = 0;
  std::uint64_t last_watch_ GUARDED_BY(home_) = 0;
  // Last, so that the library's threads have ended before anything else goes.
  std::unique_ptr<ZooKeeperClient> client_ GUARDED_BY(home_);
};

}  // namespace

std::string session_name(SessionId id) {
  return fmt::format("session 0x{:x}", static_cast<std::uint64_t>(id.value()));
}

std::shared_ptr<ZooKeeperStore> make_zookeeper_store(ZooKeeperOptions options, Executor& home,
                                                     Executor& disk) {
  return std::make_shared<Store>(std::move(options), home, disk);
}

}  // namespace barnabas::zk
