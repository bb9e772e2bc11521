"""Compares the log dirs of two stopped brokers, file by file, byte by byte."""

import json
import pathlib
import re
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

from frames import APPEND_TIME
from lib.wire import TornBatch, decode_batches

# A difference that must be: a pattern over "place: what", and the reason.
EXPECTED: Sequence[Tuple[str, str]] = (
    (r"^barnabas\.[a-z.-]+: only ours$",
     "plain files of our own in a log dir are called barnabas.*; Kafka ignores them"),
    (r"^\.lock: only ours$",
     "Kafka deletes the lock as it stops; of two that open it at that moment each could then lock a "
     "file of its own"),
)


class Difference(NamedTuple):
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def crash(log_dir: pathlib.Path, topics: Sequence[str]) -> None:
    """Makes the log dir of a stopped broker look as after a crash long after the last checkpoint:
    the last batch of every partition torn, no index and no producer snapshot left."""
    (log_dir / ".kafka_cleanshutdown").unlink()
    (log_dir / "recovery-point-offset-checkpoint").write_text("0\n0\n")
    for folder in partition_folders(log_dir, topics).values():
        last = max(folder.glob("*.log"))
        last.write_bytes(last.read_bytes()[:-7])
        for path in folder.iterdir():
            if path.suffix in (".index", ".timeindex", ".snapshot"):
                path.unlink()


def partition_folders(log_dir: pathlib.Path, topics: Sequence[str]) -> Dict[str, pathlib.Path]:
    found = {}
    for path in log_dir.iterdir():
        if path.is_dir() and path.name.rpartition("-")[0] in topics:
            found[path.name] = path
    return found


_MAX_TIMESTAMP, _CRC = slice(35, 43), slice(17, 21)


def _append_times(data: bytes) -> Dict[bytes, int]:
    """The append time of every batch of a log, by the batch's number."""
    found, at = {}, 0
    while at + 61 <= len(data):
        found.setdefault(data[at:][_MAX_TIMESTAMP], len(found))
        at += int.from_bytes(data[at + 8:at + 12], "big") + 12
    return found


def _without_append_times(path: pathlib.Path, data: bytes) -> bytes:
    """A log whose batches, all whole (their CRCs are checked), have no append time; a time index that
    names the batch in the place of the time."""
    if path.suffix == ".log":
        decode_batches(data, partial_tail=False)
        out, at = bytearray(data), 0
        while at < len(data):
            for field in (_MAX_TIMESTAMP, _CRC):
                out[at + field.start:at + field.stop] = bytes(field.stop - field.start)
            at += int.from_bytes(data[at + 8:at + 12], "big") + 12
        return bytes(out)
    if path.suffix == ".timeindex":
        numbers = _append_times(path.with_suffix(".log").read_bytes())
        return b"".join(b"%d " % numbers.get(data[at:at + 8], -1) + data[at + 8:at + 12]
                        for at in range(0, len(data), 12))
    return data


def masked(path: pathlib.Path) -> bytes:
    """The file's bytes, without what two brokers can never share."""
    data = path.read_bytes()
    if path.parent.name.rpartition("-")[0] in APPEND_TIME:
        data = _without_append_times(path, data)
    if path.name == "partition.metadata":  # every topic gets a random id of its own
        return re.sub(rb"(?m)^topic_id: [A-Za-z0-9_-]{22}$", b"topic_id: *", data)
    if path.name == "meta.properties":  # the date of writing, and random ids
        text = re.sub(rb"(?m)^#.*\n", b"", data)
        text = re.sub(rb"(?m)^(cluster\.id|directory\.id)=.*$", rb"\1=*", text)
        return b"\n".join(sorted(text.split(b"\n")))
    if path.name == ".kafka_cleanshutdown":  # the broker epoch is a zxid
        return json.dumps({**json.loads(data), "brokerEpoch": "*"}, sort_keys=True).encode()
    if path.name.endswith("-checkpoint") and path.parent.name.startswith("data-"):
        return b"\n".join(sorted(data.split(b"\n")))  # a map's order, which says nothing
    return data


def first_difference(one: bytes, other: bytes) -> str:
    at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
    start = max(0, at - 8)
    return (f"{len(one)} and {len(other)} bytes, different from byte {at}: "
            f"...{one[start:at + 24].hex(' ')} and ...{other[start:at + 24].hex(' ')}")


def _batch_at(path: pathlib.Path, data: bytes, at: int) -> str:
    if path.suffix != ".log":
        return ""
    try:
        position = 0
        for batch in decode_batches(data):
            size = int.from_bytes(data[position + 8:position + 12], "big") + 12
            if position + size > at:
                return f" (byte {at - position} of the batch {batch._replace(records=())})"
            position += size
    except TornBatch as error:
        return f" ({error})"
    return ""


def compare_files(place: str, one: pathlib.Path, other: pathlib.Path) -> Iterator[Difference]:
    left, right = masked(one), masked(other)
    if left != right:
        at = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), 0)
        yield Difference(place, first_difference(left, right) + _batch_at(one, left, at))


def _plain_files(folder: pathlib.Path) -> Dict[str, pathlib.Path]:
    return {path.name: path for path in folder.iterdir() if path.is_file()}


def compare_folders(place: str, one: pathlib.Path, other: pathlib.Path) -> Iterator[Difference]:
    left, right = _plain_files(one), _plain_files(other)
    for name in sorted(set(left) | set(right)):
        where = f"{place}/{name}" if place else name
        if name not in right:
            yield Difference(where, "only Kafka's")
        elif name not in left:
            yield Difference(where, "only ours")
        else:
            yield from compare_files(where, left[name], right[name])


def compare(kafka: pathlib.Path, ours: pathlib.Path, topics: Sequence[str]) -> List[Difference]:
    """Every difference that is not in EXPECTED; and how much was compared is printed."""
    found: List[Difference] = list(compare_folders("", kafka, ours))
    left, right = partition_folders(kafka, topics), partition_folders(ours, topics)
    for name in sorted(set(left) | set(right)):
        if name not in left or name not in right:
            found.append(Difference(name, "only Kafka's" if name in left else "only ours"))
        else:
            found += compare_folders(name, left[name], right[name])
    files = [path for folder in left.values() for path in folder.iterdir()]
    kinds: Dict[str, int] = {}
    for path in files:
        kinds[path.suffix or path.name] = kinds.get(path.suffix or path.name, 0) + 1
    print(f"compared {len(left)} partitions, {len(files)} files, "
          f"{sum(path.stat().st_size for path in files)} bytes: "
          + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())), flush=True)
    return [one for one in found if not any(re.search(p, str(one)) for p, _ in EXPECTED)]
