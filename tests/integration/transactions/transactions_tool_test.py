"""kafka-transactions.sh of Kafka 3.9.1 says the same of our transactions as of Kafka's, and aborts a
hanging one of both. (Verification is off: with it nothing can hang.)

    transactions_tool_test.py [--kafka-twice]
"""

import argparse
import concurrent.futures
import re
import sys
from typing import List, Tuple

from copies import encode_transactional
from lib import brokers, messages
from lib.brokers import Broker
from lib.client import Client
from lib.wire import Record
from state_files_test import check, fill
from tools.tools import JAVA_CLASS, Java

SETTINGS = {"transaction.state.log.num.partitions": 3, "offsets.topic.num.partitions": 3,
            "transaction.partition.verification.enable": "false",
            "transaction.max.timeout.ms": 900000}
JAVA_CLASS["transactions"] = "org.apache.kafka.tools.TransactionsCommand"
HANGING = 4242  # the id of a producer that no coordinator knows


def prepare(broker: Broker) -> int:
    """The transactions of state_files_test and a hanging one; where that begins."""
    fill(broker)
    with Client(broker.address) as client:
        client.create_topic("hung", 1)
        records = encode_transactional(Record(b"hangs"), HANGING, 0, 0)
        answer = client.ask("Produce", 9, TransactionalId="nobody", Acks=-1, TimeoutMs=10000, TopicData=[
            {"Name": "hung", "PartitionData": [{"Index": 0, "Records": records}]}])
        row = answer["Responses"][0]["PartitionResponses"][0]
        if row["ErrorCode"]:
            raise AssertionError(f"{broker.kind}: what is to hang is refused: {row['ErrorCode']}")
        return row["BaseOffset"]


def commands(start: int) -> List[Tuple[str, ...]]:
    hung = ("--topic", "hung", "--partition", "0")
    return [
        ("list",), ("list", "--duration-filter", "0"), ("list", "--duration-filter", "100000000"),
        ("describe", "--transactional-id", "open"), ("describe", "--transactional-id", "committed"),
        ("describe", "--transactional-id", "fenced"), ("describe", "--transactional-id", "unknown"),
        ("describe-producers", "--topic", "data", "--partition", "0"),
        ("describe-producers", *hung),
        ("find-hanging", "--topic", "hung"), ("find-hanging", "--broker-id", "0", "--max-transaction-timeout", "0"),
        ("abort", *hung, "--start-offset", str(start)),
        ("describe-producers", *hung),
        ("abort", *hung, "--start-offset", str(start)),
    ]


def plain(text: str, broker: Broker) -> List[str]:
    """Rows without times, in an order that no hash map moves."""
    text = re.sub(r"\b1[78]\d{11}\b", "<time>", text.replace(str(broker.port), "<port>"))
    text = re.sub(r"(<time>\s+)\d+\b", r"\1<ms>", text)
    rows = []
    for line in text.splitlines():
        rows.append(" ".join(",".join(sorted(word.split(","))) for word in line.split()))
    return sorted(row for row in rows if row)


def say(java: Java, broker: Broker, start: int) -> List[str]:
    said = []
    for words in commands(start):
        answer = java.run("transactions", "--bootstrap-server", broker.bootstrap, *words)
        said.append(f"$ {' '.join(words)} -> {answer.code}")
        said += plain((answer.out + b"\n" + answer.err).decode(), broker)
    return said


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
                starts = list(pool.map(prepare, both))
            with Java(folder) as java:
                said = [say(java, broker, start) for broker, start in zip(both, starts)]
            check(said[0] == said[1], "what kafka-transactions says", *("\n".join(one) for one in said))
            for word in ("Ongoing", "CompleteCommit", str(HANGING)):
                if word not in "\n".join(said[1]):
                    raise AssertionError(f"{word} is not in what the tool says:\n" + "\n".join(said[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
