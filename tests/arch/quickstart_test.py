"""scripts/quickstart.sh twice on the release build, on a free port, and what it says of a taken one."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from lib.process import free_port  # noqa: E402


class QuickstartTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.port = free_port()
        self.environment = {**os.environ, "QUICKSTART_PORT": str(self.port), "LOG_DIR": f"{self.folder}/logs",
                            "BARNABAS_RUN_DIR": f"{self.folder}/run"}
        self.addCleanup(shutil.rmtree, ROOT / "data" / f"standalone-{self.port}", True)
        self.addCleanup(self.run_script, "kafka-server-stop.sh")

    def run_script(self, name, **environment):
        return subprocess.run([ROOT / "scripts" / name], env={**self.environment, **environment}, capture_output=True,
                              text=True, timeout=900, check=False, stdin=subprocess.DEVNULL, cwd="/")

    def test_twice(self):
        lines = len((ROOT / "LICENSE").read_text().splitlines())
        for turn, found in ((1, "The broker is running on"), (2, "The broker is already running on")):
            began = time.monotonic()
            done = self.run_script("quickstart.sh")
            self.assertEqual(done.returncode, 0, f"turn {turn}:\n{done.stdout}\n{done.stderr}")
            self.assertIn(found, done.stdout)
            self.assertIn(f"{lines} lines of LICENSE went into the topic quickstart-events and came back the same.",
                          done.stdout)
            self.assertIn("scripts/kafka-server-stop.sh", done.stdout)
            print(f"turn {turn}: {time.monotonic() - began:.1f} s")
        done = self.run_script("kafka-server-stop.sh")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()

    def test_a_port_in_use_is_one_clear_message(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            done = self.run_script("quickstart.sh")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"port {self.port} is in use by pid {os.getpid()} (python3)", done.stderr)
        self.assertLessEqual(len(done.stderr.splitlines()), 3, done.stderr)

    def test_a_port_that_is_none(self):
        done = self.run_script("quickstart.sh", QUICKSTART_PORT="nine")
        self.assertEqual((done.returncode, done.stderr), (1, "QUICKSTART_PORT=nine is not a port\n"))


if __name__ == "__main__":
    unittest.main()
