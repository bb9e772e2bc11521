#include "support/memory_vfs.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "barnabas/base/check.h"

namespace barnabas::testing {
namespace {

constexpr std::size_t kSocketPiece = std::size_t{64} << 10U;

std::string normal(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool below(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         (directory == "/" || path[directory.size()] == '/');
}

std::unexpected<Error> io_error(std::string_view what, const std::string& path, int error) {
  return fail(ErrorCode::kKafkaStorageError,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(error)), error);
}

std::string_view name_of(FileOp op) {
  switch (op) {
    case FileOp::kOpen:
      return "open";
    case FileOp::kRead:
      return "read";
    case FileOp::kWrite:
      return "write";
    case FileOp::kTruncate:
      return "truncate";
    case FileOp::kSync:
      return "sync";
    case FileOp::kRename:
      return "rename";
    case FileOp::kRemove:
      return "remove";
    case FileOp::kCreateDirectory:
      return "create directory";
    case FileOp::kSyncDirectory:
      return "sync directory";
  }
  return "touch";
}

}  // namespace

class MemoryFile final : public File {
 public:
  MemoryFile(MemoryVfs& vfs, MemoryVfs::InodePtr inode, std::string path, bool writable)
      : vfs_(vfs), inode_(std::move(inode)), path_(std::move(path)), writable_(writable) {}

  [[nodiscard]] const std::string& path() const override { return path_; }
  [[nodiscard]] Result<std::size_t> read_at(std::uint64_t position,
                                            MutableBytes out) const override {
    return vfs_.read(*inode_, path_, position, out);
  }
  [[nodiscard]] Status write_at(std::uint64_t position, ByteView bytes) override {
    return write_gather_at(position, {&bytes, 1});
  }
  [[nodiscard]] Status write_gather_at(std::uint64_t position,
                                       std::span<const ByteView> pieces) override {
    if (!writable_) {
      return io_error("write", path_, EBADF);
    }
    return vfs_.write(*inode_, path_, position, pieces);
  }
  [[nodiscard]] Status truncate(std::uint64_t size) override {
    return writable_ ? vfs_.truncate(*inode_, path_, size)
                     : Status{io_error("truncate", path_, EINVAL)};
  }
  [[nodiscard]] Status allocate(std::uint64_t size) override {
    TRY(const std::uint64_t now, this->size());
    return now < size ? truncate(size) : Status{};
  }
  [[nodiscard]] Result<std::uint64_t> size() const override {
    const MutexLock lock(vfs_.mutex_);
    return inode_->now.size;
  }
  [[nodiscard]] Status sync() override { return vfs_.sync(*inode_, path_); }
  [[nodiscard]] std::int64_t transfer(int socket, std::uint64_t position,
                                      std::size_t length) const override {
    std::vector<std::byte> piece(std::min(length, kSocketPiece));
    const auto read = read_at(position, piece);
    if (!read) {
      return -read.error().sys_errno;
    }
    if (*read == 0) {
      return 0;
    }
    const ssize_t sent = ::send(socket, piece.data(), *read, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
  }
  [[nodiscard]] bool resident(std::uint64_t /*position*/, std::size_t /*length*/) const override {
    return true;
  }
  void start_writeback(std::uint64_t /*position*/, std::uint64_t /*length*/) override {}

 private:
  MemoryVfs& vfs_;
  MemoryVfs::InodePtr inode_;
  std::string path_;
  bool writable_;
};

class MemoryLock final : public FileLock {
 public:
  MemoryLock(MemoryVfs& vfs, std::string path) : vfs_(vfs), path_(std::move(path)) {}
  ~MemoryLock() override {
    const MutexLock lock(vfs_.mutex_);
    vfs_.locks_.erase(path_);
  }
  MemoryLock(const MemoryLock&) = delete;
  MemoryLock& operator=(const MemoryLock&) = delete;

 private:
  MemoryVfs& vfs_;
  std::string path_;
};

void MemoryVfs::Content::write(std::uint64_t position, ByteView data) {
  if (data.empty()) {
    return;
  }
  if (bytes.size() < position + data.size()) {
    bytes.resize(position + data.size());
  }
  std::memcpy(bytes.data() + position, data.data(), data.size());
  size = std::max(size, position + data.size());
}

void MemoryVfs::Content::truncate(std::uint64_t to) {
  if (bytes.size() > to) {
    bytes.resize(to);
  }
  size = to;
}

MemoryVfs::MemoryVfs(const Clock* clock) : clock_(clock) {
  for (auto* tree : {&tree_, &synced_tree_}) {
    (*tree)["/"] = Node{};
    (*tree)["."] = Node{};
  }
}

MemoryVfs::~MemoryVfs() = default;

void MemoryVfs::add_fault(const Fault& fault) {
  const MutexLock lock(mutex_);
  faults_.push_back(fault);
}

void MemoryVfs::clear_faults() {
  const MutexLock lock(mutex_);
  faults_.clear();
}

int MemoryVfs::faults_hit() const {
  const MutexLock lock(mutex_);
  return faults_hit_;
}

void MemoryVfs::power_off_after(std::uint64_t changes, std::uint64_t torn_bytes) {
  const MutexLock lock(mutex_);
  power_left_ = changes;
  torn_bytes_ = torn_bytes;
}

bool MemoryVfs::powered_off() const {
  const MutexLock lock(mutex_);
  return power_left_ == 0U;
}

std::uint64_t MemoryVfs::changes() const {
  const MutexLock lock(mutex_);
  return changes_;
}

void MemoryVfs::set_capacity(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  capacity_ = bytes;
}

// Counts the fault down; returns it when it strikes now.
const Fault* MemoryVfs::matching_fault(FileOp op, const std::string& path) const {
  for (auto& fault : faults_) {
    if (fault.op != op || path.find(fault.path_contains) == std::string::npos || fault.skip < 0) {
      continue;
    }
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    ++faults_hit_;
    fault.skip = fault.for_ever ? 0 : -1;
    return &fault;
  }
  return nullptr;
}

Status MemoryVfs::check(FileOp op, const std::string& path) const {
  if (const Fault* fault = matching_fault(op, path)) {
    return io_error(name_of(op), path, fault->error);
  }
  return {};
}

Status MemoryVfs::begin_change(FileOp op, const std::string& path) {
  if (power_left_ == 0U) {
    torn_bytes_ = 0;
    return io_error(name_of(op), path, EIO);
  }
  TRY_STATUS(check(op, path));
  count_change();
  return {};
}

void MemoryVfs::count_change() {
  if (power_left_) {
    --*power_left_;
  }
  ++changes_;
}

void MemoryVfs::touch(Inode& inode) {
  if (clock_ != nullptr) {
    inode.modified_ms = clock_->wall_ms();
  }
}

std::uint64_t MemoryVfs::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [path, node] : tree_) {
    used += node.file ? node.file->now.bytes.size() : 0;
  }
  return used;
}

Status MemoryVfs::write(Inode& inode, const std::string& path, std::uint64_t position,
                        std::span<const ByteView> pieces) {
  const MutexLock lock(mutex_);
  std::string bytes;
  for (const ByteView piece : pieces) {
    bytes += as_text(piece);
  }
  int error = 0;
  if (power_left_ == 0U) {
    error = EIO;
    bytes.resize(std::min<std::size_t>(bytes.size(), std::exchange(torn_bytes_, 0)));
  } else if (const Fault* fault = matching_fault(FileOp::kWrite, path)) {
    error = fault->error;
    bytes.resize(std::min<std::size_t>(bytes.size(), fault->partial_bytes));
  } else {
    count_change();
  }
  const std::uint64_t end = position + bytes.size();
  const std::uint64_t grows = end > inode.now.bytes.size() ? end - inode.now.bytes.size() : 0;
  if (capacity_ != UINT64_MAX && grows > 0) {
    const std::uint64_t used = used_bytes();
    const std::uint64_t room = capacity_ > used ? capacity_ - used : 0;
    if (grows > room) {
      error = ENOSPC;
      bytes.resize(bytes.size() - std::min<std::uint64_t>(bytes.size(), grows - room));
    }
  }
  if (!bytes.empty()) {
    inode.now.write(position, as_bytes(bytes));
    inode.unsynced.push_back({std::nullopt, position, std::move(bytes)});
    touch(inode);
  }
  return error == 0 ? Status{} : Status{io_error("write", path, error)};
}

Status MemoryVfs::truncate(Inode& inode, const std::string& path, std::uint64_t size) {
  const MutexLock lock(mutex_);
  TRY_STATUS(begin_change(FileOp::kTruncate, path));
  inode.now.truncate(size);
  inode.unsynced.push_back({size, 0, {}});
  touch(inode);
  return {};
}

Status MemoryVfs::sync(Inode& inode, const std::string& path) {
  const MutexLock lock(mutex_);
  TRY_STATUS(begin_change(FileOp::kSync, path));
  inode.synced = inode.now;
  inode.unsynced.clear();
  ++inode.syncs;
  return {};
}

Result<std::size_t> MemoryVfs::read(const Inode& inode, const std::string& path,
                                    std::uint64_t position, MutableBytes out) const {
  const MutexLock lock(mutex_);
  TRY_STATUS(check(FileOp::kRead, path));
  if (position >= inode.now.size) {
    return std::size_t{0};
  }
  const auto count =
      static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), inode.now.size - position));
  bytes_read_[path] += count;
  if (count == 0) {
    return count;
  }
  std::memset(out.data(), 0, count);
  if (position < inode.now.bytes.size()) {
    std::memcpy(out.data(), inode.now.bytes.data() + position,
                std::min<std::size_t>(count, inode.now.bytes.size() - position));
  }
  return count;
}

void MemoryVfs::change_names(std::set<std::string> directories, std::function<void(Tree&)> apply) {
  apply(tree_);
  unsynced_names_.push_back({std::move(directories), std::move(apply)});
}

Result<std::unique_ptr<File>> MemoryVfs::open(const std::string& raw, OpenMode mode) {
  const std::string path = normal(raw);
  const MutexLock lock(mutex_);
  TRY_STATUS(check(FileOp::kOpen, path));
  const auto found = tree_.find(path);
  if (found != tree_.end() && !found->second.file) {
    return io_error("open", path, EISDIR);
  }
  const bool writable = mode != OpenMode::kRead;
  if (found != tree_.end()) {
    const InodePtr inode = found->second.file;
    const bool emptied = mode == OpenMode::kCreateTruncated || mode == OpenMode::kCreatePrivate;
    if (emptied && inode->now.size > 0) {
      TRY_STATUS(begin_change(FileOp::kTruncate, path));
      inode->now.truncate(0);
      inode->unsynced.push_back({std::uint64_t{0}, 0, {}});
    }
    return std::make_unique<MemoryFile>(*this, inode, path, writable);
  }
  if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite || !tree_.contains(parent_of(path))) {
    return io_error("open", path, ENOENT);
  }
  TRY_STATUS(begin_change(FileOp::kCreateDirectory, path));
  const auto inode = std::make_shared<Inode>();
  touch(*inode);
  change_names({parent_of(path)}, [path, inode](Tree& tree) { tree[path] = Node{inode}; });
  return std::make_unique<MemoryFile>(*this, inode, path, writable);
}

Result<FileInfo> MemoryVfs::stat(const std::string& raw) const {
  const std::string path = normal(raw);
  const MutexLock lock(mutex_);
  const auto found = tree_.find(path);
  if (found == tree_.end()) {
    return io_error("stat", path, ENOENT);
  }
  FileInfo info;
  info.is_directory = !found->second.file;
  if (found->second.file) {
    info.size = found->second.file->now.size;
    info.modified_ms = found->second.file->modified_ms;
  }
  return info;
}

bool MemoryVfs::exists(const std::string& path) const {
  const MutexLock lock(mutex_);
  return tree_.contains(normal(path));
}

Result<std::vector<DirectoryEntry>> MemoryVfs::list(const std::string& raw) const {
  const std::string path = normal(raw);
  const MutexLock lock(mutex_);
  const auto found = tree_.find(path);
  if (found == tree_.end() || found->second.file) {
    return io_error("list", path, found == tree_.end() ? ENOENT : ENOTDIR);
  }
  TRY_STATUS(check(FileOp::kRead, path));
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, node] : tree_) {
    if (below(name, path) && parent_of(name) == path) {
      entries.push_back({name.substr(name.rfind('/') + 1), !node.file});
    }
  }
  return entries;
}

Status MemoryVfs::create_directories(const std::string& raw) {
  const std::string path = normal(raw);
  const MutexLock lock(mutex_);
  for (std::size_t at = 1; at != std::string::npos && at <= path.size();) {
    at = path.find('/', at);
    const std::string part = path.substr(0, at);
    at = at == std::string::npos ? at : at + 1;
    const auto found = tree_.find(part);
    if (found != tree_.end()) {
      if (found->second.file) {
        return io_error("create directory", part, ENOTDIR);
      }
      continue;
    }
    TRY_STATUS(begin_change(FileOp::kCreateDirectory, part));
    change_names({parent_of(part)}, [part](Tree& tree) { tree[part] = Node{}; });
  }
  return {};
}

Status MemoryVfs::rename(const std::string& raw_from, const std::string& raw_to) {
  const std::string from = normal(raw_from);
  const std::string to = normal(raw_to);
  const MutexLock lock(mutex_);
  const auto found = tree_.find(from);
  if (found == tree_.end() || !tree_.contains(parent_of(to))) {
    return io_error("rename to " + to, from, ENOENT);
  }
  const auto target = tree_.find(to);
  if (target != tree_.end() && !target->second.file) {
    return io_error("rename to " + to, from, EEXIST);
  }
  TRY_STATUS(begin_change(FileOp::kRename, from));
  const bool is_directory = !found->second.file;
  change_names({parent_of(from), parent_of(to)}, [from, to, is_directory](Tree& tree) {
    const auto moved = tree.find(from);
    if (moved == tree.end()) {
      return;
    }
    tree[to] = moved->second;
    tree.erase(from);
    if (!is_directory) {
      return;
    }
    Tree inside;
    std::erase_if(tree, [&](const auto& item) {
      if (!below(item.first, from)) {
        return false;
      }
      inside[to + item.first.substr(from.size())] = item.second;
      return true;
    });
    tree.merge(inside);
  });
  if (is_directory) {
    // Name changes inside that are not synced yet go on under the new name.
    for (auto& change : unsynced_names_) {
      std::set<std::string> renamed;
      for (const auto& directory : change.directories) {
        renamed.insert(directory == from || below(directory, from)
                           ? to + directory.substr(from.size())
                           : directory);
      }
      change.directories = std::move(renamed);
    }
  }
  return {};
}

Status MemoryVfs::remove(const std::string& raw) {
  const std::string path = normal(raw);
  const MutexLock lock(mutex_);
  if (!tree_.contains(path)) {
    return {};
  }
  TRY_STATUS(begin_change(FileOp::kRemove, path));
  change_names({parent_of(path)}, [path](Tree& tree) { tree.erase(path); });
  return {};
}

Status MemoryVfs::remove_tree(const std::string& raw) {
  const std::string path = normal(raw);
  const MutexLock lock(mutex_);
  if (!tree_.contains(path)) {
    return {};
  }
  TRY_STATUS(begin_change(FileOp::kRemove, path));
  change_names({parent_of(path)}, [path](Tree& tree) {
    std::erase_if(tree,
                  [&](const auto& item) { return item.first == path || below(item.first, path); });
  });
  return {};
}

Status MemoryVfs::sync_directory(const std::string& raw) {
  const std::string path = normal(raw);
  const MutexLock lock(mutex_);
  if (!tree_.contains(path)) {
    return io_error("open directory", path, ENOENT);
  }
  TRY_STATUS(begin_change(FileOp::kSyncDirectory, path));
  // Names reach the disk in order, as a journalling file system writes them: whatever happened
  // before the last change in this directory is there, too.
  std::size_t durable = 0;
  for (std::size_t i = 0; i < unsynced_names_.size(); ++i) {
    if (unsynced_names_[i].directories.contains(path)) {
      durable = i + 1;
    }
  }
  for (std::size_t i = 0; i < durable; ++i) {
    unsynced_names_[i].apply(synced_tree_);
  }
  unsynced_names_.erase(unsynced_names_.begin(),
                        unsynced_names_.begin() + static_cast<std::ptrdiff_t>(durable));
  return {};
}

Result<std::unique_ptr<FileLock>> MemoryVfs::lock(const std::string& raw) {
  const std::string path = normal(raw);
  TRY(auto created, open(path, OpenMode::kCreate));
  const MutexLock lock(mutex_);
  if (!locks_.insert(path).second) {
    return fail(ErrorCode::kKafkaStorageError,
                fmt::format("{} is locked by another process (pid 1)", path), EAGAIN);
  }
  return std::make_unique<MemoryLock>(*this, path);
}

Result<std::uint64_t> MemoryVfs::free_bytes(const std::string& /*path*/) const {
  const MutexLock lock(mutex_);
  const std::uint64_t used = used_bytes();
  return capacity_ > used ? capacity_ - used : 0;
}

std::string MemoryVfs::boot_id() const {
  const MutexLock lock(mutex_);
  return "boot " + std::to_string(boots_);
}

Result<std::uint64_t> MemoryVfs::total_bytes(const std::string& /*path*/) const {
  const MutexLock lock(mutex_);
  return capacity_;
}

Status MemoryVfs::set_modified_ms(const std::string& raw, std::int64_t ms) {
  const std::string path = normal(raw);
  const MutexLock lock(mutex_);
  const auto found = tree_.find(path);
  if (found == tree_.end()) {
    return io_error("set time of", path, ENOENT);
  }
  if (found->second.file) {
    found->second.file->modified_ms = ms;
  }
  return {};
}

std::optional<std::string> MemoryVfs::content(const std::string& raw) const {
  const MutexLock lock(mutex_);
  const auto found = tree_.find(normal(raw));
  if (found == tree_.end() || !found->second.file) {
    return std::nullopt;
  }
  std::string bytes = found->second.file->now.bytes;
  bytes.resize(found->second.file->now.size);
  return bytes;
}

void MemoryVfs::set_content(const std::string& raw, std::string_view content) {
  const std::string path = normal(raw);
  const MutexLock lock(mutex_);
  const auto inode = std::make_shared<Inode>();
  inode->now.write(0, as_bytes(content));
  inode->synced = inode->now;
  touch(*inode);
  for (auto* tree : {&tree_, &synced_tree_}) {
    (*tree)[path] = Node{inode};
  }
}

std::vector<std::string> MemoryVfs::files(const std::string& raw) const {
  const std::string directory = normal(raw);
  const MutexLock lock(mutex_);
  std::vector<std::string> found;
  for (const auto& [path, node] : tree_) {
    if (node.file && below(path, directory)) {
      found.push_back(path.substr(directory.size() + (directory == "/" ? 0 : 1)));
    }
  }
  return found;
}

std::uint64_t MemoryVfs::syncs_of(const std::string& path) const {
  const MutexLock lock(mutex_);
  const auto found = tree_.find(normal(path));
  return found == tree_.end() || !found->second.file ? 0 : found->second.file->syncs;
}

std::uint64_t MemoryVfs::bytes_read(std::string_view path_end) const {
  const MutexLock lock(mutex_);
  std::uint64_t total = 0;
  for (const auto& [path, bytes] : bytes_read_) {
    total += path.ends_with(path_end) ? bytes : 0;
  }
  return total;
}

void MemoryVfs::lose_unsynced() {
  tree_ = synced_tree_;
  for (auto& [path, node] : tree_) {
    if (node.file) {
      node.file->now = node.file->synced;
    }
  }
}

void MemoryVfs::lose_randomly(Random& random) {
  const std::size_t names = random.below(unsynced_names_.size() + 1);
  for (std::size_t i = 0; i < names; ++i) {
    unsynced_names_[i].apply(synced_tree_);
  }
  tree_ = synced_tree_;
  for (auto& [path, node] : tree_) {
    if (!node.file) {
      continue;
    }
    Content content = node.file->synced;
    for (auto& change : node.file->unsynced) {
      const auto fate = random.below(4);
      if (fate == 0) {
        continue;  // never reached the disk
      }
      if (change.truncate_to) {
        content.truncate(*change.truncate_to);
        continue;
      }
      if (fate == 1) {  // a page of it did not
        change.bytes.resize(random.below(change.bytes.size() + 1));
      }
      content.write(change.position, as_bytes(change.bytes));
    }
    node.file->now = std::move(content);
  }
}

void MemoryVfs::crash(CrashMode mode, Random* random) {
  const MutexLock lock(mutex_);
  switch (mode) {
    case CrashMode::kProcess:
      break;
    case CrashMode::kLoseUnsynced:
      lose_unsynced();
      break;
    case CrashMode::kRandom:
      BARNABAS_CHECK(random != nullptr);
      lose_randomly(*random);
      break;
  }
  if (mode != CrashMode::kProcess) {
    ++boots_;
    for (auto& [path, node] : tree_) {
      if (node.file) {
        node.file->synced = node.file->now;
        node.file->unsynced.clear();
      }
    }
    synced_tree_ = tree_;
    unsynced_names_.clear();
  }
  power_left_.reset();
  faults_.clear();
  locks_.clear();
}

}  // namespace barnabas::testing
