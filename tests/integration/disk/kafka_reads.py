"""Files of one broker read by the other: Kafka's dump tool on ours, and the brokers themselves."""

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
# Any warning of the classes that load logs (the level of the oracle's log is WARN), or of ours.
_BROKER_COMPLAINTS = re.compile(
    r"\] (WARN|ERROR|FATAL) .*\((kafka\.log\.|kafka\.server\.checkpoints|org\.apache\.kafka\.storage)"
    r"|\] (warning|error|critical) .*\(storage\)")
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
        texts.append(_without_append_times(text.replace(str(broker.log_dirs[0]), "")))
    if texts[0] != texts[1]:
        raise AssertionError("DumpLogSegments says something else of ours than of Kafka's files")
    print(f"DumpLogSegments read {len(files)} files: {len(texts[1].splitlines())} lines")


def _without_append_times(text: str) -> str:
    """The dump, without the times (and so the CRCs) of topics that have the broker's own."""
    lines, mine = [], False
    for line in text.splitlines():
        if line.startswith("Dumping "):
            mine = any(f"/{topic}-" in line for topic in frames.APPEND_TIME)
        if mine:
            line = re.sub(r"\b(LogAppendTime|timestamp|crc): \d+", r"\1: *", line)
        lines.append(line)
    return "\n".join(lines)


def _stored(log_dir: pathlib.Path) -> Dict[str, bytes]:
    """Every partition's log from its first byte to its last."""
    return {name: b"".join(path.read_bytes() for path in sorted(folder.glob("*.log")))
            for name, folder in partition_folders(log_dir, list(frames.TOPICS)).items()}


def wait_for_leaders(broker: brokers.Broker) -> None:
    with Client(broker.address) as client:
        for name, (partitions, _) in frames.TOPICS.items():
            broker.process.wait_until(lambda: client.has_leaders(name, partitions),
                                      f"leaders of {name}")


def _take_over(files: pathlib.Path, broker: brokers.Broker, clean: bool) -> None:
    """Puts another broker's partitions in the place of this one's. Its metadata knows the topics
    under ids of its own and the cluster under another one: partition.metadata and meta.properties
    stay this broker's, as do files of Barnabas alone."""
    target = broker.log_dirs[0]
    own = [*target.glob("*/partition.metadata"), target / "meta.properties",
           *target.glob("barnabas.*")]
    kept = {path: path.read_bytes() for path in own}
    shutil.rmtree(target)
    shutil.copytree(files, target)
    for path, data in kept.items():
        path.write_bytes(data)
    if not clean:
        (target / ".kafka_cleanshutdown").unlink()
        (target / "barnabas.boot").unlink(missing_ok=True)  # ours: every segment is to be checked
        (target / "recovery-point-offset-checkpoint").write_text("0\n0\n")


def check_starts_on(files: pathlib.Path, broker: brokers.Broker) -> None:
    """The broker serves the other one's directory, as it was closed and after a recovery of every
    segment, without a word of complaint, and changes none of it."""
    stored = _stored(files)
    for clean in (True, False):
        _take_over(files, broker, clean)
        log = broker.folder / "broker.log"
        before = log.stat().st_size
        broker.start()
        wait_for_leaders(broker)
        count = 0
        with Client(broker.address, timeout_s=60.0) as client:
            for name, data in sorted(stored.items()):
                topic, _, partition = name.rpartition("-")
                count += _check_partition(client, topic, int(partition), data)
        broker.stop()
        text = log.read_text(errors="replace")[before:]
        complaints = [line for line in text.splitlines() if _BROKER_COMPLAINTS.search(line)]
        if complaints and (clean or broker.kind != "kafka"):  # Kafka warns of what it recovers
            raise AssertionError(f"{broker.kind} on the other's files: {complaints[:5]}")
        if _stored(broker.log_dirs[0]) != stored:
            raise AssertionError(f"the recovery of {broker.kind} changed a log of the other's")
        print(f"{broker.kind} {'serves' if clean else 'recovers and serves'} the other's directory: "
              f"{count} batches read back as they were stored", flush=True)


def _check_partition(client: Client, topic: str, partition: int, data: bytes) -> int:
    wanted = decode_batches(data, partial_tail=False)
    end = wanted[-1].last_offset + 1 if wanted else 0
    if client.offset_of(topic, partition, -1) != end:
        raise AssertionError(f"{topic}-{partition} does not end at {end}")
    got = list(client.read_batches(topic, partition, 0, end))
    if got != wanted:
        raise AssertionError(f"{topic}-{partition}: other batches are read than were stored")
    return len(got)
