"""__consumer_offsets of one broker, read by the other.

The same groups and commits on Kafka 3.9.1 and on Barnabas. Then
1. DumpLogSegments --offsets-decoder says the same of both brokers' files,
2. the keys and values of the records are the same, byte by byte,
3. Kafka starts on our __consumer_offsets and we on Kafka's: the same offsets and groups are there.

    offsets_files_test.py [--kafka-twice]
"""

import argparse
import concurrent.futures
import difflib
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Any, Dict, List

from lib import brokers, messages
from lib.brokers import Broker
from lib.client import Client
from lib.process import wait_until
from lib.wire import decode_batches

PARTITIONS = 3
SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": PARTITIONS,
            "num.recovery.threads.per.data.dir": 1}
TOPIC = "data"
GROUPS = ["simple", "stable", "left", "deleted", "expiring", "\u00fcber"]
SUBSCRIPTION = bytes.fromhex("0000" "00000001" "0004") + b"data" + bytes.fromhex("ffffffff")
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def commit(client: Client, group: str, offset: int, version: int = 7, **more: Any) -> None:
    answer = client.ask("OffsetCommit", version, GroupId=group, Topics=[
        {"Name": TOPIC, "Partitions": [
            {"PartitionIndex": index, "CommittedOffset": offset + index,
             "CommittedMetadata": "note" if index else None,
             **({"CommittedLeaderEpoch": 0} if version >= 6 else {})} for index in range(2)]}], **more)
    errors = {row["ErrorCode"] for topic in answer["Topics"] for row in topic["Partitions"]}
    if errors != {0}:
        raise AssertionError(f"commit of {group}: errors {errors}")


def member(client: Client, group: str) -> Dict[str, Any]:
    joined = client.ask("JoinGroup", 5, GroupId=group, SessionTimeoutMs=1800000,
                        RebalanceTimeoutMs=60000, MemberId="", GroupInstanceId=f"{group}-instance",
                        ProtocolType="consumer",
                        Protocols=[{"Name": "range", "Metadata": SUBSCRIPTION}])
    known = {"GroupId": group, "GenerationId": joined["GenerationId"],
             "MemberId": joined["MemberId"], "GroupInstanceId": f"{group}-instance"}
    synced = client.ask("SyncGroup", 3, **known, Assignments=[
        {"MemberId": joined["MemberId"], "Assignment": b"\0\0all of it"}])
    if joined["ErrorCode"] or synced["ErrorCode"]:
        raise AssertionError(f"{group}: {joined['ErrorCode']}, {synced['ErrorCode']}")
    return known


def fill(broker: Broker) -> None:
    with Client(broker.address) as client:
        client.create_topic(TOPIC, 2)
        wait_until(lambda: client.ask("FindCoordinator", 2, Key="g", KeyType=0)["ErrorCode"] == 0,
                   "a coordinator")
        wait_until(lambda: client.has_leaders("__consumer_offsets", PARTITIONS), "its topic")
        wait_until(lambda: all(state(client, group)["ErrorCode"] == 0 for group in GROUPS),
                   "every coordinator serves")
        for offset in (1, 5, 3):
            commit(client, "simple", offset)
        commit(client, "\u00fcber", 7)
        commit(client, "expiring", 9, version=3, RetentionTimeMs=10**12)
        for group in ("stable", "left", "deleted"):
            known = member(client, group)
            commit(client, group, 11, GenerationIdOrMemberEpoch=known["GenerationId"],
                   MemberId=known["MemberId"], GroupInstanceId=known["GroupInstanceId"])
            if group != "stable":
                client.ask("LeaveGroup", 3, GroupId=group, Members=[
                    {"MemberId": known["MemberId"], "GroupInstanceId": known["GroupInstanceId"]}])
                wait_until(lambda group=group: state(client, group)["GroupState"] == "Empty", group)
        client.ask("DeleteGroups", 0, GroupsNames=["deleted"])


def state(client: Client, group: str) -> Dict[str, Any]:
    return client.ask("DescribeGroups", 4, Groups=[group])["Groups"][0]


def look(broker: Broker) -> Dict[str, Any]:
    """What the broker knows of the groups, without what is random."""
    found: Dict[str, Any] = {}
    with Client(broker.address) as client:
        wait_until(lambda: all(state(client, group)["ErrorCode"] == 0 for group in GROUPS),
                   "the groups are loaded")
        for group in GROUPS:
            described = state(client, group)
            described["Members"] = [{**one, "MemberId": ""} for one in described["Members"]]
            fetched = client.ask("OffsetFetch", 5, GroupId=group, Topics=None)
            found[group] = (described, sorted(
                (row["PartitionIndex"], row["CommittedOffset"], row["CommittedLeaderEpoch"],
                 row["Metadata"]) for topic in fetched["Topics"] for row in topic["Partitions"]))
    return found


def folders(broker: Broker) -> List[pathlib.Path]:
    return [broker.log_dirs[0] / f"__consumer_offsets-{index}" for index in range(PARTITIONS)]


def dump(broker: Broker, folder: pathlib.Path) -> str:
    files = [str(path) for one in folders(broker) for path in sorted(one.glob("*.log"))]
    done = subprocess.run([*brokers.java_command(folder, "kafka.tools.DumpLogSegments"),
                           "--offsets-decoder", "--files", ",".join(files)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    if "payload" not in done.stdout or re.search("Exception|mismatch|isvalid: false", done.stdout):
        raise AssertionError(f"DumpLogSegments of {broker.kind}:\n{done.stdout[:3000]}")
    text = done.stdout.replace(str(broker.log_dirs[0]), "")
    text = re.sub(UUID, "<uuid>", text)
    text = re.sub(r"crc: \d+", "crc: *", text)
    text = re.sub(r"(CreateTime: |Timestamp\":)\d{13}", r"\1<time>", text)
    # The tombstones of one group stand in the order of a hash map in Kafka.
    lines = [re.sub(r"offset: \d+", "offset: *", line) if "<DELETE>" in line else line
             for line in text.splitlines()]
    return "\n".join([line for line in lines if "<DELETE>" not in line]
                     + sorted(line for line in lines if "<DELETE>" in line))


def records(broker: Broker) -> List[Any]:
    """Keys and values in the order of each log, decoded where times and ids are in them."""
    found = []
    for folder in folders(broker):
        data = b"".join(path.read_bytes() for path in sorted(folder.glob("*.log")))
        for batch in decode_batches(data, partial_tail=False):
            for record in batch.records:
                value = record.value
                if value is not None:
                    value = re.sub(UUID.encode(), b"<uuid>", value)
                    # An offset's value ends in the time of the commit, and in that of its end.
                    cut = {1: 16, 3: 8}[value[1]] if record.key[1] == 1 else 0
                    value = value[:len(value) - cut] if cut else value[:2] + value[2:]
                found.append((folder.name, record.key, value))
    return found


def without_state_times(rows: List[Any]) -> List[Any]:
    """A group's record holds the time of its last change of state."""
    masked = []
    for folder, key, value in rows:
        if value is not None and key[1] == 2:
            value = re.sub(rb"\0\0\x01[\x80-\xff].{5}", b"<time>", value, count=1, flags=re.DOTALL)
        masked.append((folder, key, value))
    return sorted(masked, key=repr)


def exchange(one: Broker, other: Broker) -> None:
    """Each gets the other's __consumer_offsets; topic ids stay."""
    for mine, theirs in zip(folders(one), folders(other)):
        ids = [(folder / "partition.metadata").read_bytes() for folder in (mine, theirs)]
        spare = mine.with_suffix(".spare")
        mine.rename(spare)
        shutil.copytree(theirs, mine)
        shutil.rmtree(theirs)
        spare.rename(theirs)
        for folder, data in zip((mine, theirs), ids):
            (folder / "partition.metadata").write_bytes(data)
    ends = []
    for broker in (one, other):
        path = broker.log_dirs[0] / "replication-offset-checkpoint"
        ends.append(path.read_bytes())
    for broker, data in zip((other, one), ends):
        (broker.log_dirs[0] / "replication-offset-checkpoint").write_bytes(data)
        recovery = broker.log_dirs[0] / "recovery-point-offset-checkpoint"
        recovery.write_text("0\n0\n")
        (broker.log_dirs[0] / ".kafka_cleanshutdown").unlink()


def check(same: bool, what: str, one: Any, other: Any) -> None:
    if not same:
        lines = [value.splitlines() if isinstance(value, str) else [repr(row) for row in value]
                 for value in (one, other)]
        raise AssertionError(f"{what} differ:\n" + "\n".join(difflib.unified_diff(*lines, n=0)))
    print(f"{what} are the same", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka-twice", action="store_true")
    chosen = parser.parse_args()
    messages.definitions()
    with brokers.scratch() as folder:
        (folder / "one").mkdir()
        (folder / "two").mkdir()
        kind = "kafka" if chosen.kafka_twice else "barnabas"
        with brokers.start("kafka", folder / "one", SETTINGS, wait=False) as kafka, \
                brokers.start(kind, folder / "two", SETTINGS) as ours:
            kafka.wait_ready()
            both = (kafka, ours)
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                list(pool.map(fill, both))
                seen = list(pool.map(look, both))
                check(seen[0] == seen[1], "groups and offsets",
                      *(sorted(found.items()) for found in seen))
                list(pool.map(lambda broker: broker.stop(), both))
                dumps = list(pool.map(lambda broker: dump(broker, broker.folder), both))
            check(dumps[0] == dumps[1], "DumpLogSegments' lines", *dumps)
            rows = [without_state_times(records(broker)) for broker in both]
            check(rows[0] == rows[1], f"{len(rows[0])} records", *rows)
            exchange(kafka, ours)
            for broker in both:
                broker.start(wait=False)
            for broker in both:
                broker.wait_ready()
                after = look(broker)
                check(after == seen[0], f"what {broker.kind} knows on the other's files",
                      sorted(after.items()), sorted(seen[0].items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
