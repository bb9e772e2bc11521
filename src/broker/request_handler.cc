#include "request_handler.h"

#include <fmt/format.h>

#include <chrono>

#include "handler_table.h"

namespace barnabas::broker {
namespace {

// How often a thread with waiting requests looks whether the broker is ready.
constexpr std::chrono::milliseconds kGateInterval{2};

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
    early_.push_back({connection.shared_from_this(), slot, {frame.begin(), frame.end()}});
    watch_gate();
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

void BrokerRequestHandler::watch_gate() {
  if (gate_timer_ == nullptr) {
    gate_timer_ = state_.home().run_after(kGateInterval, [this] { handle_early(); });
  }
}

void BrokerRequestHandler::handle_early() {
  gate_timer_.reset();
  if (!gate_.is_open()) {
    watch_gate();
    return;
  }
  auto early = std::move(early_);
  early_.clear();
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
