"""Disks that are full, read-only, gone, slow or failing while the broker runs."""

import errno
import os
import pathlib
import shutil
import time
from typing import Dict, Tuple

from bench import KAFKA_STORAGE_ERROR, SMALL, TOPIC, Bench, batch, expect, value
from lib.client import NONE, Client
from lib.faults import Faults, mount, tmpfs, with_mounts
from lib.process import Process, wait_until
from lib.wire import Record, encode_batch

BATCHES = 12
BIG = 60_000
NOT_LEADER_OR_FOLLOWER = 6
LEADER_NOT_AVAILABLE = 5
OFFLINE_ANSWERS = (KAFKA_STORAGE_ERROR, NOT_LEADER_OR_FOLLOWER, LEADER_NOT_AVAILABLE)


def _by_dir(bench: Bench) -> Dict[int, Tuple[int, ...]]:
    """The partitions of each log dir."""
    return {number: tuple(partition for partition in range(bench.partitions)
                          if (log_dir / f"{TOPIC}-{partition}").exists())
            for number, log_dir in enumerate(bench.broker.log_dirs)}


def _send(client: Client, partition: int, size: int) -> int:
    data = encode_batch([Record(os.urandom(size))])
    return client.produce(TOPIC, partition, data)["ErrorCode"]


def full_disk(folder: pathlib.Path) -> None:
    """The write is cut back and refused, reads and the other dir go on; room makes all well again."""
    with_mounts()
    with Bench(folder, 2, log_dirs=2, configs={"segment.bytes": "300000", "retention.ms": "-1",
                                               "segment.index.bytes": "4096"}) as bench:
        tmpfs(bench.broker.log_dirs[1], "2m")
        bench.fill(BATCHES)
        ((other,), (full,)) = _by_dir(bench).values()
        ballast = bench.broker.log_dirs[1] / "ballast.txt"
        ballast.write_bytes(bytes(600_000))
        with bench.client() as client, bench.client() as before:
            stored = 0
            while (code := _send(client, full, BIG)) == NONE:
                stored += 1
            expect(code == KAFKA_STORAGE_ERROR, f"a full disk is answered with {code}")
            expect(stored >= 10, f"{stored} large batches before it was full")
            end = bench.end(client, full)
            expect(end == BATCHES + stored, f"the log ends at {end}")
            found = list(before.read_batches(TOPIC, full, 0, end))
            expect([one.base_offset for one in found] == list(range(end)), "everything is read")
            for _ in range(3):
                expect(_send(client, full, BIG) == KAFKA_STORAGE_ERROR, "still refused")
                expect(_send(client, other, 100) == NONE, "the other dir serves")
            bench.counts[other] += 3
            ballast.unlink()
            wait_until(lambda: _send(client, full, BIG) == NONE, "room again, no restart", 10.0)
            expect(bench.end(client, full) == end + 1, "the next offset follows the last")
        expect("is offline" not in bench.log_text(), "a full disk takes no log dir offline")
        bench.kill()
        bench.start()
        with bench.client() as client:
            found = list(client.read_batches(TOPIC, full, 0, end + 1))
            expect([one.base_offset for one in found] == list(range(end + 1)), "after a crash, too")
            expect(found[1].records[0].value == value(full, 1), "and they are the same")


def _fill(path: pathlib.Path) -> None:
    """Grows a file until there is no room for one byte more."""
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError as error:
            expect(error.errno == errno.ENOSPC, str(error))


def full_disk_at_start(folder: pathlib.Path) -> None:
    """Not a byte is free when it starts: it starts, serves what there is, and later writes again."""
    with_mounts()
    with Bench(folder, 2) as bench:
        tmpfs(bench.broker.log_dirs[0], "2m")
        bench.fill(BATCHES)
        for end in (bench.stop, bench.kill):
            end()
            ballast = bench.broker.log_dirs[0] / "ballast.txt"
            _fill(ballast)
            bench.start()
            with bench.client() as client:
                for partition in range(2):
                    bench.check_partition(client, partition)
                ballast.unlink()
                for partition in range(2):
                    wait_until(lambda partition=partition: client.produce(TOPIC, partition, batch(
                        partition, bench.counts[partition], bench.producer_id))["ErrorCode"] == NONE,
                        "room again", 10.0)
                    bench.counts[partition] += 1
            bench.check_all()


def read_only_at_start(folder: pathlib.Path) -> None:
    """That dir is offline, its partitions say so, the other serves."""
    with_mounts()
    with Bench(folder, 2, log_dirs=2) as bench:
        tmpfs(bench.broker.log_dirs[1], "8m")
        bench.fill(BATCHES)
        ((good,), (bad,)) = _by_dir(bench).values()
        bench.kill()
        mount(["-o", "remount,ro", str(bench.broker.log_dirs[1])])
        bench.start()
        _expect_one_offline(bench, good, bad)
        bench.stop()
        mount(["-o", "remount,rw", str(bench.broker.log_dirs[1])])
        bench.start()
        bench.check_all()


def _expect_one_offline(bench: Bench, good: int, bad: int) -> None:
    with bench.client() as client:
        bench.check_partition(client, good)
        bench.check_goes_on(client, good, bench.counts[good])
        code = _send(client, bad, 10)
        expect(code in OFFLINE_ANSWERS, f"produce to the offline partition is answered with {code}")
        code = client.fetch(TOPIC, bad, 0)["ErrorCode"]
        expect(code in OFFLINE_ANSWERS, f"fetch of the offline partition is answered with {code}")
    bench.expect_said(f"log dir {bench.broker.log_dirs[1]} is offline")


def vanished_dir(folder: pathlib.Path) -> None:
    """Somebody removes a log dir under the running broker."""
    with Bench(folder, 2, log_dirs=2) as bench:
        bench.fill(BATCHES)
        ((good,), (bad,)) = _by_dir(bench).values()
        vanishing = bench.broker.log_dirs[1]

        def gone() -> bool:
            shutil.rmtree(vanishing, ignore_errors=True)  # the broker may be writing a checkpoint
            return not vanishing.exists()
        wait_until(gone, "the directory is removed")
        with bench.client() as client:
            wait_until(lambda: _send(client, bad, 1000) in OFFLINE_ANSWERS, "it is noticed", 20.0)
        _expect_one_offline(bench, good, bad)


def _failing(folder: pathlib.Path, **fault) -> None:
    with Bench(folder, 2, log_dirs=2) as bench:
        faults = Faults(folder)
        bench.broker.environment.update(faults.env)
        bench.fill(BATCHES)
        ((good,), (bad,)) = _by_dir(bench).values()
        faults.set(path_contains=f"/data-1/{TOPIC}-", **fault)
        with bench.client() as client:
            wait_until(lambda: _send(client, bad, 1000) in OFFLINE_ANSWERS, "it is noticed", 20.0)
        expect(faults.hits > 0, "the fault struck")
        hits = faults.hits
        faults.set()  # the disk would work again; nobody may believe it
        _expect_one_offline(bench, good, bad)
        expect(hits < 10, f"the failed call was made {hits} times")
        bench.kill()
        bench.start()
        with bench.client() as client:
            bench.check_partition(client, good)
            wait_until(lambda: client.has_leaders(TOPIC, 2), "it is used again after a restart")
            found = list(client.read_batches(TOPIC, bad, 0, BATCHES))
            expect([one.base_offset for one in found] == list(range(BATCHES)), "nothing was lost")


def fsync_error(folder: pathlib.Path) -> None:
    """A failed fsync is never tried again as though it had worked."""
    _failing(folder, sync_error=errno.EIO)


def write_error(folder: pathlib.Path) -> None:
    _failing(folder, write_error=errno.EIO)


def read_only_while_running(folder: pathlib.Path) -> None:
    _failing(folder, write_error=errno.EROFS)


def slow_disk(folder: pathlib.Path) -> None:
    """Syncs that take a second hold nobody up who does not ask for them."""
    with Bench(folder, 1, configs={**SMALL, "segment.bytes": "400"}) as bench:
        faults = Faults(folder)
        bench.broker.environment.update(faults.env)
        bench.fill(BATCHES)
        faults.set(sync_delay_ms=1000, path_contains="/data-0/")
        with bench.client() as client:
            slowest = 0.0
            wait_until(lambda: _send(client, 0, 300) == NONE and faults.hits > 0, "a roll is synced")
            for _ in range(40):
                began = time.monotonic()
                expect(_send(client, 0, 300) == NONE, "accepted")
                slowest = max(slowest, time.monotonic() - began)
        expect(slowest < 0.5, f"the slowest of 40 produces took {slowest:.2f} s")
        faults.set()


def no_usable_dir(folder: pathlib.Path) -> None:
    """All log dirs are unusable: the start fails in one line that says why."""
    with_mounts()
    with Bench(folder, 1) as bench:
        tmpfs(bench.broker.log_dirs[0], "8m")
        bench.fill(BATCHES)
        bench.stop()
        mount(["-o", "remount,ro", str(bench.broker.log_dirs[0])])
        process = Process("barnabas", bench.broker.command(), folder / "refused.log")
        expect(process.wait(20.0) != 0, "it ends with an error")
        expect("Read-only file system" in (folder / "refused.log").read_text(), "and says why")


CASES = {case.__name__: case for case in (
    full_disk, full_disk_at_start, read_only_at_start, vanished_dir, fsync_error, write_error,
    read_only_while_running, slow_disk, no_usable_dir)}
