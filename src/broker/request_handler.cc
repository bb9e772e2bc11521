#include "request_handler.h"

#include <fmt/format.h>

#include "handler_table.h"

namespace barnabas::broker {
namespace {

// Of requests that wait for the start, on each thread.
constexpr std::size_t kMaxEarlyBytes = std::size_t{64} << 20U;

}  // namespace

void BrokerRequestHandler::on_request(net::Connection& connection, MutableBytes frame) {
  dispatch(connection, frame, connection.reserve());
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
