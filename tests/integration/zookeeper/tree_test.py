"""The tree as Kafka 3.9.1 leaves it and as we do, after the same steps, on one ZooKeeper: paths, bytes
of the JSON with ids, times and ports blanked, ephemeral or not, data versions, order of creation."""

import re
import unittest
from typing import Dict, List, Tuple

from lib import brokers, zookeeper
from lib.client import NONE, Client
from lib.process import wait_until

# What only Kafka makes, or only we make, and why.
ONLY_KAFKA: Dict[str, str] = {}
ONLY_OURS: Dict[str, str] = {}

BLANKS = [
    (rb'"timestamp":"\d+"', b'"timestamp":"T"'),
    (rb'"topic_id":"[A-Za-z0-9_-]{22}"', b'"topic_id":"ID"'),
    (rb'"id":"[A-Za-z0-9_-]{22}"', b'"id":"ID"'),
    (rb'(127\.0\.0\.1:)\d+', rb'\1PORT'),
    (rb'"port":\d+', b'"port":PORT'),
]

Seen = Dict[str, Tuple[object, int, bool]]  # path: data, version, ephemeral


def blanked(data: object) -> object:
    if isinstance(data, bytes):
        for pattern, blank in BLANKS:
            data = re.sub(pattern, blank, data)
    return data


class Tree(unittest.TestCase):
    maxDiff = None

    def look(self, chroot: str) -> Seen:
        return {path: (blanked(node.data), node.version, node.owner != 0)
                for path, node in TREE.tree(chroot).items()}

    def same(self, what: str) -> None:
        """Both trees become the same; the differences after a while are the failure."""
        theirs: Seen = {}
        ours: Seen = {}

        def settled() -> bool:
            nonlocal theirs, ours
            theirs, ours = self.look("/kafka"), self.look("/barnabas")
            return theirs == ours
        try:
            wait_until(settled, what, 30.0)
        except Exception:  # the comparison below says what differs
            pass
        self.assertEqual({p: v for p, v in theirs.items() if p not in ONLY_KAFKA},
                         {p: v for p, v in ours.items() if p not in ONLY_OURS}, what)

    @staticmethod
    def order(chroot: str) -> List[str]:
        nodes = TREE.tree(chroot)
        return sorted(nodes, key=lambda path: (nodes[path].czxid, path))

    def ask_both(self, api: str, version: int, part: str, **fields: object) -> None:
        for broker in (KAFKA, BARNABAS):
            with Client(broker.address) as client:
                answer = client.ask(api, version, **fields)
                for result in answer[part]:
                    self.assertEqual(result["ErrorCode"], NONE, (broker.kind, answer))

    def test_the_same_steps_leave_the_same_tree(self) -> None:
        self.same("after the start")
        self.assertEqual(self.order("/kafka"), self.order("/barnabas"))

        self.ask_both("CreateTopics", 5, "Topics", timeoutMs=15000, Topics=[
            {"Name": "plain", "NumPartitions": 3, "ReplicationFactor": 1},
            {"Name": "with.config", "NumPartitions": 1, "ReplicationFactor": 1, "Configs": [
                {"Name": "retention.ms", "Value": "3600000"},
                {"Name": "cleanup.policy", "Value": "compact"},
                {"Name": "segment.bytes", "Value": "1048576"}]},
            {"Name": "assigned", "NumPartitions": -1, "ReplicationFactor": -1, "Assignments": [
                {"PartitionIndex": 0, "BrokerIds": [1]}, {"PartitionIndex": 1, "BrokerIds": [1]}]}])
        self.same("after topics were made")

        self.alter_config()
        self.same("after a configuration was altered")

        self.ask_both("CreatePartitions", 1, "Results", TimeoutMs=15000, ValidateOnly=False, Topics=[
            {"Name": "plain", "Count": 5, "Assignments": None}])
        self.same("after partitions were added")

        # As an old tool does it, in both trees: without an id, and a wish to delete.
        for chroot in ("/kafka", "/barnabas"):
            TREE.create(f"{chroot}/config/topics/old", b'{"version":1,"config":{}}')
            TREE.create(f"{chroot}/brokers/topics/old",
                        b'{"partitions":{"0":[1],"1":[1]},"adding_replicas":{},'
                        b'"removing_replicas":{},"version":3}')
        for broker in (KAFKA, BARNABAS):
            with Client(broker.address) as client:
                wait_until(lambda held=client: held.has_leaders("old", 2), "old is led")
        self.same("after an old tool has made a topic")

        self.init_producer_id()
        self.same("after a block of producer ids was taken")

        self.ask_both("DeleteTopics", 4, "Responses", TimeoutMs=15000, TopicNames=["plain", "old"])
        for chroot in ("/kafka", "/barnabas"):
            wait_until(lambda root=chroot: not TREE.children(f"{root}/admin/delete_topics"),
                       "the topics are gone")
        self.same("after topics were deleted")

        for broker in (KAFKA, BARNABAS):
            self.assertIn(broker.stop(), (0, 143))
        self.same("after a clean stop")

    def alter_config(self) -> None:
        """Through the broker where it serves that, else as an old tool does it."""
        for chroot in ("/kafka", "/barnabas"):
            TREE.set(f"{chroot}/config/topics/plain",
                     b'{"version":1,"config":{"retention.ms":"7200000"}}')
            TREE.create(f"{chroot}/config/changes/config_change_",
                        b'{"version":2,"entity_path":"topics/plain"}', flags=2)
        for broker in (KAFKA, BARNABAS):
            with Client(broker.address) as client:
                wait_until(lambda held=client: self.retention(held) == "7200000",
                           "the configuration is in force")

    @staticmethod
    def retention(client: Client) -> str:
        return client.ask("DescribeConfigs", 1, Resources=[
            {"ResourceType": 2, "ResourceName": "plain", "ConfigurationKeys": ["retention.ms"]}
        ])["Results"][0]["Configs"][0]["Value"]

    def init_producer_id(self) -> None:
        for broker in (KAFKA, BARNABAS):
            with Client(broker.address) as client:
                def taken(held: Client = client) -> bool:
                    answer = held.ask("InitProducerId", 1, TransactionalId=None,
                                      TransactionTimeoutMs=1000)
                    return answer["ErrorCode"] == NONE
                wait_until(taken, "a producer id")


class Clash(unittest.TestCase):
    def test_a_broker_of_kafkas_that_owns_the_id_is_named(self) -> None:
        KAFKA.start()
        KAFKA.wait_ready()
        owner = TREE.get("/kafka/brokers/ids/1")
        with brokers.scratch() as folder:
            ours = brokers.Barnabas(folder, {"broker.id": 1,
                                             "zookeeper.connect": f"{SERVER.address}/kafka"})
            try:
                ours.start(wait=False)
                code = ours.process.wait(60.0)
                words = ours.process.log_tail(1)
            finally:
                ours.kill()
        self.assertEqual(code, 1, words)
        self.assertIn(f"127.0.0.1:{KAFKA.port}", words)
        self.assertIn(f"session 0x{owner.owner % (1 << 64):x}", words)
        self.assertEqual(TREE.get("/kafka/brokers/ids/1"), owner)
        with Client(KAFKA.address) as client:
            client.create_topic("unharmed", 1)


if __name__ == "__main__":
    with brokers.scratch() as FOLDER, zookeeper.Server(FOLDER) as SERVER, \
            zookeeper.Session(SERVER.port) as TREE, \
            brokers.Kafka(FOLDER, {"broker.id": 1, "zookeeper.connect": f"{SERVER.address}/kafka"}) \
            as KAFKA, \
            brokers.Barnabas(FOLDER, {"broker.id": 1,
                                      "zookeeper.connect": f"{SERVER.address}/barnabas"}) as BARNABAS:
        KAFKA.start()
        BARNABAS.start()
        suite = unittest.TestSuite([Tree("test_the_same_steps_leave_the_same_tree"),
                                    Clash("test_a_broker_of_kafkas_that_owns_the_id_is_named")])
        done = unittest.TextTestRunner(verbosity=2).run(suite)
    raise SystemExit(0 if done.wasSuccessful() else 1)
