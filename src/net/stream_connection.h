// A TCP connection: reads trains of frames, hands them to the handler, sends the answers in order.
// THREAD: home. Owned by its ConnectionGroup while it is open; `shut()` is the one way out, and
// depart() the way to another group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barnabas/net/connection.h"
#include "connection_group.h"
#include "frame_input.h"
#include "io_thread.h"
#include "output_queue.h"
#include "socket_address.h"
#include "unique_fd.h"

namespace barnabas::net {

class StreamConnection final : public Connection, public PollTarget {
 public:
  StreamConnection(ConnectionGroup& group, UniqueFd socket, const SocketAddress& peer,
                   std::size_t listener);

  [[nodiscard]] SlotId reserve() override;
  void answer(SlotId slot, ByteView payload) override;
  void answer(SlotId slot, AnswerParts parts) override;
  void answer_nothing(SlotId slot) override;
  [[nodiscard]] std::size_t unanswered() const override {
    return static_cast<std::size_t>(next_ - head_) - early_.size();
  }
  void hold() override;
  void close(std::string_view reason) override;
  [[nodiscard]] bool is_open() const override { return open_; }
  [[nodiscard]] ConnectionId id() const override { return id_; }
  [[nodiscard]] const std::string& listener_name() const override { return listener_name_; }
  [[nodiscard]] std::string remote_address() const override { return peer_.host(); }
  [[nodiscard]] std::uint16_t remote_port() const override { return peer_.port(); }
  [[nodiscard]] Executor& home() const override { return *home_; }

  void on_events(std::uint32_t events) override;

  // For its group:
  void begin();
  void flush_dirty();  // answers came from outside a train
  void go_on();        // after it gave way to others
  void budget_may_have_room();
  void shut();  // closes now; answers not sent are lost
  // To another thread: departs there, arrives here. In between nobody touches it.
  [[nodiscard]] bool can_move() const;
  void set_leaving(bool leaving) { leaving_ = leaving; }  // its group has it on its list
  void depart();
  void arrive(ConnectionGroup& group);
  [[nodiscard]] MonotonicTime moved_at() const { return moved_at_; }
  // Whether this is the first time in that window.
  [[nodiscard]] bool note_window(std::uint64_t window) {
    return std::exchange(window_, window) != window;
  }
  [[nodiscard]] MonotonicTime last_active() const { return last_active_; }
  [[nodiscard]] MonotonicTime frame_since() const { return frame_since_; }
  [[nodiscard]] std::size_t held_input_bytes() const { return input_.held_bytes(); }
  [[nodiscard]] bool is_held() const { return held_; }
  [[nodiscard]] bool is_idle() const { return head_ == next_ && output_.empty(); }
  [[nodiscard]] bool waits_for_budget() const { return open_ && waiting_for_budget_; }
  [[nodiscard]] MonotonicTime budget_wait_since() const { return budget_wait_since_; }
  [[nodiscard]] const SocketAddress& peer() const { return peer_; }
  [[nodiscard]] std::size_t listener() const { return listener_; }
  [[nodiscard]] std::size_t index() const { return index_; }
  void set_index(std::size_t index) { index_ = index; }

 private:
  // An answer that came before those of earlier slots.
  struct EarlyAnswer {
    ByteVector bytes;
    std::vector<FileSplice> splices;
    bool nothing = false;
  };
  enum class Cut { kAll, kPaused, kOver };  // why a train ended; kOver: no more frames ever

  [[nodiscard]] bool takes_more() const;
  [[nodiscard]] bool runs_more() const { return takes_more() && !held_; }
  // Whether a frame can be run, or bytes may be read on the way to the next one.
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] bool is_early(SlotId slot) const;
  void advance();
  void touched();
  void work();
  [[nodiscard]] bool read_some(std::size_t& turn_bytes);
  void run_trains();
  [[nodiscard]] Cut run_train();
  void look_at_partial_frame();
  void flush();
  void account_output();
  void read_ahead();
  void offer_to_move();
  void finish_if_done();
  void fail(std::string_view reason);

  ConnectionGroup* group_;  // gone once the connection is shut
  IoThread* home_;
  const std::size_t listener_;  // in the server's options
  const std::string& listener_name_;
  const ConnectionId id_;
  const SocketAddress peer_;
  UniqueFd socket_;
  std::size_t index_ = 0;  // in the group
  MonotonicTime last_active_;
  MonotonicTime moved_at_{};
  std::uint64_t window_ = UINT64_MAX;  // of the group, when it was active there last
  MonotonicTime budget_wait_since_{};
  MonotonicTime frame_since_{};  // when the partial frame was asked about; none: it was not yet

  bool open_ = true;
  bool closing_ = false;      // reads nothing more by our own will
  bool read_closed_ = false;  // the peer sends nothing more
  bool held_ = false;         // runs nothing until every slot is answered
  bool readable_ = false;     // the socket may hold bytes
  bool until_end_ = false;    // a short read does not mean that it is empty: the end follows
  bool blocked_ = false;      // the socket is full
  bool reading_ahead_ = false;
  bool in_work_ = false;
  bool in_train_ = false;
  bool dirty_ = false;
  bool ready_ = false;
  bool waiting_for_budget_ = false;
  bool leaving_ = false;

  FrameInput input_;
  OutputQueue output_;
  SlotId head_{0};  // the slot whose answer leaves next
  SlotId next_{0};
  std::size_t queued_answers_ = 0;  // since the output was last empty
  std::size_t output_charged_ = 0;  // to the budget
  std::size_t early_bytes_ = 0;
  std::map<SlotId, EarlyAnswer> early_;
};

}  // namespace barnabas::net
