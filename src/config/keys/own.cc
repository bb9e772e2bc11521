// Keys of our own. Their prefix keeps them apart from any that Kafka may add.
#include "keys/areas.h"

namespace barnabas::config::keys {
namespace {

constexpr KeySpec kKeys[] = {
    {.name = "x.config.strict",
     .type = kBoolean,
     .default_value = "false",
     .handling = kActedOn,
     .doc = "Whether an unknown key stops the start instead of being warned of."},
    {.name = "x.io.threads",
     .type = kInt,
     .default_value = "0",
     .handling = kActedOn,
     .check = kRange,
     .range = {.at_least = 0, .at_most = 1024},
     .doc = "How many threads serve connections; 0: one per core."},
    {.name = "x.metadata.dir",
     .type = kString,
     .handling = kActedOn,
     .doc = "Where the embedded metadata lies; unset: beside the first log dir."},
};

}  // namespace

std::span<const KeySpec> own() {
  return kKeys;
}

}  // namespace barnabas::config::keys
