"""A single broker on a real ZooKeeper: registered, killed, robbed of its session, refused, stopped."""

import json
import os
import pathlib
import signal
import stat
import threading
import time
import unittest
from typing import List, Optional

from lib import brokers, zookeeper
from lib.client import NONE, Client
from lib.process import wait_until
from lib.wire import Closed, Record, encode_batch

RETRIABLE = {3, 5, 6, 7, 9, 13, 41}
UNKNOWN_TOPIC_OR_PARTITION = 3


def settings(chroot: str, **more: object) -> dict:
    return {"broker.id": 1, "zookeeper.connect": f"{SERVER.address}{chroot}",
            "zookeeper.session.timeout.ms": 18000, **more}


class Life(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(brokers.scratch()))
        self.chroot = f"/{self._testMethodName}"
        self.tree = self.enterContext(zookeeper.Session(SERVER.port))

    def broker(self, name: str = "a", **more: object) -> brokers.Barnabas:
        made = brokers.Barnabas(self.folder / name, settings(self.chroot, **more))
        self.addCleanup(made.kill)
        return made

    def node(self, path: str) -> Optional[zookeeper.Node]:
        return self.tree.find(self.chroot + path)

    def session_file(self, broker: brokers.Barnabas) -> dict:
        text = (broker.log_dirs[0] / "barnabas.zookeeper-session").read_text()
        return dict(line.split("=", 1) for line in text.splitlines())

    def refusal(self, broker: brokers.Barnabas) -> str:
        """Starts a broker that must refuse; its last words."""
        broker.start(wait=False)
        try:
            code = broker.process.wait_until(lambda: str(broker.process.exit_code() or ""),
                                             "the refusal", 60.0)
            words = broker.process.log_tail()
        finally:
            broker.kill()
        self.assertEqual(code, "1", words)
        return words.splitlines()[-1]

    # ---- What stands in the tree ----------------------------------------------------------------
    def test_registers_and_leaves_nothing_ephemeral_behind(self) -> None:
        broker = self.broker().start()
        node = self.node("/brokers/ids/1")
        self.assertEqual(node.version, 1)
        record = self.session_file(broker)
        self.assertEqual(int(record["session.id"], 16), node.owner % (1 << 64))
        self.assertEqual(record["broker.id"], "1")
        mode = os.stat(broker.log_dirs[0] / "barnabas.zookeeper-session").st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        controller = self.node("/controller")
        self.assertEqual((json.loads(controller.data)["brokerid"], controller.owner), (1, node.owner))
        with Client(broker.address) as client:
            client.create_topic("t", 2)
        self.assertEqual(broker.stop(), 0)
        self.assertIsNone(self.node("/brokers/ids/1"))
        self.assertIsNone(self.node("/controller"))
        broker.start()
        self.assertEqual(self.node("/controller_epoch").data, b"2")
        with Client(broker.address) as client:
            self.assertTrue(client.has_leaders("t", 2))

    # ---- kill -9 --------------------------------------------------------------------------------
    def test_a_killed_broker_serves_again_within_a_second(self) -> None:
        broker = self.broker().start()
        with Client(broker.address) as client:
            client.create_topic("t", 1)
            client.produce_records("t", 0, [Record(b"kept")])
        took: List[float] = []
        for _ in range(3):
            before = self.node("/brokers/ids/1")
            broker.kill()
            self.assertEqual(self.node("/brokers/ids/1"), before, "the old registration stands")
            began = time.monotonic()
            broker.start(wait=False)
            first = broker.process.wait_until(lambda: self.try_fetch(broker, "t"), "the first fetch")
            took.append(time.monotonic() - began)
            self.assertEqual(first, [b"kept"])
            after = self.node("/brokers/ids/1")
            self.assertNotEqual(after.owner, before.owner)
            self.assertGreater(after.czxid, before.czxid)
        print(f"kill -9 to the first fetch: {', '.join(f'{t:.2f}' for t in took)} s")
        self.assertLess(min(took), 1.0)

    def try_fetch(self, broker: brokers.Barnabas, topic: str) -> Optional[List[bytes]]:
        try:
            with Client(broker.address, 5.0) as client:
                part = client.fetch(topic, 0, 0)
                if part["ErrorCode"] == NONE:
                    return [record.value for batch in client.read_batches(topic, 0, 0, 1)
                            for record in batch.records]
                self.assertNotEqual(part["ErrorCode"], UNKNOWN_TOPIC_OR_PARTITION)
        except (OSError, Closed):
            pass
        return None

    # ---- Refusals -------------------------------------------------------------------------------
    def test_another_broker_with_the_id_is_a_clash_that_names_it(self) -> None:
        owner = self.broker("owner").start()
        before = self.node("/brokers/ids/1")
        words = self.refusal(self.broker("other"))
        self.assertIn(f"127.0.0.1:{owner.port}", words)
        self.assertIn(f"session 0x{before.owner % (1 << 64):x}", words)
        self.assertEqual(self.node("/brokers/ids/1"), before)

    def test_a_foreign_cluster_is_refused_and_nothing_changed(self) -> None:
        broker = self.broker().start()
        with Client(broker.address) as client:
            client.create_topic("t", 1)
        broker.stop()
        held = sorted(path.name for path in broker.log_dirs[0].iterdir())
        broker.settings["zookeeper.connect"] = f"{SERVER.address}{self.chroot}-other"
        words = self.refusal(broker)
        self.assertIn("doesn't match stored clusterId", words)
        self.assertIn("zookeeper.connect", words)
        self.assertEqual(sorted(path.name for path in broker.log_dirs[0].iterdir()), held)
        broker.settings["zookeeper.connect"] = f"{SERVER.address}{self.chroot}"
        broker.settings["broker.id"] = 2
        self.assertIn("Configured broker.id 2 doesn't match stored broker.id", self.refusal(broker))

    def test_topics_that_the_tree_does_not_know_are_refused_and_kept(self) -> None:
        broker = self.broker().start()
        broker.stop()
        for name in ("strange-0", "strange-1", "gone-0.0123456789abcdef0123456789abcdef-delete"):
            (broker.log_dirs[0] / name).mkdir()
        words = self.refusal(broker)
        self.assertIn("strange-0", words)
        self.assertIn("2 partition(s) of 1 topic(s)", words)
        self.assertTrue((broker.log_dirs[0] / "strange-1").is_dir())
        for name in ("strange-0", "strange-1"):
            (broker.log_dirs[0] / name).rmdir()
        broker.start()

    def test_a_zookeeper_that_does_not_answer_is_an_error_with_both_ways_out(self) -> None:
        broker = self.broker(**{"zookeeper.connect": "127.0.0.1:1/x",
                                "zookeeper.connection.timeout.ms": 500})
        words = self.refusal(broker)
        for part in ("127.0.0.1:1", "500", "zookeeper-server-start.sh", "remove zookeeper.connect"):
            self.assertIn(part, words)

    def test_tls_and_acls_towards_zookeeper_are_refused(self) -> None:
        for key in ("zookeeper.ssl.client.enable", "zookeeper.set.acl"):
            words = self.refusal(self.broker(key, **{key: "true"}))
            self.assertIn(f"{key}=true", words)
            self.assertIn("without TLS and without SASL", words)
        words = self.refusal(self.broker("url", **{"zookeeper.connect": "tls://localhost:2181"}))
        self.assertIn("plain text only", words)

    def test_a_cluster_on_its_way_to_kraft_is_refused(self) -> None:
        self.tree.create(self.chroot)
        self.tree.create(self.chroot + "/controller", b'{"version":2,"brokerid":3000,'
                         b'"timestamp":"1","kraftControllerEpoch":7}')
        self.assertIn("KRaft", self.refusal(self.broker("a")))
        self.tree.delete(self.chroot + "/controller")
        self.tree.create(self.chroot + "/migration", b"{}")
        self.assertIn("/migration", self.refusal(self.broker("b")))

    # ---- ZooKeeper goes and comes, sessions end -------------------------------------------------
    def load(self, broker: brokers.Barnabas, stop: threading.Event, failures: List[str],
             acked: List[int]) -> None:
        """Produces and reads without a pause; an answer that says "unknown topic" is a failure."""
        with Client(broker.address) as client:
            while not stop.is_set():
                answer = client.produce("t", 0, encode_batch([Record(b"%d" % len(acked))]))
                if answer["ErrorCode"] == NONE:
                    acked.append(answer["BaseOffset"])
                elif answer["ErrorCode"] not in RETRIABLE - {UNKNOWN_TOPIC_OR_PARTITION}:
                    failures.append(f"Produce: error {answer['ErrorCode']}")
                if not client.has_leaders("t", 1):
                    failures.append("Metadata: t has no leader")

    def test_an_expired_session_under_load(self) -> None:
        broker = self.broker().start()
        with Client(broker.address) as client:
            client.create_topic("t", 1)
        stop, failures, acked = threading.Event(), [], []
        thread = threading.Thread(target=self.load, args=(broker, stop, failures, acked))
        thread.start()
        try:
            for _ in range(3):
                wait_until(lambda: self.node("/controller"), "the controller's seat is taken")
                before = self.node("/brokers/ids/1")
                record = self.session_file(broker)
                self.assertEqual(int(record["session.id"], 16), before.owner % (1 << 64))
                zookeeper.end_session(SERVER.port, before.owner,
                                      bytes.fromhex(record["session.password"]))
                wait_until(lambda: (self.node("/brokers/ids/1") or before).owner != before.owner,
                           "the broker registers anew")
            wait_until(lambda: self.node("/controller"), "the controller's seat is taken")
            epoch = int(self.node("/controller_epoch").data)
            self.assertEqual(epoch, 4)
            self.assertEqual(self.node("/controller").owner, self.node("/brokers/ids/1").owner)
            with Client(broker.address) as client:
                client.create_topic("after", 2)
            seen = len(acked)
            wait_until(lambda: len(acked) > seen + 10, "the load goes on")
        finally:
            stop.set()
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(acked, list(range(len(acked))))
        # Watches are set anew: a topic that somebody else writes is taken up.
        self.tree.create(self.chroot + "/config/topics/late", b'{"version":1,"config":{}}')
        self.tree.create(self.chroot + "/brokers/topics/late",
                         b'{"partitions":{"0":[1]},"adding_replicas":{},"removing_replicas":{},'
                         b'"version":3}')
        with Client(broker.address) as client:
            wait_until(lambda: client.has_leaders("late", 1), "late is led")

    def test_zookeeper_restarted_under_a_running_broker(self) -> None:
        with zookeeper.Server(self.folder) as server:
            broker = brokers.Barnabas(self.folder / "a", settings(
                self.chroot, **{"zookeeper.connect": f"{server.address}{self.chroot}"}))
            self.addCleanup(broker.kill)
            broker.start()
            with Client(broker.address) as client:
                client.create_topic("t", 1)
                with zookeeper.Session(server.port) as tree:
                    before = tree.get(self.chroot + "/brokers/ids/1")
                server.kill()
                client.produce_records("t", 0, [Record(b"while it is away")])
                correlation = client.send("CreateTopics", 5, timeoutMs=30000, Topics=[
                    {"Name": "waiting", "NumPartitions": 1, "ReplicationFactor": 1}])
                server.start()
                answer = client.receive("CreateTopics", 5, correlation)["Topics"][0]
                self.assertEqual(answer["ErrorCode"], NONE)
                self.assertTrue(client.has_leaders("waiting", 1))
            with zookeeper.Session(server.port) as tree:
                self.assertEqual(tree.get(self.chroot + "/brokers/ids/1"), before,
                                 "the session lives through it")
                self.assertEqual(tree.get(self.chroot + "/controller_epoch").data, b"1")
            self.assertEqual(broker.stop(), 0)

    def test_stops_cleanly_when_zookeeper_has_gone(self) -> None:
        with zookeeper.Server(self.folder) as server:
            broker = brokers.Barnabas(self.folder / "a", settings(
                self.chroot, **{"zookeeper.connect": f"{server.address}{self.chroot}"}))
            self.addCleanup(broker.kill)
            broker.start()
            server.kill()
            self.assertEqual(broker.stop(), 0)
            self.assertTrue((broker.log_dirs[0] / ".kafka_cleanshutdown").exists())


if __name__ == "__main__":
    with brokers.scratch() as _folder, zookeeper.Server(_folder) as SERVER:
        unittest.main(verbosity=2)
