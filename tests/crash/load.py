"""Producers, a reader and a topic churner that write down what the broker promised them.

Each runs in a thread for one round: from the broker's start to its death. The connection's end is the
end of the round; what was in flight then is in doubt. Idempotent producers live on: they send what is
in doubt again, under the same sequence numbers.
"""

import collections
import random
import threading
import time
from typing import Deque, Dict, List, NamedTuple, Optional, Set, Tuple

from checker import Promise, payload
from lib.client import Client
from lib.wire import Closed, Record, decode_batches, encode_batch

Address = Tuple[str, int]
IN_FLIGHT = 4
BATCHES_A_ROUND = 2000  # enough for dozens of rolls; what comes back must be read in little time


class Sent(NamedTuple):
    partition: int
    first: int             # the batch's first sequence number
    payloads: List[bytes]
    correlation: int


def now_ms() -> int:
    """Records' times must be of now: a producer whose newest record is a day old is forgotten."""
    return time.time_ns() // 1_000_000


class Worker:
    """One thread of load; `promises` grows, `errors` holds what no broker should have said."""

    def __init__(self, name: str, seed: int):
        self.name = name
        self.random = random.Random(f"{seed}/{name}")
        self.promises: List[Promise] = []
        self.errors: List[str] = []
        self._thread: Optional[threading.Thread] = None

    def begin(self, address: Address) -> None:
        self._thread = threading.Thread(target=self._run, args=(address,), name=self.name)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(60.0)
        if self._thread.is_alive():
            self.errors.append(f"{self.name}: still waiting for an answer of a broker that is dead")

    def _run(self, address: Address) -> None:
        try:
            with Client(address) as client:
                self.round(client)
        except (Closed, OSError):
            pass  # the broker was killed
        except Exception as error:
            self.errors.append(f"{self.name}: {type(error).__name__}: {error}")

    def round(self, client: Client) -> None:
        raise NotImplementedError

    def fill(self, batch: int) -> List[bytes]:
        count = self.random.randint(1, 6)
        return [payload(self.name, batch, index, count,
                        bytes([65 + batch % 26]) * self.random.randint(0, 500))
                for index in range(count)]


class Producer(Worker):
    """Sends to one topic, a few batches in flight, without retries."""

    def __init__(self, name: str, seed: int, topic: str, partitions: int, acks: int):
        super().__init__(name, seed)
        self.topic, self.partitions, self.acks = topic, partitions, acks
        self.number = 0
        self.waiting: Deque[Sent] = collections.deque()

    def round(self, client: Client) -> None:
        self.waiting.clear()
        self.keep_sending(client, self.random.randint(1, IN_FLIGHT))

    def keep_sending(self, client: Client, depth: int) -> None:
        last = self.number + BATCHES_A_ROUND
        while not self.errors and (self.waiting or self.number < last):
            while len(self.waiting) < depth and self.number < last:
                self.send_new(client)
            self.receive_one(client)

    def send_new(self, client: Client) -> None:
        self.number += 1
        self.send(client, Sent(self.random.randrange(self.partitions), -1, self.fill(self.number), 0))

    def send(self, client: Client, sent: Sent) -> None:
        """Noted as in flight before it is sent: once any of it is on its way it is in doubt."""
        self.waiting.append(sent)
        correlation = client.send("Produce", 8, Acks=self.acks, TimeoutMs=20000, TopicData=[{
            "Name": self.topic, "PartitionData": [{"Index": sent.partition,
                                                   "Records": self.batch(sent)}]}])
        self.waiting[-1] = sent._replace(correlation=correlation)

    def batch(self, sent: Sent) -> bytes:
        return encode_batch([Record(value) for value in sent.payloads], timestamp=now_ms())

    def receive_one(self, client: Client) -> None:
        sent = self.waiting[0]
        answer = client.receive("Produce", 8, sent.correlation)
        part = answer["Responses"][0]["PartitionResponses"][0]
        if part["ErrorCode"] != 0:
            self.errors.append(f"{self.name}: error {part['ErrorCode']} for {sent.payloads[0][:40]!r}")
            return
        self.waiting.popleft()
        for index, value in enumerate(sent.payloads):
            self.promises.append(Promise(self.topic, sent.partition, part["BaseOffset"] + index, value,
                                         f"acknowledged with acks={self.acks}"))


class IdempotentProducer(Producer):
    """Sends what is in doubt again after the crash; nothing may be lost and nothing stored twice."""

    def __init__(self, name: str, seed: int, topic: str, partitions: int):
        super().__init__(name, seed, topic, partitions, acks=-1)
        self.producer_id = -1
        self.sequences: Dict[int, int] = collections.defaultdict(int)

    def round(self, client: Client) -> None:
        if self.producer_id < 0:
            answer = client.ask("InitProducerId", 1, TransactionalId=None, TransactionTimeoutMs=60000)
            if answer["ErrorCode"] == 14:  # ids are being fetched; the next round asks again
                return
            self.producer_id = answer["ProducerId"]
        again, self.waiting = list(self.waiting), collections.deque()
        for index, sent in enumerate(again):
            try:
                self.send(client, sent)
            except OSError:
                self.waiting.extend(again[index + 1:])
                raise
        self.keep_sending(client, IN_FLIGHT)

    def send_new(self, client: Client) -> None:
        self.number += 1
        partition = self.random.randrange(self.partitions)
        values = self.fill(self.number)
        first = self.sequences[partition]
        self.sequences[partition] += len(values)
        self.send(client, Sent(partition, first, values, 0))

    def batch(self, sent: Sent) -> bytes:
        return encode_batch([Record(value) for value in sent.payloads], producer_id=self.producer_id,
                            producer_epoch=0, base_sequence=sent.first, timestamp=now_ms())


class Reader(Worker):
    """Reads a topic as it grows: what was handed out once may not vanish or change."""

    def __init__(self, name: str, seed: int, topic: str, partitions: int):
        super().__init__(name, seed)
        self.topic = topic
        self.position = {partition: 0 for partition in range(partitions)}

    def round(self, client: Client) -> None:
        while not self.errors:
            for partition in self.position:
                at = self.position[partition]
                part = client.fetch(self.topic, partition, at, max_wait_ms=10)
                if part["ErrorCode"] != 0:
                    self.errors.append(f"{self.name}: error {part['ErrorCode']} at {at}")
                for batch in decode_batches(part["Records"] or b""):
                    for record in batch.records:
                        if record.offset >= at:
                            self.promises.append(Promise(self.topic, partition, record.offset,
                                                         record.value, "read"))
                    self.position[partition] = batch.last_offset + 1


class Churner(Worker):
    """Makes topics, writes to them and deletes them; `alive` and `gone` are what was acknowledged."""

    def __init__(self, name: str, seed: int):
        super().__init__(name, seed)
        self.number = 0
        self.alive: Set[str] = set()
        self.gone: Set[str] = set()
        self.in_doubt: Set[str] = set()

    def round(self, client: Client) -> None:
        while not self.errors:
            self.number += 1
            topic = f"{self.name}-{self.number}"
            self.in_doubt.add(topic)
            client.create_topic(topic, 2, {"segment.bytes": "4096"})
            self.in_doubt.discard(topic)
            self.alive.add(topic)
            self.write(client, topic)
            if len(self.alive) > 2:
                victim = self.random.choice(sorted(self.alive))
                self.alive.discard(victim)
                self.in_doubt.add(victim)
                error = client.ask("DeleteTopics", 3, TopicNames=[victim],
                                   TimeoutMs=20000)["Responses"][0]["ErrorCode"]
                if error != 0:
                    self.errors.append(f"{self.name}: deleting {victim}: error {error}")
                self.in_doubt.discard(victim)
                self.gone.add(victim)

    def write(self, client: Client, topic: str) -> None:
        for batch in range(self.random.randint(1, 8)):
            partition = self.random.randrange(2)
            values = self.fill(batch)
            base = client.produce_records(topic, partition, [Record(value) for value in values])
            for index, value in enumerate(values):
                self.promises.append(Promise(topic, partition, base + index, value,
                                             "acknowledged with acks=-1"))
