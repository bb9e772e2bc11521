"""CreatePartitions, DeleteRecords, OffsetForLeaderEpoch, DescribeLogDirs, elections and
reassignments."""

from lib.process import wait_until
from lib.wire import Record
from target import Target, case

HIGH_WATERMARK = -1


def assigned(*rows: tuple) -> list:
    return [{"BrokerIds": list(ids)} for ids in rows]


@case
def create_partitions(t: Target) -> None:
    for version in range(4):
        name = f"grow-{version}"
        t.client.create_topic(name, 1)

        def grow(label: str, *topics: dict, **more: object) -> None:
            rows = [{"Name": name, "Assignments": None, **row} for row in topics]
            t.note(f"v{version} {label}", "CreatePartitions", version, Topics=rows,
                   **{"TimeoutMs": 10000, **more})
        grow("validate", {"Count": 3}, ValidateOnly=True)
        grow("nothing has changed", {"Count": 1})
        grow("to 3", {"Count": 3})
        wait_until(lambda: t.client.has_leaders(name, 3), name)
        t.note(f"v{version} metadata", "Metadata", 9, Topics=[{"Name": name}])
        grow("again", {"Count": 3})
        grow("fewer", {"Count": 2})
        grow("none", {"Count": 0})
        grow("less than none", {"Count": -1})
        grow("twice in one", {"Count": 4}, {"Count": 5})
        grow("unknown and known", {"Name": "no-such-topic", "Count": 2}, {"Count": 4})
        grow("bad name", {"Name": "a/b", "Count": 2})
        grow("no topics")
        grow("assigned", {"Count": 5, "Assignments": assigned([0])})
        grow("too many assigned", {"Count": 6, "Assignments": assigned([0], [0])})
        grow("too few assigned", {"Count": 8, "Assignments": assigned([0])})
        grow("none assigned", {"Count": 6, "Assignments": []})
        grow("unknown broker", {"Count": 6, "Assignments": assigned([7, 8])})
        grow("same broker twice", {"Count": 6, "Assignments": assigned([0, 0])})
        grow("no broker", {"Count": 6, "Assignments": assigned([])})
        grow("validate what is wrong", {"Count": 1}, ValidateOnly=True)
        grow("validate without time", {"Count": 6}, ValidateOnly=True, TimeoutMs=0)
        grow("without time", {"Count": 6}, TimeoutMs=0)
        wait_until(lambda: t.client.has_leaders(name, 6), name)
    t.client.produce_records("grow-3", 5, [Record(b"k", b"v")])
    t.keep("an added partition takes records", "", t.client.offset_of("grow-3", 5, -1))


@case
def delete_records(t: Target) -> None:
    records = [Record(str(i).encode(), b"v" * 50) for i in range(10)]
    for version in range(3):
        name = f"cut-{version}"
        t.client.create_topic(name, 2)
        for index in range(2):
            t.client.produce_records(name, index, records)

        def cut(label: str, *offsets: int, topic: str = name) -> None:
            rows = [{"PartitionIndex": i, "Offset": offset} for i, offset in enumerate(offsets)]
            t.note(f"v{version} {label}", "DeleteRecords", version, TimeoutMs=10000,
                   Topics=[{"Name": topic, "Partitions": rows}])
        cut("to 3 and 4", 3, 4)
        cut("back to 1", 1)
        cut("beyond the end", 11)
        cut("below -1", -2)
        cut("the same", 3)
        cut("no partitions")
        cut("an unknown partition", 3, 4, 5)
        cut("an unknown topic", 0, topic="no-such-topic")
        cut("a bad name", 0, topic="a/b")
        t.note(f"v{version} no topics", "DeleteRecords", version, TimeoutMs=10000, Topics=[])
        t.keep(f"v{version} starts", "", [t.client.offset_of(name, i, -2) for i in range(2)])
        t.note(f"v{version} below the start", "Fetch", 11, ReplicaId=-1, MaxBytes=1 << 20,
               SessionEpoch=-1, RackId="", Topics=[{"Topic": name, "Partitions": [
                   {"Partition": 0, "FetchOffset": 2, "LogStartOffset": -1, "CurrentLeaderEpoch": -1,
                    "PartitionMaxBytes": 1 << 20}]}])
        cut("all", HIGH_WATERMARK, HIGH_WATERMARK)
        cut("all again", HIGH_WATERMARK)
        t.note(f"v{version} twice in one", "DeleteRecords", version, TimeoutMs=10000, Topics=[
            {"Name": name, "Partitions": [{"PartitionIndex": 0, "Offset": 10}]},
            {"Name": name, "Partitions": [{"PartitionIndex": 1, "Offset": 10}]}])
        t.client.produce_records(name, 0, records)
        t.keep(f"v{version} ends", "", [t.client.offset_of(name, 0, at) for at in (-2, -1)])
    for label, policy in (("compacted", "compact"), ("compacted and deleted", "compact,delete")):
        name = f"cut-{label.replace(' ', '-')}"
        t.client.create_topic(name, 1, {"cleanup.policy": policy})
        t.client.produce_records(name, 0, records)
        t.note(label, "DeleteRecords", 2, TimeoutMs=10000, Topics=[
            {"Name": name, "Partitions": [{"PartitionIndex": 0, "Offset": 5}]}])


@case
def offset_for_leader_epoch(t: Target) -> None:
    t.client.create_topic("epochs", 2)
    for count in (3, 4):
        t.client.produce_records("epochs", 0, [Record(b"k", b"v")] * count)
    for version in range(5):
        def ask(label: str, *rows: dict, topic: str = "epochs", **more: object) -> None:
            partitions = [{"Partition": 0, "CurrentLeaderEpoch": -1, **row} for row in rows]
            t.note(f"v{version} {label}", "OffsetForLeaderEpoch", version, ReplicaId=-1,
                   Topics=[{"Topic": topic, "Partitions": partitions}], **more)
        for epoch in (0, 1, 5, -1, -2, 2147483647):
            ask(f"epoch {epoch}", {"LeaderEpoch": epoch})
        ask("two partitions", {"LeaderEpoch": 0}, {"Partition": 1, "LeaderEpoch": 0})
        ask("no partitions")
        ask("an unknown partition", {"Partition": 9, "LeaderEpoch": 0})
        ask("a partition below 0", {"Partition": -1, "LeaderEpoch": 0})
        ask("an unknown topic", {"LeaderEpoch": 0}, topic="no-such-topic")
        ask("no name", {"LeaderEpoch": 0}, topic="")
        for current in (0, 1, -2):
            ask(f"current epoch {current}", {"LeaderEpoch": 0, "CurrentLeaderEpoch": current})
        t.note(f"v{version} no topics", "OffsetForLeaderEpoch", version, ReplicaId=-1, Topics=[])


@case
def describe_log_dirs(t: Target) -> None:
    """Sizes are those of the files, so the same records take the same room."""
    t.client.create_topic("lies-a", 2)
    t.client.create_topic("lies-b", 1)
    t.client.produce_records("lies-a", 1, [Record(b"k", b"v" * 100)] * 10)
    for version in range(5):
        for label, topics in (
                ("some", [{"Topic": "lies-a", "Partitions": [0, 1]}, {"Topic": "lies-b", "Partitions": [0]}]),
                ("none", []), ("unknown", [{"Topic": "no-such-topic", "Partitions": [0]}]),
                ("an unknown partition", [{"Topic": "lies-a", "Partitions": [1, 7, -1]}]),
                ("no partitions", [{"Topic": "lies-a", "Partitions": []}]),
                ("twice", [{"Topic": "lies-a", "Partitions": [1, 1]}, {"Topic": "lies-a", "Partitions": [1]}])):
            t.note(f"v{version} {label}", "DescribeLogDirs", version, Topics=topics)
        answer = t.client.ask("DescribeLogDirs", version, Topics=None)
        topics = {topic["Name"]: sorted(row["PartitionIndex"] for row in topic["Partitions"])
                  for topic in answer["Results"][0]["Topics"]}
        t.keep(f"v{version} all", "", [topics.get("lies-a"), topics.get("lies-b")])
        if version >= 4:
            row = answer["Results"][0]
            t.keep(f"v{version} space", "", 0 < row["UsableBytes"] < row["TotalBytes"])


@case
def elect_leaders(t: Target) -> None:
    t.client.create_topic("elected", 2)
    for version in range(3):
        def elect(label: str, topics: object, **more: object) -> None:
            t.note(f"v{version} {label}", "ElectLeaders", version, TimeoutMs=5000,
                   TopicPartitions=topics, **more)
        elect("not needed", [{"Topic": "elected", "Partitions": [0, 1]}])
        elect("unknown", [{"Topic": "elected", "Partitions": [9]},
                          {"Topic": "no-such-topic", "Partitions": [0]}])
        elect("all", None, kind="ordinary empty")
        elect("no topics", [])
        elect("no partitions", [{"Topic": "elected", "Partitions": []}])
        elect("twice", [{"Topic": "elected", "Partitions": [0, 0]},
                        {"Topic": "elected", "Partitions": [0]}])
        if version:
            elect("unclean", [{"Topic": "elected", "Partitions": [0]}], ElectionType=1)
            elect("an unknown type", [{"Topic": "elected", "Partitions": [0]}], ElectionType=5)


@case
def partition_reassignments(t: Target) -> None:
    t.client.create_topic("moved", 2)

    def alter(label: str, *rows: tuple) -> None:
        t.note(label, "AlterPartitionReassignments", 0, TimeoutMs=5000, Topics=[
            {"Name": name, "Partitions": [{"PartitionIndex": index, "Replicas": replicas}]}
            for name, index, replicas in rows])
    alter("as it is", ("moved", 0, [0]))
    alter("called off", ("moved", 0, None))
    alter("no replicas", ("moved", 0, []))
    alter("a replica twice", ("moved", 0, [0, 0]))
    alter("below 0", ("moved", 0, [-1]))
    alter("a dead broker", ("moved", 0, [7]))
    alter("dead brokers", ("moved", 0, [0, 7, 8]))
    alter("an unknown topic", ("no-such-topic", 0, [0]))
    alter("an unknown topic, called off", ("no-such-topic", 0, None))
    alter("an unknown topic, dead", ("no-such-topic", 0, [7]))
    alter("an unknown partition", ("moved", 9, [0]))
    alter("good and bad", ("moved", 0, [0]), ("moved", 1, [7]))
    alter("the same twice", ("moved", 0, [0]), ("moved", 0, [7]))
    alter("nothing")
    for label, topics in (
            ("all", None), ("no topics", []), ("some", [{"Name": "moved", "PartitionIndexes": [0, 1]}]),
            ("unknown", [{"Name": "no-such-topic", "PartitionIndexes": [0]}]),
            ("no partitions", [{"Name": "moved", "PartitionIndexes": []}])):
        t.note(f"list: {label}", "ListPartitionReassignments", 0, TimeoutMs=5000, Topics=topics)


@case
def describe_topic_partitions(t: Target) -> None:
    """A request of KRaft brokers: neither advertised nor served in a ZooKeeper cluster."""
    answer = t.client.ask("ApiVersions", 3, ClientSoftwareName="test", ClientSoftwareVersion="1")
    t.keep("advertised", "", [row for row in answer["ApiKeys"] if row["ApiKey"] >= 70])
    t.note("asked all the same", "DescribeTopicPartitions", 0, Topics=[{"Name": "moved"}],
           ResponsePartitionLimit=10, Cursor=None)


@case
def odd_topics(t: Target) -> None:
    """What CreateTopics and DeleteTopics are asked by mistake, beyond topics_cases.py."""
    def topic(name: str, partitions: int = 1, replicas: int = 1, **more: object) -> dict:
        return {"Name": name, "NumPartitions": partitions, "ReplicationFactor": replicas, **more}

    def create(label: str, *topics: dict, **more: object) -> None:
        t.note(label, "CreateTopics", 7, timeoutMs=10000, Topics=list(topics), **more)

    def configs(*pairs: tuple) -> list:
        return [{"Name": name, "Value": value} for name, value in pairs]

    def assigned_to(*rows: tuple) -> list:
        return [{"PartitionIndex": index, "BrokerIds": ids} for index, ids in rows]
    create("names that collide", topic("odd.a"), topic("odd_a"), validateOnly=True)
    create("names that collide, made", topic("odd.b"), topic("odd_b"))
    create("a bad config, validated", topic("odd-c", Configs=configs(("x.y", "1"))), validateOnly=True)
    create("there already, validated", topic("odd.b"), validateOnly=True)
    create("there already, and wrong in other ways", topic("odd.b", 0, 9))
    create("a key twice", topic("odd-d", Configs=configs(("retention.ms", "1"), ("retention.ms", "2"))))
    create("a partition twice", validateOnly=True, *[topic(
        "odd-e", -1, -1, Assignments=assigned_to((0, [0]), (0, [0])))])
    create("partitions that differ", validateOnly=True, *[topic(
        "odd-f", -1, -1, Assignments=assigned_to((0, [0]), (1, [0, 1])))])
    create("a count beside an assignment", validateOnly=True, *[topic(
        "odd-g", -1, 1, Assignments=assigned_to((0, [0])))])
    create("a partition below 0", validateOnly=True, *[topic(
        "odd-h", -1, -1, Assignments=assigned_to((-1, [0])))])
    create("remote storage", topic("odd-i", Configs=configs(("remote.storage.enable", "true"))))
    create("lags that cross", topic("odd-j", Configs=configs(
        ("min.compaction.lag.ms", "9"), ("max.compaction.lag.ms", "3"))))
    create("a bad name and a bad count", topic("a/b", 0))
    create("a bad config and a bad count", topic("odd-k", 0, Configs=configs(("x.y", "1"))))
    create("a null config and a bad name", topic("a/b", Configs=configs(("retention.ms", None))))
    t.note("without time", "CreateTopics", 7, timeoutMs=0, Topics=[topic("odd-l")], validateOnly=True)
    create("internal names", topic("__odd_internal"))
    t.note("delete: nothing known", "DeleteTopics", 6, TimeoutMs=10000, Topics=[
        {"Name": "odd-nosuch"}, {"Name": None, "TopicId": bytes(15) + b"\1"}, {"Name": ""}])
    t.note("delete: name with its id", "DeleteTopics", 6, TimeoutMs=10000, Topics=[
        {"Name": "odd.b", "TopicId": t.topic_id("odd.b")}, {"Name": "odd-d"}])
    t.note("delete: the same name twice", "DeleteTopics", 6, TimeoutMs=10000, Topics=[
        {"Name": "odd-d"}, {"Name": "odd-d"}])
