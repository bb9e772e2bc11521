#include "error_text.h"

#include <algorithm>
#include <array>

namespace barnabas::apps {

namespace {

struct Text {
  ErrorCode code;
  std::string_view text;
};

constexpr std::array kTexts = {
    Text{ErrorCode::kUnknownServerError,
         "The server experienced an unexpected error when processing the request."},
    Text{ErrorCode::kOffsetOutOfRange,
         "The requested offset is not within the range of offsets maintained by the server."},
    Text{ErrorCode::kUnknownTopicOrPartition, "This server does not host this topic-partition."},
    Text{ErrorCode::kLeaderNotAvailable,
         "There is no leader for this topic-partition as we are in the middle of a leadership "
         "election."},
    Text{ErrorCode::kRequestTimedOut, "The request timed out."},
    Text{ErrorCode::kBrokerNotAvailable, "The broker is not available."},
    Text{ErrorCode::kInvalidTopicException,
         "The request attempted to perform an operation on an invalid topic."},
    Text{ErrorCode::kTopicAuthorizationFailed, "Topic authorization failed."},
    Text{ErrorCode::kClusterAuthorizationFailed, "Cluster authorization failed."},
    Text{ErrorCode::kUnsupportedVersion, "The version of API is not supported."},
    Text{ErrorCode::kTopicAlreadyExists, "Topic with this name already exists."},
    Text{ErrorCode::kInvalidPartitions, "Number of partitions is below 1."},
    Text{ErrorCode::kInvalidReplicationFactor,
         "Replication factor is below 1 or larger than the number of available brokers."},
    Text{ErrorCode::kInvalidReplicaAssignment, "Replica assignment is invalid."},
    Text{ErrorCode::kInvalidConfig, "Configuration is invalid."},
    Text{ErrorCode::kNotController, "This is not the correct controller for this cluster."},
    Text{ErrorCode::kInvalidRequest,
         "This most likely occurs because of a request being malformed by the client library or "
         "the message was sent to an incompatible broker. See the broker logs for more details."},
    Text{ErrorCode::kPolicyViolation, "Request parameters do not satisfy the configured policy."},
    Text{ErrorCode::kKafkaStorageError, "Disk error when trying to access log file on the disk."},
    Text{ErrorCode::kReassignmentInProgress, "A partition reassignment is in progress."},
    Text{ErrorCode::kTopicDeletionDisabled, "Topic deletion is disabled."},
    Text{ErrorCode::kThrottlingQuotaExceeded, "The throttling quota has been exceeded."},
    Text{ErrorCode::kUnknownTopicId, "This server does not host this topic ID."},
    Text{ErrorCode::kNotLeaderOrFollower,
         "For requests intended only for the leader, this error indicates that the broker is not "
         "the current leader. For requests intended for any replica, this error indicates that the "
         "broker is not a replica of the topic partition."},
    Text{ErrorCode::kCoordinatorLoadInProgress,
         "The coordinator is loading and hence can't process requests."},
    Text{ErrorCode::kCoordinatorNotAvailable, "The coordinator is not available."},
    Text{ErrorCode::kNotCoordinator, "This is not the correct coordinator."},
    Text{ErrorCode::kInvalidGroupId, "The configured groupId is invalid."},
    Text{ErrorCode::kUnknownMemberId, "The coordinator is not aware of this member."},
    Text{ErrorCode::kRebalanceInProgress, "The group is rebalancing, so a rejoin is needed."},
    Text{ErrorCode::kGroupAuthorizationFailed, "Group authorization failed."},
    Text{ErrorCode::kNonEmptyGroup, "The group is not empty."},
    Text{ErrorCode::kGroupIdNotFound, "The group id does not exist."},
    Text{ErrorCode::kGroupSubscribedToTopic,
         "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed "
         "to it."},
    Text{ErrorCode::kInvalidProducerEpoch, "Producer attempted to produce with an old epoch."},
    Text{ErrorCode::kInvalidTxnState,
         "The producer attempted a transactional operation in an invalid state."},
    Text{ErrorCode::kTransactionCoordinatorFenced,
         "Indicates that the transaction coordinator sending a WriteTxnMarker is no longer the "
         "current coordinator for a given producer."},
    Text{ErrorCode::kTransactionalIdAuthorizationFailed, "Transactional Id authorization failed."},
    Text{ErrorCode::kTransactionalIdNotFound, "The transactionalId could not be found."},
    Text{ErrorCode::kPreferredLeaderNotAvailable, "The preferred leader was not available."},
    Text{ErrorCode::kEligibleLeadersNotAvailable,
         "Eligible topic partition leaders are not available."},
    Text{ErrorCode::kElectionNotNeeded, "Leader election not needed for topic partition."},
    Text{ErrorCode::kNoReassignmentInProgress, "No partition reassignment is in progress."},
};

}  // namespace

std::string_view error_text(ErrorCode code) {
  const auto found = std::ranges::find(kTexts, code, &Text::code);
  return found == kTexts.end() ? error_name(code) : found->text;
}

Status check_answer(std::int16_t code, const std::optional<std::string>& message) {
  if (code == 0) {
    return {};
  }
  const auto error = static_cast<ErrorCode>(code);
  return fail(error, message && !message->empty() ? *message : std::string(error_text(error)));
}

}  // namespace barnabas::apps
