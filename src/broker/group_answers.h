// Answers that the group coordinator gives on its own home, on their way back to the connection's.
#pragma once

#include <utility>

#include "request_context.h"

namespace barnabas::broker {

// A callback that sends its response from the connection's home; `adapt` first puts it into the
// form of the request's version.
template <typename Response, typename Adapt>
[[nodiscard]] auto answer_at_home(PendingAnswer pending, Adapt adapt) {
  return [pending = std::move(pending), adapt = std::move(adapt)](Response response) mutable {
    Executor& home = pending.home();
    home.post([pending = std::move(pending), adapt = std::move(adapt),
               response = std::move(response)]() mutable {
      adapt(response, pending.version());
      pending.send(response);
    });
  };
}

template <typename Response>
[[nodiscard]] auto answer_at_home(PendingAnswer pending) {
  return answer_at_home<Response>(std::move(pending), [](Response&, std::int16_t) {});
}

}  // namespace barnabas::broker
