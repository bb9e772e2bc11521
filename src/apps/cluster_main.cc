// kafka-cluster.sh: the id of a cluster. `unregister` is a matter of KRaft clusters, which this is
// none of; Kafka's tool says of such a broker what this one says.
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "cluster_client.h"
#include "option_parser.h"
#include "rdkafka_client.h"
#include "subcommands.h"

namespace barnabas::apps {
namespace {

constexpr std::array kOptions = {
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"b", Argument::kRequired},
    OptionSpec{"command-config", Argument::kRequired},
    OptionSpec{"config", Argument::kRequired},
    OptionSpec{"c", Argument::kRequired},
    OptionSpec{"h"},
    OptionSpec{"help"},
    OptionSpec{"id", Argument::kRequired},
    OptionSpec{"i", Argument::kRequired},
};

constexpr std::string_view kHelp = R"(Tells the id of a cluster.
  cluster-id
  unregister --id N             for KRaft clusters only: says that this is none
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092); -b
  --config FILE                 properties of the Java AdminClient; -c
  --help
Exit code: 0 done, 1 an error.
)";

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

// The short names and Kafka's own name of the configuration, as the other tools call them.
std::vector<std::string> with_long_names(std::span<char*> arguments) {
  std::vector<std::string> words;
  for (const char* const argument : arguments) {
    const std::string_view word = argument;
    words.emplace_back(word == "-b"                         ? "--bootstrap-server"
                       : word == "-c" || word == "--config" ? "--command-config"
                       : word == "-i"                       ? "--id"
                                                            : word);
  }
  return words;
}

Status run(const std::string& command, const ParsedOptions& options) {
  if (command != "cluster-id" && command != "unregister") {
    return refuse(
        fmt::format("invalid choice: '{}' (choose from 'cluster-id', 'unregister')", command));
  }
  if (command == "unregister" && !options.has("id")) {
    return refuse("argument --id/-i is required");
  }
  TRY(ClusterClient cluster, ClusterClient::connect(options));
  if (command == "unregister") {
    fmt::print("The target cluster does not support the broker unregistration API.\n");
    return {};
  }
  TRY(const protocol::MetadataResponse metadata, cluster.metadata(false));
  if (metadata.cluster_id) {
    fmt::print("Cluster ID: {}\n", *metadata.cluster_id);
  } else {
    fmt::print("No cluster ID found. The Kafka version is probably too old.\n");
  }
  return {};
}

}  // namespace

int cluster_main(std::span<char*> arguments) {
  std::vector<std::string> words = with_long_names(arguments);
  std::string command;
  std::vector<char*> rest;
  for (std::string& word : words) {
    // The command stands first, as in Kafka's tool.
    if (command.empty() && !word.starts_with('-')) {
      command = word;
    } else {
      rest.push_back(word.data());
    }
  }
  const auto options = parse_options(kOptions, rest);
  if (!options) {
    say(options.error().message);
    return 1;
  }
  if (options->has("help") || options->has("h")) {
    fmt::print("{}", kHelp);
    return 0;
  }
  if (command.empty()) {
    say("too few arguments");
    return 1;
  }
  if (const Status done = run(command, *options); !done) {
    say(done.error().message);
    return 1;
  }
  return 0;
}

}  // namespace barnabas::apps
