#include "console_producer_options.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "java_text.h"
#include "option_parser.h"

namespace barnabas::apps {

namespace {

constexpr std::array kOptions = {
    OptionSpec{"batch-size", Argument::kRequired},
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"broker-list", Argument::kRequired},
    OptionSpec{"compression-codec", Argument::kOptional},
    OptionSpec{"help"},
    OptionSpec{"line-reader", Argument::kRequired},
    OptionSpec{"max-block-ms", Argument::kRequired},
    OptionSpec{"max-memory-bytes", Argument::kRequired},
    OptionSpec{"max-partition-memory-bytes", Argument::kRequired},
    OptionSpec{"message-send-max-retries", Argument::kRequired},
    OptionSpec{"metadata-expiry-ms", Argument::kRequired},
    OptionSpec{"producer-property", Argument::kRequired},
    OptionSpec{"producer.config", Argument::kRequired},
    OptionSpec{"property", Argument::kRequired},
    OptionSpec{"reader-config", Argument::kRequired},
    OptionSpec{"request-required-acks", Argument::kRequired},
    OptionSpec{"request-timeout-ms", Argument::kRequired},
    OptionSpec{"retry-backoff-ms", Argument::kRequired},
    OptionSpec{"socket-buffer-size", Argument::kRequired},
    OptionSpec{"sync"},
    OptionSpec{"timeout", Argument::kRequired},
    OptionSpec{"topic", Argument::kRequired},
    OptionSpec{"version"},
};

// An option that stands for a producer property: given on the command line it wins, else the
// property stays, else the default holds.
struct Merged {
  std::string_view option;
  std::string_view property;
  std::string_view otherwise;
};

constexpr std::array kNumbers = {
    Merged{"timeout", "linger.ms", "1000"},
    Merged{"request-timeout-ms", "request.timeout.ms", "1500"},
    Merged{"message-send-max-retries", "retries", "3"},
    Merged{"retry-backoff-ms", "retry.backoff.ms", "100"},
    Merged{"socket-buffer-size", "send.buffer.bytes", "102400"},
    Merged{"max-memory-bytes", "buffer.memory", "33554432"},
    Merged{"batch-size", "batch.size", "16384"},
    Merged{"max-partition-memory-bytes", "batch.size", "16384"},
    Merged{"metadata-expiry-ms", "metadata.max.age.ms", "300000"},
    Merged{"max-block-ms", "max.block.ms", "60000"},
};

Status merge_numbers(const ParsedOptions& options, PropertyMap& producer) {
  for (const Merged& merged : kNumbers) {
    if (options.has(merged.option)) {
      TRY(const std::int64_t number, options.int64_value(merged.option, 0));
      producer[std::string(merged.property)] = std::to_string(number);
    } else {
      producer.try_emplace(std::string(merged.property), merged.otherwise);
    }
  }
  return {};
}

// Java's producer is idempotent unless its other settings forbid it.
void choose_idempotence(PropertyMap& producer) {
  const std::string& acks = producer["acks"];
  const auto in_flight = producer.find("max.in.flight.requests.per.connection");
  const bool possible = (acks == "all" || acks == "-1") && producer["retries"] != "0" &&
                        (in_flight == producer.end() || in_flight->second.size() == 1);
  producer.try_emplace("enable.idempotence", possible ? "true" : "false");
}

Result<PropertyMap> load_if_given(const ParsedOptions& options, std::string_view name) {
  TRY(const std::optional<std::string> path, options.value(name));
  return path ? load_properties_file(*path) : Result<PropertyMap>(PropertyMap{});
}

void overlay(PropertyMap& base, const PropertyMap& over) {
  for (const auto& [key, value] : over) {
    base[key] = value;
  }
}

Result<PropertyMap> producer_properties(const ParsedOptions& options,
                                        const ConsoleProducerOptions& parsed) {
  TRY(PropertyMap producer, load_if_given(options, "producer.config"));
  overlay(producer, parse_key_values(options.values("producer-property")));
  producer["bootstrap.servers"] = join_servers(parsed.servers);
  TRY(const std::optional<std::string> codec, options.value("compression-codec"));
  if (options.has("compression-codec")) {
    producer["compression.type"] = codec.value_or("gzip");
  } else {
    producer["compression.type"] = "none";
  }
  producer.try_emplace("client.id", "console-producer");
  TRY(const std::optional<std::string> acks, options.value("request-required-acks"));
  if (acks) {
    producer["acks"] = *acks;
  }
  producer.try_emplace("acks", "-1");
  producer.try_emplace("delivery.timeout.ms", "120000");
  TRY_STATUS(merge_numbers(options, producer));
  choose_idempotence(producer);
  return producer;
}

Status check_line_reader(const ParsedOptions& options) {
  TRY(const std::optional<std::string> reader, options.value("line-reader"));
  if (reader && !reader->ends_with("LineMessageReader")) {
    return fail(
        ErrorCode::kInvalidRequest,
        fmt::format("--line-reader {}: only Kafka's own LineMessageReader is supported", *reader));
  }
  return {};
}

}  // namespace

std::string_view console_producer_help() {
  return R"(Reads lines from standard input and sends each as a record to a topic.
  --topic T                     REQUIRED: where to
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092); --broker-list is the old name
  --property KEY=VALUE          how lines are read: parse.key=false parse.headers=false
      ignore.error=false key.separator=\t headers.delimiter=\t headers.separator=,
      headers.key.separator=:  null.marker= (fields equal to it become null)
      With both parse.headers and parse.key a line is "h1:v1,h2:v2\tkey\tvalue".
  --reader-config FILE          such properties from a file; --line-reader CLASS
  --producer-property KEY=VALUE, --producer.config FILE   properties of the Java producer
  --sync                        wait for each record before the next one
  --compression-codec [CODEC]   none, gzip (when no value is given), snappy, lz4, zstd
  --request-required-acks ACKS  0, 1, -1 or all (-1)
  --timeout MS                  linger.ms: how long a batch may wait for more (1000)
  --batch-size BYTES            batch.size (16384); also --max-partition-memory-bytes
  --max-memory-bytes BYTES      buffer.memory (33554432)
  --max-block-ms MS             how long to wait when that memory is full (60000)
  --message-send-max-retries N  retries (3);  --retry-backoff-ms MS (100)
  --request-timeout-ms MS       (1500);  --metadata-expiry-ms MS (300000)
  --socket-buffer-size BYTES    send.buffer.bytes (102400)
  --help, --version
Exit code: 0 all sent, 1 an error or a record that could not be stored, 130 after Ctrl-C.
)";
}

Result<ConsoleProducerOptions> parse_console_producer(std::span<char*> arguments) {
  TRY(const ParsedOptions options, parse_options(kOptions, arguments));
  ConsoleProducerOptions parsed;
  parsed.help = options.has("help");
  parsed.version = options.has("version");
  if (parsed.help || parsed.version) {
    return parsed;
  }
  if (!options.has("topic")) {
    return fail(ErrorCode::kInvalidRequest, "Missing required argument \"[topic]\"");
  }
  TRY(const std::optional<std::string> topic, options.value("topic"));
  parsed.topic = topic.value_or("");
  TRY(const std::optional<std::string> bootstrap, options.value("bootstrap-server"));
  TRY(const std::optional<std::string> broker_list, options.value("broker-list"));
  const std::string list = bootstrap ? *bootstrap : broker_list.value_or("");
  TRY(parsed.servers, servers_of(list, options.words(), parsed.notes));
  parsed.sync = options.has("sync");
  TRY_STATUS(check_line_reader(options));
  TRY(parsed.producer, producer_properties(options, parsed));
  TRY(parsed.max_block_ms, int_property(parsed.producer, "max.block.ms", 60000));
  TRY(parsed.reader, load_if_given(options, "reader-config"));
  overlay(parsed.reader, parse_key_values(options.values("property")));
  return parsed;
}

}  // namespace barnabas::apps
