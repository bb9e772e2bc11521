"""The Produce frames of the disk test: the same bytes for whichever broker gets them.

Everything in them is fixed: timestamps, producer ids, values from a seeded generator. Only the
producers that must still be known after a restart write at a time near `now_ms`, which is printed:
producer.id.expiration.ms forgets the others. A step is a
train of frames that go out in one send, so that a broker that gathers appends has something to
gather. The answers are part of the test, so wrong frames (duplicates, gaps in a sequence, stale
epochs) are among them.
"""

import gzip
import pathlib
import random
import struct
from typing import Dict, List, NamedTuple, Sequence, Tuple

from lib import messages
from lib.wire import Record, encode_batch, encode_record

T0 = 1_700_000_000_000
HOUR_MS = 3_600_000
GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden" / "record"
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")

# topic -> (partitions, configs). retention.ms: the fixed timestamps are years old.
TOPICS: Dict[str, Tuple[int, Dict[str, str]]] = {
    "plain": (3, {"segment.bytes": "20000"}),
    "dense": (1, {"segment.bytes": "8000", "index.interval.bytes": "0"}),
    "full-index": (1, {"segment.index.bytes": "96", "index.interval.bytes": "100"}),
    "timed": (1, {"segment.ms": str(HOUR_MS)}),
    "producers": (2, {"segment.bytes": "6000"}),
    "many-producers": (1, {"segment.bytes": "9000"}),
    "codecs": (2, {"segment.bytes": "60000", "index.interval.bytes": "1000"}),
    "times": (1, {"segment.bytes": "4000", "index.interval.bytes": "300"}),
    "large": (1, {"segment.bytes": "300000"}),
    "append-time": (1, {"message.timestamp.type": "LogAppendTime", "segment.bytes": "6000",
                        "index.interval.bytes": "300"}),
    "never.written_to": (2, {}),
}

# Topics whose batches get the broker's own time; each append to them waits for another millisecond.
APPEND_TIME = ("append-time",)

Entry = Tuple[str, int, bytes]  # topic, partition, record set


class Frame(NamedTuple):
    """One Produce request; acks 0 has no answer."""
    label: str
    version: int
    acks: int
    entries: Tuple[Entry, ...]

    def encode(self, correlation: int) -> bytes:
        topics: Dict[str, List[Dict[str, object]]] = {}
        for topic, partition, records in self.entries:
            topics.setdefault(topic, []).append({"Index": partition, "Records": records})
        return messages.encode_request("Produce", self.version, {
            "Acks": self.acks, "TimeoutMs": 30000,
            "TopicData": [{"Name": name, "PartitionData": data} for name, data in topics.items()],
        }, correlation, "disk-test")


Step = Sequence[Frame]


def records_of(rng: random.Random, count: int, size: int, start_ms: int,
               step_ms: int = 1) -> List[Record]:
    found = []
    for index in range(count):
        key = rng.choice([None, b"", f"key-{rng.randrange(50)}".encode()])
        value = rng.choice([None, rng.randbytes(rng.randrange(size + 1))])
        headers = (("h", b"v"), ("empty", None)) if rng.random() < 0.2 else ()
        found.append(Record(value, key, headers, start_ms + index * step_ms))
    return found


def gzip_batch(records: Sequence[Record], **fields: int) -> bytes:
    first = records[0].timestamp
    plain = b"".join(encode_record(record, i, first) for i, record in enumerate(records))
    return encode_batch(records, timestamp=first, attributes=1,
                        payload=gzip.compress(plain, mtime=0), **fields)


def plain_batch(records: Sequence[Record], **fields: int) -> bytes:
    return encode_batch(records, timestamp=records[0].timestamp, **fields)


def recorded_batch(name: str, producer_id: int = -1, epoch: int = -1, sequence: int = -1) -> bytes:
    """A batch that Kafka's own builder made, with another producer in its header."""
    data = bytearray((GOLDEN / f"{name}.batch").read_bytes())
    attributes, last_delta, first_ms, max_ms = struct.unpack_from(">hiqq", data, 21)
    (count,) = struct.unpack_from(">i", data, 57)
    return encode_batch([Record(None, timestamp=max_ms)], timestamp=first_ms,
                        attributes=attributes & 7, last_offset_delta=last_delta, count=count,
                        producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence,
                        payload=bytes(data[61:]))


class _Plan:
    """Builds the list of steps; what a sequence or a clock needs to go on is kept here."""

    def __init__(self, seed: int, now_ms: int):
        self.now_ms = now_ms
        self.rng = random.Random(seed)
        self.steps: List[Step] = []
        self.clock = T0
        self.sequences: Dict[Tuple[str, int, int], int] = {}

    def frame(self, label: str, *entries: Entry, version: int = 8, acks: int = -1) -> Frame:
        return Frame(label, version, acks, entries)

    def step(self, *frames: Frame) -> None:
        self.steps.append(frames)

    def some(self, count: int, size: int) -> List[Record]:
        self.clock += 10
        return records_of(self.rng, count, size, self.clock)

    def recent(self, count: int, size: int) -> List[Record]:
        self.now_ms += 1
        return records_of(self.rng, count, size, self.now_ms)

    def idempotent(self, topic: str, partition: int, producer: int, epoch: int, count: int) -> bytes:
        key = (topic, partition, producer)
        sequence = self.sequences.get(key, 0)
        self.sequences[key] = (sequence + count) & 0x7FFFFFFF
        return plain_batch(self.recent(count, 60), producer_id=producer, producer_epoch=epoch,
                           base_sequence=sequence)


def _plain(plan: _Plan) -> None:
    """Single records and small batches, alone, in trains, and over several partitions at once."""
    for index in range(40):
        plan.step(plan.frame(f"single {index}", ("plain", 0, plain_batch(plan.some(1, 100))),
                             acks=plan.rng.choice([1, -1])))
    for train in range(12):
        plan.step(*[plan.frame(f"train {train}.{i}",
                               ("plain", plan.rng.randrange(3),
                                plain_batch(plan.some(plan.rng.randrange(1, 5), 200))),
                               version=plan.rng.choice([3, 5, 7, 8, 9, 10, 11]),
                               acks=plan.rng.choice([1, -1]))
                    for i in range(30)])
    for index in range(10):
        plan.step(plan.frame(f"wide {index}", *[
            ("plain", partition, plain_batch(plan.some(3, 300))) for partition in range(3)]))
    plan.step(*[plan.frame(f"no answer {i}", ("plain", 1, plain_batch(plan.some(1, 50))), acks=0)
                for i in range(20)],
              plan.frame("behind no answers", ("plain", 1, plain_batch(plan.some(1, 50)))))


def _indexes(plan: _Plan) -> None:
    """Index entries for every batch, and rolls because an index is full."""
    for train in range(10):
        plan.step(*[plan.frame(f"dense {train}.{i}",
                               ("dense", 0, plain_batch(plan.some(plan.rng.randrange(1, 4), 150))))
                    for i in range(20)])
        plan.step(*[plan.frame(f"full index {train}.{i}",
                               ("full-index", 0, plain_batch(plan.some(1, 120))))
                    for i in range(10)])


def _times(plan: _Plan) -> None:
    """Rolls by time, and timestamps that run backwards, are missing, absurd or wrongly declared."""
    for index in range(30):
        start = T0 + index * HOUR_MS // 4
        plan.step(plan.frame(f"timed {index}",
                             ("timed", 0, plain_batch(records_of(plan.rng, 2, 80, start)))))
    for index, start in enumerate([T0, T0 + 5, T0 - 5, T0, T0, T0 + 6, T0 - HOUR_MS, -1, -1, T0 + 7,
                                   0, 1, T0 + 700 * HOUR_MS, T0 + 8, 1 << 62, T0 + 9, -(1 << 60), -1,
                                   T0 + 701 * HOUR_MS]):
        step_ms = 0 if start == -1 else -1
        plan.step(plan.frame(f"time {index}", (
            "times", 0, plain_batch(records_of(plan.rng, 3, 200, start, step_ms)))))
        wrong = bytearray(plain_batch(records_of(plan.rng, 2, 90, start)))
        latest = struct.unpack_from(">q", wrong, 35)[0]
        wrong = encode_batch([Record(None, timestamp=T0 + (1 << 41))] * 2, timestamp=start,
                             payload=bytes(wrong[61:]))
        plan.step(plan.frame(f"max timestamp is not {latest}, {index}", ("times", 0, wrong)))


def _producers(plan: _Plan) -> None:
    """Idempotent producers: interleaved, bumped, wrapped, and everything a broker must refuse."""
    ids = [0, 1, 17, 33, 4711, 1 << 32, (1 << 40) + 16, (1 << 62) + 5]
    for round_ in range(12):
        plan.step(*[plan.frame(f"producer {producer} round {round_}.{partition}",
                               ("producers", partition,
                                plan.idempotent("producers", partition, producer, 0,
                                                plan.rng.randrange(1, 4))))
                    for producer in ids if plan.rng.random() < 0.7 for partition in (0, 1)])
    again = plan.idempotent("producers", 0, 17, 0, 2)
    for label in ("first", "duplicate", "duplicate again"):
        plan.step(plan.frame(f"17 {label}", ("producers", 0, again)))
    plan.step(*[plan.frame(f"duplicate in a train {i}", ("producers", 0, again)) for i in range(3)])
    later = [plan.idempotent("producers", 0, 17, 0, 1) for _ in range(7)]
    plan.step(*[plan.frame(f"17 one of seven {i}", ("producers", 0, batch))
                for i, batch in enumerate(later)])
    plan.step(plan.frame("duplicate within the last five", ("producers", 0, later[3])),
              plan.frame("duplicate before the last five", ("producers", 0, again)))
    sequence = plan.sequences["producers", 0, 17]
    record = plan.recent(1, 20)
    for label, epoch, base in (("a gap", 0, sequence + 5), ("a new epoch", 3, 0),
                               ("a stale epoch", 1, 1), ("a new epoch not from 0", 4, 7)):
        plan.step(plan.frame(f"17 {label}", ("producers", 0, plain_batch(
            record, producer_id=17, producer_epoch=epoch, base_sequence=base))))
    wrap = (1 << 31) - 3
    for label, base, count in (("begins late", wrap, 2), ("wraps", wrap + 2, 4), ("goes on", 3, 1)):
        plan.step(plan.frame(f"77 {label}", ("producers", 1, plain_batch(
            plan.recent(count, 20), producer_id=77, producer_epoch=0, base_sequence=base))))
    plan.step(*[plan.frame(f"producer {producer}",
                           ("many-producers", 0, plan.idempotent("many-producers", 0, producer,
                                                                 producer % 3, 1)))
                for producer in plan.rng.sample(range(1000, 900_000), 200)])


def _codecs(plan: _Plan) -> None:
    """Every codec as Kafka's own clients write it, with and without a producer id."""
    sequence = 0
    for round_ in range(8):
        for codec in CODECS:
            small, large = recorded_batch(f"{codec}-small"), recorded_batch(f"{codec}-large")
            plan.step(plan.frame(f"{codec} small {round_}", ("codecs", 0, small)),
                      plan.frame(f"{codec} gzip beside it {round_}",
                                 ("codecs", 0, gzip_batch(plan.some(20, 200)))))
            if codec != "none":
                plan.step(plan.frame(f"{codec} large {round_}", ("codecs", 0, large)))
            idempotent = recorded_batch(f"{codec}-small", 900, 0, sequence)
            sequence += 4
            plan.step(plan.frame(f"{codec} idempotent {round_}", ("codecs", 1, idempotent)))
    for index in range(4):
        plan.step(plan.frame(f"large {index}", ("large", 0, recorded_batch("none-large"))))
    plan.step(plan.frame("larger than the segment", ("plain", 0, recorded_batch("none-large"))))


def _append_time(plan: _Plan) -> None:
    """The broker's time instead of the producer's, uncompressed and in every codec."""
    for round_ in range(12):
        plan.step(plan.frame(f"append time {round_}", ("append-time", 0, plain_batch(plan.some(3, 200)))))
        codec = CODECS[round_ % len(CODECS)]
        plan.step(plan.frame(f"append time, {codec} {round_}",
                             ("append-time", 0, recorded_batch(f"{codec}-small"))))
        plan.step(plan.frame(f"append time of the year 1970, {round_}",
                             ("append-time", 0, plain_batch(records_of(plan.rng, 2, 90, 0)))))
    plan.step(plan.frame("append time, bad crc", ("append-time", 0, encode_batch(plan.some(1, 30), crc=1))))


def _refused(plan: _Plan) -> None:
    """What must leave no trace on the disk, between things that do."""
    good = plain_batch(plan.some(1, 30))
    cases = [("bad crc", encode_batch(plan.some(1, 30), crc=1)),
             ("bad magic", encode_batch(plan.some(1, 30), magic=9)),
             ("two batches", good + good),
             ("base offset 77", encode_batch(plan.some(1, 30), base_offset=77)),
             ("count", encode_batch(plan.some(2, 30), count=3)),
             ("control", encode_batch(plan.some(1, 30), attributes=0x20)),
             ("cut short", good[:-1]), ("nothing", b"")]
    for label, records in cases:
        plan.step(plan.frame(f"{label} before", ("plain", 2, good)),
                  plan.frame(label, ("plain", 2, records)),
                  plan.frame(f"{label} after", ("plain", 2, good + b"\1\2\3\4\5\6\7\x08\x09")))


def first_session(now_ms: int) -> List[Step]:
    plan = _Plan(20231114, now_ms)
    for part in (_plain, _indexes, _times, _producers, _codecs, _append_time, _refused):
        part(plan)
    return plan.steps


def second_session(now_ms: int) -> List[Step]:
    """After a clean restart: the producers are still known, the segments go on where they were.

    Nothing more goes to full-index: a reopened segment begins to count index.interval.bytes anew,
    so that Kafka's recovery would want more entries than its own index has room for, and gives up.
    """
    plan = _Plan(20231115, now_ms + 10_000)
    plan.clock = T0 + 1_000_000
    for index in range(10):
        plan.step(plan.frame(f"after the restart {index}", *[
            (topic, 0, plain_batch(plan.some(2, 150)))
            for topic in ("plain", "dense", "timed", "codecs", "times")]))
        plan.step(plan.frame(f"append time after the restart {index}",
                             ("append-time", 0, plain_batch(plan.some(2, 150)))))
    for label, epoch, base in (("known", 3, 1), ("gap", 3, 9), ("stale", 2, 0)):
        plan.step(plan.frame(f"17 after the restart, {label}", ("producers", 0, plain_batch(
            plan.recent(1, 40), producer_id=17, producer_epoch=epoch, base_sequence=base))))
    plan.step(plan.frame("77 after the restart", ("producers", 1, plain_batch(
        plan.recent(1, 40), producer_id=77, producer_epoch=0, base_sequence=4))))
    for producer in plan.rng.sample(range(1000, 900_000), 20):
        plan.step(plan.frame(f"many producers, {producer}", ("many-producers", 0, plain_batch(
            plan.recent(1, 40), producer_id=producer, producer_epoch=0, base_sequence=0))))
    return plan.steps
