"""Where our answers differ from Kafka's on purpose: request, both answers, reason.

Everything else that differs fails the test, and so does an entry here that no longer occurs. Both
answers are exact, so that nothing else passes in their place; Kafka's may be a pattern where it is
long and only ours matters.
"""

import re
from typing import Any, NamedTuple

from lib.wire import Record, encode_batch


class Expected(NamedTuple):
    case: str      # the case's name
    request: str   # a pattern for the request's label
    field: str     # a pattern for the place in the answer
    kafka: Any     # Kafka's value, or a compiled pattern over it as Python writes it
    ours: Any      # what ours must be instead
    reason: str

    def concerns(self, case: str, label: str) -> bool:
        return case == self.case and re.fullmatch(self.request, label) is not None

    def holds(self, case: str, label: str, field: str, kafka: Any, ours: Any) -> bool:
        if isinstance(self.kafka, re.Pattern):
            same = self.kafka.fullmatch(repr(kafka)) is not None
        else:
            same = self.kafka == kafka
        return (self.concerns(case, label) and same and self.ours == ours
                and type(self.ours) is type(ours) and re.fullmatch(self.field, field) is not None)


CLOSED = "connection closed, no answer"
MUTE = "no answer, connection open"
HEX = re.compile("'[0-9a-f]+'")
ERROR = r".*\.ErrorCode"
OFFSET = r".*\.BaseOffset"
RETRIED = "UNKNOWN_SERVER_ERROR makes Java clients send duplicates (KAFKA-14034)"
SCATTERED = "Kafka stores offsets outside the batch's range, which readers trip over; refused here"
UNFENCED = "Kafka stores a producer id that no sequence can be checked for; refused here"
DIES = "Kafka's handler dies of it and the client hangs; here it is an error like any other"
FIRST = "Kafka accepts 5 and then refuses 0 for good (KAFKA-15591); here 5 is refused, then 0 is stored"


def _refused_produce(**more: Any) -> Any:
    return {"Responses": [{"Name": "bad", "PartitionResponses": [
        {"Index": 0, "ErrorCode": 87, "BaseOffset": -1, "LogAppendTimeMs": -1, **more}]}],
            "ThrottleTimeMs": 0}


def _first_sequence() -> str:
    records = [Record(b"one", b"k1"), Record(None, b"k2", (("h", b"v"), ("n", None)))]
    return encode_batch(records, timestamp=1_700_000_000_000, leader_epoch=0, producer_id=1006,
                        producer_epoch=0, base_sequence=0).hex()


BAD = "data.produce_bad_batches"
CODECS = "data.produce_compressed"
ADD_TO_TXN = "transactions.add_partitions_to_txn"
IDEMPOTENT = "data.produce_idempotent"
FIRST_LABEL = "first sequence above 0 on an empty partition, "

ELECTION = "Kafka's handler fails on a type that it does not know; here that is an invalid request"
BY_KEY = "configs.alter_topic_configs_by_key"
KEYS = "Kafka's handler fails on a key that it does not know; here that is an invalid configuration"
OPERATIONS = "Kafka fails on an operation that it does not know; here that is an invalid request"
TWICE = {"ResourceType": 2, "ResourceName": "altered-2", "ErrorCode": 42,
         "ErrorMessage": "Each resource must appear at most once."}

EXPECTED = [
    Expected("general.broken_bodies", "huge number of tags", "", re.compile(r"\{.*\}"), CLOSED,
             "Kafka takes 2^32-1 tags for -1; a count beyond the frame closes the connection here"),
    Expected(BAD, "null records, v3", "", MUTE, _refused_produce(), DIES),
    Expected(BAD, "null records, v[89]", "", MUTE,
             _refused_produce(LogStartOffset=-1, RecordErrors=[], ErrorMessage=None), DIES),
    Expected(BAD, "offset deltas 5, 3", ERROR, 0, 87, SCATTERED),
    Expected(BAD, "offset deltas 5, 3", OFFSET, 0, -1, SCATTERED),
    Expected(BAD, "offset deltas 5, 3, stored", r"\.HighWatermark", 2, 0, SCATTERED),
    Expected(BAD, "offset deltas 5, 3, stored", r"\.Records", HEX, "", SCATTERED),
    Expected(BAD, "batch length 2147483647", ERROR, -1, 87, RETRIED),
    Expected(CODECS, "(gzip|snappy|lz4) (garbage|truncated|empty)", ERROR, -1, 87, RETRIED),
    Expected(CODECS, "zstd (garbage|truncated)", ERROR, -1, 87, RETRIED),
    Expected(CODECS, "codec [567]", ERROR, -1, 76, RETRIED),
    Expected(BAD, "producer id with epoch -1", ERROR, 0, 87, UNFENCED),
    Expected(BAD, "producer id with epoch -1", OFFSET, 0, -1, UNFENCED),
    Expected(BAD, "producer id with epoch -1, stored", r"\.HighWatermark", 3, 0, UNFENCED),
    Expected(BAD, "producer id with epoch -1, stored", r"\.Records", HEX, "", UNFENCED),
    Expected(IDEMPOTENT, FIRST_LABEL + "step 0: .*", ERROR, 0, 45, FIRST),
    Expected(IDEMPOTENT, FIRST_LABEL + "step 0: .*", OFFSET, 0, -1, FIRST),
    Expected(IDEMPOTENT, FIRST_LABEL + "step 1: .*", ERROR, 45, 0, FIRST),
    Expected(IDEMPOTENT, FIRST_LABEL + "step 1: .*", OFFSET, -1, 0, FIRST),
    Expected(IDEMPOTENT, FIRST_LABEL + "stored", r"\.Records", HEX, _first_sequence(), FIRST),
    Expected("groups.offset_fetch", "v[89] none", "", MUTE, {"ThrottleTimeMs": 0, "Groups": []},
             "Kafka never answers a request for no groups at all; here there are none in the answer"),
    Expected("topics.create_topics_assigned", "no brokers", r"\.Topics\[0\]\.ErrorCode", 7, 39,
             "Kafka makes a partition without replicas that never gets a leader, and times out"),
    Expected("topics.create_topics_assigned", "no brokers", r"\.Topics\[0\]\.ErrorMessage", None,
             "The manual partition assignment includes an empty replica list.", "as above"),
    Expected("legacy.legacy_produce_wrong", "codec 5", ERROR, -1, 76, RETRIED),
    Expected("legacy.legacy_produce_wrong", "not gzip", ERROR, -1, 87, RETRIED),
    Expected("legacy.legacy_produce_wrong", "timestamp -2", ERROR, -1, 32, RETRIED),
    Expected("legacy.legacy_produce_wrong", "size 2147483647", ERROR, -1, 2, RETRIED),
    Expected("legacy.recompressed", "[a-z0-9]+, from what is none", ERROR, -1, 76, RETRIED),
    Expected("admin.elect_leaders", "v[12] an unknown type", ERROR, -1, 42, ELECTION),
    Expected("admin.elect_leaders", "v[12] an unknown type", r".*\.ErrorMessage", None,
             "Unknown election type.", ELECTION),
    Expected(BY_KEY, "v[01] append to an unknown key", ERROR, -1, 40, KEYS),
    Expected(BY_KEY, "v[01] append to an unknown key", r".*\.ErrorMessage", None,
             "Unknown config name: no.such", KEYS),
    Expected(BY_KEY, "v[01] an unknown operation", ERROR, -1, 42, OPERATIONS),
    Expected(BY_KEY, "v[01] an unknown operation", r".*\.ErrorMessage", None,
             "Unknown operations type 9", OPERATIONS),
    Expected(BY_KEY, "v[01] another's loggers", r".*\.ErrorMessage",
             "Unexpected node id. Expected 0, but received 0",
             "Unexpected node id. Expected 0, but received 5", "Kafka tells its own id twice"),
    Expected("configs.alter_topic_configs", "a topic twice", "", "no answer, connection open",
             {"ThrottleTimeMs": 0, "Responses": [TWICE, TWICE]}, MUTE),
    Expected("admin.odd_topics", "a partition below 0", ERROR + ".*", -1, 39,
             "Kafka's handler fails on it; here the assignment is refused as it is with a gap"),
    Expected("admin.odd_topics", "a partition below 0", r".*\.ErrorMessage.*", None,
             "partitions should be a consecutive 0-based integer sequence", "as above"),
    Expected(ADD_TO_TXN, "v[45] no transactions", "", MUTE,
             {"ThrottleTimeMs": 0, "ErrorCode": 0, "ResultsByTransaction": []},
             "Kafka answers when the last transaction is done, and waits for none for ever"),
    Expected("replay.recorded_frames", "042_v1_[01]_req_kafkajs-.*", ERROR, 0, 69,
             "Kafka keeps an empty group for a transactional commit that it has refused; here is none"),
]
