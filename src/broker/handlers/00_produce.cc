// Produce (key 0), versions 0 to 11. Records pass through as bytes: one batch of magic 2 for each
// partition is checked and stamped where it was received. Message sets of magic 0 and 1, which
// versions 0 to 2 bring, and batches of a codec that the topic does not want are written anew.
#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "barnabas/metadata/topic_name.h"
#include "barnabas/protocol/gen/produce.h"
#include "barnabas/record/batch.h"
#include "handler_table.h"
#include "produce_gather.h"
#include "produce_verification.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

constexpr std::string_view kAdminClient = "__admin_client";  // may write to internal topics
constexpr std::int16_t kFirstOfOneBatch = 3;

bool is_transactional(const protocol::Records& records) {
  return records.bytes().size() >= record::kBatchOverhead &&
         record::BatchView(records.bytes()).magic() == record::kMagicV2 &&
         record::BatchView(records.bytes()).is_transactional();
}

// Kafka's parser cannot even cut the batch out: the length is below any record's, or the magic is
// none. A batch that can be cut out and is corrupt all the same is one partition's trouble.
bool is_unparsable(const protocol::Records& records) {
  const ByteView bytes = records.bytes();
  if (bytes.size() < record::kUpToMagic) {
    return false;
  }
  const record::BatchView batch(bytes);
  return batch.length() < record::kSmallestLength || batch.magic() < 0 ||
         batch.magic() > record::kMagicV2;
}

// Kafka keeps the partitions of a request in a map: the last one of a name counts, a topic without
// partitions is none.
bool is_plain(const protocol::ProduceRequest& request) {
  std::set<std::string_view> names;
  for (const auto& topic : request.topic_data) {
    const auto& partitions = topic.partition_data;
    const auto disorder = std::ranges::adjacent_find(
        partitions, [](const auto& a, const auto& b) { return a.index >= b.index; });
    const bool is_new = request.topic_data.size() == 1 || names.insert(topic.name).second;
    if (partitions.empty() || disorder != partitions.end() || !is_new) {
      return false;
    }
  }
  return true;
}

void make_plain(protocol::ProduceRequest& request) {
  std::vector<protocol::ProduceRequest::TopicProduceData> topics;
  for (auto& topic : request.topic_data) {
    for (auto& partition : topic.partition_data) {
      auto found =
          std::ranges::find(topics, topic.name, &protocol::ProduceRequest::TopicProduceData::name);
      if (found == topics.end()) {
        topics.emplace_back().name = topic.name;
        found = std::prev(topics.end());
      }
      const auto same = std::ranges::find(found->partition_data, partition.index,
                                          &protocol::ProduceRequest::PartitionProduceData::index);
      if (same == found->partition_data.end()) {
        found->partition_data.push_back(partition);
      } else {
        same->records = partition.records;
      }
    }
  }
  request.topic_data = std::move(topics);
}

// The error that the request as a whole gets, before any partition is looked at.
std::optional<Error> judge_request(const RequestContext& context, ProduceCall& call) {
  bool transactional = false;
  std::size_t place = 0;
  for (const auto& topic : call.request.topic_data) {
    for (const auto& partition : topic.partition_data) {
      ProduceOutcome& outcome = call.outcomes[place++];
      if (partition.records.is_null()) {
        outcome.batch_error = ErrorCode::kInvalidRecord;
        continue;
      }
      const MutableBytes records =
          protocol::writable_part(context.frame, partition.records.bytes());
      const auto batch = context.version() < kFirstOfOneBatch
                             ? record::message_set(records)
                             : record::single_batch(records, context.version());
      if (batch) {
        outcome.batch = *batch;
      } else if (is_unparsable(partition.records)) {
        return batch.error();  // Kafka's parser gives up on all of it
      } else {
        outcome.batch_error = batch.error().code;
      }
      transactional |= is_transactional(partition.records);
    }
  }
  if (transactional) {
    if (!call.request.transactional_id) {
      return Error{ErrorCode::kTransactionalIdAuthorizationFailed, {}};
    }
    if (auto refused = judge_transaction(call)) {
      return refused;
    }
  }
  if (call.request.acks < -1 || call.request.acks > 1) {
    return Error{ErrorCode::kInvalidRequiredAcks, {}};
  }
  return std::nullopt;
}

// What a request may do and where it goes, also when it goes on after its frame is gone.
struct Target {
  ThreadState& thread;
  bool may_write_internal;
};

void add_partition(const Target& target, ProduceCall& call, std::size_t place,
                   const std::string& topic,
                   const protocol::ProduceRequest::PartitionProduceData& data) {
  ProduceOutcome& outcome = call.outcomes[place];
  const PartitionId id(data.index);
  replication::Partition* const partition = target.thread.replicas().find(topic, id);
  if (partition == nullptr) {
    const bool known = target.thread.metadata().partition(topic, id) != nullptr;
    outcome.error = known ? ErrorCode::kNotLeaderOrFollower : ErrorCode::kUnknownTopicOrPartition;
    return;
  }
  if (outcome.batch_error != ErrorCode::kNone) {
    outcome.error = outcome.batch_error;
    return;
  }
  if (metadata::is_internal_topic(topic) && !target.may_write_internal) {
    outcome.error = ErrorCode::kInvalidTopicException;
    return;
  }
  target.thread.gather().add(call, place, *partition, outcome.batch);
}

void add_all(const Target& target, ProduceCall& call) {
  std::size_t place = 0;
  for (const auto& topic : call.request.topic_data) {
    for (const auto& partition : topic.partition_data) {
      add_partition(target, call, place++, topic.name, partition);
    }
  }
  target.thread.gather().submit(call);
}

}  // namespace

void handle_produce(RequestContext& context, protocol::Reader& body) {
  ProduceGather& gather = context.thread.gather();
  ProduceCall& call = gather.begin(context);
  if (!context.decode(body, call.request)) {
    gather.give_back(call);
    return;
  }
  if (!is_plain(call.request)) {
    make_plain(call.request);
  }
  std::size_t count = 0;
  for (const auto& topic : call.request.topic_data) {
    count += topic.partition_data.size();
  }
  call.outcomes.resize(count);
  if (const auto refused = judge_request(context, call)) {
    for (auto& outcome : call.outcomes) {
      outcome.error = refused->code;
      if (!refused->message.empty()) {
        outcome.message = refused->message;
      }
    }
    gather.submit(call);
    return;
  }
  const Target target{context.thread, context.header.client_id == kAdminClient};
  const bool waits =
      call.request.transactional_id && verify_produce(context, call, [target, &call] {
        add_all(target, call);
        target.thread.end_train();
      });
  if (!waits) {
    add_all(target, call);
  }
}

}  // namespace barnabas::broker
