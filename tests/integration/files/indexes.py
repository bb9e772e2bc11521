"""Indexes and producer snapshots that were overwritten, truncated or deleted: built from the log."""

import pathlib
import random
from typing import Callable, Dict, Optional

from bench import Bench, expect

BATCHES = 40

# What becomes of a file's bytes; None: the file is gone.
Damage = Callable[[bytes, random.Random], Optional[bytes]]
DAMAGES: Dict[str, Damage] = {
    "random": lambda data, chance: chance.randbytes(max(len(data), 24)),
    "random_more": lambda data, chance: data + chance.randbytes(24),
    "zeroes": lambda data, _: bytes(max(len(data), 24)),
    "ones": lambda data, _: b"\xff" * max(len(data), 24),
    "empty": lambda data, _: b"",
    "half": lambda data, _: data[:len(data) // 2],
    "odd_size": lambda data, _: data[:-3] if len(data) > 3 else b"odd",
    "text": lambda data, _: b"what is this file\n" * 5,
    "backwards": lambda data, _: data[::-1],
    "flipped_bit": lambda data, chance: flipped(data, chance),
    "gone": lambda data, _: None,
}


def flipped(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1:]


def damage(path: pathlib.Path, how: str, chance: random.Random) -> None:
    made = DAMAGES[how](path.read_bytes(), chance)
    if made is None:
        path.unlink()
    else:
        path.write_bytes(made)


def _damaged(folder: pathlib.Path, suffix: str) -> None:
    """Each partition loses its files in another way, once closed cleanly and once killed."""
    for clean in (True, False):
        with Bench(folder / str(clean), len(DAMAGES)) as bench:
            bench.fill(BATCHES)
            (bench.stop if clean else bench.kill)()
            for partition, how in enumerate(DAMAGES):
                chance = random.Random(how)
                paths = bench.files(partition, suffix)
                expect(len(paths) > 1, f"{len(paths)} *{suffix} to damage")
                for path in paths:
                    damage(path, how, chance)
            bench.start()
            bench.check_all()
            bench.stop()
            bench.start()
            bench.check_all(goes_on=False)


def offset_index(folder: pathlib.Path) -> None:
    _damaged(folder, ".index")


def time_index(folder: pathlib.Path) -> None:
    _damaged(folder, ".timeindex")


def producer_snapshot(folder: pathlib.Path) -> None:
    _damaged(folder, ".snapshot")


CASES = {case.__name__: case for case in (offset_index, time_index, producer_snapshot)}
