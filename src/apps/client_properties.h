// The properties of a Java client (--producer-property, --consumer.config, ...) said in
// librdkafka's words. One table: the Java name, librdkafka's name, the unit and the range it
// accepts. Java's serializers, metrics and the like are accepted and ignored; what cannot be had is
// told in one line; a name that neither side knows is told, too (Java keeps quiet), and ignored.
// Fails: INVALID_CONFIG with Java's sentence ("Invalid value foo for configuration ...").
// Source: producer and consumer configurations of Kafka 3.9.1; CONFIGURATION.md of
// librdkafka 2.0.2. Pure functions, except load_properties_file. THREAD: any
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"

namespace barnabas::apps {

using PropertyMap = std::map<std::string, std::string, std::less<>>;

enum class ClientKind : std::uint8_t { kProducer, kConsumer };

struct TranslatedProperties {
  PropertyMap librdkafka;
  std::vector<std::string> notes;  // one line each, for stderr
};

[[nodiscard]] Result<TranslatedProperties> translate_properties(ClientKind kind,
                                                                const PropertyMap& java);

// key=value words; a word without '=' is a key with an empty value, as Kafka's tools take it.
[[nodiscard]] PropertyMap parse_key_values(std::span<const std::string> words);

// A Java properties file. Fails with one sentence that names the file.
[[nodiscard]] Result<PropertyMap> load_properties_file(const std::string& path);

// A whole number property, `otherwise` when absent. Fails as translate_properties does.
[[nodiscard]] Result<std::int64_t> int_property(const PropertyMap& properties,
                                                std::string_view name, std::int64_t otherwise);

}  // namespace barnabas::apps
