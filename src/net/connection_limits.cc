#include "connection_limits.h"

#include <algorithm>
#include <cmath>

#include "barnabas/base/check.h"

namespace barnabas::net {

RateBound::RateBound(double per_second, std::chrono::milliseconds window)
    : per_second_(per_second),
      capacity_(std::max(1.0, per_second * std::chrono::duration<double>(window).count())),
      left_(capacity_) {}

void RateBound::refill(MonotonicTime now) {
  if (last_ != MonotonicTime{}) {
    const double seconds = std::chrono::duration<double>(now - last_).count();
    left_ = std::min(capacity_, left_ + std::max(0.0, seconds) * per_second_);
  }
  last_ = now;
}

void RateBound::count(MonotonicTime now) {
  if (std::isfinite(per_second_)) {
    refill(now);
    left_ -= 1;
  }
}

std::chrono::milliseconds RateBound::delay(MonotonicTime now) {
  if (!std::isfinite(per_second_)) {
    return std::chrono::milliseconds(0);
  }
  refill(now);
  if (left_ >= 1) {
    return std::chrono::milliseconds(0);
  }
  // At a rate of 0 nothing ever may; whoever asks does so again.
  constexpr double kLongest = 1000;
  return std::chrono::milliseconds(static_cast<std::int64_t>(
      std::ceil(std::min(kLongest, (1 - left_) * 1000 / std::max(per_second_, 1e-3)))));
}

ConnectionLimits::ConnectionLimits(const ServerOptions& options)
    : options_(options),
      by_listener_(options.listeners.size()),
      rate_(options.max_connection_rate, options.connection_rate_window) {
  for (const ListenerOptions& listener : options.listeners) {
    rate_by_listener_.emplace_back(listener.max_connection_rate, options.connection_rate_window);
  }
}

bool ConnectionLimits::full(std::size_t listener) const {
  const std::size_t here = by_listener_[listener].load(std::memory_order_relaxed);
  return here >= options_.listeners[listener].max_connections ||
         (!is_protected(listener) && total() >= options_.max_connections);
}

std::chrono::milliseconds ConnectionLimits::rate_delay(std::size_t listener, MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  auto delay = rate_by_listener_[listener].delay(now);
  if (!is_protected(listener)) {
    delay = std::max(delay, rate_.delay(now));
  }
  return delay;
}

void ConnectionLimits::count_accepted(std::size_t listener, MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  rate_by_listener_[listener].count(now);
  if (!is_protected(listener)) {
    rate_.count(now);
  }
}

std::size_t ConnectionLimits::bound_for(const SocketAddress& address) const {
  if (options_.max_connections_per_ip_overrides.empty()) {
    return options_.max_connections_per_ip;
  }
  const auto found = options_.max_connections_per_ip_overrides.find(address.host());
  return found == options_.max_connections_per_ip_overrides.end() ? options_.max_connections_per_ip
                                                                  : found->second;
}

ConnectionLimits::Admission ConnectionLimits::admit(const SocketAddress& address,
                                                    std::size_t listener) {
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
  by_listener_[listener].fetch_add(1, std::memory_order_relaxed);
  total_.fetch_add(1, std::memory_order_relaxed);
  return over() ? Admission::kInPlaceOfAnother : Admission::kAdmitted;
}

bool ConnectionLimits::release(const SocketAddress& address, std::size_t listener) {
  const std::lock_guard lock(mutex_);
  const auto entry = by_address_.find(address.key());
  BARNABAS_CHECK(entry != by_address_.end());
  if (--entry->second == 0) {
    by_address_.erase(entry);
  }
  const std::size_t here = by_listener_[listener].fetch_sub(1, std::memory_order_relaxed);
  const std::size_t before = total_.fetch_sub(1, std::memory_order_relaxed);
  if (before == 1) {
    none_left_.notify_all();
  }
  return before >= options_.max_connections || here >= options_.listeners[listener].max_connections;
}

bool ConnectionLimits::wait_until_none(MonotonicTime deadline) {
  std::unique_lock lock(mutex_);
  return none_left_.wait_until(lock, deadline, [&] { return total() == 0; });
}

}  // namespace barnabas::net
