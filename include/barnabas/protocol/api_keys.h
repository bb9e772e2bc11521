// The APIs that Kafka 3.9.1 serves in ZooKeeper mode: names, versions, header versions.
// The table is generated from src/protocol/schemas/*.yaml; a test holds it against Kafka's ApiKeys.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "barnabas/protocol/gen/api_key.h"

namespace barnabas::protocol {

struct ApiInfo {
  ApiKey key;
  std::string_view name;        // Kafka's, such as "ListOffsets"
  std::int16_t min_version;     // advertised by 3.9.1 on a broker with ZooKeeper
  std::int16_t max_version;     //
  std::int16_t first_flexible;  // kNeverFlexible where there is none
  static constexpr std::int16_t kNeverFlexible = 32767;

  [[nodiscard]] bool supports(std::int16_t version) const {
    return version >= min_version && version <= max_version;
  }
};

// THREAD: any. All of them, by rising key.
[[nodiscard]] std::span<const ApiInfo> all_apis();
// nullptr where the number is no API of ours.
[[nodiscard]] const ApiInfo* find_api(std::int16_t key);
[[nodiscard]] std::string_view api_name(ApiKey key);

// The version of the header before a body of `version`. A version that is not supported gets the
// header of the nearest rule, as in Kafka: ApiVersions 99 still has a readable header.
[[nodiscard]] std::int16_t request_header_version(const ApiInfo& api, std::int16_t version);
// The answer to ApiVersions always has header 0: its client cannot know better yet.
[[nodiscard]] std::int16_t response_header_version(const ApiInfo& api, std::int16_t version);

}  // namespace barnabas::protocol
