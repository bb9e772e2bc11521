"""A broker whose files are damaged while it is stopped, and what must hold after the next start."""

import pathlib
import re
import time
from typing import Dict, List, Mapping, NamedTuple, Optional

from lib import brokers
from lib.client import NONE, Client
from lib.process import wait_until
from lib.wire import Batch, Record, encode_batch

TOPIC = "t"
BASE_TIME = int(time.time() * 1000) - 60_000  # a producer whose newest record is a day old is forgotten
SMALL = {"segment.bytes": "1500", "index.interval.bytes": "150", "retention.ms": "-1"}
SETTINGS = {"auto.create.topics.enable": "false", "log.flush.offset.checkpoint.interval.ms": 100,
            "log.initial.task.delay.ms": 10, "log.segment.delete.delay.ms": 100}
KAFKA_STORAGE_ERROR = 56


class Sent(NamedTuple):
    """What was written into one partition, by offset."""
    values: List[bytes]
    producer_id: int


def value(partition: int, number: int) -> bytes:
    return f"partition {partition} record {number} ".encode() + b"x" * (number * 7 % 40)


def batch(partition: int, number: int, producer_id: int = -1) -> bytes:
    """One record a batch; its sequence number is its offset."""
    idempotent = producer_id >= 0
    return encode_batch([Record(value(partition, number), key=b"k")], timestamp=BASE_TIME + number * 10,
                        producer_id=producer_id, producer_epoch=0 if idempotent else -1,
                        base_sequence=number if idempotent else -1)


class Bench:
    """One broker, one topic; every partition is damaged in its own way between two starts."""

    def __init__(self, folder: pathlib.Path, partitions: int, *, log_dirs: int = 1,
                 settings: Optional[Mapping[str, object]] = None,
                 configs: Optional[Dict[str, str]] = None):
        self.broker = brokers.Barnabas(folder, {**SETTINGS, **(settings or {})}, log_dirs)
        self.partitions = partitions
        self.configs = SMALL if configs is None else configs
        self.counts: Dict[int, int] = {}
        self.producer_id = -1

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self.broker.__exit__()

    def client(self) -> Client:
        return Client(self.broker.address)

    def start(self) -> "Bench":
        self.broker.start()
        return self

    def fill(self, batches: int) -> None:
        """Starts, makes the topic and writes the same number of batches into each partition."""
        self.start()
        with self.client() as client:
            client.create_topic(TOPIC, self.partitions, self.configs)
            self.producer_id = producer_id(client)
            for first in range(0, batches, 4):
                self._write(client, range(first, min(first + 4, batches)))
        self.counts = {partition: batches for partition in range(self.partitions)}

    def _write(self, client: Client, numbers: range) -> None:
        asked = []
        for number in numbers:
            asked.append(client.send("Produce", 8, Acks=-1, TimeoutMs=15000, TopicData=[{
                "Name": TOPIC, "PartitionData": [
                    {"Index": partition, "Records": batch(partition, number, self.producer_id)}
                    for partition in range(self.partitions)]}]))
        for number, correlation in zip(numbers, asked):
            for part in client.receive("Produce", 8, correlation)["Responses"][0]["PartitionResponses"]:
                expect(part["ErrorCode"] == NONE and part["BaseOffset"] == number,
                       f"produce of {number}: {part}")

    def stop(self) -> None:
        expect(self.broker.stop() == 0, "a clean stop")

    def kill(self) -> None:
        self.broker.kill()

    def folder(self, partition: int) -> pathlib.Path:
        for log_dir in self.broker.log_dirs:
            if (log_dir / f"{TOPIC}-{partition}").is_dir():
                return log_dir / f"{TOPIC}-{partition}"
        raise AssertionError(f"no folder of partition {partition}")

    def files(self, partition: int, suffix: str) -> List[pathlib.Path]:
        """From the oldest segment to the newest."""
        return sorted(self.folder(partition).glob(f"*{suffix}"))

    def log_text(self) -> str:
        return (self.broker.folder / "broker.log").read_text(errors="replace")

    def expect_said(self, pattern: str) -> None:
        expect(re.search(pattern, self.log_text()) is not None, f"the log says {pattern!r}")

    def end(self, client: Client, partition: int) -> int:
        return client.offset_of(TOPIC, partition, -1)

    def check_partition(self, client: Client, partition: int, *, count: Optional[int] = None,
                        start: int = 0, by_time: bool = True) -> None:
        """Holds exactly the records [start, count), found by offset and by time, and goes on."""
        wanted = self.counts[partition] if count is None else count
        where = f"partition {partition}"
        end = self.end(client, partition)
        expect(end == wanted, f"{where} ends at {end}, not at {wanted}")
        found = list(client.read_batches(TOPIC, partition, start, end))
        expect([one.base_offset for one in found] == list(range(start, wanted)),
               f"{where} holds {[one.base_offset for one in found]}")
        for one in found:
            expect(one.records[0].value == value(partition, one.base_offset),
                   f"{where} has other bytes at {one.base_offset}")
        for offset in range(start, wanted, 3):
            first = first_batch(client, partition, offset)
            expect(first is not None and first.base_offset == offset,
                   f"{where}: a fetch at {offset} begins with {first}")
            if by_time:
                by_timestamp = client.offset_of(TOPIC, partition, BASE_TIME + offset * 10 - 5)
                expect(by_timestamp == offset, f"{where}: the time of {offset} leads to {by_timestamp}")

    def check_goes_on(self, client: Client, partition: int, end: int) -> None:
        """A duplicate of the last batch is known as one, the next sequence is accepted."""
        if end > 0:
            again = client.produce(TOPIC, partition, batch(partition, end - 1, self.producer_id))
            expect(again["ErrorCode"] == NONE and again["BaseOffset"] == end - 1,
                   f"partition {partition}: a duplicate of {end - 1} is answered with {again}")
        answer = client.produce(TOPIC, partition, batch(partition, end, self.producer_id))
        expect(answer["ErrorCode"] == NONE and answer["BaseOffset"] == end,
               f"partition {partition}: the next batch is answered with {answer}")
        self.counts[partition] = end + 1

    def check_all(self, counts: Optional[Mapping[int, int]] = None, *, goes_on: bool = True) -> None:
        """Each partition as check_partition, with the ends given or as it was filled."""
        with self.client() as client:
            wait_until(lambda: client.has_leaders(TOPIC, self.partitions), "leaders")
            for partition in range(self.partitions):
                count = (counts or self.counts)[partition]
                self.check_partition(client, partition, count=count)
                if goes_on:
                    self.check_goes_on(client, partition, count)


def producer_id(client: Client) -> int:
    def ask() -> Optional[int]:
        answer = client.ask("InitProducerId", 1, TransactionalId=None, TransactionTimeoutMs=60000)
        return answer["ProducerId"] + 1 if answer["ErrorCode"] == NONE else None
    return wait_until(ask, "a producer id") - 1


def first_batch(client: Client, partition: int, offset: int) -> Optional[Batch]:
    for one in client.read_batches(TOPIC, partition, offset, offset + 1):
        return one
    return None


def expect(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def frames(data: bytes) -> List[int]:
    """Where each whole batch of a segment ends."""
    ends, at = [], 0
    while at + 12 <= len(data):
        size = 12 + int.from_bytes(data[at + 8:at + 12], "big")
        if size < 61 or at + size > len(data):
            break
        at += size
        ends.append(at)
    return ends

