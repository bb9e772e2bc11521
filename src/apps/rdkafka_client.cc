#include "rdkafka_client.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>

namespace barnabas::apps {

namespace {

constexpr std::size_t kErrorTextBytes = 512;

void error_callback(rd_kafka_t* client, int error, const char* reason, void* opaque) {
  static_cast<ClientEvents*>(opaque)->on_error(client, error, reason);
}

}  // namespace

void say(const std::string& line) {
  fmt::print(stderr, "{}\n", line);
}

Result<ConfHandle> make_conf(ClientKind kind, const PropertyMap& java) {
  TRY(const TranslatedProperties translated, translate_properties(kind, java));
  for (const std::string& note : translated.notes) {
    say(note);
  }
  ConfHandle conf(rd_kafka_conf_new());
  std::array<char, kErrorTextBytes> error{};
  for (const auto& [key, value] : translated.librdkafka) {
    switch (rd_kafka_conf_set(conf.get(), key.c_str(), value.c_str(), error.data(), error.size())) {
      case RD_KAFKA_CONF_OK:
        break;
      case RD_KAFKA_CONF_UNKNOWN:
        say(fmt::format("{} is not a known configuration and ignored", key));
        break;
      case RD_KAFKA_CONF_INVALID:
        return fail(
            ErrorCode::kInvalidConfig,
            fmt::format("Invalid value {} for configuration {}: {}", value, key, error.data()));
    }
  }
  // Only the events that a person can use are told, by register_events.
  rd_kafka_conf_set_log_cb(conf.get(), nullptr);
  return conf;
}

Result<ClientHandle> make_client(ClientKind kind, ConfHandle conf) {
  std::array<char, kErrorTextBytes> error{};
  const rd_kafka_type_t type =
      kind == ClientKind::kProducer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), error.data(), error.size());
  if (client == nullptr) {
    return fail(ErrorCode::kInvalidConfig, error.data());
  }
  static_cast<void>(conf.release());  // the client owns it now
  return ClientHandle(client);
}

void ClientEvents::on_error(rd_kafka_t* client, int error, const char* reason) {
  const auto code = static_cast<rd_kafka_resp_err_t>(error);
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, kErrorTextBytes> text{};
    rd_kafka_fatal_error(client, text.data(), text.size());
    say(text.data());
    return;
  }
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    if (!down.exchange(true)) {
      say(fmt::format("no broker of {} can be reached any more; waiting for one", servers));
    }
    return;
  }
  if (code != RD_KAFKA_RESP_ERR__TRANSPORT && code != RD_KAFKA_RESP_ERR__RESOLVE &&
      code != RD_KAFKA_RESP_ERR__TIMED_OUT) {
    say(reason);
  }
}

void register_events(rd_kafka_conf_t* conf, ClientEvents& events) {
  rd_kafka_conf_set_opaque(conf, &events);
  rd_kafka_conf_set_error_cb(conf, error_callback);
}

Result<MetadataHandle> fetch_metadata(rd_kafka_t* client, rd_kafka_topic_t* topic, int timeout_ms) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(client, topic == nullptr ? 1 : 0, topic, &metadata, timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(ErrorCode::kNetworkException, rd_kafka_err2str(error));
  }
  return MetadataHandle(metadata);
}

}  // namespace barnabas::apps
