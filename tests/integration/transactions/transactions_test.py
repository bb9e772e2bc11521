"""Exactly once, with the newest Java client of 3.9 and with confluent-kafka.

Records are copied from one topic into another in transactions with their offsets, every fourth of them
aborted on purpose, while the broker is killed (-9) in every phase of the commit and between them. At
the end each record stands exactly once in what read_committed shows, in its order, and every
transaction has its marker. The check is itself checked: without any one of the markers it fails.

    transactions_test.py [--rounds N] [--only PATTERN]
"""

import argparse
import random
import re
import subprocess
import sys
import time
from typing import Callable, Dict, List, Tuple

import copies
from copies import Copier, check_the_check, feed, stable, wait_copied
from lib import brokers, messages
from lib.brokers import Broker
from lib.client import Client
from lib.faults import Faults
from lib.process import wait_until
from lib.wire import Record

ROUND = 12  # records fed in each
SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 5,
            "transaction.state.log.num.partitions": 5, "num.recovery.threads.per.data.dir": 1,
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 200}
COPIERS = ("java", "confluent")


def prepare(broker: Broker) -> None:
    with Client(broker.address) as client:
        for topic in ("in", "out"):
            client.create_topic(topic, copies.PARTITIONS)


def restart(broker: Broker) -> None:
    broker.kill()
    broker.start()


def kill_when_logged(broker: Broker, copier: Copier, faults: Faults) -> None:
    """As soon as the coordinator writes: the end is decided then, and the markers, whose writing
    dawdles, are not there yet."""
    logs = list(broker.log_dirs[0].glob("__transaction_state-*/*.log"))

    def size() -> int:
        return sum(path.stat().st_size for path in logs)
    before = size()
    faults.set(path_contains="/out-", write_delay_ms=int(copies.PATIENCE_S * 1000))
    copier.say("go")
    wait_until(lambda: size() > before, "the end is logged", copies.PATIENCE_S, 0.0005)
    broker.kill()
    faults.set()


def kill_in_phases(broker: Broker, kind: str, rounds: int, faults: Faults) -> None:
    """Every phase in turn: while the client stands before it, and a moment after it went on."""
    moments = random.Random(7)
    prepare(broker)
    feed(broker, 0, ROUND)
    with Copier(kind, broker.folder, broker) as copier:
        copier.wait("committed")
        for number in range(rounds):
            phase = copies.PHASES[number % len(copies.PHASES)]
            feed(broker, (number + 1) * ROUND, ROUND)
            copier.hold(phase)
            if number % 2:
                if phase == "commit":
                    kill_when_logged(broker, copier, faults)
                else:
                    copier.say("go")
                    time.sleep(moments.uniform(0, 0.012))  # into the step that follows
                restart(broker)
            else:
                restart(broker)
                copier.say("go")
        total = (rounds + 1) * ROUND
        partitions = wait_copied(broker, total, copier)
        copier.stop()
    counted = check_the_check(partitions, total)
    left = (broker.folder / "broker.log").read_text().count("was left in Prepare")
    if not left:
        raise AssertionError("no end of a transaction was carried out after a start")
    print(f"{kind}: {rounds} kills, {total} records once each, {copier.count('aborted')} aborted on "
          f"purpose, {copier.count('trouble')} errors met, {left} ends carried out after a start; none of {counted} markers may be missing",
          flush=True)
    read_by_console(broker, partitions)


def read_by_console(broker: Broker, partitions: Dict[int, List[copies.Batch]]) -> None:
    """Kafka's own consumer sees the same."""
    wanted = sorted(value for batches in partitions.values() for _, value in copies.committed(batches))
    done = subprocess.run(
        [*brokers.java_command(broker.folder, "org.apache.kafka.tools.consumer.ConsoleConsumer"),
         "--bootstrap-server", broker.bootstrap, "--topic", "out", "--from-beginning",
         "--isolation-level", "read_committed", "--max-messages", str(len(wanted))],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=True)
    if sorted(int(line) for line in done.stdout.split()) != wanted:
        raise AssertionError(f"the console consumer read {len(done.stdout.split())} of {len(wanted)}")


def zombies(broker: Broker, kind: str, _: Faults) -> None:
    """A producer that slept while another took its transactional id is fenced, whatever it does next."""
    prepare(broker)
    feed(broker, 0, ROUND)
    for number, phase in enumerate(("sent", "commit")):
        with Copier(kind, broker.folder, broker, abort_every=0, group_id=f"zombies-{phase}") as zombie:
            zombie.hold(phase)
            with Copier(kind, broker.folder, broker) as copier:
                wait_copied(broker, (number + 1) * ROUND, copier)
                zombie.say("go")
                zombie.wait("fenced")
                feed(broker, (number + 1) * ROUND, ROUND)
                wait_copied(broker, (number + 2) * ROUND, copier)
                copier.stop()
    print(f"{kind}: zombies are fenced", flush=True)


def hanging(broker: Broker, kind: str, _: Faults) -> None:
    """A producer that dies leaves a transaction, which its time-out ends; nothing of it is read."""
    prepare(broker)
    feed(broker, 0, ROUND)
    with Copier(kind, broker.folder, broker, group_id="dead", transactional_id="dead",
                transaction_timeout_ms=1000) as dead:
        dead.hold("sent")
        if stable(broker, "out"):
            raise AssertionError("nothing is open")
        dead.die()
        wait_until(lambda: stable(broker, "out"), "the transaction is aborted", copies.PATIENCE_S)
        with Copier(kind, broker.folder, broker) as copier:
            wait_copied(broker, ROUND, copier)
            copier.stop()
    print(f"{kind}: a hanging transaction is aborted", flush=True)


def late_batches(broker: Broker, _: str, __: Faults) -> None:
    """What reaches a partition after the end of its transaction opens no other one (KIP-890)."""
    with Client(broker.address) as client:
        client.create_topic("late", 1)
        wait_until(lambda: client.ask("FindCoordinator", 2, Key="late", KeyType=1)["ErrorCode"] == 0,
                   "a coordinator")
        given: Dict[str, int] = {}

        def begun() -> bool:
            given.update(client.ask("InitProducerId", 4, TransactionalId="late",
                                    TransactionTimeoutMs=60000))
            return given["ErrorCode"] == 0
        wait_until(begun, "a producer id")
        who = {"TransactionalId": "late", "ProducerId": given["ProducerId"],
               "ProducerEpoch": given["ProducerEpoch"]}

        def send(sequence: int) -> int:
            batch = copies.encode_transactional(Record(b"v", b"k"), given["ProducerId"],
                                                given["ProducerEpoch"], sequence)
            answer = client.ask("Produce", 9, TransactionalId="late", Acks=-1, TimeoutMs=10000, TopicData=[
                {"Name": "late", "PartitionData": [{"Index": 0, "Records": batch}]}])
            return answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"]
        for number in range(3):
            answer = client.ask("AddPartitionsToTxn", 3, V3AndBelowTransactionalId="late",
                                V3AndBelowProducerId=who["ProducerId"],
                                V3AndBelowProducerEpoch=who["ProducerEpoch"],
                                V3AndBelowTopics=[{"Name": "late", "Partitions": [0]}])
            added = answer["ResultsByTopicV3AndBelow"][0]["ResultsByPartition"][0]["PartitionErrorCode"]
            if added or send(number):
                raise AssertionError(f"transaction {number} is refused")
            if client.ask("EndTxn", 3, **who, Committed=True)["ErrorCode"]:
                raise AssertionError("EndTxn is refused")
            wait_until(lambda: client.ask("DescribeTransactions", 0, TransactionalIds=["late"])[
                "TransactionStates"][0]["TransactionState"] == "CompleteCommit", "it is complete")
            if send(number + 1) not in (19, 48):  # NOT_ENOUGH_REPLICAS: again; INVALID_TXN_STATE
                raise AssertionError("a late batch was let in")
            ends = [client.ask("ListOffsets", 5, ReplicaId=-1, IsolationLevel=level, Topics=[
                {"Name": "late", "Partitions": [{"PartitionIndex": 0, "CurrentLeaderEpoch": -1,
                                                 "Timestamp": -1}]}])["Topics"][0]["Partitions"][0]["Offset"]
                    for level in (0, 1)]
            if ends[0] != ends[1]:
                raise AssertionError(f"something hangs: {ends}")
    print("late batches are refused", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=10, help="kills for each client")
    parser.add_argument("--only", default="", help="a pattern of case names")
    chosen = parser.parse_args()
    messages.definitions()
    cases: List[Tuple[str, Callable[[Broker, str, Faults], None], str]] = [("late", late_batches, "")]
    for kind in COPIERS:
        cases += [(f"zombies-{kind}", zombies, kind), (f"hanging-{kind}", hanging, kind),
                  (f"kill-{kind}", lambda b, k, f: kill_in_phases(b, k, chosen.rounds, f), kind)]
    for name, case, kind in cases:
        if re.search(chosen.only, name):
            with brokers.scratch() as folder, brokers.Barnabas(folder, SETTINGS) as broker:
                faults = Faults(folder)
                broker.environment.update(faults.env)
                broker.start()
                case(broker, kind, faults)
    return 0


if __name__ == "__main__":
    sys.exit(main())
