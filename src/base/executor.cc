#include "barnabas/base/executor.h"

#include "barnabas/base/check.h"

namespace barnabas {

void Executor::assert_here() const {
  BARNABAS_CHECK_MSG(is_current(), "touched away from home");
}

}  // namespace barnabas
