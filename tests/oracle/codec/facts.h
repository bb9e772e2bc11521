// Message definitions as comparable facts: path of a field -> what is true of it. Made from our
// schemas and from the lines that CodecServer reads out of Kafka's jars, in one normal form.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "schema.h"

namespace barnabas::oracle {

// Facts of one message by path: "" for the message, "Struct", "Struct#0003" for its fourth field.
using MessageFacts = std::map<std::string, std::string>;

[[nodiscard]] MessageFacts facts_of(const schemagen::Message& message, int api_key);
// By message name, from CodecServer's lines (Facts.java).
[[nodiscard]] std::map<std::string, MessageFacts> facts_of_kafka(const std::string& lines);
// One line for each path where they differ.
[[nodiscard]] std::vector<std::string> differences(const MessageFacts& ours,
                                                   const MessageFacts& kafkas);

}  // namespace barnabas::oracle
