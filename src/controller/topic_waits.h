// Requests of administrators that are answered when something has come about for every topic they
// name, or when their time is up.
// THREAD: home
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/base/executor.h"

namespace barnabas::controller {

class TopicWaits {
 public:
  // Gets the topics for which it has not come about.
  using Done = std::move_only_function<void(const std::set<std::string>& missing)>;

  explicit TopicWaits(Executor& home) : home_(home) {}

  void wait(std::set<std::string> topics, std::chrono::milliseconds timeout, Done done) {
    if (topics.empty()) {
      return done(topics);
    }
    const auto wait = waits_.emplace(waits_.end());
    for (const std::string& topic : topics) {
      by_topic_[topic].push_back(wait);
    }
    wait->missing = std::move(topics);
    wait->done = std::move(done);
    wait->timer = home_.run_after(timeout, [this, wait] { finish(wait); });
  }

  void satisfied(const std::string& topic) {
    auto found = by_topic_.extract(topic);
    if (found.empty()) {
      return;
    }
    for (const auto& wait : found.mapped()) {
      wait->missing.erase(topic);
      if (wait->missing.empty()) {
        finish(wait);
      }
    }
  }

  [[nodiscard]] bool waits_for(const std::string& topic) const { return by_topic_.contains(topic); }

  // Answers everything that waits as it stands.
  void finish_all() {
    while (!waits_.empty()) {
      finish(waits_.begin());
    }
  }

 private:
  struct Wait {
    std::set<std::string> missing;
    Done done;
    std::unique_ptr<Timer> timer;
  };
  using Iterator = std::list<Wait>::iterator;

  void finish(Iterator wait) {
    for (const std::string& topic : wait->missing) {
      const auto found = by_topic_.find(topic);
      std::erase(found->second, wait);
      if (found->second.empty()) {
        by_topic_.erase(found);
      }
    }
    std::list<Wait> ended;
    ended.splice(ended.begin(), waits_, wait);
    ended.front().done(ended.front().missing);
  }

  Executor& home_;
  std::list<Wait> waits_;
  std::map<std::string, std::vector<Iterator>> by_topic_;
};

}  // namespace barnabas::controller
