"""Frames over TCP, and the record batches in them: what a test sends byte by byte."""

import ctypes
import ctypes.util
import socket
import struct
from typing import List, NamedTuple, Optional, Sequence, Tuple


class Closed(Exception):
    """The other side closed the connection instead of answering."""


class Silent(Closed):
    """The connection is open, but nothing came in time."""


class Connection:
    """One connection; frames go out with their length before them and come back without."""

    def __init__(self, address: Tuple[str, int], timeout_s: float = 20.0):
        self.socket = socket.create_connection(address, timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send_raw(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed(str(error)) from None

    def send(self, frame: bytes) -> None:
        self.send_raw(struct.pack(">i", len(frame)) + frame)

    def receive(self) -> bytes:
        (size,) = struct.unpack(">i", self._exactly(4))
        return self._exactly(size)

    def is_closed_by_peer(self, timeout_s: float = 10.0) -> bool:
        """Waits for the end of the stream; False when data or nothing at all comes instead."""
        self.socket.settimeout(timeout_s)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size > 0:
            try:
                part = self.socket.recv(min(size, 1 << 20))
            except ConnectionResetError:
                part = b""
            except socket.timeout:
                raise Silent("no answer in time") from None
            if not part:
                raise Closed("end of stream")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _table_crc32c() -> "callable":
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)

    def crc(data: bytes) -> int:
        state = 0xFFFFFFFF
        for byte in data:
            state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
        return state ^ 0xFFFFFFFF
    return crc


def _find_crc32c() -> "callable":
    """ISA-L's, which the program under test links too; a slow one of ours where it is missing."""
    name = ctypes.util.find_library("isal")
    if not name:
        return _table_crc32c()
    function = ctypes.CDLL(name).crc32_iscsi
    function.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint]
    function.restype = ctypes.c_uint
    return lambda data: function(bytes(data), len(data), 0xFFFFFFFF) ^ 0xFFFFFFFF


crc32c = _find_crc32c()


def varint(value: int) -> bytes:
    """A signed (zig-zag) varint, as records hold them."""
    return unsigned_varint((value << 1) ^ (value >> 63) if value >= 0 else ((-value) << 1) - 1)


def unsigned_varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_unsigned_varint(data: bytes, at: int) -> Tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def read_varint(data: bytes, at: int) -> Tuple[int, int]:
    value, at = read_unsigned_varint(data, at)
    return (value >> 1) ^ -(value & 1), at


class Record(NamedTuple):
    """A record as a client sees it; None is null."""
    value: Optional[bytes]
    key: Optional[bytes] = None
    headers: Tuple[Tuple[str, Optional[bytes]], ...] = ()
    timestamp: Optional[int] = None
    offset: Optional[int] = None


class Batch(NamedTuple):
    """One record batch (magic 2) as it was read, uncompressed records decoded."""
    base_offset: int
    last_offset: int
    leader_epoch: int
    attributes: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: Tuple[Record, ...]


_HEAD = struct.Struct(">qiib")       # base offset, length, leader epoch, magic
_BODY = struct.Struct(">hiqqqhii")   # attributes .. record count: what the CRC begins with
HEADER_SIZE = 61


def _bytes_field(value: Optional[bytes]) -> bytes:
    return varint(-1) if value is None else varint(len(value)) + value


def encode_record(record: Record, offset_delta: int, base_timestamp: int) -> bytes:
    timestamp = base_timestamp if record.timestamp is None else record.timestamp
    body = [b"\0", varint(timestamp - base_timestamp), varint(offset_delta),
            _bytes_field(record.key), _bytes_field(record.value), varint(len(record.headers))]
    for name, value in record.headers:
        body += [varint(len(name.encode())), name.encode(), _bytes_field(value)]
    inside = b"".join(body)
    return varint(len(inside)) + inside


def encode_batch(records: Sequence[Record], *, base_offset: int = 0, timestamp: int = 1_700_000_000_000,
                 attributes: int = 0, producer_id: int = -1, producer_epoch: int = -1,
                 base_sequence: int = -1, magic: int = 2, leader_epoch: int = -1,
                 count: Optional[int] = None, last_offset_delta: Optional[int] = None,
                 payload: Optional[bytes] = None, crc: Optional[int] = None,
                 length: Optional[int] = None) -> bytes:
    """A batch; what is given beyond the records replaces what would be right (to send wrong ones)."""
    if payload is None:
        payload = b"".join(encode_record(r, i, timestamp) for i, r in enumerate(records))
    newest = max([timestamp] + [r.timestamp for r in records if r.timestamp is not None])
    if last_offset_delta is None:
        last_offset_delta = len(records) - 1
    body = _BODY.pack(attributes, last_offset_delta, timestamp, newest, producer_id, producer_epoch,
                      base_sequence, len(records) if count is None else count) + payload
    if crc is None:
        crc = crc32c(body)
    if length is None:
        length = len(body) + 9
    return _HEAD.pack(base_offset, length, leader_epoch, magic) + struct.pack(">I", crc) + body


class TornBatch(Exception):
    """Bytes that should be whole batches are not."""


def _decode_records(payload: bytes, count: int, base_offset: int, base_timestamp: int) -> List[Record]:
    records, at = [], 0
    for _ in range(count):
        size, at = read_varint(payload, at)
        end = at + size
        at += 1
        delta_time, at = read_varint(payload, at)
        delta, at = read_varint(payload, at)
        fields = []
        for _ in range(2):
            length, at = read_varint(payload, at)
            fields.append(None if length < 0 else payload[at:at + length])
            at += max(length, 0)
        header_count, at = read_varint(payload, at)
        headers = []
        for _ in range(header_count):
            length, at = read_varint(payload, at)
            name = payload[at:at + length].decode()
            at += length
            length, at = read_varint(payload, at)
            headers.append((name, None if length < 0 else payload[at:at + length]))
            at += max(length, 0)
        if at != end:
            raise TornBatch(f"a record's length is wrong in the batch at {base_offset}")
        records.append(Record(fields[1], fields[0], tuple(headers), base_timestamp + delta_time,
                              base_offset + delta))
    if at != len(payload):
        raise TornBatch(f"{len(payload) - at} bytes too many in the batch at {base_offset}")
    return records


def decode_batches(data: bytes, *, partial_tail: bool = True) -> List[Batch]:
    """Every whole batch of a fetch answer or a segment, its CRC checked.

    A last batch that is cut short is what fetch answers may end with; with `partial_tail` false it
    is an error, as it is in a file. Compressed batches come without their records.
    """
    batches, at = [], 0
    while at < len(data):
        left = len(data) - at
        if left >= 12:
            base_offset, length = struct.unpack_from(">qi", data, at)
            if length < HEADER_SIZE - 12:
                raise TornBatch(f"batch length {length} at byte {at}")
        if left < 12 or left < 12 + length:
            if partial_tail:
                break
            raise TornBatch(f"the last batch, at byte {at}, is cut short")
        _, _, epoch, magic = _HEAD.unpack_from(data, at)
        if magic != 2:
            raise TornBatch(f"magic {magic} at byte {at}")
        (crc,) = struct.unpack_from(">I", data, at + 17)
        body = data[at + 21:at + 12 + length]
        if crc32c(body) != crc:
            raise TornBatch(f"the CRC of the batch at offset {base_offset} does not hold")
        (attributes, last_delta, first_time, _, producer_id, producer_epoch, base_sequence,
         count) = _BODY.unpack_from(body)
        records: Sequence[Record] = ()
        if attributes & 7 == 0:
            records = _decode_records(body[_BODY.size:], count, base_offset, first_time)
        batches.append(Batch(base_offset, base_offset + last_delta, epoch, attributes, producer_id,
                             producer_epoch, base_sequence, tuple(records)))
        at += 12 + length
    return batches
