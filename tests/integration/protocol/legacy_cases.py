"""Produce 0 to 2 and Fetch 0 to 3: messages of magic 0 and 1, converted up and down."""

import gzip
import struct
from typing import Any, Dict, List

from lib import legacy
from lib.legacy import encode_message, encode_set, encode_wrapper
from lib.wire import Record, encode_batch
from data_cases import compressed, data
from target import Target, case

TIME = 1_700_000_000_000
OLD = range(3)
RECORDS = [Record(b"one", b"k1", timestamp=TIME), Record(None, b"k2", timestamp=TIME + 5),
           Record(b"three", timestamp=TIME + 2)]
PLAIN = [Record(b"a line of text that is long enough %d" % i, b"key", timestamp=TIME + i)
         for i in range(10)]


def produce(t: Target, label: str, version: int, topic: str, partition: int, records: Any,
            acks: int = -1) -> Any:
    return t.note(label, "Produce", version, Acks=acks, TimeoutMs=10000,
                  TopicData=data(topic, (partition, records)))


def stored(t: Target, label: str, topic: str, partition: int) -> None:
    """What lies in the log, byte for byte: gzip is zlib's on both sides."""
    part = t.client.fetch(topic, partition, 0)
    t.keep(label, f"Fetch of {topic}-{partition}", {
        name: part[name] for name in ("ErrorCode", "HighWatermark", "Records")})


@case
def legacy_produce(t: Target) -> None:
    t.client.create_topic("legacy", 6)
    for version in OLD:
        for magic in (0, 1):
            place = version * 2 + magic
            produce(t, f"v{version} magic {magic}", version, "legacy", place,
                    encode_set(RECORDS, magic))
            produce(t, f"v{version} magic {magic} gzip", version, "legacy", place,
                    encode_wrapper(encode_set(PLAIN, magic), magic=magic))
            stored(t, f"v{version} magic {magic} stored", "legacy", place)
        produce(t, f"v{version} magic 2", version, "legacy", version,
                encode_batch(RECORDS, timestamp=TIME))
        produce(t, f"v{version} nothing", version, "legacy", 0, b"")
        produce(t, f"v{version} a cut message", version, "legacy", 0, encode_set(RECORDS)[:20])
        produce(t, f"v{version} acks 1", version, "legacy", 0, encode_set(RECORDS), 1)
        produce(t, f"v{version} acks 7", version, "legacy", 0, encode_set(RECORDS), 7)
        produce(t, f"v{version} unknown topic", version, "legacy-unknown", 0, encode_set(RECORDS))
        produce(t, f"v{version} no such partition", version, "legacy", 99, encode_set(RECORDS))
        produce(t, f"v{version} nothing at all, no such partition", version, "legacy", 99, b"")
        t.note(f"v{version} no topics", "Produce", version, Acks=1, TimeoutMs=1000, TopicData=[])


@case
def legacy_produce_codecs(t: Target) -> None:
    t.client.create_topic("legacy-codecs", 12)
    number = 0
    for magic in (0, 1):
        inside = encode_set(PLAIN, magic)
        for codec, name in ((1, "gzip"), (2, "snappy"), (3, "lz4")):
            payload = inside if codec == 1 else compressed(codec, inside)
            for offset in (0, 9):
                produce(t, f"magic {magic} {name} offset {offset}", 2, "legacy-codecs", number,
                        encode_wrapper(payload, codec, magic, offset, TIME + 9))
                part = t.client.fetch("legacy-codecs", number, 0)
                t.keep(f"magic {magic} {name} offset {offset} stored", "Fetch",
                       {"header": part["Records"][16:17] + part["Records"][21:61],
                        "HighWatermark": part["HighWatermark"]})
                number += 1


def bad_sets() -> Dict[str, bytes]:
    good = encode_set(RECORDS)
    flipped = bytearray(good)
    flipped[-1] ^= 1
    inside = encode_set(PLAIN)
    bad_inner = bytearray(inside)
    bad_inner[-1] ^= 1
    other = encode_set(PLAIN, 0)
    rows = {
        "bad crc": bytes(flipped), "crc 0": encode_message(RECORDS[0], crc=0),
        "junk behind": good + b"nine junk", "zeroes behind": good + bytes(40),
        "a cut message behind": good + good[:20], "ten bytes": good[:10],
        "mixed magic": good + encode_message(RECORDS[0], 3, 0),
        "mixed magic, 2 behind": good + encode_batch(RECORDS, timestamp=TIME),
        "mixed magic, 2 before": encode_batch(RECORDS, timestamp=TIME) + good,
        "two batches": encode_batch(RECORDS, timestamp=TIME) * 2,
        "two wrappers": encode_wrapper(inside) * 2, "wrapper behind": good + encode_wrapper(inside),
        "wrapper before": encode_wrapper(inside) + good,
        "inner crc": encode_wrapper(bytes(bad_inner)), "inner cut": encode_wrapper(inside[:-5]),
        "inner magic": encode_wrapper(other), "inner wrapper": encode_wrapper(encode_wrapper(inside)),
        "no inner messages": encode_wrapper(b""), "wrapper offset 3": encode_wrapper(inside, offset=3),
        "wrapper offset 9": encode_wrapper(inside, offset=9),
        "wrapper offset 100": encode_wrapper(inside, offset=100),
        "wrapper without value": encode_message(Record(None, timestamp=TIME), attributes=1),
        "zstd": encode_message(Record(b"x", timestamp=TIME), attributes=4),
        "codec 5": encode_message(Record(b"x", timestamp=TIME), attributes=5),
        "append time": encode_message(Record(b"x", timestamp=TIME), attributes=8),
        "not gzip": encode_message(Record(b"not gzip", timestamp=TIME), attributes=1),
        "timestamp -1": encode_message(Record(b"x", timestamp=-1)),
        "timestamp -2": encode_message(Record(b"x", timestamp=-2)),
        "key size": encode_message(RECORDS[0])[:26] + struct.pack(">i", 99) + bytes(10),
        "too large": encode_message(Record(bytes(1048588), timestamp=TIME)),
        "offsets 5, 5, 5": b"".join(encode_message(r, 5) for r in RECORDS),
    }
    for size in (-1, 0, 13, 14, 2**31 - 1):
        rows[f"size {size}"] = encode_message(RECORDS[0], size=size) + bytes(30)
    for magic in (-1, 3, 9):
        rows[f"magic {magic}"] = encode_message(RECORDS[0], magic=magic)
    return rows


@case
def legacy_produce_wrong(t: Target) -> None:
    rows = bad_sets()
    t.client.create_topic("legacy-wrong", len(rows))
    for index, (label, records) in enumerate(rows.items()):
        produce(t, label, 2, "legacy-wrong", index, records)
        stored(t, f"{label}, stored", "legacy-wrong", index)
    t.client.create_topic("legacy-compacted", 2, {"cleanup.policy": "compact"})
    for version in OLD:
        produce(t, f"v{version} no key, compacted", version, "legacy-compacted", 0, encode_set(RECORDS))
        produce(t, f"v{version} no key in a wrapper, compacted", version, "legacy-compacted", 1,
                encode_wrapper(encode_set(RECORDS)))


@case
def legacy_produce_by_topic(t: Target) -> None:
    t.client.create_topic("legacy-bounded", 1, {"message.timestamp.before.max.ms": "1000"})
    produce(t, "too old", 2, "legacy-bounded", 0, encode_set(RECORDS))
    produce(t, "no timestamps", 2, "legacy-bounded", 0, encode_set(RECORDS, 0))
    size = len(encode_message(RECORDS[0]))
    t.client.create_topic("legacy-small", 1, {"max.message.bytes": str(size)})
    produce(t, "grows beyond the bound", 2, "legacy-small", 0, encode_message(RECORDS[0]))
    produce(t, "beyond the bound", 2, "legacy-small", 0, encode_message(PLAIN[0]))
    t.client.create_topic("legacy-append-time", 1, {"message.timestamp.type": "LogAppendTime"})
    for magic in (0, 1):
        produce(t, f"append time, magic {magic}", 2, "legacy-append-time", 0,
                encode_set(RECORDS, magic))
    part = t.client.fetch("legacy-append-time", 0, 0)
    t.keep("append time, stored", "Fetch", {"attributes": part["Records"][21:23],
                                            "base timestamp": part["Records"][27:35]})


@case
def recompressed(t: Target) -> None:
    """compression.type: the codec of what is stored, whatever the producer's."""
    plain = encode_batch(PLAIN, timestamp=TIME)
    packed = encode_batch(PLAIN, timestamp=TIME, attributes=1, payload=gzip.compress(plain[61:]))
    for codec in ("uncompressed", "gzip", "snappy", "lz4", "zstd"):
        topic = f"codec-{codec}"
        t.client.create_topic(topic, 4, {"compression.type": codec})
        for index, (label, records, version) in enumerate((
                ("plain", plain, 8), ("gzip", packed, 8), ("old", encode_set(PLAIN), 2),
                ("old gzip", encode_wrapper(encode_set(PLAIN)), 2))):
            produce(t, f"{codec}, from {label}", version, topic, index, records)
            part = t.client.fetch(topic, index, 0)
            t.keep(f"{codec}, from {label}, stored", "Fetch",
                   {"header": part["Records"][:8] + part["Records"][12:17] + part["Records"][21:61]})
        odd = encode_batch(PLAIN, timestamp=TIME, attributes=5, payload=b"?")
        produce(t, f"{codec}, from what is none", 8, topic, 0, odd)
    t.client.create_topic("codec-levels", 1, {"compression.type": "gzip", "compression.gzip.level": "1"})
    produce(t, "gzip level 1", 8, "codec-levels", 0, plain)
    for topic in ("gzip", "snappy", "lz4", "zstd", "levels"):  # no two libraries pack to the same size
        t.delete_topic(f"codec-{topic}")


def fetch(t: Target, label: str, version: int, topic: str, parts: List[Dict[str, Any]],
          kind: str = "", **more: Any) -> Any:
    """Compares whole messages: Kafka fills an answer up to the size that it promised."""
    fields: Dict[str, Any] = {"ReplicaId": -1, "MaxWaitMs": 0, "MinBytes": 1, **more}
    if version >= 3:
        fields.setdefault("MaxBytes", 1 << 24)
    answer = t.client.ask("Fetch", version, Topics=[{"Topic": topic, "Partitions": parts}], **fields)
    wrong = False
    for partition in answer["Responses"][0]["Partitions"]:
        partition["Records"] = [m._asdict() for m in legacy.decode_set(partition["Records"] or b"")]
        wrong |= partition["ErrorCode"] != 0
    t.count("Fetch", version, kind or ("wrong" if wrong else "ordinary"))
    return t.keep(label, f"Fetch v{version} of {topic} {parts} {more}", answer)


def at(partition: int, offset: int, size: int = 1 << 20) -> Dict[str, Any]:
    return {"Partition": partition, "FetchOffset": offset, "PartitionMaxBytes": size}


@case
def legacy_fetch(t: Target) -> None:
    t.client.create_topic("old-fetch", 4)
    headers = [Record(b"with a header", b"k", (("h", b"v"),), TIME + 7), Record(None, None)]
    for records in (PLAIN, headers, RECORDS):
        t.client.produce("old-fetch", 0, encode_batch(records, timestamp=TIME))
    plain = encode_batch(PLAIN, timestamp=TIME)
    packed = encode_batch(PLAIN, timestamp=TIME, attributes=1, payload=gzip.compress(plain[61:]))
    for records in (packed, plain, packed):
        t.client.produce("old-fetch", 1, records)
    zstd = encode_batch(PLAIN, timestamp=TIME, attributes=4, payload=compressed(4, plain[61:]))
    for records in (plain, zstd, plain):
        t.client.produce("old-fetch", 2, records)
    for version in range(4):
        v = f"v{version} "
        for offset in (0, 3, 10, 12, 15):
            fetch(t, f"{v}from {offset}", version, "old-fetch", [at(0, offset)])
        for offset in (0, 4, 10, 20, 29):
            fetch(t, f"{v}gzip from {offset}", version, "old-fetch", [at(1, offset)])
        for offset in (0, 10, 12, 20):
            fetch(t, f"{v}zstd from {offset}", version, "old-fetch", [at(2, offset)])
        fetch(t, f"{v}several", version, "old-fetch", [at(0, 3), at(1, 0), at(3, 0)])
        fetch(t, f"{v}out of range", version, "old-fetch", [at(0, 99), at(1, 0)])
        fetch(t, f"{v}no such partition", version, "old-fetch", [at(9, 0), at(0, 0)])
        for size in (0, 1, 60, 100, 400, 900):
            fetch(t, f"{v}size {size}", version, "old-fetch", [at(0, 0, size), at(1, 0, size)])
        fetch(t, f"{v}waits in vain", version, "old-fetch", [at(0, 15)], MaxWaitMs=50)
        fetch(t, f"{v}as a follower", version, "old-fetch", [at(0, 0)], ReplicaId=7)
        t.note(f"{v}no topics", "Fetch", version, ReplicaId=-1, MaxWaitMs=0, MinBytes=1, Topics=[])
        t.note(f"{v}no such topic", "Fetch", version, ReplicaId=-1, MaxWaitMs=0, MinBytes=1,
               Topics=[{"Topic": "old-fetch-unknown", "Partitions": [at(0, 0)]}])
    for size in (100, 400, 900, 5000):
        fetch(t, f"v3 all of it {size}", 3, "old-fetch", [at(0, 0), at(1, 0)], MaxBytes=size)


@case
def legacy_fetch_by_topic(t: Target) -> None:
    t.client.create_topic("old-append-time", 1, {"message.timestamp.type": "LogAppendTime"})
    t.client.create_topic("old-switched-off", 1, {"message.downconversion.enable": "false"})
    t.client.create_topic("old-zstd", 1, {"compression.type": "zstd"})
    for topic in ("old-append-time", "old-switched-off", "old-zstd"):
        t.client.produce(topic, 0, encode_batch(PLAIN, timestamp=TIME))
    for version in range(4):
        fetch(t, f"v{version} switched off", version, "old-switched-off", [at(0, 0)])
        fetch(t, f"v{version} switched off, out of range", version, "old-switched-off", [at(0, 99)])
        fetch(t, f"v{version} zstd", version, "old-zstd", [at(0, 0)])
        answer = t.client.ask("Fetch", version, ReplicaId=-1, MaxWaitMs=0, MinBytes=1, Topics=[
            {"Topic": "old-append-time", "Partitions": [at(0, 0)]}])
        messages = legacy.decode_set(answer["Responses"][0]["Partitions"][0]["Records"])
        t.keep(f"v{version} append time", "Fetch", [
            (m.offset, m.attributes, m.timestamp is not None and m.timestamp > TIME) for m in messages])
    for version in range(4, 11):
        answer = t.client.ask("Fetch", version, ReplicaId=-1, MaxWaitMs=0, MinBytes=1, MaxBytes=1 << 20,
                              Topics=[{"Topic": "old-zstd", "Partitions": [at(0, 0)]}])
        part = answer["Responses"][0]["Partitions"][0]
        t.keep(f"v{version} zstd", "Fetch", {**part, "Records": len(part["Records"] or b"") > 0})
