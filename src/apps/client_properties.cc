#include "client_properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

#include "barnabas/config/properties.h"

namespace barnabas::apps {

namespace {

enum class Rule : std::uint8_t {
  kText,         // passed on as it stands
  kNumber,       // a whole number, clamped to librdkafka's range
  kKilobytes,    // a number of bytes that librdkafka wants in KiB
  kIgnored,      // has no meaning for a native tool
  kUnsupported,  // has a meaning that cannot be had
};

struct Mapping {
  std::string_view java;
  Rule rule = Rule::kText;
  std::string_view librdkafka = {};  // empty: the same name
  std::int64_t lowest = 0;
  std::int64_t highest = std::numeric_limits<std::int32_t>::max();
};

constexpr std::int64_t kMaxInt = std::numeric_limits<std::int32_t>::max();

constexpr std::array kCommon = {
    Mapping{"bootstrap.servers"},
    Mapping{"client.id"},
    Mapping{"client.rack"},
    Mapping{"client.dns.lookup"},
    Mapping{"security.protocol"},
    Mapping{"sasl.mechanism"},
    Mapping{"sasl.kerberos.service.name"},
    Mapping{"ssl.key.password"},
    Mapping{"ssl.keystore.location"},
    Mapping{"ssl.keystore.password"},
    Mapping{"ssl.keystore.key", Rule::kText, "ssl.key.pem"},
    Mapping{"ssl.keystore.certificate.chain", Rule::kText, "ssl.certificate.pem"},
    Mapping{"ssl.truststore.location", Rule::kText, "ssl.ca.location"},
    Mapping{"ssl.truststore.certificates", Rule::kText, "ssl.ca.pem"},
    Mapping{"metadata.max.age.ms", Rule::kNumber, {}, 1, 86400000},
    Mapping{"connections.max.idle.ms", Rule::kNumber, {}, 0, kMaxInt},
    Mapping{"reconnect.backoff.ms", Rule::kNumber, {}, 0, 3600000},
    Mapping{"reconnect.backoff.max.ms", Rule::kNumber, {}, 0, 3600000},
    Mapping{"receive.buffer.bytes", Rule::kNumber, "socket.receive.buffer.bytes", 0, 100000000},
    Mapping{"send.buffer.bytes", Rule::kNumber, "socket.send.buffer.bytes", 0, 100000000},
    Mapping{"socket.connection.setup.timeout.ms", Rule::kNumber, {}, 1000, kMaxInt},
    Mapping{"socket.connection.setup.timeout.max.ms", Rule::kIgnored},
    Mapping{"retry.backoff.max.ms", Rule::kIgnored},
    Mapping{"metadata.recovery.strategy", Rule::kIgnored},
    Mapping{"auto.include.jmx.reporter", Rule::kIgnored},
    Mapping{"enable.metrics.push", Rule::kIgnored},
    Mapping{"metric.reporters", Rule::kIgnored},
    Mapping{"metrics.num.samples", Rule::kIgnored},
    Mapping{"metrics.recording.level", Rule::kIgnored},
    Mapping{"metrics.sample.window.ms", Rule::kIgnored},
    Mapping{"ssl.protocol", Rule::kIgnored},
    Mapping{"ssl.enabled.protocols", Rule::kIgnored},
    Mapping{"ssl.provider", Rule::kIgnored},
    Mapping{"interceptor.classes", Rule::kUnsupported},
    Mapping{"ssl.truststore.password", Rule::kUnsupported},
    Mapping{"sasl.client.callback.handler.class", Rule::kUnsupported},
    Mapping{"sasl.login.callback.handler.class", Rule::kUnsupported},
};

constexpr std::array kProducer = {
    Mapping{"acks"},
    Mapping{"compression.type"},
    Mapping{"compression.gzip.level", Rule::kNumber, "compression.level", -1, 12},
    Mapping{"compression.lz4.level", Rule::kNumber, "compression.level", -1, 12},
    Mapping{"compression.zstd.level", Rule::kNumber, "compression.level", -1, 12},
    Mapping{"enable.idempotence"},
    Mapping{"transactional.id", Rule::kUnsupported},
    Mapping{"transaction.timeout.ms", Rule::kIgnored},
    Mapping{"batch.size", Rule::kNumber, {}, 1, kMaxInt},
    Mapping{"linger.ms", Rule::kNumber, {}, 0, 900000},
    Mapping{"buffer.memory", Rule::kKilobytes, "queue.buffering.max.kbytes", 1, kMaxInt},
    Mapping{"max.request.size", Rule::kNumber, "message.max.bytes", 1000, 1000000000},
    Mapping{"max.in.flight.requests.per.connection", Rule::kNumber, {}, 1, 1000000},
    Mapping{"delivery.timeout.ms", Rule::kNumber, {}, 0, kMaxInt},
    Mapping{"request.timeout.ms", Rule::kNumber, {}, 1, 900000},
    Mapping{"retries", Rule::kNumber, {}, 0, kMaxInt},
    Mapping{"retry.backoff.ms", Rule::kNumber, {}, 1, 300000},
    Mapping{"max.block.ms", Rule::kIgnored},  // the producer tool itself keeps it
    Mapping{"key.serializer", Rule::kIgnored},
    Mapping{"value.serializer", Rule::kIgnored},
    Mapping{"metadata.max.idle.ms", Rule::kIgnored},
    Mapping{"partitioner.ignore.keys", Rule::kUnsupported},
    Mapping{"partitioner.class", Rule::kUnsupported},
    Mapping{"partitioner.adaptive.partitioning.enable", Rule::kIgnored},
    Mapping{"partitioner.availability.timeout.ms", Rule::kIgnored},
};

constexpr std::array kConsumer = {
    Mapping{"group.id"},
    Mapping{"group.instance.id"},
    Mapping{"auto.offset.reset"},
    Mapping{"isolation.level"},
    Mapping{"enable.auto.commit"},
    Mapping{"check.crcs"},
    Mapping{"allow.auto.create.topics"},
    Mapping{"auto.commit.interval.ms", Rule::kNumber, {}, 0, 86400000},
    Mapping{"session.timeout.ms", Rule::kNumber, {}, 1, 3600000},
    Mapping{"heartbeat.interval.ms", Rule::kNumber, {}, 1, 3600000},
    Mapping{"max.poll.interval.ms", Rule::kNumber, {}, 1, 86400000},
    Mapping{"fetch.min.bytes", Rule::kNumber, {}, 1, 100000000},
    Mapping{"fetch.max.bytes", Rule::kNumber, {}, 0, 2147483135},
    Mapping{"fetch.max.wait.ms", Rule::kNumber, "fetch.wait.max.ms", 0, 300000},
    Mapping{"max.partition.fetch.bytes", Rule::kNumber, {}, 1, 1000000000},
    Mapping{"request.timeout.ms", Rule::kNumber, "socket.timeout.ms", 10, 300000},
    Mapping{"retry.backoff.ms", Rule::kNumber, "fetch.error.backoff.ms", 0, 300000},
    Mapping{"max.poll.records", Rule::kIgnored},
    Mapping{"default.api.timeout.ms", Rule::kIgnored},
    Mapping{"exclude.internal.topics", Rule::kIgnored},
    Mapping{"group.protocol", Rule::kIgnored},
    Mapping{"key.deserializer", Rule::kIgnored},
    Mapping{"value.deserializer", Rule::kIgnored},
    Mapping{"group.remote.assignor", Rule::kUnsupported},
};

struct Choice {
  std::string_view key;
  std::vector<std::string_view> allowed;
};

const std::array<Choice, 4>& choices() {
  static const std::array<Choice, 4> kChoices = {
      Choice{"acks", {"all", "-1", "0", "1"}},
      Choice{"compression.type", {"none", "gzip", "snappy", "lz4", "zstd"}},
      Choice{"isolation.level", {"read_committed", "read_uncommitted"}},
      Choice{"auto.offset.reset", {"latest", "earliest", "none"}},
  };
  return kChoices;
}

Status check_choice(std::string_view key, const std::string& value) {
  const auto found = std::ranges::find(choices(), key, &Choice::key);
  if (found == choices().end() || std::ranges::count(found->allowed, value) > 0) {
    return {};
  }
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("Invalid value {} for configuration {}: String must be one of: {}", value,
                          key, fmt::join(found->allowed, ", ")));
}

const Mapping* find_mapping(ClientKind kind, std::string_view name) {
  if (const auto found = std::ranges::find(kCommon, name, &Mapping::java); found != kCommon.end()) {
    return &*found;
  }
  const std::span<const Mapping> own = kind == ClientKind::kProducer
                                           ? std::span<const Mapping>(kProducer)
                                           : std::span<const Mapping>(kConsumer);
  const auto found = std::ranges::find(own, name, &Mapping::java);
  return found == own.end() ? nullptr : &*found;
}

Result<std::int64_t> parse_number(std::string_view key, const std::string& value) {
  std::int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (value.empty() || error != std::errc{} || stop != end) {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("Invalid value {} for configuration {}: Not a number", value, key));
  }
  return number;
}

// The value of key="..." or key='...' inside a JAAS line.
std::string jaas_value(std::string_view jaas, std::string_view key) {
  for (std::size_t at = jaas.find(key); at != std::string_view::npos; at = jaas.find(key, at + 1)) {
    const std::size_t equals = at + key.size();
    if (equals + 1 >= jaas.size() || jaas[equals] != '=') {
      continue;
    }
    const char quote = jaas[equals + 1];
    if (quote != '"' && quote != '\'') {
      const std::size_t end = jaas.find_first_of(" ;", equals + 1);
      return std::string(jaas.substr(equals + 1, end - equals - 1));
    }
    const std::size_t end = jaas.find(quote, equals + 2);
    return std::string(jaas.substr(equals + 2, end - equals - 2));
  }
  return {};
}

// "org.apache.kafka.clients.consumer.RangeAssignor,..." -> "range,..."
Result<std::string> assignors(std::string_view classes) {
  std::string names;
  std::stringstream list{std::string(classes)};
  for (std::string name; std::getline(list, name, ',');) {
    std::string_view plain;
    if (name.ends_with("CooperativeStickyAssignor") || name == "cooperative-sticky") {
      plain = "cooperative-sticky";
    } else if (name.ends_with("RoundRobinAssignor") || name == "roundrobin") {
      plain = "roundrobin";
    } else if (name.ends_with("RangeAssignor") || name == "range") {
      plain = "range";
    } else {
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("partition.assignment.strategy: {} is not supported by this tool "
                              "(range, roundrobin, cooperative-sticky)",
                              name));
    }
    names += fmt::format("{}{}", names.empty() ? "" : ",", plain);
  }
  return names;
}

// Keys whose value changes its shape. True when the key was one of them.
Result<bool> translate_special(const std::string& key, const std::string& value,
                               TranslatedProperties& out) {
  if (key == "sasl.jaas.config") {
    out.librdkafka["sasl.username"] = jaas_value(value, "username");
    out.librdkafka["sasl.password"] = jaas_value(value, "password");
    return true;
  }
  if (key == "ssl.endpoint.identification.algorithm") {
    out.librdkafka[key] = value.empty() ? "none" : value;
    return true;
  }
  if (key == "ssl.truststore.type" || key == "ssl.keystore.type") {
    if (value == "JKS") {
      out.notes.push_back(fmt::format("{}=JKS is not supported by this tool: use PEM{}", key,
                                      key == "ssl.keystore.type" ? " or PKCS12" : ""));
    }
    return true;
  }
  if (key == "partition.assignment.strategy") {
    TRY(out.librdkafka[key], assignors(value));
    return true;
  }
  return false;
}

Status translate_one(ClientKind kind, const std::string& key, const std::string& value,
                     TranslatedProperties& out) {
  TRY(const bool special, translate_special(key, value, out));
  if (special) {
    return {};
  }
  const Mapping* mapping = find_mapping(kind, key);
  if (mapping == nullptr) {
    out.librdkafka[key] = value;  // librdkafka's own name, or told of when it refuses it
    return {};
  }
  const std::string name(mapping->librdkafka.empty() ? mapping->java : mapping->librdkafka);
  switch (mapping->rule) {
    case Rule::kIgnored:
      return {};
    case Rule::kUnsupported:
      out.notes.push_back(fmt::format("{} is not supported by this tool and ignored", key));
      return {};
    case Rule::kText:
      TRY_STATUS(check_choice(key, value));
      out.librdkafka[name] = value == "none" && key == "auto.offset.reset" ? "error" : value;
      return {};
    case Rule::kNumber:
    case Rule::kKilobytes: {
      TRY(std::int64_t number, parse_number(key, value));
      if (mapping->rule == Rule::kKilobytes) {
        number /= 1024;
      }
      out.librdkafka[name] = std::to_string(std::clamp(number, mapping->lowest, mapping->highest));
      return {};
    }
  }
  return {};
}

}  // namespace

Result<TranslatedProperties> translate_properties(ClientKind kind, const PropertyMap& java) {
  TranslatedProperties out;
  // Java's defaults; librdkafka would come back to a restarted broker after up to ten seconds.
  out.librdkafka["reconnect.backoff.ms"] = "50";
  out.librdkafka["reconnect.backoff.max.ms"] = "1000";
  for (const auto& [key, value] : java) {
    TRY_STATUS(translate_one(kind, key, value, out));
  }
  return out;
}

PropertyMap parse_key_values(std::span<const std::string> words) {
  PropertyMap properties;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    properties[word.substr(0, equals)] =
        equals == std::string::npos ? std::string{} : word.substr(equals + 1);
  }
  return properties;
}

Result<PropertyMap> load_properties_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int error = errno;
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("cannot read {}: {}", path, std::strerror(error)), error);
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto parsed = config::Properties::parse(text);
  if (!parsed) {
    return fail(ErrorCode::kInvalidConfig, fmt::format("{}: {}", path, parsed.error().message));
  }
  PropertyMap properties;
  for (const config::Property& property : parsed->entries()) {
    properties[property.key] = property.value;
  }
  return properties;
}

Result<std::int64_t> int_property(const PropertyMap& properties, std::string_view name,
                                  std::int64_t otherwise) {
  const auto found = properties.find(name);
  if (found == properties.end()) {
    return otherwise;
  }
  return parse_number(name, found->second);
}

}  // namespace barnabas::apps
