// Damaged files of a stopped broker. BARNABAS_FUZZ_TARGET names the family, else the first byte of
// the input chooses it:
//   segments     the .log files, after a crash, with nothing else to go by
//   indexes      what is built from them: indexes, snapshots, epochs, partition.metadata
//   checkpoints  the log dir's own files: checkpoints, meta.properties, the marker
//   metadata     the metadata journal and its snapshot
// The second byte chooses the file and whether the stop was a clean one; the rest is either the new
// content or a list of edits (where, which bits) of the old. Besides not crashing it must hold: the
// log opens, what it then holds is whole batches without a gap, it takes a further append, and it
// opens again as it was. Damaged indexes and
// checkpoints lose no record at all.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "barnabas/base/logging.h"
#include "barnabas/record/batch.h"
#include "barnabas/record/builder.h"
#include "barnabas/storage/log_manager.h"
#include "barnabas/zk/embedded_store.h"
#include "support/manual_executor.h"
#include "support/memory_vfs.h"

namespace {

using namespace barnabas;
using namespace barnabas::storage;
using barnabas::testing::CrashMode;
using barnabas::testing::ManualExecutor;
using barnabas::testing::ManualTime;
using barnabas::testing::MemoryVfs;

constexpr const char* kDir = "/data/logs";
constexpr const char* kLogDir = "/data/logs/t-0";
constexpr const char* kTree = "/data/logs.metadata";
constexpr int kBatches = 24;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

using Files = std::map<std::string, std::string>;

// A broker's storage on a disk in memory.
struct Machine {
  ManualTime time;
  ManualExecutor disk{time};
  MemoryVfs vfs{&time};
  std::unique_ptr<Random> random = make_seeded_random(1);
  LogManagerOptions options;
  LogConfig config;
  std::unique_ptr<LogManager> manager;
  std::shared_ptr<Log> log;

  Machine() {
    options.log_dirs = {kDir};
    options.producer_id_expiration_ms = INT64_MAX;
    config.segment_bytes = 900;
    config.index_interval_bytes = 150;
    config.segment_index_bytes = 4096;
    config.retention_ms = -1;
  }
  ~Machine() { drop(); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void drop() {
    log.reset();
    manager.reset();
  }
  Status open() {
    drop();
    StorageEnvironment env;
    env.vfs = &vfs;
    env.clock = &time;
    env.disk = &disk;
    env.random = random.get();
    TRY(manager, LogManager::open(options, env));
    TRY_STATUS(manager->load([this](const std::string&) { return config; }));
    TRY(log, manager->get_or_create({"t", PartitionId(0)}, std::nullopt, config, true));
    return {};
  }
  ErrorCode append(ByteVector bytes, AppendOrigin origin = AppendOrigin::kClient) {
    LeaderAppend one;
    one.records = bytes;
    one.origin = origin;
    log->append_as_leader({&one, 1}, LeaderEpoch(3));
    return one.error;
  }
};

ByteVector make_batch(int number) {
  record::BatchOptions options;
  options.producer_id = ProducerId(5);
  options.producer_epoch = ProducerEpoch(0);
  options.base_sequence = SequenceNumber(number);
  options.is_transactional = true;
  record::BatchBuilder builder(options);
  const std::string value(static_cast<std::size_t>(number % 7) * 10, 'v');
  builder.add(ManualTime::kStartWallMs + number, std::nullopt, as_bytes(value));
  ByteVector bytes;
  require(builder.finish(bytes).has_value());
  return bytes;
}

ByteVector make_abort() {
  record::BatchOptions options;
  options.producer_id = ProducerId(5);
  options.producer_epoch = ProducerEpoch(0);
  options.is_transactional = true;
  options.is_control = true;
  record::BatchBuilder builder(options);
  const std::array<std::byte, 4> key{};
  const std::array<std::byte, 6> value{};
  builder.add(ManualTime::kStartWallMs, ByteView(key), ByteView(value));
  ByteVector bytes;
  require(builder.finish(bytes).has_value());
  return bytes;
}

// The files that a run leaves; after a clean stop, or as a crash finds them.
Files leave_files(bool clean) {
  Machine machine;
  require(machine.open().has_value());
  require(
      machine.manager->write_meta_properties("bt0Uo8zHTSGKVxIPSrK0Zg", BrokerId(1)).has_value());
  for (int i = 0; i < kBatches; ++i) {
    require(machine.append(make_batch(i)) == ErrorCode::kNone);
    if (i % 5 == 4) {
      require(machine.append(make_abort(), AppendOrigin::kCoordinator) == ErrorCode::kNone);
    }
  }
  machine.log->update_high_watermark(machine.log->end_offset());
  machine.time.run_all();
  machine.manager->checkpoint_recovery_points();
  machine.manager->checkpoint_high_watermarks();
  if (clean) {
    require(machine.manager->stop(BrokerEpoch(1)).has_value());
  }
  machine.drop();
  Files files;
  for (const auto& name : machine.vfs.files(kDir)) {
    files[std::string(kDir) + "/" + name] =
        machine.vfs.content(std::string(kDir) + "/" + name).value_or("");
  }
  return files;
}

Files leave_tree() {
  ManualTime time;
  ManualExecutor home(time);
  ManualExecutor disk(time);
  MemoryVfs vfs;
  require(vfs.create_directories("/data").has_value());
  auto store = zk::open_embedded_store({kTree, 400}, vfs, time, home, disk);
  require(store.has_value());
  for (int i = 0; i < 12; ++i) {
    zk::WriteOp make = zk::CreateOp{"/n" + std::to_string(i), std::string(20, 'd'), {}};
    std::vector<zk::WriteOp> ops;
    ops.push_back(std::move(make));
    (*store)->multi(std::move(ops), [](auto) {});
    time.run_all();
  }
  store->reset();
  Files files;
  for (const auto& name : vfs.files(kTree)) {
    files[std::string(kTree) + "/" + name] =
        vfs.content(std::string(kTree) + "/" + name).value_or("");
  }
  return files;
}

// The rest of the input, as new content or as edits of the old one.
std::string damaged(const std::string& old, std::string_view input, bool edits) {
  if (!edits) {
    return std::string(input);
  }
  std::string made = old;
  for (; input.size() >= 3; input.remove_prefix(3)) {
    const auto at = static_cast<std::size_t>(static_cast<unsigned char>(input[0]) << 8U |
                                             static_cast<unsigned char>(input[1]));
    if (at < made.size()) {
      made[at] = static_cast<char>(made[at] ^ input[2]);
    } else if (at >= 0xff00U) {
      made.resize(made.size() - std::min<std::size_t>(made.size(), at & 0xffU));
    } else {
      made.push_back(input[2]);
    }
  }
  return made;
}

// Whole batches without a gap from the start to the end; returns how many.
int read_all(Machine& machine) {
  const LogView view = machine.log->view();
  Offset from = view.start_offset();
  int count = 0;
  while (from < view.end_offset()) {
    const auto slice = machine.log->read(view, from, 1 << 20, view.end_offset(), true);
    require(slice.has_value() && slice->length > 0);
    std::string bytes(slice->length, '\0');
    const auto read = slice->file->read_at(
        slice->position, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
    require(read.has_value() && *read == bytes.size());
    record::BatchCursor cursor(as_bytes(bytes));
    const Offset before = from;
    while (cursor.next() == record::BatchStep::kBatch) {
      from = cursor.batch().next_offset();
      ++count;
    }
    require(from > before);
  }
  return count;
}

void check_log(Machine& machine) {
  read_all(machine);
  const LogView view = machine.log->view();
  static_cast<void>(machine.log->offset_for_timestamp(ManualTime::kStartWallMs + 11));
  static_cast<void>(machine.log->max_timestamp());
  static_cast<void>(
      machine.log->aborted_transactions(view, view.start_offset(), view.end_offset()));
  machine.time.run_all();  // repairs
  read_all(machine);
  const Offset end = machine.log->end_offset();
  ByteVector plain;
  record::BatchBuilder builder({});
  builder.add(ManualTime::kStartWallMs, std::nullopt, as_bytes(std::string("further")));
  require(builder.finish(plain).has_value());
  require(machine.append(plain) == ErrorCode::kNone);
  const Offset start = machine.log->start_offset();
  machine.time.run_all();
  require(machine.manager->stop(BrokerEpoch(2)).has_value());
  require(machine.open().has_value());
  require(machine.manager->had_clean_shutdown());
  require(machine.log->end_offset() == end + 1 && machine.log->start_offset() == start);
}

// 0: any .log file; everything else is gone or as it was.
bool is_segment(const std::string& path) {
  return path.ends_with(".log");
}

bool is_derived(const std::string& path) {
  return path.starts_with(std::string(kLogDir) + "/") && !is_segment(path);
}

bool is_of_log_dir(const std::string& path) {
  return !path.starts_with(std::string(kLogDir) + "/");
}

void fuzz_log_dir(const Files& files, bool (*wanted)(const std::string&), unsigned which,
                  bool edits, std::string_view input) {
  Machine machine;
  std::vector<std::string> chosen;
  for (const auto& [path, bytes] : files) {
    if (wanted(path) && !path.ends_with(".lock")) {
      chosen.push_back(path);
    }
  }
  require(machine.vfs.create_directories(kLogDir).has_value());
  for (const auto& [path, bytes] : files) {
    machine.vfs.set_content(path, bytes);
  }
  const std::string& victim = chosen[which % chosen.size()];
  machine.vfs.set_content(victim, damaged(files.at(victim), input, edits));
  const bool segments = wanted == &is_segment;
  if (segments) {
    for (const char* name : {"/.kafka_cleanshutdown", "/recovery-point-offset-checkpoint"}) {
      static_cast<void>(machine.vfs.remove(std::string(kDir) + name));
    }
  }
  const Status opened = machine.open();
  if (!opened) {
    // A directory that says it is another's is refused; nothing else is.
    require(victim.ends_with("meta.properties"));
    return;
  }
  require(!machine.log->offline());
  if (!segments && !victim.ends_with("log-start-offset-checkpoint")) {
    require(read_all(machine) == kBatches + kBatches / 5);
  }
  check_log(machine);
}

void fuzz_tree(const Files& files, unsigned which, bool edits, std::string_view input) {
  ManualTime time;
  ManualExecutor home(time);
  ManualExecutor disk(time);
  MemoryVfs vfs;
  require(vfs.create_directories(kTree).has_value());
  for (const auto& [path, bytes] : files) {
    vfs.set_content(path, bytes);
  }
  auto victim = std::next(files.begin(), static_cast<std::ptrdiff_t>(which % files.size()));
  vfs.set_content(victim->first, damaged(victim->second, input, edits));
  auto store = zk::open_embedded_store({kTree, 400}, vfs, time, home, disk);
  if (!store) {
    return;  // it says that it does not hold
  }
  store->reset();
  time.run_all();
  vfs.crash(CrashMode::kProcess);
  require(zk::open_embedded_store({kTree, 400}, vfs, time, home, disk).has_value());
}

void silence() {
  for (const char* module : {"storage", "zk"}) {
    logging::logger(module).set_level(logging::Level::kOff);
  }
}

}  // namespace

constexpr std::array<std::string_view, 4> kFamilies = {"segments", "indexes", "checkpoints",
                                                       "metadata"};

// The place of the family that is asked for; as many as there are where none is.
std::size_t named_family() {
  const char* const name = std::getenv("BARNABAS_FUZZ_TARGET");
  return static_cast<std::size_t>(
      std::ranges::find(kFamilies, std::string_view(name == nullptr ? "" : name)) -
      kFamilies.begin());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool silent = (silence(), true);
  static const Files clean = leave_files(true);
  static const Files crashed = leave_files(false);
  static const Files tree = leave_tree();
  static const std::size_t named = named_family();
  static_cast<void>(silent);
  if (size < 3) {
    return 0;
  }
  const unsigned which = data[1] >> 2U;
  const bool edits = (data[1] & 1U) != 0;
  const Files& files = (data[1] & 2U) != 0 ? clean : crashed;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (named < kFamilies.size() ? named : data[0] % kFamilies.size()) {
    case 0:
      fuzz_log_dir(files, &is_segment, which, edits, input);
      break;
    case 1:
      fuzz_log_dir(files, &is_derived, which, edits, input);
      break;
    case 2:
      fuzz_log_dir(files, &is_of_log_dir, which, edits, input);
      break;
    default:
      fuzz_tree(tree, which, edits, input);
  }
  return 0;
}
