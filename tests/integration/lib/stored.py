"""What lies on a broker's disk: the codec of every batch, read from the .log files themselves."""

import pathlib
import struct
from typing import Iterator, NamedTuple

from .brokers import Broker
from .text import CODECS

_HEADER = 61  # of a batch of magic 2: base offset, length, epoch, magic, CRC, attributes, ...
FEW = 8       # so few short records may come out larger than they went in; clients then send them plain


class StoredBatch(NamedTuple):
    base_offset: int
    magic: int
    codec: str
    count: int


def batches(log: pathlib.Path) -> Iterator[StoredBatch]:
    """Every batch of one segment, by its header alone."""
    data = log.read_bytes()
    at = 0
    while at + _HEADER <= len(data):
        offset, length = struct.unpack_from(">qi", data, at)
        if length <= 0:
            return  # the preallocated rest
        magic = data[at + 16]
        (attributes,) = struct.unpack_from(">h", data, at + 21)
        (count,) = struct.unpack_from(">i", data, at + 57)
        yield StoredBatch(offset, magic, CODECS[attributes & 7], count)
        at += 12 + length


def check_codec(broker: Broker, topic: str, codec: str, wanted: int) -> None:
    """The records of a topic lie in batches of that codec, and there are as many as wanted.

    Clients send a batch plain that its codec would make larger: allowed for batches of a few
    records, and for at most a hundredth of all.
    """
    records = {name: 0 for name in CODECS}
    segments = [log for folder in broker.log_dirs for log in folder.glob(f"{topic}-[0-9]*/*.log")]
    for log in segments:
        for batch in batches(log):
            if batch.magic != 2:
                raise AssertionError(f"{log} has a batch of magic {batch.magic}")
            if batch.codec != codec and (batch.codec != "none" or batch.count > FEW):
                raise AssertionError(f"{topic}: {batch} was to be {codec}")
            records[batch.codec] += batch.count
    if sum(records.values()) != wanted:
        raise AssertionError(f"{topic}: {sum(records.values())} records on disk, not {wanted}")
    if records[codec] < wanted * 0.99:
        raise AssertionError(f"{topic}: only {records[codec]} of {wanted} records are {codec}")
