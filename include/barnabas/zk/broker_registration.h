// A broker's first steps in the tree: the parents, the cluster's id, its own ephemeral node.
//
// Order (as 3.9.1, seen in ZooKeeper's transaction log): the parents of start_up_paths(), then
// /cluster/id if nobody has made it, then multi[create /brokers/ids/N (ephemeral), setData], whose
// create zxid is the broker epoch. Every step may be repeated after a crash: what is there stays.
// THREAD: home of the store
#pragma once

#include <functional>
#include <string>

#include "barnabas/base/ids.h"
#include "barnabas/base/random.h"
#include "barnabas/base/result.h"
#include "barnabas/zk/metadata_store.h"
#include "barnabas/zk/znodes.h"

namespace barnabas::zk {

template <typename T>
using ResultCallback = std::move_only_function<void(Result<T>)>;

// Makes the parents, then reads /cluster/id or makes it with a random id; answers the id.
void prepare_tree(MetadataStore& store, Random& random, ResultCallback<std::string> done);

// Registers the broker and answers its epoch. A node of another session is a clash
// (DUPLICATE_BROKER_REGISTRATION); one of this session is taken as ours and rewritten nowhere.
void register_broker(MetadataStore& store, BrokerId id, const BrokerZNode& node,
                     ResultCallback<BrokerEpoch> done);

}  // namespace barnabas::zk
