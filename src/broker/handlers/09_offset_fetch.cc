// OffsetFetch (key 9), versions 0 to 9: one group, since version 8 any number of them. The offsets
// of version 0 live in the metadata tree.
#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "barnabas/protocol/gen/offset_fetch.h"
#include "group_answers.h"
#include "handler_table.h"
#include "thread_state.h"
#include "tree_offsets.h"

namespace barnabas::broker {
namespace {

using coordinator::GroupCoordinator;
using protocol::OffsetFetchRequest;
using protocol::OffsetFetchResponse;

constexpr std::int16_t kFirstWithGroupError = 2;
constexpr std::int16_t kFirstBatched = 8;

std::vector<GroupCoordinator::OffsetFetchGroup> groups_of(OffsetFetchRequest& request,
                                                          std::int16_t version) {
  if (version >= kFirstBatched) {
    return std::move(request.groups);
  }
  std::vector<GroupCoordinator::OffsetFetchGroup> groups(1);
  groups[0].group_id = request.group_id;
  groups[0].topics.reset();
  if (request.topics) {
    auto& topics = groups[0].topics.emplace();
    for (const auto& topic : *request.topics) {
      auto& to = topics.emplace_back();
      to.name = topic.name;
      to.partition_indexes = topic.partition_indexes;
    }
  }
  return groups;
}

OffsetFetchResponse single(GroupCoordinator::FetchedGroup group, const OffsetFetchRequest& request,
                           std::int16_t version) {
  OffsetFetchResponse response;
  response.error_code = group.error_code;
  for (auto& topic : group.topics) {
    auto& to = response.topics.emplace_back();
    to.name = std::move(topic.name);
    for (auto& partition : topic.partitions) {
      auto& entry = to.partitions.emplace_back();
      entry.partition_index = partition.partition_index;
      entry.committed_offset = partition.committed_offset;
      entry.committed_leader_epoch = partition.committed_leader_epoch;
      entry.metadata = std::move(partition.metadata);
      entry.error_code = partition.error_code;
    }
  }
  if (version >= kFirstWithGroupError || group.error_code == 0 || !request.topics) {
    return response;
  }
  // Version 1 has no place for the group's error but every partition.
  for (const auto& topic : *request.topics) {
    auto& to = response.topics.emplace_back();
    to.name = topic.name;
    for (const std::int32_t index : topic.partition_indexes) {
      auto& entry = to.partitions.emplace_back();
      entry.partition_index = index;
      entry.committed_offset = -1;
      entry.metadata = "";
      entry.error_code = group.error_code;
    }
  }
  return response;
}

// Version 0: one node of the tree for each partition. No offset is no partition.
struct TreeFetch {
  OffsetFetchResponse response;
  std::size_t outstanding = 0;
  PendingAnswer answer;
};

// What is asked, as if nothing of it existed. As in Kafka a partition is answered once, however
// often it is named, and a topic without any is not.
std::vector<OffsetFetchResponse::OffsetFetchResponseTopic> each_partition_once(
    const OffsetFetchRequest& request) {
  std::vector<OffsetFetchResponse::OffsetFetchResponseTopic> topics;
  std::set<TopicPartition> seen;
  if (!request.topics) {
    return topics;
  }
  for (const auto& topic : *request.topics) {
    for (const std::int32_t index : topic.partition_indexes) {
      if (!seen.emplace(topic.name, PartitionId(index)).second) {
        continue;
      }
      auto to = std::ranges::find(topics, topic.name,
                                  &OffsetFetchResponse::OffsetFetchResponseTopic::name);
      if (to == topics.end()) {
        to = topics.emplace(topics.end());
        to->name = topic.name;
      }
      auto& entry = to->partitions.emplace_back();
      entry.partition_index = index;
      entry.committed_offset = kNoOffset.value();
      entry.metadata = "";
      entry.error_code = static_cast<std::int16_t>(ErrorCode::kUnknownTopicOrPartition);
    }
  }
  return topics;
}

void fetch_from_tree(RequestContext& context, const OffsetFetchRequest& request) {
  auto fetch = std::make_shared<TreeFetch>(TreeFetch{{}, 1, context.pending()});
  const auto one_done = [](TreeFetch& whole) {
    if (--whole.outstanding == 0) {
      whole.answer.send(whole.response);
    }
  };
  fetch->response.topics = each_partition_once(request);
  std::vector<std::pair<std::size_t, std::size_t>> known;
  for (std::size_t t = 0; t < fetch->response.topics.size(); ++t) {
    const auto& topic = fetch->response.topics[t];
    for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
      const PartitionId index(topic.partitions[p].partition_index);
      if (context.thread.metadata().partition(topic.name, index) != nullptr) {
        known.emplace_back(t, p);
      }
    }
  }
  for (const auto& [t, p] : known) {
    const auto& topic = fetch->response.topics[t];
    ++fetch->outstanding;
    context.services.tree_offsets.get(
        request.group_id, {topic.name, PartitionId(topic.partitions[p].partition_index)},
        [fetch, t = t, p = p, one_done](TreeOffsets::Found found) {
          Executor& home = fetch->answer.home();
          home.post([fetch, t, p, found = std::move(found), one_done] {
            auto& entry = fetch->response.topics[t].partitions[p];
            if (!found) {
              entry.error_code = static_cast<std::int16_t>(found.error().code);
            } else if (*found) {
              entry.committed_offset = (*found)->value();
              entry.error_code = 0;
            }
            one_done(*fetch);
          });
        });
  }
  one_done(*fetch);
}

}  // namespace

void handle_offset_fetch(RequestContext& context, protocol::Reader& body) {
  OffsetFetchRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  const std::int16_t version = context.version();
  if (version == 0) {
    fetch_from_tree(context, request);
    return;
  }
  auto groups = groups_of(request, version);
  auto send = answer_at_home<OffsetFetchResponse>(context.pending());
  const bool require_stable = request.require_stable;
  context.services.groups.fetch_offsets(
      std::move(groups), require_stable,
      [send = std::move(send), request = std::move(request),
       version](std::vector<GroupCoordinator::FetchedGroup> fetched) mutable {
        OffsetFetchResponse response;
        if (version >= kFirstBatched) {
          response.groups = std::move(fetched);
        } else {
          response = single(std::move(fetched.front()), request, version);
        }
        send(std::move(response));
      });
}

}  // namespace barnabas::broker
