// OffsetCommit (key 8), versions 0 to 9. Partitions that do not exist are answered here; the rest
// is the coordinator's, but for version 0, whose offsets live in the metadata tree.
#include <algorithm>
#include <memory>
#include <utility>

#include "barnabas/base/java_length.h"
#include "barnabas/protocol/gen/offset_commit.h"
#include "group_answers.h"
#include "handler_table.h"
#include "thread_state.h"
#include "tree_offsets.h"

namespace barnabas::broker {
namespace {

using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;

// Takes out what does not exist and says so in the answer.
OffsetCommitResponse take_out_unknown(const metadata::ClusterSnapshot& cluster,
                                      OffsetCommitRequest& request) {
  OffsetCommitResponse refused;
  std::vector<OffsetCommitRequest::OffsetCommitRequestTopic> known;
  for (auto& topic : request.topics) {
    const auto* const info = cluster.topic(topic.name);
    OffsetCommitRequest::OffsetCommitRequestTopic good;
    OffsetCommitResponse::OffsetCommitResponseTopic bad;
    for (auto& partition : topic.partitions) {
      if (info != nullptr && info->partition(PartitionId(partition.partition_index)) != nullptr) {
        good.partitions.push_back(std::move(partition));
      } else {
        auto& entry = bad.partitions.emplace_back();
        entry.partition_index = partition.partition_index;
        entry.error_code = static_cast<std::int16_t>(ErrorCode::kUnknownTopicOrPartition);
      }
    }
    if (!bad.partitions.empty()) {
      bad.name = topic.name;
      refused.topics.push_back(std::move(bad));
    }
    if (!good.partitions.empty()) {
      good.name = std::move(topic.name);
      known.push_back(std::move(good));
    }
  }
  request.topics = std::move(known);
  return refused;
}

Offset committed_offset(const OffsetCommitRequest& request, const TopicPartition& tp) {
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      if (topic.name == tp.topic && partition.partition_index == tp.partition.value()) {
        return Offset(partition.committed_offset);
      }
    }
  }
  return kNoOffset;
}

// Version 0: each offset is a node of the tree, and all of them are awaited.
struct TreeCommit {
  OffsetCommitResponse response;
  std::size_t outstanding = 0;
  PendingAnswer answer;
};

void commit_to_tree(RequestContext& context, const OffsetCommitRequest& request,
                    OffsetCommitResponse refused) {
  const auto longest = static_cast<std::size_t>(
      std::max(context.services.config.get_int("offset.metadata.max.bytes"), 0));
  auto commit = std::make_shared<TreeCommit>(
      TreeCommit{std::move(refused), 1, context.pending()});  // one for this loop
  const auto one_done = [](TreeCommit& whole) {
    if (--whole.outstanding == 0) {
      whole.answer.send(whole.response);
    }
  };
  OffsetCommitResponse written;
  for (const auto& topic : request.topics) {
    auto& to = written.topics.emplace_back();
    to.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& entry = to.partitions.emplace_back();
      entry.partition_index = partition.partition_index;
      if (partition.committed_metadata && java_length(*partition.committed_metadata) > longest) {
        entry.error_code = static_cast<std::int16_t>(ErrorCode::kOffsetMetadataTooLarge);
      }
    }
  }
  merge_topics(commit->response, std::move(written));
  for (std::size_t t = 0; t < commit->response.topics.size(); ++t) {
    auto& topic = commit->response.topics[t];
    for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
      if (topic.partitions[p].error_code != 0) {
        continue;
      }
      const TopicPartition tp{topic.name, PartitionId(topic.partitions[p].partition_index)};
      ++commit->outstanding;
      context.services.tree_offsets.put(request.group_id, tp, committed_offset(request, tp),
                                        [commit, t, p, one_done](const Status& status) {
                                          Executor& home = commit->answer.home();
                                          const ErrorCode error =
                                              status ? ErrorCode::kNone : status.error().code;
                                          home.post([commit, t, p, error, one_done] {
                                            commit->response.topics[t].partitions[p].error_code =
                                                static_cast<std::int16_t>(error);
                                            one_done(*commit);
                                          });
                                        });
    }
  }
  one_done(*commit);
}

}  // namespace

void handle_offset_commit(RequestContext& context, protocol::Reader& body) {
  OffsetCommitRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  OffsetCommitResponse refused = take_out_unknown(context.thread.metadata(), request);
  if (request.topics.empty()) {
    context.answer(refused);
    return;
  }
  if (context.version() == 0) {
    commit_to_tree(context, request, std::move(refused));
    return;
  }
  context.services.groups.commit_offsets(
      std::move(request), std::nullopt,
      answer_at_home<OffsetCommitResponse>(
          context.pending(),
          [refused = std::move(refused)](OffsetCommitResponse& response, std::int16_t) mutable {
            merge_topics(response, std::move(refused));
          }),
      context.version());
}

}  // namespace barnabas::broker
