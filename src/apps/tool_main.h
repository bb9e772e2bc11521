// The main of a tool with one thing to do: its options are read, --help and --version answered, and
// what goes wrong becomes one line and exit code 1. THREAD: any
#pragma once

#include <span>
#include <string_view>

#include "option_parser.h"

namespace barnabas::apps {

struct Tool {
  std::span<const OptionSpec> options;  // with "help" and "version"
  std::string_view help;
  bool needs_options = false;  // without any, the help goes to standard error, and the code is 1
};

// The exit code.
[[nodiscard]] int run_tool(const Tool& tool, std::span<char*> arguments,
                           Status (*run)(const ParsedOptions& options));

}  // namespace barnabas::apps
