"""What the compaction test writes, and what it reads out of a log dir that a cleaner has been over."""

import pathlib
import re
import struct
import subprocess
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from lib import brokers
from lib.brokers import Broker
from lib.client import Client
from lib.wire import Record, encode_batch

CODECS = ("gzip", "snappy", "lz4", "zstd")
DAY_MS = 24 * 3_600_000
TRANSACTIONAL = 0x10
COMMIT, ABORT = True, False


class Topic(NamedTuple):
    configs: Dict[str, str]
    write: Callable[["Writer", str], None]
    compacted: bool = True       # whether the cleaner has anything to do in the first round
    deletes: bool = False        # whether whole segments go by age


class Writer:
    """Writes the same batches whichever broker gets them, but for the times that lags go by."""

    def __init__(self, client: Client, round_: int, now_ms: int):
        self.client, self.round, self.now_ms = client, round_, now_ms
        self.sequences: Dict[Tuple[str, int], int] = {}

    def send(self, topic: str, records: List[Tuple[str, Optional[str]]], time_ms: int = 0,
             producer: int = -1, transactional: bool = False) -> None:
        time_ms = time_ms or self.now_ms
        encoded = [Record(None if value is None else value.encode(), key.encode(),
                          (("h", b"1"),) if value else (), time_ms + i)
                   for i, (key, value) in enumerate(records)]
        sequence = self.sequences.get((topic, producer), self.round * 100_000) if producer >= 0 else -1
        self.sequences[topic, producer] = sequence + len(records)
        batch = encode_batch(encoded, timestamp=time_ms, producer_id=producer,
                             producer_epoch=self.round if producer >= 0 else -1,
                             base_sequence=sequence - self.round * 100_000 if producer >= 0 else -1,
                             attributes=TRANSACTIONAL if transactional else 0)
        answer = self.client.ask("Produce", 8, TransactionalId="compaction" if transactional else None,
                                 Acks=-1, TimeoutMs=15000, TopicData=[
                                     {"Name": topic, "PartitionData": [{"Index": 0, "Records": batch}]}])
        part = answer["Responses"][0]["PartitionResponses"][0]
        if part["ErrorCode"] != 0:
            raise AssertionError(f"Produce to {topic}: error {part['ErrorCode']}")

    def end(self, topic: str, producer: int, commit: bool) -> None:
        """The marker of a transaction, as its coordinator would have it written."""
        answer = self.client.ask("WriteTxnMarkers", 1, Markers=[
            {"ProducerId": producer, "ProducerEpoch": self.round, "TransactionResult": commit,
             "CoordinatorEpoch": 0, "Topics": [{"Name": topic, "PartitionIndexes": [0]}]}])
        code = answer["Markers"][0]["Topics"][0]["Partitions"][0]["ErrorCode"]
        if code != 0:
            raise AssertionError(f"WriteTxnMarkers to {topic}: error {code}")


def _records(w: Writer, number: int, count: int = 3) -> List[Tuple[str, Optional[str]]]:
    """Few keys often, some once; every seventh record is a tombstone."""
    made: List[Tuple[str, Optional[str]]] = []
    for i in range(number * count, (number + 1) * count):
        key = f"once-{w.round}-{i}" if i % 11 == 5 else f"key-{i * 7 % 13}"
        made.append((key, None if i % 7 == 6 else f"{w.round}.{i} " + "." * (40 + i % 50)))
    return made


def _values(w: Writer, topic: str) -> None:
    for number in range(60):
        w.send(topic, _records(w, number, 1 + number % 4))


def _old_values(w: Writer, topic: str) -> None:
    for number in range(30):
        w.send(topic, _records(w, number), time_ms=w.now_ms - 2 * DAY_MS)
    for number in range(30):
        w.send(topic, _records(w, number))


def _much_then_little(w: Writer, topic: str) -> None:
    """Of the first round everything stays, so that the second is a small part of the log."""
    for number in range(60 if w.round == 0 else 12):
        w.send(topic, [(f"{key}-{number}", "." * 90) for key in ("one", "two", "three")])


def _producers(w: Writer, topic: str) -> None:
    """Idempotent producers whose last batches lose all their records, and one that goes on."""
    for producer in range(10 * (w.round + 1), 10 * (w.round + 1) + 8):
        for number in range(3):
            w.send(topic, _records(w, number, 2), producer=producer)
    for number in range(20):
        w.send(topic, _records(w, number, 4), producer=900)


def _transactions(w: Writer, topic: str) -> None:
    """Commits and aborts, one after the other, across segments, at once, and without a batch."""
    base = 100 * (w.round + 1)
    for number in range(12):
        producer = base + number % 4
        for part in range(3):
            w.send(topic, _records(w, number + part, 2), producer=producer, transactional=True)
        w.end(topic, producer, COMMIT if number % 3 else ABORT)
    for number in range(8):  # several at once
        for producer in (base + 10, base + 11, base + 12):
            w.send(topic, _records(w, number, 2), producer=producer, transactional=True)
        w.send(topic, _records(w, number, 1))
    for producer, result in ((base + 10, ABORT), (base + 11, COMMIT), (base + 12, ABORT)):
        w.end(topic, producer, result)
    for result in (COMMIT, ABORT):
        w.end(topic, base + 20, result)
    w.send(topic, [(f"key-{i}", f"last {w.round}") for i in range(13)])


def _open_transaction(w: Writer, topic: str) -> None:
    """A transaction stays open from the middle of the log on: nothing behind it is looked at."""
    for number in range(20):
        w.send(topic, _records(w, number))
    if w.round == 0:
        w.send(topic, [("key-1", "open"), ("key-2", "open")], producer=777, transactional=True)
    for number in range(20):
        w.send(topic, _records(w, number))


SMALL = {"cleanup.policy": "compact", "segment.bytes": "2000", "min.cleanable.dirty.ratio": "0.01",
         "retention.ms": "-1", "delete.retention.ms": str(DAY_MS), "index.interval.bytes": "300"}
GONE_AT_ONCE = {"delete.retention.ms": "1"}
TOPICS: Dict[str, Topic] = {
    "c-plain": Topic(SMALL, _values),
    "c-tombstones": Topic({**SMALL, **GONE_AT_ONCE}, _values),
    **{f"c-{codec}": Topic({**SMALL, **GONE_AT_ONCE, "compression.type": codec}, _values)
       for codec in CODECS},
    "c-append-time": Topic({**SMALL, "message.timestamp.type": "LogAppendTime"}, _values),
    "c-producers": Topic({**SMALL, **GONE_AT_ONCE}, _producers),
    "c-transactions": Topic({**SMALL, **GONE_AT_ONCE}, _transactions),
    "c-transactions-kept": Topic(SMALL, _transactions),
    "c-transactions-lz4": Topic({**SMALL, **GONE_AT_ONCE, "compression.type": "lz4"}, _transactions),
    "c-open": Topic(SMALL, _open_transaction),
    "c-young": Topic({**SMALL, "min.compaction.lag.ms": str(DAY_MS)}, _old_values),
    "c-overdue": Topic({**SMALL, "min.cleanable.dirty.ratio": "1", "max.compaction.lag.ms": "1"},
                       _values),
    "c-dirty-enough": Topic({**SMALL, "min.cleanable.dirty.ratio": "0.5"}, _much_then_little),
    "c-never": Topic({**SMALL, "min.cleanable.dirty.ratio": "1"}, _values, compacted=False),
    # Compaction would leave empty segments, or not, by which of the two comes first.
    "c-deleted-too": Topic({**SMALL, "cleanup.policy": "compact,delete", "retention.ms": str(DAY_MS),
                            "min.cleanable.dirty.ratio": "1"}, _old_values, compacted=False, deletes=True),
}


def create_topics(broker: Broker) -> None:
    with Client(broker.address) as client:
        for name, topic in TOPICS.items():
            client.create_topic(name, 1, topic.configs)


def write(broker: Broker, round_: int, now_ms: int) -> None:
    with Client(broker.address, timeout_s=60.0) as client:
        for name, topic in TOPICS.items():
            broker.process.wait_until(lambda: client.has_leaders(name, 1), f"leaders of {name}")  # noqa: B023
            topic.write(Writer(client, round_, now_ms), name)


def checkpoint(log_dir: pathlib.Path) -> Dict[str, int]:
    path = log_dir / "cleaner-offset-checkpoint"
    lines = path.read_text().splitlines() if path.exists() else []
    return {name: int(offset) for name, partition, offset in (line.split(" ") for line in lines[2:])
            if partition == "0" and name in TOPICS}


def batches_of(data: bytes) -> List[Tuple[int, int, int]]:
    """Where each batch begins, how long it is, and its attributes."""
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from(">i", data, at + 8)
        (attributes,) = struct.unpack_from(">h", data, at + 21)
        found.append((at, length + 12, attributes))
        at += length + 12
    return found


# Gaps between offsets are what compaction makes; a batch left empty keeps a timestamp that no record
# has, which the dump of a time index calls a mismatch, of Kafka's own files as well.
_COMPLAINTS = re.compile(r"isvalid: false|Mismatches in|out of order|Could not|corrupt|Exception",
                         re.IGNORECASE)
_HORIZON = re.compile(r"\bdeleteHorizonMs: OptionalLong\[\d+\]")


def _comparable(text: str, log_dir: pathlib.Path) -> Dict[str, List[str]]:
    """DumpLogSegments' lines by file, without what depends on the moment of the cleaning (the delete
    horizon, and the CRC of a batch that has one, and its size: its records' times are told as differences from
    the horizon) or on the compressor (sizes, and so positions)."""
    files: Dict[str, List[str]] = {}
    name = ""
    for line in text.replace(str(log_dir) + "/", "").splitlines():
        if line.startswith("Dumping "):
            name = line[len("Dumping "):].strip()
        if "compresscodec: none" not in line and line.startswith("baseOffset"):
            line = re.sub(r"\b(size|crc): \d+", r"\1: *", line)
        if _HORIZON.search(line):
            line = re.sub(r"\b(size|crc): \d+", r"\1: *", _HORIZON.sub("deleteHorizonMs: *", line))
        files.setdefault(name, []).append(re.sub(r"\bposition: \d+", "position: *", line))
    return files


def dump(log_dir: pathlib.Path, folder: pathlib.Path) -> Dict[str, List[str]]:
    """Kafka's DumpLogSegments of every file of our topics, which must find nothing wrong with them."""
    files = [path for name in TOPICS for path in sorted((log_dir / f"{name}-0").iterdir())
             if path.suffix in (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
             and path.stat().st_size > 0]
    command = brokers.java_command(folder, "kafka.tools.DumpLogSegments")
    done = subprocess.run([*command, "--deep-iteration", "--print-data-log", "--files",
                           ",".join(str(path) for path in files)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    complaints = [line for line in done.stdout.splitlines() if _COMPLAINTS.search(line)]
    if done.returncode != 0 or complaints:
        raise AssertionError(f"DumpLogSegments of {log_dir}: {complaints[:5]}\n{done.stdout[-500:]}")
    return {name: lines for name, lines in _comparable(done.stdout, log_dir).items()
            if not name.endswith(("index", ".snapshot")) or name.endswith(".txnindex")}
