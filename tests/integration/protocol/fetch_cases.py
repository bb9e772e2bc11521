"""Fetch: versions, limits, errors, sessions, topic ids."""

import uuid
from typing import Any, Dict, List, Optional

from lib.client import Client
from lib.wire import Record, encode_batch
from target import Target, case

TIME = 1_700_000_000_000
VERSIONS = range(4, 18)


def batch(number: int, size: int = 100) -> bytes:
    return encode_batch([Record(b"%d" % number * size, b"key")], timestamp=TIME + number)


def part(partition: int, offset: int, **more: Any) -> Dict[str, Any]:
    return {"Partition": partition, "FetchOffset": offset, "LogStartOffset": -1,
            "CurrentLeaderEpoch": -1, "LastFetchedEpoch": -1, "PartitionMaxBytes": 1 << 20, **more}


def fetch(t: Target, label: str, version: int, topic: str, parts: List[Dict[str, Any]],
          client: Optional[Client] = None, topic_id: Optional[bytes] = None, **more: Any) -> Any:
    fields: Dict[str, Any] = {"MaxWaitMs": 0, "MinBytes": 1, "MaxBytes": 1 << 24}
    fields.update(more)
    rows = []
    if parts:
        known = topic_id if topic_id is not None or version < 13 else t.topic_id(topic)
        rows = [{"Topic": topic, "TopicId": known or bytes(16), "Partitions": parts}]
    return t.note(label, "Fetch", version, client, Topics=rows, **fields)


def fill(t: Target, topic: str, partitions: int, batches: int) -> None:
    t.client.create_topic(topic, partitions)
    for partition in range(partitions):
        for number in range(batches):
            t.client.produce(topic, partition, batch(number))


@case
def fetch_versions(t: Target) -> None:
    fill(t, "fetch", 3, 4)
    t.client.create_topic("fetch-empty", 1)
    for version in VERSIONS:
        fetch(t, f"v{version} all", version, "fetch", [part(0, 0), part(1, 2)])
        fetch(t, f"v{version} at the end", version, "fetch", [part(0, 4)])
        fetch(t, f"v{version} beyond the end", version, "fetch", [part(0, 5)])
        fetch(t, f"v{version} before the start", version, "fetch", [part(0, -99)])
        fetch(t, f"v{version} empty", version, "fetch-empty", [part(0, 0)])
        fetch(t, f"v{version} no such partition", version, "fetch", [part(9, 0), part(0, 3)])
        fetch(t, f"v{version} no topics", version, "fetch", [])
        fetch(t, f"v{version} partition twice", version, "fetch", [part(0, 0), part(0, 2)])
        fetch(t, f"v{version} read committed", version, "fetch", [part(0, 1)], IsolationLevel=1)
        if version <= 12:
            fetch(t, f"v{version} no such topic", version, "fetch-unknown", [part(0, 0)])
            fetch(t, f"v{version} bad topic", version, "a/b", [part(0, 0)])
        else:
            for label, number in (("zero", 0), ("unknown", 99)):
                fetch(t, f"v{version} {label} topic id", version, "fetch", [part(0, 0)],
                      topic_id=uuid.UUID(int=number).bytes)
        if version >= 9:
            for epoch in (0, 1, 9):
                fetch(t, f"v{version} leader epoch {epoch}", version, "fetch",
                      [part(0, 3, CurrentLeaderEpoch=epoch)])
        if version >= 12:
            for epoch, offset in ((0, 2), (0, 4), (0, 9), (7, 2)):
                fetch(t, f"v{version} last fetched epoch {epoch} at {offset}", version, "fetch",
                      [part(0, offset, LastFetchedEpoch=epoch)])
    fetch(t, "offset 2^62", 11, "fetch", [part(0, 2**62)])


@case
def fetch_limits(t: Target) -> None:
    """Limits count bytes: answers hold what Kafka's hold, cut in the middle of a batch where it cuts."""
    fill(t, "limits", 3, 5)
    t.client.produce("limits", 2, batch(9, 20000))
    for version in (4, 11, 17):
        for size in (0, 1, 50, 178, 179, 300, 500, -1):
            fetch(t, f"v{version} partition bytes {size}", version, "limits",
                  [part(0, 0, PartitionMaxBytes=size), part(1, 0)])
            fetch(t, f"v{version} bytes {size}", version, "limits", [part(0, 0), part(1, 0)],
                  MaxBytes=size)
        fetch(t, f"v{version} one large batch", version, "limits",
              [part(2, 5, PartitionMaxBytes=1000), part(0, 0)], MaxBytes=1000)
        fetch(t, f"v{version} large one second", version, "limits",
              [part(0, 0), part(2, 5, PartitionMaxBytes=1000)])
        fetch(t, f"v{version} waits in vain", version, "limits", [part(0, 5)], MaxWaitMs=60)
        fetch(t, f"v{version} fewer than wanted", version, "limits", [part(0, 3)], MaxWaitMs=60,
              MinBytes=100000)
        fetch(t, f"v{version} no bytes wanted", version, "limits", [part(0, 5)], MaxWaitMs=20000,
              MinBytes=0)
        fetch(t, f"v{version} error among the waiting", version, "limits", [part(0, 5), part(7, 0)],
              MaxWaitMs=100)
        fetch(t, f"v{version} long poll, out of range", version, "limits", [part(0, 77)],
              MaxWaitMs=20000)


@case
def fetch_woken(t: Target) -> None:
    """A long poll is answered by the append that it waits for."""
    t.client.create_topic("woken", 1)
    with t.fresh() as waiting:
        for number, minimum in enumerate((1, 1, 300)):
            sent = waiting.send("Fetch", 11, ReplicaId=-1, MaxWaitMs=15000, MinBytes=minimum,
                                MaxBytes=1 << 20, RackId="", Topics=[
                                    {"Topic": "woken", "Partitions": [part(0, number)]}])
            for extra in range(2 if minimum > 1 else 1):
                t.client.produce("woken", 0, batch(number + extra))
            answer = waiting.receive("Fetch", 11, sent)
            t.keep(f"append {number}", "Fetch v11",
                   answer["Responses"][0]["Partitions"][0]["Records"].hex())


@case
def fetch_sessions(t: Target) -> None:
    for version in (7, 11, 12, 13, 17):
        topic = f"session-{version}"
        fill(t, topic, 3, 1)
        known = t.topic_id(topic)

        def ask(label: str, session: int, epoch: int, parts: list, forget: tuple = (),
                topic: str = topic, version: int = version, known: bytes = known) -> Any:
            gone = [{"Topic": topic, "TopicId": known, "Partitions": list(forget)}] if forget else []
            return fetch(t, f"v{version} {label}", version, topic, parts, topic_id=known,
                         SessionId=session, SessionEpoch=epoch, ForgottenTopicsData=gone)
        answer = ask("opens", 0, 0, [part(0, 0), part(1, 1), part(2, 1)])
        session = answer.get("SessionId", 0)
        ask("next, nothing new", session, 1, [part(0, 1)])
        t.client.produce(topic, 1, batch(1))
        ask("next, one has data", session, 2, [])
        ask("same position again", session, 3, [])
        ask("position moved", session, 4, [part(1, 2)])
        t.client.produce(topic, 2, batch(1))
        ask("forgets the one with data", session, 5, [], (2,))
        ask("adds it again", session, 6, [part(2, 1)])
        ask("unknown partition added", session, 7, [part(8, 0)])
        ask("unknown partition once more", session, 8, [])
        ask("out of range", session, 9, [part(0, 55)])
        ask("out of range stays", session, 10, [])
        ask("wrong epoch", session, 77, [])
        ask("right epoch after a wrong one", session, 11, [])
        ask("unknown session", 123456, 5, [])
        ask("session opened with an id", session, 0, [part(0, 0)])
        ask("closed session", session, 12, [])
        ask("no session", 0, -1, [part(0, 0)])
        ask("epoch without session", 0, 5, [part(0, 0)])
        second = ask("opens again", 0, 0, [part(0, 0)]).get("SessionId", 0)
        ask("closes", second, -1, [part(1, 0)])
        ask("after closing", second, 1, [])
        ask("empty session", 0, 0, [])


@case
def fetch_session_of_a_deleted_topic(t: Target) -> None:
    for version in (12, 13):
        topic = f"session-gone-{version}"
        fill(t, topic, 1, 1)
        known = t.topic_id(topic)
        session = fetch(t, f"v{version} opens", version, topic, [part(0, 1)], topic_id=known,
                        SessionEpoch=0)["SessionId"]
        t.client.ask("DeleteTopics", 4, TopicNames=[topic], TimeoutMs=10000)
        fetch(t, f"v{version} topic deleted", version, topic, [], SessionId=session, SessionEpoch=1)


@case
def fetch_as_replica(t: Target) -> None:
    """A stranger that says it is a follower."""
    fill(t, "replica", 1, 2)
    for version in (4, 11, 14):
        for replica in (-2, 0, 5, 777):
            fetch(t, f"v{version} replica {replica}", version, "replica", [part(0, 0)],
                  ReplicaId=replica)
    fetch(t, "v15 replica 777", 15, "replica", [part(0, 0)],
          ReplicaState={"ReplicaId": 777, "ReplicaEpoch": 1})
    fetch(t, "v17 another cluster id", 17, "replica", [part(0, 0)], ClusterId="not-this-cluster")
