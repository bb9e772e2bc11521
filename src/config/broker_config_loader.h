// From text to BrokerConfig: collects every problem before it gives up. Used once, on the stack.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "barnabas/config/broker_config.h"
#include "barnabas/config/keys.h"
#include "barnabas/config/properties.h"

namespace barnabas::config {

class BrokerConfigLoader {
 public:
  explicit BrokerConfigLoader(const ConfigSource& source) : source_(source) {}
  std::expected<BrokerConfig, BrokerConfig::Problems> run();

 private:
  // broker_config_loader.cc: single keys
  bool read();
  void apply_overrides();
  void check_keys();
  void check_key(const Property& property);
  void check_known(const Property& property, const KeySpec& spec, std::string_view shown_as);
  void check_unknown(const Property& property);
  [[nodiscard]] bool check_prefixed(const Property& property);
  void join_ids();

  // broker_config_rules.cc: several keys together
  void build_identity();
  void build_metadata();
  void build_listeners();
  void check_advertised();
  void build_log_dirs();
  void build_simple_parts();
  void build_connection_bounds();
  void check_rules();
  void check_group_rules();

  [[nodiscard]] std::string where(std::string_view key) const;
  void error(std::string_view key, std::string text);
  void warn(std::string_view key, std::string text);
  // The rule speaks of `key`; it is not reported when the key's own value was refused already.
  void require(bool holds, std::string_view key, std::string text);

  const ConfigSource& source_;
  Properties properties_;
  std::set<std::string, std::less<>> refused_;
  BrokerConfig config_;
  BrokerConfig::Problems errors_;
};

}  // namespace barnabas::config
