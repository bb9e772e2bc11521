#include "record_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

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

// A member of a consumer group. Offsets are committed as far as records were handed out.
class GroupSource final : public RecordSource {
 public:
  explicit GroupSource(ClientHandle client)
      : client_(std::move(client)), queue_(rd_kafka_queue_get_consumer(client_.get())) {}

  ~GroupSource() override { rd_kafka_consumer_close(client_.get()); }
  GroupSource(const GroupSource&) = delete;
  GroupSource& operator=(const GroupSource&) = delete;

  [[nodiscard]] Status start(const ConsoleConsumerOptions& options) {
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

  void wake() override { rd_kafka_queue_yield(queue_.get()); }

 private:
  ClientHandle client_;
  QueueHandle queue_;
};

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
