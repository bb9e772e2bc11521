"""kafka-server-start.sh and kafka-server-stop.sh with a stand-in for the program."""

import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

# Does what the scripts expect of `barnabas server`: writes its pid file, runs until SIGTERM. It is
# told by the properties file to fail, or to take a moment to stop.
STAND_IN = """#!/usr/bin/python3
import os, signal, sys, time
arguments = sys.argv[1:]
text = open(arguments[1]).read()
print("arguments " + " ".join(arguments), flush=True)
print("folder " + os.getcwd(), flush=True)
if "fail" in text:
    sys.exit("listeners: port 9092 is in use")
pid_file = arguments[arguments.index("--pid-file") + 1]
def stop(*_):
    if "slow" in text:
        time.sleep(0.5)
    os.unlink(pid_file)
    open(arguments[1] + ".stopped", "w").close()
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
while "late" in text:
    signal.pause()
open(pid_file, "w").write(str(os.getpid()) + "\\n")
print("started", flush=True)
while True:
    signal.pause()
"""


class ScriptsTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.program = self.folder / "barnabas"
        self.program.write_text(STAND_IN)
        self.program.chmod(0o755)
        self.environment = {**os.environ, "BARNABAS_PROGRAM": str(self.program), "LOG_DIR": str(self.folder / "logs"),
                            "BARNABAS_RUN_DIR": str(self.folder / "run"), "BARNABAS_STOP_TIMEOUT_S": "20"}
        self.addCleanup(self.stop_all)

    def stop_all(self):
        for pid_file in (self.folder / "run").glob("*.pid"):
            text = pid_file.read_text().strip()
            if text.isdigit() and str(pid_file) in Path(f"/proc/{text}/cmdline").read_text().split("\0"):
                os.kill(int(text), signal.SIGKILL)

    def file(self, name, text=""):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def run_script(self, name, *arguments, cwd="/", **environment):
        return subprocess.run([str(name) if "/" in str(name) else str(SCRIPTS / name), *arguments], cwd=cwd,
                              env={**self.environment, **environment}, capture_output=True, text=True,
                              timeout=60, check=False, stdin=subprocess.DEVNULL)

    def start(self, *arguments, **options):
        done = self.run_script("kafka-server-start.sh", "-daemon", *arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def out(self):
        return (self.folder / "logs" / "kafkaServer.out").read_text()

    def pids(self):
        return sorted((self.folder / "run").glob("*.pid"))

    def test_without_arguments_the_usage_is_printed(self):
        done = self.run_script("kafka-server-start.sh")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^USAGE: \S+kafka-server-start.sh \[-daemon\] server.properties "
                                      r"\[--override property=value\]\*\n$")

    def test_a_missing_file_is_named(self):
        done = self.run_script("kafka-server-start.sh", "nothing.properties")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot open nothing.properties", done.stderr)

    def test_stop_without_a_broker(self):
        done = self.run_script("kafka-server-stop.sh")
        self.assertEqual((done.returncode, done.stdout), (1, "No kafka server to stop\n"))

    def test_start_and_stop(self):
        file = self.file("one.properties", "slow")
        began = time.monotonic()
        self.start(file, "--override", "a=b c")
        self.assertLess(time.monotonic() - began, 5)
        self.assertIn(f"arguments server {file} --override a=b c --pid-file ", self.out())
        self.assertIn(f"folder {SCRIPTS.parent}\n", self.out())
        done = self.run_script("kafka-server-stop.sh")
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertTrue(Path(file + ".stopped").exists(), "the script did not wait for the clean stop")
        self.assertEqual(self.pids(), [])

    def test_several_are_stopped_together_or_one_by_its_file(self):
        files = [self.file(f"server{i}.properties") for i in range(3)]
        for file in files:
            self.start(file)
        done = self.run_script("kafka-server-stop.sh", files[1])
        self.assertEqual(done.returncode, 0)
        self.assertEqual([Path(file + ".stopped").exists() for file in files], [False, True, False])
        self.assertEqual(self.run_script("kafka-server-stop.sh").returncode, 0)
        self.assertTrue(all(Path(file + ".stopped").exists() for file in files))

    def test_one_file_may_start_several_with_overrides(self):
        file = self.file("one.properties")
        self.start(file, "--override", "broker.id=1")
        self.start(file, "--override", "broker.id=2")
        self.assertEqual(len(self.pids()), 2)
        self.assertIn("broker.id=1", self.out())
        self.assertIn("broker.id=2", (self.folder / "logs" / "one" / "kafkaServer.out").read_text())
        again = self.run_script("kafka-server-start.sh", "-daemon", file, "--override", "broker.id=2")
        self.assertEqual(again.returncode, 1)
        self.assertIn("already running", again.stderr)
        self.assertEqual(self.run_script("kafka-server-stop.sh", file).returncode, 0)
        self.assertEqual(self.pids(), [])

    def test_a_start_that_fails_says_why(self):
        done = self.run_script("kafka-server-start.sh", "-daemon", self.file("bad.properties", "fail"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("port 9092 is in use", done.stderr)

    def test_a_broker_that_is_still_starting_can_be_stopped(self):
        file = self.file("late.properties", "late")
        done = self.run_script("kafka-server-start.sh", "-daemon", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("started", self.out())
        self.assertEqual(self.run_script("kafka-server-stop.sh", file).returncode, 0)
        self.assertTrue(Path(file + ".stopped").exists())

    def test_a_process_that_is_not_ours_is_left_alone(self):
        other = subprocess.Popen(["sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        (self.folder / "run").mkdir(mode=0o700)
        stale = self.folder / "run" / "server.1.2.pid"
        stale.write_text(f"{other.pid}\n")
        done = self.run_script("kafka-server-stop.sh")
        self.assertEqual((done.returncode, done.stdout), (1, "No kafka server to stop\n"))
        self.assertIsNone(other.poll())
        self.assertFalse(stale.exists())

    def test_it_works_through_links_and_from_any_folder(self):
        links = self.folder / "bin"
        links.mkdir()
        (links / "start").symlink_to(SCRIPTS / "kafka-server-start.sh")
        (links / "again").symlink_to("start")
        self.file("one.properties")
        done = self.run_script(links / "again", "-daemon", "one.properties", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.run_script("kafka-server-stop.sh").returncode, 0)

    def test_javas_settings_are_accepted_with_a_line(self):
        done = self.start(self.file("one.properties"), KAFKA_HEAP_OPTS="-Xmx1g", JMX_PORT="9999")
        self.assertIn("INFO KAFKA_HEAP_OPTS is set and ignored", done.stderr)
        self.assertIn("INFO JMX_PORT is set and ignored", done.stderr)
        self.run_script("kafka-server-stop.sh")

    def test_the_foreground_ends_with_the_broker(self):
        file = self.file("one.properties")
        process = subprocess.Popen([str(SCRIPTS / "kafka-server-start.sh"), file], env=self.environment,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.assertIn("started\n", iter(process.stdout.readline, ""))
        self.assertEqual(self.pids()[0].read_text(), f"{process.pid}\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertTrue(Path(file + ".stopped").exists())

    def test_a_run_folder_of_somebody_else_is_refused(self):
        done = self.run_script("kafka-server-stop.sh", BARNABAS_RUN_DIR="/proc/1")
        if os.getuid() == 0:
            (self.folder / "theirs").mkdir()
            os.chown(self.folder / "theirs", 65534, 65534)
            done = self.run_script("kafka-server-stop.sh", BARNABAS_RUN_DIR=str(self.folder / "theirs"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("belongs to somebody else", done.stderr)


if __name__ == "__main__":
    unittest.main()
