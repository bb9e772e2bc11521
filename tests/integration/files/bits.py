"""Bits that flipped in a segment: the other offsets stay readable, and recovery finds them."""

import pathlib
import struct
from typing import Dict, Tuple

from bench import Bench, expect, first_batch, frames
from lib.client import NONE, FetchError
from lib.process import wait_until
from lib.wire import TornBatch

BATCHES = 40
CORRUPT_MESSAGE = 2
# Byte of the batch, and the bit: what a reader trips over, and what only the CRC tells.
HEADER = {"length": (8, 0x40), "length_low": (11, 0x01), "magic": (16, 0x40),
          "last_offset_delta": (23, 0x80)}
BODY = {"crc": (17, 0x01), "attributes": (22, 0x40), "record": (70, 0x10), "last_byte": (-1, 0x01)}


def _flip(bench: Bench, partition: int, place: Tuple[int, int]) -> int:
    """Flips one bit in the middle batch of the second segment; the offset of that batch."""
    path = bench.files(partition, ".log")[1]
    data = bytearray(path.read_bytes())
    ends = [0, *frames(bytes(data))]
    victim = (len(ends) - 1) // 2
    begin, end = ends[victim], ends[victim + 1]
    at, bit = place
    data[end + at if at < 0 else begin + at] ^= bit
    (offset,) = struct.unpack_from(">q", data, begin)
    path.write_bytes(data)
    return offset


def old_segment(folder: pathlib.Path) -> None:
    """After a clean stop nobody looks: every other offset is read, the damaged one is an error."""
    places = {**HEADER, **BODY}
    with Bench(folder, len(places)) as bench:
        bench.fill(BATCHES)
        bench.stop()
        damaged = {partition: _flip(bench, partition, place)
                   for partition, place in enumerate(places.values())}
        bench.start()
        with bench.client() as client:
            for partition, name in enumerate(places):
                bad = damaged[partition]
                for offset in range(BATCHES):
                    try:
                        found = first_batch(client, partition, offset)
                        expect(found is not None and found.base_offset == offset and offset != bad,
                               f"{name}: a fetch at {offset} (damaged: {bad}) begins with {found}")
                    except TornBatch:  # what a client finds, too
                        expect(offset <= bad, f"{name}: the batch of {offset} does not hold")
                    except FetchError as error:
                        expect(error.code == CORRUPT_MESSAGE, f"{name}: {error}")
                        expect(name in HEADER, f"{name}: {error}")
                bench.check_goes_on(client, partition, BATCHES)


def unsynced_segment(folder: pathlib.Path) -> None:
    """After a kill, past the recovery point: cut there, as Kafka does, and said."""
    places: Dict[str, Tuple[int, int]] = {**HEADER, **BODY}
    with Bench(folder, len(places)) as bench:
        bench.fill(BATCHES)
        bench.kill()
        (bench.broker.log_dirs[0] / "recovery-point-offset-checkpoint").unlink()
        cut = {partition: _flip(bench, partition, place)
               for partition, place in enumerate(places.values())}
        bench.start()
        bench.check_all(cut)
        for partition in cut:
            bench.expect_said(rf"t-{partition}: segment \d+: cut \d+ bytes that are no whole valid "
                              rf"batch; the log ends at offset {cut[partition]}")


def recovery_reads_only_past_the_recovery_point(folder: pathlib.Path) -> None:
    """A flipped bit below it is left, and so are the segments behind it."""
    with Bench(folder, 1) as bench:
        bench.fill(BATCHES)
        checkpoint = bench.broker.log_dirs[0] / "recovery-point-offset-checkpoint"
        active = int(bench.files(0, ".log")[-1].name[:20])
        wait_until(lambda: f"t 0 {active}\n" in checkpoint.read_text(), "the recovery point moves")
        bench.kill()
        bad = _flip(bench, 0, BODY["record"])
        bench.start()
        with bench.client() as client:
            expect(bench.end(client, 0) == BATCHES, "nothing is cut")
            expect(first_batch(client, 0, bad + 1).base_offset == bad + 1, "what follows is read")
            answer = client.fetch("t", 0, bad)
            expect(answer["ErrorCode"] == NONE, "a plain fetch passes it on, as Kafka's does")


CASES = {case.__name__: case for case in (
    old_segment, unsynced_segment, recovery_reads_only_past_the_recovery_point)}
