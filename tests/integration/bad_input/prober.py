"""An honest client in a process of its own, so that a test's own load does not slow it down.

It produces a record with acks=all, reads it back, and begins again a millisecond later. For each
line on its standard input it prints one JSON object: how long these rounds took (in milliseconds)
since the line before, and how many failed. It ends with its input.
"""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time
from typing import Dict, List, Tuple

TOPIC = "honest"


class Prober:
    """The side of the test: starts the process above, asks it, ends it."""

    def __init__(self, address: Tuple[str, int]):
        self._child = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).resolve()), address[0], str(address[1])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        self.since_last(1)

    def __enter__(self) -> "Prober":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stdin.close()
        self._child.wait(30)
        self._child.stdout.close()

    def since_last(self, at_least: int = 200) -> Dict[str, float]:
        """Waits until so many rounds were made since the last call."""
        self._child.stdin.write(f"{at_least}\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise AssertionError(f"the honest client died ({self._child.wait()})")
        return json.loads(line)


def main() -> None:
    from lib.client import Client
    from lib.wire import Record, decode_batches
    host, port = sys.argv[1], int(sys.argv[2])
    rounds: List[float] = []
    grown = threading.Condition()

    def answer() -> None:
        for line in sys.stdin:
            with grown:
                grown.wait_for(lambda: len(rounds) >= int(line))
                taken = sorted(rounds)
                rounds.clear()
            print(json.dumps({"rounds": len(taken), "p50": taken[len(taken) // 2],
                              "p99": taken[len(taken) * 99 // 100], "worst": taken[-1]}), flush=True)
        os._exit(0)

    threading.Thread(target=answer, daemon=True).start()
    with Client((host, port), 60.0) as client:
        while True:
            began = time.perf_counter()
            offset = client.produce_records(TOPIC, 0, [Record(b"honest" * 10)])
            part = client.fetch(TOPIC, 0, offset, max_wait_ms=1000)
            if not decode_batches(part["Records"] or b""):
                raise AssertionError(f"nothing at {offset}")
            with grown:
                rounds.append((time.perf_counter() - began) * 1000)
                grown.notify()
            time.sleep(0.001)


if __name__ == "__main__":
    main()
