// Records such as group metadata or a transaction's log entry carry their version in the two bytes
// before them; these read and write both.
#pragma once

#include <cstdint>

#include "barnabas/base/result.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/writer.h"

namespace barnabas::protocol {

// THREAD: any. On an error `out` is as before.
template <typename Message>
[[nodiscard]] Status encode_versioned(Writer& out, const Message& message, std::int16_t version) {
  const Writer::Mark begin = out.mark();
  out.write(version);
  Status status = message.encode(out, version);
  if (!status) {
    out.rewind(begin);
  }
  return status;
}

// Returns the version that was read; an unknown one is an UnsupportedVersion error.
template <typename Message>
[[nodiscard]] Result<std::int16_t> decode_versioned(Reader& in, Message& message) {
  const auto version = in.read<std::int16_t>();
  TRY_STATUS(in.status());
  TRY_STATUS(message.decode(in, version));
  return version;
}

}  // namespace barnabas::protocol
