// barnabas metadata DIR: prints the embedded metadata tree that lies in a directory.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "barnabas/base/vfs.h"
#include "barnabas/zk/embedded_store.h"
#include "subcommands.h"

namespace barnabas::apps {
namespace {

constexpr std::string_view kUsage =
    "usage: barnabas metadata DIR\n"
    "Prints every node of the embedded metadata tree in DIR (the folder <first log "
    "dir>.metadata),\n"
    "one a line: path, version, data. Changes nothing; may run beside the broker.\n";

}  // namespace

int metadata_main(std::span<char*> arguments) {
  if (arguments.size() == 1 && std::string_view(arguments[0]) == "--help") {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (arguments.size() != 1) {
    fmt::print(stderr, "{}", kUsage);
    return 1;
  }
  const auto vfs = make_posix_vfs();
  const auto nodes = zk::dump_embedded_store(arguments[0], *vfs);
  if (!nodes) {
    fmt::print(stderr, "barnabas metadata: {}\n", nodes.error().message);
    return 1;
  }
  for (const auto& node : *nodes) {
    fmt::print("{}\t{}\t{}\n", node.path, node.stat.version.value(), node.data.value_or("null"));
  }
  return 0;
}

}  // namespace barnabas::apps
