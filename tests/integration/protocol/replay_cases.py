"""Every request that was recorded of a real client, byte for byte, where its API is advertised.

The topics that they name are made before; topic ids, which are random, are replaced by the ids of
topics of ours, and the names of groups that are joined get an ending of their own, so that nobody
waits for the member of another frame.
"""

from typing import Dict, List, Tuple

from lib.process import wait_until
from lib.wire import Record, encode_batch
from masks import LOGGED, Hidden
from recorded import Frame, partitions_of, requests, topic_names, unnamed_topic_ids
from target import Target, last_case

TIME = 1_700_000_000_000

ADD_PARTITIONS_TO_TXN = 24
TIMED_OUT = "members of other cases time out, each broker has its own moment for that"

# Orders of one broker to another, with the epochs of the cluster that they were recorded in.
LEFT_OUT = {"LeaderAndIsr", "StopReplica", "UpdateMetadata", "ControlledShutdown", "AlterPartition",
            "AllocateProducerIds"}

# What changes the topics comes behind what only uses them, and what removes them last.
STAGES: Dict[str, int] = {"CreatePartitions": 2, "AlterConfigs": 3, "IncrementalAlterConfigs": 3,
                          "ElectLeaders": 3, "AlterPartitionReassignments": 3, "DeleteRecords": 4,
                          "OffsetDelete": 5, "DeleteGroups": 5, "DeleteTopics": 6}

# APIs whose topics must be there; the others list whole clusters.
USERS = {"Produce", "Fetch", "ListOffsets", "OffsetForLeaderEpoch", "DeleteRecords", "CreatePartitions",
         "AlterConfigs", "IncrementalAlterConfigs", "OffsetCommit", "TxnOffsetCommit", "DeleteTopics"}


def _advertised(t: Target) -> List[Frame]:
    return [frame for frame in requests()
            if frame.key in t.facts.advertised and frame.api not in LEFT_OUT
            and (ADD_PARTITIONS_TO_TXN in t.facts.advertised or not _is_transactional(frame))]


def _is_transactional(frame: Frame) -> bool:
    """What needs a transaction coordinator, which comes with AddPartitionsToTxn."""
    fields = frame.fields or {}
    return bool(fields.get("TransactionalId")) and frame.api in ("Produce", "InitProducerId")


def _create(t: Target, topics: Dict[str, int]) -> None:
    """Creates those that are not there, all in one request."""
    answer = t.client.ask("CreateTopics", 5, timeoutMs=30000, Topics=[
        {"Name": name, "NumPartitions": count, "ReplicationFactor": 1} for name, count in topics.items()])
    wrong = [row for row in answer["Topics"] if row["ErrorCode"] not in (0, 36, 7)]
    if wrong:
        raise AssertionError(f"CreateTopics: {wrong[:3]}")

    def ready() -> bool:
        found = t.client.ask("Metadata", 8, Topics=[{"Name": name} for name in topics],
                             AllowAutoTopicCreation=False)["Topics"]
        return all(topic["ErrorCode"] == 0 and topic["Partitions"] and
                   all(p["LeaderId"] >= 0 for p in topic["Partitions"]) for topic in found)
    wait_until(ready, "leaders of the recorded topics", 60.0)


def _prepare(t: Target, frames: List[Frame]) -> Dict[bytes, bytes]:
    """Topics with as many records as the frames ask for; the ids to replace."""
    topics: Dict[str, int] = {}
    ends: Dict[Tuple[str, int], int] = {}
    ids = {known: f"by-id-{index}" for index, known in enumerate(unnamed_topic_ids(tuple(frames)))}
    for frame in frames:
        few = len(list(topic_names(frame.fields))) <= 3
        if frame.api in USERS or frame.api == "Metadata" and few:
            for name in topic_names(frame.fields):
                topics.setdefault(name, 1)
        if frame.api in ("Produce", "Fetch", "ListOffsets", "OffsetForLeaderEpoch", "DeleteRecords"):
            for name, partition, end in partitions_of(frame, ids):
                topics[name] = max(topics.get(name, 1), partition + 1)
                ends[name, partition] = max(ends.get((name, partition), 0), end)
    topics = {name: count for name, count in topics.items() if not name.startswith("__")}
    _create(t, topics)
    for (name, partition), end in ends.items():
        t.client.produce(name, partition, encode_batch(
            [Record(b"%d" % number, b"key") for number in range(min(end, 1000) + 5)], timestamp=TIME))
    return {known: t.topic_id(name) for known, name in ids.items()}


def _bytes_of(frame: Frame, number: int, ids: Dict[bytes, bytes]) -> bytes:
    data = frame.data
    for recorded, ours in ids.items():
        data = data.replace(recorded, ours)
    if frame.api == "JoinGroup" and frame.fields is not None:
        group = frame.fields["GroupId"].encode()
        data = data.replace(group, group[:-3] + b"%03d" % number)
    return data


def _hidden(frame: Frame) -> Hidden:
    """Of requests that list everything what hangs on the members of other cases, who time out."""
    fields = frame.fields or {}
    if frame.api == "ListGroups":
        return {"Groups" if fields.get("StatesFilter") else "GroupState": TIMED_OUT}
    return {"PartitionSize": LOGGED} if frame.api == "DescribeLogDirs" else {}


def _send(t: Target, frame: Frame, number: int, ids: Dict[bytes, bytes]) -> None:
    data = _bytes_of(frame, number, ids)
    known = frame.fields is not None
    t.note_frame(frame.name, data, api=frame.api, version=frame.version if known else 0,
                 hide=_hidden(frame))


@last_case
def recorded_frames(t: Target) -> None:
    frames = _advertised(t)
    made = [frame for frame in frames if frame.api == "CreateTopics"]
    for number, frame in enumerate(made):
        _send(t, frame, number, {})
    rest = [frame for frame in frames if frame.api != "CreateTopics"]
    ids = _prepare(t, rest)
    for number, frame in enumerate(sorted(rest, key=lambda one: STAGES.get(one.api, 1))):
        _send(t, frame, number, ids)
