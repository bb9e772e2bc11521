"""A log of an old Kafka: messages of magic 0 and 1, plain and in wrappers, batches of magic 2 behind.

Kafka 3.9.1 and Barnabas are started on the same files, once as after a clean stop without indexes,
once as after a crash with a torn message at the end. Both must rebuild the same indexes, find the
same offsets by time, show new consumers the bytes as they lie and old ones the same messages.

    legacy_log_test.py [--kafka-twice]
"""

import argparse
import concurrent.futures
import sys
from typing import Any, Dict, List

from disk_test import SETTINGS, Differs, stop
from folders import compare
from lib import brokers, legacy
from lib.client import Client
from lib.legacy import encode_message, encode_set, encode_wrapper
from lib.process import wait_until
from lib.wire import Record, encode_batch

TIME = 1_700_000_000_000
TOPIC = "old"


def _records(count: int, first: int, timed: bool = True) -> List[Record]:
    """Timestamps go up and down a little, as those of many producers do."""
    return [Record(b"value %d" % i * 3, b"key %d" % i if i % 4 else None,
                   timestamp=TIME + 10 * i + (7 if i % 3 else -20) if timed else -1)
            for i in range(first, first + count)]


def _wrapper(records: List[Record], magic: int, first: int, attributes: int = 0) -> bytes:
    """As a broker stored it: the wrapper has the offset of its last message, and its time."""
    last = first + len(records) - 1
    if magic == 0:
        inside = b"".join(encode_message(r, first + i, 0) for i, r in enumerate(records))
        return encode_wrapper(inside, magic=0, offset=last)
    newest = max(r.timestamp or 0 for r in records)
    wrapper = encode_wrapper(encode_set(records), offset=last, timestamp=newest)
    if not attributes:
        return wrapper
    return encode_message(Record(wrapper[34:], timestamp=newest + 1000), last, 1, 1 | attributes)


def old_log() -> bytes:
    parts, at = [], 0
    for _ in range(3):
        parts.append(b"".join(encode_message(r, at + i, 0) for i, r in
                              enumerate(_records(6, at, False))))
        at += 6
        parts.append(_wrapper(_records(5, at), 0, at))
        at += 5
    for round_number in range(6):
        parts.append(b"".join(encode_message(r, at + i) for i, r in enumerate(_records(7, at))))
        at += 7
        parts.append(_wrapper(_records(8, at), 1, at, 8 if round_number == 3 else 0))
        at += 8
    for _ in range(3):
        records = _records(4, at)
        parts.append(encode_batch(records, base_offset=at, timestamp=records[0].timestamp,
                                  leader_epoch=0))
        at += 4
    return b"".join(parts)


END = 3 * 11 + 6 * 15 + 3 * 4


def lay(broker: brokers.Broker, data: bytes, clean: bool) -> None:
    """The files of a stopped broker's partition become those of an old Kafka's."""
    log_dir = broker.log_dirs[0]
    folder = log_dir / f"{TOPIC}-0"
    for path in folder.iterdir():
        if path.suffix in (".log", ".index", ".timeindex", ".snapshot"):
            path.unlink()
    (folder / f"{0:020}.log").write_bytes(data)
    (log_dir / "recovery-point-offset-checkpoint").write_text("0\n0\n")
    (log_dir / "replication-offset-checkpoint").write_text(f"0\n1\n{TOPIC} 0 0\n")
    if not clean:
        (log_dir / ".kafka_cleanshutdown").unlink()


def list_offsets(client: Client, version: int, timestamp: int) -> Any:
    answer = client.ask("ListOffsets", version, ReplicaId=-1, Topics=[{
        "Name": TOPIC, "Partitions": [{"PartitionIndex": 0, "Timestamp": timestamp}]}])
    return answer["Topics"][0]["Partitions"][0]


def ask_all(broker: brokers.Broker) -> Dict[str, Any]:
    """Everything that is to be the same, by label."""
    broker.wait_ready()
    found: Dict[str, Any] = {}
    with Client(broker.address) as client:
        wait_until(lambda: client.has_leaders(TOPIC, 1), f"a leader of {TOPIC}")
        times = [TIME + 10 * i for i in range(0, END, 3)] + [TIME + 10**6, 0, -1, -2]
        for timestamp in times:
            found[f"ListOffsets {timestamp}"] = list_offsets(client, 1, timestamp)
        for version in (7, 9):
            found[f"ListOffsets v{version} max timestamp"] = list_offsets(client, version, -3)
        for offset in range(0, END, 5):
            for version in (4, 11):
                part = client.fetch(TOPIC, 0, offset, max_bytes=3000, version=version) \
                    if version == 11 else _fetch(client, version, offset)
                found[f"Fetch v{version} {offset}"] = part["Records"]
            for version in range(4):
                part = _fetch(client, version, offset)
                found[f"Fetch v{version} {offset}"] = (part["ErrorCode"],
                                                       legacy.decode_set(part["Records"] or b""))
        base = client.produce(TOPIC, 0, encode_batch(_records(3, END), timestamp=TIME))
        found["Produce"] = base
        found["Fetch of it"] = client.fetch(TOPIC, 0, END - 1)["Records"]
    return found


def _fetch(client: Client, version: int, offset: int) -> Any:
    answer = client.ask("Fetch", version, ReplicaId=-1, MaxWaitMs=0, MinBytes=1, MaxBytes=1 << 20,
                        Topics=[{"Topic": TOPIC, "Partitions": [
                            {"Partition": 0, "FetchOffset": offset, "PartitionMaxBytes": 3000}]}])
    return answer["Responses"][0]["Partitions"][0]


def check(what: str, pair: List[brokers.Broker], data: bytes, clean: bool) -> None:
    for broker in pair:  # in this thread: a child dies with the thread that began it
        lay(broker, data, clean)
        broker.start(wait=False)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        kafka, ours = pool.map(ask_all, pair)
    for broker in pair:
        stop(broker)
    wrong = [label for label in kafka if kafka[label] != ours[label]]
    for label in wrong[:10]:
        print(f"DIFFERENT {what}: {label}\n  Kafka: {str(kafka[label])[:600]}\n"
              f"  ours:  {str(ours[label])[:600]}")
    files = compare(pair[0].log_dirs[0], pair[1].log_dirs[0], [TOPIC])
    for one in files:
        print(f"DIFFERENT {what}: {one}")
    if wrong or files:
        raise Differs(f"{what}: {len(wrong)} answers, {len(files)} files")
    print(f"{what}: {len(kafka)} answers and the files are the same")


def prepare(broker: brokers.Broker) -> None:
    with Client(broker.address) as client:
        client.create_topic(TOPIC, 1, {"retention.ms": "-1", "index.interval.bytes": "200"})
    stop(broker)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka-twice", action="store_true")
    chosen = parser.parse_args()
    kind = "kafka" if chosen.kafka_twice else "barnabas"
    data = old_log()
    with brokers.scratch() as folder:
        pair = [folder / "one", folder / "two"]
        for path in pair:
            path.mkdir()
        with brokers.start("kafka", pair[0], SETTINGS, wait=False) as kafka, \
                brokers.start(kind, pair[1], SETTINGS) as ours:
            kafka.wait_ready()
            for broker in (kafka, ours):
                prepare(broker)
            check("after a clean stop", [kafka, ours], data, True)
            torn = encode_message(Record(b"torn", b"k", timestamp=TIME), END)[:-3]
            check("after a crash", [kafka, ours], data + torn, False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
