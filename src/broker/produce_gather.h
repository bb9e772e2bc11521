// Produce requests of one io thread: what is appended to one partition within a train of requests
// is gathered and written at the train's end with one append. Batches stay where they were received
// until then. Each request is answered when all of its partitions have an outcome, and with
// acks=all when the replicas have it. THREAD: home
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "barnabas/protocol/gen/produce.h"
#include "barnabas/record/validate.h"
#include "barnabas/replication/partition.h"
#include "request_context.h"

namespace barnabas::broker {

// What became of one partition of a request.
struct ProduceOutcome {
  // The one batch that was sent (before version 3 the messages, or none), or why it is none.
  MutableBytes batch;
  ErrorCode batch_error = ErrorCode::kNone;
  storage::VerificationGuard guard{0};  // of a batch that opens a transaction here

  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> message;  // on the wire only with record errors, as Kafka does
  std::vector<record::RecordError> record_errors;
  Offset base_offset = kNoOffset;
  Offset last_offset = kNoOffset;
  Offset log_start_offset = kNoOffset;
  std::int64_t log_append_time_ms = kNoTimestamp;
  std::shared_ptr<replication::Partition> partition;  // set while acks=all waits for it
};

// One request. Its memory is used again for later ones.
struct ProduceCall {
  std::optional<PendingAnswer> answer;
  protocol::ProduceRequest request;
  std::vector<ProduceOutcome> outcomes;  // topics and partitions in the request's order
  ByteVector owned;                      // the frame, where the batches outlive the request's
  std::size_t outstanding = 0;           // appends without an outcome, and one until submit()
};

class ProduceGather {
 public:
  ProduceGather(Services& services, Executor& home);
  ~ProduceGather();
  ProduceGather(const ProduceGather&) = delete;
  ProduceGather& operator=(const ProduceGather&) = delete;

  // An empty call, its request ready to be decoded into.
  [[nodiscard]] ProduceCall& begin(const RequestContext& context);
  void give_back(ProduceCall& call);
  // Checks one partition's records and gathers them; an outcome that is known now is set now.
  // `records` lie in the frame and stay valid until flush() returns. What has to be converted
  // (old messages, another codec) is written anew beside it; beyond kMaxConvertedTrain of that,
  // what was gathered so far is written early.
  void add(ProduceCall& call, std::size_t place, replication::Partition& partition,
           MutableBytes records);
  // All partitions have been added: answers now if nothing is outstanding.
  void submit(ProduceCall& call);
  // The end of the train: writes what was gathered and answers what is decided.
  void flush();

 private:
  struct Group;
  struct Waiting;
  friend struct Group;

  Group& group_of(replication::Partition& partition);
  // Checks `append.records`; where they are written anew, they lie in `group` afterwards.
  [[nodiscard]] Status prepare(storage::LeaderAppend& append, Group& group);
  void settle(Group& group);
  void settle_one(const storage::LeaderAppend& append, const Group& group, ProduceCall& call,
                  std::size_t place);
  void refuse(ProduceOutcome& outcome, const Error& error, const Group& group);
  void complete(ProduceCall& call);
  bool wait_for_replicas(ProduceCall& call);
  void send(ProduceCall& call);
  void fill_answer(const ProduceCall& call);
  [[nodiscard]] std::unique_ptr<Group> new_group();

  Services& services_;
  Executor& home_;
  record::RecordValidator validator_;
  std::size_t converted_bytes_ = 0;                  // in the open groups
  std::vector<std::unique_ptr<ProduceCall>> calls_;  // all of this thread
  std::vector<ProduceCall*> free_calls_;
  std::vector<std::unique_ptr<Group>> open_groups_;
  std::unordered_map<const replication::Partition*, std::size_t> group_index_;
  std::vector<std::unique_ptr<Group>> free_groups_;
  protocol::ProduceResponse response_;
  protocol::Writer writer_;
  // Queued groups come back by a post: it finds nobody once this is gone.
  std::shared_ptr<ProduceGather*> self_;
};

}  // namespace barnabas::broker
