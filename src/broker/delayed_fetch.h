// A fetch that waits: for bytes up to its min_bytes, at most max_wait_ms. It sleeps on the
// partitions it reads and looks again when one of them has moved; nobody polls.
// Life: made by the fetch handler, kept alive by its timer until it is answered. THREAD: home
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "barnabas/replication/partition.h"
#include "fetch_read.h"
#include "fetch_session.h"
#include "request_context.h"
#include "waits.h"

namespace barnabas::broker {

struct FetchJob {
  PendingAnswer answer;
  FetchContext context;
  FetchLimits limits;
  std::int32_t max_wait_ms = 0;
};

// Answers with what a pass has read, as far as the session says that it is news.
void answer_fetch(Services& services, const FetchJob& job, FetchPass pass);

class DelayedFetch final : public replication::Waiter,
                           public Ending,
                           public std::enable_shared_from_this<DelayedFetch> {
 public:
  DelayedFetch(Services& services, FetchJob job);
  void start(std::weak_ptr<Waits> waits);
  // THREAD: any
  void on_partition_moved() override;
  // The broker stops: answers with what there is, as after max_wait_ms.
  void end_now() override { look(true); }

 private:
  void look(bool expired);

  Services& services_;
  FetchJob job_;
  std::vector<std::pair<std::shared_ptr<replication::Partition>, replication::WaiterTicket>>
      tickets_;
  std::unique_ptr<Timer> timer_;
  Waits::Entry listed_;
  std::atomic<bool> look_posted_{false};
  bool done_ = false;
};

}  // namespace barnabas::broker
