#include "request_context.h"

#include <fmt/format.h>

#include "barnabas/base/logging.h"
#include "thread_state.h"

namespace barnabas::broker {

bool PendingAnswer::check(const Status& encoded) const {
  if (encoded) [[likely]] {
    return true;
  }
  logging::logger("broker").error("cannot encode the answer to {} v{} correlation {}: {}",
                                  api_->name, version_, correlation_id_, encoded.error().message);
  connection_->answer_nothing(slot_);
  connection_->close("an answer could not be encoded");
  return false;
}

bool RequestContext::check_body(const Status& decoded) const {
  if (decoded) [[likely]] {
    return true;
  }
  connection.answer_nothing(slot);
  connection.close(fmt::format("{} v{} from client {} does not parse: {}", api.name, version(),
                               header.client_id.value_or("(none)"), decoded.error().message));
  return false;
}

protocol::Writer& RequestContext::writer() const {
  return thread.writer();
}

}  // namespace barnabas::broker
