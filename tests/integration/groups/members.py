"""Members of consumer groups as child processes, and what they have told."""

import json
import pathlib
import subprocess
import threading
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

from lib import brokers, built, paths
from lib.brokers import Broker
from lib.process import wait_until

HERE = pathlib.Path(__file__).resolve().parent
SESSION_MS = 6000  # the shortest that Kafka allows
PATIENCE_S = 60.0

Record = Tuple[int, int, str]  # partition, offset, value


class Member:
    """What one member has told so far."""

    def __init__(self, name: str):
        self.name = name
        self.events: List[Dict[str, Any]] = []

    def records(self) -> List[Record]:
        return [(e["partition"], e["offset"], e["value"]) for e in list(self.events)
                if e["event"] == "record"]

    def owned(self) -> Set[int]:
        """The partitions that it has now."""
        have: Set[int] = set()
        for event in list(self.events):
            if event["event"] == "assigned":
                have |= set(event["partitions"])
            elif event["event"] in ("revoked", "lost"):
                have -= set(event["partitions"])
            elif event["event"] == "left":
                have.clear()
        return have

    def revoked(self) -> Set[int]:
        """Every partition that was ever taken from it."""
        return {p for e in list(self.events) if e["event"] in ("revoked", "lost")
                for p in e["partitions"]}

    def revocations(self) -> int:
        return sum(e["event"] in ("revoked", "lost") for e in list(self.events))

    def wait_left(self) -> None:
        wait_until(lambda: any(e["event"] == "left" for e in list(self.events)),
                   f"{self.name} has left", PATIENCE_S)

    def stop(self) -> None:
        raise NotImplementedError

    def die(self) -> None:
        raise NotImplementedError


class ProgramMember(Member):
    """A process of its own, with one of the client libraries."""

    def __init__(self, name: str, command: Sequence[str], broker: Broker, topic: str, group: str,
                 **settings: object):
        super().__init__(name)
        given = {"bootstrap.servers": broker.bootstrap, "group.id": group,
                 "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 500, **settings}
        if given.get("group_protocol") == "consumer":  # the broker says these
            del given["session.timeout.ms"], given["heartbeat.interval.ms"]
        self._child = subprocess.Popen(
            [*command, topic, *(f"{key.replace('_', '.')}={value}" for key, value in given.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._child.stdout:
            self.events.append(json.loads(line))

    def stop(self) -> None:
        self._child.stdin.close()
        self.wait_left()
        self._child.wait(PATIENCE_S)

    def die(self) -> None:
        self._child.kill()
        self._child.wait()


class ConfluentMember(ProgramMember):
    """A process with the newest librdkafka, or that of other requirements."""

    def __init__(self, name: str, broker: Broker, topic: str, group: str,
                 requirements: pathlib.Path = paths.CLIENTS / "python" / "requirements.txt",
                 **settings: object):
        # With the consumer protocol it tells of changes only where it is cooperative.
        strategy = "cooperative-sticky" if settings.get("group_protocol") == "consumer" else "range"
        super().__init__(name, [built.python_env(requirements), str(HERE / "confluent_member.py")],
                         broker, topic, group, **{
                             "topic.metadata.refresh.interval.ms": 1000, "fetch.wait.max.ms": 100,
                             "partition.assignment.strategy": strategy, **settings})


class JavaMember(Member):
    """A member in a JVM that others share."""

    def __init__(self, jvm: "Jvm", name: str):
        super().__init__(name)
        self._jvm = jvm

    def stop(self) -> None:
        self._jvm.say(f"stop {self.name}")
        self.wait_left()

    die = stop  # with internal.leave.group.on.close=false nobody is told


class Jvm:
    """The Java members of a test, on the clients of the oracle or of another class path. Use as a
    context manager."""

    def __init__(self, folder: pathlib.Path, class_path: Optional[str] = None):
        self._members: Dict[str, JavaMember] = {}
        self.events: List[Dict[str, Any]] = []  # of all members, in the order in which they came
        self._child = subprocess.Popen(
            brokers.java_command(folder, str(HERE / "JavaMembers.java"), heap="256m",
                                 class_path=class_path),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> "Jvm":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """The members are gone without a word."""
        self._child.kill()
        self._child.wait()

    def _read(self) -> None:
        for line in self._child.stdout:
            if line.startswith("{"):
                event = json.loads(line)
                self.events.append(event)
                self._members[event["member"]].events.append(event)

    def say(self, line: str) -> None:
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def member(self, name: str, broker: Broker, topic: str, group: str,
               **settings: object) -> JavaMember:
        given = {"bootstrap.servers": broker.bootstrap, "group.id": group,
                 "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 500,
                 "metadata.max.age.ms": 1000, "fetch.max.wait.ms": 100, **settings}
        if given.get("group_protocol") == "consumer":  # the broker says these
            del given["session.timeout.ms"], given["heartbeat.interval.ms"]
        member = self._members[name] = JavaMember(self, name)
        self.say(" ".join(["start", name, topic, *(f"{key.replace('_', '.')}={value}"
                                                   for key, value in given.items())]))
        return member


def explain_failure(members: List[Member], broker: Broker) -> None:
    """What there is to see where a scenario has failed: the events of its members, the broker's log."""
    for member in members:
        told = [e for e in member.events if e["event"] != "record"]
        print(f"  {member.name}: {len(member.records())} records, {told}")
    if broker.process:
        print(f"--- end of {broker.process.log}\n{broker.process.log_tail()}\n---")


def wait_shared(members: List[Member], partitions: int, least: int = 1) -> None:
    """Every partition belongs to exactly one of the members, and each has at least `least`."""
    def shared() -> bool:
        owned = [member.owned() for member in members]
        return (sorted(p for have in owned for p in have) == list(range(partitions))
                and all(len(have) >= least for have in owned))
    wait_until(shared, f"{[m.name for m in members]} share {partitions} partitions: "
               f"{[m.owned() for m in members]}", PATIENCE_S)


def check_records(members: List[Member], wanted: Dict[int, List[str]]) -> None:
    """Together the members have read everything: nothing skipped, and each in order.

    A record may come twice where a partition has moved before its commit.
    """
    for partition, values in wanted.items():
        got: Dict[int, str] = {}
        for member in members:
            offsets = [o for p, o, _ in member.records() if p == partition]
            # Within one member a partition goes back only when it comes anew.
            if any(later > earlier + 1 for earlier, later in zip(offsets, offsets[1:])
                   ) and not member.revoked():
                raise AssertionError(f"{member.name} skips in partition {partition}: {offsets}")
            got.update({o: v for p, o, v in member.records() if p == partition})
        if got != dict(enumerate(values)):
            raise AssertionError(f"partition {partition}: read {got}, written {values}")


def wait_records(members: List[Member], wanted: Dict[int, List[str]],
                 timeout_s: Optional[float] = None) -> None:
    total = sum(len(values) for values in wanted.values())

    def all_there() -> bool:
        return len({(p, o) for member in members for p, o, _ in member.records()}) >= total
    wait_until(all_there, f"{total} records are read", timeout_s or PATIENCE_S)
    check_records(members, wanted)
