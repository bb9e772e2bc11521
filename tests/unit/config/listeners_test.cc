#include "barnabas/config/listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barnabas::config {
namespace {

using ::testing::HasSubstr;

const ListenerProtocolMap kProtocols = {{"PLAINTEXT", SecurityProtocol::kPlaintext},
                                        {"INTERNAL", SecurityProtocol::kPlaintext},
                                        {"SSL", SecurityProtocol::kSsl}};

std::vector<Endpoint> parsed(std::string_view text) {
  auto endpoints = parse_listeners(text, kProtocols, DistinctPorts::kYes);
  EXPECT_TRUE(endpoints) << (endpoints ? "" : endpoints.error().message);
  return endpoints ? *endpoints : std::vector<Endpoint>{};
}

std::string refusal(std::string_view text) {
  const auto endpoints = parse_listeners(text, kProtocols, DistinctPorts::kYes);
  EXPECT_FALSE(endpoints) << text;
  return endpoints ? "" : endpoints.error().message;
}

TEST(Listeners, OneAddressOfEachForm) {
  EXPECT_EQ(parsed("PLAINTEXT://:9092"),
            (std::vector<Endpoint>{{"PLAINTEXT", SecurityProtocol::kPlaintext, "", 9092}}));
  EXPECT_EQ(parsed("plaintext://h_o-s.t:0").front(),
            (Endpoint{"PLAINTEXT", SecurityProtocol::kPlaintext, "h_o-s.t", 0}));
  EXPECT_EQ(parsed("PLAINTEXT://[::1]:1").front().host, "::1");
  EXPECT_EQ(parsed("PLAINTEXT://::1:1").front().host, "::1");
}

TEST(Listeners, SeveralWithBlanksAndATrailingComma) {
  const auto endpoints = parsed(" PLAINTEXT://a:1 , SSL://b:2 ,");
  ASSERT_EQ(endpoints.size(), 2U);
  EXPECT_EQ(endpoints[1], (Endpoint{"SSL", SecurityProtocol::kSsl, "b", 2}));
}

TEST(Listeners, PrintAsTheyAreWritten) {
  EXPECT_EQ(to_string(parsed("PLAINTEXT://[::1]:1").front()), "PLAINTEXT://[::1]:1");
  EXPECT_EQ(to_string(parsed("PLAINTEXT://:9092").front()), "PLAINTEXT://:9092");
}

TEST(Listeners, AnIpv4AndAnIpv6AddressMayShareAPort) {
  EXPECT_EQ(parsed("PLAINTEXT://127.0.0.1:9092,INTERNAL://[::1]:9092").size(), 2U);
  EXPECT_THAT(refusal("PLAINTEXT://127.0.0.1:9092,INTERNAL://[::1]:9092,SSL://:9092"),
              HasSubstr("one needs to be IPv4 and the other IPv6"));
  EXPECT_EQ(parsed("PLAINTEXT://:0,INTERNAL://:0").size(), 2U);
}

TEST(Listeners, AMissingPartIsAnsweredWithWhatToWrite) {
  EXPECT_THAT(refusal("127.0.0.1:9092"), HasSubstr("write PLAINTEXT://127.0.0.1:9092"));
  EXPECT_THAT(refusal("localhost"), HasSubstr("write PLAINTEXT://localhost:9092"));
  EXPECT_THAT(refusal("PLAINTEXT://:9092/"), HasSubstr("write PLAINTEXT://:9092 (no /"));
  EXPECT_THAT(refusal("FOO://:9092"), HasSubstr("add FOO:PLAINTEXT to listener.security"));
  EXPECT_THAT(refusal("PLAINTEXT://h:99999"), HasSubstr("port 99999"));
  EXPECT_THAT(refusal("PLAINTEXT://h:-1"), HasSubstr("port -1"));
}

TEST(ListenerProtocols, NamesAreUpperCaseAndTheLastWins) {
  const auto map = parse_listener_protocol_map(" a_b.c:PLAINTEXT , x:sasl_ssl, X:SSL");
  ASSERT_TRUE(map);
  EXPECT_EQ(map->at("A_B.C"), SecurityProtocol::kPlaintext);
  EXPECT_EQ(map->at("X"), SecurityProtocol::kSsl);
}

TEST(ListenerProtocols, AnUnknownOrMissingProtocolIsRefused) {
  EXPECT_EQ(parse_listener_protocol_map("A:PLAINTEXT,B:FOO").error().message,
            "Invalid security protocol `FOO` defined in listener.security.protocol.map");
  EXPECT_THAT(parse_listener_protocol_map("A").error().message, HasSubstr("write A:PLAINTEXT"));
}

}  // namespace
}  // namespace barnabas::config
