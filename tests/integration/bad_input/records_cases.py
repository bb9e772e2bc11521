"""Produce requests whose records are not what they must be.

The connection always lives, nothing of a refused batch is stored, and no answer is -1: Java clients
take UNKNOWN_SERVER_ERROR for one that may be retried and write duplicates.
"""

import gzip
import struct
import zlib
from typing import Iterable, Optional

from bench import TIME, Bench, add, case, framed, good_batch, produce_error, produce_frame, require
from lib.wire import Record, encode_batch, encode_record, unsigned_varint, varint

GROUP = __name__
NONE, CORRUPT, INVALID, TOO_LARGE, BAD_CODEC = 0, 2, 87, 10, 76
THREE = [Record(b"one", b"k1"), Record(None, b"k2", (("h", b"v"), ("n", None))), Record(b"three")]
PLAIN = b"".join(encode_record(record, index, TIME) for index, record in enumerate(THREE))
GOOD = encode_batch(THREE, timestamp=TIME)
GIB = 1 << 30


def expect(b: Bench, name: str, records: Optional[bytes], codes: Iterable[int],
           version: int = 8) -> None:
    """Sends them, then a good batch on the same connection; the refused one leaves no offset."""
    topic = b.new_topic(name.replace("_", "-"))
    with b.client() as client:
        answer = client.produce(topic, 0, records, version=version)
        code = answer["ErrorCode"]
        require(code in codes, f"error {code} is not one of {sorted(codes)}: {answer}")
        end = client.offset_of(topic, 0, -1)
        require(code == NONE or end == 0, f"refused with {code}, but the log ends at {end}")
        require(produce_error(client, topic, GOOD) == NONE, "a good batch on the same connection")
        require(client.offset_of(topic, 0, -1) == end + 3, "the good batch is all that was added")
        client.fetch(topic, 0, 0)


def batch(**wrong: object) -> bytes:
    return encode_batch(THREE, timestamp=TIME, **wrong)


def compressed(codec: int, payload: bytes, count: int = 3) -> bytes:
    return encode_batch(THREE[:1], timestamp=TIME, attributes=codec, payload=payload, count=count,
                        last_offset_delta=count - 1)


def stored_in(codec: int, plain: bytes) -> bytes:
    """Each codec's simplest form: stored blocks for lz4 and zstd, literals for snappy."""
    if codec == 1:
        return gzip.compress(plain, mtime=0)
    if codec == 2:
        block = unsigned_varint(len(plain)) + bytes([60 << 2, len(plain) - 1]) + plain
        return b"\x82SNAPPY\0" + struct.pack(">iii", 1, 1, len(block)) + block
    if codec == 3:
        return (bytes.fromhex("04224d18604082") + struct.pack("<I", len(plain) | 0x80000000) + plain
                + bytes(4))
    return (bytes.fromhex("28b52ffd20") + bytes([len(plain)])
            + struct.pack("<I", len(plain) << 3 | 1)[:3] + plain)


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


ROWS = {
    "records_length_minus_1": (None, [INVALID]),
    "bad_crc": (flipped(GOOD, -3), [CORRUPT]),
    "magic_9": (batch(magic=9), [CORRUPT]),
    "magic_minus_1": (batch(magic=-1), [CORRUPT]),
    "batch_length_20": (batch(length=20), [CORRUPT]),
    "batch_length_minus_9": (batch(length=-9), [CORRUPT]),
    "batch_longer_than_the_payload": (batch(length=len(GOOD) + 100), [INVALID]),
    "batch_truncated": (GOOD[:-7], [INVALID]),
    "batch_header_truncated": (GOOD[:30], [INVALID]),
    "records_empty": (b"", [INVALID]),
    "no_record_in_the_batch": (encode_batch([], timestamp=TIME, last_offset_delta=0), [INVALID]),
    "two_batches": (GOOD + GOOD, [INVALID]),
    "record_count_high": (batch(count=4), [INVALID]),
    "record_count_negative": (batch(count=-1), [INVALID]),
    "record_count_largest": (batch(count=2**31 - 1), [INVALID]),
    "record_count_low": (batch(count=2), [INVALID]),
    "last_offset_delta_high": (batch(last_offset_delta=9), [INVALID]),
    "last_offset_delta_low": (batch(last_offset_delta=1), [INVALID]),
    "last_offset_delta_largest": (batch(last_offset_delta=2**31 - 1), [INVALID]),
    "base_offset_77": (batch(base_offset=77), [INVALID]),
    "record_length_negative": (batch(payload=b"\x05" + PLAIN[1:]), [INVALID]),
    "record_length_largest": (batch(payload=varint(2**31 - 1) + PLAIN[1:]), [INVALID]),
    "headers_2_to_the_30": (encode_batch(THREE[:1], timestamp=TIME,
                                         payload=b"\x16\0\0\0\1\1" + varint(2**30)), [INVALID]),
    "control_batch": (batch(attributes=0x20), [INVALID]),
    "producer_id_with_epoch_minus_1": (batch(producer_id=71, producer_epoch=-1, base_sequence=0),
                                       [INVALID]),
    "magic_0": (batch(magic=0), [INVALID]),
    "offset_deltas_5_and_3": (encode_batch(
        THREE[:2], timestamp=TIME,
        payload=encode_record(THREE[0], 5, TIME) + encode_record(THREE[1], 3, TIME)), [INVALID]),
    "junk_behind_a_batch": (GOOD + b"nine junk", [NONE, INVALID]),
    "transactional_without_an_id": (batch(attributes=0x10), [53]),
    "batch_length_largest": (batch(length=2**31 - 1), [CORRUPT, INVALID]),
    "codec_7": (batch(attributes=7), [BAD_CODEC]),
    "timestamp_2_to_the_62": (encode_batch([r._replace(timestamp=2**62) for r in THREE],
                                           timestamp=2**62), [NONE]),
    "timestamp_minus_2_to_the_60": (encode_batch([r._replace(timestamp=-2**60) for r in THREE],
                                                 timestamp=-2**60), [NONE]),
}
for _codec, _number in (("gzip", 1), ("snappy", 2), ("lz4", 3), ("zstd", 4)):
    _payload = stored_in(_number, PLAIN)
    ROWS[f"{_codec}_garbage"] = (compressed(_number, b"garbage that is nothing"), [CORRUPT, INVALID])
    ROWS[f"{_codec}_truncated"] = (compressed(_number, _payload[:-20]), [CORRUPT, INVALID])

for _name, (_records, _codes) in ROWS.items():
    add(GROUP, _name, lambda b, row=(_name, _records, _codes): expect(b, *row))


@case()
def codecs_are_right(b: Bench) -> None:
    """What the rows above break is accepted whole."""
    for codec in (1, 2, 3, 4):
        expect(b, f"codec-{codec}-good", compressed(codec, stored_in(codec, PLAIN)), [NONE])


@case()
def records_length_minus_5(b: Bench) -> None:
    topic = b.new_topic("records-length-minus-5")
    frame = produce_frame(topic, None)
    require(frame.endswith(b"\xff" * 4), "the length is the last field")
    with b.client() as client:
        client.connection.send(frame[:-4] + struct.pack(">i", -5))
        answer = client.receive("Produce", 8, 1)
        code = answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"]
        require(code == INVALID, f"error {code}")
        require(produce_error(client, topic, GOOD) == NONE, "the connection lives")


@case()
def unknown_producer_on_a_partition_with_data(b: Bench) -> None:
    """Accepted (KIP-360): its state may have expired."""
    topic = b.new_topic("unknown-producer")
    with b.client() as client:
        require(produce_error(client, topic, GOOD) == NONE, "data")
        code = produce_error(client, topic, batch(producer_id=9001, producer_epoch=0, base_sequence=5))
        require(code == NONE, f"error {code}")


@case()
def first_sequence_5_then_0(b: Bench) -> None:
    """Refused as out of order, so that the batch before it is not lost for good."""
    topic = b.new_topic("first-sequence")
    with b.client() as client:
        codes = [produce_error(client, topic, batch(producer_id=9002, producer_epoch=0,
                                                    base_sequence=sequence)) for sequence in (5, 0)]
        require(codes == [45, NONE], f"errors {codes}")


@case()
def gzip_of_2_million_tiny_records(b: Bench) -> None:
    count = 2_000_000
    record = b"\x0c\0\0\0\1\1\0"
    expect(b, "gzip-tiny", compressed(1, gzip.compress(record * count, 1, mtime=0), count),
           [CORRUPT, INVALID])


@case()
def gib_of_zeros_in_gzip(b: Bench) -> None:
    """Larger than message.max.bytes as it comes, so nobody needs to look inside."""
    one = bytes(1 << 20)
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    piece = deflate.compress(one) + deflate.flush(zlib.Z_FULL_FLUSH)
    payload = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + piece * 1024 + deflate.flush()
    expect(b, "gzip-gib", compressed(1, payload, 1), [TOO_LARGE])


def zeros_in_zstd(size: int, first: bytes = b"") -> bytes:
    """A frame of run-length blocks, 4 bytes for each 128 KiB, behind a stored block of `first`."""
    block = 128 << 10
    head = bytes.fromhex("28b52ffd0038")  # no content size, a window of 128 KiB
    if first:
        head += struct.pack("<I", len(first) << 3)[:3] + first
    run = struct.pack("<I", block << 3 | 1 << 1)[:3] + b"\0"
    last = struct.pack("<I", block << 3 | 1 << 1 | 1)[:3] + b"\0"
    return head + run * (size // block - 1) + last


@case(peak_mib=8)
def gib_of_zeros_in_zstd(b: Bench) -> None:
    """33 KiB that would be a GiB: read in pieces, given up at the first record that is none."""
    payload = zeros_in_zstd(GIB)
    require(len(payload) < 34_000, "a small batch")
    expect(b, "zstd-gib", compressed(4, payload, 1), [INVALID])


@case(peak_mib=8)
def gib_in_one_record_in_zstd(b: Bench) -> None:
    """The same GiB as the value of a record, and too short: all of it is read, none of it kept."""
    body = b"\0\0\0\1" + varint(GIB + (1 << 20))
    expect(b, "zstd-gib-record", compressed(
        4, zeros_in_zstd(GIB, varint(len(body) + GIB + (1 << 20) + 1) + body), 1), [INVALID])


def plain_answer(b: Bench, code: int, acks: int = -1, partition: int = 0,
                 timeout_ms: int = 15000) -> None:
    topic = b.new_topic(f"plain-{acks}-{partition}-{timeout_ms}")
    with b.client() as client:
        client.connection.send(produce_frame(topic, GOOD, partition, acks=acks,
                                             timeout_ms=timeout_ms))
        answer = client.receive("Produce", 8, 1)
        got = answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"]
        require(got == code, f"error {got}, not {code}")
        require(produce_error(client, topic, GOOD) == NONE, "the connection lives")


add(GROUP, "acks_7", lambda b: plain_answer(b, 21, acks=7))
add(GROUP, "partition_minus_1", lambda b: plain_answer(b, 3, partition=-1))
add(GROUP, "partition_largest", lambda b: plain_answer(b, 3, partition=2**31 - 1))
add(GROUP, "timeout_minus_1", lambda b: plain_answer(b, NONE, timeout_ms=-1))
