"""The console consumer's formatters of the coordinators' topics beside Kafka 3.9.1's, on the same records."""

from typing import List

from lib.client import Client
from tools import Java, expect, native

PARTITIONS = 50  # of __consumer_offsets and __transaction_state
NEW = "org.apache.kafka.tools.consumer."
GROUPS = [NEW + "OffsetsMessageFormatter", NEW + "GroupMetadataMessageFormatter",
          "kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter",
          "kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter"]
TRANSACTIONS = [NEW + "TransactionLogMessageFormatter",
                "kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter"]


def java_hash(text: str) -> int:
    value = 0
    for char in text.encode():
        value = (value * 31 + char) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def partition_of(name: str) -> int:
    return abs(java_hash(name)) % PARTITIONS


def compare_formatters(java: Java, bootstrap: str, topic: str, names: List[str], formatters: List[str]) -> int:
    """All records of the partitions in which the groups or transactional ids `names` are kept."""
    host, port = bootstrap.split(":")
    for partition in sorted({partition_of(name) for name in names}):
        with Client((host, int(port))) as client:
            count = client.offset_of(topic, partition, -1)
        expect(f"{topic}-{partition} has records", True, count > 0)
        for formatter in formatters:
            words = ["--bootstrap-server", bootstrap, "--topic", topic, "--partition", str(partition), "--offset",
                     "earliest", "--max-messages", str(count), "--timeout-ms", "20000", "--formatter", formatter]
            theirs, ours = java.run("console-consumer", *words), native("console-consumer", *words)
            expect(f"{formatter} of {topic}-{partition}: exit code ({ours.err!r})", theirs.code, ours.code)
            expect(f"{formatter} of {topic}-{partition}", theirs.out.split(b"\n"), ours.out.split(b"\n"))
            warnings = [[line for line in answer.err.split(b"\n") if line.startswith(b"WARNING")]
                        for answer in (theirs, ours)]
            expect(f"warnings of {formatter}", warnings[0], warnings[1])
    return len(formatters)
