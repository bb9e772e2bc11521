#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "barnabas/zk/zookeeper_store.h"
#include "data_tree.h"

namespace barnabas::zk {
namespace {

constexpr std::string_view kDefaultPort = "2181";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

std::unexpected<Error> bad(const std::string& text, std::string why) {
  return fail(ErrorCode::kInvalidConfig, fmt::format("zookeeper.connect={}: {}", text, why));
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

// host, host:port, [address]:port; answers host:port.
Result<std::string> with_port(const std::string& text, std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) {
    return fmt::format("{}:{}", host, kDefaultPort);
  }
  if (colon == 0 || !is_port(host.substr(colon + 1))) {
    return bad(text, fmt::format("\"{}\" is no host:port", host));
  }
  return std::string(host);
}

}  // namespace

Result<ConnectString> parse_connect_string(const std::string& text) {
  if (text.find("://") != std::string::npos || text.find('?') != std::string::npos) {
    return bad(text,
               "this server speaks to ZooKeeper in plain text only, without TLS and without SASL; "
               "name host:port,host:port/path");
  }
  ConnectString result;
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos) {
    result.chroot = std::string(trimmed(std::string_view(text).substr(slash)));
    while (result.chroot.ends_with('/')) {
      result.chroot.pop_back();
    }
    if (!result.chroot.empty() && !check_path(result.chroot)) {
      return bad(text, fmt::format("{} is no path", result.chroot));
    }
  }
  std::string_view hosts = std::string_view(text).substr(0, slash);
  while (!hosts.empty()) {
    const std::size_t comma = hosts.find(',');
    const std::string_view host = trimmed(hosts.substr(0, comma));
    hosts = comma == std::string_view::npos ? std::string_view{} : hosts.substr(comma + 1);
    if (host.empty()) {
      continue;
    }
    TRY(const std::string whole, with_port(text, host));
    result.hosts += (result.hosts.empty() ? "" : ",") + whole;
  }
  if (result.hosts.empty()) {
    return bad(text, "no host is named");
  }
  return result;
}

}  // namespace barnabas::zk
