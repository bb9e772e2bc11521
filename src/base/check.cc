#include "barnabas/base/check.h"

#include <cstdio>
#include <cstdlib>

#include "barnabas/base/logging.h"

namespace barnabas {

void check_failed(const char* file, int line, const char* expression, std::string_view detail) {
  std::fprintf(stderr, "CHECK failed at %s:%d: %s %.*s\n", file, line, expression,
               static_cast<int>(detail.size()), detail.data());
  logging::logger("base").error("CHECK failed at {}:{}: {} {}", file, line, expression, detail);
  logging::flush();
  std::abort();
}

}  // namespace barnabas
