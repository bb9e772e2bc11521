// ApiVersions (key 18), versions 0 to 4: exactly the handlers that this broker has.
#include <algorithm>
#include <string_view>

#include "barnabas/protocol/gen/api_versions.h"
#include "handler_table.h"

namespace barnabas::broker {
namespace {

using protocol::ApiVersionsRequest;
using protocol::ApiVersionsResponse;

constexpr std::int16_t kFirstWithSoftware = 3;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Letters and digits, with '-' and '.' between them (KIP-511).
bool is_software_text(std::string_view text) {
  return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::ranges::all_of(text,
                             [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

}  // namespace

void handle_api_versions(RequestContext& context, protocol::Reader& body) {
  ApiVersionsRequest request;
  if (!context.decode(body, request)) {
    return;
  }
  ApiVersionsResponse response;
  if (context.version() >= kFirstWithSoftware &&
      (!is_software_text(request.client_software_name) ||
       !is_software_text(request.client_software_version))) {
    response.error_code = static_cast<std::int16_t>(ErrorCode::kInvalidRequest);
    context.answer(response);
    return;
  }
  for (const auto& entry : handler_table()) {
    auto& api = response.api_keys.emplace_back();
    api.api_key = static_cast<std::int16_t>(entry.key);
    api.min_version = entry.min_version;
    api.max_version = entry.max_version;
  }
  response.finalized_features_epoch = 0;  // no features are finalized in a cluster on ZooKeeper
  context.answer(response);
}

void answer_unsupported_api_versions(RequestContext& context) {
  ApiVersionsResponse response;
  response.error_code = static_cast<std::int16_t>(ErrorCode::kUnsupportedVersion);
  const auto* const entry = find_handler(protocol::ApiKey::kApiVersions);
  auto& api = response.api_keys.emplace_back();
  api.api_key = static_cast<std::int16_t>(entry->key);
  api.min_version = entry->min_version;
  api.max_version = entry->max_version;
  protocol::Writer out;
  const PendingAnswer pending = context.pending();
  if (pending.encode_with_version(out, response, 0)) {
    context.connection.answer(context.slot, out.bytes());
  }
}

}  // namespace barnabas::broker
