#include "barnabas/zk/session_file.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

#include "barnabas/base/logging.h"

namespace barnabas::zk {
namespace {

constexpr std::string_view kName = "barnabas.zookeeper-session";
constexpr std::string_view kVersion = "1";
constexpr std::uint64_t kMaxBytes = 4096;

template <typename T>
std::optional<T> parse(std::string_view text, int base) {
  T value{};
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value, base);
  return error == std::errc{} && stop == end && !text.empty() ? std::optional(value) : std::nullopt;
}

std::optional<SessionRecord> decode(std::string_view text) {
  std::map<std::string_view, std::string_view> values;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) {
      values[line.substr(0, equals)] = line.substr(equals + 1);
    }
  }
  SessionRecord record;
  record.cluster_id = values["cluster.id"];
  const auto broker = parse<std::int32_t>(values["broker.id"], 10);
  const std::string_view id = values["session.id"];
  const auto session = id.starts_with("0x") ? parse<std::uint64_t>(id.substr(2), 16) : std::nullopt;
  const std::string_view password = values["session.password"];
  if (values["version"] != kVersion || !broker || !session ||
      password.size() != record.session.password.size() * 2) {
    return std::nullopt;
  }
  record.broker = BrokerId{*broker};
  record.session.id = SessionId{static_cast<std::int64_t>(*session)};
  for (std::size_t i = 0; i < record.session.password.size(); ++i) {
    const auto byte = parse<std::uint8_t>(password.substr(i * 2, 2), 16);
    if (!byte) {
      return std::nullopt;
    }
    record.session.password.at(i) = static_cast<char>(*byte);
  }
  return record;
}

}  // namespace

std::string session_file_path(const std::string& log_dir) {
  return fmt::format("{}/{}", log_dir, kName);
}

Status write_session_files(Vfs& vfs, const std::vector<std::string>& log_dirs,
                           const SessionRecord& record) {
  std::string password;
  for (const char byte : record.session.password) {
    password += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  const std::string text = fmt::format(
      "version={}\ncluster.id={}\nbroker.id={}\nsession.id=0x{:x}\n"
      "session.password={}\n",
      kVersion, record.cluster_id, record.broker.value(),
      static_cast<std::uint64_t>(record.session.id.value()), password);
  Status first = fail(ErrorCode::kKafkaStorageError, "there is no log dir for the session file");
  bool any = false;
  for (const std::string& log_dir : log_dirs) {
    Status written = write_private_file_atomically(vfs, session_file_path(log_dir), text);
    if (!written) {
      logging::logger("zk").warn("{}", written.error().message);
    }
    if (&log_dir == &log_dirs.front()) {
      first = written;
    }
    any = any || written;
  }
  return any ? Status{} : first;
}

std::vector<SessionRecord> read_session_files(const Vfs& vfs,
                                              const std::vector<std::string>& log_dirs) {
  std::vector<SessionRecord> records;
  for (const std::string& log_dir : log_dirs) {
    const std::string path = session_file_path(log_dir);
    if (!vfs.exists(path)) {
      continue;
    }
    const auto text = read_file(vfs, path, kMaxBytes);
    auto record = text ? decode(*text) : std::nullopt;
    if (record) {
      records.push_back(std::move(*record));
    } else {
      logging::logger("zk").warn("{}: {}, so no earlier session is known by it", path,
                                 text ? "is not whole" : text.error().message);
    }
  }
  return records;
}

}  // namespace barnabas::zk
