// The generated table behind api_keys.h.
#pragma once

#include <vector>

#include "barnabas/protocol/api_keys.h"

namespace barnabas::protocol {

[[nodiscard]] const std::vector<ApiInfo>& api_table();

}  // namespace barnabas::protocol
