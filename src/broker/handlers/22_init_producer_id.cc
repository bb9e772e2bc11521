// InitProducerId (key 22), versions 0 to 5: a producer id for plain idempotence, or the next epoch
// of a transactional id, which its coordinator gives. Rules: KafkaApis.handleInitProducerIdRequest
// of Kafka 3.9.1.
#include <optional>
#include <utility>

#include "barnabas/protocol/gen/init_producer_id.h"
#include "group_answers.h"
#include "handler_table.h"
#include "producer_ids.h"
#include "transaction_service.h"

namespace barnabas::broker {
namespace {

using coordinator::InitializedProducer;
using coordinator::ProducerIdAndEpoch;
using protocol::InitProducerIdResponse;

constexpr std::int16_t kFirstWithFenced = 4;

InitProducerIdResponse response_of(const InitializedProducer& initialized) {
  InitProducerIdResponse response;
  response.error_code = static_cast<std::int16_t>(initialized.error);
  response.producer_id = initialized.producer.id.value();
  response.producer_epoch = initialized.producer.epoch.value();
  return response;
}

// Older clients do not know PRODUCER_FENCED.
void adapt(InitializedProducer& initialized, std::int16_t version) {
  if (initialized.error == ErrorCode::kProducerFenced && version < kFirstWithFenced) {
    initialized.error = ErrorCode::kInvalidProducerEpoch;
  }
}

void init_idempotent(RequestContext& context) {
  context.services.producer_ids.next(
      context.connection.home(), [pending = context.pending()](barnabas::Result<ProducerId> id) {
        pending.send(response_of(id ? InitializedProducer{ErrorCode::kNone, {*id, ProducerEpoch(0)}}
                                    : InitializedProducer{id.error().code, {}}));
      });
}

void init_transactional(RequestContext& context, protocol::InitProducerIdRequest request) {
  std::optional<ProducerIdAndEpoch> expected;
  if (request.producer_id != kNoProducerId.value()) {
    expected = {ProducerId(request.producer_id), ProducerEpoch(request.producer_epoch)};
  }
  context.services.transactions.coordinator().init_producer_id(
      std::move(*request.transactional_id), request.transaction_timeout_ms, expected,
      [pending = context.pending()](InitializedProducer initialized) mutable {
        Executor& home = pending.home();
        home.post([pending = std::move(pending), initialized]() mutable {
          adapt(initialized, pending.version());
          pending.send(response_of(initialized));
        });
      });
}

}  // namespace

void handle_init_producer_id(RequestContext& context, protocol::Reader& body) {
  protocol::InitProducerIdRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  const bool has_id = request.producer_id != kNoProducerId.value();
  const bool has_epoch = request.producer_epoch != kNoProducerEpoch.value();
  if (has_id != has_epoch) {
    context.answer(response_of({ErrorCode::kInvalidRequest, {}}));
  } else if (request.transactional_id) {
    init_transactional(context, std::move(request));
  } else {
    init_idempotent(context);
  }
}

}  // namespace barnabas::broker
