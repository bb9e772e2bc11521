#include "record_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "java_text.h"
#include "preflight.h"

namespace barnabas::apps {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMetadataTimeoutMs = 10000;
constexpr std::int64_t kMetadataMaxAgeMs = 300000;  // Java's default

// All partitions of the wanted topics, or one; new ones are found when the metadata gets old.
class PartitionSource final : public RecordSource {
 public:
  explicit PartitionSource(ClientHandle client)
      : client_(std::move(client)), queue_(rd_kafka_queue_new(client_.get())) {
    // What the client has to say comes by the same queue, so that waiting for records hears it.
    const QueueHandle events(rd_kafka_queue_get_main(client_.get()));
    rd_kafka_queue_forward(events.get(), queue_.get());
  }

  ~PartitionSource() override {
    for (const auto& [name, topic] : topics_) {
      for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
        if (!only_partition_ || partition == *only_partition_) {
          rd_kafka_consume_stop(topic.handle.get(), partition);
        }
      }
    }
  }
  PartitionSource(const PartitionSource&) = delete;
  PartitionSource& operator=(const PartitionSource&) = delete;

  [[nodiscard]] Status start(const ConsoleConsumerOptions& options) {
    only_partition_ = options.partition;
    TRY(const std::int64_t age,
        int_property(options.consumer, "metadata.max.age.ms", kMetadataMaxAgeMs));
    max_age_ = std::chrono::milliseconds(age);
    discovered_ = Clock::now();
    if (options.include) {
      TRY(filter_, TopicFilter::make(*options.include));
      return discover(options.offset);
    }
    return start_topic(*options.topic, options.offset);
  }

  void poll(int timeout_ms, std::size_t limit, std::vector<MessageHandle>& records) override {
    take(0, limit, records);
    if (records.empty() && timeout_ms != 0) {
      if (!only_partition_ && Clock::now() - discovered_ >= max_age_) {
        discovered_ = Clock::now();
        // A broker that is away now is found again by librdkafka; the next look is in max_age_.
        if (const Status found = discover(RD_KAFKA_OFFSET_BEGINNING); !found) {
          say(found.error().message);
        }
      }
      take(timeout_ms, 1, records);
    }
  }

  void finished(std::span<const MessageHandle>) override {}  // nothing is committed
  void wake() override { rd_kafka_queue_yield(queue_.get()); }

 private:
  struct Topic {
    TopicHandle handle;
    std::int32_t partitions = 0;  // of which are read
  };

  // librdkafka waits until `limit` records are there or the time is over, so only one is waited
  // for.
  void take(int timeout_ms, std::size_t limit, std::vector<MessageHandle>& records) {
    raw_.resize(limit);
    const ssize_t count =
        rd_kafka_consume_batch_queue(queue_.get(), timeout_ms, raw_.data(), limit);
    records.clear();
    for (ssize_t i = 0; i < count; ++i) {
      records.emplace_back(raw_[static_cast<std::size_t>(i)]);
    }
  }

  Topic& topic_named(const std::string& name) {
    Topic& topic = topics_[name];
    if (topic.handle == nullptr) {
      topic.handle.reset(rd_kafka_topic_new(client_.get(), name.c_str(), nullptr));
    }
    return topic;
  }

  [[nodiscard]] Status start_topic(const std::string& name, std::int64_t offset) {
    Topic& topic = topic_named(name);
    if (topic.handle == nullptr) {
      return fail(ErrorCode::kInvalidTopicException, rd_kafka_err2str(rd_kafka_last_error()));
    }
    TRY(const std::int32_t count, topic_partitions(client_.get(), topic.handle.get(), name));
    if (only_partition_ && (*only_partition_ < 0 || *only_partition_ >= count)) {
      return fail(
          ErrorCode::kUnknownTopicOrPartition,
          fmt::format("Topic '{}' has no partition {}: it has {}", name, *only_partition_, count));
    }
    return read_up_to(topic, count, offset);
  }

  [[nodiscard]] Status read_up_to(Topic& topic, std::int32_t count, std::int64_t offset) {
    for (; topic.partitions < count; ++topic.partitions) {
      if (only_partition_ && topic.partitions != *only_partition_) {
        continue;
      }
      if (rd_kafka_consume_start_queue(topic.handle.get(), topic.partitions, offset,
                                       queue_.get()) != 0) {
        return fail(ErrorCode::kUnknownServerError, rd_kafka_err2str(rd_kafka_last_error()));
      }
    }
    return {};
  }

  // Looks for partitions of the wanted topics that are not read yet.
  [[nodiscard]] Status discover(std::int64_t offset) {
    rd_kafka_topic_t* only = filter_ ? nullptr : topics_.begin()->second.handle.get();
    TRY(const MetadataHandle metadata, fetch_metadata(client_.get(), only, kMetadataTimeoutMs));
    const std::span found(metadata->topics, static_cast<std::size_t>(metadata->topic_cnt));
    for (const rd_kafka_metadata_topic& topic : found) {
      const bool wanted =
          !filter_ || (filter_->matches(topic.topic) && !is_internal_topic(topic.topic));
      if (wanted && topic.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        TRY_STATUS(read_up_to(topic_named(topic.topic), topic.partition_cnt, offset));
      }
    }
    return {};
  }

  ClientHandle client_;
  QueueHandle queue_;
  std::map<std::string, Topic> topics_;
  std::optional<TopicFilter> filter_;
  std::optional<std::int32_t> only_partition_;
  std::chrono::milliseconds max_age_{kMetadataMaxAgeMs};
  Clock::time_point discovered_;
  std::vector<rd_kafka_message_t*> raw_;
};

// A member of a consumer group. Offsets are committed as far as records were dealt with, so what
// was fetched but not printed is there for the next one.
class GroupSource final : public RecordSource {
 public:
  explicit GroupSource(ClientHandle client)
      : client_(std::move(client)), queue_(rd_kafka_queue_get_consumer(client_.get())) {}

  ~GroupSource() override { rd_kafka_consumer_close(client_.get()); }
  GroupSource(const GroupSource&) = delete;
  GroupSource& operator=(const GroupSource&) = delete;

  [[nodiscard]] Status start(const ConsoleConsumerOptions& options) {
    if (options.topic) {
      const TopicHandle topic(rd_kafka_topic_new(client_.get(), options.topic->c_str(), nullptr));
      if (topic == nullptr) {
        return fail(ErrorCode::kInvalidTopicException, rd_kafka_err2str(rd_kafka_last_error()));
      }
      TRY_STATUS(wait_for_topic(client_.get(), topic.get(), *options.topic));
    }
    const PartitionListHandle topics(rd_kafka_topic_partition_list_new(1));
    // librdkafka takes a name that begins with ^ as a regular expression.
    const std::string name =
        options.include ? fmt::format("^({})$", *options.include) : *options.topic;
    rd_kafka_topic_partition_list_add(topics.get(), name.c_str(), RD_KAFKA_PARTITION_UA);
    if (const auto error = rd_kafka_subscribe(client_.get(), topics.get());
        error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return fail(ErrorCode::kUnknownServerError, rd_kafka_err2str(error));
    }
    return {};
  }

  void poll(int timeout_ms, std::size_t limit, std::vector<MessageHandle>& records) override {
    records.clear();
    while (records.size() < limit) {
      MessageHandle record(rd_kafka_consumer_poll(client_.get(), 0));
      if (record == nullptr) {
        break;
      }
      records.push_back(std::move(record));
    }
    if (records.empty() && timeout_ms != 0) {
      if (MessageHandle record{rd_kafka_consumer_poll(client_.get(), timeout_ms)}) {
        records.push_back(std::move(record));
      }
    }
  }

  void finished(std::span<const MessageHandle> records) override {
    for (std::size_t i = 0; i < records.size(); ++i) {
      const rd_kafka_message_t& record = *records[i];
      const bool last_in_row = i + 1 == records.size() ||
                               records[i + 1]->partition != record.partition ||
                               std::string_view(rd_kafka_topic_name(records[i + 1]->rkt)) !=
                                   rd_kafka_topic_name(record.rkt);
      if (last_in_row && record.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        // An error says that the partition went to another member, which reads the record again.
        static_cast<void>(rd_kafka_offset_store(record.rkt, record.partition, record.offset));
      }
    }
  }

  void wake() override { rd_kafka_queue_yield(queue_.get()); }

 private:
  ClientHandle client_;
  QueueHandle queue_;
};

// What a group needs of librdkafka that no property of Java's says.
Status set_group_conf(rd_kafka_conf_t* conf, const ConsoleConsumerOptions& options) {
  std::vector<std::pair<const char*, const char*>> settings = {
      {"enable.auto.offset.store", "false"}};
  const auto internal = options.consumer.find("exclude.internal.topics");
  if (options.include && (internal == options.consumer.end() || java_true(internal->second))) {
    settings.emplace_back("topic.blacklist",
                          "^__consumer_offsets$,^__transaction_state$,^__share_group_state$");
  }
  std::array<char, 256> error{};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value, error.data(), error.size()) != RD_KAFKA_CONF_OK) {
      return fail(ErrorCode::kInvalidConfig, error.data());
    }
  }
  return {};
}

template <typename Source>
Result<std::unique_ptr<RecordSource>> started(ClientHandle client,
                                              const ConsoleConsumerOptions& options) {
  auto source = std::make_unique<Source>(std::move(client));
  TRY_STATUS(source->start(options));
  return source;
}

}  // namespace

Result<std::unique_ptr<RecordSource>> open_source(const ConsoleConsumerOptions& options,
                                                  ClientEvents& events) {
  TRY(ConfHandle conf, make_conf(ClientKind::kConsumer, options.consumer));
  events.servers = join_servers(options.servers);
  register_events(conf.get(), events);
  if (options.group) {
    TRY_STATUS(set_group_conf(conf.get(), options));
    TRY_STATUS(check_groups_served(options.servers, options.consumer));
  } else {
    TRY_STATUS(check_reachable(options.servers, options.consumer));
  }
  TRY(ClientHandle client, make_client(ClientKind::kConsumer, std::move(conf)));
  if (options.group) {
    rd_kafka_poll_set_consumer(client.get());
    return started<GroupSource>(std::move(client), options);
  }
  return started<PartitionSource>(std::move(client), options);
}

}  // namespace barnabas::apps
