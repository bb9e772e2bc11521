// Preloaded into the program under test (LD_PRELOAD): moves its wall clock and makes chosen files
// fail or dawdle, as a page of memory says that the test shares with it (faults.py, same layout).
// Nothing else changes: where the page asks for nothing, each call goes to the kernel as it is.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

struct Faults {
  volatile std::int64_t clock_offset_ms;
  volatile std::int32_t sync_error;      // errno of fsync and fdatasync; 0: none
  volatile std::int32_t sync_delay_ms;   // each sync takes so much longer
  volatile std::int32_t write_error;     // errno of pwritev; 0: none
  volatile std::int32_t write_delay_ms;  // each pwritev takes so much longer
  volatile std::int32_t hits;            // how many calls have failed or waited
  char path_contains[256];               // of the files concerned
};

Faults* faults() {
  static Faults* const page = [] {
    const char* path = std::getenv("BARNABAS_TEST_FAULTS");
    const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
    void* shared = fd < 0
                       ? MAP_FAILED
                       : ::mmap(nullptr, sizeof(Faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0) {
      ::close(fd);
    }
    return shared == MAP_FAILED ? nullptr : static_cast<Faults*>(shared);
  }();
  return page;
}

bool concerns(const Faults& page, int fd) {
  char link[64];
  char path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = ::readlink(link, path, sizeof path - 1);
  if (size <= 0) {
    return false;
  }
  path[size] = '\0';
  return std::strstr(path, page.path_contains) != nullptr;
}

void wait_ms(std::int32_t ms) {
  const timespec delay{ms / 1000, ms % 1000 * 1'000'000L};
  ::nanosleep(&delay, nullptr);
}

int sync_of(long number, int fd) {
  Faults* page = faults();
  if (page != nullptr && (page->sync_error != 0 || page->sync_delay_ms != 0) &&
      concerns(*page, fd)) {
    page->hits = page->hits + 1;
    wait_ms(page->sync_delay_ms);
    if (page->sync_error != 0) {
      errno = page->sync_error;
      return -1;
    }
  }
  return static_cast<int>(::syscall(number, fd));
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) {
  const int result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  const Faults* page = faults();
  if (result == 0 && page != nullptr &&
      (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    time->tv_sec += page->clock_offset_ms / 1000;
  }
  return result;
}

int fdatasync(int fd) {
  return sync_of(SYS_fdatasync, fd);
}

int fsync(int fd) {
  return sync_of(SYS_fsync, fd);
}

ssize_t pwritev(int fd, const iovec* pieces, int count, off_t position) {
  Faults* page = faults();
  if (page != nullptr && (page->write_error != 0 || page->write_delay_ms != 0) &&
      concerns(*page, fd)) {
    page->hits = page->hits + 1;
    wait_ms(page->write_delay_ms);
    if (page->write_error != 0) {
      errno = page->write_error;
      return -1;
    }
  }
  return ::syscall(SYS_pwritev, fd, pieces, count, position, 0L);
}

ssize_t pwritev64(int fd, const iovec* pieces, int count, off_t position) {
  return pwritev(fd, pieces, count, position);
}

}  // extern "C"
