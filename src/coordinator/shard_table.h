// The shards of a coordinator, one for each partition of its topic that this broker leads: how they
// come with leadership, are read from the log, and go. A shard answers "loading" until its Loader
// has seen the whole log; what cannot be read is tried again. Owner thread: the coordinator's home.
// Reading runs on the disk pool.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "barnabas/base/executor.h"
#include "barnabas/base/ids.h"
#include "barnabas/base/logging.h"
#include "barnabas/base/result.h"
#include "barnabas/coordinator/coordinator_log.h"

namespace barnabas::coordinator {

// Shard: epoch(), status(), is_loading(), count(), install(Loader's take()), close().
// Loader: add(bytes, offset), take(), records(), skipped().
template <typename Shard, typename Loader>
class ShardTable {
 public:
  using Make = std::function<std::shared_ptr<Shard>(PartitionId, LeaderEpoch)>;
  struct Ports {
    Executor& home;
    Executor& disk;
    CoordinatorLog& log;
  };
  struct Names {
    std::string topic;
    std::string contents;  // what a shard counts
  };

  ShardTable(Names names, std::int32_t load_buffer_bytes, Ports ports, Make make)
      : names_(std::move(names)),
        load_buffer_bytes_(static_cast<std::size_t>(load_buffer_bytes)),
        ports_(ports),
        make_(std::move(make)) {}
  ~ShardTable() { *alive_ = false; }
  ShardTable(const ShardTable&) = delete;
  ShardTable& operator=(const ShardTable&) = delete;

  // Runs `task` at home unless the table is gone by then. THREAD: any
  void post(Task task) {
    ports_.home.post([alive = alive_, task = std::move(task)]() mutable {
      if (*alive) {
        task();
      }
    });
  }

  void elected(PartitionId partition, LeaderEpoch epoch) {  // THREAD: any
    post([this, partition, epoch] { load(partition, epoch); });
  }
  void resigned(PartitionId partition, LeaderEpoch epoch) {  // THREAD: any
    post([this, partition, epoch] { unload(partition, epoch); });
  }

  void stop() {
    stopped_ = true;
    retries_.clear();
    for (auto& [partition, shard] : shards_) {
      shard->close();
    }
    shards_.clear();
  }
  [[nodiscard]] bool stopped() const { return stopped_; }

  // The active shard of a partition; null with the error that says why there is none.
  [[nodiscard]] Shard* find(PartitionId partition, ErrorCode& error) const {
    if (stopped_) {
      error = ErrorCode::kCoordinatorNotAvailable;
      return nullptr;
    }
    const auto found = shards_.find(partition);
    error = found == shards_.end() ? ErrorCode::kNotCoordinator : found->second->status();
    return error == ErrorCode::kNone ? found->second.get() : nullptr;
  }
  // Whatever its state; null: it is not here.
  [[nodiscard]] Shard* find_any(PartitionId partition) const {
    const auto found = shards_.find(partition);
    return found == shards_.end() ? nullptr : found->second.get();
  }
  [[nodiscard]] bool any_loading() const {
    for (const auto& [partition, shard] : shards_) {
      if (shard->is_loading()) {
        return true;
      }
    }
    return false;
  }
  // Of those that are not being loaded, by partition.
  template <typename Do>
  void for_each_active(Do do_it) const {
    for (const auto& [partition, shard] : shards_) {
      if (!shard->is_loading()) {
        do_it(*shard);
      }
    }
  }

 private:
  static constexpr std::chrono::seconds kRetry{1};  // after a partition could not be read

  struct Load {
    PartitionId partition;
    LeaderEpoch epoch;
    Offset next{0};
    Loader loader;
  };

  static logging::Logger& log() {
    static logging::Logger& instance = logging::logger("coordinator");
    return instance;
  }

  void load(PartitionId partition, LeaderEpoch epoch) {
    if (stopped_) {
      return;
    }
    const auto found = shards_.find(partition);
    if (found != shards_.end()) {
      if (found->second->epoch() >= epoch) {
        return;
      }
      found->second->close();
    }
    shards_.insert_or_assign(partition, make_(partition, epoch));
    begin_reading(partition, epoch);
  }

  void unload(PartitionId partition, LeaderEpoch epoch) {
    const auto found = shards_.find(partition);
    if (found == shards_.end() || found->second->epoch() > epoch) {
      return;
    }
    log().info("{}-{}: {} {} are unloaded", names_.topic, partition.value(), found->second->count(),
               names_.contents);
    found->second->close();
    shards_.erase(found);
    retries_.erase(partition);
  }

  void begin_reading(PartitionId partition, LeaderEpoch epoch) {
    auto load = std::make_shared<Load>();
    load->partition = partition;
    load->epoch = epoch;
    ports_.disk.post([this, load] { read_chunk(load); });
  }

  // On the disk pool: one chunk, then the next one behind whatever else waits there.
  void read_chunk(const std::shared_ptr<Load>& load) {
    const auto chunk = ports_.log.read(load->partition, load->next, load_buffer_bytes_);
    if (!chunk) {
      finish(load, std::unexpected(chunk.error()));
      return;
    }
    const Offset before = load->next;
    const auto next = load->loader.add(chunk->bytes, before);
    if (!next) {
      finish(load, std::unexpected(next.error()));
      return;
    }
    load->next = *next;
    if (chunk->bytes.empty() || load->next >= chunk->end) {
      finish(load, {});
    } else if (load->next == before) {
      finish(load, fail(ErrorCode::kCorruptMessage,
                        fmt::format("nothing whole at offset {}", before.value())));
    } else {
      ports_.disk.post([this, load] { read_chunk(load); });
    }
  }

  void finish(const std::shared_ptr<Load>& load, Status status) {
    post([this, load, status = std::move(status)] {
      const auto found = shards_.find(load->partition);
      if (found == shards_.end() || found->second->epoch() != load->epoch) {
        return;  // it left meanwhile
      }
      if (status) {
        install(*found->second, *load);
        return;
      }
      log().error("{}-{} cannot be read, which is tried again: {}", names_.topic,
                  load->partition.value(), status.error().message);
      retries_[load->partition] =
          ports_.home.run_after(kRetry, [this, partition = load->partition, epoch = load->epoch] {
            begin_reading(partition, epoch);
          });
    });
  }

  void install(Shard& shard, Load& load) {
    retries_.erase(load.partition);
    shard.install(load.loader.take());
    if (load.loader.records() > 0) {
      log().info("{}-{}: {} {} loaded from {} records, {} skipped", names_.topic,
                 load.partition.value(), shard.count(), names_.contents, load.loader.records(),
                 load.loader.skipped());
    }
  }

  const Names names_;
  const std::size_t load_buffer_bytes_;
  const Ports ports_;
  const Make make_;
  // False once tasks that are still under way must find nobody.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool stopped_ = false;
  std::map<PartitionId, std::shared_ptr<Shard>> shards_;
  std::map<PartitionId, std::unique_ptr<Timer>> retries_;
};

}  // namespace barnabas::coordinator
