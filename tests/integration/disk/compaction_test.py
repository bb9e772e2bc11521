"""Kafka 3.9.1 and Barnabas clean copies of one log dir, and leave the same records.

    compaction_test.py [--kafka-twice]

Kafka writes a round without a cleaner and stops. Both brokers then clean a copy each: the same
segments, batches, offsets, keys, values, transaction markers and entries of the transaction index
must be left, and the same checkpoint, by the word of Kafka's DumpLogSegments. What we have cleaned is
what Kafka goes on with in the second round, in which tombstones and markers have come of age.
"""

import argparse
import pathlib
import shutil
import sys
import time
from typing import Dict, List

from compaction import TOPICS, checkpoint, create_topics, dump, write
from lib import brokers, zookeeper
from lib.brokers import Broker
from lib.client import Client
from lib.process import WaitTimeout, free_port

SETTINGS = {
    "num.recovery.threads.per.data.dir": 1,
    "auto.create.topics.enable": "false",
    # Markers are written without a coordinator here.
    "transaction.partition.verification.enable": "false",
    "log.cleaner.backoff.ms": 100,
    "log.retention.check.interval.ms": 3_600_000,
    "file.delete.delay.ms": 1,
    "controlled.shutdown.enable": "false",
}
COUNTED = 4  # of dirty segments' worth of differences that are printed


class Differs(Exception):
    """The two cleaners did not do the same."""


class Place:
    """One server.properties for whoever runs: the port, the log dir and the tree stay."""

    def __init__(self, folder: pathlib.Path, server: zookeeper.Server):
        self.folder, self.log_dir = folder, folder / "data"
        self.port = free_port()
        self.settings = {**SETTINGS, "zookeeper.connect": f"{server.address}/chroot",
                         "listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
                         "log.dirs": str(self.log_dir)}

    def broker(self, kind: str, clean: bool) -> Broker:
        made = {"kafka": brokers.Kafka, "barnabas": brokers.Barnabas}[kind](
            self.folder, {**self.settings, "log.cleaner.enable": str(clean).lower()})
        made.port, made.log_dirs = self.port, [self.log_dir]
        return made.start()


def active_base(log_dir: pathlib.Path, topic: str) -> int:
    return max(int(path.stem) for path in (log_dir / f"{topic}-0").glob("*.log"))


def wait_cleaned(broker: Broker, place: Place, wanted: Dict[str, int]) -> None:
    try:
        broker.process.wait_until(lambda: checkpoint(place.log_dir) == wanted, "the logs are clean", 60.0)
    except WaitTimeout:
        raise Differs(f"{broker.kind} has cleaned up to {checkpoint(place.log_dir)} instead of "
                      f"{wanted}\n{broker.process.log_tail()}") from None
    with Client(broker.address) as client:
        for name, topic in TOPICS.items():
            if topic.deletes:
                broker.process.wait_until(
                    lambda: client.offset_of(name, 0, -2) == LIMITS[name],  # noqa: B023
                    f"{name} loses its old segments up to {LIMITS[name]}")


def clean(kind: str, place: Place, source: pathlib.Path, wanted: Dict[str, int]) -> Dict[str, List[str]]:
    """Lets a broker clean a copy of `source`, which ends up in the place; what is in it then."""
    shutil.rmtree(place.log_dir, ignore_errors=True)
    shutil.copytree(source, place.log_dir)
    began = time.monotonic()
    with place.broker(kind, clean=True) as broker:
        wait_cleaned(broker, place, wanted)
        broker.stop()
    took = time.monotonic() - began
    found = dump(place.log_dir, place.folder)
    print(f"{kind} has cleaned {len(wanted)} logs in {took:.1f} s: {len(found)} files, "
          f"{sum(map(len, found.values()))} lines", flush=True)
    return found


def check_same(kafka: Dict[str, List[str]], ours: Dict[str, List[str]]) -> None:
    wrong = [name for name in sorted(set(kafka) | set(ours)) if kafka.get(name) != ours.get(name)]
    for name in wrong[:COUNTED]:
        one, other = kafka.get(name, []), ours.get(name, [])
        at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
        print(f"DIFFERENT {name}, line {at} of {len(one)} and {len(other)}\n"
              f"  Kafka: {one[at:at + 2]}\n  ours:  {other[at:at + 2]}")
    if wrong:
        raise Differs(f"{len(wrong)} files: {wrong[:20]}")


def expected(source: pathlib.Path, round_: int) -> Dict[str, int]:
    """How far each log is clean afterwards; what is not to be cleaned is not in it, or stays."""
    before = checkpoint(source)
    wanted = {name: active_base(source, name) for name, topic in TOPICS.items() if topic.compacted}
    for name in ("c-open", "c-young"):
        wanted[name] = LIMITS[name]
    if round_ == 1:
        wanted["c-dirty-enough"] = before["c-dirty-enough"]
    return wanted


LIMITS: Dict[str, int] = {}


def note_limits(source: pathlib.Path, broker: Broker) -> None:
    """The segment in which the open transaction, or the young part, begins."""
    with Client(broker.address) as client:
        opened = client.ask("DescribeProducers", 0, Topics=[
            {"Name": "c-open", "PartitionIndexes": [0]}])["Topics"][0]["Partitions"][0]
        firsts = {"c-open": min(one["CurrentTxnStartOffset"] for one in opened["ActiveProducers"]
                                if one["CurrentTxnStartOffset"] >= 0),
                  **{name: client.offset_of(name, 0, int(time.time() * 1000) - 86_400_000)
                     for name in ("c-young", "c-deleted-too")}}
    for name, offset in firsts.items():
        bases = sorted(int(path.stem) for path in (source / f"{name}-0").glob("*.log"))
        LIMITS[name] = max(base for base in bases if base <= offset)


def run(place: Place, second: str) -> None:
    for round_ in (0, 1):
        with place.broker("kafka", clean=False) as kafka:
            if round_ == 0:
                create_topics(kafka)
            write(kafka, round_, int(time.time() * 1000))
            if round_ == 0:
                note_limits(place.log_dir, kafka)
            kafka.stop()
        source = place.folder / f"written-{round_}"
        shutil.copytree(place.log_dir, source)
        wanted = expected(source, round_)
        theirs = clean("kafka", place, source, wanted)
        ours = clean(second, place, source, wanted)
        check_same(theirs, ours)
        written = dump(source, place.folder)
        if theirs == written or sum(map(len, theirs.values())) > 0.8 * sum(map(len, written.values())):
            raise Differs("the cleaners had nothing to do")
        print(f"round {round_}: {len(theirs)} files are the same; "
              f"{sum(map(len, written.values()))} lines before", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka-twice", action="store_true")
    second = "kafka" if parser.parse_args().kafka_twice else "barnabas"
    began = time.monotonic()
    with brokers.scratch() as folder, zookeeper.Server(folder) as server:
        with zookeeper.Session(server.port) as session:
            session.create("/chroot")
        try:
            run(Place(folder, server), second)
        except (Differs, AssertionError) as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    print(f"passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
