"""Groups of the consumer protocol: the same requests to Kafka 3.9.1 in KRaft mode and to Barnabas.

1. The answers are compared field by field, as in ../protocol, with its masks.
2. Every field of our answers is changed in turn, and the comparison must notice.
3. The records in __consumer_offsets are the same, one by one, byte by byte but for ids of topics,
   member ids that brokers make, and times.

    wire_test.py [--only PATTERN] [--kafka-twice]
"""

import argparse
import concurrent.futures
import pathlib
import re
import sys
from typing import Any, List, Tuple

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "protocol"))

import cases as _cases  # noqa: F401  registers them
from comparison import Comparison
from lib import brokers, kraft
from lib.brokers import Broker
from lib.client import Client
from lib.process import wait_until
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


def compare_records(both: List[List[Tuple[str, str]]]) -> int:
    """How many records differ; prints the first."""
    wrong = 0
    kafkas, ours = both
    for index in range(max(len(kafkas), len(ours))):
        pair = [rows[index] if index < len(rows) else "none" for rows in both]
        if pair[0] != pair[1]:
            wrong += 1
            if wrong <= 5:
                print(f"DIFFERENT record {index}\n  Kafka: {pair[0]}\n  ours:  {pair[1]}")
    print(f"{len(ours)} records compared, {wrong} differ")
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
    for row in done:
        result.mutate(*row)
    result.census.report()
    print(f"{len(cases)} cases, {result.compared} answers compared, {result.unexpected} differ")
    return 1 if wrong or result.unexpected or result.census.unnoticed or not result.compared else 0


if __name__ == "__main__":
    sys.exit(main())
