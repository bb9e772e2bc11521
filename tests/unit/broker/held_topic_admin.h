// A controller for tests that keeps what is asked of it until the test answers.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "barnabas/controller/topic_admin.h"

namespace barnabas::broker {

class HeldTopicAdmin final : public controller::TopicAdmin {
 public:
  struct Attempt {
    std::vector<controller::NewTopic> topics;
    controller::CreateTopicsOptions options;
    std::move_only_function<void(std::vector<controller::CreatedTopic>)> done;

    void end(ErrorCode error) {
      std::vector<controller::CreatedTopic> created;
      for (const auto& topic : topics) {
        controller::CreatedTopic& result = created.emplace_back();
        result.name = topic.name;
        result.error = error;
      }
      done(std::move(created));
    }
    [[nodiscard]] std::vector<std::string> names() const {
      std::vector<std::string> result;
      for (const auto& topic : topics) {
        result.push_back(topic.name);
      }
      return result;
    }
  };

  std::vector<Attempt> attempts;
  std::vector<std::move_only_function<void(Result<controller::ProducerIdBlock>)>> allocations;

  void create_topics(
      std::vector<controller::NewTopic> topics, controller::CreateTopicsOptions options,
      std::move_only_function<void(std::vector<controller::CreatedTopic>)> done) override {
    attempts.push_back({std::move(topics), options, std::move(done)});
  }
  void delete_topics(
      std::vector<std::string> /*names*/, std::int64_t /*timeout_ms*/,
      std::move_only_function<void(std::vector<controller::DeletedTopic>)> /*done*/) override {
    ADD_FAILURE();
  }
  void create_partitions(
      std::vector<controller::TopicGrowth> /*topics*/, controller::GrowTopicsOptions /*options*/,
      std::move_only_function<void(std::vector<controller::GrownTopic>)> /*done*/) override {
    ADD_FAILURE();
  }
  void elect_leaders(
      controller::LeaderElection /*election*/,
      std::move_only_function<void(std::vector<controller::PartitionOutcome>)> /*done*/) override {
    ADD_FAILURE();
  }
  void alter_reassignments(
      controller::Reassignments /*wanted*/,
      std::move_only_function<void(Result<std::vector<controller::PartitionOutcome>>)> /*done*/)
      override {
    ADD_FAILURE();
  }
  void list_reassignments(
      std::move_only_function<void(Result<std::vector<controller::OngoingReassignment>>)> /*done*/)
      override {
    ADD_FAILURE();
  }
  void allocate_producer_ids(
      BrokerId /*broker*/, BrokerEpoch /*broker_epoch*/,
      std::move_only_function<void(Result<controller::ProducerIdBlock>)> done) override {
    allocations.push_back(std::move(done));
  }
};

}  // namespace barnabas::broker
