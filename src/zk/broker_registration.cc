#include "barnabas/zk/broker_registration.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace barnabas::zk {
namespace {

// The path and every parent of it, outermost first.
std::vector<std::string> with_parents(const std::string& path) {
  std::vector<std::string> all;
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    all.push_back(path.substr(0, slash));
  }
  all.push_back(path);
  return all;
}

struct Preparation {
  MetadataStore& store;
  Random& random;
  ResultCallback<std::string> done;
  std::size_t unanswered = 0;
  Status parents;  // the first error
};

void read_cluster_id(std::shared_ptr<Preparation> work);

void make_cluster_id(std::shared_ptr<Preparation> work) {
  const std::string id = work->random.uuid().to_string();
  MetadataStore& store = work->store;
  store.create({std::string(kClusterIdPath), encode_cluster_id(id), CreateMode::kPersistent},
               [work, id](StoreResult<WriteResult> made) {
                 if (made) {
                   return work->done(id);
                 }
                 if (made.error().code == StoreErrorCode::kNodeExists) {
                   return read_cluster_id(work);  // another broker was first
                 }
                 work->done(std::unexpected(to_error(made.error())));
               });
}

void read_cluster_id(std::shared_ptr<Preparation> work) {
  MetadataStore& store = work->store;
  store.get(std::string(kClusterIdPath), {}, [work](StoreResult<Node> read) {
    if (read) {
      return work->done(decode_cluster_id(read->data));
    }
    if (read.error().code == StoreErrorCode::kNoNode) {
      return make_cluster_id(work);
    }
    work->done(std::unexpected(to_error(read.error())));
  });
}

// Asked for all at once: the store carries them out in this order and syncs once.
void make_parents(std::shared_ptr<Preparation> work, std::vector<std::string> paths) {
  work->unanswered = paths.size();
  for (std::string& path : paths) {
    work->store.create(
        {std::move(path), std::nullopt, CreateMode::kPersistent},
        [work](StoreResult<WriteResult> made) {
          if (!made && made.error().code != StoreErrorCode::kNodeExists && work->parents) {
            work->parents = std::unexpected(to_error(made.error()));
          }
          if (--work->unanswered > 0) {
            return;
          }
          if (!work->parents) {
            return work->done(std::unexpected(work->parents.error()));
          }
          read_cluster_id(work);
        });
  }
}

// "host:9092 (PLAINTEXT)", as far as the node tells.
std::string address_of(BrokerId id, const NodeData& data) {
  const auto node = decode_broker(id, data);
  if (!node || node->endpoints.empty()) {
    return "an address that cannot be read";
  }
  std::string text;
  for (const BrokerEndPoint& endpoint : node->endpoints) {
    text += fmt::format("{}{}:{} ({})", text.empty() ? "" : ", ", endpoint.host, endpoint.port,
                        endpoint.listener);
  }
  return text;
}

void explain_clash(MetadataStore& store, BrokerId id, ResultCallback<BrokerEpoch> done) {
  store.get(
      broker_path(id), {}, [&store, id, done = std::move(done)](StoreResult<Node> found) mutable {
        if (!found) {
          return done(std::unexpected(to_error(found.error())));
        }
        if (found->stat.ephemeral_owner == store.session_id()) {
          return done(BrokerEpoch{found->stat.czxid.value()});
        }
        done(fail(
            ErrorCode::kDuplicateBrokerRegistration,
            fmt::format("broker.id {} is taken: it is registered for {} by session 0x{:x}. "
                        "Another broker runs with this id, or has stopped a moment ago without "
                        "ending its session; stop it, wait for that session's end, or give "
                        "this broker a broker.id of its own",
                        id.value(), address_of(id, found->data),
                        static_cast<std::uint64_t>(found->stat.ephemeral_owner.value()))));
      });
}

}  // namespace

void prepare_tree(MetadataStore& store, Random& random, ResultCallback<std::string> done) {
  auto work =
      std::make_shared<Preparation>(Preparation{store, random, std::move(done), 0, Status{}});
  std::vector<std::string> paths;
  for (const std::string& path : start_up_paths()) {
    for (std::string& each : with_parents(path)) {
      if (std::ranges::find(paths, each) == paths.end()) {
        paths.push_back(std::move(each));
      }
    }
  }
  paths.emplace_back("/cluster");
  make_parents(std::move(work), std::move(paths));
}

void register_broker(MetadataStore& store, BrokerId id, const BrokerZNode& node,
                     ResultCallback<BrokerEpoch> done) {
  const std::string path = broker_path(id);
  const std::string data = encode(node);
  std::vector<WriteOp> ops;
  // The second write makes the node's version 1, which tells a reader that it is whole.
  ops.emplace_back(CreateOp{path, data, CreateMode::kEphemeral});
  ops.emplace_back(SetOp{path, data, kAnyVersion});
  store.multi(std::move(ops), [&store, id, done = std::move(done)](
                                  StoreResult<std::vector<WriteResult>> made) mutable {
    if (made) {
      return done(BrokerEpoch{made->back().stat.czxid.value()});
    }
    if (made.error().code == StoreErrorCode::kNodeExists) {
      return explain_clash(store, id, std::move(done));
    }
    done(std::unexpected(to_error(made.error())));
  });
}

}  // namespace barnabas::zk
