"""A client of a few lines: one connection, requests and answers as dictionaries, no retries."""

import struct
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from . import messages
from .process import wait_until
from .wire import Batch, Closed, Connection, Record, decode_batches, encode_batch

NONE = 0
OFFSET_OUT_OF_RANGE = 1
UNKNOWN_TOPIC_OR_PARTITION = 3
TOPIC_ALREADY_EXISTS = 36


class FetchError(AssertionError):
    """A fetch that was refused, with Kafka's error code."""

    def __init__(self, topic: str, partition: int, offset: int, code: int):
        super().__init__(f"Fetch of {topic}-{partition} at {offset}: error {code}")
        self.code = code


class Client:
    """Speaks Kafka's protocol by the definitions of the oracle; answers come in order."""

    def __init__(self, address: Tuple[str, int], timeout_s: float = 20.0):
        self.connection = Connection(address, timeout_s)
        self._correlation = 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    def send(self, api: str, version: int, **fields: object) -> int:
        self._correlation += 1
        self.connection.send(messages.encode_request(api, version, fields, self._correlation))
        return self._correlation

    def receive(self, api: str, version: int, correlation: int) -> messages.Fields:
        answered, fields = messages.decode_response(api, version, self.connection.receive())
        if answered != correlation:
            raise messages.Malformed(f"answer {answered} to request {correlation}")
        return fields

    def ask(self, api: str, version: int, **fields: object) -> messages.Fields:
        return self.receive(api, version, self.send(api, version, **fields))

    def create_topic(self, name: str, partitions: int = 1, configs: Optional[Dict[str, str]] = None,
                     wait: bool = True) -> None:
        """Creates a topic and waits until every partition of it has a leader.

        A topic of that name that is still being deleted is waited for.
        """
        def created() -> bool:
            error = self.ask("CreateTopics", 5, timeoutMs=15000, Topics=[{
                "Name": name, "NumPartitions": partitions, "ReplicationFactor": 1,
                "Configs": [{"Name": key, "Value": value} for key, value in (configs or {}).items()]
            }])["Topics"][0]["ErrorCode"]
            if error not in (NONE, TOPIC_ALREADY_EXISTS):
                raise AssertionError(f"CreateTopics of {name}: error {error}")
            return error == NONE
        wait_until(created, f"{name} can be created", 10.0)
        if wait:
            wait_until(lambda: self.has_leaders(name, partitions), f"leaders of {name}")

    def has_leaders(self, name: str, partitions: int) -> bool:
        topic = self.ask("Metadata", 8, Topics=[{"Name": name}],
                         AllowAutoTopicCreation=False)["Topics"][0]
        ready = [p for p in topic["Partitions"] if p["ErrorCode"] == NONE and p["LeaderId"] >= 0]
        return topic["ErrorCode"] == NONE and len(ready) == partitions

    def exists(self, name: str) -> bool:
        topic = self.ask("Metadata", 8, Topics=[{"Name": name}],
                         AllowAutoTopicCreation=False)["Topics"][0]
        return topic["ErrorCode"] != UNKNOWN_TOPIC_OR_PARTITION

    def produce(self, topic: str, partition: int, batch: bytes, acks: int = -1,
                version: int = 8) -> messages.Fields:
        """One batch to one partition; the partition's answer."""
        answer = self.ask("Produce", version, Acks=acks, TimeoutMs=15000, TopicData=[
            {"Name": topic, "PartitionData": [{"Index": partition, "Records": batch}]}])
        return answer["Responses"][0]["PartitionResponses"][0]

    def produce_records(self, topic: str, partition: int, records: Sequence[Record],
                        acks: int = -1) -> int:
        """Records that must be accepted; the base offset."""
        answer = self.produce(topic, partition, encode_batch(records), acks)
        if answer["ErrorCode"] != NONE:
            raise AssertionError(f"Produce to {topic}-{partition}: error {answer['ErrorCode']}")
        return answer["BaseOffset"]

    def offset_of(self, topic: str, partition: int, timestamp: int) -> int:
        """ListOffsets: -2 earliest, -1 latest."""
        answer = self.ask("ListOffsets", 5, ReplicaId=-1, IsolationLevel=0, Topics=[
            {"Name": topic, "Partitions": [{"PartitionIndex": partition, "CurrentLeaderEpoch": -1,
                                            "Timestamp": timestamp}]}])
        entry = answer["Topics"][0]["Partitions"][0]
        if entry["ErrorCode"] != NONE:
            raise AssertionError(f"ListOffsets of {topic}-{partition}: error {entry['ErrorCode']}")
        return entry["Offset"]

    def fetch(self, topic: str, partition: int, offset: int, *, max_bytes: int = 1 << 20,
              max_wait_ms: int = 0, version: int = 11) -> messages.Fields:
        """One partition's part of a fetch answer."""
        answer = self.ask("Fetch", version, ReplicaId=-1, MaxWaitMs=max_wait_ms, MinBytes=1,
                          MaxBytes=max_bytes, IsolationLevel=0, SessionId=0, SessionEpoch=-1,
                          RackId="", Topics=[{"Topic": topic, "Partitions": [
                              {"Partition": partition, "FetchOffset": offset, "LogStartOffset": -1,
                               "CurrentLeaderEpoch": -1, "PartitionMaxBytes": max_bytes}]}])
        if answer["ErrorCode"] != NONE:
            raise AssertionError(f"Fetch of {topic}-{partition}: error {answer['ErrorCode']}")
        return answer["Responses"][0]["Partitions"][0]

    def read_batches(self, topic: str, partition: int, start: int, end: int) -> Iterator[Batch]:
        """Every batch from `start` up to the offset `end`, in the order of the log."""
        at, empty = start, 0
        while at < end:
            part = self.fetch(topic, partition, at, max_wait_ms=100)
            if part["ErrorCode"] != NONE:
                raise FetchError(topic, partition, at, part["ErrorCode"])
            before = at
            for batch in decode_batches(part["Records"] or b""):
                if batch.last_offset >= at:
                    yield batch
                    at = batch.last_offset + 1
            empty = 0 if at > before else empty + 1
            if empty == 50:
                raise AssertionError(f"{topic}-{partition}: nothing at {at}, though it ends at {end}")


def is_ready(address: Tuple[str, int]) -> bool:
    """Whether a broker answers Metadata, with itself and a controller in it."""
    request = struct.pack(">hhihi", 3, 1, 1, -1, 0)  # Metadata v1, null client id, no topics
    try:
        with Connection(address, 5.0) as connection:
            connection.send(request)
            answer = connection.receive()
    except (OSError, Closed):
        return False
    at = 4
    (brokers,) = struct.unpack_from(">i", answer, at)
    at += 4
    for _ in range(brokers):
        at += 4
        at += 2 + struct.unpack_from(">h", answer, at)[0] + 4
        at += 2 + max(struct.unpack_from(">h", answer, at)[0], 0)
    (controller,) = struct.unpack_from(">i", answer, at)
    return brokers > 0 and controller >= 0
