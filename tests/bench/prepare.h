// Before the load: a topic whose partitions all have leaders.
#pragma once

#include "bench/load_options.h"

namespace barnabas::bench {

void prepare_topic(const LoadOptions& options);

}  // namespace barnabas::bench
