// The groups of which a heartbeat can say nothing but that a member lives: stable ones, without
// static members. Their heartbeats are taken here, on whatever thread they come, so that thousands
// of members do not wake the coordinator's home every three seconds each; the home collects them
// before it asks a group who has not been heard of, and before anything else happens to the group.
//
// Life cycle: the home publishes a group's pulse when it has become stable and takes it down again
// before any event that could change the group. A heartbeat that meets the taking down goes to the
// home as every other does: it is either collected or told so (see beat()).
// THREAD: beat() any; the rest home
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "barnabas/base/clock.h"
#include "barnabas/base/string_hash.h"
#include "barnabas/base/thread_annotations.h"

namespace barnabas::coordinator {

// The members of one generation, and when each was heard of last.
class GroupPulse {
 public:
  // `members` in ascending order.
  GroupPulse(std::int32_t generation, std::vector<std::string> members)
      : generation_(generation), members_(std::move(members)), beats_(members_.size()) {}

  // False: nothing was taken note of; the home is to be asked.
  [[nodiscard]] bool beat(std::string_view member, std::int32_t generation, MonotonicTime now);
  // From here on every beat() says no.
  void end() { ended_.store(true); }
  // Every member that was heard of since the last time.
  void collect(const std::function<void(std::string_view, MonotonicTime)>& heard);

 private:
  static constexpr MonotonicTime::rep kSilent = 0;
  const std::int32_t generation_;
  const std::vector<std::string> members_;
  std::vector<std::atomic<MonotonicTime::rep>> beats_;
  std::atomic<bool> ended_{false};
};

class HeartbeatBoard {
 public:
  [[nodiscard]] bool beat(std::string_view group, std::string_view member, std::int32_t generation,
                          MonotonicTime now);
  void publish(const std::string& group, std::shared_ptr<GroupPulse> pulse);
  void take_down(std::string_view group);

 private:
  static constexpr std::size_t kStripes = 16;
  struct Stripe {
    Mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<GroupPulse>, StringHash, std::equal_to<>> pulses
        GUARDED_BY(mutex);
  };
  [[nodiscard]] Stripe& stripe_of(std::string_view group);

  std::array<Stripe, kStripes> stripes_;
};

}  // namespace barnabas::coordinator
