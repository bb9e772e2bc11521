"""kafka-transactions beside Kafka 3.9.1's, on the same broker: transactions that ended, one that is open,
and two that hang, one for each side to abort."""

import contextlib
import pathlib
import re
import subprocess
from typing import Callable, Iterator

from lib import brokers
from lib.client import Client
from lib.wire import Record, encode_batch
from tools import Answer, Java, create, expect, native

LINES = [
    "list", "list --duration-filter 0", "list --duration-filter 3600000", "list --duration-filter x",
    "describe --transactional-id commits", "describe --transactional-id stays-open",
    "describe --transactional-id nosuch", "describe", "describe-producers --topic tx --partition 0",
    "describe-producers --topic tx --partition 1 --broker-id 0", "describe-producers --topic tx --partition x",
    "describe-producers --topic tx", "describe-producers", "abort", "abort --topic tx --partition 0",
    "abort --topic tx --partition 0 --start-offset 99", "abort --topic tx --partition 0 --producer-id 7",
    "abort --topic tx --partition 0 --producer-id 7 --producer-epoch 1",
    "abort --topic tx --partition 0 --producer-id 0 --producer-epoch 9 --coordinator-epoch x",
    "abort --topic tx --partition 0 --producer-id 0 --producer-epoch -1 --coordinator-epoch 0",
    "find-hanging", "find-hanging --partition 1", "find-hanging --topic tx", "find-hanging --broker-id 0",
    "find-hanging --topic tx --partition 1", "find-hanging --topic hung",
    "find-hanging --topic tx --max-transaction-timeout 0", "find-hanging --topic nosuch",
    "find-hanging --broker-id 3", "find-hanging --topic hung --max-transaction-timeout 2147483647",
    "frobnicate", "", "list --topic x", "find-hanging --topic tx --partition x",
]

AFTER = ["find-hanging --topic hung", "describe-producers --topic hung --partition 0",
         "describe-producers --topic hung --partition 1"]


@contextlib.contextmanager
def transactions(folder: pathlib.Path, bootstrap: str, topic: str) -> Iterator[None]:
    """A Java producer's transactions, until the end."""
    source = pathlib.Path(__file__).resolve().parent / "Transactions.java"
    with subprocess.Popen([*brokers.java_command(folder, str(source)), bootstrap, topic],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            expect("the transactions are there", b"ready\n", child.stdout.readline())
            yield
        finally:
            child.kill()


def hang(bootstrap: str, topic: str, partition: int, producer_id: int) -> None:
    """A batch of a transaction that no coordinator knows of (the broker is told not to ask)."""
    host, port = bootstrap.split(":")
    with Client((host, int(port))) as client:
        batch = encode_batch([Record(b"never ends")], attributes=0x10, producer_id=producer_id, producer_epoch=0,
                             base_sequence=0)
        answer = client.ask("Produce", 8, TransactionalId="nobody", Acks=-1, TimeoutMs=15000, TopicData=[
            {"Name": topic, "PartitionData": [{"Index": partition, "Records": batch}]}])
        expect("a batch of a hanging transaction", 0, answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"])


def sentence(answer: Answer) -> bytes:
    """The words of the error, without the usage that Kafka's parser puts in front of it."""
    words = b" ".join(answer.err.split())
    return re.sub(rb"^.*error: ", b"", words).replace(b" Enable debug logging for additional detail.", b"")


def comparable(out: bytes) -> bytes:
    """Without what has become of the clock in between."""
    out = re.sub(rb"(\d{13}) *\t\d+ *\t(?=[\w,-]*)", rb"\1 age ", out)  # start and duration, last and age
    return re.sub(rb" +\t", b"\t", out)


def compare_line(java: Java, bootstrap: str, line: str) -> None:
    words = ["--bootstrap-server", bootstrap, *line.split()]
    theirs, ours = java.run("transactions", *words), native("transactions", *words)
    expect(f"transactions {line}: exit code ({ours.err!r})", theirs.code, ours.code)
    expect(f"transactions {line}: standard output", comparable(theirs.out), comparable(ours.out))
    if theirs.code:
        expect(f"transactions {line}: sentence", sentence(theirs), sentence(ours))


def compare_transaction_tools(java: Java, bootstrap: str, folder: pathlib.Path,
                              meanwhile: Callable[[], None] = lambda: None) -> None:
    create(bootstrap, "tx", "hung", words=["--partitions", "2"])
    with transactions(folder, bootstrap, "tx"):
        hang(bootstrap, "hung", 0, 4000)
        hang(bootstrap, "hung", 1, 4001)
        for line in LINES:
            compare_line(java, bootstrap, line)
        for partition, run in ((0, java.run), (1, native)):
            done = run("transactions", "--bootstrap-server", bootstrap, "abort", "--topic", "hung", "--partition",
                       str(partition), "--start-offset", "0")
            expect(f"abort on partition {partition}", Answer(0, b"", b""), done)
        for line in AFTER:
            compare_line(java, bootstrap, line)
        meanwhile()
    print(f"kafka-transactions: {len(LINES) + len(AFTER) + 1} command lines answered alike", flush=True)
