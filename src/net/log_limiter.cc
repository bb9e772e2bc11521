#include "log_limiter.h"

#include <utility>

namespace barnabas::net {

bool LogLimiter::allow(const std::string& address, MonotonicTime now, std::size_t& suppressed) {
  const MutexLock lock(mutex_);
  auto found = entries_.find(address);
  if (found == entries_.end() && entries_.size() >= kMaxAddresses) {
    std::erase_if(entries_, [&](const auto& item) { return now - item.second.last >= kEvery; });
    if (entries_.size() >= kMaxAddresses) {
      found = entries_.find({});
    }
  }
  if (found == entries_.end()) {
    const bool full = entries_.size() >= kMaxAddresses;
    entries_.emplace(full ? std::string() : address, Entry{now, 0});
    suppressed = 0;
    return true;
  }
  Entry& entry = found->second;
  if (now - entry.last < kEvery) {
    ++entry.suppressed;
    return false;
  }
  entry.last = now;
  suppressed = std::exchange(entry.suppressed, 0);
  return true;
}

}  // namespace barnabas::net
