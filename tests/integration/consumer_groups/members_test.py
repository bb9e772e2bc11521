"""Clients with group.protocol=consumer, and groups that go from one protocol to the other at work.

    members_test.py [--broker kafka] [--only PATTERN]

In every scenario all records are read, in order; no partition ever has two owners among the members
of one JVM. With --broker kafka: the oracle, in KRaft mode.
"""

import argparse
import pathlib
import re
import sys
import time
from typing import Any, Callable, Dict, List, Tuple

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "groups"))

from lib import brokers, built, kraft, paths
from lib.brokers import Broker
from lib.client import Client
from lib.process import WaitTimeout, wait_until
from lib.wire import Record
from members import (ConfluentMember, JavaMember, Jvm, Member, check_records, explain_failure,
                     wait_records, wait_shared)

SESSION_S = 6
SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 5,
            "group.coordinator.rebalance.protocols": "classic,consumer",
            "group.consumer.migration.policy": "bidirectional",
            "group.consumer.min.session.timeout.ms": SESSION_S * 1000,
            "group.consumer.session.timeout.ms": SESSION_S * 1000,
            "group.consumer.min.heartbeat.interval.ms": 200,
            "group.consumer.heartbeat.interval.ms": 200}
CONSUMER = {"group_protocol": "consumer"}
RANGE = {"partition_assignment_strategy": "org.apache.kafka.clients.consumer.RangeAssignor"}
COOPERATIVE = {"partition_assignment_strategy":
               "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"}

Scenario = Callable[["Stage"], None]
SCENARIOS: List[Tuple[str, Scenario]] = []


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append((function.__name__, function))
    return function


class Stage:
    """A broker, a JVM, and the topic of one scenario with what was written to it."""

    def __init__(self, broker: Broker, jvm: Jvm, folder: pathlib.Path, name: str):
        self.broker, self.jvm, self.folder, self.name = broker, jvm, folder, name
        self.wanted: Dict[int, List[str]] = {}
        self.cast: List[Member] = []

    def topic(self, partitions: int) -> None:
        with Client(self.broker.address) as client:
            client.create_topic(self.name, partitions)
        self.wanted = {partition: [] for partition in range(partitions)}

    def write(self, count: int = 10) -> None:
        with Client(self.broker.address) as client:
            for partition, values in self.wanted.items():
                more = [f"{partition}.{len(values) + i}" for i in range(count)]
                client.produce_records(self.name, partition,
                                       [Record(value.encode()) for value in more])
                values += more

    def member(self, jvm: Jvm = None, **settings: object) -> JavaMember:
        member = (jvm or self.jvm).member(f"{self.name}-{len(self.cast)}", self.broker, self.name,
                                          self.name, **settings)
        self.cast.append(member)
        return member

    def confluent(self) -> ConfluentMember:
        member = ConfluentMember(f"{self.name}-{len(self.cast)}", self.broker, self.name, self.name,
                                 HERE / "requirements.txt", **CONSUMER)
        self.cast.append(member)
        return member

    def read_on(self) -> None:
        """More is written, and read by those who are there."""
        self.write()
        wait_records(self.cast, self.wanted)

    def described(self) -> Dict[str, Any]:
        with Client(self.broker.address) as client:
            return client.ask("ConsumerGroupDescribe", 0, GroupIds=[self.name])["Groups"][0]

    def kind(self) -> str:
        with Client(self.broker.address) as client:
            return {row["GroupId"]: row["GroupType"] for row in
                    client.ask("ListGroups", 5, StatesFilter=[], TypesFilter=[])["Groups"]
                    }.get(self.name, "none")

    def wait_kind(self, kind: str) -> None:
        wait_until(lambda: self.kind() == kind, f"{self.name} is a {kind} group", 30.0)


def check_owners(events: List[Dict[str, Any]], cast: List[Member]) -> None:
    """No partition is given to a member while another has it."""
    names = {member.name for member in cast}
    owners: Dict[int, str] = {}
    for event in events:
        who = event["member"]
        if who not in names:
            continue
        if event["event"] == "assigned":
            for partition in event["partitions"]:
                if owners.get(partition, who) != who:
                    raise AssertionError(f"{who} gets {partition}, which {owners[partition]} has")
                owners[partition] = who
        elif event["event"] in ("revoked", "lost"):
            for partition in event["partitions"]:
                if owners.get(partition) == who:
                    del owners[partition]
        elif event["event"] == "left":
            owners = {partition: other for partition, other in owners.items() if other != who}


@scenario
def two_share(s: Stage) -> None:
    s.topic(5)
    one = s.member(**CONSUMER)
    wait_shared([one], 5)
    s.write()
    two = s.member(**CONSUMER)
    wait_shared([one, two], 5, least=2)
    if len(one.revoked()) > 3:
        raise AssertionError(f"more was revoked than what moved: {one.events}")
    s.read_on()
    s.wait_kind("consumer")
    one.stop()
    wait_shared([two], 5)
    if two.revoked():
        raise AssertionError(f"something was revoked that stayed: {two.events}")
    s.read_on()
    two.stop()
    wait_until(lambda: s.described()["GroupState"] == "Empty", "the group is empty", 20.0)
    later = s.member(**CONSUMER)
    s.read_on()
    later.stop()


@scenario
def by_range(s: Stage) -> None:
    s.topic(4)
    pair = [s.member(**CONSUMER, group_remote_assignor="range") for _ in range(2)]
    wait_shared(pair, 4, least=2)
    wait_until(lambda: sorted(map(sorted, (m.owned() for m in pair))) == [[0, 1], [2, 3]],
               "ranges", 20.0)
    s.read_on()
    for member in pair:
        member.stop()


@scenario
def a_member_dies(s: Stage) -> None:
    s.topic(4)
    with Jvm(s.folder) as other:
        stays, dies = s.member(**CONSUMER), s.member(other, **CONSUMER)
        wait_shared([stays, dies], 4, least=2)
        s.read_on()
        other.kill()
    died = time.monotonic()
    s.write()
    wait_shared([stays], 4)
    took = time.monotonic() - died
    if not SESSION_S / 2 < took < SESSION_S * 4:
        raise AssertionError(f"the partitions of a dead member moved after {took:.1f} s")
    wait_records(s.cast, s.wanted)
    stays.stop()


@scenario
def static(s: Stage) -> None:
    """A static member that comes back has its partitions again, and others feel nothing."""
    s.topic(4)
    quiet = {"internal_leave_group_on_close": "false"}
    one = s.member(**CONSUMER, group_instance_id="one", **quiet)
    two = s.member(**CONSUMER, group_instance_id="two", **quiet)
    wait_shared([one, two], 4, least=2)
    s.read_on()
    had, told = two.owned(), one.revocations()
    two.stop()
    again = s.member(**CONSUMER, group_instance_id="two", **quiet)
    wait_until(lambda: again.owned() == had, f"the static member has {had} again", 30.0)
    s.read_on()
    if one.revocations() != told:
        raise AssertionError("a static member came back and others felt it")
    again.stop()
    wait_shared([one], 4)  # its session has ended
    one.stop()


@scenario
def new_partitions(s: Stage) -> None:
    s.topic(2)
    pair = [s.member(**CONSUMER) for _ in range(2)]
    wait_shared(pair, 2, least=1)
    with Client(s.broker.address) as client:
        client.ask("CreatePartitions", 1, Topics=[{"Name": s.name, "Count": 6, "Assignments": None}],
                   TimeoutMs=10000, ValidateOnly=False)
        wait_until(lambda: client.has_leaders(s.name, 6), "leaders")
    s.wanted = {partition: s.wanted.get(partition, []) for partition in range(6)}
    wait_shared(pair, 6, least=3)
    s.read_on()
    for member in pair:
        member.stop()


@scenario
def newest_java(s: Stage) -> None:
    """Java 4 and Java 3.9 in one group."""
    s.topic(4)
    newest = built.java_client(paths.CLIENTS / "java", "4.4.0",
                               [".", "since-2.0", "describe-since-4.0"])
    with Jvm(s.folder, newest) as other:
        pair = [s.member(**CONSUMER), s.member(other, **CONSUMER)]
        wait_shared(pair, 4, least=2)
        s.read_on()
        pair[0].stop()
        wait_shared(pair[1:], 4)
        s.read_on()
        pair[1].stop()


@scenario
def confluent(s: Stage) -> None:
    """librdkafka and Java in one group; one that dies without a word."""
    s.topic(4)
    pair = [s.member(**CONSUMER), s.confluent()]
    wait_shared(pair, 4, least=2)
    s.read_on()
    last = s.confluent()
    wait_shared([*pair, last], 4, least=1)
    s.read_on()
    pair[1].stop()
    last.die()
    wait_shared(pair[:1], 4)
    s.read_on()
    pair[0].stop()


def _there_and_back(s: Stage, classic: Dict[str, object]) -> None:
    """All members are replaced, one after the other, and then back again."""
    s.topic(6)
    at_work = [s.member(**classic) for _ in range(2)]
    wait_shared(at_work, 6, least=3)
    s.read_on()
    s.wait_kind("classic")
    for settings, kind in ((CONSUMER, "consumer"), (classic, "classic")):
        for index in range(2):
            at_work.append(s.member(**settings))
            wait_shared(at_work, 6, least=2)
            s.read_on()
            if index == 0:
                s.wait_kind("consumer")  # also while the last of the new members is there
            at_work.pop(0).stop()
            wait_shared(at_work, 6, least=3)
            s.read_on()
        s.wait_kind(kind)
    for member in at_work:
        member.stop()


@scenario
def there_and_back_eager(s: Stage) -> None:
    _there_and_back(s, RANGE)


@scenario
def there_and_back_cooperative(s: Stage) -> None:
    _there_and_back(s, COOPERATIVE)


@scenario
def the_broker_is_killed(s: Stage) -> None:
    """kill -9 with members of both protocols at work: nobody loses its partitions."""
    s.topic(6)
    trio = [s.member(**CONSUMER), s.member(**CONSUMER), s.member(**COOPERATIVE)]
    wait_shared(trio, 6, least=2)
    s.read_on()
    before = s.described()
    had = [member.owned() for member in trio]
    s.broker.kill()
    s.broker.start()
    wait_until(lambda: s.described()["ErrorCode"] == 0, "the group is loaded", 20.0)
    after = s.described()
    if after["GroupEpoch"] != before["GroupEpoch"] or after["Members"] != before["Members"]:
        raise AssertionError(f"the group was {before} and is {after}")
    s.read_on()
    if [member.owned() for member in trio] != had:
        raise AssertionError("members lost what they had")
    for member in trio:
        member.stop()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--broker", default="barnabas", choices=("barnabas", "kafka"))
    parser.add_argument("--only", default="", help="a pattern for the names of scenarios")
    chosen = parser.parse_args()
    failed = 0
    with brokers.scratch() as folder:
        broker = (kraft.start(folder, SETTINGS) if chosen.broker == "kafka"
                  else brokers.start("barnabas", folder, SETTINGS))
        with broker, Jvm(folder) as jvm:
            for name, function in SCENARIOS:
                # Kafka takes half a minute to come back after a kill.
                if not re.search(chosen.only, name) or (
                        broker.kind == "kafka" and function is the_broker_is_killed):
                    continue
                stage = Stage(broker, jvm, folder, name)
                began = time.monotonic()
                try:
                    function(stage)
                    check_records(stage.cast, stage.wanted)
                    check_owners(jvm.events, stage.cast)
                    verdict = "ok"
                except (AssertionError, WaitTimeout) as error:
                    failed += 1
                    verdict = f"FAILED: {error}"
                    explain_failure(stage.cast, broker)
                print(f"{time.monotonic() - began:6.1f} s  {name}: {verdict}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
