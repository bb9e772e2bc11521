"""A train of 100 pipelined produce requests costs at most three system calls: read, write, send.

Attaches strace to the real program, sends trains as a producer does (one send each, next one when
all answers are there) and counts. The wait for the next train is not part of its cost, but there
may be only one for each.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from lib import brokers, messages, paths  # noqa: E402
from lib.client import Client  # noqa: E402
from lib.wire import Record, encode_batch  # noqa: E402

TRAINS = 200
REQUESTS = 100
# Once in a while somebody else in the process has something to do (a checkpoint, a sweep).
OTHERS = 20


class Strace:
    """Counts the system calls of all threads of a process while it is entered."""

    def __init__(self, pid: int, folder: pathlib.Path):
        self._pid = pid
        self._out = folder / "strace.txt"

    def __enter__(self) -> "Strace":
        self._child = subprocess.Popen(
            [paths.program("/usr/bin/strace", "strace"), "-f", "-c", "-o", str(self._out),
             "-p", str(self._pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        threads = len(os.listdir(f"/proc/{self._pid}/task"))
        said = ""
        attached = 0
        while attached < threads:
            line = self._child.stderr.readline()
            if not line:
                raise AssertionError(f"strace does not attach: {said}")
            said += line
            attached += line.count("attached")
            more = re.search(r"attached with (\d+) threads", line)
            attached += int(more.group(1)) - 1 if more else 0
        return self

    def __exit__(self, *_: object) -> None:
        self._child.send_signal(signal.SIGINT)
        self._child.communicate(timeout=30)

    def counts(self) -> dict:
        found = {}
        for line in self._out.read_text().splitlines():
            fields = line.split()
            if len(fields) >= 5 and fields[0][0].isdigit() and fields[-1] != "total":
                found[fields[-1]] = int(fields[3])
        return found


class SyscallsTest(unittest.TestCase):
    def test_a_train_of_100_produce_requests(self):
        with tempfile.TemporaryDirectory() as name, \
                brokers.start("barnabas", pathlib.Path(name)) as broker, \
                Client(broker.address) as client:
            client.create_topic("trains")
            batch = encode_batch([Record(value=b"v" * 100)])
            frame = messages.encode_request("Produce", 9, dict(
                Acks=1, TimeoutMs=15000,
                TopicData=[{"Name": "trains",
                            "PartitionData": [{"Index": 0, "Records": batch}]}]), 7)
            train = (len(frame).to_bytes(4, "big") + frame) * REQUESTS

            def ask() -> None:
                client.connection.send_raw(train)
                for _ in range(REQUESTS):
                    _, fields = messages.decode_response("Produce", 9, client.connection.receive())
                    part = fields["Responses"][0]["PartitionResponses"][0]
                    self.assertEqual(part["ErrorCode"], 0)

            for _ in range(10):
                ask()
            with Strace(broker.process.pid, pathlib.Path(name)) as strace:
                for _ in range(TRAINS):
                    ask()
            self.assertEqual(client.offset_of("trains", 0, -1), (10 + TRAINS) * REQUESTS)
            counts = strace.counts()
        print(f"{TRAINS} trains: {counts}")
        waits = counts.pop("epoll_wait", 0) + counts.pop("epoll_pwait", 0)
        # Other threads sleep in these; they do nothing for a train.
        for sleeping in ("futex", "restart_syscall", "rt_sigtimedwait", "clock_nanosleep"):
            counts.pop(sleeping, None)
        self.assertGreaterEqual(sum(counts.values()), 2 * TRAINS, "strace saw the trains")
        self.assertLessEqual(sum(counts.values()), 3 * TRAINS + OTHERS)
        self.assertLessEqual(waits, TRAINS + OTHERS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
