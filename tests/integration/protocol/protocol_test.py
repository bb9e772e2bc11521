"""The same requests to Kafka 3.9.1 and to Barnabas: the answers are compared field by field.

Ids, times and ports are masked. A difference that must be is listed in differences.py with its
reason; one that is listed and no longer occurs fails too.

    protocol_test.py [--kafka-twice] [--only PATTERN]
"""

import argparse
import concurrent.futures
import re
import sys
import traceback
from typing import Any, List, Tuple

import data_cases  # noqa: F401  (registers its cases)
import fetch_cases  # noqa: F401
import general_cases  # noqa: F401
import topics_cases  # noqa: F401
from differences import EXPECTED
from lib import brokers
from lib.brokers import Broker
from target import CASES, Case, Target, differences

SETTINGS = {"num.partitions": 1, "log.message.timestamp.type": "CreateTime",
            "message.max.bytes": 1048588, "group.initial.rebalance.delay.ms": 0,
            "log.retention.ms": -1}  # the records are of 2023

ENDED = "the case ended early"


def run_case(broker: Broker, function: Case) -> Target:
    target = Target(broker)
    try:
        function(target)
    except Exception:  # what is left of the case counts as different
        target.keep(ENDED, "", traceback.format_exc(limit=-3))
    finally:
        target.reconnect()
    return target


def shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) < 600 else text[:400] + f" ... ({len(text)} characters)"


class Comparison:
    """Counts answers, prints what differs, and checks the list of expected differences."""

    def __init__(self) -> None:
        self.compared = self.unexpected = 0
        self.met = [0] * len(EXPECTED)

    def expected(self, case: str, label: str, row: Tuple[str, Any, Any]) -> bool:
        for index, entry in enumerate(EXPECTED):
            if entry.holds(case, f"{label} {row[0]}", row[1], row[2]):
                self.met[index] += 1
                return True
        return False

    def compare(self, name: str, kafka: Target, ours: Target) -> None:
        for side in (kafka, ours):
            if ENDED in side.notes:
                self.unexpected += 1
                print(f"DIFFERENT {name}: ended early on {side.name}\n{side.notes.pop(ENDED).answer}")
        for label in list(kafka.notes) + [l for l in ours.notes if l not in kafka.notes]:
            self.compared += 1
            one, other = kafka.notes.get(label), ours.notes.get(label)
            if one is None or other is None:
                rows = [("", one and one.answer, other and other.answer)]
            else:
                rows = list(differences("", one.answer, other.answer))
            rows = [row for row in rows if not self.expected(name, label, row)]
            if not rows:
                continue
            self.unexpected += 1
            print(f"DIFFERENT {name}: {label}\n  request {(one or other).request[:600]}")
            for path, left, right in rows[:8]:
                print(f"  {path}\n    Kafka: {shorten(left)}\n    ours:  {shorten(right)}")
            if len(rows) > 8:
                print(f"  and {len(rows) - 8} fields more")

    def stale(self, names: List[str]) -> List[str]:
        return [f"{entry.case}: {entry.place}" for entry, count in zip(EXPECTED, self.met)
                if not count and entry.case in names]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka-twice", action="store_true",
                        help="compare Kafka with Kafka: shows what the masks have missed")
    parser.add_argument("--only", default="", help="a pattern for the names of cases")
    chosen = parser.parse_args()
    kind = "kafka" if chosen.kafka_twice else "barnabas"
    cases = [(name, function) for name, function in CASES if re.search(chosen.only, name)]
    result = Comparison()
    with brokers.scratch() as folder:
        (folder / "one").mkdir()
        (folder / "two").mkdir()
        with brokers.start("kafka", folder / "one", SETTINGS, wait=False) as oracle, \
                brokers.start(kind, folder / "two", SETTINGS) as ours:
            oracle.wait_ready()
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                for name, function in cases:
                    both = [pool.submit(run_case, broker, function) for broker in (oracle, ours)]
                    result.compare(name, both[0].result(), both[1].result())
                    if ours.process.exit_code() is not None:
                        result.unexpected += 1
                        print(f"DIFFERENT {name}: our broker exited with {ours.process.exit_code()}:\n"
                              f"{ours.process.log_tail(5)}")
                        ours.start()
    stale = [] if chosen.kafka_twice else result.stale([name for name, _ in cases])
    for pattern in stale:
        print(f"differences.py expects {pattern}, which no longer differs")
    print(f"{len(cases)} cases, {result.compared} answers compared, {result.unexpected} differ")
    return 1 if result.unexpected or stale or not result.compared else 0


if __name__ == "__main__":
    sys.exit(main())
