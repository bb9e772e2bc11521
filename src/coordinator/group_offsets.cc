#include "group_offsets.h"

#include <algorithm>
#include <utility>

namespace barnabas::coordinator {

const CommittedOffset* GroupOffsets::find(std::string_view topic, PartitionId partition) const {
  const auto partitions = committed_.find(topic);
  if (partitions == committed_.end()) {
    return nullptr;
  }
  const auto found = partitions->second.find(partition);
  return found == partitions->second.end() ? nullptr : &found->second;
}

bool GroupOffsets::is_unstable(std::string_view topic, PartitionId partition) const {
  if (pending_.empty() && transactions_.empty()) {
    return false;
  }
  const TopicPartition tp{std::string(topic), partition};
  return pending_.contains(tp) || std::ranges::any_of(transactions_, [&](const auto& transaction) {
           return transaction.second.contains(tp);
         });
}

std::vector<ProducerId> GroupOffsets::transactions() const {
  std::vector<ProducerId> producers;
  for (const auto& [producer, transaction] : transactions_) {
    producers.push_back(producer);
  }
  return producers;
}

void GroupOffsets::begin(const TopicPartition& tp) {
  ++pending_[tp];
}

void GroupOffsets::fail(const TopicPartition& tp) {
  const auto found = pending_.find(tp);
  if (found != pending_.end() && --found->second == 0) {
    pending_.erase(found);
  }
}

void GroupOffsets::end(const TopicPartition& tp, CommittedOffset value) {
  if (pending_.contains(tp)) {  // else it was deleted meanwhile
    put(tp, std::move(value));
  }
  fail(tp);
}

void GroupOffsets::begin(ProducerId producer, const TopicPartition& tp) {
  ++transactions_[producer][tp].outstanding;
}

void GroupOffsets::end(ProducerId producer, const TopicPartition& tp, CommittedOffset value) {
  const auto transaction = transactions_.find(producer);
  if (transaction == transactions_.end()) {
    return;
  }
  const auto found = transaction->second.find(tp);
  if (found != transaction->second.end()) {
    --found->second.outstanding;
    found->second.written = std::move(value);
  }
}

void GroupOffsets::fail(ProducerId producer, const TopicPartition& tp) {
  const auto transaction = transactions_.find(producer);
  if (transaction == transactions_.end()) {
    return;
  }
  const auto found = transaction->second.find(tp);
  if (found != transaction->second.end()) {
    --found->second.outstanding;
    drop_if_done(producer, tp);
  }
}

void GroupOffsets::drop_if_done(ProducerId producer, const TopicPartition& tp) {
  Transaction& transaction = transactions_.at(producer);
  const InTransaction& entry = transaction.at(tp);
  if (entry.outstanding <= 0 && !entry.written) {
    transaction.erase(tp);
    if (transaction.empty()) {
      transactions_.erase(producer);
    }
  }
}

void GroupOffsets::complete(ProducerId producer, bool commit) {
  auto node = transactions_.extract(producer);
  if (node.empty() || !commit) {
    return;
  }
  for (auto& [tp, entry] : node.mapped()) {
    if (entry.written) {
      put(tp, std::move(*entry.written));
    }
  }
}

void GroupOffsets::put(const TopicPartition& tp, CommittedOffset value) {
  auto& partitions = committed_[tp.topic];
  const auto found = partitions.find(tp.partition);
  if (found == partitions.end()) {
    partitions.emplace(tp.partition, std::move(value));
  } else if (found->second.record_offset <= value.record_offset) {
    found->second = std::move(value);
  }
}

bool GroupOffsets::erase(const TopicPartition& tp) {
  const auto partitions = committed_.find(tp.topic);
  if (partitions == committed_.end()) {
    return false;
  }
  const bool found = partitions->second.erase(tp.partition) > 0;
  if (partitions->second.empty()) {
    committed_.erase(partitions);
  }
  pending_.erase(tp);
  return found;
}

void GroupOffsets::forget_in_transactions(const TopicPartition& tp) {
  for (auto& [producer, transaction] : transactions_) {
    transaction.erase(tp);
  }
  std::erase_if(transactions_, [](const auto& one) { return one.second.empty(); });
}

std::vector<TopicPartition> GroupOffsets::old(const OldPredicate& is_old) const {
  std::vector<TopicPartition> result;
  for (const auto& [topic, partitions] : committed_) {
    for (const auto& [partition, value] : partitions) {
      TopicPartition tp{topic, partition};
      if (is_old(topic, value) && !pending_.contains(tp)) {
        result.push_back(std::move(tp));
      }
    }
  }
  return result;
}

}  // namespace barnabas::coordinator
