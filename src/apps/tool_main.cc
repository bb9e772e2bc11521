#include "tool_main.h"

#include <fmt/format.h>

#include <cstdio>

#include "rdkafka_client.h"
#include "tool_version.h"

namespace barnabas::apps {

int run_tool(const Tool& tool, std::span<char*> arguments,
             Status (*run)(const ParsedOptions& options)) {
  const auto options = parse_options(tool.options, arguments);
  if (!options) {
    say(options.error().message);
    return 1;
  }
  const bool lacks_options = tool.needs_options && arguments.empty();
  if (options->has("help") || lacks_options) {
    fmt::print(lacks_options ? stderr : stdout, "{}", tool.help);
    return lacks_options ? 1 : 0;
  }
  if (options->has("version")) {
    fmt::print("{}\n", kToolVersion);
    return 0;
  }
  if (const Status done = run(*options); !done) {
    say(done.error().message);
    return 1;
  }
  return 0;
}

}  // namespace barnabas::apps
