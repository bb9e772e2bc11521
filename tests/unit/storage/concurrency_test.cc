// Readers, flushes and retention beside appends; ThreadSanitizer looks on.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "fixture.h"

namespace barnabas::storage {
namespace {

// A disk executor with a thread of its own; timers never fire.
class ThreadExecutor final : public Executor {
 public:
  ThreadExecutor() : thread_([this] { run(); }) {}
  ~ThreadExecutor() override {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void post(Task task) override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    wake_.notify_all();
  }
  [[nodiscard]] std::unique_ptr<Timer> run_after(std::chrono::nanoseconds /*delay*/,
                                                 Task /*task*/) override {
    class Never final : public Timer {
      void cancel() override {}
    };
    return std::make_unique<Never>();
  }
  [[nodiscard]] bool is_current() const override {
    return std::this_thread::get_id() == thread_.get_id();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopped_ || !tasks_.empty(); });
      if (tasks_.empty()) {
        return;
      }
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  bool stopped_ = false;
  std::thread thread_;
};

TEST(ConcurrencyTest, ReadersSeeWholeBatchesWhileTheLogGrowsRollsAndShrinks) {
  constexpr int kAppends = 3000;
  testing::MemoryVfs vfs;
  const SystemClock clock;
  const auto random = make_seeded_random(3);
  ThreadExecutor disk;
  LogManagerOptions options;
  options.log_dirs = {"/data"};
  StorageEnvironment env;
  env.vfs = &vfs;
  env.clock = &clock;
  env.disk = &disk;
  env.random = random.get();
  auto manager = LogManager::open(options, env).value();
  LogConfig config;
  config.segment_bytes = 20'000;
  config.index_interval_bytes = 200;
  config.retention_bytes = 50'000;
  config.retention_ms = -1;
  ASSERT_TRUE(manager->load([&](const std::string&) { return config; }));
  const auto log =
      manager->get_or_create({"t", PartitionId(0)}, std::nullopt, config, true).value();

  std::atomic<bool> done{false};
  std::atomic<int> batches_read{0};
  const auto reader = [&] {
    Offset next{0};
    ByteVector bytes;
    while (!done.load() || next < log->end_offset()) {
      const LogView view = log->view();
      next = std::max(next, view.start_offset());
      const auto slice = log->read(view, next, 4000, view.end_offset(), true);
      ASSERT_TRUE(slice) << slice.error().message;
      if (slice->length == 0) {
        std::this_thread::yield();
        continue;
      }
      bytes.resize(slice->length);
      ASSERT_EQ(slice->file->read_at(slice->position, bytes).value(), slice->length);
      record::BatchCursor cursor(bytes);
      while (cursor.next() == record::BatchStep::kBatch) {
        ASSERT_TRUE(cursor.batch().crc_is_valid());
        ASSERT_EQ(cursor.batch().base_offset(), next);
        next = cursor.batch().next_offset();
        ++batches_read;
      }
    }
  };
  const auto looker = [&] {
    while (!done.load()) {
      static_cast<void>(log->max_timestamp());
      static_cast<void>(log->offset_for_timestamp(1'000'500));
      static_cast<void>(log->end_offset_for_epoch(LeaderEpoch(0)));
      static_cast<void>(log->flush());
      manager->run_retention();
      manager->checkpoint_recovery_points();
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(reader);
  threads.emplace_back(reader);
  threads.emplace_back(looker);
  for (int i = 0; i < kAppends; ++i) {
    ByteVector batch = make_batch({.records = 1 + i % 4, .timestamp_ms = 1'000'000 + i});
    LeaderAppend one;
    one.records = batch;
    log->append_as_leader({&one, 1}, LeaderEpoch(i / 500));
    ASSERT_EQ(one.error, ErrorCode::kNone) << one.message;
    log->update_high_watermark(log->end_offset());
  }
  done = true;
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_GT(batches_read.load(), 0);
  manager->run_retention();  // the appends may have been quicker than the last one
  EXPECT_GT(log->start_offset(), Offset(0));
  ASSERT_TRUE(manager->stop(BrokerEpoch(0)));
}

TEST(ConcurrencyTest, LogsAreLoadedSeveralAtATime) {
  testing::MemoryVfs vfs;
  testing::ManualTime time;
  testing::ManualExecutor disk(time);
  const auto random = make_seeded_random(4);
  LogManagerOptions options;
  options.log_dirs = {"/data/a", "/data/b"};
  StorageEnvironment env;
  env.vfs = &vfs;
  env.clock = &time;
  env.disk = &disk;
  env.random = random.get();
  env.run_all = [](std::vector<Task> tasks) {
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (std::size_t at = next++; at < tasks.size(); at = next++) {
          tasks[at]();
        }
      });
    }
    for (auto& thread : threads) {
      thread.join();
    }
  };
  const auto config_of = [](const std::string&) { return LogConfig{}; };
  {
    auto manager = LogManager::open(options, env).value();
    ASSERT_TRUE(manager->load(config_of));
    for (int i = 0; i < 40; ++i) {
      const auto log =
          manager->get_or_create({"t", PartitionId(i)}, std::nullopt, LogConfig{}, true).value();
      ByteVector batch = make_batch({.records = 1 + i});
      LeaderAppend one;
      one.records = batch;
      log->append_as_leader({&one, 1}, LeaderEpoch(0));
      ASSERT_EQ(one.error, ErrorCode::kNone);
    }
  }
  vfs.crash(testing::CrashMode::kProcess);
  auto manager = LogManager::open(options, env).value();
  ASSERT_TRUE(manager->load(config_of));
  ASSERT_EQ(manager->logs().size(), 40U);
  for (const auto& log : manager->logs()) {
    EXPECT_EQ(log->end_offset().value(), 1 + log->topic_partition().partition.value());
  }
}

}  // namespace
}  // namespace barnabas::storage
