"""Torn tails, and what was appended to the active segment: cut after the last whole batch."""

import pathlib
import random
from typing import Sequence

from bench import Bench, expect, frames

BATCHES = 8


def _cut(bench: Bench, partition: int, count: int) -> int:
    """Cuts bytes off the newest segments; how many batches are left."""
    paths = bench.files(partition, ".log")
    data = paths[-1].read_bytes()
    expect(len(data) > count, f"{len(data)} bytes in the active segment are enough to cut {count}")
    paths[-1].write_bytes(data[:len(data) - count])
    lost = len(frames(data)) - len(frames(data[:len(data) - count]))
    return bench.counts[partition] - lost


def _torn(folder: pathlib.Path, cuts: Sequence[int], clean: bool) -> None:
    configs = {"index.interval.bytes": "150", "retention.ms": "-1"}
    with Bench(folder, len(cuts), configs=configs) as bench:
        bench.fill(BATCHES)
        (bench.stop if clean else bench.kill)()
        left = {partition: _cut(bench, partition, cut) for partition, cut in enumerate(cuts)}
        expect(len(set(left.values())) >= 3, f"the cuts reach into several batches: {left}")
        bench.start()
        bench.check_all(left)
        bench.expect_said(r"t-0: segment 0: cut \d+ bytes that are no whole valid batch; "
                          r"the log ends at offset 7")
        bench.stop()
        bench.start()
        bench.check_all(goes_on=False)


def torn_tail(folder: pathlib.Path) -> None:
    """1 to 300 bytes are missing after kill -9: one partition for each."""
    _torn(folder, range(1, 301), clean=False)


def torn_tail_after_a_clean_stop(folder: pathlib.Path) -> None:
    _torn(folder, [*range(1, 31), *range(31, 301, 9)], clean=True)


def _appended(folder: pathlib.Path, make) -> None:
    sizes = [*range(1, 64), 100, 299, 300, 4095, 4096, 4097, 70000]
    for clean in (False, True):
        with Bench(folder / str(clean), len(sizes)) as bench:
            bench.fill(BATCHES)
            (bench.stop if clean else bench.kill)()
            for partition, size in enumerate(sizes):
                with open(bench.files(partition, ".log")[-1], "ab") as log:
                    log.write(make(partition, size))
            bench.start()
            bench.check_all()
            bench.stop()
            for partition in range(len(sizes)):
                data = bench.files(partition, ".log")[-1].read_bytes()
                expect(frames(data)[-1] == len(data), f"partition {partition} is cut to its batches")


def garbage_appended(folder: pathlib.Path) -> None:
    _appended(folder, lambda partition, size: random.Random(partition).randbytes(size))


def zeroes_appended(folder: pathlib.Path) -> None:
    _appended(folder, lambda _, size: bytes(size))


CASES = {case.__name__: case for case in (
    torn_tail, torn_tail_after_a_clean_stop, garbage_appended, zeroes_appended)}
