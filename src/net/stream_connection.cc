#include "stream_connection.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/logging.h"

namespace barnabas::net {
namespace {

constexpr std::size_t kTurnBytes = std::size_t{1} << 20U;  // read before others get a turn
// A larger frame is asked about when it begins.
constexpr std::size_t kAskAbove = std::size_t{64} << 10U;
constexpr std::size_t kHead = 4;

// What the first four bytes are to others who find a port open.
std::string_view guess_protocol(std::int32_t length) {
  std::array<std::byte, 4> bytes{};
  store_be(bytes.data(), length);
  const std::string_view text = as_text(bytes);
  if (text == "GET " || text == "POST" || text == "HEAD" || text == "PUT " || text == "OPTI") {
    return ": this looks like HTTP, and the port speaks Kafka's protocol";
  }
  if (text == "SSH-") {
    return ": this looks like SSH, and the port speaks Kafka's protocol";
  }
  if (text.starts_with("\x16\x03")) {
    return ": this looks like TLS, and the listener is a plain one";
  }
  return "";
}

}  // namespace

StreamConnection::StreamConnection(ConnectionGroup& group, UniqueFd socket,
                                   const SocketAddress& peer, std::size_t listener)
    : group_(&group),
      home_(&group.home()),
      listener_(listener),
      listener_name_(group.shared().options.listeners[listener].name),
      id_(group.shared().next_connection_id.fetch_add(1, std::memory_order_relaxed)),
      peer_(peer),
      socket_(std::move(socket)),
      last_active_(group.home().now()),
      input_(group.shared().options.request_max_bytes) {}

void StreamConnection::begin() {
  if (const int error = home_->watch(socket_.get(), *this); error != 0) {
    fail(fmt::format("cannot be watched: {}", std::strerror(error)));
  }
}

// --- answers ---------------------------------------------------------------------------------

SlotId StreamConnection::reserve() {
  home_->assert_here();
  const SlotId slot = next_;
  ++next_;
  return slot;
}

bool StreamConnection::is_early(SlotId slot) const {
  BARNABAS_CHECK_MSG(slot >= head_ && slot < next_ && !early_.contains(slot),
                     "a slot is answered once, after it was reserved");
  return slot != head_;
}

void StreamConnection::answer(SlotId slot, ByteView payload) {
  home_->assert_here();
  if (!open_) {
    return;
  }
  if (is_early(slot)) {
    early_bytes_ += payload.size();
    early_.emplace(slot, EarlyAnswer{{payload.begin(), payload.end()}, {}, false});
    return;
  }
  output_.append(payload, group_->spares());
  ++queued_answers_;
  advance();
}

void StreamConnection::answer(SlotId slot, AnswerParts parts) {
  home_->assert_here();
  if (!open_) {
    return;
  }
  if (is_early(slot)) {
    EarlyAnswer early{{parts.bytes.begin(), parts.bytes.end()}, {}, false};
    for (FileSplice& splice : parts.splices) {
      early.splices.push_back(std::move(splice));
    }
    early_bytes_ += parts.bytes.size();
    early_.emplace(slot, std::move(early));
    return;
  }
  output_.append(parts, group_->spares());
  ++queued_answers_;
  advance();
}

void StreamConnection::answer_nothing(SlotId slot) {
  home_->assert_here();
  if (!open_) {
    return;
  }
  if (is_early(slot)) {
    early_.emplace(slot, EarlyAnswer{{}, {}, true});
    return;
  }
  advance();
}

void StreamConnection::advance() {
  ++head_;
  while (!early_.empty() && early_.begin()->first == head_) {
    EarlyAnswer& early = early_.begin()->second;
    if (!early.nothing) {
      output_.append(AnswerParts{early.bytes, early.splices}, group_->spares());
      ++queued_answers_;
    }
    early_bytes_ -= early.bytes.size();
    early_.erase(early_.begin());
    ++head_;
  }
  if (head_ == next_) {
    held_ = false;
  }
  touched();
}

void StreamConnection::touched() {
  if (!in_train_ && !dirty_) {
    dirty_ = true;
    group_->mark_dirty(*this);
  }
}

void StreamConnection::hold() {
  home_->assert_here();
  held_ = head_ != next_;
}

void StreamConnection::close(std::string_view reason) {
  home_->assert_here();
  if (!open_ || closing_) {
    return;
  }
  closing_ = true;
  if (!reason.empty()) {
    group_->log_closed(*this, reason);
  }
  touched();
}

// --- reading ---------------------------------------------------------------------------------

void StreamConnection::on_events(std::uint32_t events) {
  if (!open_) {
    return;
  }
  if ((events & EPOLLOUT) != 0 && blocked_) {
    blocked_ = false;
    flush();
    finish_if_done();
  }
  if ((events & (EPOLLIN | EPOLLHUP)) == 0 || !open_) {
    return;
  }
  readable_ = true;
  until_end_ = until_end_ || (events & EPOLLHUP) != 0;
  if ((events & EPOLLHUP) != 0 && (!takes_more() || (held_ && input_.has_whole_frame()))) {
    shut();  // nobody is there to read the answers
    return;
  }
  work();
}

bool StreamConnection::takes_more() const {
  const ServerOptions& bounds = group_->shared().options;
  return open_ && !closing_ && !read_closed_ && !waiting_for_budget_ &&
         static_cast<std::size_t>(next_ - head_) + queued_answers_ <
             bounds.max_requests_in_flight &&
         output_.held_bytes() + early_bytes_ < bounds.max_queued_answer_bytes;
}

bool StreamConnection::has_work() const {
  return takes_more() && (input_.has_whole_frame() ? !held_ : readable_);
}

void StreamConnection::work() {
  in_work_ = true;
  std::size_t turn_bytes = 0;
  while (open_ && has_work()) {
    if (input_.has_whole_frame()) {
      run_trains();
    } else if (!read_some(turn_bytes)) {
      break;
    }
  }
  in_work_ = false;
  if (open_ && !readable_ && !read_closed_) {
    home_->emptied(socket_.get());
  }
  offer_to_move();
}

// Returns whether it makes sense to go on at once.
bool StreamConnection::read_some(std::size_t& turn_bytes) {
  if (turn_bytes >= kTurnBytes) {
    if (!ready_) {
      ready_ = true;
      group_->mark_ready(*this);
    }
    return false;
  }
  const auto space = input_.prepare(group_->memory());
  if (!space) {
    if (budget_wait_since_ == MonotonicTime{}) {
      budget_wait_since_ = home_->now();
    }
    waiting_for_budget_ = true;
    group_->wait_for_budget(*this);
    return false;
  }
  budget_wait_since_ = {};
  const ssize_t n = space->count == 1 ? ::recv(socket_.get(), space->pieces[0].iov_base,
                                               space->pieces[0].iov_len, MSG_DONTWAIT)
                                      : ::readv(socket_.get(), space->pieces.data(), space->count);
  if (n < 0) {
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      readable_ = false;
    } else if (error != EINTR) {
      shut();  // reset by the peer
    }
    return error == EINTR;
  }
  if (n == 0) {
    read_closed_ = true;
    readable_ = false;
    finish_if_done();
    return false;
  }
  const auto bytes = static_cast<std::size_t>(n);
  turn_bytes += bytes;
  last_active_ = home_->now();
  group_->note_active(*this);
  // Less than asked for: the socket is empty, and what comes later is a new edge.
  readable_ = bytes == space->size || until_end_;
  input_.commit(bytes);
  run_trains();
  return true;
}

void StreamConnection::run_trains() {
  Cut cut = Cut::kAll;
  do {
    cut = run_train();
    flush();
  } while (cut == Cut::kPaused && runs_more());
  if (!open_) {
    return;
  }
  if (cut == Cut::kOver) {
    input_.clear(group_->memory());
  } else {
    input_.keep_rest(group_->memory());
    look_at_partial_frame();
  }
  finish_if_done();
}

// Junk that announces a large frame is found out by its first bytes, before the rest is kept.
void StreamConnection::look_at_partial_frame() {
  if (frame_since_ != MonotonicTime{}) {
    return;
  }
  const FrameInput::Partial partial = input_.partial();
  if (partial.size <= kAskAbove || partial.head.size() < kHead) {
    return;
  }
  frame_since_ = home_->now();
  if (const auto admitted = group_->handler().admit_large(*this, partial.head, partial.size);
      !admitted) {
    close(admitted.error().message);
  }
}

StreamConnection::Cut StreamConnection::run_train() {
  Cut cut = Cut::kPaused;
  std::size_t frames = 0;
  in_train_ = true;
  while (cut == Cut::kPaused && runs_more()) {
    MutableBytes frame;
    switch (input_.next(group_->memory(), frame)) {
      case FrameInput::Next::kFrame:
        if (head_ != next_ && !group_->handler().may_start(*this, frame)) {
          input_.put_back(frame);
          held_ = true;
          break;
        }
        frame_since_ = {};
        group_->handler().on_request(*this, frame);
        ++frames;
        break;
      case FrameInput::Next::kNone:
        cut = Cut::kAll;
        break;
      case FrameInput::Next::kBadLength:
        close(fmt::format("frame of {} bytes is not in 1..{}{}", input_.bad_length(),
                          group_->shared().options.request_max_bytes,
                          guess_protocol(input_.bad_length())));
        break;
    }
  }
  if (frames > 0) {
    group_->handler().on_train_end();
  }
  in_train_ = false;
  return closing_ ? Cut::kOver : cut;
}

void StreamConnection::budget_may_have_room() {
  waiting_for_budget_ = false;
  if (open_) {
    work();
  }
}

// --- sending ---------------------------------------------------------------------------------

void StreamConnection::flush() {
  if (!open_ || output_.empty() || blocked_ || reading_ahead_) {
    return;
  }
  last_active_ = home_->now();
  switch (output_.flush(socket_.get(), group_->shared().disk_pool != nullptr, group_->spares())) {
    case OutputQueue::Flushed::kAll:
      queued_answers_ = 0;
      break;
    case OutputQueue::Flushed::kBlocked:
      blocked_ = true;
      home_->await_write(socket_.get());
      break;
    case OutputQueue::Flushed::kYield:
      if (!ready_) {
        ready_ = true;
        group_->mark_ready(*this);
      }
      break;
    case OutputQueue::Flushed::kCold:
      read_ahead();
      break;
    case OutputQueue::Flushed::kFailed:
      fail(output_.failure());
      return;
  }
  account_output();
  if (!in_work_ && !ready_ && has_work()) {
    ready_ = true;
    group_->mark_ready(*this);
  }
}

void StreamConnection::account_output() {
  const std::size_t held = output_.held_bytes();
  if (held > output_charged_) {
    group_->shared().budget.take(held - output_charged_);
  } else if (held < output_charged_) {
    group_->shared().budget.give(output_charged_ - held);
  }
  output_charged_ = held;
}

void StreamConnection::read_ahead() {
  reading_ahead_ = true;
  auto self = std::static_pointer_cast<StreamConnection>(shared_from_this());
  group_->shared().disk_pool->post(
      [self = std::move(self), range = output_.cold_range()]() mutable {
        // Only to bring it into the page cache: an error shows again when the range is sent.
        ByteVector copy(range.length);
        if (const auto read = range.file->read_at(range.position, copy); !read) {
          logging::logger("net").debug("read ahead: {}", read.error().message);
        }
        IoThread& home = *self->home_;
        home.post([self = std::move(self), range = std::move(range)] {
          self->reading_ahead_ = false;
          if (self->open_) {
            self->output_.mark_warm();
            self->flush();
            self->finish_if_done();
          }
        });
      });
}

void StreamConnection::flush_dirty() {
  dirty_ = false;
  flush();
  finish_if_done();
  if (open_ && !ready_ && has_work()) {
    ready_ = true;
    group_->mark_ready(*this);
  }
  offer_to_move();
}

void StreamConnection::go_on() {
  ready_ = false;
  flush();
  finish_if_done();
  if (open_) {
    work();
  }
}

// --- to another thread -----------------------------------------------------------------------

void StreamConnection::offer_to_move() {
  if (open_) {
    group_->may_leave(*this);
  }
}

bool StreamConnection::can_move() const {
  return takes_more() && !readable_ && !input_.has_whole_frame() && head_ == next_ &&
         output_.empty() && !blocked_ && !reading_ahead_ && !in_work_ && !dirty_ && !ready_ &&
         !leaving_;
}

void StreamConnection::depart() {
  home_->unwatch(socket_.get());
  moved_at_ = home_->now();
}

void StreamConnection::arrive(ConnectionGroup& group) {
  group_ = &group;
  home_ = &group.home();
  begin();
}

// --- the end ---------------------------------------------------------------------------------

void StreamConnection::finish_if_done() {
  if (!open_ || !(closing_ || read_closed_)) {
    return;
  }
  if (!in_train_) {
    input_.clear(group_->memory());
  }
  if (head_ == next_ && output_.empty()) {
    shut();
  }
}

void StreamConnection::fail(std::string_view reason) {
  if (!reason.empty()) {
    group_->log_closed(*this, reason);
  }
  shut();
}

void StreamConnection::shut() {
  if (!open_) {
    return;
  }
  open_ = false;
  home_->unwatch(socket_.get());
  socket_.reset();
  input_.clear(group_->memory());
  output_.clear(group_->spares());
  account_output();
  early_.clear();
  group_->handler().on_closed(*this);
  group_->forget(*this);
}

}  // namespace barnabas::net
