// Loads with a window: as fast as the broker answers. Modes produce, fetch and ping.
#pragma once

#include "bench/load_options.h"
#include "bench/report.h"

namespace barnabas::bench {

[[nodiscard]] Report run_closed_loop(const LoadOptions& options);

}  // namespace barnabas::bench
