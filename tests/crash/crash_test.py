"""kill -9 under load at random moments; after each restart every promise is checked.

Half of the kills land within a roll, a retention pass, or the making or deleting of a topic. The seed
is printed; --seed (or BARNABAS_SEED) repeats the choices, though not the scheduling.

    crash_test.py [--seed N] [--kills 20] [--broker barnabas|kafka]
"""

import argparse
import os
import random
import select
import shutil
import sys
import time
from typing import Dict, List, Set

from checker import PartitionLog, Place, check
from lib import brokers
from lib.client import OFFSET_OUT_OF_RANGE, Client, FetchError
from lib.process import WaitTimeout, wait_until
from lib.wire import TornBatch
from load import Churner, IdempotentProducer, Producer, Reader, Worker
from moments import MOMENTS, Watch

PARTITIONS = 2
PATIENCE_S = 20.0
GENERATION = 5  # kills after which the topics are left alone and new ones taken
SMALL_SEGMENTS = {"segment.bytes": "32768", "index.interval.bytes": "1024"}
RETENTION = {**SMALL_SEGMENTS, "segment.bytes": "16384", "retention.bytes": "65536",
             "file.delete.delay.ms": "20"}
SETTINGS = {"log.retention.check.interval.ms": 40, "log.initial.task.delay.ms": 20,
            "log.flush.offset.checkpoint.interval.ms": 300, "auto.create.topics.enable": "false",
            "log.flush.start.offset.checkpoint.interval.ms": 300,
            "log.segment.delete.delay.ms": 20, "log.retention.ms": -1}
FOR_KAFKA = {"zookeeper.session.timeout.ms": 4000}


class Generation:
    """The topics and workers of a few rounds."""

    def __init__(self, number: int, seed: int, client: Client):
        names = {kind: f"{kind}-{number}" for kind in ("plain", "once", "trimmed")}
        for kind, configs in (("plain", SMALL_SEGMENTS), ("once", SMALL_SEGMENTS),
                              ("trimmed", RETENTION)):
            client.create_topic(names[kind], PARTITIONS, configs)
        self.topics = list(names.values())
        self.once, self.trimmed = {names["once"]}, {names["trimmed"]}
        self.workers: List[Worker] = [
            Producer(f"one-{number}", seed, names["plain"], PARTITIONS, acks=1),
            Producer(f"all-{number}", seed, names["plain"], PARTITIONS, acks=-1),
            IdempotentProducer(f"idempotent-a-{number}", seed, names["once"], PARTITIONS),
            IdempotentProducer(f"idempotent-b-{number}", seed, names["once"], PARTITIONS),
            Producer(f"trimmed-{number}", seed, names["trimmed"], PARTITIONS, acks=1),
            Reader(f"reader-{number}", seed, names["plain"], PARTITIONS),
            Churner(f"churn-{number}", seed)]

    def retire(self, client: Client) -> None:
        """Deletes every topic, so that the next kills do not recover them all again."""
        topics = self.topics + sorted(self.churner.alive | self.churner.in_doubt)
        client.ask("DeleteTopics", 3, TopicNames=topics, TimeoutMs=20000)
        wait_until(lambda: not set(topics) & listed_topics(client), f"{topics} are gone")

    @property
    def churner(self) -> Churner:
        return self.workers[-1]


def read_partition(client: Client, topic: str, partition: int) -> PartitionLog:
    """Everything in a partition; read again when retention took its front away meanwhile."""
    while True:
        start = client.offset_of(topic, partition, -2)
        end = client.offset_of(topic, partition, -1)
        try:
            log = PartitionLog(start, end, list(client.read_batches(topic, partition, start, end)))
        except FetchError as error:
            if error.code != OFFSET_OUT_OF_RANGE or client.offset_of(topic, partition, -2) == start:
                raise
            continue
        except TornBatch as error:
            raise AssertionError(f"{topic}-{partition}: {error}") from None
        if client.offset_of(topic, partition, -2) == start:
            return log


def read_back(client: Client, topics: List[str]) -> Dict[Place, PartitionLog]:
    logs = {}
    for topic in topics:
        wait_until(lambda topic=topic: client.has_leaders(topic, PARTITIONS), f"leaders of {topic}")
        for partition in range(PARTITIONS):
            logs[topic, partition] = read_partition(client, topic, partition)
    return logs


def listed_topics(client: Client) -> Set[str]:
    return {topic["Name"] for topic in client.ask("Metadata", 8, Topics=None)["Topics"]}


def verify(client: Client, generation: Generation, kind: str) -> List[str]:
    churner = generation.churner
    listed = listed_topics(client)
    if kind == "kafka":  # answers before it has its metadata again; ours must not
        deadline = time.monotonic() + 10.0
        while churner.alive - listed and time.monotonic() < deadline:
            listed = listed_topics(client)
    wrong = [f"{topic}: created, acknowledged, and gone" for topic in churner.alive - listed]
    wrong += [f"{topic}: deleted, acknowledged, and back" for topic in churner.gone & listed]
    here = sorted(churner.alive & listed)
    logs = read_back(client, generation.topics + here)
    promises = [promise for worker in generation.workers for promise in worker.promises
                if promise.topic not in churner.gone | churner.in_doubt]
    wrong += check(promises, logs, once=generation.once, trimmed=generation.trimmed)
    wrong += [error for worker in generation.workers for error in worker.errors]
    return wrong


def kill_at(broker: brokers.Broker, moment: str, chosen: random.Random) -> str:
    """Lets the load run for a while, then kills at the moment; says what the moment was."""
    warm_up, delay = chosen.uniform(0.05, 0.5), chosen.uniform(0, 0.002)
    watch = Watch(broker.log_dirs[0])
    try:
        select.select([], [], [], warm_up)
        if moment == "any":
            broker.kill()
            return f"{warm_up:.3f} s into the load"
        watch.drain()
        events = watch.wait_for(MOMENTS[moment], PATIENCE_S)
        if chosen.random() < 0.5:
            select.select([], [], [], delay)
        broker.kill()
        if not events:
            raise AssertionError(f"no {moment} within {PATIENCE_S} s of load")
        return f"{moment}: {events[0][1]}"
    finally:
        watch.close()


def schedule(kills: int, chosen: random.Random) -> List[str]:
    """Half at any moment, half within something, in a random order."""
    within = list(MOMENTS)
    moments = ["any" if index % 2 == 0 else within[index // 2 % len(within)] for index in range(kills)]
    chosen.shuffle(moments)
    return moments


def restart(broker: brokers.Broker) -> None:
    """Kafka gives up while its killed predecessor is still registered, so it is started again."""
    deadline = time.monotonic() + (30.0 if broker.kind == "kafka" else 0.0)
    while True:
        try:
            broker.start()
            return
        except WaitTimeout:
            if time.monotonic() > deadline:
                raise
            broker.kill()


def run(broker: brokers.Broker, seed: int, kills: int) -> List[str]:
    chosen = random.Random(seed)
    generation, promised = None, 0
    for number, moment in enumerate(schedule(kills, chosen)):
        if number % GENERATION == 0:
            with Client(broker.address) as client:
                if generation:
                    generation.retire(client)
                generation = Generation(number // GENERATION, seed, client)
        before = sum(len(worker.promises) for worker in generation.workers)
        for worker in generation.workers:
            worker.begin(broker.address)
        said = kill_at(broker, moment, chosen)
        for worker in generation.workers:
            worker.join()
        if os.environ.get("BARNABAS_KEEP"):
            shutil.copytree(broker.log_dirs[0], broker.folder / f"after-kill-{number + 1}")
        new = sum(len(worker.promises) for worker in generation.workers) - before
        promised += new
        began = time.monotonic()
        restart(broker)
        ready = time.monotonic() - began
        with Client(broker.address) as client:
            wrong = verify(client, generation, broker.kind)
        print(f"kill {number + 1}, {said}: {new} records promised, back in {ready:.2f} s", flush=True)
        if wrong:
            return wrong
    if promised < kills * 20:
        return [f"only {promised} records were promised in {kills} rounds: no load worth the name"]
    broker.stop()
    broker.start()
    with Client(broker.address) as client:
        wrong = verify(client, generation, broker.kind)
    print(f"{promised} promises kept over {kills} kills and a clean stop" if not wrong else "")
    return [f"after a clean stop: {line}" for line in wrong]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(os.environ.get("BARNABAS_SEED") or 0))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--broker", choices=["barnabas", "kafka"], default="barnabas")
    options = parser.parse_args()
    seed = options.seed or random.SystemRandom().randrange(1, 2**31)
    print(f"seed {seed}", flush=True)
    settings = {**SETTINGS, **(FOR_KAFKA if options.broker == "kafka" else {})}
    with brokers.scratch() as folder, brokers.start(options.broker, folder, settings) as broker:
        wrong = run(broker, seed, options.kills)
        if wrong:
            print(f"--- end of {broker.process.log}\n{broker.process.log_tail(60)}\n---")
            print("\n".join(wrong[:20]))
            print(f"FAILED with seed {seed}: {len(wrong)} promises broken")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
