// Transactional batches of a produce request: whether they may be appended at once, or the
// transaction's coordinator is to be asked first.
// Rules: ReplicaManager.handleProduceAppend of Kafka 3.9.1.
// THREAD: home (the connection's)
#pragma once

#include <functional>
#include <optional>

#include "barnabas/base/result.h"
#include "produce_gather.h"
#include "request_context.h"

namespace barnabas::broker {

// The error of a request that speaks for more than one producer.
[[nodiscard]] std::optional<Error> judge_transaction(const ProduceCall& call);

// Sets the guards of partitions that have to be verified, and their outcome where the coordinator
// says no. False: nothing is to be asked. True: the records are copied, the connection is held, and
// `go_on` is called when the answer is there, unless the thread's state is gone by then.
[[nodiscard]] bool verify_produce(RequestContext& context, ProduceCall& call,
                                  std::move_only_function<void()> go_on);

}  // namespace barnabas::broker
