#include "barnabas/base/check.h"
#include "server_shared.h"

namespace barnabas::net {

std::size_t ConnectionLimits::bound_for(const SocketAddress& address) const {
  if (options_.max_connections_per_ip_overrides.empty()) {
    return options_.max_connections_per_ip;
  }
  const auto found = options_.max_connections_per_ip_overrides.find(address.host());
  return found == options_.max_connections_per_ip_overrides.end() ? options_.max_connections_per_ip
                                                                  : found->second;
}

ConnectionLimits::Admission ConnectionLimits::admit(const SocketAddress& address) {
  const std::size_t bound = bound_for(address);
  const std::lock_guard lock(mutex_);
  const auto entry = by_address_.try_emplace(address.key(), 0).first;
  if (entry->second >= bound) {
    if (entry->second == 0) {
      by_address_.erase(entry);
    }
    return Admission::kAddressFull;
  }
  ++entry->second;
  total_.fetch_add(1, std::memory_order_relaxed);
  return Admission::kAdmitted;
}

bool ConnectionLimits::release(const SocketAddress& address) {
  const std::lock_guard lock(mutex_);
  const auto entry = by_address_.find(address.key());
  BARNABAS_CHECK(entry != by_address_.end());
  if (--entry->second == 0) {
    by_address_.erase(entry);
  }
  const std::size_t before = total_.fetch_sub(1, std::memory_order_relaxed);
  if (before == 1) {
    none_left_.notify_all();
  }
  return before >= options_.max_connections;
}

bool ConnectionLimits::wait_until_none(MonotonicTime deadline) {
  std::unique_lock lock(mutex_);
  return none_left_.wait_until(lock, deadline, [&] { return total() == 0; });
}

}  // namespace barnabas::net
