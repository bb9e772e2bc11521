// barnabas metadata DIR: prints the embedded metadata tree that lies in a directory.
// barnabas metadata export PLACE [FILE], import FILE PLACE: carries a tree (metadata_copy.h).
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/vfs.h"
#include "barnabas/zk/embedded_store.h"
#include "metadata_copy.h"
#include "subcommands.h"

namespace barnabas::apps {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30U;

constexpr std::string_view kUsage =
    "usage: barnabas metadata DIR\n"
    "       barnabas metadata export PLACE [FILE]\n"
    "       barnabas metadata import FILE PLACE\n"
    "The first prints every node of the embedded metadata tree in DIR (the folder <first log\n"
    "dir>.metadata), one a line: path, version, data. Changes nothing; may run beside the broker.\n"
    "export writes the tree of a PLACE to FILE or standard output, import brings it into another\n"
    "one. A PLACE is such a folder, or a ZooKeeper as zookeeper.connect names it: "
    "host:port/chroot.\n"
    "What is to be imported into must hold no other tree and no running broker.\n"
    "From embedded mode into a ZooKeeper: stop the broker, then\n"
    "  barnabas metadata export DIR tree.json && barnabas metadata import tree.json "
    "host:2181/kafka\n"
    "and start it with zookeeper.connect=host:2181/kafka on the same log.dirs. Back likewise.\n";

int failed(const Error& error) {
  fmt::print(stderr, "barnabas metadata: {}\n", error.message);
  return 1;
}

int print_tree(const std::string& directory) {
  const auto vfs = make_posix_vfs();
  const auto nodes = zk::dump_embedded_store(directory, *vfs);
  if (!nodes) {
    return failed(nodes.error());
  }
  for (const auto& node : *nodes) {
    fmt::print("{}\t{}\t{}\n", node.path, node.stat.version.value(), node.data.value_or("null"));
  }
  return 0;
}

int export_tree(const std::string& place, const std::string& file) {
  const auto nodes = read_tree(place);
  if (!nodes) {
    return failed(nodes.error());
  }
  const std::string text = encode_nodes(*nodes);
  if (file.empty()) {
    fmt::print("{}", text);
    return std::fflush(stdout) == 0 ? 0 : 1;
  }
  const auto vfs = make_posix_vfs();
  // It may hold passwords' hashes: for its owner alone.
  if (const auto written = write_private_file_atomically(*vfs, file, text); !written) {
    return failed(written.error());
  }
  fmt::print("{} nodes of {} are in {}\n", nodes->size(), place, file);
  return 0;
}

int import_tree(const std::string& file, const std::string& place) {
  const auto vfs = make_posix_vfs();
  const auto text = read_file(*vfs, file, kMaxFileBytes);
  if (!text) {
    return failed(text.error());
  }
  const auto nodes = decode_nodes(*text);
  if (!nodes) {
    return failed({nodes.error().code, fmt::format("{}: {}", file, nodes.error().message)});
  }
  if (const auto written = write_tree(place, *nodes); !written) {
    return failed(written.error());
  }
  fmt::print("{} nodes of {} are in {}\n", nodes->size(), file, place);
  return 0;
}

}  // namespace

int metadata_main(std::span<char*> arguments) {
  if (arguments.size() == 1 && std::string_view(arguments[0]) == "--help") {
    fmt::print("{}", kUsage);
    return 0;
  }
  const std::vector<std::string> words(arguments.begin(), arguments.end());
  if (words.size() == 1 && words[0] != "export" && words[0] != "import") {
    return print_tree(words[0]);
  }
  if ((words.size() == 2 || words.size() == 3) && words[0] == "export") {
    return export_tree(words[1], words.size() == 3 ? words[2] : std::string{});
  }
  if (words.size() == 3 && words[0] == "import") {
    return import_tree(words[1], words[2]);
  }
  fmt::print(stderr, "{}", kUsage);
  return 1;
}

}  // namespace barnabas::apps
