#include "barnabas/protocol/api_keys.h"

#include <algorithm>

#include "api_table.h"
#include "barnabas/base/check.h"

namespace barnabas::protocol {

std::span<const ApiInfo> all_apis() {
  return api_table();
}

const ApiInfo* find_api(std::int16_t key) {
  // Keys are dense but for a few holes: the entry lies at its key or a little before.
  const std::vector<ApiInfo>& table = api_table();
  if (key >= 0 && static_cast<std::size_t>(key) < table.size() &&
      table[static_cast<std::size_t>(key)].key == static_cast<ApiKey>(key)) {
    return &table[static_cast<std::size_t>(key)];
  }
  const auto found = std::ranges::lower_bound(table, static_cast<ApiKey>(key), {}, &ApiInfo::key);
  return found != table.end() && found->key == static_cast<ApiKey>(key) ? &*found : nullptr;
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
