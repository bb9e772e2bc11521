// Many fetches that wait at the end of partitions: what they cost while nothing happens, and how
// long it takes until all waiters of a partition have a new record. Mode waiters.
#pragma once

#include "bench/load_options.h"
#include "bench/report.h"

namespace barnabas::bench {

[[nodiscard]] Report run_waiters(const LoadOptions& options);
// Connections that do nothing after one request: CPU to open them, memory while they stay. Mode
// idle.
[[nodiscard]] Report run_idle(const LoadOptions& options);

}  // namespace barnabas::bench
