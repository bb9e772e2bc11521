// bench_load: a load that costs almost nothing itself. See --help.
#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "bench/closed_loop.h"
#include "bench/load_options.h"
#include "bench/open_loop.h"
#include "bench/waiters.h"

namespace barnabas::bench {
namespace {

Report run(const LoadOptions& options) {
  if (options.mode == "produce" || options.mode == "fetch" || options.mode == "ping") {
    return run_closed_loop(options);
  }
  if (options.mode == "rate") {
    return run_open_loop(options);
  }
  if (options.mode == "waiters") {
    return run_waiters(options);
  }
  if (options.mode == "idle") {
    return run_idle(options);
  }
  throw std::invalid_argument("unknown mode " + options.mode);
}

}  // namespace
}  // namespace barnabas::bench

int main(int argc, char** argv) {
  using namespace barnabas::bench;
  if (argc > 1 && std::string(argv[1]) == "--help") {
    fmt::print("{}", load_usage());
    return 0;
  }
  try {
    const LoadOptions options = parse_load_options(argc, argv);
    fmt::print("{}\n", run(options).text());
    return 0;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "bench_load: {}\n\n{}", error.what(), load_usage());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_load: {}\n", error.what());
    return 1;
  }
}
