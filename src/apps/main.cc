// The multi-call program. What runs is chosen by the name it is called under (a symlink such as
// kafka-topics.sh), else by its first argument: `barnabas topics --list`.
// A new subcommand: its function in subcommands.h, a file of its own, one row below.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <string_view>

#include "subcommands.h"

namespace {

struct Subcommand {
  std::string_view name;
  std::string_view script;  // Kafka's name for it, without .sh
  std::string_view summary;
  int (*run)(std::span<char*> arguments);
};

using namespace barnabas::apps;

constexpr std::array kSubcommands = {
    Subcommand{"server", "kafka-server-start", "run a broker", server_main},
    Subcommand{"metadata", "", "print, export and import metadata trees", metadata_main},
    Subcommand{"topics", "kafka-topics", "create, list, describe, alter and delete topics",
               topics_main},
    Subcommand{"configs", "kafka-configs", "show or change settings of topics and brokers",
               configs_main},
    Subcommand{"consumer-groups", "kafka-consumer-groups",
               "list, describe, reset and delete consumer groups", consumer_groups_main},
    Subcommand{"get-offsets", "kafka-get-offsets", "print offsets of partitions", get_offsets_main},
    Subcommand{"delete-records", "kafka-delete-records", "delete records below offsets",
               delete_records_main},
    Subcommand{"dump-log", "kafka-dump-log", "print segments and indexes from the disk",
               dump_log_main},
    Subcommand{"log-dirs", "kafka-log-dirs", "show what lies in log dirs", log_dirs_main},
    Subcommand{"leader-election", "kafka-leader-election", "have leaders elected",
               leader_election_main},
    Subcommand{"cluster", "kafka-cluster", "tell the id of a cluster", cluster_main},
    Subcommand{"broker-api-versions", "kafka-broker-api-versions",
               "tell which requests brokers take", api_versions_main},
    Subcommand{"transactions", "kafka-transactions", "show, find and abort transactions",
               transactions_main},
    Subcommand{"console-producer", "kafka-console-producer", "send lines of standard input",
               console_producer_main},
    Subcommand{"console-consumer", "kafka-console-consumer", "print the records of topics",
               console_consumer_main},
};

void print_usage(std::FILE* to) {
  fmt::print(to, "usage: barnabas <command> [options]\n");
  for (const Subcommand& command : kSubcommands) {
    fmt::print(to, "  {:21}{}\n", command.name, command.summary);
  }
  fmt::print(to, "`barnabas <command> --help` tells a command's options.\n");
}

const Subcommand* find_by_script(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(".sh")) {
    name.remove_suffix(3);
  }
  const auto found = std::ranges::find(kSubcommands, name, &Subcommand::script);
  return found == kSubcommands.end() ? nullptr : &*found;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  if (arguments.empty()) {
    print_usage(stderr);
    return 1;
  }
  if (const Subcommand* command = find_by_script(arguments[0])) {
    return command->run(arguments.subspan(1));
  }
  const std::string_view word = arguments.size() > 1 ? arguments[1] : "";
  if (word == "--version") {
    fmt::print("barnabas {}\n", BARNABAS_VERSION);
    return 0;
  }
  if (word == "--help" || word == "help") {
    print_usage(stdout);
    return 0;
  }
  const auto found = std::ranges::find(kSubcommands, word, &Subcommand::name);
  if (found == kSubcommands.end()) {
    if (!word.empty()) {
      fmt::print(stderr, "barnabas: there is no command '{}'\n", word);
    }
    print_usage(stderr);
    return 1;
  }
  return found->run(arguments.subspan(2));
}
