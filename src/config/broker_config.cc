#include "barnabas/config/broker_config.h"

#include "barnabas/base/check.h"
#include "barnabas/config/keys.h"
#include "java_text.h"

namespace barnabas::config {
namespace {

const KeySpec& spec_of(std::string_view key) {
  const KeySpec* spec = find_broker_key(key);
  BARNABAS_CHECK(spec != nullptr);
  return *spec;
}

}  // namespace

std::optional<std::string> BrokerConfig::effective(std::string_view key) const {
  const auto given = checked_.find(key);
  if (given != checked_.end()) {
    return given->second;
  }
  const KeySpec& spec = spec_of(key);
  return spec.default_value ? std::optional<std::string>(*spec.default_value) : std::nullopt;
}

bool BrokerConfig::get_bool(std::string_view key) const {
  BARNABAS_CHECK(spec_of(key).type == KeyType::kBoolean);
  return effective(key) == "true";
}

std::int32_t BrokerConfig::get_int(std::string_view key) const {
  const KeyType type = spec_of(key).type;
  BARNABAS_CHECK(type == KeyType::kInt || type == KeyType::kShort);
  const auto text = effective(key);
  BARNABAS_CHECK(text.has_value());
  const auto value = parse_java_integer(*text, INT32_MIN, INT32_MAX);
  BARNABAS_CHECK(value.has_value());
  return static_cast<std::int32_t>(*value);
}

std::int64_t BrokerConfig::get_long(std::string_view key) const {
  const KeyType type = spec_of(key).type;
  BARNABAS_CHECK(type == KeyType::kLong || type == KeyType::kInt);
  const auto text = effective(key);
  BARNABAS_CHECK(text.has_value());
  const auto value = parse_java_integer(*text, INT64_MIN, INT64_MAX);
  BARNABAS_CHECK(value.has_value());
  return *value;
}

double BrokerConfig::get_double(std::string_view key) const {
  BARNABAS_CHECK(spec_of(key).type == KeyType::kDouble);
  const auto text = effective(key);
  BARNABAS_CHECK(text.has_value());
  const auto value = parse_java_double(*text);
  BARNABAS_CHECK(value.has_value());
  return *value;
}

std::string BrokerConfig::get_string(std::string_view key) const {
  const KeyType type = spec_of(key).type;
  BARNABAS_CHECK(type == KeyType::kString || type == KeyType::kClass || type == KeyType::kPassword);
  return effective(key).value_or("");
}

std::vector<std::string> BrokerConfig::get_list(std::string_view key) const {
  BARNABAS_CHECK(spec_of(key).type == KeyType::kList);
  return split_java_list(effective(key).value_or(""));
}

std::vector<std::string> BrokerConfig::without_effect() const {
  std::vector<std::string> names;
  for (const auto& [key, text] : given_) {
    const KeySpec* spec = find_broker_key(key);
    if (spec != nullptr && spec->handling == Handling::kKept) {
      names.push_back(key);
    }
  }
  return names;
}

}  // namespace barnabas::config
