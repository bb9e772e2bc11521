"""The same requests to Kafka 3.9.1 and to Barnabas: the answers are compared field by field.

1. Every case runs on both. What two brokers cannot share is masked (masks.py); a difference that must
   be stands in differences.py with its reason, and one that no longer occurs fails, too.
2. Every version that Barnabas advertises must have got an ordinary, an empty and a wrong request
   (coverage.py).
3. Every field of every answer of ours is changed in turn, and the comparison must notice
   (mutations.py).

    protocol_test.py [--kafka-twice] [--only PATTERN] [--timings]
"""

import argparse
import concurrent.futures
import importlib
import pathlib
import re
import sys
import time
import traceback
from typing import Dict, List, Tuple

from comparison import ENDED, Comparison
from coverage import missing
from lib import brokers
from lib.brokers import Broker
from lib.client import Client
from lib.process import wait_until
from masks import Facts
from target import CASES, LAST_CASES, Case, Target

COORDINATOR_PARTITIONS = 5
SETTINGS = {"num.partitions": 1, "log.message.timestamp.type": "CreateTime",
            "message.max.bytes": 1048588, "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.num.partitions": COORDINATOR_PARTITIONS,
            "transaction.state.log.num.partitions": COORDINATOR_PARTITIONS,
            # Kafka offers no other on ZooKeeper; ../consumer_groups compares the consumer protocol.
            "group.coordinator.rebalance.protocols": "classic"}


def load_cases() -> List[Tuple[str, Case]]:
    """Every *_cases.py beside this file registers its own, in the order of their names."""
    for path in sorted(pathlib.Path(__file__).parent.glob("*_cases.py")):
        importlib.import_module(path.stem)
    return CASES + LAST_CASES


def run_case(broker: Broker, facts: Facts, function: Case) -> Target:
    target = Target(broker, facts)
    try:
        function(target)
    except Exception:  # what is left of the case counts as different
        target.keep(ENDED, "", traceback.format_exc(limit=-3))
    finally:
        target.reconnect()
    return target


def advertised(broker: Broker) -> Dict[int, Tuple[int, int]]:
    with Client(broker.address) as client:
        return {row["ApiKey"]: (row["MinVersion"], row["MaxVersion"])
                for row in client.ask("ApiVersions", 0)["ApiKeys"]}


def settle(broker: Broker) -> None:
    """Waits until what a broker makes at its first use is there: it would be a race otherwise."""
    with Client(broker.address) as client:
        keys = {row["ApiKey"] for row in client.ask("ApiVersions", 0)["ApiKeys"]}
        wait_until(lambda: client.ask("InitProducerId", 4, TransactionalId=None,
                                      TransactionTimeoutMs=1)["ErrorCode"] == 0, "a producer id")
        for kind, topic in ((0, "__consumer_offsets"), (1, "__transaction_state")):
            if 10 in keys:
                wait_until(lambda: client.ask("FindCoordinator", 2, Key="g", KeyType=kind)
                           ["ErrorCode"] == 0, f"the coordinator of {topic}")
                wait_until(lambda: client.has_leaders(topic, COORDINATOR_PARTITIONS), topic)


def run(pair: Tuple[Broker, Broker], cases: List[Tuple[str, Case]], result: Comparison,
        timings: bool) -> List[str]:
    """Runs the cases on both; what the coverage lacks."""
    facts = [Facts(broker) for broker in pair]
    facts[0].advertised = facts[1].advertised = advertised(pair[1])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(settle, pair))
    done: List[Tuple[str, Target, Target]] = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, function in cases:
            began = time.monotonic()
            both = [pool.submit(run_case, broker, known, function)
                    for broker, known in zip(pair, facts)]
            done.append((name, both[0].result(), both[1].result()))
            result.compare(*done[-1])
            if timings:
                print(f"{time.monotonic() - began:6.2f} s  {name}")
            if pair[1].process.exit_code() is not None:
                result.unexpected += 1
                print(f"DIFFERENT {name}: our broker exited with {pair[1].process.exit_code()}:\n"
                      f"{pair[1].process.log_tail(5)}")
                pair[1].start()
    for broker in pair:
        broker.kill()  # what follows needs the answers alone
    began = time.monotonic()
    for row in done:
        result.mutate(*row)
    if timings:
        print(f"{time.monotonic() - began:6.2f} s  mutations")
    return missing(facts[1].advertised, [ours.sent for _, _, ours in done])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka-twice", action="store_true",
                        help="compare Kafka with Kafka: shows what the masks have missed")
    parser.add_argument("--only", default="", help="a pattern for the names of cases")
    parser.add_argument("--timings", action="store_true", help="how long each case takes")
    chosen = parser.parse_args()
    kind = "kafka" if chosen.kafka_twice else "barnabas"
    cases = [(name, function) for name, function in load_cases() if re.search(chosen.only, name)]
    result = Comparison()
    with brokers.scratch() as folder:
        (folder / "one").mkdir()
        (folder / "two").mkdir()
        with brokers.start("kafka", folder / "one", SETTINGS, wait=False) as oracle, \
                brokers.start(kind, folder / "two", SETTINGS) as ours:
            oracle.wait_ready()
            lacks = run((oracle, ours), cases, result, chosen.timings)
    if chosen.only or chosen.kafka_twice:
        lacks = []
    stale = [] if chosen.kafka_twice else result.stale([name for name, _ in cases])
    for one in stale:
        print(f"differences.py expects {one}, which no longer differs")
    for one in lacks:
        print(f"MISSING {one}")
    result.census.report()
    print(f"{len(cases)} cases, {result.compared} answers compared, {result.unexpected} differ, "
          f"{len(lacks)} versions lack a request")
    failed = result.unexpected or stale or lacks or result.census.unnoticed
    return 1 if failed or not result.compared else 0


if __name__ == "__main__":
    sys.exit(main())
