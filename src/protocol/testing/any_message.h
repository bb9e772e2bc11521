// Every generated message behind one face, so that a test or fuzzer can hold them all.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"
#include "describer.h"
#include "filler.h"

namespace barnabas::protocol {
class Reader;
class Writer;
}  // namespace barnabas::protocol

namespace barnabas::protocol::testing {

class AnyMessage {
 public:
  virtual ~AnyMessage() = default;
  [[nodiscard]] virtual Status decode(Reader& in, std::int16_t version) = 0;
  [[nodiscard]] virtual Status encode(Writer& out, std::int16_t version) const = 0;
  // Random values in the fields that `version` has, the defaults in all others. The bytes of
  // records belong to `random`.
  virtual void randomize(Filler& random, std::int16_t version) = 0;
  // Says what the fields that `version` has hold.
  virtual void describe(Describer& out, std::int16_t version) const = 0;
  // Both must be of the same type.
  [[nodiscard]] virtual bool equals(const AnyMessage& other) const = 0;
};

enum class MessageKind : std::uint8_t { kRequest, kResponse, kHeader, kRecord };

struct MessageType {
  std::string_view name;
  MessageKind kind = MessageKind::kRecord;
  std::int16_t api_key = -1;  // -1: no request or response
  std::int16_t min_version = 0;
  std::int16_t max_version = 0;
  std::unique_ptr<AnyMessage> (*make)() = nullptr;
};

// By file name of their schemas.
[[nodiscard]] const std::vector<MessageType>& all_messages();
// nullptr where there is none.
[[nodiscard]] const MessageType* find_message(std::int16_t api_key, MessageKind kind);

}  // namespace barnabas::protocol::testing
