// What the console tools find out before they start, so that the usual mistakes end in one line.
// THREAD: any (blocking)
#pragma once

#include <librdkafka/rdkafka.h>

#include <span>
#include <string>

#include "barnabas/base/result.h"
#include "bootstrap.h"
#include "client_properties.h"

namespace barnabas::apps {

// True when the properties ask for neither TLS nor SASL.
[[nodiscard]] bool is_plaintext(const PropertyMap& java);

// A server accepts connections and, on plaintext, speaks Kafka's protocol.
[[nodiscard]] Status check_reachable(std::span<const HostPort> servers, const PropertyMap& java);

// The broker serves consumer groups. Nothing is known, so no error, behind TLS or SASL.
[[nodiscard]] Status check_groups_served(std::span<const HostPort> servers,
                                         const PropertyMap& java);

// Waits until the topic has partitions with leaders, for a topic that the broker creates now.
// Returns the number of partitions.
// Fails: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION and whatever else the broker says.
[[nodiscard]] Result<std::int32_t> topic_partitions(rd_kafka_t* client, rd_kafka_topic_t* topic,
                                                    const std::string& name);
[[nodiscard]] Status wait_for_topic(rd_kafka_t* client, rd_kafka_topic_t* topic,
                                    const std::string& name);

}  // namespace barnabas::apps
