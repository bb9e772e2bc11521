"""__transaction_state and markers of one broker, read by the other.

The same transactions on Kafka 3.9.1 and on Barnabas: committed, aborted, with offsets, one left open,
one by a producer that was fenced. Then
1. DumpLogSegments --transaction-log-decoder says the same of both brokers' files,
2. the records and the markers are the same, byte by byte, apart from times and producer ids,
3. Kafka starts on our __transaction_state and we on Kafka's: the same ids are in the same states, the
   open transaction is still its producer's, and ends.

    state_files_test.py [--kafka-twice]
"""

import argparse
import concurrent.futures
import difflib
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Any, Dict, List, Tuple

from copies import encode_transactional
from lib import brokers, messages
from lib.brokers import Broker
from lib.client import Client
from lib.process import wait_until
from lib.wire import Record, decode_batches

PARTITIONS = 3
SETTINGS = {"transaction.state.log.num.partitions": PARTITIONS, "offsets.topic.num.partitions": PARTITIONS,
            "num.recovery.threads.per.data.dir": 1}
NAMES = ["committed", "aborted", "open", "fenced", "\u00fcber"]
SETTLED = ("Empty", "CompleteCommit", "CompleteAbort")


class Producer:
    """A transactional producer of a few lines."""

    def __init__(self, client: Client, name: str):
        self.client, self.name = client, name
        self.sequences: Dict[str, int] = {}
        wait_until(lambda: client.ask("FindCoordinator", 2, Key=name, KeyType=1)["ErrorCode"] == 0, name)
        wait_until(self._init, f"{name} has an epoch")

    def _init(self) -> bool:
        answer = self.client.ask("InitProducerId", 4, TransactionalId=self.name,
                                 TransactionTimeoutMs=600000)
        self.who = {"ProducerId": answer["ProducerId"], "ProducerEpoch": answer["ProducerEpoch"]}
        return answer["ErrorCode"] == 0

    def _added(self, topic: str) -> bool:
        answer = self.client.ask("AddPartitionsToTxn", 3, V3AndBelowTransactionalId=self.name,
                                 V3AndBelowTopics=[{"Name": topic, "Partitions": [0]}],
                                 **{f"V3AndBelow{key}": value for key, value in self.who.items()})
        return answer["ResultsByTopicV3AndBelow"][0]["ResultsByPartition"][0]["PartitionErrorCode"] == 0

    def send(self, topic: str = "data") -> None:
        wait_until(lambda: self._added(topic), f"{topic} is in {self.name}")
        batch = encode_transactional(Record(self.name.encode()), self.who["ProducerId"],
                                     self.who["ProducerEpoch"], self.sequences.get(topic, 0))
        self.sequences[topic] = self.sequences.get(topic, 0) + 1
        answer = self.client.ask("Produce", 9, TransactionalId=self.name, Acks=-1, TimeoutMs=10000,
                                 TopicData=[{"Name": topic, "PartitionData": [
                                     {"Index": 0, "Records": batch}]}])
        code = answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"]
        if code:
            raise AssertionError(f"Produce of {self.name}: error {code}")

    def end(self, commit: bool) -> None:
        code = self.client.ask("EndTxn", 3, TransactionalId=self.name, Committed=commit,
                               **self.who)["ErrorCode"]
        if code:
            raise AssertionError(f"EndTxn of {self.name}: error {code}")
        wait_until(lambda: state(self.client, self.name)["TransactionState"] in SETTLED, self.name)


def state(client: Client, name: str) -> Dict[str, Any]:
    return client.ask("DescribeTransactions", 0, TransactionalIds=[name])["TransactionStates"][0]


def fill(broker: Broker) -> Dict[str, Any]:
    """The transactions; who left one open."""
    with Client(broker.address) as client:
        for topic in ("data", "more"):
            client.create_topic(topic, 1)
        for name, ends in (("committed", (True, True)), ("aborted", (False,)), ("\u00fcber", (True, False))):
            producer = Producer(client, name)
            for commit in ends:
                producer.send()
                producer.end(commit)
        fenced = Producer(client, "fenced")
        fenced.send()
        Producer(client, "fenced")
        left = Producer(client, "open")
        left.send()
        left.send("more")
        return {"TransactionalId": "open", **left.who}


def look(broker: Broker) -> List[Dict[str, Any]]:
    """What the broker knows of the ids, without what is random."""
    with Client(broker.address) as client:
        wait_until(lambda: all(state(client, name)["ErrorCode"] == 0 for name in NAMES), "all are loaded")
        found = [state(client, name) for name in NAMES]
    for one in found:
        # When the last transaction of an id began that has a new epoch is not logged.
        one.update(ProducerId=one["ProducerId"] >= 0, TransactionStartTimeMs=(
            one["TransactionStartTimeMs"] > 0 or one["TransactionState"] == "Empty"))
        one["Topics"].sort(key=lambda topic: topic["Topic"])
    return found


def folders(broker: Broker) -> List[pathlib.Path]:
    return [broker.log_dirs[0] / f"__transaction_state-{index}" for index in range(PARTITIONS)]


def dump(broker: Broker, _: object = None) -> str:
    files = [str(path) for one in folders(broker) for path in sorted(one.glob("*.log"))]
    done = subprocess.run([*brokers.java_command(broker.folder, "kafka.tools.DumpLogSegments"),
                           "--transaction-log-decoder", "--files", ",".join(files)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    if "payload" not in done.stdout or re.search("Exception|mismatch|isvalid: false", done.stdout):
        raise AssertionError(f"DumpLogSegments of {broker.kind}:\n{done.stdout[:3000]}")
    text = done.stdout.replace(str(broker.log_dirs[0]), "")
    text = re.sub(r"crc: \d+", "crc: *", text)
    text = re.sub(r"(roducerId:)\d+", r"\1*", text)
    return re.sub(r"\b1[78]\d{11}\b", "<time>", text)


def records(broker: Broker) -> List[Tuple[str, bytes, bytes]]:
    """Keys and values in the order of each log; producer ids and times are cut out."""
    found = []
    for folder in folders(broker):
        data = b"".join(path.read_bytes() for path in sorted(folder.glob("*.log")))
        for batch in decode_batches(data, partial_tail=False):
            for record in batch.records:
                value = record.value
                start = b"-" if value[-8:] == b"\xff" * 8 else b"+"
                found.append((folder.name, record.key, value[:2] + value[10:-16] + start))
    return found


def markers(broker: Broker) -> List[Tuple[str, bytes]]:
    """The control batches of both topics; checksum, times and producer id are cut out."""
    found = []
    for topic in ("data", "more"):
        data = b"".join(path.read_bytes()
                        for path in sorted((broker.log_dirs[0] / f"{topic}-0").glob("*.log")))
        at = 0
        while at < len(data):
            size = int.from_bytes(data[at + 8:at + 12], "big") + 12
            batch = data[at:at + size]
            if batch[22] & 0x20:
                found.append((topic, batch[:17] + batch[21:27] + batch[51:]))
            at += size
    return found


def exchange(one: Broker, other: Broker) -> None:
    """Each gets all the other's partitions and goes on from its recovery; topic ids stay."""
    for name in [folder.name for folder in folders(one)] + ["data-0", "more-0"]:
        mine, theirs = one.log_dirs[0] / name, other.log_dirs[0] / name
        ids = [(folder / "partition.metadata").read_bytes() for folder in (mine, theirs)]
        spare = mine.with_suffix(".spare")
        mine.rename(spare)
        shutil.copytree(theirs, mine)
        shutil.rmtree(theirs)
        spare.rename(theirs)
        for folder, data in zip((mine, theirs), ids):
            (folder / "partition.metadata").write_bytes(data)
    ends = [(broker.log_dirs[0] / "replication-offset-checkpoint").read_bytes() for broker in (one, other)]
    for broker, data in zip((other, one), ends):
        (broker.log_dirs[0] / "replication-offset-checkpoint").write_bytes(data)
        (broker.log_dirs[0] / "recovery-point-offset-checkpoint").write_text("0\n0\n")
        (broker.log_dirs[0] / ".kafka_cleanshutdown").unlink()


def check(same: bool, what: str, one: Any, other: Any) -> None:
    if not same:
        lines = [value.splitlines() if isinstance(value, str) else [repr(row) for row in value]
                 for value in (one, other)]
        raise AssertionError(f"{what} differ:\n" + "\n".join(difflib.unified_diff(*lines, n=0)))
    print(f"{what} are the same", flush=True)


def end_open(broker: Broker, who: Dict[str, Any]) -> None:
    """Ends on this broker what was begun on the other one."""
    with Client(broker.address) as client:
        code = client.ask("EndTxn", 3, Committed=True, **who)["ErrorCode"]
        if code:
            raise AssertionError(f"{broker.kind}: EndTxn of the open transaction: error {code}")
        wait_until(lambda: state(client, "open")["TransactionState"] == "CompleteCommit", "it is committed")


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
                left = list(pool.map(fill, both))
                seen = list(pool.map(look, both))
                check(seen[0] == seen[1], "transactional ids", *seen)
                list(pool.map(lambda broker: broker.stop(), both))
                dumps = list(pool.map(dump, both))
            check(dumps[0] == dumps[1], "DumpLogSegments' lines", *dumps)
            rows = [records(broker) for broker in both]
            check(rows[0] == rows[1], f"{len(rows[0])} records", *rows)
            rows = [markers(broker) for broker in both]
            check(rows[0] == rows[1], f"{len(rows[0])} markers", *rows)
            exchange(kafka, ours)
            for broker in both:
                broker.start(wait=False)
            for broker, who in zip(both, reversed(left)):
                broker.wait_ready()
                after = look(broker)
                check(after == seen[0], f"what {broker.kind} knows on the other's files", after, seen[0])
                end_open(broker, who)
    return 0


if __name__ == "__main__":
    sys.exit(main())
