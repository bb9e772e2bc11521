"""Produce and ListOffsets."""

import gzip
import struct
from typing import Any, Dict, List

from lib import messages
from lib.wire import Closed, Record, decode_batches, encode_batch, encode_record, unsigned_varint
from target import CLOSED, Target, case

TIME = 1_700_000_000_000
THREE = [Record(b"one", b"k1"), Record(None, b"k2", (("h", b"v"), ("n", None))), Record(b"three")]
GOOD = encode_batch(THREE, timestamp=TIME)


def data(topic: str, *rows: Any) -> List[Dict[str, Any]]:
    return [{"Name": topic, "PartitionData": [{"Index": index, "Records": records}
                                              for index, records in rows]}]


def produce(t: Target, label: str, version: int, topic_data: List[Dict[str, Any]], acks: int = -1,
            **more: Any) -> Any:
    return t.note(label, "Produce", version, Acks=acks, TimeoutMs=10000, TopicData=topic_data, **more)


def stored(t: Target, label: str, topic: str, partition: int) -> None:
    """What lies in the log now, byte for byte."""
    part = t.client.fetch(topic, partition, 0)
    answer = {name: part[name] for name in ("ErrorCode", "HighWatermark", "LogStartOffset", "Records")}
    t.keep(label, f"Fetch of {topic}-{partition}", answer)


@case
def produce_versions(t: Target) -> None:
    t.client.create_topic("produce", 20)
    for version in range(3, 12):
        for acks in (1, -1):
            produce(t, f"v{version} acks {acks}", version, data("produce", (version, GOOD)), acks)
        produce(t, f"v{version} two partitions, one unknown", version,
                data("produce", (0, GOOD), (99, GOOD)))
        produce(t, f"v{version} unknown topic", version, data("produce-unknown", (0, GOOD)))
        produce(t, f"v{version} bad topic name", version, data("a/b", (0, GOOD)))
        produce(t, f"v{version} acks 7", version, data("produce", (0, GOOD)), 7)
        produce(t, f"v{version} empty records", version, data("produce", (1, b"")))
        produce(t, f"v{version} no topics", version, [])
        produce(t, f"v{version} no partitions", version, data("produce"))
        stored(t, f"v{version} stored", "produce", version)
    for partition in (-1, 2**31 - 1):
        produce(t, f"partition {partition}", 8, data("produce", (partition, GOOD)))
    t.note("timeout -1", "Produce", 8, Acks=-1, TimeoutMs=-1, TopicData=data("produce", (2, GOOD)))
    produce(t, "same partition twice", 8, data("produce", (15, GOOD), (15, GOOD)))
    produce(t, "same topic twice", 8, data("produce", (16, GOOD)) + data("produce", (17, GOOD)))
    for version in (3, 8, 9):
        produce(t, f"v{version} transactional id", version, data("produce", (0, GOOD)),
                TransactionalId="not-begun")


@case
def produce_acks_0(t: Target) -> None:
    """No answer at all; the next request on the connection is answered, or finds it closed."""
    t.client.create_topic("acks-0", 3)
    for version in range(3, 12):
        for label, topic, records in (("good", "acks-0", GOOD), ("corrupt", "acks-0", GOOD[:-1] + b"?"),
                                      ("unknown topic", "acks-0-unknown", GOOD)):
            with t.fresh() as client:
                client.send("Produce", version, Acks=0, TimeoutMs=1000,
                            TopicData=data(topic, (0, records)))
                try:
                    answer: Any = client.ask("Metadata", 9, Topics=[])
                except (Closed, messages.Malformed):
                    answer = CLOSED
                t.keep(f"v{version} {label}, next request", "Metadata v9 after Produce with acks 0",
                       answer)
        stored(t, f"v{version} stored", "acks-0", 0)


def compressed(codec: int, records: bytes) -> bytes:
    """The records in each codec's simplest form: stored blocks for lz4 and zstd, literals for snappy."""
    if codec == 1:
        return gzip.compress(records, mtime=0)
    if codec == 2:
        block = unsigned_varint(len(records)) + bytes([(61 << 2), len(records) - 1 & 255,
                                                       len(records) - 1 >> 8]) + records
        return b"\x82SNAPPY\0" + struct.pack(">iii", 1, 1, len(block)) + block
    if codec == 3:
        return (bytes.fromhex("04224d18604082") + struct.pack("<I", len(records) | 0x80000000) + records
                + bytes(4))
    block = struct.pack("<I", len(records) << 3 | 1)[:3]
    return bytes.fromhex("28b52ffd60") + struct.pack("<H", len(records) - 256) + block + records


@case
def produce_compressed(t: Target) -> None:
    records = [Record(b"a line of text that is long enough %d" % i, b"key") for i in range(10)]
    plain = b"".join(encode_record(r, i, TIME) for i, r in enumerate(records))
    codecs = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
    t.client.create_topic("compressed", 40)
    for index, (name, codec) in enumerate(codecs.items()):
        good = compressed(codec, plain)
        for version in (3, 6, 7, 9, 11):
            produce(t, f"{name} v{version}", version, data("compressed", (
                index, encode_batch(records, timestamp=TIME, attributes=codec, payload=good))))
        stored(t, f"{name} stored", "compressed", index)
        cut = {"garbage": b"garbage that is nothing", "truncated": good[:-20], "empty": b"",
               "too few records": compressed(codec, plain[:-len(plain) // 10]),
               "left over": compressed(codec, plain + b"left over")}
        for number, (label, payload) in enumerate(cut.items()):
            produce(t, f"{name} {label}", 8, data("compressed", (
                8 + index * 5 + number,
                encode_batch(records, timestamp=TIME, attributes=codec, payload=payload))))
    for codec in (5, 6, 7):
        produce(t, f"codec {codec}", 8, data("compressed", (
            30 + codec, encode_batch(records, timestamp=TIME, attributes=codec))))


def bad_batches() -> Dict[str, bytes]:
    """Rows of broken input; each goes to a partition of its own."""
    records = b"".join(encode_record(r, i, TIME) for i, r in enumerate(THREE))
    unordered = encode_record(THREE[0], 5, TIME) + encode_record(THREE[2], 3, TIME)
    flipped = bytearray(GOOD)
    flipped[-3] ^= 1
    bad_length = bytearray(records)
    bad_length[0] = 0x7F
    rows = {
        "bad crc": bytes(flipped),
        "crc given as 0": encode_batch(THREE, timestamp=TIME, crc=0),
        "truncated": GOOD[:-7], "header cut": GOOD[:30], "ten bytes": GOOD[:10], "one byte": GOOD[:1],
        "two batches": GOOD + GOOD,
        "no records in the batch": encode_batch([], timestamp=TIME, last_offset_delta=0),
        "no records, delta -1": encode_batch([], timestamp=TIME),
        "junk behind": GOOD + b"nine junk",
        "a cut batch behind": GOOD + GOOD[:40],
        "offset deltas 5, 3": encode_batch(THREE[:2], timestamp=TIME, payload=unordered),
        "record length": encode_batch(THREE, timestamp=TIME, payload=bytes(bad_length)),
        "record length negative": encode_batch(THREE, timestamp=TIME, payload=b"\x05" + records[1:]),
        "records missing": encode_batch(THREE, timestamp=TIME, payload=b""),
        "bytes behind the records": encode_batch(THREE, timestamp=TIME, payload=records + b"behind"),
        "many headers": encode_batch(THREE[:1], timestamp=TIME,
                                     payload=b"\x16\0\0\0\1\1" + b"\xff\xff\xff\xff\x07" + b"\0"),
        "base offset 77": encode_batch(THREE, timestamp=TIME, base_offset=77),
        "leader epoch 9": encode_batch(THREE, timestamp=TIME, leader_epoch=9),
        "control": encode_batch(THREE, timestamp=TIME, attributes=0x20),
        "transactional": encode_batch(THREE, timestamp=TIME, attributes=0x10),
        "transactional with an id": encode_batch(THREE, timestamp=TIME, attributes=0x10,
                                                 producer_id=70, producer_epoch=0, base_sequence=0),
        "unknown attribute": encode_batch(THREE, timestamp=TIME, attributes=0x80),
        "delete horizon": encode_batch(THREE, timestamp=TIME, attributes=0x40),
        "append time set": encode_batch(THREE, timestamp=TIME, attributes=0x08),
        "producer id with epoch -1": encode_batch(THREE, timestamp=TIME, producer_id=71,
                                                  producer_epoch=-1, base_sequence=0),
        "producer id with sequence -1": encode_batch(THREE, timestamp=TIME, producer_id=72,
                                                     producer_epoch=0, base_sequence=-1),
        "producer id -2": encode_batch(THREE, timestamp=TIME, producer_id=-2, producer_epoch=0,
                                       base_sequence=0),
        "timestamp 2^62": encode_batch([r._replace(timestamp=2**62) for r in THREE], timestamp=2**62),
        "timestamp -2^60": encode_batch([r._replace(timestamp=-2**60) for r in THREE],
                                        timestamp=-2**60),
        "timestamp -1": encode_batch([r._replace(timestamp=-1) for r in THREE], timestamp=-1),
        "too large": encode_batch([Record(bytes(1048588))], timestamp=TIME),
    }
    for magic in (-1, 0, 1, 3, 9):
        rows[f"magic {magic}"] = encode_batch(THREE, timestamp=TIME, magic=magic)
    for count in (-1, 0, 2, 4, 2**31 - 1):
        rows[f"record count {count}"] = encode_batch(THREE, timestamp=TIME, count=count)
    for delta in (-1, 0, 1, 3, 2**31 - 1):
        rows[f"last offset delta {delta}"] = encode_batch(THREE, timestamp=TIME,
                                                          last_offset_delta=delta)
    for length in (-9, 0, 20, 48, 2**31 - 1):
        rows[f"batch length {length}"] = encode_batch(THREE, timestamp=TIME, length=length)
    return rows


@case
def produce_bad_batches(t: Target) -> None:
    rows = bad_batches()
    t.client.create_topic("bad", len(rows))
    for index, (label, batch) in enumerate(rows.items()):
        produce(t, label, 8, data("bad", (index, batch)))
        stored(t, f"{label}, stored", "bad", index)
    for version in (3, 8, 9):
        t.note_frame(f"null records, v{version}", messages.encode_request("Produce", version, {
            "Acks": -1, "TimeoutMs": 1000, "TopicData": data("bad", (0, None))}),
            api="Produce", version=version, patience_s=1.0)
    t.delete_topic("bad")
    t.client.create_topic("compacted", 2, {"cleanup.policy": "compact"})
    produce(t, "no key, compacted", 8, data("compacted", (0, GOOD)))
    produce(t, "no key, compacted, v7", 7, data("compacted", (0, GOOD)))
    produce(t, "all keys, compacted", 8, data("compacted", (1, encode_batch(THREE[:2], timestamp=TIME))))


@case
def produce_by_topic_settings(t: Target) -> None:
    t.client.create_topic("append-time", 1, {"message.timestamp.type": "LogAppendTime"})
    produce(t, "append time", 8, data("append-time", (0, GOOD)))
    (batch,) = decode_batches(t.client.fetch("append-time", 0, 0)["Records"])
    t.keep("append time, stored", "Fetch", {
        "attributes": batch.attributes, "changed": {r.timestamp > TIME for r in batch.records}})
    t.client.create_topic("small", 1, {"max.message.bytes": "100"})
    produce(t, "small, too large", 8, data("small", (0, encode_batch([Record(bytes(200))]))))
    produce(t, "small, fits", 8, data("small", (0, encode_batch([Record(b"x")], timestamp=TIME))))
    t.client.create_topic("bounded", 1, {"message.timestamp.before.max.ms": "1000",
                                         "message.timestamp.after.max.ms": "1000"})
    produce(t, "too old", 8, data("bounded", (0, GOOD)))
    produce(t, "too new", 8, data("bounded", (0, encode_batch(THREE, timestamp=2**50))))
    t.client.create_topic("recompressed", 1, {"compression.type": "gzip"})
    produce(t, "recompressed", 8, data("recompressed", (0, GOOD)))
    (batch,) = decode_batches(t.client.fetch("recompressed", 0, 0)["Records"])
    t.keep("recompressed, stored", "Fetch", {"codec": batch.attributes & 7, "last": batch.last_offset})
    t.delete_topic("recompressed")
    t.client.create_topic("two-replicas", 1, {"min.insync.replicas": "2"})
    for acks in (1, -1):
        produce(t, f"min.insync.replicas 2, acks {acks}", 8, data("two-replicas", (0, GOOD)), acks)


def sequenced(producer: int, epoch: int, sequence: int, count: int = 2) -> bytes:
    return encode_batch(THREE[:count], timestamp=TIME, producer_id=producer, producer_epoch=epoch,
                        base_sequence=sequence)


@case
def produce_idempotent(t: Target) -> None:
    t.client.create_topic("idempotent", 8)

    def steps(label: str, partition: int, *rows: tuple) -> None:
        for number, row in enumerate(rows):
            produce(t, f"{label}, step {number}: {row[:3]}", 8,
                    data("idempotent", (partition, sequenced(*row))))
        stored(t, f"{label}, stored", "idempotent", partition)
    steps("in order", 0, (1000, 0, 0), (1000, 0, 2), (1000, 0, 4))
    steps("duplicates", 0, (1000, 0, 4), (1000, 0, 0), (1000, 0, 2))
    steps("gap", 0, (1000, 0, 9), (1000, 0, 6))
    steps("six, then the first again", 1, *[(1001, 0, i * 2) for i in range(6)], (1001, 0, 0),
          (1001, 0, 2))
    steps("epochs", 2, (1002, 3, 0), (1002, 2, 2), (1002, 4, 5), (1002, 4, 0), (1002, 3, 2))
    steps("unknown id on a partition with data", 0, (1003, 0, 5), (1003, 0, 7), (1003, 0, 20))
    steps("same start, another count", 3, (1004, 0, 0), (1004, 0, 0, 3), (1004, 0, 1))
    steps("wrap around on a partition with data", 0, (1005, 0, 2**31 - 2), (1005, 0, 0), (1005, 0, 2))
    steps("first sequence above 0 on an empty partition", 5, (1006, 0, 5), (1006, 0, 0))


@case
def list_offsets(t: Target) -> None:
    t.client.create_topic("offsets", 4)
    for index, stamp in enumerate((1000, 3000, 2000, 4000)):
        t.client.produce("offsets", 0, encode_batch([Record(b"x"), Record(b"y", timestamp=stamp + 5)],
                                                    timestamp=TIME + stamp))
    def rows(*stamps: int, partition: int = 0, epoch: int = -1, **more: Any) -> List[Dict[str, Any]]:
        return [{"Name": "offsets", "Partitions": [
            {"PartitionIndex": partition, "Timestamp": stamp, "CurrentLeaderEpoch": epoch, **more}
            for stamp in stamps]}]
    for version in range(10):
        for stamp in (-1, -2, -3, -4, -5, -6, TIME, TIME + 1000, TIME + 1003, TIME + 2500, TIME + 3005,
                      TIME + 4006, 0, 2**62):
            for partition in (0, 1):
                more = {"MaxNumOffsets": 3} if version == 0 else {}
                t.note(f"v{version} {stamp} partition {partition}", "ListOffsets", version, ReplicaId=-1,
                       Topics=rows(stamp, partition=partition, **more))
        t.note(f"v{version} no such partition", "ListOffsets", version, ReplicaId=-1,
               Topics=rows(-1, partition=9))
        t.note(f"v{version} twice", "ListOffsets", version, ReplicaId=-1, Topics=rows(-1, -1))
        t.note(f"v{version} no topics", "ListOffsets", version, ReplicaId=-1, Topics=[])
        t.note(f"v{version} no such topic", "ListOffsets", version, ReplicaId=-1, Topics=[
            {"Name": "offsets-unknown", "Partitions": [{"PartitionIndex": 0, "Timestamp": -1}]}])
        t.note(f"v{version} bad topic", "ListOffsets", version, ReplicaId=-1, Topics=[
            {"Name": "a/b", "Partitions": [{"PartitionIndex": 0, "Timestamp": -1}]}])
        if version >= 2:
            t.note(f"v{version} read committed", "ListOffsets", version, ReplicaId=-1, IsolationLevel=1,
                   Topics=rows(-1))
        if version >= 4:
            for epoch in (0, 1, 7):
                t.note(f"v{version} leader epoch {epoch}", "ListOffsets", version, ReplicaId=-1,
                       Topics=rows(-1, epoch=epoch))
    for replica in (-2, -3, 0, 5):
        t.note(f"replica {replica}", "ListOffsets", 5, ReplicaId=replica, Topics=rows(-1))
