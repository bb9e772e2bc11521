// What a handler is given with a request: where it came from, the services of the broker, and the
// ways to answer. Handlers run on the connection's io thread. An answer that has to wait is kept as
// a PendingAnswer and sent later from the same thread.
// THREAD: home (the connection's)
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "barnabas/base/clock.h"
#include "barnabas/base/executor.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/snapshot_cell.h"
#include "barnabas/config/broker_config.h"
#include "barnabas/controller/config_admin.h"
#include "barnabas/controller/topic_admin.h"
#include "barnabas/coordinator/group_coordinator.h"
#include "barnabas/metadata/cluster_snapshot.h"
#include "barnabas/net/connection.h"
#include "barnabas/protocol/api_keys.h"
#include "barnabas/protocol/headers.h"
#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/writer.h"
#include "barnabas/replication/replica_manager.h"

namespace barnabas::broker {

class FetchSessionCache;
class ProducerIds;
class ThreadState;
class TopicAutoCreation;
class TransactionService;
class TreeOffsets;

// What the composition root has plugged together; outlives every handler.
struct Services {
  const config::BrokerConfig& config;
  BrokerId broker_id;
  std::string cluster_id;
  const Clock& clock;
  const SnapshotCell<metadata::ClusterSnapshot>& metadata;
  storage::LogManager& logs;
  replication::ReplicaManager& replicas;
  controller::TopicAdmin& topics;
  TopicAutoCreation& auto_creation;
  controller::ConfigAdmin& configs;
  FetchSessionCache& fetch_sessions;
  ProducerIds& producer_ids;
  Executor& disk;
  coordinator::GroupCoordinator& groups;
  TransactionService& transactions;
  TreeOffsets& tree_offsets;
};

// The place of an answer that may be sent at any later time.
class PendingAnswer {
 public:
  PendingAnswer(std::shared_ptr<net::Connection> connection, net::SlotId slot,
                const protocol::ApiInfo& api, std::int16_t version, std::int32_t correlation_id)
      : connection_(std::move(connection)),
        home_(&connection_->home()),
        slot_(slot),
        api_(&api),
        version_(version),
        correlation_id_(correlation_id) {}

  [[nodiscard]] std::int16_t version() const { return version_; }
  [[nodiscard]] net::Connection& connection() const { return *connection_; }
  [[nodiscard]] const std::shared_ptr<net::Connection>& share_connection() const {
    return connection_;
  }
  // Of the request, for as long as it is not answered. THREAD: any
  [[nodiscard]] Executor& home() const { return *home_; }
  [[nodiscard]] net::SlotId slot() const { return slot_; }

  // Header and body into `out`, which is cleared first. False when the body cannot be encoded: the
  // connection is then closed, because its client waits for this answer.
  template <typename Response>
  bool encode(protocol::Writer& out, const Response& response) const {
    return encode_with_version(out, response, version_);
  }
  template <typename Response>
  bool encode_with_version(protocol::Writer& out, const Response& response,
                           std::int16_t version) const {
    out.clear();
    protocol::encode_response_header(out, *api_, version, correlation_id_);
    return check(response.encode(out, version));
  }
  template <typename Response>
  void send(const Response& response) const {
    protocol::Writer out;
    send(out, response);
  }
  // The same through a writer whose memory is reused.
  template <typename Response>
  void send(protocol::Writer& out, const Response& response) const {
    if (encode(out, response)) {
      connection_->answer(slot_, out.bytes());
    }
  }
  void send_nothing() const { connection_->answer_nothing(slot_); }

 private:
  bool check(const Status& encoded) const;

  std::shared_ptr<net::Connection> connection_;
  Executor* home_;
  net::SlotId slot_;
  const protocol::ApiInfo* api_;
  std::int16_t version_;
  std::int32_t correlation_id_;
};

struct RequestContext {
  Services& services;
  ThreadState& thread;
  net::Connection& connection;
  const protocol::ApiInfo& api;
  const protocol::RequestHeader& header;
  MutableBytes frame;
  net::SlotId slot;

  [[nodiscard]] std::int16_t version() const { return header.request_api_version; }
  [[nodiscard]] PendingAnswer pending() const {
    return {connection.shared_from_this(), slot, api, version(), header.correlation_id};
  }
  // Decodes the body; on failure closes the connection, as Kafka does, and returns false.
  template <typename Request>
  [[nodiscard]] bool decode(protocol::Reader& body, Request& request) const {
    return check_body(request.decode(body, version()));
  }
  template <typename Response>
  void answer(const Response& response) const {
    pending().send(writer(), response);
  }

 private:
  [[nodiscard]] bool check_body(const Status& decoded) const;
  [[nodiscard]] protocol::Writer& writer() const;
};

}  // namespace barnabas::broker
