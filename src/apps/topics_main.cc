// kafka-topics.sh: topics of a cluster, on our own codec. Answers and errors of a command go to
// standard output in Kafka's words, usage and hints to standard error.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "client_properties.h"
#include "java_hash_order.h"
#include "preflight.h"
#include "rdkafka_client.h"
#include "subcommands.h"
#include "tool_version.h"
#include "topic_admin.h"
#include "topic_description.h"
#include "topic_filter.h"
#include "topics_options.h"

namespace barnabas::apps {

namespace {

constexpr std::int64_t kApiTimeoutMs = 60000;  // AdminClient's default.api.timeout.ms
constexpr std::size_t kUuidTextBytes = 22;
constexpr std::size_t kUuidPaddedBytes = 24;

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

// One run of the tool: its options and the connection, made when a command first needs it.
class TopicsCommand {
 public:
  TopicsCommand(const TopicsCommandLine& line, std::vector<HostPort> servers,
                const PropertyMap& properties, std::chrono::milliseconds timeout)
      : options_(line.options),
        servers_(std::move(servers)),
        properties_(properties),
        timeout_(timeout) {}

  [[nodiscard]] Status run(TopicsAction action);
  // No broker answered, rather than one refused: told on standard error, as there is no answer.
  [[nodiscard]] bool connected() const { return connected_; }

 private:
  [[nodiscard]] Result<TopicAdmin> connect();
  [[nodiscard]] Status create();
  [[nodiscard]] Status list();
  [[nodiscard]] Status describe();
  [[nodiscard]] Status alter();
  [[nodiscard]] Status remove();
  [[nodiscard]] Result<std::vector<std::string>> wanted_topics(TopicAdmin& admin,
                                                               bool must_exist) const;
  [[nodiscard]] Result<std::vector<TopicMetadata>> described_topics(TopicAdmin& admin) const;
  [[nodiscard]] Result<std::vector<TopicMetadata>> topic_with_id(TopicAdmin& admin,
                                                                 const Uuid& id) const;

  const ParsedOptions& options_;
  std::vector<HostPort> servers_;
  const PropertyMap& properties_;
  std::chrono::milliseconds timeout_;
  bool connected_ = false;
};

Result<TopicAdmin> TopicsCommand::connect() {
  const auto client_id = properties_.find("client.id");
  auto admin = TopicAdmin::connect(
      servers_, client_id == properties_.end() ? "adminclient-1" : client_id->second, timeout_);
  connected_ = admin.has_value();
  return admin;
}

Status TopicsCommand::run(TopicsAction action) {
  switch (action) {
    case TopicsAction::kCreate:
      return create();
    case TopicsAction::kList:
      return list();
    case TopicsAction::kDescribe:
      return describe();
    case TopicsAction::kAlter:
      return alter();
    case TopicsAction::kDelete:
      return remove();
    case TopicsAction::kHelp:
    case TopicsAction::kVersion:
      break;
  }
  return {};
}

Status TopicsCommand::create() {
  TRY(const TopicSpec spec, topic_spec(options_));
  if (const auto format = spec.configs.find("message.format.version");
      format != spec.configs.end()) {
    fmt::print(
        "WARNING: The configuration message.format.version={} is specified. This configuration "
        "will be ignored if the version is newer than the inter.broker.protocol.version specified "
        "in the broker or if the inter.broker.protocol.version is 3.0 or newer. This configuration "
        "is deprecated and it will be removed in Apache Kafka 4.0.\n",
        format->second);
  }
  const Status in_bounds = check_bounds(spec);
  Status created = in_bounds;
  if (in_bounds) {
    TRY(TopicAdmin admin, connect());
    created = admin.create(spec);
  }
  // Kafka's tool checks settings before it warns of the name; here the broker has checked them.
  const bool bad_config = !created && created.error().code == ErrorCode::kInvalidConfig;
  if (!bad_config && spec.name.find_first_of("._") != std::string::npos) {
    fmt::print(
        "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore "
        "('_') could collide. To avoid issues it is best to use either, but not both.\n");
  }
  if (created) {
    fmt::print("Created topic {}.\n", spec.name);
    return {};
  }
  if (created.error().code == ErrorCode::kTopicAlreadyExists && options_.has("if-not-exists")) {
    return {};
  }
  return created;
}

Result<std::vector<std::string>> TopicsCommand::wanted_topics(TopicAdmin& admin,
                                                              bool must_exist) const {
  TRY(const std::optional<std::string> expression, options_.value("topic"));
  std::optional<TopicFilter> filter;
  if (expression) {
    TRY(filter, TopicFilter::make(*expression));
  }
  TRY(const std::vector<TopicListing> all, admin.list());
  std::vector<std::string> names;
  std::vector<std::string_view> all_names;
  for (const TopicListing& topic : all) {
    const bool hidden =
        options_.has("exclude-internal") && (topic.internal || is_internal_topic(topic.name));
    if (!hidden && (!filter || filter->matches(topic.name))) {
      names.push_back(topic.name);
    }
    all_names.push_back(topic.name);
  }
  if (must_exist && names.empty() && expression && !expression->empty()) {
    if (const std::string_view near = nearest_name(all_names, *expression); !near.empty()) {
      say(fmt::format("topic {} does not exist. Similar: {}", *expression, near));
    }
    return refuse(fmt::format("Topic 'Optional[{}]' does not exist as expected", *expression));
  }
  return names;
}

Status TopicsCommand::list() {
  TRY(TopicAdmin admin, connect());
  TRY(const std::vector<std::string> names, wanted_topics(admin, false));
  fmt::print("{}\n", fmt::join(names, "\n"));
  return {};
}

// Kafka's Uuid.fromString.
Result<Uuid> parse_topic_id(const std::string& text) {
  if (text.size() > kUuidPaddedBytes) {
    return refuse(
        fmt::format("Input string with prefix `{}` is too long to be decoded as a base64 "
                    "UUID",
                    text.substr(0, kUuidPaddedBytes)));
  }
  const std::string_view unpadded = std::string_view(text).substr(0, text.find('='));
  if (unpadded.size() == kUuidTextBytes) {
    if (const std::optional<Uuid> id = Uuid::parse(unpadded)) {
      return *id;
    }
    return refuse(fmt::format("Input string `{}` is no base64-encoded UUID", text));
  }
  return refuse(
      fmt::format("Input string `{}` decoded as {} bytes, which is not equal to the "
                  "expected 16 bytes of a base64-encoded UUID",
                  text, unpadded.size() * 3 / 4));
}

Result<std::vector<TopicMetadata>> TopicsCommand::topic_with_id(TopicAdmin& admin,
                                                                const Uuid& id) const {
  TRY(const std::vector<TopicListing> all, admin.list());
  const bool found = std::ranges::any_of(all, [&](const TopicListing& topic) {
    return topic.id == id && !(topic.internal && options_.has("exclude-internal"));
  });
  std::vector<TopicMetadata> topics;
  if (found) {
    TRY(TopicMetadata topic, admin.describe(id));
    topics.push_back(std::move(topic));
  } else if (!options_.has("if-exists")) {
    return refuse(fmt::format("TopicId '{}' does not exist as expected", id.to_string()));
  }
  return topics;
}

// Kafka's tool shows topics in the order of the last of three HashMaps, each filled from the one
// before: the requests, a copy of them, and the answers.
std::vector<std::string> describe_order(std::vector<std::string> names) {
  const std::size_t copied = names.size() * 4 / 3 + 1;
  for (const std::size_t capacity : {names.size(), copied, names.size()}) {
    std::vector<std::string> next;
    next.reserve(names.size());
    for (const std::size_t i : java_hash_order(names, capacity)) {
      next.push_back(names[i]);
    }
    names = std::move(next);
  }
  return names;
}

Result<std::vector<TopicMetadata>> TopicsCommand::described_topics(TopicAdmin& admin) const {
  TRY(const std::optional<std::string> id_text, options_.value("topic-id"));
  if (id_text) {
    TRY(const Uuid id, parse_topic_id(*id_text));
    if (!id.is_zero()) {
      return topic_with_id(admin, id);
    }
  }
  TRY(const std::vector<std::string> names, wanted_topics(admin, !options_.has("if-exists")));
  if (names.empty()) {
    return std::vector<TopicMetadata>{};
  }
  TRY(std::vector<TopicMetadata> topics, admin.describe(names));
  std::vector<TopicMetadata> ordered;
  ordered.reserve(topics.size());
  for (const std::string& name : describe_order(names)) {
    ordered.push_back(std::move(*std::ranges::find(topics, name, &TopicMetadata::name)));
  }
  return ordered;
}

Status TopicsCommand::describe() {
  if (options_.has("topic") && options_.has("topic-id") && options_.has("if-exists")) {
    fmt::print(
        "Only topic id will be used when both --topic and --topic-id are specified and topicId is "
        "not Uuid.ZERO_UUID\n");
  }
  TRY(TopicAdmin admin, connect());
  TRY(const std::vector<TopicMetadata> topics, described_topics(admin));
  if (topics.empty()) {
    return {};
  }
  std::vector<std::string> names;
  for (const TopicMetadata& topic : topics) {
    names.push_back(topic.name.value_or(""));
  }
  TRY(auto configs, admin.configs(names));
  TRY(const std::vector<std::int32_t> brokers, admin.live_brokers());
  TRY(const Reassignments reassignments, admin.reassignments(topics));
  const std::set<std::int32_t> live(brokers.begin(), brokers.end());
  const DescribeFilter filter{
      .under_replicated = options_.has("under-replicated-partitions"),
      .unavailable = options_.has("unavailable-partitions"),
      .under_min_isr = options_.has("under-min-isr-partitions"),
      .at_min_isr = options_.has("at-min-isr-partitions"),
      .with_overrides = options_.has("topics-with-overrides"),
  };
  std::string text;
  for (const TopicMetadata& topic : topics) {
    append_description(topic, configs[topic.name.value_or("")], reassignments, live, filter, text);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return {};
}

Status TopicsCommand::alter() {
  TRY(const TopicSpec spec, topic_spec(options_));
  TRY(TopicAdmin admin, connect());
  TRY(const std::vector<std::string> names, wanted_topics(admin, !options_.has("if-exists")));
  if (names.empty()) {
    return {};
  }
  TRY(const std::vector<TopicMetadata> topics, admin.describe(names));
  return admin.add_partitions(topics, spec);
}

Status TopicsCommand::remove() {
  TRY(TopicAdmin admin, connect());
  TRY(const std::vector<std::string> names, wanted_topics(admin, !options_.has("if-exists")));
  return names.empty() ? Status{} : admin.remove(names);
}

// What Kafka's tool does before it has a command to fail: its errors go to standard error.
Result<std::pair<std::vector<HostPort>, PropertyMap>> settings(const ParsedOptions& options) {
  TRY(const std::optional<std::string> path, options.value("command-config"));
  PropertyMap properties;
  if (path) {
    TRY(properties, load_properties_file(*path));
  }
  if (!is_plaintext(properties)) {
    return refuse(fmt::format("security.protocol={} is not supported by this tool yet",
                              properties.find("security.protocol")->second));
  }
  TRY(const std::optional<std::string> list, options.value("bootstrap-server"));
  std::vector<std::string> notes;
  TRY(std::vector<HostPort> servers, servers_of(list.value_or(""), options.words(), notes));
  for (const std::string& note : notes) {
    say(note);
  }
  return std::pair(std::move(servers), std::move(properties));
}

int run_command(const TopicsCommandLine& line) {
  auto given = settings(line.options);
  if (!given) {
    say(given.error().message);
    return 1;
  }
  const auto timeout = int_property(given->second, "default.api.timeout.ms", kApiTimeoutMs);
  if (!timeout) {
    say(timeout.error().message);
    return 1;
  }
  TopicsCommand command(line, std::move(given->first), given->second,
                        std::chrono::milliseconds(*timeout));
  const Status done = command.run(line.action);
  if (done) {
    return 0;
  }
  if (done.error().code == ErrorCode::kNetworkException && !command.connected()) {
    say(done.error().message);
  } else {
    fmt::print("Error while executing topic command : {}\n", done.error().message);
  }
  return 1;
}

}  // namespace

int topics_main(std::span<char*> arguments) {
  if (arguments.empty()) {
    fmt::print(stderr, "Create, delete, describe, or change a topic.\n{}", topics_help());
    return 1;
  }
  const auto line = parse_topics(arguments);
  if (!line) {
    say(line.error().message);
    return 1;
  }
  if (line->action == TopicsAction::kHelp) {
    fmt::print("{}", topics_help());
    return 0;
  }
  if (line->action == TopicsAction::kVersion) {
    fmt::print("{}\n", kToolVersion);
    return 0;
  }
  return run_command(*line);
}

}  // namespace barnabas::apps
