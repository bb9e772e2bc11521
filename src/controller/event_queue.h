// The controller's events: one at a time, each a coroutine that is run to its end before the next
// one begins.
// THREAD: home
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "async.h"
#include "barnabas/base/executor.h"
#include "store_calls.h"

namespace barnabas::controller {

class EventQueue {
 public:
  using Make = std::move_only_function<Async<Step>()>;

  // `on_error` hears of an event that ended with an error, after it has ended.
  EventQueue(Executor& home, std::function<void(const zk::StoreError&)> on_error)
      : home_(home), on_error_(std::move(on_error)) {}
  ~EventQueue() { stop(); }
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  void push(Make make) { push_named({}, std::move(make)); }
  // Not queued again while one of the same name waits: for "something has changed, look again".
  void push_once(const std::string& name, Make make) {
    if (names_.insert(name).second) {
      push_named(name, std::move(make));
    }
  }
  // Drops what waits and what is being worked on.
  void stop() {
    *alive_ = false;
    alive_ = std::make_shared<bool>(true);
    queue_.clear();
    names_.clear();
    running_ = {};
    make_ = {};
    busy_ = finished_ = scheduled_ = false;
  }
  [[nodiscard]] bool idle() const { return queue_.empty() && !busy_; }

 private:
  struct Event {
    std::string name;
    Make make;
  };

  void push_named(std::string name, Make make) {
    queue_.push_back({std::move(name), std::move(make)});
    schedule();
  }
  void schedule() {
    if (!scheduled_) {
      scheduled_ = true;
      home_.post([this, alive = alive_] {
        if (*alive) {
          turn();
        }
      });
    }
  }
  void turn() {
    scheduled_ = false;
    if (finished_) {
      const Step step = running_.take();
      running_ = {};
      make_ = {};
      busy_ = finished_ = false;
      if (!step) {
        on_error_(step.error());
      }
    }
    if (busy_ || queue_.empty()) {
      return;
    }
    Event event = std::move(queue_.front());
    queue_.pop_front();
    names_.erase(event.name);
    busy_ = true;
    make_ = std::move(event.make);  // the coroutine may use what the maker has captured
    running_ = make_();
    running_.start([this] {
      finished_ = true;
      schedule();
    });
  }

  Executor& home_;
  const std::function<void(const zk::StoreError&)> on_error_;
  std::deque<Event> queue_;
  std::set<std::string> names_;
  Make make_;
  Async<Step> running_;
  bool busy_ = false;
  bool finished_ = false;
  bool scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace barnabas::controller
