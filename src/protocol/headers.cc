#include "barnabas/protocol/headers.h"

#include <fmt/format.h>

#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/writer.h"

namespace barnabas::protocol {

Result<const ApiInfo*> decode_request_header(Reader& in, RequestHeader& header) {
  Reader ahead(in.rest());
  const auto key = ahead.read<std::int16_t>();
  const auto version = ahead.read<std::int16_t>();
  TRY_STATUS(ahead.status());
  const ApiInfo* const api = find_api(key);
  if (api == nullptr) {
    return fail(ErrorCode::kUnsupportedVersion, fmt::format("unknown api key {}", key));
  }
  TRY_STATUS(header.decode(in, request_header_version(*api, version)));
  return api;
}

void encode_response_header(Writer& out, const ApiInfo& api, std::int16_t version,
                            std::int32_t correlation_id) {
  out.write(correlation_id);
  if (response_header_version(api, version) >= 1) {
    out.write_uvarint(0);  // no tagged fields
  }
}

Status encode_request_header(Writer& out, const ApiInfo& api, std::int16_t version,
                             RequestHeader& header) {
  header.request_api_key = static_cast<std::int16_t>(api.key);
  header.request_api_version = version;
  return header.encode(out, request_header_version(api, version));
}

Status decode_response_header(Reader& in, const ApiInfo& api, std::int16_t version,
                              ResponseHeader& header) {
  return header.decode(in, response_header_version(api, version));
}

}  // namespace barnabas::protocol
