"""What a client's program does, whatever its library: see tests/integration/clients/README.md."""

import pathlib
import sys
import time
from typing import Dict, List, Optional, Sequence

from lib import text

PATIENCE_S = 30.0
ADMIN_TOPIC = "admin"


class Stalled(Exception):
    """A library that has brought nothing for PATIENCE_S."""


class Client:
    """What a library must do; what it does not offer is set to None."""

    def create(self, topic: str, partitions: int, configs: Dict[str, str]) -> None:
        raise NotImplementedError

    def partitions(self, topic: str) -> Optional[int]:
        """How many there are; None while the topic is not known."""
        raise NotImplementedError

    def read_config(self, topic: str, name: str) -> str:
        raise NotImplementedError

    def alter_config(self, topic: str, name: str, value: str) -> None:
        raise NotImplementedError

    def add_partitions(self, topic: str, total: int) -> None:
        raise NotImplementedError

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        raise NotImplementedError

    def delete(self, topics: Sequence[str]) -> None:
        raise NotImplementedError

    def produce(self, topic: str, codec: str, placed: List[text.Placed]) -> None:
        raise NotImplementedError

    def consume(self, topic: str, counts: List[int]) -> List[text.Placed]:
        raise NotImplementedError


def _wait_for_partitions(client: Client, topic: str, wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while client.partitions(topic) != wanted:
        if time.monotonic() > deadline:
            raise Stalled(f"{topic} does not have {wanted} partitions")
        time.sleep(0.01)


def _carry(client: Client, codec: str, placed: List[text.Placed], counts: List[int],
           folder: pathlib.Path) -> None:
    topic = f"text-{codec}"
    client.create(topic, len(counts), {})
    _wait_for_partitions(client, topic, len(counts))
    client.produce(topic, codec, placed)
    got = client.consume(topic, counts)
    (folder / codec).write_bytes(text.to_bytes(sorted(got, key=lambda one: one[:2])))


def _administer(client: Client, text_topic: str) -> List[str]:
    words = ["create", "describe"]
    client.create(ADMIN_TOPIC, 2, {"retention.ms": "3600000"})
    _wait_for_partitions(client, ADMIN_TOPIC, 2)
    if client.read_config:
        value = client.read_config(ADMIN_TOPIC, "retention.ms")
        if value != "3600000":
            raise AssertionError(f"retention.ms is {value!r}")
        words.append("read-config")
    if client.alter_config:
        client.alter_config(ADMIN_TOPIC, "retention.ms", "7200000")
        words.append("alter-config")
    if client.add_partitions:
        client.add_partitions(ADMIN_TOPIC, 4)
        words.append("add-partitions")
    if client.delete_records:
        client.delete_records(text_topic, 0, 10)
        words.append("delete-records")
    return words


def run(client: Client, arguments: Sequence[str]) -> None:
    """BOOTSTRAP is taken by who made the client; the rest of the arguments is used here."""
    partitions, source, folder, codecs = (int(arguments[1]), pathlib.Path(arguments[2]),
                                          pathlib.Path(arguments[3]), arguments[4:])
    placed = list(text.from_bytes(source.read_bytes()))
    counts = [sum(1 for one in placed if one.partition == p) for p in range(partitions)]
    for codec in codecs:
        _carry(client, codec, placed, counts, folder)
    print("ready", *_administer(client, f"text-{codecs[0]}"), flush=True)
    if not sys.stdin.readline():
        sys.exit("nobody said to go on")
    client.delete([f"text-{codec}" for codec in codecs] + [ADMIN_TOPIC])
    print("deleted", flush=True)
