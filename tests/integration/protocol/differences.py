"""Where our answers differ from Kafka's on purpose, each with its reason.

Everything else that differs fails the test, and so does an entry here that no longer occurs.
"""

import re
from typing import Any, NamedTuple


class Expected(NamedTuple):
    case: str      # the case's name
    place: str     # a pattern over "label path"
    kafka: str     # a pattern over Kafka's value, as Python writes it
    ours: str      # the same for ours: what it must be instead
    reason: str

    def holds(self, case: str, place: str, kafka: Any, ours: Any) -> bool:
        return (case == self.case and re.search(self.place, place) is not None
                and re.fullmatch(self.kafka, repr(kafka), re.DOTALL) is not None
                and re.fullmatch(self.ours, repr(ours), re.DOTALL) is not None)


EXPECTED = [
    Expected("general.broken_bodies", "^huge number of tags ", ".*", "'connection closed, no answer'",
             "Kafka takes 2^32-1 tags for -1; a count beyond the frame closes the connection here"),
    Expected("data.produce_bad_batches", "^null records, ", "'no answer, connection open'",
             ".*'ErrorCode': 87.*",
             "Kafka's handler dies of it and the client hangs; here it is an error like any other"),
    Expected("data.produce_bad_batches", r"^offset deltas 5, 3 .*\.ErrorCode$", "0", "87",
             "Kafka stores offsets outside the batch's range; refused here"),
    Expected("data.produce_bad_batches", r"^offset deltas 5, 3 .*\.BaseOffset$", "0", "-1",
             "refused, as above"),
    Expected("data.produce_bad_batches", r"^offset deltas 5, 3, stored \.(HighWatermark|Records)$", ".*",
             "0|''", "nothing of a refused batch is stored"),
    Expected("data.produce_bad_batches", r"^batch length 2147483647 .*\.ErrorCode$", "-1", "2|87",
             "UNKNOWN_SERVER_ERROR makes Java clients send duplicates (KAFKA-14034)"),
    Expected("data.produce_compressed", r"\.ErrorCode$", "-1", "2|76|87",
             "UNKNOWN_SERVER_ERROR makes Java clients send duplicates (KAFKA-14034)"),
    Expected("topics.create_topics_assigned", r"^no brokers .*\.Error(Code|Message)$", "7|None",
             "39|'.*'", "Kafka makes a partition without replicas that never gets a leader, and times out"),
    Expected("data.produce_idempotent",
             r"^first sequence above 0 on an empty partition, .*\.(ErrorCode|BaseOffset)$", "0|45|-1",
             "0|45|-1", "Kafka accepts 5 and then refuses 0 for good (KAFKA-15591); here it is 45, then 0"),
    Expected("data.produce_idempotent", "^first sequence above 0 on an empty partition, stored ", ".*",
             ".*", "the stored batch is the one with sequence 0"),
    Expected("data.produce_bad_batches", r"^producer id with epoch -1 .*\.(ErrorCode|BaseOffset)$", "0",
             "87|-1", "Kafka stores a producer id that no sequence can be checked for; refused here"),
    Expected("data.produce_bad_batches", r"^producer id with epoch -1, stored ", ".*", "0|''",
             "nothing of a refused batch is stored"),
    Expected("data.produce_by_topic_settings", r"^recompressed, stored \.codec$", "1", "0",
             "compression.type of a topic is kept and shown, batches stay as their producer sent them"),
    Expected("topics.metadata_ids", r"^v12 neither .*\.ErrorCode$", "-1", "42",
             "Kafka's handler fails on a topic without name and id; here that is an invalid request"),
]
