"""Kafka Connect 3.9.1: lines of a file go through a topic into another file.

    connect_test.py standalone|distributed [--kafka]

standalone: the tutorial's step, then lines appended, then the worker stopped and started again.
distributed: connectors made over REST; the internal topics are compacted; the worker is killed and
another one takes over, and so is the broker; a connector is paused, resumed and deleted.
"""

import json
import sys
import time
from typing import Dict

from connect import Files, Worker, sink, source
from lib import brokers
from lib.brokers import Broker
from lib.client import Client

TOPIC = "connect-test"
SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 3}
INTERNAL = ("connect-configs", "connect-offsets", "connect-status")


class Differs(Exception):
    """Connect does not do what it does with Kafka."""


def check_topic(broker: Broker, wanted: int, again: bool = False) -> None:
    """The records are what the tutorial's console consumer shows."""
    with Client(broker.address) as client:
        end = client.offset_of(TOPIC, 0, -1)
        values = [json.loads(record.value) for batch in client.read_batches(TOPIC, 0, 0, end)
                  for record in batch.records]
    if len(values) != wanted and not (again and len(values) > wanted):
        raise Differs(f"{len(values)} records instead of {wanted}")
    if values[0] != {"schema": {"type": "string", "optional": False}, "payload": "foo"}:
        raise Differs(f"the first record is {values[0]}")


def standalone(broker: Broker, folder) -> None:
    files = Files(folder)
    files.append("foo", "bar")
    with Worker(folder, broker, "ConnectStandalone",
                {"offset.storage.file.filename": folder / "connect.offsets"},
                [source(folder, TOPIC), sink(folder, TOPIC)]) as worker:
        files.wait_exported(worker.process)
        files.append("Another line", *(f"line {i}" for i in range(200)))
        files.wait_exported(worker.process)
        worker.stop()
        files.append("while it was down")
        worker.start()
        files.wait_exported(worker.process)
        worker.stop()
    check_topic(broker, len(files.lines))


def check_internal_topics(broker: Broker) -> None:
    with Client(broker.address) as client:
        answer = client.ask("DescribeConfigs", 4, Resources=[
            {"ResourceType": 2, "ResourceName": name, "ConfigurationKeys": ["cleanup.policy"]}
            for name in INTERNAL])
        policies: Dict[str, str] = {row["ResourceName"]: row["Configs"][0]["Value"]
                                    for row in answer["Results"]}
    if policies != dict.fromkeys(INTERNAL, "compact"):
        raise Differs(f"internal topics: {policies}")


def distributed(broker: Broker, folder) -> None:
    began = time.monotonic()

    def done(what: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)
    files = Files(folder)
    files.append("foo", "bar")
    with Worker(folder, broker, "ConnectDistributed", {
            "group.id": "connect-cluster", "config.storage.topic": INTERNAL[0],
            "offset.storage.topic": INTERNAL[1], "status.storage.topic": INTERNAL[2],
            "config.storage.replication.factor": 1, "offset.storage.replication.factor": 1,
            "status.storage.replication.factor": 1, "offset.storage.partitions": 3,
            "status.storage.partitions": 2, "session.timeout.ms": 6000, "heartbeat.interval.ms": 500,
            "consumer.session.timeout.ms": 6000, "consumer.heartbeat.interval.ms": 500,
            "scheduled.rebalance.max.delay.ms": 0}, []) as worker:
        worker.wait_ready()
        done("the worker is up")
        for one in (source(folder, TOPIC), sink(folder, TOPIC)):
            worker.create(one)
        files.wait_exported(worker.process)
        done("lines came through")
        check_internal_topics(broker)
        worker.ask("PUT", "/connectors/local-file-sink/pause")
        files.append(*(f"line {i}" for i in range(100)))
        worker.ask("PUT", "/connectors/local-file-sink/resume")
        files.wait_exported(worker.process)
        done("paused and resumed")
        if broker.kind == "barnabas":  # Kafka's session in ZooKeeper would have to end first
            broker.kill()
            broker.start()
            files.append("after the broker")
            files.wait_exported(worker.process, again=True)
            done("the broker was killed")
        worker.kill()  # its offsets of the last half second may be lost: lines come again
        files.append("while nobody was there")
        worker.start()
        worker.wait_ready()
        worker.wait_running("local-file-source", "local-file-sink")
        files.wait_exported(worker.process, again=True)
        done("the worker was killed")
        worker.ask("DELETE", "/connectors/local-file-sink")
        if worker.ask("GET", "/connectors") != ["local-file-source"]:
            raise Differs("a deleted connector is there")
        worker.stop()
        done("stopped")
    check_topic(broker, len(files.lines), again=True)


def main() -> int:
    mode = {"standalone": standalone, "distributed": distributed}[sys.argv[1]]
    kind = "kafka" if "--kafka" in sys.argv else "barnabas"
    began = time.monotonic()
    with brokers.scratch() as folder, brokers.start(kind, folder, SETTINGS) as broker:
        try:
            mode(broker, folder)
        except (Differs, AssertionError) as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    print(f"Connect, {sys.argv[1]}: passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
