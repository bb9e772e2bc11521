// DescribeLogDirs (key 35), versions 0 to 4: the log dirs, the space on their disks, and the
// replicas that lie in them. Asks the file system, so it runs on the disk pool.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/protocol/gen/describe_log_dirs.h"
#include "barnabas/storage/log_manager.h"
#include "handler_table.h"
#include "thread_state.h"

namespace barnabas::broker {
namespace {

using protocol::DescribeLogDirsRequest;
using protocol::DescribeLogDirsResponse;
using DirAnswer = DescribeLogDirsResponse::DescribeLogDirsResult;
using PartitionAnswer = DescribeLogDirsResponse::DescribeLogDirsPartition;
using Wanted = std::optional<std::set<TopicPartition>>;  // none: all

Wanted wanted_partitions(const DescribeLogDirsRequest& request) {
  if (!request.topics) {
    return std::nullopt;
  }
  Wanted wanted(std::in_place);
  for (const auto& topic : *request.topics) {
    for (const std::int32_t index : topic.partitions) {
      wanted->insert({topic.topic, PartitionId(index)});
    }
  }
  return wanted;
}

PartitionAnswer describe(const replication::ReplicaTable& replicas, const storage::Log& log) {
  const TopicPartition& name = log.topic_partition();
  PartitionAnswer answer;
  answer.partition_index = name.partition.value();
  answer.partition_size = static_cast<std::int64_t>(log.size_bytes());
  const auto partition = replicas.share(name.topic, name.partition);
  // A log that no partition has opened yet has no high watermark to be behind of.
  answer.offset_lag = -1;
  if (partition != nullptr) {
    const auto view = partition->view();
    answer.offset_lag =
        std::max<std::int64_t>(view.high_watermark.value() - log.end_offset().value(), 0);
  }
  answer.is_future_key = false;
  return answer;
}

DescribeLogDirsResponse answer_all(const storage::LogManager& logs,
                                   const replication::ReplicaTable& replicas,
                                   const Wanted& wanted) {
  std::map<std::string, std::map<std::string, std::vector<PartitionAnswer>>> by_dir;
  for (const auto& log : logs.logs()) {
    const TopicPartition& name = log->topic_partition();
    if (!wanted || wanted->contains(name)) {
      by_dir[log->log_dir()][name.topic].push_back(describe(replicas, *log));
    }
  }
  DescribeLogDirsResponse response;
  for (const auto& usage : logs.log_dir_usage()) {
    DirAnswer& dir = response.results.emplace_back();
    dir.log_dir = usage.path;
    if (!usage.online) {
      dir.error_code = static_cast<std::int16_t>(ErrorCode::kKafkaStorageError);
      continue;
    }
    dir.total_bytes = static_cast<std::int64_t>(usage.total_bytes);
    dir.usable_bytes = static_cast<std::int64_t>(usage.usable_bytes);
    for (auto& [topic, partitions] : by_dir[usage.path]) {
      auto& entry = dir.topics.emplace_back();
      entry.name = topic;
      entry.partitions = std::move(partitions);
    }
  }
  return response;
}

}  // namespace

void handle_describe_log_dirs(RequestContext& context, protocol::Reader& body) {
  DescribeLogDirsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  context.thread.gather().flush();
  context.services.disk.post([&logs = context.services.logs, wanted = wanted_partitions(request),
                              replicas = context.services.replicas.table(),
                              pending = context.pending()]() mutable {
    auto response = std::make_shared<DescribeLogDirsResponse>(answer_all(logs, *replicas, wanted));
    Executor& home = pending.home();
    home.post([pending = std::move(pending), response = std::move(response)] {
      pending.send(*response);
    });
  });
}

}  // namespace barnabas::broker
