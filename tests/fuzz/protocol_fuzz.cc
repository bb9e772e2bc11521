// Arbitrary bytes as a frame (BARNABAS_FUZZ_TARGET=frame: a request header, then the body that it
// names) or as any message (=message: number of the message, version, then its bytes).
// Besides not crashing it must hold: what was decoded can be encoded in the same version, and what
// that gives decodes to the same value and encodes to the same bytes.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "any_message.h"
#include "barnabas/protocol/headers.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/writer.h"

namespace {

using namespace barnabas;
using namespace barnabas::protocol;
using testing::AnyMessage;
using testing::MessageType;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// A double that is no number equals nothing, not even itself; its bytes still do.
void check(const MessageType& type, Reader& in, std::int16_t version) {
  const std::unique_ptr<AnyMessage> message = type.make();
  if (!message->decode(in, version)) {
    return;
  }
  Writer first;
  require(message->encode(first, version).has_value());
  Reader again(first.bytes());
  const std::unique_ptr<AnyMessage> copy = type.make();
  require(copy->decode(again, version).has_value());
  require(again.remaining() == 0);
  Writer second;
  require(copy->encode(second, version).has_value());
  require(std::ranges::equal(first.bytes(), second.bytes()));
}

void fuzz_frame(ByteView frame) {
  Reader in(frame);
  RequestHeader header;
  const auto api = decode_request_header(in, header);
  if (!api) {
    return;
  }
  const auto key = static_cast<std::int16_t>((*api)->key);
  const MessageType* const type = testing::find_message(key, testing::MessageKind::kRequest);
  require(type != nullptr);
  check(*type, in, header.request_api_version);
}

void fuzz_message(ByteView bytes) {
  Reader in(bytes);
  const auto number = in.read<std::uint8_t>();
  const auto version = in.read<std::int8_t>();
  const auto& types = testing::all_messages();
  check(types[number % types.size()], in, version);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool frames = [] {
    const char* const target = std::getenv("BARNABAS_FUZZ_TARGET");
    return target != nullptr && std::string_view(target) == "frame";
  }();
  const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  frames ? fuzz_frame(bytes) : fuzz_message(bytes);
  return 0;
}
