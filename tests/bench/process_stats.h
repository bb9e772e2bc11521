// CPU and memory of a process, from /proc.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace barnabas::bench {

[[nodiscard]] double cpu_seconds(pid_t pid);  // user and system, all threads
[[nodiscard]] std::size_t resident_bytes(pid_t pid);

}  // namespace barnabas::bench
