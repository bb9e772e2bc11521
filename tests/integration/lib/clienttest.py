"""The frame of a client test: a broker, a topic for each codec, the text out and back.

    clienttest.main(run)     # run(broker, folder) raises AssertionError when something differs

`--broker kafka` runs the same test against the oracle, where it must pass too.
"""

import argparse
import pathlib
import subprocess
import sys
import time
from typing import Callable, List, Sequence

from . import brokers, text
from .client import Client


def topic_of(codec: str) -> str:
    return f"text-{codec}"


def create_topics(broker: brokers.Broker, codecs: Sequence[str], partitions: int) -> None:
    with Client(broker.address) as client:
        for codec in codecs:
            client.create_topic(topic_of(codec), partitions)


def run(command: List[str], timeout_s: float = 120.0, **options: object) -> subprocess.CompletedProcess:
    """Runs a client to its end; an exit code other than 0 fails with what it said."""
    done = subprocess.run(command, timeout=timeout_s, check=False,
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


def main(test: Callable[[brokers.Broker, pathlib.Path], None]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--broker", choices=["barnabas", "kafka"], default="barnabas")
    chosen = parser.parse_args()
    began = time.monotonic()
    with brokers.scratch() as folder, brokers.start(chosen.broker, folder) as broker:
        try:
            test(broker, folder)
        except BaseException:
            print(f"--- end of {broker.process.log}\n{broker.process.log_tail()}", file=sys.stderr)
            raise
    print(f"passed against {chosen.broker} in {time.monotonic() - began:.1f} s")
