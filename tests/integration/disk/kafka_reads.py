"""Kafka 3.9.1 on files that Barnabas wrote: its dump tool, and the broker itself."""

import pathlib
import re
import shutil
import subprocess
from typing import Dict, List

import frames
from folders import partition_folders
from lib import brokers
from lib.client import Client
from lib.wire import decode_batches

# What DumpLogSegments says of files that do not hold, and what a broker logs of them.
_DUMP_COMPLAINTS = re.compile(
    r"isvalid: false|mismatch|Mismatches|Found timestamp|out of order|non-?secutive|"
    r"non-consecutive|Could not|corrupt|Exception", re.IGNORECASE)
# Any warning of the classes that load logs (the level of the oracle's log is WARN).
_BROKER_COMPLAINTS = re.compile(
    r"\] (WARN|ERROR|FATAL) .*\((kafka\.log\.|kafka\.server\.checkpoints|org\.apache\.kafka\.storage)")
_KINDS = (".log", ".index", ".timeindex", ".snapshot")


def _files(log_dir: pathlib.Path) -> List[pathlib.Path]:
    return [path for name, folder in sorted(partition_folders(log_dir, list(frames.TOPICS)).items())
            for path in sorted(folder.iterdir()) if path.suffix in _KINDS and path.stat().st_size > 0]


def _dump(files: List[pathlib.Path], folder: pathlib.Path, *flags: str) -> str:
    command = brokers.java_command(folder, "kafka.tools.DumpLogSegments")
    done = subprocess.run([*command, *flags, "--files", ",".join(str(path) for path in files)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"DumpLogSegments ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


def check_dump(kafka: brokers.Broker, ours: brokers.Broker, folder: pathlib.Path) -> None:
    """DumpLogSegments of all our files: no complaint, and the same text as of Kafka's own."""
    texts = []
    for broker in (kafka, ours):
        files = _files(broker.log_dirs[0])
        text = _dump(files, folder, "--deep-iteration", "--print-data-log")
        complaints = [line for line in text.splitlines() if _DUMP_COMPLAINTS.search(line)]
        if complaints:
            raise AssertionError(f"DumpLogSegments of {broker.kind}: {complaints[:5]}")
        texts.append(text.replace(str(broker.log_dirs[0]), ""))
    if texts[0] != texts[1]:
        raise AssertionError("DumpLogSegments says something else of ours than of Kafka's files")
    print(f"DumpLogSegments read {len(files)} files: {len(texts[1].splitlines())} lines")


def _stored(log_dir: pathlib.Path) -> Dict[str, bytes]:
    """Every partition's log from its first byte to its last."""
    return {name: b"".join(path.read_bytes() for path in sorted(folder.glob("*.log")))
            for name, folder in partition_folders(log_dir, list(frames.TOPICS)).items()}


def wait_for_leaders(broker: brokers.Broker) -> None:
    with Client(broker.address) as client:
        for name, (partitions, _) in frames.TOPICS.items():
            broker.process.wait_until(lambda: client.has_leaders(name, partitions),
                                      f"leaders of {name}")


def _take_over(ours: pathlib.Path, kafka: brokers.Broker, clean: bool) -> None:
    """Puts our partitions in the place of Kafka's. Its ZooKeeper knows the topics under ids of its
    own and the cluster under another one, so partition.metadata and meta.properties stay Kafka's."""
    target = kafka.log_dirs[0]
    ids = {path.parent.name: path.read_bytes() for path in target.glob("*/partition.metadata")}
    meta = (target / "meta.properties").read_bytes()
    shutil.rmtree(target)
    shutil.copytree(ours, target)
    for name, text in ids.items():
        (target / name / "partition.metadata").write_bytes(text)
    (target / "meta.properties").write_bytes(meta)
    (target / ".lock").unlink(missing_ok=True)
    if not clean:
        (target / ".kafka_cleanshutdown").unlink()
        for checkpoint in ("recovery-point-offset-checkpoint",):
            (target / checkpoint).write_text("0\n0\n")


def check_kafka_starts_on(ours: pathlib.Path, kafka: brokers.Broker, folder: pathlib.Path) -> None:
    """Kafka serves our directory, as it was closed and after a recovery of every segment."""
    kept = folder / "ours"
    shutil.copytree(ours, kept)
    stored = _stored(kept)
    for clean in (True, False):
        _take_over(kept, kafka, clean)
        log = kafka.folder / "broker.log"
        before = log.stat().st_size
        kafka.start()
        wait_for_leaders(kafka)
        count = 0
        with Client(kafka.address, timeout_s=60.0) as client:
            for name, data in sorted(stored.items()):
                topic, _, partition = name.rpartition("-")
                count += _check_partition(client, topic, int(partition), data)
        kafka.stop()
        text = log.read_text(errors="replace")[before:]
        complaints = [line for line in text.splitlines() if _BROKER_COMPLAINTS.search(line)]
        if clean and complaints:
            raise AssertionError(f"Kafka on our files: {complaints[:5]}")
        if _stored(kafka.log_dirs[0]) != stored:
            raise AssertionError("Kafka's recovery changed a log of ours")
        print(f"Kafka {'serves' if clean else 'recovers and serves'} our directory: "
              f"{count} batches read back as they were stored")


def _check_partition(client: Client, topic: str, partition: int, data: bytes) -> int:
    wanted = decode_batches(data, partial_tail=False)
    end = wanted[-1].last_offset + 1 if wanted else 0
    if client.offset_of(topic, partition, -1) != end:
        raise AssertionError(f"{topic}-{partition} does not end at {end}")
    got = list(client.read_batches(topic, partition, 0, end))
    if got != wanted:
        raise AssertionError(f"{topic}-{partition}: Kafka reads other batches than we stored")
    return len(got)
