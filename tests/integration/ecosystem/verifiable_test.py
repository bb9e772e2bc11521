"""kafka-verifiable-producer and kafka-verifiable-consumer 3.9.1: what is acknowledged is consumed, once,
in order, and the next consumer of the group goes on where the first has committed."""

import json
import subprocess
import sys
import time
from typing import Any, Dict, List

from lib import brokers
from lib.brokers import Broker
from lib.client import Client

TOPIC, PARTITIONS, FIRST, SECOND = "verifiable", 3, 4000, 1000
SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 1}


class Differs(Exception):
    """What was consumed is not what was acknowledged."""


def tool(folder, main: str, *arguments: object) -> List[Dict[str, Any]]:
    done = subprocess.run([*brokers.java_command(folder, f"org.apache.kafka.tools.{main}", heap="256m"),
                           *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=90, check=False)
    if done.returncode != 0:
        raise Differs(f"{main} ended with {done.returncode}: {done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def produce(broker: Broker, folder, count: int, prefix: int) -> Dict[int, List[str]]:
    """The acknowledged values by partition, in the order of their offsets."""
    events = tool(folder, "VerifiableProducer", "--bootstrap-server", broker.bootstrap, "--topic", TOPIC,
                  "--max-messages", count, "--acks", -1, "--value-prefix", prefix, "--repeating-keys", 7)
    sent = [event for event in events if event["name"] == "producer_send_success"]
    data = next(event for event in events if event["name"] == "tool_data")
    if len(sent) != count or data["acked"] != count:
        raise Differs(f"{len(sent)} of {count} were acknowledged: {data}")
    return {partition: [event["value"] for event in sorted(sent, key=lambda event: event["offset"])
                        if event["partition"] == partition] for partition in range(PARTITIONS)}


def consume(broker: Broker, folder, count: int, wanted: Dict[int, List[str]]) -> None:
    events = tool(folder, "VerifiableConsumer", "--bootstrap-server", broker.bootstrap, "--topic", TOPIC,
                  "--group-id", "verifiable", "--max-messages", count, "--reset-policy", "earliest",
                  "--session-timeout", 6000, "--verbose")
    got: Dict[int, List[str]] = {partition: [] for partition in range(PARTITIONS)}
    for event in events:
        if event["name"] == "record_data":
            got[event["partition"]].append(event["value"])
    if got != wanted:
        raise Differs(f"consumed {[len(v) for v in got.values()]}, acknowledged "
                      f"{[len(v) for v in wanted.values()]}, or in another order")
    if not any(event["name"] == "offsets_committed" and event["success"] for event in events):
        raise Differs("nothing was committed")
    print(f"{count} records acknowledged and consumed", flush=True)


def main() -> int:
    began = time.monotonic()
    kind = "kafka" if "--kafka" in sys.argv else "barnabas"
    with brokers.scratch() as folder, brokers.start(kind, folder, SETTINGS) as broker:
        with Client(broker.address) as client:
            client.create_topic(TOPIC, PARTITIONS)
        try:
            for prefix, count in ((1, FIRST), (2, SECOND)):
                consume(broker, folder, count, produce(broker, folder, count, prefix))
        except Differs as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    print(f"passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
