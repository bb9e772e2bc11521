#include "barnabas/protocol/api_keys.h"

#include <algorithm>

#include "api_table.h"
#include "barnabas/base/check.h"

namespace barnabas::protocol {

std::span<const ApiInfo> all_apis() {
  return api_table();
}

const ApiInfo* find_api(std::int16_t key) {
  const auto number = [](const ApiInfo& api) { return static_cast<std::int16_t>(api.key); };
  // Keys are dense but for a few holes: most entries lie at their key.
  const std::vector<ApiInfo>& table = api_table();
  if (key >= 0 && static_cast<std::size_t>(key) < table.size() &&
      number(table[static_cast<std::size_t>(key)]) == key) {
    return &table[static_cast<std::size_t>(key)];
  }
  const auto found = std::ranges::lower_bound(table, key, {}, number);
  return found != table.end() && number(*found) == key ? &*found : nullptr;
}

std::string_view api_name(ApiKey key) {
  const ApiInfo* const api = find_api(static_cast<std::int16_t>(key));
  BARNABAS_CHECK(api != nullptr);
  return api->name;
}

std::int16_t request_header_version(const ApiInfo& api, std::int16_t version) {
  // The very first header, without a client id, lives on in one request between brokers.
  if (api.key == ApiKey::kControlledShutdown && version == 0) {
    return 0;
  }
  return version >= api.first_flexible ? 2 : 1;
}

std::int16_t response_header_version(const ApiInfo& api, std::int16_t version) {
  if (api.key == ApiKey::kApiVersions) {
    return 0;
  }
  return version >= api.first_flexible ? 1 : 0;
}

}  // namespace barnabas::protocol
