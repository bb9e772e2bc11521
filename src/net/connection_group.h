// The connections of one io thread, and what they share there: the handler, the scratch they read
// into, spare buffers, the lists of those with something left to do. THREAD: home (the io thread)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/bytes.h"
#include "barnabas/net/request_handler.h"
#include "frame_input.h"
#include "io_thread.h"
#include "output_queue.h"
#include "raw_buffer.h"
#include "server_shared.h"
#include "spread.h"
#include "unique_fd.h"

namespace barnabas::net {

class ConnectionGroup;
class StreamConnection;

// How busy their threads are, in the order of the groups. THREAD: any
[[nodiscard]] std::vector<ThreadLoad> loads_of(std::span<ConnectionGroup* const> groups);

class ConnectionGroup final : public TurnHook {
 public:
  ConnectionGroup(IoThread& home, ServerShared& shared, std::unique_ptr<RequestHandler> handler);
  ~ConnectionGroup() override;
  ConnectionGroup(const ConnectionGroup&) = delete;
  ConnectionGroup& operator=(const ConnectionGroup&) = delete;

  // An accepted, admitted socket of a listener (an index in the server's options).
  void adopt(UniqueFd socket, const SocketAddress& peer, std::size_t listener);
  // Among which connections are spread: all groups of the server, this one included. They stay
  // alive until all of them drain. Before the first adopt().
  void set_groups(std::vector<ConnectionGroup*> groups);
  // Reads nothing more; every connection closes when its answers are sent.
  void begin_drain();
  // The drain goes on without those that wait: see Connection::hold().
  void close_held();
  void close_all();
  bool at_turn_end() override;
  // Of the connections of other listeners that have nothing in hand, the one that was quiet for
  // longest: since when, and its end if the server still has more connections than it should.
  [[nodiscard]] std::optional<MonotonicTime> longest_idle_since(std::size_t but_of) const;
  void close_longest_idle(std::size_t but_of);
  // Others wait for memory: the partial frame that has held most of it for longest goes.
  void give_up_a_large_frame();

  // Connections assigned here, those on their way included. THREAD: any
  [[nodiscard]] std::size_t load() const { return load_.load(std::memory_order_relaxed); }
  void count_assigned() { load_.fetch_add(1, std::memory_order_relaxed); }

  // For its connections:
  [[nodiscard]] IoThread& home() { return home_; }
  [[nodiscard]] ServerShared& shared() { return shared_; }
  [[nodiscard]] RequestHandler& handler() { return *handler_; }
  [[nodiscard]] FrameMemory& memory() { return memory_; }
  [[nodiscard]] OutputSpares& spares() { return spares_; }
  // Answers are waiting to be flushed at the end of the turn.
  void mark_dirty(StreamConnection& connection);
  // There is more to read or send than one turn's worth.
  void mark_ready(StreamConnection& connection);
  // It reads and answers: it is one of those that keep this thread busy.
  void note_active(StreamConnection& connection);
  // It has nothing in hand now: a moment to go to another thread, if this one is crowded.
  void may_leave(StreamConnection& connection);
  // The budget refused memory for a frame: tried again soon, closed when that does not help.
  void wait_for_budget(StreamConnection& connection);
  void log_closed(const StreamConnection& connection, std::string_view reason);
  void forget(StreamConnection& connection);

 private:
  using ConnectionPtr = std::shared_ptr<StreamConnection>;

  void schedule_sweep();
  void sweep();
  void retry_budget();
  void plan_handover();
  void hand_over_leaving();
  void arrive(ConnectionPtr connection);
  void add(ConnectionPtr connection);
  ConnectionPtr remove(StreamConnection& connection);
  [[nodiscard]] ConnectionPtr self(StreamConnection& connection) const;
  [[nodiscard]] ConnectionPtr find_longest_idle(std::size_t but_of) const;
  void give_up(StreamConnection& connection);

  IoThread& home_;
  ServerShared& shared_;
  std::unique_ptr<RequestHandler> handler_;
  RawBuffer scratch_;
  BufferPool pool_;
  FrameMemory memory_;
  OutputSpares spares_;
  std::atomic<std::size_t> load_{0};
  bool draining_ = false;
  std::vector<ConnectionPtr> connections_;  // each knows its index
  std::vector<ConnectionPtr> dirty_;
  std::vector<ConnectionPtr> ready_;
  std::vector<ConnectionPtr> running_;  // the list being worked off, kept for its capacity
  std::vector<ConnectionPtr> waiting_for_budget_;
  std::vector<ConnectionGroup*> groups_;
  std::uint64_t window_ = 0;      // the io thread's, see busy_windows()
  std::size_t active_ = 0;        // connections with something to do in this window
  std::size_t left_to_give_ = 0;  // connections that go to receiver_ in this window
  ConnectionGroup* receiver_ = nullptr;
  std::vector<ConnectionPtr> leaving_;
  std::unique_ptr<Timer> sweep_timer_;
  std::unique_ptr<Timer> budget_timer_;
};

}  // namespace barnabas::net
