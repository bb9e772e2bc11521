// Holds our schemas against the definitions in Kafka's jars, and our codec against Kafka's own.
// Run through run.sh. BARNABAS_SEED repeats a run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <set>
#include <sstream>
#include <utility>

#include "any_message.h"
#include "barnabas/protocol/api_keys.h"
#include "barnabas/protocol/gen/control_record_key.h"
#include "barnabas/protocol/gen/end_txn_marker.h"
#include "barnabas/protocol/gen/fetch.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/versioned.h"
#include "barnabas/protocol/writer.h"
#include "facts.h"
#include "kafka_codec.h"
#include "schema.h"

namespace barnabas::oracle {
namespace {

using protocol::Reader;
using protocol::Writer;
using protocol::testing::AnyMessage;
using protocol::testing::Filler;
using protocol::testing::MessageType;

constexpr std::int32_t kValues = 200;  // of each message, version and direction

// Kafka writes these by hand: no definition and no generated class. The Markers test holds them.
const std::set<std::string_view> kWithoutDefinition{"ControlRecordKey", "EndTxnMarker"};

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* const given = std::getenv("BARNABAS_SEED");
    const std::uint64_t chosen =
        given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
    std::cout << "BARNABAS_SEED=" << chosen << "\n";
    return chosen;
  }();
  return value;
}

std::string hex(ByteView bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text;
}

// Hexadecimal only where it is needed: there are hundreds of thousands of comparisons.
testing::AssertionResult same(ByteView kafkas, ByteView ours) {
  if (std::ranges::equal(kafkas, ours)) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "Kafka: " << hex(kafkas) << "\nours:  " << hex(ours);
}

class Codec : public testing::Test {
 protected:
  static void SetUpTestSuite() { kafka_ = std::make_unique<KafkaCodec>(); }
  static void TearDownTestSuite() { kafka_.reset(); }
  static std::unique_ptr<KafkaCodec> kafka_;
};
std::unique_ptr<KafkaCodec> Codec::kafka_;

std::vector<schemagen::Schema> schemas() {
  return schemagen::load_schemas(BARNABAS_SCHEMA_FOLDER);
}

TEST_F(Codec, EverySchemaIsKafkasDefinition) {
  const auto kafkas = facts_of_kafka(kafka_->facts());
  std::size_t messages = 0;
  std::size_t fields = 0;
  for (const schemagen::Schema& schema : schemas()) {
    for (const schemagen::Message& message : schema.messages) {
      if (kWithoutDefinition.contains(message.name)) {
        continue;
      }
      ASSERT_TRUE(kafkas.contains(message.name)) << message.name;
      const MessageFacts ours = facts_of(message, schema.key);
      for (const std::string& line : differences(ours, kafkas.at(message.name))) {
        ADD_FAILURE() << message.name << " " << line;
      }
      ++messages;
      fields += ours.size();
    }
  }
  std::cout << fmt::format("held {} messages with {} facts against Kafka's definitions\n", messages,
                           fields);
  EXPECT_EQ(messages, protocol::testing::all_messages().size() - kWithoutDefinition.size());
}

using Change = std::function<bool(schemagen::Field&)>;

// The changes that a slip of the pen could make in one field; false where it would change nothing.
std::vector<std::pair<const char*, Change>> changes() {
  using schemagen::Field;
  using schemagen::Kind;
  using schemagen::Versions;
  return {
      {"type",
       [](Field& f) {
         f.kind = f.kind == Kind::kInt32 ? Kind::kInt64 : Kind::kInt32;
         f.default_text.clear();
         return true;
       }},
      {"array", [](Field& f) { return f.is_array = !f.is_array, true; }},
      {"versions", [](Field& f) { return f.versions.lowest += 1, true; }},
      {"nullable",
       [](Field& f) {
         return f.nullable = f.nullable.is_empty() ? Versions{} : Versions::none(), true;
       }},
      {"tag", [](Field& f) { return f.tag += 1, true; }},
      {"ignorable", [](Field& f) { return f.ignorable = !f.ignorable, true; }},
      {"flexible", [](Field& f) { return f.never_flexible = !f.never_flexible, true; }},
      {"default", [](Field& f) { return f.default_is_null = false, f.default_text = "77", true; }},
  };
}

// Every change in every field, and every swap of neighbours, must be found.
TEST_F(Codec, AChangedSchemaIsFound) {
  const auto kafkas = facts_of_kafka(kafka_->facts());
  std::size_t changed = 0;
  for (const schemagen::Schema& schema : schemas()) {
    for (const schemagen::Message& original : schema.messages) {
      if (kWithoutDefinition.contains(original.name)) {
        continue;
      }
      const auto expect_found = [&](const schemagen::Message& message, const std::string& what) {
        ++changed;
        EXPECT_FALSE(differences(facts_of(message, schema.key), kafkas.at(message.name)).empty())
            << message.name << ": " << what;
      };
      for (std::size_t i = 0; i < original.fields.size(); ++i) {
        for (const auto& [what, change] : changes()) {
          schemagen::Message message = original;
          if (change(message.fields[i])) {
            expect_found(message, fmt::format("{} of {}", what, message.fields[i].name));
          }
        }
        if (i > 0) {
          schemagen::Message message = original;
          std::swap(message.fields[i - 1], message.fields[i]);
          expect_found(message, "swap before " + original.fields[i].name);
        }
      }
    }
  }
  std::cout << fmt::format("found all of {} changes\n", changed);
  EXPECT_GT(changed, 1000U);
}

TEST_F(Codec, TheApiTableIsKafkas) {
  std::string ours;
  for (const protocol::ApiInfo& api : protocol::all_apis()) {
    ours += fmt::format("{}|{}|{}|{}", static_cast<int>(api.key), api.name, api.min_version,
                        api.max_version);
    for (std::int16_t v = api.min_version; v <= api.max_version; ++v) {
      ours += fmt::format("|{}/{}", protocol::request_header_version(api, v),
                          protocol::response_header_version(api, v));
    }
    ours += '\n';
  }
  EXPECT_EQ(ours, kafka_->apis());
}

// Do both see the same in the same fields? Fields taken for each other leave the bytes as they
// were.
testing::AssertionResult same_fields(KafkaCodec& kafka, const MessageType& type,
                                     std::int16_t version, const AnyMessage& ours, ByteView bytes,
                                     std::uint64_t kafkas_digest) {
  protocol::testing::Describer fields;
  ours.describe(fields, version);
  if (fields.digest() == kafkas_digest) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << type.name << " v" << version << ": Kafka sees\n"
                                     << kafka.describe(type.name, version, bytes) << "\nwe see\n"
                                     << fields.text();
}

// Ours encodes, Kafka decodes and encodes again: the fields and the bytes must be the same.
void ours_to_kafka(KafkaCodec& kafka, const MessageType& type, std::int16_t version,
                   Random& random) {
  std::vector<ByteVector> sent;
  const auto message = type.make();
  for (std::int32_t i = 0; i < kValues; ++i) {
    Filler filler(random);
    message->randomize(filler, version);
    Writer out;
    const Status status = message->encode(out, version);
    ASSERT_TRUE(status) << type.name << " v" << version << ": " << status.error().message;
    sent.emplace_back(out.bytes().begin(), out.bytes().end());

    const auto again = type.make();
    Reader in(sent.back());
    ASSERT_TRUE(again->decode(in, version)) << type.name << " v" << version;
    ASSERT_EQ(in.remaining(), 0U) << type.name << " v" << version;
    ASSERT_TRUE(again->equals(*message)) << type.name << " v" << version << hex(sent.back());
  }
  const auto read = type.make();
  const auto answers = kafka.reencode(type.name, version, sent);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    ASSERT_TRUE(answers[i].bytes) << type.name << " v" << version << " " << answers[i].reason
                                  << "\n"
                                  << hex(sent[i]);
    ASSERT_TRUE(same(*answers[i].bytes, sent[i])) << type.name << " v" << version;
    Reader in(sent[i]);
    ASSERT_TRUE(read->decode(in, version));
    ASSERT_TRUE(same_fields(kafka, type, version, *read, sent[i], answers[i].digest));
  }
}

// Kafka's random values: ours decodes and encodes again, in the same and in another version, where
// both must give the same bytes or both refuse.
void kafka_to_ours(KafkaCodec& kafka, const MessageType& type, std::int16_t version, Random& random,
                   std::size_t& refusals) {
  const auto message = type.make();  // one for all: whatever it held before must not show
  for (const auto& sample : kafka.generate(type.name, version, random.next(), kValues)) {
    Reader in(sample.bytes);
    const Status decoded = message->decode(in, version);
    ASSERT_TRUE(decoded) << type.name << " v" << version << ": " << decoded.error().message << "\n"
                         << hex(sample.bytes);
    ASSERT_EQ(in.remaining(), 0U) << type.name << " v" << version;
    Writer out;
    ASSERT_TRUE(message->encode(out, version)) << type.name << " v" << version;
    ASSERT_TRUE(same(sample.bytes, out.bytes())) << type.name << " v" << version;
    ASSERT_TRUE(same_fields(kafka, type, version, *message, sample.bytes, sample.digest));

    out.clear();
    const Status other = message->encode(out, sample.other_version);
    ASSERT_EQ(other.has_value(), sample.other.bytes.has_value())
        << type.name << " v" << version << " as v" << sample.other_version << ": "
        << (other ? sample.other.reason : other.error().message) << "\n"
        << hex(sample.bytes);
    if (other) {
      ASSERT_TRUE(same(*sample.other.bytes, out.bytes()))
          << type.name << " v" << version << " as v" << sample.other_version;
    } else {
      ASSERT_EQ(out.size(), 0U);
      ++refusals;
    }
  }
}

TEST_F(Codec, RandomValuesOfEveryMessageAndVersionBothWays) {
  const auto random = make_seeded_random(seed());
  std::size_t messages = 0;
  std::size_t versions = 0;
  std::size_t refusals = 0;
  for (const MessageType& type : protocol::testing::all_messages()) {
    if (kWithoutDefinition.contains(type.name)) {
      continue;
    }
    ++messages;
    for (std::int16_t version = type.min_version; version <= type.max_version; ++version) {
      ++versions;
      ours_to_kafka(*kafka_, type, version, *random);
      kafka_to_ours(*kafka_, type, version, *random, refusals);
      if (HasFatalFailure()) {
        ADD_FAILURE() << "repeat with BARNABAS_SEED=" << seed();
        return;
      }
    }
  }
  std::cout << fmt::format(
      "held {} messages in {} versions, {} values each way; {} values that another version has no "
      "place for were refused by both; none skipped\n",
      messages, versions, kValues, refusals);
  EXPECT_EQ(messages + kWithoutDefinition.size(), protocol::testing::all_messages().size());
  EXPECT_GT(refusals, 0U);
}

// The check by value sees what the check by bytes cannot.
TEST_F(Codec, TwoFieldsTakenForEachOtherAreSeen) {
  const MessageType& type =
      *protocol::testing::find_message(static_cast<std::int16_t>(protocol::ApiKey::kFetch),
                                       protocol::testing::MessageKind::kRequest);
  protocol::FetchRequest request;
  request.max_wait_ms = 500;
  request.min_bytes = 1;
  const auto digest_of = [&](const protocol::FetchRequest& value) {
    Writer out;
    EXPECT_TRUE(value.encode(out, 4));
    const auto answers = kafka_->reencode(type.name, 4, {{out.bytes().begin(), out.bytes().end()}});
    return answers.at(0).digest;
  };
  const std::uint64_t right = digest_of(request);
  std::swap(request.max_wait_ms, request.min_bytes);
  EXPECT_NE(right, digest_of(request));
}

TEST_F(Codec, MarkersOfTransactions) {
  const auto random = make_seeded_random(seed());
  std::vector<std::int32_t> epochs;
  for (std::int32_t i = 0; i < kValues; ++i) {
    epochs.push_back(static_cast<std::int32_t>(random->next()));
  }
  const auto markers = kafka_->markers(epochs);
  for (std::size_t i = 0; i < markers.size(); ++i) {
    protocol::ControlRecordKey key;
    key.type = static_cast<std::int16_t>(i % 2);
    protocol::EndTxnMarker value;
    value.coordinator_epoch = epochs[i / 2];
    Writer out;
    ASSERT_TRUE(protocol::encode_versioned(out, key, 0));
    EXPECT_TRUE(same(markers[i].key, out.bytes()));
    out.clear();
    ASSERT_TRUE(protocol::encode_versioned(out, value, 0));
    EXPECT_TRUE(same(markers[i].value, out.bytes()));

    protocol::EndTxnMarker read;
    Reader in(markers[i].value);
    ASSERT_TRUE(protocol::decode_versioned(in, read));
    EXPECT_EQ(value, read);
  }
}

}  // namespace
}  // namespace barnabas::oracle
