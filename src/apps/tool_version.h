// What --version of a tool prints: the Kafka release whose tools these stand in for, and our own.
#pragma once

namespace barnabas::apps {
inline constexpr const char* kToolVersion = "3.9.1 (Barnabas 0.1.0)";
}  // namespace barnabas::apps
