"""Copiers as child processes, and the check of what they have copied."""

import json
import pathlib
import subprocess
import threading
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from lib import brokers, built, paths
from lib.brokers import Broker
from lib.client import Client
from lib.process import wait_until
from lib.wire import Batch, Record, encode_batch

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE_S = 60.0
PHASES = ("begin", "sent", "offsets", "commit", "committed")
PARTITIONS = 2
TRANSACTIONAL, CONTROL = 0x10, 0x20


class Copier:
    """JavaCopy or confluent_copy.py, and what it has told so far."""

    def __init__(self, kind: str, folder: pathlib.Path, broker: Broker, abort_every: int = 4,
                 source: str = "in", target: str = "out", **settings: object):
        self.events: List[Dict[str, Any]] = []
        self.kind = kind
        given = {"bootstrap.servers": broker.bootstrap, "group.id": "copiers",
                 "transactional.id": "copier", **{k.replace("_", "."): v for k, v in settings.items()}}
        self._errors = open(folder / f"{kind}-copier.log", "a", encoding="utf-8")
        self._child = subprocess.Popen(
            [*self._command(folder), source, target, str(abort_every),
             *(f"{key}={value}" for key, value in given.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _command(self, folder: pathlib.Path) -> List[str]:
        if self.kind == "java":
            return brokers.java_command(folder, str(HERE / "JavaCopy.java"), heap="256m")
        return [str(built.python_env(paths.CLIENTS / "python" / "requirements.txt")),
                str(HERE / "confluent_copy.py")]

    def __enter__(self) -> "Copier":
        return self

    def __exit__(self, *_: object) -> None:
        self.die()

    def _read(self) -> None:
        for line in self._child.stdout:
            if line.startswith("{"):
                self.events.append(json.loads(line))

    def count(self, event: str) -> int:
        return sum(one["event"] == event for one in list(self.events))

    def wait(self, event: str, count: int = 1) -> None:
        wait_until(lambda: self.count(event) >= count or self._child.poll() is not None,
                   f"{event} of the {self.kind} copier; it told {self.events[-5:]}", PATIENCE_S)
        if self.count(event) < count:
            raise AssertionError(f"the {self.kind} copier is gone: {self.events[-5:]}")

    def say(self, line: str) -> None:
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def hold(self, phase: str) -> None:
        """Waits until it stands in that phase of a transaction."""
        before = self.count("held")
        self.say(f"hold {phase}")
        self.wait("held", before + 1)

    def stop(self) -> None:
        self._child.stdin.close()
        self.wait("left")
        self._child.wait(PATIENCE_S)

    def die(self) -> None:
        self._child.kill()
        self._child.wait()
        self._errors.close()


def feed(broker: Broker, first: int, count: int, topic: str = "in") -> None:
    """Numbers as values, to the partitions in turn."""
    with Client(broker.address) as client:
        for partition in range(PARTITIONS):
            values = [n for n in range(first, first + count) if n % PARTITIONS == partition]
            if values:
                client.produce_records(topic, partition, [Record(str(n).encode(), None) for n in values])


def batches_of(broker: Broker, topic: str, partition: int) -> List[Batch]:
    """Everything that the partition holds, markers, too."""
    with Client(broker.address) as client:
        end = client.offset_of(topic, partition, -1)
        return list(client.read_batches(topic, partition, client.offset_of(topic, partition, -2), end))


def encode_transactional(record: Record, producer: int, epoch: int, sequence: int) -> bytes:
    return encode_batch([record], attributes=TRANSACTIONAL, producer_id=producer, producer_epoch=epoch,
                        base_sequence=sequence)


class Broken(AssertionError):
    """What was copied is not what exactly once means."""


def committed(batches: Sequence[Batch]) -> List[Tuple[str, int]]:
    """(transaction, value) of every record in a committed transaction, in the order of the log.

    Each transaction must end in a marker of its own: what stands between two markers of a producer
    carries one tag.
    """
    open_now: Dict[int, List[Record]] = {}
    found: List[Tuple[int, str, int]] = []
    for batch in batches:
        if batch.attributes & CONTROL:
            records = open_now.pop(batch.producer_id, [])
            tags = {bytes(record.key) for _, record in records}
            if len(tags) > 1:
                raise Broken(f"a marker before offset {batch.base_offset} is missing: it ends {tags}")
            if batch.records[0].key[3] == 1:
                found += [(offset, record.key.decode(), int(record.value)) for offset, record in records]
        elif batch.attributes & TRANSACTIONAL:
            rows = [(batch.base_offset + index, record) for index, record in enumerate(batch.records)]
            open_now.setdefault(batch.producer_id, []).extend(rows)
        else:
            raise Broken(f"a batch outside of transactions at offset {batch.base_offset}")
    if open_now:
        raise Broken(f"transactions without an end: producers {sorted(open_now)}")
    return [(tag, value) for _, tag, value in sorted(found)]


def check(partitions: Dict[int, List[Batch]], count: int) -> None:
    """Each of the numbers below `count` stands exactly once, in its partition, in its order."""
    for partition, batches in partitions.items():
        values = [value for _, value in committed(batches)]
        wanted = [n for n in range(count) if n % PARTITIONS == partition]
        if values != wanted:
            twice = sorted({n for n in values if values.count(n) > 1})
            raise Broken(f"partition {partition}: {len(values)} values for {len(wanted)}, missing "
                         f"{sorted(set(wanted) - set(values))[:10]}, twice {twice[:10]}")


def without(batches: Sequence[Batch], dropped: Batch) -> List[Batch]:
    return [batch for batch in batches if batch is not dropped]


def markers(batches: Sequence[Batch]) -> Iterator[Batch]:
    """Those that end records. A marker of a transaction that left none here ends nothing, and one that
    is followed by its like, written again after a kill or of such a transaction, is not needed."""
    open_now: Dict[int, int] = {}
    last: Dict[int, Batch] = {}  # of a producer: the marker that ended records, nothing since
    for batch in batches:
        producer = batch.producer_id
        if not batch.attributes & CONTROL:
            open_now[producer] = open_now.get(producer, 0) + 1
            if producer in last:
                yield last.pop(producer)
        elif open_now.pop(producer, 0):
            last[producer] = batch
        elif producer in last and last[producer].records[0].key[3] != batch.records[0].key[3]:
            yield last.pop(producer)
        else:
            last.pop(producer, None)
    yield from last.values()


def check_the_check(partitions: Dict[int, List[Batch]], count: int) -> int:
    """Without any one of the markers the check fails; how many there were."""
    seen = 0
    for partition, batches in partitions.items():
        for marker in markers(batches):
            seen += 1
            try:
                check({**partitions, partition: without(batches, marker)}, count)
            except Broken:
                continue
            raise AssertionError(f"nobody misses the marker at {partition}/{marker.base_offset}")
    return seen


def stable(broker: Broker, topic: str) -> bool:
    """Whether read_committed reaches the end of every partition."""
    with Client(broker.address) as client:
        for partition in range(PARTITIONS):
            answers = [client.ask("ListOffsets", 5, ReplicaId=-1, IsolationLevel=isolation, Topics=[
                {"Name": topic, "Partitions": [{"PartitionIndex": partition, "CurrentLeaderEpoch": -1,
                                                "Timestamp": -1}]}]) for isolation in (0, 1)]
            ends = [answer["Topics"][0]["Partitions"][0]["Offset"] for answer in answers]
            if ends[0] != ends[1]:
                return False
    return True


def committed_offsets(broker: Broker, group: str = "copiers") -> List[int]:
    with Client(broker.address) as client:
        answer = client.ask("OffsetFetch", 7, GroupId=group, RequireStable=True, Topics=[
            {"Name": "in", "PartitionIndexes": list(range(PARTITIONS))}])
        if answer["ErrorCode"] or not answer["Topics"]:
            return []
        return [row["CommittedOffset"] for row in answer["Topics"][0]["Partitions"]]


def wait_copied(broker: Broker, count: int, copier: Optional[Copier] = None) -> Dict[int, List[Batch]]:
    """Waits until the offsets of everything are committed and nothing is open, and checks it."""
    wanted = [len([n for n in range(count) if n % PARTITIONS == p]) for p in range(PARTITIONS)]
    wait_until(lambda: committed_offsets(broker) == wanted and stable(broker, "out"),
               f"{count} records are copied; {copier.events[-5:] if copier else ''}", PATIENCE_S)
    partitions = {p: batches_of(broker, "out", p) for p in range(PARTITIONS)}
    check(partitions, count)
    return partitions
