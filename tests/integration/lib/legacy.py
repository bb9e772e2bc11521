"""Messages of magic 0 and 1, as clients of old send and read them."""

import gzip
import struct
import zlib
from typing import Any, List, NamedTuple, Optional, Sequence, Union

from .wire import Record

GZIP = 1


class Message(NamedTuple):
    """One message as it was read; a gzip wrapper's value is the messages in it."""
    offset: int
    magic: int
    attributes: int
    timestamp: Optional[int]
    key: Optional[bytes]
    value: Union[bytes, List["Message"], None]


def _field(value: Optional[bytes]) -> bytes:
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value


def encode_message(record: Record, offset: int = 0, magic: int = 1, attributes: int = 0,
                   crc: Optional[int] = None, size: Optional[int] = None) -> bytes:
    body = struct.pack(">bb", magic, attributes)
    if magic == 1:
        body += struct.pack(">q", -1 if record.timestamp is None else record.timestamp)
    body += _field(record.key) + _field(record.value)
    if crc is None:
        crc = zlib.crc32(body)
    return struct.pack(">qiI", offset, len(body) + 4 if size is None else size, crc) + body


def encode_set(records: Sequence[Record], magic: int = 1) -> bytes:
    return b"".join(encode_message(r, i, magic) for i, r in enumerate(records))


def encode_wrapper(payload: bytes, codec: int = GZIP, magic: int = 1, offset: int = 0,
                   timestamp: Optional[int] = None) -> bytes:
    """A wrapper around `payload`, which is compressed here for gzip, and given as it is otherwise."""
    value = gzip.compress(payload, mtime=0) if codec == GZIP else payload
    return encode_message(Record(value, timestamp=timestamp), offset, magic, codec)


def decode_set(data: bytes) -> List[Message]:
    """Every whole message; what is cut off at the end, or says that it goes on, is left out."""
    messages: List[Message] = []
    at = 0
    while len(data) - at >= 12:
        offset, size = struct.unpack_from(">qi", data, at)
        if offset < 0 or len(data) - at - 12 < size:
            break
        (crc,) = struct.unpack_from(">I", data, at + 12)
        body = data[at + 16:at + 12 + size]
        if zlib.crc32(body) != crc:
            raise AssertionError(f"the CRC of the message at offset {offset} does not hold")
        messages.append(_decode(offset, body))
        at += 12 + size
    return messages


def _decode(offset: int, body: bytes) -> Message:
    magic, attributes = struct.unpack_from(">bb", body, 0)
    at, timestamp = 2, None
    if magic == 1:
        (timestamp,) = struct.unpack_from(">q", body, at)
        at += 8
    fields: List[Any] = []
    for _ in range(2):
        (size,) = struct.unpack_from(">i", body, at)
        at += 4
        fields.append(None if size < 0 else body[at:at + size])
        at += max(size, 0)
    if at != len(body):
        raise AssertionError(f"the sizes of the message at offset {offset} do not fit it")
    key, value = fields
    if attributes & 7 == GZIP and value is not None:
        value = decode_set(gzip.decompress(value))
    return Message(offset, magic, attributes, timestamp, key, value)
