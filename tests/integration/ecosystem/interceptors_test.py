"""Producer interceptors in a chain, a custom partitioner and a consumer interceptor in the Java client
3.9.1: what they made of the records lies in the log, and what they were told is what happened."""

import sys
import time
from typing import List

import jars
from lib import brokers
from lib.brokers import Broker
from lib.client import Client
from told import Told

TOPIC, PARTITIONS, RECORDS = "first", 3, 100
SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 1}


class Differs(Exception):
    """The client's extensions did not see what they should."""


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Differs(f"{what}: {found} instead of {wanted}")


def check(broker: Broker, lines: List[str]) -> None:
    told = [line for line in lines if not line.startswith(("record", "commit"))]
    expect("told", told, ["configure stamp tutorial", "configure count tutorial", "close stamp",
                          f"close count {RECORDS} 0", "close partitioner", "configure even", "close even"])
    records = sorted(line for line in lines if line.startswith("record"))
    expect("records", records, sorted(
        f"record {i % PARTITIONS} {i} {1_700_000_000_000 + i} stamped,message{i} stamp,count"
        for i in range(0, RECORDS, 2)))
    with Client(broker.address) as client:
        ends = {p: client.offset_of(TOPIC, p, -1) for p in range(PARTITIONS)}
        stored = [record for p, end in ends.items() for batch in client.read_batches(TOPIC, p, 0, end)
                  for record in batch.records]
    expect("stored", len(stored), RECORDS)
    expect("headers", {record.headers for record in stored},
           {(("chain", b"stamp"), ("chain", b"count"))})
    expect("commits", sorted(line for line in lines if line.startswith("commit")),
           sorted(f"commit {p} {end}" for p, end in ends.items()))


def main() -> int:
    began = time.monotonic()
    kind = "kafka" if "--kafka" in sys.argv else "barnabas"
    class_path = jars.compiled("kafka", "Interceptors.java")
    with brokers.scratch() as folder, brokers.start(kind, folder, SETTINGS) as broker:
        with Client(broker.address) as client:
            client.create_topic(TOPIC, PARTITIONS, {"retention.ms": "-1"})
        command = brokers.java_command(folder, "Interceptors", heap="256m", class_path=class_path)
        with Told([*command, broker.bootstrap, TOPIC, str(PARTITIONS), str(RECORDS)],
                  folder / "client.log") as program:
            code = program.wait()
            try:
                expect(f"exit code ({program.log.read_text(errors='replace')[-1500:]})", code, 0)
                program.wait_line("close even")
                check(broker, program.lines)
            except Differs as error:
                print(f"FAILED: {error}", file=sys.stderr)
                return 1
    print(f"passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
