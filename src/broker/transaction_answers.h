// What handlers of transactional requests share: errors in the form that a version knows, and
// answers on their way back to the connection's home.
#pragma once

#include <cstdint>
#include <utility>

#include "request_context.h"

namespace barnabas::broker {

// Before version 2 of their requests clients do not know PRODUCER_FENCED.
[[nodiscard]] inline ErrorCode transaction_error(ErrorCode error, std::int16_t version) {
  return error == ErrorCode::kProducerFenced && version < 2 ? ErrorCode::kInvalidProducerEpoch
                                                            : error;
}

// Sends a response that is an error code and nothing else.
template <typename Response>
[[nodiscard]] auto answer_error_at_home(PendingAnswer pending) {
  return [pending = std::move(pending)](ErrorCode error) mutable {
    Executor& home = pending.home();
    home.post([pending = std::move(pending), error]() mutable {
      Response response;
      response.error_code = static_cast<std::int16_t>(transaction_error(error, pending.version()));
      pending.send(response);
    });
  };
}

}  // namespace barnabas::broker
