// Runs `ask` on `home` and waits for what it answers: for start-up and stop, never on a home.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <utility>

#include "barnabas/base/executor.h"
#include "barnabas/base/result.h"

namespace barnabas::broker {

template <typename T>
Result<T> ask_and_wait(
    Executor& home, std::move_only_function<void(std::move_only_function<void(Result<T>)>)> ask) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto answer = promise->get_future();
  home.post([ask = std::move(ask), promise]() mutable {
    ask([promise](Result<T> result) { promise->set_value(std::move(result)); });
  });
  return answer.get();
}

}  // namespace barnabas::broker
