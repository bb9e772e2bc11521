#include "barnabas/net/server.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "acceptor.h"
#include "barnabas/base/check.h"
#include "connection_group.h"
#include "io_thread.h"
#include "server_shared.h"

namespace barnabas::net {
namespace {

// A request that keeps back what follows it waits for something of its own, often for long. One
// that will be done in a moment is let finish.
constexpr std::chrono::milliseconds kGraceForWaiting{250};

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, IoThreads& threads, const Clock& clock,
       RequestHandlerFactory make_handler, Executor* disk_pool)
      : shared_(std::move(options), clock, disk_pool),
        threads_(threads),
        make_handler_(std::move(make_handler)) {
    shared_.resume_acceptors = [this] {
      for (const auto& acceptor : acceptors_) {
        acceptor->home().post([one = acceptor.get()] { one->resume(); });
      }
    };
    shared_.make_place = [this](std::size_t listener) { search_idle(listener, 0, {}, {}); };
    shared_.for_each_group = [this](const std::function<void(ConnectionGroup&)>& step) {
      for (const GroupAddress& address : addresses_) {
        address.home->post([step, group = address.group] {
          if (const auto present = group.lock()) {
            step(**present);
          }
        });
      }
    };
  }

  [[nodiscard]] Status start() {
    BARNABAS_CHECK(!running_ && threads_.size() > 0);
    for (std::size_t i = 0; i < shared_.options.listeners.size(); ++i) {
      auto acceptor = std::make_unique<Acceptor>(threads_.thread(i % threads_.size()), shared_, i);
      if (auto opened = acceptor->open(); !opened) {
        acceptors_.clear();
        return opened;
      }
      acceptors_.push_back(std::move(acceptor));
    }
    std::vector<ConnectionGroup*> groups;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      IoThread& home = threads_.thread(i);
      home.run_and_wait([&] {
        groups_.push_back(std::make_unique<ConnectionGroup>(home, shared_, make_handler_(home, i)));
      });
      groups.push_back(groups_.back().get());
      tokens_.push_back(std::make_shared<ConnectionGroup*>(groups.back()));
      addresses_.push_back({&home, tokens_.back()});
    }
    for (ConnectionGroup* group : groups) {
      group->home().run_and_wait([&] { group->set_groups(groups); });
    }
    for (const auto& acceptor : acceptors_) {
      acceptor->home().run_and_wait([&] { acceptor->begin(groups); });
    }
    running_ = true;
    return {};
  }

  void stop(std::chrono::milliseconds grace) {
    if (!std::exchange(running_, false)) {
      return;
    }
    // Everything accepted has been posted to its group when this is done.
    for (const auto& acceptor : acceptors_) {
      acceptor->home().run_and_wait([&] { acceptor->close(); });
    }
    for (const auto& group : groups_) {
      group->home().run_and_wait([&] { group->begin_drain(); });
    }
    const MonotonicTime now = shared_.clock.monotonic();
    if (!shared_.limits.wait_until_none(now + std::min(grace, kGraceForWaiting))) {
      for (const auto& group : groups_) {
        group->home().run_and_wait([&] { group->close_held(); });
      }
      shared_.limits.wait_until_none(now + grace);
    }
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      IoThread& home = groups_[i]->home();
      home.run_and_wait([&] {
        tokens_[i].reset();
        groups_[i]->close_all();
        groups_[i].reset();
      });
    }
    groups_.clear();
    tokens_.clear();
    addresses_.clear();
    // What closing connections posted to acceptors has run when this has.
    for (auto& acceptor : acceptors_) {
      acceptor->home().run_and_wait([] {});
    }
    acceptors_.clear();
  }

  [[nodiscard]] std::uint16_t port(std::string_view listener_name) const {
    for (const auto& acceptor : acceptors_) {
      if (acceptor->name() == listener_name) {
        return acceptor->port();
      }
    }
    return 0;
  }

  [[nodiscard]] const ServerShared& shared() const { return shared_; }

 private:
  // How tasks find a group that may be gone when they run.
  struct GroupAddress {
    IoThread* home = nullptr;
    std::weak_ptr<ConnectionGroup*> group;
  };

  // Asks the groups one after the other, from `next` on, for their longest idle connection; the
  // longest of all is closed. A group that is there keeps `this` and the addresses there, too.
  void search_idle(std::size_t listener, std::size_t next, GroupAddress best,
                   std::optional<MonotonicTime> best_since) {
    if (next == addresses_.size()) {
      if (best_since) {
        best.home->post([listener, group = best.group] {
          if (const auto present = group.lock()) {
            (*present)->close_longest_idle(listener);
          }
        });
      }
      return;
    }
    const GroupAddress here = addresses_[next];
    here.home->post([this, listener, next, here, best, best_since]() mutable {
      const auto present = here.group.lock();
      if (!present) {
        return;
      }
      const auto since = (*present)->longest_idle_since(listener);
      if (since && (!best_since || *since < *best_since)) {
        best = here;
        best_since = since;
      }
      search_idle(listener, next + 1, std::move(best), best_since);
    });
  }

  ServerShared shared_;
  IoThreads& threads_;
  RequestHandlerFactory make_handler_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<std::unique_ptr<ConnectionGroup>> groups_;
  std::vector<std::shared_ptr<ConnectionGroup*>> tokens_;  // each let go at its group's home
  std::vector<GroupAddress> addresses_;                    // constant while connections are open
  bool running_ = false;
};

Server::Server(ServerOptions options, IoThreads& threads, const Clock& clock,
               RequestHandlerFactory make_handler, Executor* disk_pool)
    : impl_(std::make_unique<Impl>(std::move(options), threads, clock, std::move(make_handler),
                                   disk_pool)) {}

Server::~Server() {
  stop(std::chrono::milliseconds(0));
}

Status Server::start() {
  return impl_->start();
}

void Server::stop(std::chrono::milliseconds grace) {
  impl_->stop(grace);
}

std::uint16_t Server::port(std::string_view listener_name) const {
  return impl_->port(listener_name);
}

std::size_t Server::connection_count() const {
  return impl_->shared().limits.total();
}

std::size_t Server::bytes_in_flight() const {
  return impl_->shared().budget.used();
}

}  // namespace barnabas::net
