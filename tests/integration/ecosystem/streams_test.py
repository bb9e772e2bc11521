"""Kafka Streams 3.9.1: the tutorial's word count, with its repartition and changelog topics, restored
from the changelog after its local state is gone, and after a kill -9 of the broker or of itself.

    streams_test.py GUARANTEE [--broker kafka]          at_least_once or exactly_once_v2
"""

import argparse
import collections
import struct
import sys
import time
from typing import Dict, Iterable, List, Tuple

import jars
from lib import brokers
from lib.brokers import Broker
from lib.client import Client
from lib.process import WaitTimeout, wait_until
from lib.wire import Record
from told import Told

APP, INPUT, OUTPUT, PARTITIONS = "count", "quickstart-events", "output-topic", 2
SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 5,
            "transaction.state.log.num.partitions": 5}
WORDS = "all streams lead to kafka hello kafka streams join kafka summit".split()
CONTROL = 0x20


class Differs(Exception):
    """The counts are not what was written."""


class Lines:
    """Writes lines to the input and knows how often each word is in them."""

    def __init__(self, broker: Broker):
        self.broker = broker
        self.counts: Dict[str, int] = collections.Counter()
        self.number = 0

    def write(self, count: int) -> None:
        with Client(self.broker.address) as client:
            for _ in range(count):
                line = [WORDS[(self.number * 3 + i) % len(WORDS)] for i in range(4)]
                self.counts.update(line)
                client.produce_records(INPUT, self.number % PARTITIONS,
                                       [Record(" ".join(line).encode(),
                                               timestamp=int(time.time() * 1000))])
                self.number += 1


def output(client: Client) -> List[Tuple[str, int]]:
    """Every count in the output, in the order of its partitions."""
    found = []
    for partition in range(PARTITIONS):
        end = client.offset_of(OUTPUT, partition, -1)
        for batch in client.read_batches(OUTPUT, partition, 0, end):
            if not batch.attributes & CONTROL:
                found += [(record.key.decode(), struct.unpack(">q", record.value)[0])
                          for record in batch.records]
    return found


def check_order(found: Iterable[Tuple[str, int]], exactly_once: bool) -> None:
    """A word's count goes up one by one; with at_least_once it may be written again, never skipped."""
    last: Dict[str, int] = {}
    for word, count in found:
        before = last.get(word, 0)
        if count > before + 1 or (exactly_once and count != before + 1):
            raise Differs(f"{word}: {count} after {before}")
        last[word] = count


def wait_counts(lines: Lines, program: Told) -> None:
    with Client(lines.broker.address) as client:
        def reached() -> bool:
            if program.ended():
                raise WaitTimeout(f"the program ended: {program.lines[-5:]}")
            return dict(output(client)) == lines.counts
        try:
            wait_until(reached, "the counts", 60.0, 0.1)
        except WaitTimeout as error:
            raise Differs(f"{error}: {dict(output(client))} instead of {dict(lines.counts)}; "
                          f"{program.lines}\n{program.log.read_text(errors='replace')[-2000:]}") from None


def check_topics(broker: Broker) -> None:
    wanted = {f"{APP}-counts-repartition": "delete", f"{APP}-counts-changelog": "compact"}
    with Client(broker.address) as client:
        answer = client.ask("DescribeConfigs", 4, Resources=[
            {"ResourceType": 2, "ResourceName": name, "ConfigurationKeys": ["cleanup.policy"]}
            for name in wanted])
    found = {row["ResourceName"]: row["Configs"][0]["Value"] for row in answer["Results"]}
    if found != wanted:
        raise Differs(f"internal topics: {found}")


def run(broker: Broker, guarantee: str, folder) -> None:
    with Client(broker.address) as client:
        client.create_topic(INPUT, PARTITIONS)
        client.create_topic(OUTPUT, PARTITIONS)
    command = brokers.java_command(folder, "WordCount", heap="256m",
                                   class_path=jars.compiled("kafka", "WordCount.java"))
    settings = {"application.id": APP, "bootstrap.servers": broker.bootstrap,
                "state.dir": folder / "state", "processing.guarantee": guarantee,
                "num.stream.threads": 2, "commit.interval.ms": 100, "replication.factor": 1,
                "statestore.cache.max.bytes": 0, "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 500, "transaction.timeout.ms": 10000}
    command += [INPUT, OUTPUT, *(f"{key}={value}" for key, value in settings.items())]
    lines = Lines(broker)
    lines.write(60)
    with Told(command, folder / "streams.log") as program:
        program.say("start")
        wait_counts(lines, program)
        check_topics(broker)
        program.say("stop")
        program.say("forget")
        lines.write(60)
        program.say("start")
        wait_counts(lines, program)
        restored = [line for line in program.lines if line.startswith("restored")]
        if sum(int(line.split()[2]) for line in restored) < len(set(WORDS)):
            raise Differs(f"the state was not restored: {restored}")
        if broker.kind == "barnabas":  # Kafka's session in ZooKeeper would have to end first
            broker.kill()
            broker.start()
            lines.write(60)
            wait_counts(lines, program)
        with Client(broker.address) as client:
            check_order(output(client), guarantee == "exactly_once_v2")
        program.say("stop")
        errors = [line for line in program.lines if line.startswith("error")]
        if errors:
            raise Differs(f"Streams gave up: {errors}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("guarantee", choices=("at_least_once", "exactly_once_v2"))
    parser.add_argument("--broker", default="barnabas", choices=("barnabas", "kafka"))
    chosen = parser.parse_args()
    jars.compiled("kafka", "WordCount.java")
    began = time.monotonic()
    with brokers.scratch() as folder, brokers.start(chosen.broker, folder, SETTINGS) as broker:
        try:
            run(broker, chosen.guarantee, folder)
        except (Differs, WaitTimeout) as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    print(f"Streams, {chosen.guarantee}: passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
