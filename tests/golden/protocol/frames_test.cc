// Every recorded frame is decoded and encoded again to the very same bytes.
#include "frames.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>
#include <string>

#include "any_message.h"
#include "barnabas/protocol/headers.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/writer.h"

namespace barnabas::golden {
namespace {

using protocol::ApiInfo;
using protocol::Reader;
using protocol::Writer;
using protocol::testing::find_message;
using protocol::testing::MessageKind;
using protocol::testing::MessageType;

// A newer ApiVersions than Kafka knows is answered as version 0.
std::int16_t body_version(const Frame& frame, const ApiInfo& api) {
  const bool unknown = !frame.is_request && api.key == protocol::ApiKey::kApiVersions &&
                       !api.supports(frame.version);
  return unknown ? std::int16_t{0} : frame.version;
}

// Requests that librdkafka 2.16 ends with bytes that belong to nothing; Kafka reads over them.
const std::map<std::string, std::size_t> kBytesLeftOver{
    {"003_v12_2_req_confluent-kafka-2.16.1.bin", 3},
    {"051_v0_1_req_confluent-kafka-2.16.1.bin", 1},
    {"051_v0_2_req_confluent-kafka-2.16.1.bin", 1}};

class Recorded : public testing::Test {
 protected:
  static void SetUpTestSuite() { frames_ = recorded_frames(); }
  static std::vector<Frame> frames_;
};
std::vector<Frame> Recorded::frames_;

void round_trip_body(const Frame& frame, const ApiInfo& api, Reader& in, Writer& out) {
  const MessageType* const type = find_message(
      frame.api_key, frame.is_request ? MessageKind::kRequest : MessageKind::kResponse);
  ASSERT_NE(type, nullptr) << frame.name;
  const auto message = type->make();
  const Status decoded = message->decode(in, body_version(frame, api));
  ASSERT_TRUE(decoded) << frame.name << ": " << decoded.error().message;
  const auto left_over = kBytesLeftOver.find(frame.name);
  const std::size_t extra = left_over == kBytesLeftOver.end() ? 0 : left_over->second;
  EXPECT_EQ(in.remaining(), extra) << frame.name;
  const Status encoded = message->encode(out, body_version(frame, api));
  ASSERT_TRUE(encoded) << frame.name << ": " << encoded.error().message;
  EXPECT_TRUE(
      std::ranges::equal(out.bytes(), ByteView(frame.bytes).first(frame.bytes.size() - extra)))
      << frame.name;
}

TEST_F(Recorded, RequestsComeOutAsTheyWentIn) {
  std::size_t held = 0;
  std::set<std::pair<int, int>> versions;
  for (const Frame& frame : frames_) {
    if (!frame.is_request) {
      continue;
    }
    Reader in(frame.bytes);
    protocol::RequestHeader header;
    const auto api = protocol::decode_request_header(in, header);
    ASSERT_TRUE(api) << frame.name << ": " << api.error().message;
    ASSERT_EQ(header.request_api_key, frame.api_key) << frame.name;
    ASSERT_EQ(header.request_api_version, frame.version) << frame.name;
    Writer out;
    ASSERT_TRUE(protocol::encode_request_header(out, **api, frame.version, header));
    if (!(*api)->supports(frame.version)) {
      // Only ApiVersions may be newer than what we know; its header must still be readable.
      EXPECT_EQ((*api)->key, protocol::ApiKey::kApiVersions) << frame.name;
      EXPECT_TRUE(std::ranges::equal(out.bytes(), ByteView(frame.bytes).first(out.size())));
      continue;
    }
    round_trip_body(frame, **api, in, out);
    versions.emplace(frame.api_key, frame.version);
    ++held;
  }
  std::cout << fmt::format("held {} requests of {} versions\n", held, versions.size());
  EXPECT_GT(held, 600U);
}

TEST_F(Recorded, AnswersComeOutAsTheyWentIn) {
  std::size_t held = 0;
  std::set<std::pair<int, int>> versions;
  for (const Frame& frame : frames_) {
    if (frame.is_request) {
      continue;
    }
    const ApiInfo* const api = protocol::find_api(frame.api_key);
    ASSERT_NE(api, nullptr) << frame.name;
    Reader in(frame.bytes);
    protocol::ResponseHeader header;
    ASSERT_TRUE(protocol::decode_response_header(in, *api, frame.version, header)) << frame.name;
    Writer out;
    protocol::encode_response_header(out, *api, frame.version, header.correlation_id);
    round_trip_body(frame, *api, in, out);
    versions.emplace(frame.api_key, frame.version);
    ++held;
  }
  std::cout << fmt::format("held {} answers of {} versions\n", held, versions.size());
  EXPECT_GT(held, 600U);
}

// Cut anywhere, a frame is refused or was complete before; nothing is read beyond its end.
TEST_F(Recorded, CutFramesAreRefused) {
  std::size_t refused = 0;
  for (const Frame& frame : frames_) {
    if (!frame.is_request || frame.bytes.size() > 400) {
      continue;
    }
    for (std::size_t size = 0; size < frame.bytes.size(); ++size) {
      // A buffer of just that size, so that a sanitizer sees a byte too many.
      const ByteVector cut(frame.bytes.begin(),
                           frame.bytes.begin() + static_cast<std::ptrdiff_t>(size));
      Reader in(cut);
      protocol::RequestHeader header;
      const auto api = protocol::decode_request_header(in, header);
      if (!api) {
        ++refused;
        continue;
      }
      const auto message = find_message(frame.api_key, MessageKind::kRequest)->make();
      refused += message->decode(in, frame.version) ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 10000U);
}

}  // namespace
}  // namespace barnabas::golden
