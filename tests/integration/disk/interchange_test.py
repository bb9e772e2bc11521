"""Kafka 3.9.1 and Barnabas take turns on one server.properties: the same log dirs, the same ZooKeeper,
the same chroot. Nothing that either stored is lost, changed or doubled.

    interchange_test.py [--kafka-twice]

Turns: Kafka (clean stop), Barnabas (clean stop), Kafka (kill -9), Barnabas (kill -9), Kafka. Each one
must serve every byte that was there before, read_uncommitted and read_committed, under the same topic
ids, and goes on writing. While one runs, the other must refuse to start.
"""

import argparse
import pathlib
import subprocess
import sys
import time
from typing import Dict, Tuple

from interchange import (TOPICS, Served, Writer, advertises, commit_offsets, committed_offset, served,
                         topic_ids)
from lib import brokers, zookeeper
from lib.brokers import Broker
from lib.client import Client
from lib.process import free_port, wait_until

SETTINGS = {
    "num.recovery.threads.per.data.dir": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    "auto.create.topics.enable": "false",
    "log.cleaner.backoff.ms": 100,
    "message.max.bytes": 1048588,
}
Everything = Dict[Tuple[str, int], Served]


class Differs(Exception):
    """A broker does not serve what another one stored."""


class Turns:
    """One server.properties that brokers take in turn."""

    def __init__(self, folder: pathlib.Path, server: zookeeper.Server):
        self.folder, self.zookeeper = folder, server
        self.port = free_port()
        self.log_dirs = [folder / f"data-{index}" for index in range(2)]
        self.settings = {**SETTINGS, "zookeeper.connect": f"{server.address}/chroot",
                         "listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
                         "log.dirs": ",".join(str(path) for path in self.log_dirs)}

    def kill(self, broker: Broker) -> None:
        """kill -9, and the end of its session without the wait for it: its ephemeral nodes go."""
        broker.kill()
        with zookeeper.Session(self.zookeeper.port) as session:
            for path in ("/chroot/controller", "/chroot/brokers/ids/0"):
                session.delete(path)

    def broker(self, kind: str, **more: object) -> Broker:
        made = {"kafka": brokers.Kafka, "barnabas": brokers.Barnabas}[kind](
            self.folder, {**self.settings, **more}, log_dirs=2)
        made.port, made.log_dirs = self.port, self.log_dirs
        return made


def check_same(who: str, before: Everything, after: Everything) -> None:
    wrong = [f"{topic}-{partition} {name}" for (topic, partition), old in before.items()
             for name, one, other in zip(Served._fields, old, after[topic, partition]) if one != other]
    if wrong:
        for name in wrong[:5]:
            place, field = name.split(" ")
            topic, _, partition = place.rpartition("-")
            key = (topic, int(partition))
            print(f"DIFFERENT {name}: {getattr(before[key], field)!r:.300} "
                  f"then {getattr(after[key], field)!r:.300}")
        raise Differs(f"{who} does not serve what was there: {wrong[:10]}")
    size = sum(len(one.records) for one in after.values())
    print(f"{who} serves all {len(after)} partitions, {size} bytes, as they were", flush=True)


def check_refused(turns: Turns, kind: str) -> None:
    """A second broker on the same directories goes away with the lock's name, and touches nothing."""
    port = free_port()
    other = turns.broker(kind, listeners=f"PLAINTEXT://127.0.0.1:{port}")
    other.folder = turns.folder / f"refused-{kind}"
    other.folder.mkdir(exist_ok=True)
    before = {path: path.stat().st_mtime_ns for folder in turns.log_dirs for path in folder.iterdir()}
    done = subprocess.run(other.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    after = {path: path.stat().st_mtime_ns for folder in turns.log_dirs for path in folder.iterdir()}
    if done.returncode == 0 or ".lock" not in done.stdout:
        raise Differs(f"{kind} started where another one holds the lock: {done.stdout[-800:]}")
    changed = [path.name for path in set(before) | set(after) if before.get(path) != after.get(path)
               and not path.name.endswith(("-checkpoint", ".tmp", ".lock")) and not path.is_dir()]
    if changed:
        raise Differs(f"{kind}, refused, changed {changed}")
    print(f"{kind} is refused while the lock is held")


def wait_for_compaction(broker: Broker) -> None:
    """Until the cleaner has taken records out of the compacted topic."""
    def compacted() -> bool:
        with Client(broker.address) as client:
            first = next(iter(client.read_batches("swap-compacted", 0, 0,
                                                  client.offset_of("swap-compacted", 0, -1))))
        return first.base_offset > 0 or len(first.records) < first.last_offset - first.base_offset + 1
    wait_until(compacted, "the cleaner comes by", 60.0)


def take_over(turns: Turns, kind: str, before: Everything, ids: Dict[str, bytes],
              offset: Tuple[int, str]) -> Broker:
    """Starts the next broker, which must serve all that was there."""
    began = time.monotonic()
    broker = turns.broker(kind)
    broker.start()
    check_same(f"{kind} ({time.monotonic() - began:.1f} s to start)", before, served(broker))
    if topic_ids(broker) != ids:
        raise Differs(f"{kind} has other topic ids")
    if advertises(broker, "OffsetFetch") and committed_offset(broker) != offset:
        raise Differs(f"{kind} has another committed offset: {committed_offset(broker)}")
    return broker


def go_on(writer: Writer, broker: Broker) -> None:
    """What the broker of this turn adds: transactions, too, where it coordinates them."""
    writer.write(broker)
    if advertises(broker, "AddPartitionsToTxn"):
        writer.commit_open(broker)
        writer.transact(broker)


def run(turns: Turns, second: str) -> None:
    writer = Writer()
    with turns.broker("kafka") as kafka:
        kafka.start()
        writer.create_topics(kafka)
        served(kafka)  # waits for leaders
        writer.write(kafka)
        writer.transact(kafka)
        commit_offsets(kafka, 11)
        ids, offset = topic_ids(kafka), (11, "at 11")
        wait_for_compaction(kafka)
        if second == "barnabas":
            check_refused(turns, second)
        state = served(kafka)
        if not any(one.aborted for one in state.values()) or state["swap-transactions", 1].stable_end == \
                state["swap-transactions", 1].end:
            raise Differs("the test lost its transactions")
        kafka.stop()
    with take_over(turns, second, state, ids, offset) as ours:
        go_on(writer, ours)
        check_refused(turns, "kafka")
        state = served(ours)
        ours.stop()
    with take_over(turns, "kafka", state, ids, offset) as kafka:
        go_on(writer, kafka)
        commit_offsets(kafka, 22)
        offset = (22, "at 22")
        state = served(kafka)
        turns.kill(kafka)
    with take_over(turns, second, state, ids, offset) as ours:
        go_on(writer, ours)
        state = served(ours)
        turns.kill(ours)
    with take_over(turns, "kafka", state, ids, offset) as kafka:
        go_on(writer, kafka)
        kafka.stop()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka-twice", action="store_true")
    second = "kafka" if parser.parse_args().kafka_twice else "barnabas"
    began = time.monotonic()
    with brokers.scratch() as folder, zookeeper.Server(folder) as server:
        with zookeeper.Session(server.port) as session:
            session.create("/chroot")
        try:
            run(Turns(folder, server), second)
        except Differs as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    print(f"{len(TOPICS)} topics changed hands four times in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
