// The settings of a running broker as they stand in the tree and in a snapshot of the cluster.
#pragma once

#include <functional>

#include "barnabas/base/ids.h"
#include "barnabas/base/result.h"
#include "barnabas/config/describe.h"
#include "barnabas/metadata/cluster_snapshot.h"
#include "barnabas/zk/metadata_store.h"

namespace barnabas::broker {

// THREAD: any
[[nodiscard]] config::DynamicBrokerOverrides dynamic_overrides(
    const metadata::ClusterSnapshot& cluster, BrokerId broker);

// Reads /config/brokers of this broker and of all: logs are loaded with the settings that hold,
// before any controller speaks. A node that does not parse counts as empty and is logged.
// THREAD: home of the store
void read_dynamic_overrides(
    zk::MetadataStore& store, BrokerId broker,
    std::move_only_function<void(Result<config::DynamicBrokerOverrides>)> done);

}  // namespace barnabas::broker
