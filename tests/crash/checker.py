"""Whether what a broker holds after a crash keeps what it promised before: a pure function.

The promise: a record that was acknowledged (or read) lies at its offset with its bytes; offsets have
no gap; a batch is there as a whole or not at all; what an idempotent producer sent is there once.
Retention may take records away, but only from the front.
"""

from typing import Dict, Iterable, List, NamedTuple, Sequence, Set, Tuple

from lib.wire import Batch

Place = Tuple[str, int]  # topic and partition


class Promise(NamedTuple):
    """A record that somebody was told about: acknowledged to its producer, or handed to a reader."""
    topic: str
    partition: int
    offset: int
    payload: bytes
    why: str


class PartitionLog(NamedTuple):
    """What was read back: the offsets the broker names, and every batch between them."""
    start: int
    end: int
    batches: Sequence[Batch]


def payload(producer: str, batch: int, index: int, count: int, filling: bytes = b"") -> bytes:
    """A record's value: it names its producer, its batch, and its place among the batch's records."""
    return b"%s|%d|%d|%d|" % (producer.encode(), batch, index, count) + filling


def _name(value: bytes) -> Tuple[bytes, int, int, int]:
    producer, batch, index, count, _ = value.split(b"|", 4)
    return producer, int(batch), int(index), int(count)


def check(promises: Iterable[Promise], logs: Dict[Place, PartitionLog], *, once: Set[str],
          trimmed: Set[str]) -> List[str]:
    """Everything that is wrong, in words; nothing when every promise is kept.

    `once` are the topics that only idempotent producers write to, `trimmed` those with retention.
    """
    wrong: List[str] = []
    stored: Dict[Place, Dict[int, bytes]] = {}
    for place, log in logs.items():
        wrong += _check_offsets(place, log)
        wrong += _check_whole(place, log)
        if place[0] in once:
            wrong += _check_once(place, log)
        if log.start != 0 and place[0] not in trimmed:
            wrong.append(f"{place}: starts at {log.start}, but nothing may be deleted there")
        stored[place] = {record.offset: record.value for batch in log.batches
                         for record in batch.records}
    for promise in promises:
        place = (promise.topic, promise.partition)
        if place not in logs:
            wrong.append(f"{place}: gone, with the record {promise.why} at {promise.offset}")
        elif promise.offset >= logs[place].start:
            found = stored[place].get(promise.offset)
            if found != promise.payload:
                wrong.append(f"{place}: the record {promise.why} at {promise.offset}, "
                             f"{promise.payload[:40]!r}, is {found and found[:40]!r}")
    return wrong


def _check_offsets(place: Place, log: PartitionLog) -> List[str]:
    wrong, expected = [], None
    for batch in log.batches:
        if expected is None and not batch.base_offset <= log.start <= batch.last_offset:
            wrong.append(f"{place}: starts at {log.start}, the first batch is {_range(batch)}")
        if expected is not None and batch.base_offset != expected:
            wrong.append(f"{place}: a gap: {_range(batch)} follows {expected - 1}")
        offsets = [record.offset for record in batch.records]
        if offsets != list(range(batch.base_offset, batch.last_offset + 1)):
            wrong.append(f"{place}: the batch {_range(batch)} holds the offsets {offsets}")
        expected = batch.last_offset + 1
    if (log.start if expected is None else expected) != log.end:
        wrong.append(f"{place}: ends at {log.end}, the last batch before {expected}")
    return wrong


def _check_whole(place: Place, log: PartitionLog) -> List[str]:
    wrong = []
    for batch in log.batches:
        names = [_name(record.value) for record in batch.records]
        first = names[0] if names else (b"", 0, 0, -1)
        whole = [(first[0], first[1], index, first[3]) for index in range(first[3])]
        if names != whole:
            wrong.append(f"{place}: the batch {_range(batch)} is torn: {names}")
    return wrong


def _check_once(place: Place, log: PartitionLog) -> List[str]:
    wrong, seen = [], {}
    for batch in log.batches:
        for record in batch.records:
            name = _name(record.value)
            if name in seen:
                wrong.append(f"{place}: {name} lies at {seen[name]} and again at {record.offset}")
            seen[name] = record.offset
    return wrong


def _range(batch: Batch) -> str:
    return f"{batch.base_offset}..{batch.last_offset}"
