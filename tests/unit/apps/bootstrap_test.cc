#include "apps/bootstrap.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "apps/wire_client.h"

namespace barnabas::apps {
namespace {

TEST(Servers, AreHostsWithPorts) {
  EXPECT_EQ(parse_servers("a:1, b:2,").value(), (std::vector<HostPort>{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(parse_servers("[::1]:9092").value(), (std::vector<HostPort>{{"::1", 9092}}));
  EXPECT_EQ(parse_servers("PLAINTEXT://h:1").value(), (std::vector<HostPort>{{"h", 1}}));
  for (const char* bad : {"", "a", "a:", ":1", "a:b", "a:0", "a:70000", "a:1,b", "::1:9092"}) {
    EXPECT_FALSE(parse_servers(bad).has_value()) << bad;
  }
  EXPECT_EQ(join_servers(parse_servers("a:1,[::1]:2").value()), "a:1,[::1]:2");
}

// A listening socket of 127.0.0.1 on a free port.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd_.get(), any, size), 0);
    EXPECT_EQ(::getsockname(fd_.get(), any, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  void listen() const { EXPECT_EQ(::listen(fd_.get(), 4), 0); }
  [[nodiscard]] UniqueFd accept() const { return UniqueFd(::accept(fd_.get(), nullptr, nullptr)); }
  [[nodiscard]] HostPort address() const { return {"127.0.0.1", port_}; }

 private:
  UniqueFd fd_;
  std::uint16_t port_ = 0;
};

TEST(FindBroker, NamesThePlaceAndTheReason) {
  const Listener closed;  // bound, not listening
  const auto found = find_broker(std::vector{closed.address()}, {.refused = {}, .silent = {}});
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().message, "no broker at " + closed.address().to_string() +
                                       " (connection refused). Is it started?");
}

TEST(FindBroker, WaitsForOneThatIsJustStarting) {
  Listener late;
  std::thread starter([&] { late.listen(); });
  const auto found = find_broker(std::vector{late.address()}, {.refused = std::chrono::seconds(20),
                                                               .silent = std::chrono::seconds(20)});
  starter.join();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ(found->server, late.address());
}

TEST(FindBroker, GoesOnToTheNextServer) {
  const Listener closed;
  const Listener open;
  open.listen();
  const auto found = find_broker(std::vector{closed.address(), open.address()});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->server, open.address());
}

std::string handshake_with(std::string_view answer) {
  const Listener listener;
  listener.listen();
  std::thread peer([&] {
    const UniqueFd socket = listener.accept();
    std::array<char, 512> request{};
    EXPECT_GT(::recv(socket.get(), request.data(), request.size(), 0), 0);
    ::send(socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  });
  auto broker = find_broker(std::vector{listener.address()});
  const auto client =
      WireClient::start(*std::move(broker), "test", std::chrono::milliseconds(5000));
  peer.join();
  if (client) {
    return "understood";
  }
  std::string text = client.error().message;
  const std::string address = listener.address().to_string();
  if (const auto at = text.find(address); at != std::string::npos) {
    text.replace(at, address.size(), "it");
  }
  return text;
}

TEST(WireClient, TellsThatThePeerIsNoBroker) {
  EXPECT_EQ(handshake_with("HTTP/1.1 400 Bad Request\r\n\r\n"),
            "the server at it does not answer as a Kafka broker");
  EXPECT_EQ(handshake_with(""), "the server at it closed the connection");
}

TEST(WireClient, RefusesAnAnswerToAnotherRequest) {
  using namespace std::string_view_literals;
  EXPECT_EQ(handshake_with("\0\0\0\x0e\0\0\0\x63\0\0\x01\0\0\0\0\0\0\0"sv),
            "the server at it answered another request than the one sent");
}

TEST(WireClient, UnderstandsABrokerThatOnlyKnowsVersionZero) {
  using namespace std::string_view_literals;
  // Error 35 and no keys, in version 0; the second answer never comes.
  EXPECT_EQ(handshake_with("\0\0\0\x0a\0\0\0\x01\0\x23\0\0\0\0"sv),
            "the server at it closed the connection");
}

}  // namespace
}  // namespace barnabas::apps
