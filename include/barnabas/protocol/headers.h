// Headers of requests and responses, whose version follows from the API and its version.
#pragma once

#include <cstdint>

#include "barnabas/base/result.h"
#include "barnabas/protocol/api_keys.h"
#include "barnabas/protocol/gen/request_header.h"
#include "barnabas/protocol/gen/response_header.h"

namespace barnabas::protocol {

class Reader;
class Writer;

// Reads a request header whole and returns its API. Fails (the connection is then closed, as Kafka
// does) for a key that is not in the table and for a header that does not parse. The version is
// not judged here: ApiVersions answers one that it does not know.
// THREAD: any
[[nodiscard]] Result<const ApiInfo*> decode_request_header(Reader& in, RequestHeader& header);

void encode_response_header(Writer& out, const ApiInfo& api, std::int16_t version,
                            std::int32_t correlation_id);

// For the sending side: fills key and version and writes the header that belongs to them.
[[nodiscard]] Status encode_request_header(Writer& out, const ApiInfo& api, std::int16_t version,
                                           RequestHeader& header);
[[nodiscard]] Status decode_response_header(Reader& in, const ApiInfo& api, std::int16_t version,
                                            ResponseHeader& header);

}  // namespace barnabas::protocol
