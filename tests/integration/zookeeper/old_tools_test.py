"""kafka-topics.sh --zookeeper of Kafka 2.7.0 and 2.8.2 against a broker of ours: what the tools write
into the tree is taken up, and what they read there is what they expect."""

import json
import re
import unittest
from typing import Optional

from lib import brokers, paths, zookeeper
from lib.client import Client
from lib.process import wait_until
from tools.tools import Java


class OldTools(unittest.TestCase):
    def node(self, path: str) -> Optional[zookeeper.Node]:
        return TREE.find("/kafka" + path)

    def data(self, path: str) -> dict:
        return json.loads(self.node(path).data)

    def topics(self, java: Java, *words: str) -> str:
        answer = java.run("old-topics", "--zookeeper", f"{SERVER.address}/kafka", *words)
        self.assertEqual(answer.code, 0, answer.out + answer.err)
        return answer.out.decode()

    def life_of_a_topic(self, release: str) -> None:
        topic = "made-by-" + release.replace(".", "-")
        with Java(FOLDER, paths.oracle_classpath(release)) as java, Client(BROKER.address) as client:
            self.assertIn(f"Created topic {topic}.", self.topics(
                java, "--create", "--topic", topic, "--partitions", "3", "--replication-factor", "1",
                "--config", "retention.ms=3600000"))
            wait_until(lambda: client.has_leaders(topic, 3), f"{topic} is led")
            # The topic's id, which these tools do not write, is there and the broker's own.
            written = self.data(f"/brokers/topics/{topic}")
            self.assertRegex(written["topic_id"], r"^[A-Za-z0-9_-]{22}$")
            self.assertEqual(self.node(f"/brokers/topics/{topic}").version, 1)
            self.assertEqual(self.config(client, topic, "retention.ms"), "3600000")
            self.assertIn(topic, self.topics(java, "--list").split())
            described = self.topics(java, "--describe", "--topic", topic)
            self.assertRegex(described, rf"Topic: {topic}\s.*PartitionCount: 3\s+ReplicationFactor: 1"
                                        r"\s+Configs: retention.ms=3600000")
            for partition in range(3):
                self.assertRegex(described, rf"Partition: {partition}\s+Leader: 1\s+Replicas: 1\s+Isr: 1")
            self.topics(java, "--alter", "--topic", topic, "--partitions", "5")
            wait_until(lambda: client.has_leaders(topic, 5), f"{topic} has five partitions")
            # 2.7 does not know ids and writes the node without: it is given back the same one.
            wait_until(lambda: self.data(f"/brokers/topics/{topic}").get("topic_id")
                       == written["topic_id"], "the topic has its id")
            self.topics(java, "--alter", "--topic", topic, "--config", "retention.ms=7200000",
                        "--config", "segment.bytes=1048576")
            wait_until(lambda: self.config(client, topic, "retention.ms") == "7200000",
                       "the altered configuration is in force")
            self.assertEqual(self.config(client, topic, "segment.bytes"), "1048576")
            self.topics(java, "--alter", "--topic", topic, "--delete-config", "segment.bytes")
            wait_until(lambda: self.config(client, topic, "segment.bytes") == "1073741824",
                       "the deleted configuration is out of force")
            again = java.run("old-topics", "--zookeeper", f"{SERVER.address}/kafka", "--create",
                             "--topic", topic, "--partitions", "1", "--replication-factor", "1")
            self.assertEqual(again.code, 1)
            self.assertIn(f"Topic '{topic}' already exists", (again.out + again.err).decode())
            self.assertIn("marked for deletion", self.topics(java, "--delete", "--topic", topic))
            wait_until(lambda: not client.exists(topic), f"{topic} is gone")
            wait_until(lambda: self.node(f"/admin/delete_topics/{topic}") is None,
                       "the deletion is done")
            for path in (f"/brokers/topics/{topic}", f"/config/topics/{topic}"):
                self.assertIsNone(self.node(path), path)
            self.assertNotIn(topic, self.topics(java, "--list").split())
        directories = [path.name for path in BROKER.log_dirs[0].iterdir()
                       if re.fullmatch(rf"{topic}-\d+", path.name)]
        self.assertEqual(directories, [])

    @staticmethod
    def config(client: Client, topic: str, name: str) -> Optional[str]:
        answer = client.ask("DescribeConfigs", 1, Resources=[
            {"ResourceType": 2, "ResourceName": topic, "ConfigurationKeys": [name]}])["Results"][0]
        return answer["Configs"][0]["Value"] if answer["Configs"] else None

    def test_kafka_topics_of_2_7_0(self) -> None:
        self.life_of_a_topic("2.7.0")

    def test_kafka_topics_of_2_8_2(self) -> None:
        self.life_of_a_topic("2.8.2")

    def test_notes_of_old_tools_are_answered_and_taken_away(self) -> None:
        with Client(BROKER.address) as client:
            client.create_topic("noted", 2)

        def leave(path: str, text: str) -> None:
            TREE.create("/kafka" + path, text.encode())
            wait_until(lambda: self.node(path) is None, f"{path} is taken away")
        before = self.node("/brokers/topics/noted/partitions/0/state")
        leave("/admin/preferred_replica_election",
              '{"version":1,"partitions":[{"topic":"noted","partition":0},{"topic":"none","partition":4}]}')
        for replicas in ("[1]", "[9]", "[1,9]", "[]", "[1,1]"):
            leave("/admin/reassign_partitions",
                  '{"version":1,"partitions":[{"topic":"noted","partition":0,"replicas":%s},'
                  '{"topic":"none","partition":0,"replicas":[1]}]}' % replicas)
        leave("/admin/reassign_partitions", "no json")
        leave("/isr_change_notification/isr_change_0000000000",
              '{"version":1,"partitions":[{"topic":"noted","partition":0},{"topic":"none","partition":0}]}')
        leave("/log_dir_event_notification/log_dir_event_0000000000", '{"version":1,"broker":1,"event":1}')
        self.assertEqual(self.node("/brokers/topics/noted/partitions/0/state"), before)
        self.assertEqual(self.data("/brokers/topics/noted")["partitions"], {"0": [1], "1": [1]})
        leave("/admin/delete_topics/none", "")
        with Client(BROKER.address) as client:
            self.assertTrue(client.has_leaders("noted", 2))
        self.assertEqual(self.node("/controller_epoch").data, b"1", "no office was lost over it")


if __name__ == "__main__":
    with brokers.scratch() as FOLDER, zookeeper.Server(FOLDER) as SERVER, \
            zookeeper.Session(SERVER.port) as TREE, \
            brokers.start("barnabas", FOLDER, {
                "broker.id": 1, "zookeeper.connect": f"{SERVER.address}/kafka"}) as BROKER:
        unittest.main(verbosity=2)
