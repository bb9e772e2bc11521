#include "barnabas/protocol/api_keys.h"

#include <gmock/gmock.h>

#include "barnabas/protocol/headers.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/writer.h"

namespace barnabas::protocol {
namespace {

const ApiInfo& api(ApiKey key) {
  return *find_api(static_cast<std::int16_t>(key));
}

TEST(ApiKeys, SixtyTwoByRisingKey) {
  const auto apis = all_apis();
  EXPECT_EQ(apis.size(), 62U);
  for (std::size_t i = 1; i < apis.size(); ++i) {
    EXPECT_LT(apis[i - 1].key, apis[i].key);
  }
  EXPECT_EQ(apis.front().name, "Produce");
  EXPECT_EQ(apis.back().name, "ConsumerGroupDescribe");
}

TEST(ApiKeys, FoundByNumberOrNotAtAll) {
  for (const ApiInfo& info : all_apis()) {
    EXPECT_EQ(find_api(static_cast<std::int16_t>(info.key)), &info);
    EXPECT_EQ(api_name(info.key), info.name);
  }
  for (const std::int16_t key : {-32768, -1, 52, 55, 59, 62, 64, 70, 32767}) {
    EXPECT_EQ(find_api(key), nullptr) << key;
  }
}

TEST(ApiKeys, VersionsAreThoseOfKafka391) {
  EXPECT_TRUE(api(ApiKey::kFetch).supports(17));
  EXPECT_FALSE(api(ApiKey::kFetch).supports(18));
  EXPECT_FALSE(api(ApiKey::kFetch).supports(-1));
  EXPECT_EQ(api(ApiKey::kProduce).first_flexible, 9);
  EXPECT_EQ(api(ApiKey::kSaslHandshake).first_flexible, ApiInfo::kNeverFlexible);
}

TEST(Headers, VersionsFollowFromTheBody) {
  EXPECT_EQ(request_header_version(api(ApiKey::kProduce), 8), 1);
  EXPECT_EQ(request_header_version(api(ApiKey::kProduce), 9), 2);
  EXPECT_EQ(response_header_version(api(ApiKey::kProduce), 8), 0);
  EXPECT_EQ(response_header_version(api(ApiKey::kProduce), 9), 1);
  EXPECT_EQ(request_header_version(api(ApiKey::kControlledShutdown), 0), 0);
  EXPECT_EQ(request_header_version(api(ApiKey::kControlledShutdown), 1), 1);
  EXPECT_EQ(request_header_version(api(ApiKey::kApiVersions), 99), 2);
  EXPECT_EQ(response_header_version(api(ApiKey::kApiVersions), 4), 0);
}

TEST(Headers, RequestsComeBackAsTheyWere) {
  for (const ApiInfo& info : all_apis()) {
    for (std::int16_t version = info.min_version; version <= info.max_version; ++version) {
      const bool has_client = request_header_version(info, version) > 0;
      RequestHeader header;
      header.correlation_id = 77;
      header.client_id = has_client ? std::optional<std::string>("me") : std::string();
      Writer out;
      ASSERT_TRUE(encode_request_header(out, info, version, header));
      RequestHeader read;
      Reader in(out.bytes());
      const auto found = decode_request_header(in, read);
      ASSERT_TRUE(found);
      EXPECT_EQ(*found, &info);
      EXPECT_EQ(read, header);
      EXPECT_EQ(in.remaining(), 0U);
    }
  }
}

TEST(Headers, ANullClientIdIsFine) {
  RequestHeader header;
  header.client_id.reset();
  Writer out;
  ASSERT_TRUE(encode_request_header(out, api(ApiKey::kMetadata), 1, header));
  Reader in(out.bytes());
  RequestHeader read;
  ASSERT_TRUE(decode_request_header(in, read));
  EXPECT_EQ(read.client_id, std::nullopt);
}

TEST(Headers, AnUnknownKeyAndACutHeaderAreRefused) {
  Writer out;
  out.write<std::int16_t>(52);
  out.write<std::int16_t>(0);
  out.write<std::int32_t>(1);
  out.write<std::int16_t>(-1);
  RequestHeader header;
  Reader unknown(out.bytes());
  EXPECT_FALSE(decode_request_header(unknown, header));
  Reader cut(out.bytes().first(3));
  EXPECT_FALSE(decode_request_header(cut, header));
}

TEST(Headers, AnAnswerHasATagCountWhereTheClientExpectsOne) {
  Writer out;
  encode_response_header(out, api(ApiKey::kMetadata), 8, 5);
  EXPECT_EQ(out.size(), 4U);
  out.clear();
  encode_response_header(out, api(ApiKey::kMetadata), 9, 5);
  EXPECT_EQ(out.size(), 5U);
  ResponseHeader header;
  Reader in(out.bytes());
  ASSERT_TRUE(decode_response_header(in, api(ApiKey::kMetadata), 9, header));
  EXPECT_EQ(header.correlation_id, 5);
  out.clear();
  encode_response_header(out, api(ApiKey::kApiVersions), 4, 5);
  EXPECT_EQ(out.size(), 4U);
}

}  // namespace
}  // namespace barnabas::protocol
