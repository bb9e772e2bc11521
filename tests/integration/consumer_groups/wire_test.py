"""Groups of the consumer protocol: the same requests to Kafka 3.9.1 in KRaft mode and to Barnabas.

1. The answers are compared field by field, as in ../protocol, with its masks.
2. Every field of our answers is changed in turn, and the comparison must notice.
3. The records in __consumer_offsets are the same, one by one, byte by byte but for ids of topics,
   member ids that brokers make, and times.
4. Each broker loads the other's __consumer_offsets: the same groups and members are there.

    wire_test.py [--only PATTERN] [--kafka-twice]
"""

import argparse
import concurrent.futures
import itertools
import pathlib
import re
import sys
from typing import Any, Dict, List, Tuple

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "protocol"), str(HERE.parent / "groups")]

import cases as _cases  # noqa: F401  registers them
from comparison import Comparison
from lib import brokers, kraft
from lib.brokers import Broker
from lib.client import Client
from lib.process import wait_until
import offsets_files_test as files
from masks import _BY_FIELD, Facts, Rule
from protocol_test import advertised, run_case
from target import CASES, Target

SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 1,
            "group.coordinator.rebalance.protocols": "classic,consumer",
            "group.consumer.migration.policy": "bidirectional",
            "group.consumer.max.size": _cases.MAX_SIZE}
UUID = rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![\w-])[\w-]{22}(?![\w-])"


_BY_FIELD["MemberId"].append(Rule(
    "member id made here", ("MemberId",), True, "a random UUID in base64",
    lambda value, facts: "<uuid>" if re.fullmatch(r"[\w-]{22}", value) else None))


def settle(broker: Broker) -> None:
    with Client(broker.address) as client:
        wait_until(lambda: client.ask("FindCoordinator", 2, Key="g", KeyType=0)["ErrorCode"] == 0,
                   "a coordinator")


def records(broker: Broker, facts: Facts) -> List[Tuple[str, str]]:
    """Keys and values of the groups' records; ids and times by their names."""
    facts.learn_topic_ids()

    def named(data: bytes) -> str:
        for topic_id, name in facts.topic_ids.items():
            data = data.replace(topic_id, f"<id of {name}>".encode())
        data = re.sub(UUID, b"<uuid>", data)
        return repr(data)
    found = []
    with Client(broker.address) as client:
        end = client.offset_of("__consumer_offsets", 0, -1)
        for batch in client.read_batches("__consumer_offsets", 0, 0, end):
            for record in batch.records:
                kind, value = record.key[1], record.value
                if b"probe-" in record.key:
                    continue
                # Kafka's newer coordinator writes down that a classic group was made, with nothing
                # in it yet; the one on ZooKeeper, and ours, do not.
                if kind == 2 and value is not None and value[2:8] == bytes(6):
                    continue
                if value is not None and kind == 1:
                    value = value[:-8]  # the time of the commit
                elif value is not None and kind == 2:
                    value = re.sub(rb"\0\0\x01[\x80-\xff].{5}", b"<time>", value, count=1,
                                   flags=re.DOTALL)
                found.append((named(record.key), "tombstone" if value is None else named(value)))
    return found


def in_order(rows: List[Tuple[str, str]]) -> List[Tuple[str, str]]:
    """Tombstones that stand together, and targets of members that do, in the order of their keys:
    Kafka writes both in the order of hash tables, and some member ids are random."""
    def kind(row: Tuple[str, str]) -> str:
        return "tombstone" if row[1] == "tombstone" else row[0][:10]

    def is_free(key: str) -> bool:
        return key in ("tombstone", repr(b"\0\7")[:10])
    return [row for key, run in itertools.groupby(rows, kind)
            for row in (sorted(run) if is_free(key) else run)]


def compare_records(both: List[List[Tuple[str, str]]]) -> int:
    """How many records differ; prints the first."""
    wrong = 0
    both = [in_order(rows) for rows in both]
    kafkas, ours = both
    for index in range(max(len(kafkas), len(ours))):
        pair = [rows[index] if index < len(rows) else "none" for rows in both]
        if pair[0] != pair[1]:
            wrong += 1
            if wrong <= 5:
                print(f"DIFFERENT record {index}\n  Kafka: {pair[0]}\n  ours:  {pair[1]}")
    print(f"{len(ours)} records compared, {wrong} differ")
    return wrong


def groups(broker: Broker) -> Dict[str, Any]:
    """What stands in the records of the groups, but for partitions: topics have other ids there."""
    found: Dict[str, Any] = {}
    with Client(broker.address) as client:
        wait_until(lambda: client.ask("ConsumerGroupDescribe", 0, GroupIds=["votes"])["Groups"][0]
                   ["ErrorCode"] == 0, "the groups are loaded", 60.0)
        for row in client.ask("ListGroups", 5, StatesFilter=[], TypesFilter=["consumer"])["Groups"]:
            group = client.ask("ConsumerGroupDescribe", 0, GroupIds=[row["GroupId"]])["Groups"][0]
            if not row["GroupId"].startswith("probe-"):
                found[row["GroupId"]] = (
                    group["GroupState"], group["GroupEpoch"], group["AssignmentEpoch"],
                    sorted((one["MemberId"], one["MemberEpoch"], one["InstanceId"], one["RackId"],
                            one["ClientId"], sorted(one["SubscribedTopicNames"]))
                           for one in group["Members"]))
    return found


def exchange(pair: Tuple[Broker, Broker]) -> int:
    """Each broker on the other's files; how many differ from what was there before."""
    before = [groups(broker) for broker in pair]
    for broker in pair:
        broker.stop()
    files.PARTITIONS = 1
    files.exchange(*pair)
    for broker in pair:
        broker.start(wait=False)
    wrong = 0
    for broker in pair:
        broker.wait_ready()
        after = groups(broker)
        if after != before[0] or before[0] != before[1]:
            wrong += 1
            print(f"DIFFERENT {broker.kind} loads {after}\n  from {before}")
    print(f"{len(before[0])} groups loaded from the other's files, {wrong} brokers differ")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="a pattern for the names of cases")
    parser.add_argument("--kafka-twice", action="store_true")
    chosen = parser.parse_args()
    cases = [(name, function) for name, function in CASES if re.search(chosen.only, name)]
    result = Comparison([])
    with brokers.scratch() as folder:
        (folder / "one").mkdir()
        (folder / "two").mkdir()
        second = (kraft.start(folder / "two", SETTINGS) if chosen.kafka_twice
                  else brokers.start("barnabas", folder / "two", SETTINGS))
        with kraft.start(folder / "one", SETTINGS) as oracle, second as ours:
            pair = (oracle, ours)
            facts = [Facts(broker) for broker in pair]
            facts[0].advertised = facts[1].advertised = advertised(ours)
            done: List[Tuple[str, Target, Target]] = []
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                list(pool.map(settle, pair))
                for name, function in cases:
                    both = [pool.submit(run_case, broker, known, function)
                            for broker, known in zip(pair, facts)]
                    done.append((name, both[0].result(), both[1].result()))
                    result.compare(*done[-1])
            wrong = compare_records([records(broker, known) for broker, known in zip(pair, facts)])
            if not chosen.only:
                wrong += exchange(pair)
    for row in done:
        result.mutate(*row)
    result.census.report()
    print(f"{len(cases)} cases, {result.compared} answers compared, {result.unexpected} differ")
    return 1 if wrong or result.unexpected or result.census.unnoticed or not result.compared else 0


if __name__ == "__main__":
    sys.exit(main())
