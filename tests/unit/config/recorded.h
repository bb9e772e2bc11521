// The recorded answers of Kafka 3.9.1 (kafka_config.tsv, made by oracle/record.sh).
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/config/broker_config.h"

namespace barnabas::config::testing {

using Fields = std::vector<std::string>;

// The lines whose first field is `kind`, without that field. Fails the test when there are none.
[[nodiscard]] std::vector<Fields> recorded(std::string_view kind);
[[nodiscard]] Fields split(std::string_view text, char separator);
// Kafka's default of a key whose own default here is another one on purpose; else `ours`.
[[nodiscard]] std::string kafkas_default(std::string_view key, std::string_view ours);
// "a=1|b=2"
[[nodiscard]] std::map<std::string, std::string, std::less<>> pairs(std::string_view text);

// Loads "key=value" lines as the file f.properties.
[[nodiscard]] std::expected<BrokerConfig, BrokerConfig::Problems> load(
    std::string text, std::vector<std::string> overrides = {});
// The same for what must load.
[[nodiscard]] BrokerConfig loaded(std::string text, std::vector<std::string> overrides = {});
// The problems of what must not, as lines.
[[nodiscard]] std::vector<std::string> refusals(std::string text,
                                                std::vector<std::string> overrides = {});

}  // namespace barnabas::config::testing
