// librdkafka's C handles as values that free themselves, and a client made from Java properties.
// THREAD: any; librdkafka's own threads call the callbacks' targets only through poll.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "barnabas/base/result.h"
#include "client_properties.h"

namespace barnabas::apps {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* handle) const {
    Free(handle);
  }
};

using ConfHandle = std::unique_ptr<rd_kafka_conf_t, Freed<rd_kafka_conf_destroy>>;
using ClientHandle = std::unique_ptr<rd_kafka_t, Freed<rd_kafka_destroy>>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, Freed<rd_kafka_topic_destroy>>;
using MessageHandle = std::unique_ptr<rd_kafka_message_t, Freed<rd_kafka_message_destroy>>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_t, Freed<rd_kafka_queue_destroy>>;
using HeadersHandle = std::unique_ptr<rd_kafka_headers_t, Freed<rd_kafka_headers_destroy>>;
using ErrorHandle = std::unique_ptr<rd_kafka_error_t, Freed<rd_kafka_error_destroy>>;
using PartitionListHandle =
    std::unique_ptr<rd_kafka_topic_partition_list_t, Freed<rd_kafka_topic_partition_list_destroy>>;
using MetadataHandle = std::unique_ptr<const rd_kafka_metadata_t, Freed<rd_kafka_metadata_destroy>>;

// A configuration with the translated properties set; its notes go to stderr, one line each.
// Fails: INVALID_CONFIG.
[[nodiscard]] Result<ConfHandle> make_conf(ClientKind kind, const PropertyMap& java);

// Takes the configuration. Fails: INVALID_CONFIG with librdkafka's sentence.
[[nodiscard]] Result<ClientHandle> make_client(ClientKind kind, ConfHandle conf);

// Tells once, until a record passes again, that no broker can be reached; librdkafka's own log
// lines stay off. Registered with rd_kafka_conf_set_opaque.
struct ClientEvents {
  std::string servers;            // for the sentence
  std::atomic<bool> down{false};  // no broker reachable, said so already
  void* owner = nullptr;          // for the tool's own callbacks, which get this as their opaque
  void on_error(rd_kafka_t* client, int error, const char* reason);
};
void register_events(rd_kafka_conf_t* conf, ClientEvents& events);

// One topic's metadata, or all topics' when `topic` is null.
[[nodiscard]] Result<MetadataHandle> fetch_metadata(rd_kafka_t* client, rd_kafka_topic_t* topic,
                                                    int timeout_ms);

// A line on stderr.
void say(const std::string& line);

}  // namespace barnabas::apps
