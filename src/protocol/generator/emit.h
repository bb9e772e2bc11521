// The texts of the generated files.
#pragma once

#include <string>
#include <vector>

#include "schema.h"

namespace barnabas::schemagen {

// gen/<stem>.h and <stem>.cc of one schema.
[[nodiscard]] std::string emit_header(const Schema& schema);
[[nodiscard]] std::string emit_source(const Schema& schema);
// <stem>_message.cc: the messages behind the one face that tests and fuzzers use
// (src/protocol/testing/any_message.h), with random values.
[[nodiscard]] std::string emit_any_message(const Schema& schema);
// gen/api_key.h, api_table.cc, and the list of all any_message factories.
[[nodiscard]] std::string emit_api_key_header(const std::vector<Schema>& schemas);
[[nodiscard]] std::string emit_api_table(const std::vector<Schema>& schemas);
[[nodiscard]] std::string emit_message_list(const std::vector<Schema>& schemas);

}  // namespace barnabas::schemagen
