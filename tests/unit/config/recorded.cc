#include "recorded.h"

#include <fstream>
#include <utility>

namespace barnabas::config::testing {

Fields split(std::string_view text, char separator) {
  Fields fields;
  for (;;) {
    const auto end = text.find(separator);
    fields.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return fields;
    }
    text.remove_prefix(end + 1);
  }
}

std::vector<Fields> recorded(std::string_view kind) {
  std::vector<Fields> lines;
  std::ifstream file(BARNABAS_KAFKA_CONFIG_TSV);
  for (std::string line; std::getline(file, line);) {
    auto fields = split(line, '\t');
    if (fields.front() == kind) {
      fields.erase(fields.begin());
      lines.push_back(std::move(fields));
    }
  }
  EXPECT_FALSE(lines.empty()) << "nothing of kind " << kind << " in " << BARNABAS_KAFKA_CONFIG_TSV;
  return lines;
}

std::map<std::string, std::string, std::less<>> pairs(std::string_view text) {
  std::map<std::string, std::string, std::less<>> result;
  if (text.empty()) {
    return result;
  }
  for (const auto& pair : split(text, '|')) {
    const auto equals = pair.find('=');
    result[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return result;
}

std::expected<BrokerConfig, BrokerConfig::Problems> load(std::string text,
                                                         std::vector<std::string> overrides) {
  return BrokerConfig::load(
      {.file_name = "f.properties", .text = std::move(text), .overrides = std::move(overrides)});
}

BrokerConfig loaded(std::string text, std::vector<std::string> overrides) {
  auto config = load(std::move(text), std::move(overrides));
  if (!config) {
    for (const auto& problem : config.error()) {
      ADD_FAILURE() << problem.to_string();
    }
    return {};
  }
  return std::move(*config);
}

std::vector<std::string> refusals(std::string text, std::vector<std::string> overrides) {
  const auto config = load(text, std::move(overrides));
  std::vector<std::string> lines;
  if (config) {
    ADD_FAILURE() << "accepted: " << text;
    return lines;
  }
  for (const auto& problem : config.error()) {
    lines.push_back(problem.to_string());
  }
  return lines;
}

// The consumer protocol of groups is offered here unless it is switched off.
std::string kafkas_default(std::string_view key, std::string_view ours) {
  if (key == "group.coordinator.rebalance.protocols" && ours == "classic,consumer") {
    return "classic";
  }
  if (key == "group.consumer.migration.policy" && ours == "bidirectional") {
    return "disabled";
  }
  return std::string(ours);
}

}  // namespace barnabas::config::testing
