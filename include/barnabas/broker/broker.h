// The broker: every part made and plugged together in one place, started in order and stopped in
// the reverse one.
//
// start() returns when the ports are open and this broker's replicas are being served; it leaves
// nothing running when it fails. stop() is the clean stop: no new work, what is in hand finished,
// logs flushed and closed, checkpoints and the marker of a clean stop written. A broker that is
// destroyed without stop() leaves what a crash leaves.
// THREAD: any one thread that is not one of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/config/broker_config.h"

namespace barnabas::broker {

class Broker {
 public:
  explicit Broker(config::BrokerConfig config);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  [[nodiscard]] Status start();
  void stop();

  // After start(). THREAD: any
  [[nodiscard]] BrokerId id() const;
  [[nodiscard]] const std::string& cluster_id() const;
  // The port a listener is bound to; differs from the configured one where that was 0.
  [[nodiscard]] std::uint16_t port(std::string_view listener) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barnabas::broker
