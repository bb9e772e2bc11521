// Kafka's sentence for a protocol error that came without a message of its own
// (org.apache.kafka.common.protocol.Errors, 3.9.1), as far as administration meets it. THREAD: any
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "barnabas/base/error_code.h"
#include "barnabas/base/result.h"

namespace barnabas::apps {

[[nodiscard]] std::string_view error_text(ErrorCode code);

// Nothing wrong with code 0; else an error with the broker's message or, without one, error_text.
[[nodiscard]] Status check_answer(std::int16_t code,
                                  const std::optional<std::string>& message = std::nullopt);

}  // namespace barnabas::apps
