#include "request_handler.h"

#include <fmt/format.h>

#include "handler_table.h"

namespace barnabas::broker {
namespace {

// Of requests that wait for the start, on each thread.
constexpr std::size_t kMaxEarlyBytes = std::size_t{64} << 20U;
// Of requests that carry nothing of their client's: names, numbers, versions.
constexpr std::size_t kMaxPlainBytes = std::size_t{1} << 20U;

std::int16_t key_of(ByteView frame) {
  return frame.size() < sizeof(std::int16_t) ? std::int16_t{-1}
                                             : load_be<std::int16_t>(frame.data());
}

constexpr auto kProduceKey = static_cast<std::int16_t>(protocol::ApiKey::kProduce);

}  // namespace

void BrokerRequestHandler::on_request(net::Connection& connection, MutableBytes frame) {
  const bool is_produce = key_of(frame) == kProduceKey;
  dispatch(connection, frame, connection.reserve());
  if (!is_produce && connection.unanswered() > 0) {
    connection.hold();
  }
}

// A client sees its requests carried out one after the other, as Kafka does it: one that waits
// keeps back what follows it. Only produce requests may follow each other while the earlier ones
// wait for replicas: they are appended in their order, and that is all that a client can see of it.
bool BrokerRequestHandler::may_start(net::Connection& connection, ByteView frame) {
  if (key_of(frame) == kProduceKey) {
    return true;  // what is not one has been waited for: see on_request
  }
  state_.gather().flush();
  return connection.unanswered() == 0;
}

Status BrokerRequestHandler::admit_large(net::Connection& /*connection*/, ByteView head,
                                         std::size_t size) {
  const std::int16_t key = load_be<std::int16_t>(head.data());
  const std::int16_t version = load_be<std::int16_t>(head.data() + sizeof(key));
  const protocol::ApiInfo* const api = protocol::find_api(key);
  const HandlerEntry* const entry = api == nullptr ? nullptr : find_handler(api->key);
  if (entry == nullptr || version < entry->min_version || version > entry->max_version) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("a frame of {} bytes begins with API key {} version {}, which is not "
                            "served here",
                            size, key, version));
  }
  if (entry->key == protocol::ApiKey::kApiVersions && size > kMaxPlainBytes) {
    return fail(ErrorCode::kInvalidRequest, fmt::format("{} in a frame of {} bytes: at most {}",
                                                        api->name, size, kMaxPlainBytes));
  }
  return {};
}

void BrokerRequestHandler::on_stopping() {
  state_.waits().end_all();
}

void BrokerRequestHandler::dispatch(net::Connection& connection, MutableBytes frame,
                                    net::SlotId slot) {
  protocol::Reader reader(frame);
  const auto api = protocol::decode_request_header(reader, header_);
  if (!api) {
    connection.answer_nothing(slot);
    connection.close(fmt::format("a request that is none: {}", api.error().message));
    return;
  }
  RequestContext context{services_, state_, connection, **api, header_, frame, slot};
  const HandlerEntry* const entry = find_handler((*api)->key);
  const std::int16_t version = context.version();
  const bool served =
      entry != nullptr && version >= entry->min_version && version <= entry->max_version;
  if (served && entry->needs_metadata && !gate_.is_open()) {
    keep_early(connection, slot, frame);
    return;
  }
  if (served) {
    entry->handle(context, reader);
  } else if ((*api)->key == protocol::ApiKey::kApiVersions) {
    answer_unsupported_api_versions(context);
  } else {
    connection.answer_nothing(slot);
    connection.close(fmt::format("{} v{} is not served here", (*api)->name, version));
  }
}

void BrokerRequestHandler::keep_early(net::Connection& connection, net::SlotId slot,
                                      ByteView frame) {
  if (early_bytes_ + frame.size() > kMaxEarlyBytes) {
    connection.answer_nothing(slot);
    connection.close("too much is waiting for this broker to start");
    return;
  }
  if (early_.empty()) {
    gate_.when_open(state_.home(), [self = std::weak_ptr(self_)] {
      if (const auto handler = self.lock()) {
        (*handler)->handle_early();
      }
    });
  }
  early_bytes_ += frame.size();
  early_.push_back({connection.shared_from_this(), slot, {frame.begin(), frame.end()}});
}

void BrokerRequestHandler::handle_early() {
  auto early = std::move(early_);
  early_.clear();
  early_bytes_ = 0;
  for (auto& request : early) {
    if (request.connection->is_open()) {
      dispatch(*request.connection, request.frame, request.slot);
    }
  }
  state_.end_train();
}

void BrokerRequestHandler::on_train_end() {
  state_.end_train();
}

void BrokerRequestHandler::on_closed(net::Connection& connection) {
  std::erase_if(early_,
                [&](const Early& request) { return request.connection.get() == &connection; });
}

}  // namespace barnabas::broker
