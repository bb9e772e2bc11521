// Coroutines for work that waits for the store: an event handler reads from top to bottom although
// every step is answered later. Nothing here knows threads: a coroutine goes on wherever the
// callback it waits for runs, which for the store is its home.
//
// Async<T> starts when it is awaited (or started) and owns its frame: destroying it in the middle
// destroys what it awaits too, and callbacks that still come find nobody. Exceptions do not cross.
// THREAD: home
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "barnabas/base/check.h"

namespace barnabas::controller {

template <typename T>
class [[nodiscard]] Async;

namespace async_detail {

struct FinalAwaiter {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <typename Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) const noexcept {
    Promise& promise = done.promise();
    if (promise.on_done) {
      promise.on_done();
    }
    return promise.continuation ? promise.continuation : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::move_only_function<void()> on_done;  // of one that was started, not awaited

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept {
    check_failed(__FILE__, __LINE__, "no exception", "an exception left a coroutine");
  }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Async<T> get_return_object();
  void return_value(T result) { value.emplace(std::move(result)); }
};

template <>
struct Promise<void> : PromiseBase {
  Async<void> get_return_object();
  void return_void() const noexcept {}
};

}  // namespace async_detail

template <typename T>
class [[nodiscard]] Async {
 public:
  using promise_type = async_detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Async() = default;
  explicit Async(Handle handle) : handle_(handle) {}
  Async(Async&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Async& operator=(Async&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Async() { reset(); }

  // Runs it until it waits; `on_done` is called when it has ended. Do not destroy it from there.
  void start(std::move_only_function<void()> on_done) {
    handle_.promise().on_done = std::move(on_done);
    handle_.resume();
  }
  [[nodiscard]] T take() { return std::move(*handle_.promise().value); }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) {
    handle_.promise().continuation = waiting;
    return handle_;
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) {
      return take();
    }
  }

 private:
  void reset() {
    if (handle_) {
      std::exchange(handle_, {}).destroy();
    }
  }
  Handle handle_;
};

namespace async_detail {

template <typename T>
Async<T> Promise<T>::get_return_object() {
  return Async<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Async<void> Promise<void>::get_return_object() {
  return Async<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

}  // namespace async_detail

// Awaits a call that takes a callback: `start` is given the callback when the coroutine has
// suspended. The callback must not run inside `start`.
template <typename T>
class CallbackAwaiter {
 public:
  using Callback = std::move_only_function<void(T)>;
  explicit CallbackAwaiter(std::move_only_function<void(Callback)> start)
      : start_(std::move(start)) {}
  CallbackAwaiter(const CallbackAwaiter&) = delete;
  CallbackAwaiter& operator=(const CallbackAwaiter&) = delete;
  ~CallbackAwaiter() { state_->waiting = {}; }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    state_->waiting = waiting;
    start_([state = state_](T result) {
      if (state->waiting) {
        state->result.emplace(std::move(result));
        std::exchange(state->waiting, {}).resume();
      }
    });
  }
  T await_resume() { return std::move(*state_->result); }

 private:
  struct State {
    std::coroutine_handle<> waiting;
    std::optional<T> result;
  };
  std::move_only_function<void(Callback)> start_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace barnabas::controller
