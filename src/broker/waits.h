// The requests of one io thread that wait for something that may take long (new records, members of
// a group) and have an answer for the case that the broker stops. Who waits holds a Waits::Entry.
// THREAD: home
#pragma once

#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace barnabas::broker {

// Someone who waits and can answer now. Held by a shared_ptr while it waits.
class Ending {
 public:
  virtual ~Ending() = default;
  // The broker stops: answers, and is done.
  virtual void end_now() = 0;
};

class Waits {
 public:
  // Listed while this lives; it may outlive the list.
  class Entry {
   public:
    Entry() = default;
    Entry(std::weak_ptr<Waits> waits, const std::shared_ptr<Ending>& who)
        : waits_(std::move(waits)), who_(who) {
      if (const auto list = waits_.lock()) {
        list->waiting_.insert(who_);
      }
    }
    Entry(Entry&&) = default;
    Entry& operator=(Entry&& other) noexcept {
      reset();
      waits_ = std::move(other.waits_);
      who_ = std::move(other.who_);
      return *this;
    }
    ~Entry() { reset(); }

    void reset() {
      if (const auto list = waits_.lock()) {
        list->waiting_.erase(who_);
      }
      waits_.reset();
    }

   private:
    std::weak_ptr<Waits> waits_;
    std::weak_ptr<Ending> who_;
  };

  void end_all() {
    // Each takes itself out of the set.
    for (const auto& who : std::vector(waiting_.begin(), waiting_.end())) {
      if (const auto present = who.lock()) {
        present->end_now();
      }
    }
  }

 private:
  std::set<std::weak_ptr<Ending>, std::owner_less<>> waiting_;
};

}  // namespace barnabas::broker
