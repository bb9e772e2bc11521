// Who wants to know which partitions this broker begins and ceases to lead, and which are deleted:
// coordinators.
#pragma once

#include <vector>

#include "barnabas/base/ids.h"

namespace barnabas::broker {

class LeadershipListener {
 public:
  virtual ~LeadershipListener() = default;
  // After the controller's order was carried out, in the order of orders. THREAD: disk
  virtual void on_leader(const TopicPartition& partition, LeaderEpoch epoch) = 0;
  // Another broker leads it, or it is gone from here.
  virtual void on_follower(const TopicPartition& partition, LeaderEpoch epoch) = 0;
  // Their topics were deleted from the cluster. THREAD: the metadata home
  virtual void on_deleted(std::vector<TopicPartition> partitions) = 0;
};

}  // namespace barnabas::broker
