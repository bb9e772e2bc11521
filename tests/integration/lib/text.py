"""The records that clients carry: lines of a real text, with keys, headers and nulls among them.

The same records go through every client and must come back byte for byte: 10,000 in a test, as many
as `--records` says in a soak. `to_bytes` and `from_bytes` are the plain format in which they are
handed to clients in other languages and back: each record is partition (int32), offset (int64), key,
value (int32 length, -1 for null, bytes), header count (int32) and the headers (name and value in the
same form), all big-endian.
"""

import struct
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

from . import paths
from .wire import Record

COUNT = 10_000
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def lines() -> List[bytes]:
    text = paths.TEXT.read_bytes().expandtabs(8).splitlines()
    if len(text) < 100:
        raise paths.Missing(f"{paths.TEXT} is not the text it should be")
    return text


def records(count: int = COUNT) -> List[Record]:
    """The text again and again, each line numbered; every kind of key, value and header in it."""
    text = lines()
    return [_record(index, text[index % len(text)]) for index in range(count)]


def _record(index: int, line: bytes) -> Record:
    key: Optional[bytes] = b"line-%d" % index
    value: Optional[bytes] = b"%06d %s" % (index, line)
    headers: Tuple[Tuple[str, Optional[bytes]], ...] = ()
    if index % 7 == 3:
        key = None
    if index % 53 == 7:
        value = b""
    if index % 101 == 50:
        key, value = b"gone-%d" % index, None
    if index % 13 == 5:
        headers = (("n", b"%d" % index),)
    if index % 29 == 11:
        headers = (("origin", "caf\u00e9".encode()), ("empty", b""), ("none", None), ("origin", b"2"))
    return Record(value, key, headers)


class Placed(NamedTuple):
    """A record and where it was read."""
    partition: int
    offset: int
    record: Record


def _field(value: Optional[bytes]) -> bytes:
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value


def to_bytes(placed: Sequence[Placed]) -> bytes:
    out = []
    for partition, offset, record in placed:
        out += [struct.pack(">iq", partition, offset), _field(record.key), _field(record.value),
                struct.pack(">i", len(record.headers))]
        for name, value in record.headers:
            out += [_field(name.encode()), _field(value)]
    return b"".join(out)


def from_bytes(data: bytes) -> Iterator[Placed]:
    at = 0

    def field() -> Optional[bytes]:
        nonlocal at
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if size < 0:
            return None
        at += size
        return data[at - size:at]

    while at < len(data):
        partition, offset = struct.unpack_from(">iq", data, at)
        at += 12
        key, value = field(), field()
        (count,) = struct.unpack_from(">i", data, at)
        at += 4
        headers = tuple((field().decode(), field()) for _ in range(count))
        yield Placed(partition, offset, Record(value, key, headers))


def place(wanted: Sequence[Record], partitions: int) -> List[Placed]:
    """Where each record belongs: the partitions take turns, each keeps the order."""
    return [Placed(i % partitions, i // partitions, record) for i, record in enumerate(wanted)]


def difference(wanted: Sequence[Placed], got: Sequence[Placed]) -> Optional[str]:
    """None when both hold the same records at the same places; otherwise the first difference."""
    def plain(placed: Placed) -> Tuple[object, ...]:
        record = placed.record
        return (placed.partition, placed.offset, record.key, record.value, record.headers)
    left, right = sorted(map(plain, wanted), key=_place), sorted(map(plain, got), key=_place)
    for one, other in zip(left, right):
        if one != other:
            return f"wanted {one}\n   got {other}"
    if len(left) != len(right):
        return f"wanted {len(left)} records, got {len(right)}"
    return None


def _place(row: Tuple[object, ...]) -> Tuple[object, object]:
    return row[0], row[1]
