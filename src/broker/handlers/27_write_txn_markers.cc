// WriteTxnMarkers (key 27), versions 0 and 1: what a transaction coordinator tells the leaders of a
// transaction's partitions at its end. Rules: KafkaApis.handleWriteTxnMarkersRequest of
// Kafka 3.9.1.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "barnabas/protocol/gen/write_txn_markers.h"
#include "handler_table.h"
#include "transaction_service.h"

namespace barnabas::broker {
namespace {

using protocol::WriteTxnMarkersRequest;
using protocol::WriteTxnMarkersResponse;

struct Call {
  explicit Call(PendingAnswer pending) : answer(std::move(pending)) {}

  void one_done() {
    if (--outstanding == 0) {
      answer.send(response);
    }
  }

  // One entry for each producer and topic, whatever number of markers it came in.
  void add(ProducerId producer, const TopicPartition& partition, ErrorCode error) {
    auto& markers = response.markers;
    auto marker = std::ranges::find(markers, producer.value(),
                                    &WriteTxnMarkersResponse::WritableTxnMarkerResult::producer_id);
    if (marker == markers.end()) {
      markers.emplace_back().producer_id = producer.value();
      marker = std::prev(markers.end());
    }
    auto topic = std::ranges::find(marker->topics, partition.topic,
                                   &WriteTxnMarkersResponse::WritableTxnMarkerTopicResult::name);
    if (topic == marker->topics.end()) {
      marker->topics.emplace_back().name = partition.topic;
      topic = std::prev(marker->topics.end());
    }
    auto& to = topic->partitions.emplace_back();
    to.partition_index = partition.partition.value();
    to.error_code = static_cast<std::int16_t>(error);
  }

  PendingAnswer answer;
  WriteTxnMarkersResponse response;
  std::size_t outstanding = 1;  // one for the loop that begins them
};

}  // namespace

void handle_write_txn_markers(RequestContext& context, protocol::Reader& body) {
  WriteTxnMarkersRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  auto call = std::make_shared<Call>(context.pending());
  for (const auto& from : request.markers) {
    coordinator::TransactionMarker marker;
    marker.producer = {ProducerId(from.producer_id), ProducerEpoch(from.producer_epoch)};
    marker.commit = from.transaction_result;
    marker.coordinator_epoch = LeaderEpoch(from.coordinator_epoch);
    for (const auto& topic : from.topics) {
      for (const std::int32_t partition : topic.partition_indexes) {
        marker.partitions.push_back({topic.name, PartitionId(partition)});
      }
    }
    ++call->outstanding;
    auto partitions = marker.partitions;
    context.services.transactions.write_marker(
        std::move(marker),
        [call, producer = ProducerId(from.producer_id),
         partitions = std::move(partitions)](std::vector<ErrorCode> errors) mutable {
          Executor& home = call->answer.home();
          home.post(
              [call, producer, partitions = std::move(partitions), errors = std::move(errors)] {
                for (std::size_t i = 0; i < partitions.size(); ++i) {
                  call->add(producer, partitions[i], errors[i]);
                }
                call->one_done();
              });
        });
  }
  call->one_done();
}

}  // namespace barnabas::broker
