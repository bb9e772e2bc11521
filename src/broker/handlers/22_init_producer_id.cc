// InitProducerId (key 22), versions 0 to 5, for plain idempotence. A transactional id needs a
// transaction coordinator: this broker is none, and says so with the protocol's own error.
#include "barnabas/protocol/gen/init_producer_id.h"
#include "handler_table.h"
#include "producer_ids.h"

namespace barnabas::broker {

void handle_init_producer_id(RequestContext& context, protocol::Reader& body) {
  protocol::InitProducerIdRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  protocol::InitProducerIdResponse response;
  const auto refuse = [&](ErrorCode error) {
    response.error_code = static_cast<std::int16_t>(error);
    response.producer_id = kNoProducerId.value();
    response.producer_epoch = kNoProducerEpoch.value();
    context.answer(response);
  };
  const bool has_id = request.producer_id != kNoProducerId.value();
  const bool has_epoch = request.producer_epoch != kNoProducerEpoch.value();
  if (has_id != has_epoch || (request.transactional_id && request.transactional_id->empty())) {
    refuse(ErrorCode::kInvalidRequest);
    return;
  }
  if (request.transactional_id) {
    refuse(ErrorCode::kNotCoordinator);
    return;
  }
  context.services.producer_ids.next(
      context.connection.home(), [pending = context.pending()](barnabas::Result<ProducerId> id) {
        protocol::InitProducerIdResponse answer;
        if (id) {
          answer.producer_id = id->value();
          answer.producer_epoch = 0;
        } else {
          answer.error_code = static_cast<std::int16_t>(id.error().code);
          answer.producer_id = kNoProducerId.value();
          answer.producer_epoch = kNoProducerEpoch.value();
        }
        pending.send(answer);
      });
}

}  // namespace barnabas::broker
