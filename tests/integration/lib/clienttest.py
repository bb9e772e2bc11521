"""The frame of a client test: a broker, a topic for each codec, the text out and back.

    clienttest.main(run)     # run(broker, folder) raises AssertionError when something differs

`--broker kafka` runs the same test against the oracle, where it must pass too; `--records N` sends N
for each codec. clients/README.md says what a client's program is called with and must do.
"""

import argparse
import contextlib
import pathlib
import subprocess
import sys
import threading
import time
from typing import Callable, Iterator, List, Optional, Sequence

from . import brokers, stored, text
from .client import NONE, Client
from .process import wait_until

PARTITIONS = 3
ADMIN_TOPIC = "admin"
RETENTION_MS, ALTERED_MS, DEFAULT_MS = "3600000", "7200000", "-1"
DELETED_BEFORE = 10
ADMIN = ("create", "describe", "read-config", "alter-config", "add-partitions", "delete-records",
         "delete")

_records = text.COUNT


def records() -> int:
    """How many records each codec gets in this run."""
    return _records


def patience_s() -> float:
    """How long one step of a client may take: bounds a run that hangs, measures nothing."""
    return 90.0 + records() / 2000


def topic_of(codec: str) -> str:
    return f"text-{codec}"


def create_topics(broker: brokers.Broker, codecs: Sequence[str], partitions: int) -> None:
    with Client(broker.address) as client:
        for codec in codecs:
            client.create_topic(topic_of(codec), partitions)


def run(command: List[str], timeout_s: Optional[float] = None,
        **options: object) -> subprocess.CompletedProcess:
    """Runs a client to its end; an exit code other than 0 fails with what it said."""
    done = subprocess.run(command, timeout=timeout_s or patience_s(), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command[:6])} ... exited with {done.returncode}:\n"
                             f"{done.stderr.decode(errors='replace')[-4000:]}")
    return done


def check_ends(broker: brokers.Broker, topic: str, wanted: Sequence[text.Placed]) -> None:
    """The partitions end where the last wanted record does: nothing was stored twice."""
    with Client(broker.address) as client:
        for partition in sorted({placed.partition for placed in wanted}):
            count = sum(1 for placed in wanted if placed.partition == partition)
            end = client.offset_of(topic, partition, -1)
            if end != count:
                raise AssertionError(f"{topic}-{partition} ends at {end}, not at {count}")


def check(wanted: Sequence[text.Placed], got: Sequence[text.Placed], what: str) -> None:
    found = text.difference(wanted, got)
    if found:
        raise AssertionError(f"{what}: {found}")
    print(f"{what}: {len(got)} records came back as they went", flush=True)


class _Program:
    """A client's program at work: it says lines, waits for one, and ends."""

    def __init__(self, what: str, command: Sequence[str], folder: pathlib.Path, timeout_s: float):
        self.what = what
        self._said = folder / "client.log"
        with open(self._said, "wb") as said:
            self._child = subprocess.Popen(list(command), stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, stderr=said, text=True)
        self._timer = threading.Timer(timeout_s, self._child.kill)
        self._timer.start()

    def line(self, start: str) -> List[str]:
        """The words after `start` of the next line; any other line or the end is a failure."""
        line = self._child.stdout.readline()
        words = line.split()
        if not words or words[0] != start:
            raise AssertionError(f"{self.what} said {line!r} instead of {start!r}:\n{self.tail()}")
        return words[1:]

    def go_on(self) -> None:
        self._child.stdin.write("go on\n")
        self._child.stdin.close()

    def finish(self) -> None:
        if self._child.wait() != 0:
            raise AssertionError(f"{self.what} exited with {self._child.returncode}:\n{self.tail()}")

    def tail(self) -> str:
        return self._said.read_text(errors="replace")[-4000:]

    def end(self) -> None:
        self._timer.cancel()
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._child.stdout.close()


@contextlib.contextmanager
def _program(what: str, command: Sequence[str], folder: pathlib.Path,
             timeout_s: float) -> Iterator[_Program]:
    program = _Program(what, command, folder, timeout_s)
    try:
        yield program
    finally:
        program.end()


def roundtrip(broker: brokers.Broker, folder: pathlib.Path, what: str, command: Sequence[str],
              codecs: Sequence[str] = text.CODECS, admin: Sequence[str] = ADMIN,
              sayable: Optional[Callable[[text.Record], text.Record]] = None,
              create_configs: bool = True) -> None:
    """A client's program makes its topics, carries the text for every codec, administers, deletes.

    `admin` is what the library offers of ADMIN, no less and no more. `sayable` gives the next record
    that the client can say to one that it cannot (a null header value, two headers of one name).
    Without `create_configs` the library creates topics without configs.
    """
    all_records = text.records(records())
    wanted = text.place(list(map(sayable, all_records)) if sayable else all_records, PARTITIONS)
    source = folder / "records"
    source.write_bytes(text.to_bytes(wanted))
    in_order = text.to_bytes(sorted(wanted, key=lambda placed: placed[:2]))
    full = [*command, broker.bootstrap, str(PARTITIONS), str(source), str(folder), *codecs]
    if "create" not in admin:
        create_topics(broker, codecs, PARTITIONS)
    with _program(what, full, folder, patience_s() * len(codecs)) as program:
        words = program.line("ready")
        if sorted(words) != sorted(word for word in admin if word != "delete"):
            raise AssertionError(f"{what} administered {words}, not {admin}")
        for codec in codecs:
            check_ends(broker, topic_of(codec), wanted)
            stored.check_codec(broker, topic_of(codec), codec, len(wanted))
            data = (folder / codec).read_bytes()
            if data != in_order:
                check(wanted, list(text.from_bytes(data)), f"{what}, {codec}")
            print(f"{what}, {codec}: {len(wanted)} records came back as they went", flush=True)
        created_ms = RETENTION_MS if create_configs else DEFAULT_MS
        _check_admin(broker, admin, topic_of(codecs[0]), created_ms)
        topics = [topic_of(codec) for codec in codecs] + ([ADMIN_TOPIC] if "create" in admin else [])
        program.go_on()
        program.line("deleted")
        program.finish()
    if "delete" in admin:
        with Client(broker.address) as client:
            for topic in topics:
                wait_until(lambda name=topic: not client.exists(name), f"{topic} is gone")
    print(f"{what}: {' '.join(admin) or 'no administration'}", flush=True)


def _check_admin(broker: brokers.Broker, admin: Sequence[str], text_topic: str,
                 created_ms: str) -> None:
    """What the client says it has administered is there, asked of the broker over another path."""
    with Client(broker.address) as client:
        start = client.offset_of(text_topic, 0, -2)
        if start != (DELETED_BEFORE if "delete-records" in admin else 0):
            raise AssertionError(f"{text_topic}-0 starts at {start}")
        if "create" not in admin:
            return
        partitions = 4 if "add-partitions" in admin else 2
        if not client.has_leaders(ADMIN_TOPIC, partitions):
            raise AssertionError(f"{ADMIN_TOPIC} does not have {partitions} partitions")
        answer = client.ask("DescribeConfigs", 1, Resources=[
            {"ResourceType": 2, "ResourceName": ADMIN_TOPIC, "ConfigurationKeys": ["retention.ms"]}])
        result = answer["Results"][0]
        value = {c["Name"]: c["Value"] for c in result["Configs"]}.get("retention.ms")
        if result["ErrorCode"] != NONE or value != (
                ALTERED_MS if "alter-config" in admin else created_ms):
            raise AssertionError(f"retention.ms of {ADMIN_TOPIC}: {value}, error "
                                 f"{result['ErrorCode']}")


def without_null_headers(record: text.Record) -> text.Record:
    """For a library whose header values are never null."""
    return record._replace(headers=tuple((name, value or b"") for name, value in record.headers))


def with_a_map_of_headers(record: text.Record) -> text.Record:
    """For a library whose headers are a map: names in order, one value each, never null."""
    return record._replace(headers=tuple(sorted(dict(without_null_headers(record).headers).items())))


def main(test: Callable[[brokers.Broker, pathlib.Path], None]) -> None:
    global _records  # pylint: disable=global-statement
    parser = argparse.ArgumentParser()
    parser.add_argument("--broker", choices=["barnabas", "kafka"], default="barnabas")
    parser.add_argument("--records", type=int, default=text.COUNT, help="for each codec")
    chosen = parser.parse_args()
    _records = chosen.records
    began = time.monotonic()
    settings = {"group.initial.rebalance.delay.ms": 0}  # some libraries read by a group alone
    with brokers.scratch() as folder, brokers.start(chosen.broker, folder, settings) as broker:
        try:
            test(broker, folder)
        except BaseException:
            print(f"--- end of {broker.process.log}\n{broker.process.log_tail()}", file=sys.stderr)
            raise
    print(f"passed against {chosen.broker} in {time.monotonic() - began:.1f} s")
