#include "console_consumer_options.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <set>

#include "barnabas/base/random.h"
#include "option_parser.h"

namespace barnabas::apps {

namespace {

constexpr std::array kOptions = {
    OptionSpec{"bootstrap-server", Argument::kRequired},
    OptionSpec{"consumer-property", Argument::kRequired},
    OptionSpec{"consumer.config", Argument::kRequired},
    OptionSpec{"enable-systest-events"},
    OptionSpec{"formatter", Argument::kRequired},
    OptionSpec{"formatter-config", Argument::kRequired},
    OptionSpec{"from-beginning"},
    OptionSpec{"group", Argument::kRequired},
    OptionSpec{"help"},
    OptionSpec{"include", Argument::kRequired},
    OptionSpec{"isolation-level", Argument::kRequired},
    OptionSpec{"key-deserializer", Argument::kRequired},
    OptionSpec{"max-messages", Argument::kRequired},
    OptionSpec{"offset", Argument::kRequired},
    OptionSpec{"partition", Argument::kRequired},
    OptionSpec{"property", Argument::kRequired},
    OptionSpec{"skip-message-on-error"},
    OptionSpec{"timeout-ms", Argument::kRequired},
    OptionSpec{"topic", Argument::kRequired},
    OptionSpec{"value-deserializer", Argument::kRequired},
    OptionSpec{"version"},
    OptionSpec{"whitelist", Argument::kRequired},
};

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

Status check_required(const ParsedOptions& options, const ConsoleConsumerOptions& parsed) {
  if (parsed.topic.has_value() == parsed.include.has_value()) {
    return refuse(fmt::format(
        "Exactly one of --include/--topic is required. {}",
        options.has("whitelist")
            ? "--whitelist is DEPRECATED use --include instead; ignored if --include specified."
            : ""));
  }
  if (options.has("partition")) {
    if (!options.has("topic")) {
      return refuse("The topic is required when partition is specified.");
    }
    if (options.has("from-beginning") && options.has("offset")) {
      return refuse("Options from-beginning and offset cannot be specified together.");
    }
  } else if (options.has("offset")) {
    return refuse("The partition is required when offset is specified.");
  }
  return {};
}

Status read_topics(const ParsedOptions& options, ConsoleConsumerOptions& parsed) {
  TRY(parsed.topic, options.value("topic"));
  TRY(parsed.include, options.value(options.has("include") ? "include" : "whitelist"));
  TRY_STATUS(check_required(options, parsed));
  if (options.has("partition")) {
    TRY(parsed.partition, options.int32_value("partition", 0));
  }
  return {};
}

constexpr std::uint64_t kGroupNumbers = 100000;  // of groups that are made up, as in Kafka

Status read_group(const ParsedOptions& options, const PropertyMap& from_file,
                  const PropertyMap& from_line, ConsoleConsumerOptions& parsed) {
  std::set<std::string> groups;
  TRY(const std::optional<std::string> group, options.value("group"));
  if (group) {
    groups.insert(*group);
  }
  for (const PropertyMap* properties : {&from_file, &from_line}) {
    if (const auto found = properties->find("group.id"); found != properties->end()) {
      groups.insert(found->second);
    }
  }
  if (groups.size() > 1) {
    std::string list;
    for (const std::string& name : groups) {
      list += fmt::format("{}'{}'", list.empty() ? "" : ", ", name);
    }
    return refuse(
        "The group ids provided in different places (directly using '--group', via "
        "'--consumer-property', or via '--consumer.config') do not match. Detected group ids: " +
        list);
  }
  if (!groups.empty()) {
    if (parsed.partition) {
      return refuse("Options group and partition cannot be specified together.");
    }
    parsed.group = *groups.begin();
  }
  return {};
}

Status set_offset_reset(bool from_beginning, PropertyMap& consumer) {
  const auto found = consumer.find("auto.offset.reset");
  if (found == consumer.end()) {
    consumer["auto.offset.reset"] = from_beginning ? "earliest" : "latest";
    return {};
  }
  if (from_beginning && found->second != "earliest") {
    return refuse(
        fmt::format("Can't simultaneously specify --from-beginning and 'auto.offset.reset={}', "
                    "please remove one option",
                    found->second));
  }
  return {};
}

Status read_consumer(const ParsedOptions& options, ConsoleConsumerOptions& parsed) {
  TRY(const std::optional<std::string> path, options.value("consumer.config"));
  PropertyMap from_file;
  if (path) {
    TRY(from_file, load_properties_file(*path));
  }
  const PropertyMap from_line = parse_key_values(options.values("consumer-property"));
  TRY_STATUS(read_group(options, from_file, from_line, parsed));
  PropertyMap& consumer = parsed.consumer;
  consumer = from_file;
  for (const auto& [key, value] : from_line) {
    consumer[key] = value;
  }
  TRY_STATUS(set_offset_reset(options.has("from-beginning"), consumer));
  consumer["bootstrap.servers"] = join_servers(parsed.servers);
  consumer.try_emplace("client.id", "console-consumer");
  TRY(const std::optional<std::string> isolation, options.value("isolation-level"));
  if (isolation) {
    consumer["isolation.level"] = *isolation;
  }
  // Java's defaults where librdkafka's differ.
  consumer.try_emplace("isolation.level", "read_uncommitted");
  consumer.try_emplace("allow.auto.create.topics", "true");
  consumer.try_emplace("check.crcs", "true");
  if (!parsed.group && !parsed.partition) {
    // A group for this run alone: its offsets are of no use to another one, so none are committed.
    parsed.group = fmt::format("console-consumer-{}", make_system_random()->below(kGroupNumbers));
    consumer.try_emplace("enable.auto.commit", "false");
  }
  if (parsed.group) {
    consumer["group.id"] = *parsed.group;
  } else {
    consumer.erase("group.id");
  }
  return {};
}

Result<std::int64_t> read_offset(const ParsedOptions& options, const PropertyMap& consumer) {
  TRY(const std::optional<std::string> given, options.value("offset"));
  if (!given) {
    const auto reset = consumer.find("auto.offset.reset");
    const bool earliest =
        options.has("from-beginning") || (!options.has("partition") && reset->second == "earliest");
    return earliest ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
  }
  std::string word = *given;
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
  if (word == "earliest") {
    return RD_KAFKA_OFFSET_BEGINNING;
  }
  if (word == "latest") {
    return RD_KAFKA_OFFSET_END;
  }
  std::int64_t number = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc{} || stop != end || number < 0) {
    return refuse(
        fmt::format("The provided offset value '{}' is incorrect. Valid values are "
                    "'earliest', 'latest', or a non-negative long.",
                    *given));
  }
  return number;
}

Status read_formatter(const ParsedOptions& options, ConsoleConsumerOptions& parsed) {
  TRY(const std::optional<std::string> formatter, options.value("formatter"));
  parsed.formatter = formatter.value_or("org.apache.kafka.tools.consumer.DefaultMessageFormatter");
  TRY(const std::optional<std::string> path, options.value("formatter-config"));
  if (path) {
    TRY(parsed.formatter_properties, load_properties_file(*path));
  }
  for (const std::string_view field : {"key", "value"}) {
    TRY(const std::optional<std::string> name,
        options.value(fmt::format("{}-deserializer", field)));
    if (name && !name->empty()) {
      parsed.formatter_properties[fmt::format("{}.deserializer", field)] = *name;
    }
  }
  for (const auto& [key, value] : parse_key_values(options.values("property"))) {
    parsed.formatter_properties[key] = value;
  }
  return {};
}

}  // namespace

std::string_view console_consumer_help() {
  return R"(Prints the records of topics to standard output.
  --topic T | --include REGEX   REQUIRED: what to read (--whitelist is the old name)
  --bootstrap-server H:P[,H:P]  where to begin (localhost:9092)
  --from-beginning              start with the oldest record, not with the next new one
  --partition N                 read one partition of the topic
  --offset N|earliest|latest    where in it to start (latest)
  --group ID                    read as a member of a consumer group
  --max-messages N              stop after so many records
  --timeout-ms MS               stop when nothing came for so long
  --isolation-level LEVEL       read_uncommitted (default) or read_committed
  --property KEY=VALUE          how records are printed: print.timestamp, print.partition,
      print.offset, print.headers, print.key (false), print.value (true), key.separator=\t
      line.separator=\n headers.separator=, null.literal=null, {key,value,headers}.deserializer
  --key-deserializer CLASS, --value-deserializer CLASS   String, ByteArray, Long, Integer, ...
  --formatter CLASS, --formatter-config FILE   {Default,Logging,NoOp,Offsets,GroupMetadata,
      TransactionLog}MessageFormatter
  --consumer-property KEY=VALUE, --consumer.config FILE  properties of the Java consumer
  --skip-message-on-error       go on after a record that cannot be printed
  --enable-systest-events       say shutdown_complete at the end
  --help, --version
The number of records goes to standard error at the end.
Exit code: 0 done, 1 an error, 130 after Ctrl-C.
)";
}

Result<ConsoleConsumerOptions> parse_console_consumer(std::span<char*> arguments) {
  TRY(const ParsedOptions options, parse_options(kOptions, arguments));
  ConsoleConsumerOptions parsed;
  parsed.help = options.has("help");
  parsed.version = options.has("version");
  if (parsed.help || parsed.version) {
    return parsed;
  }
  TRY_STATUS(read_topics(options, parsed));
  TRY(const std::optional<std::string> list, options.value("bootstrap-server"));
  TRY(parsed.servers, servers_of(list.value_or(""), options.words(), parsed.notes));
  TRY_STATUS(read_consumer(options, parsed));
  TRY(parsed.offset, read_offset(options, parsed.consumer));
  TRY(parsed.max_messages, options.int32_value("max-messages", -1));
  TRY(parsed.timeout_ms, options.int64_value("timeout-ms", -1));
  parsed.skip_message_on_error = options.has("skip-message-on-error");
  parsed.systest_events = options.has("enable-systest-events");
  TRY_STATUS(read_formatter(options, parsed));
  return parsed;
}

}  // namespace barnabas::apps
