#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "barnabas/base/thread_annotations.h"
#include "barnabas/base/vfs.h"

namespace barnabas {
namespace {

constexpr std::size_t kMaxPieces = 512;  // below IOV_MAX (1024)

std::unexpected<Error> io_error(std::string_view what, const std::string& path, int error) {
  return fail(ErrorCode::kKafkaStorageError,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(error)), error);
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  [[nodiscard]] const std::string& path() const override { return path_; }

  [[nodiscard]] Result<std::size_t> read_at(std::uint64_t position,
                                            MutableBytes out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n =
          ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(position + done));
      if (n < 0 && errno == EINTR) {
        continue;
      }
      if (n < 0) {
        return io_error("read", path_, errno);
      }
      if (n == 0) {
        break;
      }
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  [[nodiscard]] Status write_at(std::uint64_t position, ByteView bytes) override {
    return write_gather_at(position, std::array{bytes});
  }

  [[nodiscard]] Status write_gather_at(std::uint64_t position,
                                       std::span<const ByteView> pieces) override {
    std::array<iovec, kMaxPieces> vectors;
    while (!pieces.empty()) {
      const std::size_t count = std::min(pieces.size(), kMaxPieces);
      std::size_t total = 0;
      for (std::size_t i = 0; i < count; ++i) {
        vectors[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
        total += pieces[i].size();
      }
      TRY_STATUS(write_vectors(position, {vectors.data(), count}, total));
      position += total;
      pieces = pieces.subspan(count);
    }
    return {};
  }

  [[nodiscard]] Status truncate(std::uint64_t size) override {
    return ::ftruncate(fd_, static_cast<off_t>(size)) == 0 ? Status{}
                                                           : io_error("truncate", path_, errno);
  }

  [[nodiscard]] Status allocate(std::uint64_t size) override {
    const int error = ::posix_fallocate(fd_, 0, static_cast<off_t>(size));
    return error == 0 ? Status{} : io_error("allocate", path_, error);
  }

  [[nodiscard]] Result<std::uint64_t> size() const override {
    struct stat info{};
    if (::fstat(fd_, &info) != 0) {
      return io_error("stat", path_, errno);
    }
    return static_cast<std::uint64_t>(info.st_size);
  }

  [[nodiscard]] Status sync() override {
    return ::fdatasync(fd_) == 0 ? Status{} : io_error("sync", path_, errno);
  }

  [[nodiscard]] std::int64_t transfer(int socket, std::uint64_t position,
                                      std::size_t length) const override {
    auto from = static_cast<off_t>(position);
    for (;;) {
      const ssize_t n = ::sendfile(socket, fd_, &from, length);
      if (n >= 0) {
        return n;
      }
      if (errno != EINTR) {
        return -errno;
      }
    }
  }

  [[nodiscard]] bool resident(std::uint64_t position, std::size_t length) const override {
    // Probes the first and the last page of the range without waiting for the disk.
    std::byte probe{};
    iovec one{&probe, 1};
    const auto cached = [&](std::uint64_t at) {
      return ::preadv2(fd_, &one, 1, static_cast<off_t>(at), RWF_NOWAIT) >= 0;
    };
    return length == 0 || (cached(position) && cached(position + length - 1));
  }

  void start_writeback(std::uint64_t position, std::uint64_t length) override {
    ::sync_file_range(fd_, static_cast<off_t>(position), static_cast<off_t>(length),
                      SYNC_FILE_RANGE_WRITE);
  }

 private:
  Status write_vectors(std::uint64_t position, std::span<iovec> vectors, std::size_t left) {
    while (left > 0) {
      const ssize_t n = ::pwritev(fd_, vectors.data(), static_cast<int>(vectors.size()),
                                  static_cast<off_t>(position));
      if (n < 0 && errno == EINTR) {
        continue;
      }
      if (n <= 0) {
        return io_error("write", path_, n < 0 ? errno : ENOSPC);
      }
      auto written = static_cast<std::size_t>(n);
      position += written;
      left -= written;
      while (written > 0) {
        const std::size_t piece = std::min(written, vectors.front().iov_len);
        vectors.front().iov_base = static_cast<char*>(vectors.front().iov_base) + piece;
        vectors.front().iov_len -= piece;
        written -= piece;
        if (vectors.front().iov_len == 0) {
          vectors = vectors.subspan(1);
        }
      }
    }
    return {};
  }

  int fd_;
  std::string path_;
};

// fcntl locks belong to the process and vanish when any descriptor of the file is closed, so a
// second lock from inside this process is refused by this table instead.
struct HeldLocks {
  Mutex mutex;
  std::set<std::pair<dev_t, ino_t>> inodes GUARDED_BY(mutex);
};

HeldLocks& held_locks() {
  static auto* locks = new HeldLocks;
  return *locks;
}

class PosixFileLock final : public FileLock {
 public:
  PosixFileLock(int fd, std::pair<dev_t, ino_t> inode) : fd_(fd), inode_(inode) {}
  ~PosixFileLock() override {
    ::close(fd_);
    const MutexLock lock(held_locks().mutex);
    held_locks().inodes.erase(inode_);
  }
  PosixFileLock(const PosixFileLock&) = delete;
  PosixFileLock& operator=(const PosixFileLock&) = delete;

 private:
  int fd_;
  std::pair<dev_t, ino_t> inode_;
};

class PosixVfs final : public Vfs {
 public:
  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path,
                                                   OpenMode mode) override {
    int flags = O_CLOEXEC;
    switch (mode) {
      case OpenMode::kRead:
        flags |= O_RDONLY;
        break;
      case OpenMode::kReadWrite:
        flags |= O_RDWR;
        break;
      case OpenMode::kCreate:
        flags |= O_RDWR | O_CREAT;
        break;
      case OpenMode::kCreateTruncated:
      case OpenMode::kCreatePrivate:
        flags |= O_RDWR | O_CREAT | O_TRUNC;
        break;
    }
    const bool is_private = mode == OpenMode::kCreatePrivate;
    const int fd = ::open(path.c_str(), flags, is_private ? 0600 : 0644);
    if (fd < 0) {
      return io_error("open", path, errno);
    }
    // One that was there may have been open to others.
    if (is_private && ::fchmod(fd, 0600) != 0) {
      const int error = errno;
      ::close(fd);
      return io_error("chmod", path, error);
    }
    return std::make_unique<PosixFile>(fd, path);
  }

  [[nodiscard]] Result<FileInfo> stat(const std::string& path) const override {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
      return io_error("stat", path, errno);
    }
    FileInfo result;
    result.size = static_cast<std::uint64_t>(info.st_size);
    result.modified_ms = info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1'000'000;
    result.is_directory = S_ISDIR(info.st_mode);
    return result;
  }

  [[nodiscard]] bool exists(const std::string& path) const override {
    return ::access(path.c_str(), F_OK) == 0;
  }

  [[nodiscard]] Result<std::vector<DirectoryEntry>> list(const std::string& path) const override {
    std::error_code error;
    std::vector<DirectoryEntry> entries;
    std::filesystem::directory_iterator it(path, error);
    for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
      std::error_code ignored;
      entries.push_back({it->path().filename().string(), it->is_directory(ignored)});
    }
    if (error) {
      return io_error("list", path, error.value());
    }
    std::ranges::sort(entries, {}, &DirectoryEntry::name);
    return entries;
  }

  [[nodiscard]] Status create_directories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    return error ? Status{io_error("create directory", path, error.value())} : Status{};
  }

  [[nodiscard]] Status rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? Status{}
                                                   : io_error("rename to " + to, from, errno);
  }

  [[nodiscard]] Status remove(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove(path, error);
    return error ? Status{io_error("remove", path, error.value())} : Status{};
  }

  [[nodiscard]] Status remove_tree(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    return error ? Status{io_error("remove", path, error.value())} : Status{};
  }

  [[nodiscard]] Status sync_directory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
      return io_error("open directory", path, errno);
    }
    const int failed = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    return failed == 0 ? Status{} : io_error("sync directory", path, failed);
  }

  [[nodiscard]] std::string boot_id() const override {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
  }

  [[nodiscard]] Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    const MutexLock guard(held_locks().mutex);
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0 &&
        held_locks().inodes.contains({info.st_dev, info.st_ino})) {
      return fail(ErrorCode::kKafkaStorageError,
                  fmt::format("{} is locked by this process already", path));
    }
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      return io_error("open", path, errno);
    }
    if (::fstat(fd, &info) != 0) {
      const int error = errno;
      ::close(fd);
      return io_error("stat", path, error);
    }
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd, F_SETLK, &whole) != 0) {
      const int error = errno;
      struct flock holder{};
      holder.l_type = F_WRLCK;
      holder.l_whence = SEEK_SET;
      ::fcntl(fd, F_GETLK, &holder);
      ::close(fd);
      return fail(ErrorCode::kKafkaStorageError,
                  fmt::format("{} is locked by another process (pid {})", path, holder.l_pid),
                  error);
    }
    const std::pair inode{info.st_dev, info.st_ino};
    held_locks().inodes.insert(inode);
    return std::make_unique<PosixFileLock>(fd, inode);
  }

  [[nodiscard]] Result<std::uint64_t> free_bytes(const std::string& path) const override {
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) != 0) {
      return io_error("stat file system of", path, errno);
    }
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  }

  [[nodiscard]] Result<std::uint64_t> total_bytes(const std::string& path) const override {
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) != 0) {
      return io_error("stat file system of", path, errno);
    }
    return static_cast<std::uint64_t>(info.f_blocks) * info.f_frsize;
  }

  [[nodiscard]] Status set_modified_ms(const std::string& path, std::int64_t ms) override {
    timespec times[2] = {};
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = ms / 1000;
    times[1].tv_nsec = (ms % 1000) * 1'000'000;
    return ::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0
               ? Status{}
               : io_error("set time of", path, errno);
  }
};

}  // namespace

std::unique_ptr<Vfs> make_posix_vfs() {
  return std::make_unique<PosixVfs>();
}

}  // namespace barnabas
