// Points in time and durations as Java reads them on a command line.
// Fails: INVALID_REQUEST with the sentence of Java's parser. Pure. THREAD: any
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "barnabas/base/result.h"

namespace barnabas::apps {

// "2024-05-06T07:08:09.010" in UTC, or with Z, +01, +01:00 at its end. Milliseconds since 1970.
[[nodiscard]] Result<std::int64_t> parse_java_datetime(const std::string& text);

// ISO 8601 as java.time.Duration takes it: "P1DT2H3M4.5S", "-PT5M". Milliseconds, towards minus
// infinity.
[[nodiscard]] Result<std::int64_t> parse_java_duration(const std::string& text);

}  // namespace barnabas::apps
