#include "barnabas/zk/broker_registration.h"

#include <fmt/format.h>

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
  std::vector<std::string> paths;
  std::size_t next = 0;
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

void make_next_parent(std::shared_ptr<Preparation> work) {
  if (work->next == work->paths.size()) {
    return read_cluster_id(std::move(work));
  }
  MetadataStore& store = work->store;
  std::string path = work->paths[work->next++];
  store.create({std::move(path), std::nullopt, CreateMode::kPersistent},
               [work](StoreResult<WriteResult> made) {
                 if (!made && made.error().code != StoreErrorCode::kNodeExists) {
                   return work->done(std::unexpected(to_error(made.error())));
                 }
                 make_next_parent(work);
               });
}

void explain_clash(MetadataStore& store, BrokerId id, ResultCallback<BrokerEpoch> done) {
  store.exists(
      broker_path(id), {},
      [&store, id, done = std::move(done)](StoreResult<std::optional<Stat>> found) mutable {
        if (!found) {
          return done(std::unexpected(to_error(found.error())));
        }
        if (*found && (*found)->ephemeral_owner == store.session_id()) {
          return done(BrokerEpoch{(*found)->czxid.value()});
        }
        done(fail(ErrorCode::kDuplicateBrokerRegistration,
                  fmt::format("broker.id {} is registered already by another session: "
                              "another broker uses the same id, or an earlier run's "
                              "session has not ended yet",
                              id.value())));
      });
}

}  // namespace

void prepare_tree(MetadataStore& store, Random& random, ResultCallback<std::string> done) {
  auto work = std::make_shared<Preparation>(store, random, std::move(done));
  for (const std::string& path : start_up_paths()) {
    std::ranges::move(with_parents(path), std::back_inserter(work->paths));
  }
  std::ranges::move(with_parents("/cluster"), std::back_inserter(work->paths));
  make_next_parent(std::move(work));
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
