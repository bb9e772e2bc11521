"""kafka-consumer-groups.sh of Kafka 3.9.1 says the same of our groups as of Kafka's; the console
consumers, ours and Kafka's, are members of groups.

    tools_test.py [--kafka-twice]
"""

import argparse
import concurrent.futures
import difflib
import pathlib
import re
import sys
from typing import Dict, List, Tuple

from lib import brokers
from lib.brokers import Broker
from lib.client import Client
from lib.process import wait_until
from lib.wire import Record
from members import Jvm, wait_records, wait_shared
from tools.tools import JAVA_CLASS, Java, native

SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 3}
TOPIC = "shop"
JAVA_CLASS["consumer-groups"] = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

COMMANDS: List[Tuple[str, ...]] = [
    ("--list",), ("--list", "--state"), ("--list", "--type"), ("--list", "--state", "Stable"),
    ("--describe", "--group", "simple"), ("--describe", "--group", "live"),
    ("--describe", "--group", "live", "--members"),
    ("--describe", "--group", "live", "--members", "--verbose"),
    ("--describe", "--group", "live", "--state"), ("--describe", "--group", "unknown"),
    ("--describe", "--all-groups", "--state"),
    ("--reset-offsets", "--group", "live", "--to-earliest", "--topic", TOPIC, "--execute"),
    ("--reset-offsets", "--group", "simple", "--to-earliest", "--topic", TOPIC, "--dry-run"),
    ("--describe", "--group", "simple", "--offsets"),
    ("--reset-offsets", "--group", "simple", "--to-offset", "3", "--topic", f"{TOPIC}:0", "--execute"),
    ("--reset-offsets", "--group", "simple", "--shift-by", "-2", "--topic", f"{TOPIC}:1", "--execute"),
    ("--describe", "--group", "simple"),
    ("--reset-offsets", "--group", "simple", "--to-latest", "--all-topics", "--execute"),
    ("--describe", "--group", "simple"),
    ("--reset-offsets", "--group", "fresh", "--to-earliest", "--topic", TOPIC, "--execute"),
    ("--delete-offsets", "--group", "simple", "--topic", f"{TOPIC}:0"),
    ("--delete-offsets", "--group", "live", "--topic", TOPIC),
    ("--describe", "--group", "simple"),
    ("--delete", "--group", "live"), ("--delete", "--group", "simple", "--group", "unknown"),
    ("--list",),
]


def prepare(broker: Broker, folder: pathlib.Path) -> Jvm:
    with Client(broker.address) as client:
        client.create_topic(TOPIC, 2)
        wanted: Dict[int, List[str]] = {}
        for partition in range(2):
            wanted[partition] = [f"{partition}.{index}" for index in range(10)]
            client.produce_records(TOPIC, partition,
                                   [Record(value.encode()) for value in wanted[partition]])
        wait_until(lambda: client.ask("FindCoordinator", 2, Key="g", KeyType=0)["ErrorCode"] == 0,
                   "a coordinator")

        def committed() -> bool:
            answer = client.ask("OffsetCommit", 7, GroupId="simple", Topics=[
                {"Name": TOPIC, "Partitions": [
                    {"PartitionIndex": index, "CommittedOffset": 5 + index, "CommittedMetadata": ""}
                    for index in range(2)]}])
            return all(row["ErrorCode"] == 0 for row in answer["Topics"][0]["Partitions"])
        wait_until(committed, "offsets of the group without members")
        jvm = Jvm(folder)
        live = jvm.member("live-0", broker, TOPIC, "live", client_id="one")
        wait_shared([live], 2)
        wait_records([live], wanted)
        wait_until(lambda: sum(row["CommittedOffset"] for row in client.ask(
            "OffsetFetch", 5, GroupId="live", Topics=None)["Topics"][0]["Partitions"]) == 20,
                   "all of it is committed")
    return jvm


def said(java: Java, broker: Broker) -> List[str]:
    lines = []
    for words in COMMANDS:
        answer = java.run("consumer-groups", "--bootstrap-server", broker.bootstrap, *words)
        text = re.sub(UUID, "<uuid>", (answer.out + b"\n" + answer.err).decode())
        text = text.replace(str(broker.port), "<port>")
        lines.append(f"$ {' '.join(words)} -> {answer.code}")
        # The rows of one answer stand in the order of hash maps.
        lines += sorted(re.sub(r" +", " ", line).strip() for line in text.splitlines() if line.strip())
    return lines


def consoles(broker: Broker, folder: pathlib.Path) -> None:
    """Ours and Kafka's console consumer go on where the other one of the group has stopped."""
    with Client(broker.address) as client:
        client.create_topic("console", 1)
        client.produce_records("console", 0, [Record(b"%d" % index) for index in range(30)])
    common = ["--bootstrap-server", broker.bootstrap, "--topic", "console", "--from-beginning",
              "--max-messages", "10", "--timeout-ms", "30000"]
    with Java(folder) as java:
        answers = [native("console-consumer", *common, "--group", "console"),
                   java.run("console-consumer", *common, "--group", "console"),
                   native("console-consumer", *common, "--consumer-property", "group.id=console")]
    for index, answer in enumerate(answers):
        wanted = b"".join(b"%d\n" % number for number in range(10 * index, 10 * index + 10))
        if answer.code or answer.out != wanted:
            raise AssertionError(f"console consumer {index}: {answer}")
    alone = native("console-consumer", *common)  # in a group of its own
    if alone.code or alone.out != b"".join(b"%d\n" % number for number in range(10)):
        raise AssertionError(f"console consumer without a group: {alone}")
    with Client(broker.address) as client:
        left = [group["GroupId"] for group in client.ask("ListGroups", 4)["Groups"]
                if re.fullmatch(r"console-consumer-\d+", group["GroupId"])]
        if len(left) != 1:
            raise AssertionError(f"the group of a console consumer is missing: {left}")
        offsets = client.ask("OffsetFetch", 5, GroupId=left[0], Topics=None)["Topics"]
        if offsets:
            raise AssertionError(f"a console consumer without a group has committed {offsets}")
    print("four console consumers read what they should", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka-twice", action="store_true")
    chosen = parser.parse_args()
    with brokers.scratch() as folder:
        (folder / "one").mkdir()
        (folder / "two").mkdir()
        kind = "kafka" if chosen.kafka_twice else "barnabas"
        with brokers.start("kafka", folder / "one", SETTINGS, wait=False) as kafka, \
                brokers.start(kind, folder / "two", SETTINGS) as ours:
            kafka.wait_ready()
            both = (kafka, ours)
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                jvms = list(pool.map(prepare, both, [b.folder for b in both]))
                with Java(folder) as java, jvms[0], jvms[1]:
                    texts = [said(java, broker) for broker in both]
            if texts[0] != texts[1]:
                print("\n".join(difflib.unified_diff(*texts, "Kafka", "ours", n=2)))
                raise AssertionError("kafka-consumer-groups.sh tells something else of our groups")
            print(f"{len(COMMANDS)} commands of kafka-consumer-groups.sh, {len(texts[0])} lines, the same",
                  flush=True)
            consoles(ours, ours.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
