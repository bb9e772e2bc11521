"""What a tutorial does with consumer groups, and what a cluster does to them.

    groups_test.py [--broker kafka] [--only PATTERN]

Each scenario has topics and groups of its own on one broker, but for those that kill the broker.
"""

import argparse
import pathlib
import re
import sys
import time
from typing import Any, Callable, Dict, List, Tuple

from lib import brokers
from lib.brokers import Broker
from lib.client import Client
from lib.process import WaitTimeout, wait_until
from lib.wire import Record
from members import (SESSION_MS, ConfluentMember, Jvm, Member, ProgramMember, check_records,
                     explain_failure, wait_records, wait_shared)

SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 5}
COOPERATIVE = {"partition.assignment.strategy": "cooperative-sticky"}
JAVA_COOPERATIVE = {"partition.assignment.strategy":
                    "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"}

LOAD_IN_PROGRESS = 14

Scenario = Callable[["Stage"], None]
SCENARIOS: List[Tuple[str, Scenario]] = []


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append((function.__name__, function))
    return function


class Stage:
    """A running broker, a JVM, and the topic of one scenario with what was written to it."""

    def __init__(self, broker: Broker, jvm: Jvm, name: str):
        self.broker, self.jvm, self.name = broker, jvm, name
        self.wanted: Dict[int, List[str]] = {}
        self.cast: List[Member] = []

    def topic(self, partitions: int) -> None:
        with Client(self.broker.address) as client:
            client.create_topic(self.name, partitions)
        self.wanted = {partition: [] for partition in range(partitions)}

    def write(self, count: int = 10) -> None:
        """`count` more records to each partition."""
        with Client(self.broker.address) as client:
            for partition, values in self.wanted.items():
                more = [f"{partition}.{len(values) + i}" for i in range(count)]
                client.produce_records(self.name, partition,
                                       [Record(value.encode()) for value in more])
                values += more

    def confluent(self, group: str = "", **settings: object) -> Member:
        member = ConfluentMember(f"{self.name}-{len(self.cast)}", self.broker, self.name,
                                 group or self.name, **settings)
        self.cast.append(member)
        return member

    def java(self, group: str = "", **settings: object) -> Member:
        member = self.jvm.member(f"{self.name}-{len(self.cast)}", self.broker, self.name,
                                 group or self.name, **settings)
        self.cast.append(member)
        return member

    def committed(self, group: str = "") -> Dict[int, int]:
        def ask() -> Any:
            answer = client.ask("OffsetFetch", 5, GroupId=group or self.name, Topics=None)
            return answer if answer["ErrorCode"] != LOAD_IN_PROGRESS else None
        with Client(self.broker.address) as client:
            answer = wait_until(ask, "the group is loaded")
        return {row["PartitionIndex"]: row["CommittedOffset"] for topic in answer["Topics"]
                for row in topic["Partitions"]}

    def wait_committed(self) -> None:
        """Whatever was written is committed: the group is done with it."""
        ends = {partition: len(values) for partition, values in self.wanted.items()}
        wait_until(lambda: self.committed() == ends, f"{self.name} has committed {ends}")

    def clear(self) -> None:
        for member in self.cast:
            if isinstance(member, ProgramMember):
                member.die()


@scenario
def one_partition_one_consumer(s: Stage) -> None:
    s.topic(1)
    s.write()
    member = s.confluent()
    wait_records([member], s.wanted)
    s.wait_committed()
    member.stop()
    s.write()
    later = s.java()
    wait_until(lambda: len(later.records()) == 10, "the rest is read")
    if [offset for _, offset, _ in later.records()] != list(range(10, 20)):
        raise AssertionError(f"did not go on at the committed offset: {later.records()}")
    later.stop()


@scenario
def a_group_shares_the_load(s: Stage) -> None:
    s.topic(4)
    members = [s.confluent(), s.confluent()]
    wait_shared(members, 4, least=2)
    s.write()
    wait_records(members, s.wanted)
    for member in members:
        if len({p for p, _, _ in member.records()}) != 2:
            raise AssertionError(f"{member.name} read {member.records()}")
    members[0].stop()
    wait_shared(members[1:], 4)
    s.write()
    wait_records(members, s.wanted)
    s.wait_committed()
    members[1].stop()


@scenario
def groups_each_get_everything(s: Stage) -> None:
    s.topic(3)
    members = [s.confluent("each-a"), s.java("each-b"), s.confluent("each-c")]
    for member in members:
        wait_shared([member], 3)
    s.write()
    for member in members:
        wait_records([member], s.wanted)
    for member in members:
        member.stop()


@scenario
def a_member_dies(s: Stage) -> None:
    """Its partitions go to the others within the session time-out; nothing is skipped."""
    s.topic(4)
    members = [s.confluent(), s.confluent()]
    wait_shared(members, 4, least=2)
    s.write()
    wait_records(members, s.wanted)
    died = time.monotonic()
    members[1].die()
    s.write()
    wait_shared(members[:1], 4)
    took = time.monotonic() - died
    if took > SESSION_MS / 1000 * 2:
        raise AssertionError(f"the partitions of a dead member moved after {took:.1f} s")
    wait_records(members, s.wanted)
    s.wait_committed()
    members[0].stop()


def _cooperate(s: Stage, start: Callable[[], Member]) -> None:
    s.topic(4)
    members = [start()]
    wait_shared(members, 4)
    s.write()
    members.append(start())
    wait_shared(members, 4, least=2)
    if len(members[0].revoked()) != 2:
        raise AssertionError(f"more was revoked than what moved: {members[0].events}")
    s.write()
    wait_records(members, s.wanted)
    members[0].stop()
    wait_shared(members[1:], 4)
    if members[1].revoked():
        raise AssertionError(f"something was revoked that stayed: {members[1].events}")
    s.write()
    wait_records(members, s.wanted)
    members[1].stop()


@scenario
def cooperative_confluent(s: Stage) -> None:
    _cooperate(s, lambda: s.confluent(**COOPERATIVE))


@scenario
def cooperative_java(s: Stage) -> None:
    _cooperate(s, lambda: s.java(**JAVA_COOPERATIVE))


def _come_back(s: Stage, start: Callable[[str], Member]) -> None:
    s.topic(4)
    members = [start("one"), start("two")]
    wait_shared(members, 4, least=2)
    s.write()
    wait_records(members, s.wanted)
    had, told = members[1].owned(), members[0].revocations()
    members[1].die()
    members[1] = start("two")
    wait_until(lambda: members[1].owned() == had, f"the static member has {had} again", 60.0)
    s.write()
    wait_records(s.cast, s.wanted)
    if members[0].revocations() != told:
        raise AssertionError("a static member came back and others felt it")
    members[1].die()  # for good this time
    wait_shared(members[:1], 4)
    members[0].die()


@scenario
def static_confluent(s: Stage) -> None:
    _come_back(s, lambda name: s.confluent(group_instance_id=name))


@scenario
def static_java(s: Stage) -> None:
    _come_back(s, lambda name: s.java(group_instance_id=name))


@scenario
def java_and_confluent_together(s: Stage) -> None:
    s.topic(4)
    members = [s.java(partition_assignment_strategy=
                      "org.apache.kafka.clients.consumer.RangeAssignor"), s.confluent()]
    wait_shared(members, 4, least=2)
    s.write()
    wait_records(members, s.wanted)
    members[1].stop()
    wait_shared(members[:1], 4)
    members[0].stop()


@scenario
def the_broker_is_killed(s: Stage) -> None:
    """kill -9 with members at work: what was committed is there, and they go on."""
    s.topic(4)
    members = [s.confluent(), s.java(
        partition_assignment_strategy="org.apache.kafka.clients.consumer.RangeAssignor")]
    wait_shared(members, 4, least=2)
    s.write(50)
    wait_until(lambda: sum(s.committed().values()) >= 40, "commits")
    before = s.committed()
    s.broker.kill()
    s.broker.start()
    after = s.committed()
    back = {p: (offset, after.get(p)) for p, offset in before.items() if after.get(p, -1) < offset}
    if back:
        raise AssertionError(f"committed offsets went back: {back}")
    s.write()
    wait_records(members, s.wanted)
    s.wait_committed()
    for member in members:
        member.stop()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--broker", default="barnabas", choices=("barnabas", "kafka"))
    parser.add_argument("--only", default="", help="a pattern for the names of scenarios")
    chosen = parser.parse_args()
    failed = 0
    with brokers.scratch() as folder, brokers.start(chosen.broker, folder, SETTINGS) as broker, \
            Jvm(folder) as jvm:
        for name, function in SCENARIOS:
            # Kafka cannot come back before its session in ZooKeeper has ended.
            if not re.search(chosen.only, name) or (
                    broker.kind == "kafka" and function is the_broker_is_killed):
                continue
            stage = Stage(broker, jvm, name)
            began = time.monotonic()
            try:
                function(stage)
                check_records(stage.cast, stage.wanted) if "each" not in name else None
                verdict = "ok"
            except (AssertionError, WaitTimeout) as error:
                failed += 1
                verdict = f"FAILED: {error}"
                explain_failure(stage.cast, broker)
            finally:
                stage.clear()
            print(f"{time.monotonic() - began:6.1f} s  {name}: {verdict}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
