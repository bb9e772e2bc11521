// The one table of configuration keys: the 328 broker keys and 36 topic keys of Kafka 3.9.1 and the
// few of our own (prefix "x."). Everything that is said of a key (type, default, range, dynamic or
// not, what we do with it, one line of documentation) is said there and nowhere else.
// Source of names, types, defaults and ranges: KafkaConfig.configDef() and LogConfig of the 3.9.1
// jars; a test compares key by key. Constant data. THREAD: any
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "barnabas/base/result.h"

namespace barnabas::config {

// The numbers are the config types of a DescribeConfigs answer.
enum class KeyType : std::int8_t {
  kUnknown = 0,
  kBoolean = 1,
  kString = 2,
  kInt = 3,
  kShort = 4,
  kLong = 5,
  kDouble = 6,
  kList = 7,
  kClass = 8,
  kPassword = 9,
};

enum class DynamicMode : std::uint8_t { kReadOnly, kPerBroker, kClusterWide };

// What this server does with a key.
enum class Handling : std::uint8_t {
  kActedOn,  // its value changes what the server does
  kKept,     // type and range are checked, the value is shown by DescribeConfigs, nothing else
  kKraft,    // refused: it belongs to KRaft mode
  kRefused,  // refused when set, for the reason in `refusal`
};

// Which values are allowed beyond the type.
enum class Check : std::uint8_t {
  kNone,
  kRange,              // at_least <= value <= at_most
  kOneOf,              // one of `allowed` (comma separated)
  kOneOfIgnoringCase,  // the same, upper or lower case
  kListOf,             // a list of which every item is one of `allowed`
  kGzipLevel,          // 1..9 or -1
  kThrottledReplicas,  // "*" or partition:broker,...
  kMetadataVersion,    // a version name such as 3.9-IV0, or its beginning such as 3.9
  kNonEmpty,           // a string of at least one character
  kMinusOneOrPositive,
};

struct Range {
  double at_least = -std::numeric_limits<double>::infinity();
  double at_most = std::numeric_limits<double>::infinity();
};

struct KeySpec {
  std::string_view name{};
  KeyType type = KeyType::kString;
  // As Java prints it; no value where Kafka's default is null.
  std::optional<std::string_view> default_value{};
  DynamicMode mode = DynamicMode::kReadOnly;
  Handling handling = Handling::kKept;
  Check check = Check::kNone;
  Range range{};
  std::string_view allowed{};
  bool internal = false;  // Kafka does not show it in DescribeConfigs unless it is set
  std::string_view doc{};
  std::string_view refusal{};  // with kRefused: why, and what to do instead
};

struct TopicKeySpec : KeySpec {
  // The broker key that gives the default; empty where there is none.
  std::string_view broker_key{};
};

// Sorted by name.
[[nodiscard]] std::span<const KeySpec> broker_keys();
// In the order in which Kafka checks them (which decides whose error is reported first).
[[nodiscard]] std::span<const TopicKeySpec> topic_keys();
// Keys with the prefix "x.", ours alone.
[[nodiscard]] std::span<const KeySpec> own_keys();

[[nodiscard]] const KeySpec* find_broker_key(std::string_view name);  // Kafka's and ours
[[nodiscard]] const TopicKeySpec* find_topic_key(std::string_view name);

// Never shown to anybody: passwords.
[[nodiscard]] inline bool is_sensitive(const KeySpec& spec) {
  return spec.type == KeyType::kPassword;
}

// Checks `raw` against type and range and returns it as Kafka prints the parsed value ("TRUE" is
// "true", "a , b" is "a,b"). Error: INVALID_CONFIG with Kafka's own text, such as
// "Invalid value three for configuration num.partitions: Not a number of type INT".
[[nodiscard]] Result<std::string> check_value(const KeySpec& spec, std::string_view raw);

// What may be given, for people: "an integer of at least 1".
[[nodiscard]] std::string describe_allowed(const KeySpec& spec);

// The known broker key with an edit distance of at most 2, if there is one.
[[nodiscard]] std::optional<std::string_view> nearest_broker_key(std::string_view name);

}  // namespace barnabas::config
