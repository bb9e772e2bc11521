"""A tree carried from embedded mode into a ZooKeeper and back with `barnabas metadata`, and the
scripts that start and stop a real ZooKeeper."""

import os
import pathlib
import subprocess
import unittest
from typing import Dict, List, Optional

from lib import brokers, paths, zookeeper
from lib.client import Client
from lib.process import free_port
from lib.wire import Record


def metadata(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run([str(paths.barnabas()), "metadata", *map(str, words)], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


class Carry(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(brokers.scratch()))

    def carry(self, *words: object) -> str:
        done = metadata(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, *words: object) -> str:
        done = metadata(*words)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    def records(self, broker: brokers.Broker, topic: str) -> List[bytes]:
        with Client(broker.address) as client:
            end = client.offset_of(topic, 0, -1)
            return [record.value for batch in client.read_batches(topic, 0, 0, end)
                    for record in batch.records]

    def test_from_embedded_mode_into_a_zookeeper_and_back(self) -> None:
        tree = self.folder / "tree.json"
        with zookeeper.Server(self.folder) as server:
            place = f"{server.address}/some/where"
            with brokers.Barnabas(self.folder) as broker:
                embedded = pathlib.Path(f"{broker.log_dirs[0]}.metadata")
                broker.start()
                with Client(broker.address) as client:
                    client.create_topic("kept", 2, {"retention.ms": "12345678"})
                    client.produce_records("kept", 0, [Record(b"embedded")])
                broker.stop()
                self.carry("export", embedded, tree)
                self.assertEqual(tree.stat().st_mode & 0o777, 0o600)
                self.carry("import", tree, place)
                self.carry("import", tree, place)  # again is no error

                broker.settings["zookeeper.connect"] = place
                broker.start()
                self.assertEqual(self.records(broker, "kept"), [b"embedded"])
                with Client(broker.address) as client:
                    client.produce_records("kept", 0, [Record(b"zookeeper")])
                    client.create_topic("made.there", 1)
                self.assertIn("is registered there", self.refused("import", tree, place))
                broker.stop()
                with zookeeper.Session(server.port) as session:
                    config = session.get("/some/where/config/topics/kept").data
                    self.assertEqual(config, b'{"version":1,"config":{"retention.ms":"12345678"}}')
                self.assertIn("Nothing was changed", self.refused("import", tree, place))

                # Back, into a folder of its own; the old one holds an older tree, which is refused.
                self.carry("export", place, tree)
                self.assertIn("holds something else", self.refused("import", tree, embedded))
                again = self.folder / "again.metadata"
                self.carry("import", tree, again)
                del broker.settings["zookeeper.connect"]
                broker.settings["x.metadata.dir"] = again
                broker.start()
                self.assertEqual(self.records(broker, "kept"), [b"embedded", b"zookeeper"])
                self.assertEqual(self.records(broker, "made.there"), [])
                self.assertEqual(broker.stop(), 0)

    def test_what_cannot_be_read_is_named(self) -> None:
        broken = self.folder / "broken.json"
        for text, why in (("", "line 1"), ("{}\n", "no head"),
                          ('{"barnabas.metadata":1}\n{"path":"/a"}\n', "line 2"),
                          ('{"barnabas.metadata":1}\n{"path":"/a","data":nu', "cut off")):
            broken.write_text(text)
            self.assertIn(why, self.refused("import", broken, self.folder / "target"), text)
        self.assertIn("no-such", self.refused("import", self.folder / "no-such", self.folder / "t"))
        self.assertIn("usage", self.refused("export"))
        self.assertNotEqual(metadata("export", self.folder / "nothing-here").returncode, 0)


class Scripts(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(brokers.scratch()))
        self.home = self.folder / "zookeeper-release"
        (self.home / "lib").mkdir(parents=True)
        for jar in paths.oracle_classpath().split(":"):
            (self.home / "lib" / os.path.basename(jar)).symlink_to(jar)
        self.port = free_port()
        self.file = brokers.write_properties(self.folder / "zookeeper.properties", {
            "dataDir": self.folder / "data", "clientPort": self.port,
            "clientPortAddress": "127.0.0.1", "admin.enableServer": "false"})

    def script(self, name: str, *words: object, **environment: str) -> subprocess.CompletedProcess:
        given: Dict[str, str] = {
            "LOG_DIR": str(self.folder / "logs"), "BARNABAS_RUN_DIR": str(self.folder / "run"),
            "ZOOKEEPER_HOME": str(self.home), "BARNABAS_PROGRAM": str(paths.barnabas()),
            "JAVA_HOME": str(pathlib.Path(paths.java()).parents[1]), "KAFKA_HEAP_OPTS": "-Xmx128m"}
        return subprocess.run([str(paths.ROOT / "scripts" / name), *map(str, words)], check=False,
                              env={**os.environ, **given, **environment}, timeout=60, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL)

    def pid(self) -> Optional[str]:
        found = list((self.folder / "run").glob("*.zookeeper"))
        return found[0].read_text().strip() if found else None

    def test_zookeeper_and_a_broker_as_a_tutorial_types_them(self) -> None:
        started = self.script("zookeeper-server-start.sh", "-daemon", self.file)
        self.addCleanup(self.script, "zookeeper-server-stop.sh")
        self.assertEqual(started.returncode, 0, started.stderr)
        again = self.script("zookeeper-server-start.sh", "-daemon", self.file)
        self.assertEqual(again.returncode, 1)
        self.assertIn(f"already running (pid {self.pid()})", again.stderr)

        broker_port = free_port()
        started = self.script(
            "kafka-server-start.sh", "-daemon", paths.ROOT / "config" / "server.properties",
            "--override", f"zookeeper.connect=localhost:{self.port}/kafka",
            "--override", f"listeners=PLAINTEXT://127.0.0.1:{broker_port}",
            "--override", f"log.dirs={self.folder / 'broker'}")
        self.addCleanup(self.script, "kafka-server-stop.sh")
        self.assertEqual(started.returncode, 0, started.stderr)
        with Client(("127.0.0.1", broker_port)) as client:
            client.create_topic("quickstart-events", 1)
        # Stopping brokers leaves ZooKeeper alone.
        self.assertEqual(self.script("kafka-server-stop.sh").returncode, 0)
        with zookeeper.Session(self.port) as session:
            self.assertEqual(session.children("/kafka/brokers/topics"), ["quickstart-events"])
            self.assertEqual(session.children("/kafka/brokers/ids"), [])
        self.assertEqual(self.script("zookeeper-server-stop.sh", self.file).returncode, 0)
        self.assertIsNone(self.pid())
        stopped = self.script("zookeeper-server-stop.sh")
        self.assertEqual((stopped.returncode, stopped.stdout), (1, "No zookeeper server to stop\n"))

    def test_what_is_missing_is_named(self) -> None:
        for words, said in (((), "USAGE"), (("-x", self.file), "USAGE"),
                            (("no-such.properties",), "cannot open no-such.properties")):
            refused = self.script("zookeeper-server-start.sh", *words)
            self.assertEqual(refused.returncode, 1)
            self.assertIn(said, refused.stderr)
        refused = self.script("zookeeper-server-start.sh", self.file,
                              ZOOKEEPER_HOME=str(self.folder))
        self.assertIn("holds no ZooKeeper", refused.stderr)
        refused = self.script("zookeeper-server-start.sh", self.file, JAVA_HOME=str(self.folder))
        self.assertIn("has no bin/java", refused.stderr)
        self.file.write_text("clientPort=nonsense\n")
        failed = self.script("zookeeper-server-start.sh", "-daemon", self.file)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("ZooKeeper did not start:", failed.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
