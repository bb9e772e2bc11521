// Single records at a fixed rate, whatever the broker does; latency counts from the moment a record
// was due. Mode rate.
#pragma once

#include "bench/load_options.h"
#include "bench/report.h"

namespace barnabas::bench {

[[nodiscard]] Report run_open_loop(const LoadOptions& options);

}  // namespace barnabas::bench
