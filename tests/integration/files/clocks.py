"""The wall clock jumps; nothing is deleted early by it, and nobody is thrown out."""

import pathlib
import time

from bench import TOPIC, Bench, batch, expect
from lib.client import NONE
from lib.faults import Faults
from lib.process import wait_until
from lib.wire import Record, encode_batch

BATCHES = 30
DAY_MS = 86_400_000
RETAINED = {"segment.bytes": "1500", "index.interval.bytes": "150", "retention.ms": str(DAY_MS)}


def clock_jumps(folder: pathlib.Path) -> None:
    faults = Faults(folder)
    settings = {"log.retention.check.interval.ms": 50, "producer.id.expiration.ms": 3_600_000,
                "producer.id.expiration.check.interval.ms": 50}
    with Bench(folder, 1, settings=settings, configs=RETAINED) as bench:
        bench.broker.environment.update(faults.env)
        bench.start()
        with bench.client() as client:
            client.create_topic(TOPIC, 1, RETAINED)
            now = int(time.time() * 1000)
            for number in range(BATCHES):
                data = encode_batch([Record(b"v" * 100)], timestamp=now + number, producer_id=7000,
                                    producer_epoch=0, base_sequence=number)
                expect(client.produce(TOPIC, 0, data)["ErrorCode"] == NONE, "accepted")
            said = 0
            for jump in (400 * DAY_MS, -400 * DAY_MS, 0):
                faults.set(clock_offset_ms=jump)
                passes = _retention_passes(client, jump)
                expect(client.offset_of(TOPIC, 0, -2) == 0, f"a jump by {jump} ms deleted records")
                again = client.produce(TOPIC, 0, data)
                expect(again["ErrorCode"] == NONE and again["BaseOffset"] == BATCHES - 1,
                       f"after a jump by {jump} ms a duplicate is answered with {again}")
                said += passes
            expect(said > 0, "time passed")
        bench.expect_said("wall clock")


def _retention_passes(client, jump: int) -> int:
    """Waits until retention must have looked several times: another topic shows that it does."""
    name = f"witness{abs(jump)}{'b' if jump < 0 else 'f'}"
    client.create_topic(name, 1, {"segment.bytes": "200", "retention.bytes": "300"})
    for _ in range(8):
        client.produce(name, 0, encode_batch([Record(b"w" * 120)], timestamp=int(time.time() * 1000)))
    wait_until(lambda: client.offset_of(name, 0, -2) > 0, "retention runs")
    client.produce(name, 0, encode_batch([Record(b"w" * 120)], timestamp=int(time.time() * 1000)))
    wait_until(lambda: client.offset_of(name, 0, -2) > 6, "retention runs again")
    return 1


CASES = {case.__name__: case for case in (clock_jumps,)}
