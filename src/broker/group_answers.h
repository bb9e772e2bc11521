// Answers that the group coordinator gives on its own home or at once, on their way back to the
// connection's.
#pragma once

#include <algorithm>
#include <utility>

#include "request_context.h"

namespace barnabas::broker {

// A callback that sends its response from the connection's home; `adapt` first puts it into the
// form of the request's version.
template <typename Response, typename Adapt>
[[nodiscard]] auto answer_at_home(PendingAnswer pending, Adapt adapt) {
  return [pending = std::move(pending), adapt = std::move(adapt)](Response response) mutable {
    Executor& home = pending.home();
    if (home.is_current()) {
      adapt(response, pending.version());
      pending.send(response);
      return;
    }
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

// Partitions that were answered elsewhere, put into the coordinator's answer: one entry a topic.
template <typename Response>
void merge_topics(Response& into, Response from) {
  for (auto& topic : from.topics) {
    const auto same = std::ranges::find_if(
        into.topics, [&](const auto& other) { return other.name == topic.name; });
    if (same == into.topics.end()) {
      into.topics.push_back(std::move(topic));
    } else {
      same->partitions.insert(same->partitions.end(), topic.partitions.begin(),
                              topic.partitions.end());
    }
  }
}

}  // namespace barnabas::broker
