// Metrics and quotas.
#include "keys/areas.h"

namespace barnabas::config::keys {
namespace {

constexpr KeySpec kKeys[] = {
    {.name = "metric.reporters",
     .type = kList,
     .default_value = "",
     .mode = kClusterWide,
     .doc = "Java classes that report metrics; here /metrics serves that."},
    {.name = "metrics.num.samples",
     .type = kInt,
     .default_value = "2",
     .check = kRange,
     .range = {.at_least = 1},
     .doc = "How many samples a metric is computed from."},
    {.name = "metrics.sample.window.ms",
     .type = kLong,
     .default_value = "30000",
     .check = kRange,
     .range = {.at_least = 1},
     .doc = "The length of each sample that a metric is computed from."},
    {.name = "metrics.recording.level",
     .type = kString,
     .default_value = "INFO",
     .doc = "Which metrics are recorded: INFO, DEBUG or TRACE."},
    {.name = "auto.include.jmx.reporter",
     .type = kBoolean,
     .default_value = "true",
     .doc = "Whether Kafka adds its JMX reporter by itself; there is no JMX here."},
    {.name = "kafka.metrics.reporters",
     .type = kList,
     .default_value = "",
     .doc = "Java classes that report Kafka's older metrics."},
    {.name = "kafka.metrics.polling.interval.secs",
     .type = kInt,
     .default_value = "10",
     .check = kRange,
     .range = {.at_least = 1},
     .doc = "How often the classes of kafka.metrics.reporters are asked to report."},
    {.name = "quota.window.num",
     .type = kInt,
     .default_value = "11",
     .handling = kActedOn,
     .check = kRange,
     .range = {.at_least = 1},
     .doc = "How many samples a client quota remembers."},
    {.name = "quota.window.size.seconds",
     .type = kInt,
     .default_value = "1",
     .handling = kActedOn,
     .check = kRange,
     .range = {.at_least = 1},
     .doc = "The length of each sample of a client quota."},
    {.name = "controller.quota.window.num",
     .type = kInt,
     .default_value = "11",
     .check = kRange,
     .range = {.at_least = 1},
     .doc = "How many samples the quota on topic changes remembers."},
    {.name = "controller.quota.window.size.seconds",
     .type = kInt,
     .default_value = "1",
     .check = kRange,
     .range = {.at_least = 1},
     .doc = "The length of each sample of the quota on topic changes."},
    {.name = "client.quota.callback.class",
     .type = kClass,
     .doc = "The Java class that computes client quotas."},
};

}  // namespace

std::span<const KeySpec> metrics() {
  return kKeys;
}

}  // namespace barnabas::config::keys
