"""What the interchange test writes to a broker, and everything that a broker serves.

A `Writer` keeps its sequences and its transactions from one broker to the next: what the second one
accepts, refuses as a gap or takes for a duplicate shows whether it has read the first one's state.
"""

import time
from typing import Any, Dict, List, NamedTuple, Tuple

import frames
from lib import messages
from lib.brokers import Broker
from lib.client import Client
from lib.process import wait_until
from lib.wire import Record, decode_batches, encode_batch

# topic -> (partitions, configs). Small segments, so that every partition has several.
TOPICS: Dict[str, Tuple[int, Dict[str, str]]] = {
    "swap-plain": (3, {"segment.bytes": "6000"}),
    "swap-codecs": (2, {"segment.bytes": "20000"}),
    "swap-idempotent": (2, {"segment.bytes": "4000"}),
    "swap-transactions": (2, {"segment.bytes": "4000"}),
    "swap-append-time": (1, {"segment.bytes": "4000", "message.timestamp.type": "LogAppendTime"}),
    "swap-compacted": (1, {"segment.bytes": "4000", "cleanup.policy": "compact",
                           "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "86400000"}),
    "swap-empty": (2, {}),
}
GROUP, OPEN = "swap-group", "swap-open"
NONE, OUT_OF_ORDER, DUPLICATE_OR_NONE = 0, 45, (0, 46)
BUSY = (14, 15, 16, 51)  # a coordinator that loads, or a transaction that is being completed


class Served(NamedTuple):
    """One partition as a broker gives it out."""
    start: int
    end: int
    records: bytes          # every byte, read_uncommitted; of a compacted topic what must survive
    stable_end: int         # as far as read_committed sees
    stable: bytes           # every byte that read_committed gets
    aborted: Tuple[Tuple[int, int], ...]


def _fetch(client: Client, topic: str, partition: int, offset: int, isolation: int) -> messages.Fields:
    answer = client.ask("Fetch", 11, ReplicaId=-1, MaxWaitMs=0, MinBytes=0, MaxBytes=1 << 24,
                        IsolationLevel=isolation, SessionEpoch=-1, RackId="", Topics=[
                            {"Topic": topic, "Partitions": [
                                {"Partition": partition, "FetchOffset": offset, "LogStartOffset": -1,
                                 "CurrentLeaderEpoch": -1, "PartitionMaxBytes": 1 << 24}]}])
    part = answer["Responses"][0]["Partitions"][0]
    if part["ErrorCode"] != NONE:
        raise AssertionError(f"Fetch of {topic}-{partition} at {offset}: error {part['ErrorCode']}")
    return part


def _all(client: Client, topic: str, partition: int, start: int, isolation: int
         ) -> Tuple[bytes, int, Tuple[Tuple[int, int], ...]]:
    found, at, aborted = b"", start, set()
    while True:
        part = _fetch(client, topic, partition, at, isolation)
        aborted |= {(one["ProducerId"], one["FirstOffset"]) for one in part["AbortedTransactions"] or ()}
        batches = decode_batches(part["Records"] or b"", partial_tail=False)
        if not batches:
            return found, at, tuple(sorted(aborted))
        found += part["Records"]
        at = batches[-1].last_offset + 1


def _survivors(data: bytes) -> bytes:
    """The last record of every key: what no cleaner may take away, and what it may is not looked at."""
    last = {record.key: record for batch in decode_batches(data, partial_tail=False)
            for record in batch.records}
    return repr(sorted(last.values(), key=lambda record: record.offset)).encode()


def served(broker: Broker) -> Dict[Tuple[str, int], Served]:
    """Everything that a broker serves of TOPICS."""
    found = {}
    with Client(broker.address, timeout_s=60.0) as client:
        for topic, (partitions, _) in TOPICS.items():
            broker.process.wait_until(lambda: client.has_leaders(topic, partitions),  # noqa: B023
                                      f"leaders of {topic}")
            for partition in range(partitions):
                start = client.offset_of(topic, partition, -2)
                records, end, _ = _all(client, topic, partition, start, 0)
                stable, stable_end, aborted = _all(client, topic, partition, start, 1)
                if client.offset_of(topic, partition, -1) != end:
                    raise AssertionError(f"{topic}-{partition}: read up to {end}, which is not its end")
                if TOPICS[topic][1].get("cleanup.policy") == "compact":
                    start, records, stable = 0, _survivors(records), _survivors(stable)
                found[topic, partition] = Served(start, end, records, stable_end, stable, aborted)
    return found


def topic_ids(broker: Broker) -> Dict[str, bytes]:
    with Client(broker.address) as client:
        rows = client.ask("Metadata", 12, Topics=[{"Name": name} for name in TOPICS],
                          AllowAutoTopicCreation=False)["Topics"]
    return {row["Name"]: row["TopicId"] for row in rows}


def advertises(broker: Broker, api: str) -> bool:
    key = messages.definitions()[api + "Request"].key
    with Client(broker.address) as client:
        return any(row["ApiKey"] == key for row in client.ask("ApiVersions", 0)["ApiKeys"])


class Writer:
    """Writes to whichever broker runs now."""

    def __init__(self) -> None:
        self.rounds = 0
        self._sequences: Dict[Tuple[int, int], int] = {}
        self._last: Dict[Tuple[int, int], Tuple[bytes, int]] = {}
        self._open: Dict[str, Any] = {}

    def create_topics(self, broker: Broker) -> None:
        with Client(broker.address) as client:
            for name, (partitions, configs) in TOPICS.items():
                client.create_topic(name, partitions, {"retention.ms": "-1", **configs}, wait=False)

    def write(self, broker: Broker) -> None:
        """One round: every kind of batch that needs no coordinator."""
        self.rounds += 1
        with Client(broker.address, timeout_s=60.0) as client:
            for number in range(30):
                client.produce_records("swap-plain", number % 3, self._records(3, 150))
                client.produce_records("swap-append-time", 0, self._records(2, 150))
                client.produce_records("swap-compacted", 0, [
                    Record(None if number % 7 == 6 else b"v" * 300, b"key-%d" % (number % 5))])
            for codec in frames.CODECS:
                for _ in range(3):
                    self._accepted(client.produce("swap-codecs", 0,
                                                  frames.recorded_batch(f"{codec}-small")), codec)
                self._accepted(client.produce("swap-codecs", 1,
                                              frames.gzip_batch(self._records(20, 200))), "gzip")
            for producer in (900, 901):
                for partition in (0, 1):
                    self._idempotent(client, producer, partition)

    @staticmethod
    def _accepted(answer: messages.Fields, what: str) -> int:
        if answer["ErrorCode"] != NONE:
            raise AssertionError(f"Produce of {what}: error {answer['ErrorCode']}")
        return answer["BaseOffset"]

    def _records(self, count: int, size: int) -> List[Record]:
        now = int(time.time() * 1000)
        return [Record(b"%d.%d " % (self.rounds, i) + b"." * size, b"key-%d" % i, (("h", b"v"),), now)
                for i in range(count)]

    def _idempotent(self, client: Client, producer: int, partition: int) -> None:
        """Repeats the last batch, leaves a gap, goes on: only the last of these may be stored."""
        key, topic = (producer, partition), "swap-idempotent"
        if key in self._last:
            batch, offset = self._last[key]
            again = self._accepted(client.produce(topic, partition, batch), "a duplicate")
            if again != offset:
                raise AssertionError(f"{topic}-{partition}: a duplicate of {offset} got {again}")
            gap = client.produce(topic, partition, self._batch(producer, self._sequences[key] + 7))
            if gap["ErrorCode"] != OUT_OF_ORDER:
                raise AssertionError(f"{topic}-{partition}: error {gap['ErrorCode']} for a gap")
        for _ in range(6):
            sequence = self._sequences.get(key, 0)
            batch = self._batch(producer, sequence)
            self._last[key] = (batch, self._accepted(client.produce(topic, partition, batch), "in order"))
            self._sequences[key] = sequence + 2

    def _batch(self, producer: int, sequence: int, epoch: int = 0, attributes: int = 0) -> bytes:
        records = self._records(2, 200)
        return encode_batch(records, timestamp=records[0].timestamp, producer_id=producer,
                            producer_epoch=epoch, base_sequence=sequence, attributes=attributes)

    def transact(self, broker: Broker) -> None:
        """Transactions that commit and abort, several at once, and one that stays open."""
        with Client(broker.address, timeout_s=60.0) as client:
            made = [self._begin(client, f"swap-{name}-{self.rounds}") for name in ("one", "two")]
            for number in range(4):
                for index, one in enumerate(made):
                    for partition in (0, 1):
                        self._add(client, one, partition)
                        self._send(client, one, partition)
                    self._end(client, one, commit=(number + index) % 2 == 0)
            self._open = self._begin(client, OPEN)
            self._add(client, self._open, 1)
            self._send(client, self._open, 1)
            self._end(client, self._open, commit=True)
            self._add(client, self._open, 1)
            self._send(client, self._open, 1)

    def commit_open(self, broker: Broker) -> None:
        """The producer that began before the brokers changed goes on and commits."""
        with Client(broker.address, timeout_s=60.0) as client:
            self._send(client, self._open, 1)
            self._end(client, self._open, commit=True)

    def _begin(self, client: Client, name: str) -> Dict[str, Any]:
        def known() -> messages.Fields:
            answer = client.ask("InitProducerId", 4, TransactionalId=name, TransactionTimeoutMs=600000)
            return answer if answer["ErrorCode"] == NONE else {}
        wait_until(lambda: client.ask("FindCoordinator", 2, Key=name, KeyType=1)["ErrorCode"] == NONE,
                   "the transaction coordinator")
        answer = wait_until(known, f"a producer id for {name}")
        return {"name": name, "id": answer["ProducerId"], "epoch": answer["ProducerEpoch"],
                "sequences": {}}

    @staticmethod
    def _add(client: Client, one: Dict[str, Any], partition: int) -> None:
        def added() -> bool:
            answer = client.ask("AddPartitionsToTxn", 3, V3AndBelowTransactionalId=one["name"],
                                V3AndBelowProducerId=one["id"], V3AndBelowProducerEpoch=one["epoch"],
                                V3AndBelowTopics=[{"Name": "swap-transactions", "Partitions": [partition]}])
            code = answer["ResultsByTopicV3AndBelow"][0]["ResultsByPartition"][0]["PartitionErrorCode"]
            if code not in (NONE, *BUSY):
                raise AssertionError(f"AddPartitionsToTxn: error {code}")
            return code == NONE
        wait_until(added, "the partition is in the transaction")

    def _send(self, client: Client, one: Dict[str, Any], partition: int) -> None:
        sequence = one["sequences"].get(partition, 0)
        batch = self._batch(one["id"], sequence, one["epoch"], attributes=0x10)
        answer = client.ask("Produce", 8, TransactionalId=one["name"], Acks=-1, TimeoutMs=15000, TopicData=[
            {"Name": "swap-transactions", "PartitionData": [{"Index": partition, "Records": batch}]}])
        self._accepted(answer["Responses"][0]["PartitionResponses"][0], "a transaction")
        one["sequences"][partition] = sequence + 2

    @staticmethod
    def _end(client: Client, one: Dict[str, Any], commit: bool) -> None:
        def ended() -> bool:
            code = client.ask("EndTxn", 3, TransactionalId=one["name"], ProducerId=one["id"],
                              ProducerEpoch=one["epoch"], Committed=commit)["ErrorCode"]
            if code not in (NONE, *BUSY):
                raise AssertionError(f"EndTxn: error {code}")
            return code == NONE
        wait_until(ended, "the transaction ends")


def commit_offsets(broker: Broker, offset: int) -> None:
    """Commits without a group's members, as a tool does."""
    with Client(broker.address) as client:
        wait_until(lambda: client.ask("FindCoordinator", 2, Key=GROUP, KeyType=0)["ErrorCode"] == NONE,
                   "the group coordinator")

        def committed() -> bool:
            code = client.ask("OffsetCommit", 7, GroupId=GROUP, GenerationIdOrMemberEpoch=-1, MemberId="",
                              Topics=[{"Name": "swap-plain", "Partitions": [
                                  {"PartitionIndex": 0, "CommittedOffset": offset,
                                   "CommittedMetadata": f"at {offset}"}]}]
                              )["Topics"][0]["Partitions"][0]["ErrorCode"]
            if code not in (NONE, *BUSY):
                raise AssertionError(f"OffsetCommit: error {code}")
            return code == NONE
        wait_until(committed, "the offset is committed")


def committed_offset(broker: Broker) -> Tuple[int, str]:
    with Client(broker.address) as client:
        def known() -> Tuple[int, str]:
            answer = client.ask("OffsetFetch", 5, GroupId=GROUP, Topics=[
                {"Name": "swap-plain", "PartitionIndexes": [0]}])
            part = answer["Topics"][0]["Partitions"][0] if answer["Topics"] else {}
            ready = answer["ErrorCode"] == NONE and part.get("ErrorCode") == NONE
            return (part["CommittedOffset"], part["Metadata"]) if ready else ()
        return wait_until(known, "the group's offset")
