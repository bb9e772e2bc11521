#include "connection_group.h"

#include <algorithm>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"
#include "stream_connection.h"

namespace barnabas::net {
namespace {

constexpr std::size_t kScratchBytes = std::size_t{128} << 10U;
constexpr auto kSlowestSweep = std::chrono::seconds(30);
constexpr auto kFastestSweep = std::chrono::milliseconds(10);
constexpr auto kBudgetRetry = std::chrono::milliseconds(100);
constexpr auto kBudgetPatience = std::chrono::seconds(10);
constexpr std::size_t kLargeFrame = ByteBudget::kSmallBuffer;

logging::Logger& log() {
  static logging::Logger& logger = logging::logger("net");
  return logger;
}

RawBuffer make_scratch() {
  RawBuffer scratch;
  scratch.grow(kScratchBytes);
  return scratch;
}

}  // namespace

std::vector<ThreadLoad> loads_of(std::span<ConnectionGroup* const> groups) {
  std::vector<ThreadLoad> loads;
  for (ConnectionGroup* group : groups) {
    loads.push_back({group->home().busy(), group->load()});
  }
  return loads;
}

ConnectionGroup::ConnectionGroup(IoThread& home, ServerShared& shared,
                                 std::unique_ptr<RequestHandler> handler)
    : home_(home),
      shared_(shared),
      handler_(std::move(handler)),
      scratch_(make_scratch()),
      memory_{{scratch_.data(), scratch_.capacity()}, pool_, shared.budget} {
  home_.add_hook(*this);
  schedule_sweep();
}

ConnectionGroup::~ConnectionGroup() {
  BARNABAS_CHECK(connections_.empty());
  home_.remove_hook(*this);
}

void ConnectionGroup::adopt(UniqueFd socket, const SocketAddress& peer, std::size_t listener) {
  auto connection = std::make_shared<StreamConnection>(*this, std::move(socket), peer, listener);
  add(connection);
  connection->begin();
  if (draining_) {
    connection->close({});
  }
}

void ConnectionGroup::add(ConnectionPtr connection) {
  connection->set_index(connections_.size());
  connections_.push_back(std::move(connection));
}

void ConnectionGroup::set_groups(std::vector<ConnectionGroup*> groups) {
  groups_ = std::move(groups);
}

// --- moving to another thread
// ----------------------------------------------------------------------

void ConnectionGroup::note_active(StreamConnection& connection) {
  if (connection.note_window(window_)) {
    ++active_;
  }
}

void ConnectionGroup::may_leave(StreamConnection& connection) {
  if (left_to_give_ > leaving_.size() && connection.can_move() &&
      home_.now() - connection.moved_at() >= shared_.options.spread.stay) {
    connection.set_leaving(true);
    leaving_.push_back(self(connection));
  }
}

void ConnectionGroup::plan_handover() {
  if (window_ == home_.busy_windows()) {
    return;
  }
  window_ = home_.busy_windows();
  const std::size_t active = std::exchange(active_, 0);
  left_to_give_ = 0;
  if (draining_ || groups_.empty()) {
    return;
  }
  const auto mine = static_cast<std::size_t>(std::ranges::find(groups_, this) - groups_.begin());
  const auto plan = net::plan_handover(loads_of(groups_), mine, active, shared_.options.spread);
  if (plan) {
    left_to_give_ = plan->connections;
    receiver_ = groups_[plan->to];
  }
}

void ConnectionGroup::hand_over_leaving() {
  for (ConnectionPtr& connection : leaving_) {
    connection->set_leaving(false);
    if (left_to_give_ == 0 || !connection->can_move()) {
      continue;
    }
    --left_to_give_;
    connection->depart();
    remove(*connection);
    load_.fetch_sub(1, std::memory_order_relaxed);
    receiver_->count_assigned();
    receiver_->home().post([to = receiver_, connection = std::move(connection)]() mutable {
      to->arrive(std::move(connection));
    });
  }
  leaving_.clear();
}

void ConnectionGroup::arrive(ConnectionPtr connection) {
  add(connection);
  connection->arrive(*this);
  if (draining_) {
    connection->close({});
  }
}

// --- stopping, the end of a turn, memory
// -----------------------------------------------------------

void ConnectionGroup::begin_drain() {
  draining_ = true;
  left_to_give_ = 0;
  handler_->on_stopping();
  for (const ConnectionPtr& connection : connections_) {
    connection->close({});
  }
}

void ConnectionGroup::close_held() {
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (const ConnectionPtr connection = connections_[i]; connection->is_held()) {
      connection->shut();
    }
  }
}

void ConnectionGroup::close_all() {
  draining_ = true;
  while (!connections_.empty()) {
    ConnectionPtr(connections_.back())->shut();
  }
  sweep_timer_.reset();
  budget_timer_.reset();
  dirty_.clear();
  ready_.clear();
  waiting_for_budget_.clear();
  leaving_.clear();
}

ConnectionGroup::ConnectionPtr ConnectionGroup::self(StreamConnection& connection) const {
  return connections_[connection.index()];
}

void ConnectionGroup::mark_dirty(StreamConnection& connection) {
  dirty_.push_back(self(connection));
}

void ConnectionGroup::mark_ready(StreamConnection& connection) {
  ready_.push_back(self(connection));
}

bool ConnectionGroup::at_turn_end() {
  const auto work_off = [this](std::vector<ConnectionPtr>& list, auto step) {
    running_.swap(list);
    for (const ConnectionPtr& connection : running_) {
      step(*connection);
    }
    running_.clear();
  };
  work_off(dirty_, [](StreamConnection& connection) { connection.flush_dirty(); });
  work_off(ready_, [](StreamConnection& connection) { connection.go_on(); });
  work_off(dirty_, [](StreamConnection& connection) { connection.flush_dirty(); });
  hand_over_leaving();
  plan_handover();
  return !dirty_.empty() || !ready_.empty();
}

void ConnectionGroup::wait_for_budget(StreamConnection& connection) {
  waiting_for_budget_.push_back(self(connection));
  if (!budget_timer_) {
    budget_timer_ = home_.run_after(kBudgetRetry, [this] { retry_budget(); });
  }
}

void ConnectionGroup::retry_budget() {
  budget_timer_.reset();
  // One that waited too long is given up, the longest waiting first, to let the others finish.
  bool gave_up = false;
  bool is_long = false;
  for (const ConnectionPtr& connection : std::exchange(waiting_for_budget_, {})) {
    const MonotonicTime since = connection->budget_wait_since();
    connection->budget_may_have_room();
    if (!connection->waits_for_budget()) {
      continue;
    }
    is_long = is_long || home_.now() - since > shared_.options.large_frame_patience;
    if (!gave_up && home_.now() - since > kBudgetPatience) {
      gave_up = true;
      give_up(*connection);
    }
  }
  if (is_long) {
    shared_.for_each_group([](ConnectionGroup& group) { group.give_up_a_large_frame(); });
  }
}

void ConnectionGroup::give_up(StreamConnection& connection) {
  log_closed(connection, "no memory left for its request (bytes in flight of all connections)");
  connection.shut();
}

void ConnectionGroup::give_up_a_large_frame() {
  ConnectionPtr worst;
  double most = 0;
  for (const ConnectionPtr& connection : connections_) {
    const MonotonicTime since = connection->frame_since();
    const auto bytes = static_cast<double>(connection->held_input_bytes());
    if (bytes <= kLargeFrame || since == MonotonicTime{} ||
        home_.now() - since < shared_.options.large_frame_patience) {
      continue;
    }
    const double held = bytes * std::chrono::duration<double>(home_.now() - since).count();
    if (held > most) {
      most = held;
      worst = connection;
    }
  }
  if (worst) {
    give_up(*worst);
  }
}

ConnectionGroup::ConnectionPtr ConnectionGroup::find_longest_idle(std::size_t but_of) const {
  ConnectionPtr found;
  for (const ConnectionPtr& connection : connections_) {
    if (connection->listener() != but_of && connection->is_idle() &&
        (!found || connection->last_active() < found->last_active())) {
      found = connection;
    }
  }
  return found;
}

std::optional<MonotonicTime> ConnectionGroup::longest_idle_since(std::size_t but_of) const {
  const ConnectionPtr found = find_longest_idle(but_of);
  return found ? std::optional(found->last_active()) : std::nullopt;
}

void ConnectionGroup::close_longest_idle(std::size_t but_of) {
  const ConnectionPtr found = find_longest_idle(but_of);
  if (found && shared_.limits.over()) {
    log_closed(*found, "it makes place for a connection between brokers (max.connections)");
    found->shut();
  }
}

void ConnectionGroup::schedule_sweep() {
  auto every = std::chrono::duration_cast<std::chrono::milliseconds>(kSlowestSweep);
  if (shared_.options.max_idle.count() > 0) {
    every = std::clamp(shared_.options.max_idle / 4, kFastestSweep, every);
  }
  sweep_timer_ = home_.run_after(every, [this] {
    sweep();
    schedule_sweep();
  });
}

void ConnectionGroup::sweep() {
  pool_.trim();
  if (shared_.options.max_idle.count() <= 0) {
    return;
  }
  // Backwards: forget() moves the last one into the place of the one that goes.
  for (std::size_t i = connections_.size(); i-- > 0;) {
    const ConnectionPtr connection = connections_[i];
    if (home_.now() - connection->last_active() >= shared_.options.max_idle) {
      connection->shut();
    }
  }
}

void ConnectionGroup::log_closed(const StreamConnection& connection, std::string_view reason) {
  const std::string address = connection.remote_address();
  std::size_t suppressed = 0;
  if (shared_.log_limiter.allow(address, home_.now(), suppressed)) {
    log().warn("connection {} from {}:{} on {} closed: {} ({} such lines left out)",
               connection.id().value(), address, connection.remote_port(),
               connection.listener_name(), reason, suppressed);
  }
}

ConnectionGroup::ConnectionPtr ConnectionGroup::remove(StreamConnection& connection) {
  const std::size_t index = connection.index();
  ConnectionPtr removed = std::move(connections_[index]);
  if (index + 1 < connections_.size()) {
    connections_[index] = std::move(connections_.back());
    connections_[index]->set_index(index);
  }
  connections_.pop_back();
  return removed;
}

void ConnectionGroup::forget(StreamConnection& connection) {
  home_.retire(remove(connection));
  load_.fetch_sub(1, std::memory_order_relaxed);
  if (shared_.limits.release(connection.peer(), connection.listener())) {
    shared_.resume_acceptors();
  }
}

}  // namespace barnabas::net
