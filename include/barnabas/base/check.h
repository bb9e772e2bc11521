// CHECK: a broken invariant ends the process, in release builds too, naming the place.
#pragma once

#include <string_view>

namespace barnabas {
[[noreturn]] void check_failed(const char* file, int line, const char* expression,
                               std::string_view detail);
}  // namespace barnabas

#define BARNABAS_CHECK(condition)                                   \
  do {                                                              \
    if (!(condition)) [[unlikely]] {                                \
      ::barnabas::check_failed(__FILE__, __LINE__, #condition, {}); \
    }                                                               \
  } while (false)

#define BARNABAS_CHECK_MSG(condition, detail)                             \
  do {                                                                    \
    if (!(condition)) [[unlikely]] {                                      \
      ::barnabas::check_failed(__FILE__, __LINE__, #condition, (detail)); \
    }                                                                     \
  } while (false)
