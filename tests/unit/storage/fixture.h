// A disk in memory, virtual time, and batches to append: what the tests of storage begin with.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/record/batch.h"
#include "barnabas/record/builder.h"
#include "barnabas/storage/log.h"
#include "barnabas/storage/log_manager.h"
#include "support/manual_executor.h"
#include "support/memory_vfs.h"

namespace barnabas::storage {

// What one batch of the tests holds.
struct BatchSpec {
  int records = 1;
  std::size_t value_bytes = 20;
  std::int64_t timestamp_ms = testing::ManualTime::kStartWallMs;
  ProducerId producer = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  SequenceNumber sequence = kNoSequence;
  bool transactional = false;
};

inline ByteVector make_batch(const BatchSpec& spec) {
  record::BatchOptions options;
  options.producer_id = spec.producer;
  options.producer_epoch = spec.epoch;
  options.base_sequence = spec.sequence;
  options.is_transactional = spec.transactional;
  record::BatchBuilder builder(options);
  const std::string value(spec.value_bytes, 'v');
  for (int i = 0; i < spec.records; ++i) {
    builder.add(spec.timestamp_ms + i, std::nullopt, as_bytes(value));
  }
  ByteVector bytes;
  EXPECT_TRUE(builder.finish(bytes));
  return bytes;
}

// The end of a transaction, as the coordinator writes it.
inline ByteVector make_marker(ProducerId producer, ProducerEpoch epoch, bool commit,
                              std::int32_t coordinator_epoch = 0) {
  record::BatchOptions options;
  options.producer_id = producer;
  options.producer_epoch = epoch;
  options.is_transactional = true;
  options.is_control = true;
  record::BatchBuilder builder(options);
  std::array<std::byte, 4> key{};
  store_be(key.data() + 2, static_cast<std::int16_t>(commit ? 1 : 0));
  std::array<std::byte, 6> value{};
  store_be(value.data() + 2, coordinator_epoch);
  builder.add(testing::ManualTime::kStartWallMs, ByteView(key), ByteView(value));
  ByteVector bytes;
  EXPECT_TRUE(builder.finish(bytes));
  return bytes;
}

class StorageTest : public ::testing::Test {
 protected:
  static constexpr const char* kDir = "/data/logs";
  static constexpr const char* kLogDir = "/data/logs/t-0";

  StorageTest() { options_.log_dirs = {kDir}; }
  ~StorageTest() override { drop_manager(); }

  // Opens and loads; the log dirs as they are on the disk.
  Status start_manager() {
    drop_manager();
    StorageEnvironment env;
    env.vfs = &vfs_;
    env.clock = &time_;
    env.disk = &disk_;
    env.random = random_.get();
    TRY(manager_, LogManager::open(options_, env));
    TRY_STATUS(manager_->load([this](const std::string&) { return config_; }));
    return {};
  }
  // Lets go of everything, as if the process had ended just now.
  void drop_manager() {
    log_.reset();
    manager_.reset();
  }
  // Starts and gives the log of t-0.
  Log& open_log() {
    const Status started = start_manager();
    EXPECT_TRUE(started) << started.error().message;
    auto log = manager_->get_or_create({"t", PartitionId(0)}, std::nullopt, config_, true);
    EXPECT_TRUE(log) << log.error().message;
    log_ = *log;
    return *log_;
  }
  void stop_cleanly() {
    time_.run_all();
    const Status stopped = manager_->stop(BrokerEpoch(7));
    EXPECT_TRUE(stopped) << stopped.error().message;
    drop_manager();
  }
  // The machine stops and comes back; the log is loaded again.
  Log& crash(testing::CrashMode mode) {
    drop_manager();
    vfs_.crash(mode, random_.get());
    return open_log();
  }

  // One append of one batch; the result of it.
  LeaderAppend append(const BatchSpec& spec, LeaderEpoch epoch = LeaderEpoch(0)) {
    return append_bytes(make_batch(spec), epoch);
  }
  LeaderAppend append_bytes(ByteVector bytes, LeaderEpoch epoch = LeaderEpoch(0),
                            AppendOrigin origin = AppendOrigin::kClient) {
    LeaderAppend one;
    one.records = bytes;
    one.origin = origin;
    log_->append_as_leader({&one, 1}, epoch);
    one.records = {};
    return one;
  }
  // Everything from `from` to the end of the log, as a consumer would read it.
  std::string read_all(Offset from = Offset(0)) {
    std::string all;
    while (true) {
      const LogView view = log_->view();
      const auto slice = log_->read(view, from, 1 << 20, view.end_offset(), true);
      EXPECT_TRUE(slice) << slice.error().message;
      if (!slice || slice->length == 0) {
        return all;
      }
      std::string bytes(slice->length, '\0');
      const auto read = slice->file->read_at(
          slice->position, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
      EXPECT_TRUE(read);
      bytes.resize(*read);
      record::BatchCursor cursor(as_bytes(bytes));
      while (cursor.next() == record::BatchStep::kBatch) {
        EXPECT_TRUE(cursor.batch().crc_is_valid());
        from = cursor.batch().next_offset();
      }
      all += bytes.substr(0, cursor.position());
    }
  }
  std::vector<std::string> log_files() const { return vfs_.files(kLogDir); }
  std::string content(const std::string& name) const {
    return vfs_.content(std::string(kLogDir) + "/" + name).value_or("(missing)");
  }

  testing::ManualTime time_;
  testing::ManualExecutor disk_{time_};
  testing::MemoryVfs vfs_{&time_};
  std::unique_ptr<Random> random_ = make_seeded_random(1);
  LogManagerOptions options_;
  LogConfig config_;
  std::unique_ptr<LogManager> manager_;
  std::shared_ptr<Log> log_;
};

}  // namespace barnabas::storage
