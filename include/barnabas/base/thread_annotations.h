// Clang's thread-safety analysis: who may touch what is declared and checked by the compiler.
#pragma once

#include <mutex>

#if defined(__clang__)
#define BARNABAS_TSA(x) __attribute__((x))
#else
#define BARNABAS_TSA(x)
#endif

#define CAPABILITY(x) BARNABAS_TSA(capability(x))
#define SCOPED_CAPABILITY BARNABAS_TSA(scoped_lockable)
#define GUARDED_BY(x) BARNABAS_TSA(guarded_by(x))
#define PT_GUARDED_BY(x) BARNABAS_TSA(pt_guarded_by(x))
#define REQUIRES(...) BARNABAS_TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) BARNABAS_TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) BARNABAS_TSA(acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) BARNABAS_TSA(try_acquire_capability(__VA_ARGS__))
#define RELEASE(...) BARNABAS_TSA(release_capability(__VA_ARGS__))
#define ASSERT_CAPABILITY(x) BARNABAS_TSA(assert_capability(x))
#define NO_THREAD_SAFETY_ANALYSIS BARNABAS_TSA(no_thread_safety_analysis)

namespace barnabas {

class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }
  bool try_lock() TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace barnabas
