#include "heartbeat_board.h"

#include <algorithm>
#include <utility>

namespace barnabas::coordinator {

// The note first, then the look: whoever ends the pulse does it the other way round, so that a beat
// is collected or its sender hears of the end. Both in one order for all threads.
bool GroupPulse::beat(std::string_view member, std::int32_t generation, MonotonicTime now) {
  if (generation != generation_) {
    return false;
  }
  const auto found = std::ranges::lower_bound(members_, member, std::less<>());
  if (found == members_.end() || *found != member) {
    return false;
  }
  beats_[static_cast<std::size_t>(found - members_.begin())].store(now.time_since_epoch().count());
  return !ended_.load();
}

void GroupPulse::collect(const std::function<void(std::string_view, MonotonicTime)>& heard) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const auto at = beats_[i].exchange(kSilent);
    if (at != kSilent) {
      heard(members_[i], MonotonicTime(MonotonicTime::duration(at)));
    }
  }
}

HeartbeatBoard::Stripe& HeartbeatBoard::stripe_of(std::string_view group) {
  return stripes_[std::hash<std::string_view>()(group) % kStripes];
}

bool HeartbeatBoard::beat(std::string_view group, std::string_view member, std::int32_t generation,
                          MonotonicTime now) {
  std::shared_ptr<GroupPulse> pulse;
  {
    Stripe& stripe = stripe_of(group);
    const MutexLock lock(stripe.mutex);
    const auto found = stripe.pulses.find(group);
    if (found == stripe.pulses.end()) {
      return false;
    }
    pulse = found->second;
  }
  return pulse->beat(member, generation, now);
}

void HeartbeatBoard::publish(const std::string& group, std::shared_ptr<GroupPulse> pulse) {
  Stripe& stripe = stripe_of(group);
  const MutexLock lock(stripe.mutex);
  stripe.pulses.insert_or_assign(group, std::move(pulse));
}

void HeartbeatBoard::take_down(std::string_view group) {
  Stripe& stripe = stripe_of(group);
  const MutexLock lock(stripe.mutex);
  const auto found = stripe.pulses.find(group);
  if (found != stripe.pulses.end()) {
    stripe.pulses.erase(found);
  }
}

}  // namespace barnabas::coordinator
