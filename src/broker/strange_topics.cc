#include "strange_topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

namespace barnabas::broker {
namespace {

constexpr std::size_t kMaxNamed = 5;

// The topic of "topic-3"; nothing for what is no partition's directory, or is going or coming
// ("topic-3.<uuid>-delete").
std::optional<std::string> topic_of(std::string_view directory) {
  const std::size_t dash = directory.rfind('-');
  if (dash == std::string_view::npos || dash == 0 || dash + 1 == directory.size()) {
    return std::nullopt;
  }
  const bool number =
      std::ranges::all_of(directory.substr(dash + 1), [](char c) { return c >= '0' && c <= '9'; });
  return number ? std::optional<std::string>(directory.substr(0, dash)) : std::nullopt;
}

}  // namespace

Status check_no_strange_topics(const Vfs& vfs, const std::vector<std::string>& log_dirs,
                               const std::vector<std::string>& known) {
  std::vector<std::string> strange;
  std::set<std::string> topics;
  for (const std::string& log_dir : log_dirs) {
    const auto entries = vfs.list(log_dir);
    if (!entries) {
      continue;
    }
    for (const DirectoryEntry& entry : *entries) {
      const auto topic = entry.is_directory ? topic_of(entry.name) : std::nullopt;
      if (topic && !std::ranges::binary_search(known, *topic)) {
        topics.insert(*topic);
        strange.push_back(log_dir + "/" + entry.name);
      }
    }
  }
  if (strange.empty()) {
    return {};
  }
  const std::size_t all = strange.size();
  strange.resize(std::min(all, kMaxNamed));
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("the log dirs hold {} partition(s) of {} topic(s) that the metadata tree "
                          "does not know: {}{}. Nothing was changed. Start with the ZooKeeper "
                          "(zookeeper.connect), or the embedded tree, that they were made with, or "
                          "bring that tree here with `barnabas metadata import`; if they are not "
                          "wanted, move these directories out of log.dirs",
                          all, topics.size(), fmt::join(strange, ", "),
                          all > strange.size() ? ", ..." : ""));
}

}  // namespace barnabas::broker
