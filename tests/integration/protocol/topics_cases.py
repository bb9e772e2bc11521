"""Metadata, CreateTopics, DeleteTopics and DescribeConfigs."""

import uuid

from lib.process import wait_until
from target import Target, case

LONG = "a" * 249
BAD_NAMES = {"empty": "", "dot": ".", "two dots": "..", "slash": "a/b", "outside": "../../x",
             "absolute": "/tmp/x", "250 characters": "a" * 250, "32000 characters": "a" * 32000,
             "space": "a b", "newline": "a\nb", "nul": "a\0b", "umlaut": "\u00e4", "colon": "a:b"}


@case
def metadata_versions(t: Target) -> None:
    t.client.create_topic("meta-a", 2)
    t.client.create_topic("meta-b", 1)
    for version in range(13):
        t.note(f"v{version} named", "Metadata", version, Topics=[{"Name": "meta-a"}, {"Name": "meta-b"}])
        t.note(f"v{version} twice", "Metadata", version, Topics=[{"Name": "meta-a"}, {"Name": "meta-a"}])
        t.note(f"v{version} empty", "Metadata", version, Topics=[])
        if version >= 1:
            t.note(f"v{version} null", "Metadata", version, Topics=None)
        if version >= 8:
            t.note(f"v{version} operations", "Metadata", version, Topics=[{"Name": "meta-b"}],
                   IncludeClusterAuthorizedOperations=True, IncludeTopicAuthorizedOperations=True)
        if version >= 4:
            t.note(f"v{version} unknown", "Metadata", version, Topics=[{"Name": "meta-unknown"}],
                   AllowAutoTopicCreation=False)
            for label in ("two dots", "space", "empty"):
                t.note(f"v{version} bad: {label}", "Metadata", version, Topics=[{"Name": BAD_NAMES[label]}],
                       AllowAutoTopicCreation=False)


@case
def metadata_creates(t: Target) -> None:
    for version in range(13):
        name = f"auto-{version}"
        fields = {"Topics": [{"Name": name}], "AllowAutoTopicCreation": True}
        t.note(f"v{version} first", "Metadata", version, **fields)
        wait_until(lambda: t.client.has_leaders(name, 1), name)
        t.note(f"v{version} then", "Metadata", version, **fields)
    for label, name in BAD_NAMES.items():
        t.note(f"bad name: {label}", "Metadata", 9, Topics=[{"Name": name}], AllowAutoTopicCreation=True)
    t.note("collides", "Metadata", 9, Topics=[{"Name": "auto.1"}, {"Name": "auto_1"}],
           AllowAutoTopicCreation=False)


@case
def metadata_ids(t: Target) -> None:
    t.client.create_topic("by-id", 1)
    known, unknown = t.topic_id("by-id"), uuid.UUID(int=77).bytes
    for version in (10, 11, 12):
        t.note(f"v{version} known", "Metadata", version, Topics=[{"TopicId": known, "Name": None}])
        t.note(f"v{version} unknown", "Metadata", version, Topics=[{"TopicId": unknown, "Name": None}])
        t.note(f"v{version} neither", "Metadata", version, Topics=[{"Name": None}])
        t.note(f"v{version} both", "Metadata", version, Topics=[{"TopicId": known, "Name": "by-id"}])
        t.note(f"v{version} mixed", "Metadata", version,
               Topics=[{"TopicId": known, "Name": None}, {"Name": "by-id"}])
    bad = [{"TopicId": known, "Name": None}, {"TopicId": unknown, "Name": None}]
    t.note("known and unknown", "Metadata", 12, Topics=bad)


def topic(name: str, partitions: int = 1, replicas: int = 1, **more: object) -> dict:
    return {"Name": name, "NumPartitions": partitions, "ReplicationFactor": replicas, **more}


@case
def create_topics(t: Target) -> None:
    for version in range(8):
        one = [topic(f"create-{version}", 3)]
        if version >= 1:
            t.note(f"v{version} validate", "CreateTopics", version, Topics=one, timeoutMs=10000,
                   validateOnly=True)
        t.note(f"v{version}", "CreateTopics", version, Topics=one, timeoutMs=10000)
        t.note(f"v{version} again", "CreateTopics", version, Topics=one, timeoutMs=10000)
        t.note(f"v{version} twice in one", "CreateTopics", version, timeoutMs=10000,
               Topics=[topic(f"twice-{version}"), topic(f"twice-{version}")])
        t.note(f"v{version} none", "CreateTopics", version, Topics=[], timeoutMs=10000)
        t.note(f"v{version} several", "CreateTopics", version, timeoutMs=10000, Topics=[
            topic(f"several-{version}-a"), topic("a/b"), topic(f"several-{version}-b", 0),
            topic(f"create-{version}")])
        t.note(f"v{version} defaults", "CreateTopics", version, timeoutMs=10000,
               Topics=[topic(f"defaults-{version}", -1, -1)])
    for label, name in BAD_NAMES.items():
        t.note(f"bad name: {label}", "CreateTopics", 5, Topics=[topic(name)], timeoutMs=10000)
    t.note("249 characters", "CreateTopics", 5, Topics=[topic(LONG)], timeoutMs=10000)
    t.note("dot", "CreateTopics", 5, Topics=[topic("col.lide")], timeoutMs=10000)
    t.note("underscore", "CreateTopics", 5, Topics=[topic("col_lide")], timeoutMs=10000)
    for label, partitions, replicas in (
            ("0 partitions", 0, 1), ("-5 partitions", -5, 1), ("0 replicas", 1, 0),
            ("2 replicas", 1, 2), ("-2 replicas", 1, -2)):
        t.note(label, "CreateTopics", 5, Topics=[topic("wrong", partitions, replicas)], timeoutMs=10000)


@case
def create_topics_assigned(t: Target) -> None:
    def assigned(*rows: tuple) -> list:
        return [{"PartitionIndex": index, "BrokerIds": list(ids)} for index, ids in rows]
    for label, partitions, replicas, rows in (
            ("good", -1, -1, assigned((0, [0]), (1, [0]))),
            ("with counts", 2, 1, assigned((0, [0]), (1, [0]))),
            ("unknown broker", -1, -1, assigned((0, [7]))),
            ("same broker twice", -1, -1, assigned((0, [0, 0]))),
            ("no brokers", -1, -1, assigned((0, []))),
            ("negative broker", -1, -1, assigned((0, [-1]))),
            ("not from 0", -1, -1, assigned((1, [0]))),
            ("with a gap", -1, -1, assigned((0, [0]), (2, [0])))):
        t.note(label, "CreateTopics", 5, timeoutMs=300, Topics=[
            topic(f"assigned-{label.replace(' ', '-')}", partitions, replicas, Assignments=rows)])


@case
def create_topics_configs(t: Target) -> None:
    for label, configs in (
            ("good", {"retention.ms": "1000", "cleanup.policy": "compact,delete"}),
            ("unknown", {"no.such.key": "1"}), ("not a number", {"retention.ms": "soon"}),
            ("out of range", {"segment.bytes": "1"}), ("bad choice", {"cleanup.policy": "burn"}),
            ("null value", {"retention.ms": None}), ("empty value", {"cleanup.policy": ""}),
            ("bool", {"preallocate": "maybe"}), ("double", {"min.cleanable.dirty.ratio": "2"}),
            ("codec", {"compression.type": "brotli"}), ("max bytes", {"max.message.bytes": "-1"}),
            ("blank around", {"retention.ms": " 1000 "}),
            ("two wrong", {"retention.ms": "x", "segment.ms": "y"})):
        rows = [{"Name": key, "Value": value} for key, value in configs.items()]
        name = f"configs-{label.replace(' ', '-')}"
        t.note(label, "CreateTopics", 7, Topics=[topic(name, Configs=rows)], timeoutMs=10000)
        t.note(f"{label}, v1", "CreateTopics", 1, Topics=[topic(name + "-1", Configs=rows)],
               timeoutMs=10000)


@case
def delete_topics(t: Target) -> None:
    def gone(name: str) -> bool:
        answer = t.client.ask("Metadata", 4, Topics=[{"Name": name}], AllowAutoTopicCreation=False)
        return answer["Topics"][0]["ErrorCode"] == 3
    for version in range(7):
        names = [f"delete-{version}-a", f"delete-{version}-b"]
        for name in (*names, f"delete-{version}-alone"):
            t.client.create_topic(name, 2)
        alone = f"delete-{version}-alone"
        t.note(f"v{version} alone", "DeleteTopics", version, TimeoutMs=10000,
               **({"Topics": [{"Name": alone}]} if version == 6 else {"TopicNames": [alone]}))
        asked = [*names, "delete-unknown", "a/b"]
        how = ({"Topics": [{"Name": name} for name in asked]} if version == 6
               else {"TopicNames": asked})
        t.note(f"v{version}", "DeleteTopics", version, TimeoutMs=10000, **how)
        for name in names:
            wait_until(lambda name=name: gone(name), f"{name} gone")
        t.note(f"v{version} again", "DeleteTopics", version, TimeoutMs=10000, **how)
        for name in names[:1]:
            t.client.create_topic(name, 1)
            t.note(f"v{version} made anew", "Metadata", 9, Topics=[{"Name": name}],
                   AllowAutoTopicCreation=False)
        t.note(f"v{version} none", "DeleteTopics", version, TimeoutMs=10000,
               **({"Topics": []} if version == 6 else {"TopicNames": []}))
    for name in ("delete-id", "delete-both", "delete-twice"):
        t.client.create_topic(name, 1)
    known, unknown = t.topic_id("delete-id"), uuid.UUID(int=78).bytes
    t.note("neither", "DeleteTopics", 6, TimeoutMs=10000, Topics=[{"Name": None}])
    t.note("both", "DeleteTopics", 6, TimeoutMs=10000,
           Topics=[{"Name": "delete-both", "TopicId": t.topic_id("delete-both")}])
    t.note("by id", "DeleteTopics", 6, TimeoutMs=10000,
           Topics=[{"Name": None, "TopicId": known}, {"Name": None, "TopicId": unknown}])
    t.note("twice in one", "DeleteTopics", 5, TimeoutMs=10000,
           TopicNames=["delete-twice", "delete-twice"])
    t.note("name and id of the same", "DeleteTopics", 6, TimeoutMs=10000, Topics=[
        {"Name": "delete-both"}, {"Name": None, "TopicId": t.topic_id("delete-both")}])


TOPIC, BROKER, BROKER_LOGGER = 2, 4, 8


@case
def describe_topic_configs(t: Target) -> None:
    t.client.create_topic("described", 1, {"retention.ms": "5000", "compression.type": "lz4"})
    for version in range(5):
        t.note(f"v{version} all", "DescribeConfigs", version, Resources=[
            {"ResourceType": TOPIC, "ResourceName": "described", "ConfigurationKeys": None}])
        t.note(f"v{version} synonyms", "DescribeConfigs", version, Resources=[
            {"ResourceType": TOPIC, "ResourceName": "described",
             "ConfigurationKeys": ["retention.ms", "segment.bytes", "no.such.key"]}],
            **({"IncludeSynonyms": True} if version else {}))
        t.note(f"v{version} unknown topic", "DescribeConfigs", version, Resources=[
            {"ResourceType": TOPIC, "ResourceName": "no-such-topic", "ConfigurationKeys": None}])
        t.note(f"v{version} no keys", "DescribeConfigs", version, Resources=[
            {"ResourceType": TOPIC, "ResourceName": "described", "ConfigurationKeys": []}])
    t.note("documentation", "DescribeConfigs", 4,
           hide={"Documentation": "the sentences are Kafka's own, ours are ours"},
           IncludeDocumentation=True, Resources=[
               {"ResourceType": TOPIC, "ResourceName": "described", "ConfigurationKeys": None}])
    for label, kind, name in (
            ("unknown topic", TOPIC, "no-such-topic"), ("bad topic", TOPIC, "a/b"),
            ("empty topic", TOPIC, ""), ("unknown type", 77, "x"), ("type 0", 0, "x"),
            ("group", 32, "x"), ("another broker", BROKER, "5"), ("no broker's number", BROKER, "x"),
            ("cluster default", BROKER, ""), ("another broker's loggers", BROKER_LOGGER, "5")):
        t.note(label, "DescribeConfigs", 4, Resources=[
            {"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": None}])
    t.note("several", "DescribeConfigs", 1, Resources=[
        {"ResourceType": TOPIC, "ResourceName": "described", "ConfigurationKeys": ["retention.ms"]},
        {"ResourceType": TOPIC, "ResourceName": "no-such-topic", "ConfigurationKeys": None}])


@case
def describe_broker_configs(t: Target) -> None:
    """The whole list of keys; the values of those that this test did not set for itself."""
    for version in range(5):
        t.note(f"v{version} some", "DescribeConfigs", version, Resources=[
            {"ResourceType": BROKER, "ResourceName": "0", "ConfigurationKeys": [
                "broker.id", "log.retention.ms", "log.retention.hours", "num.partitions",
                "auto.create.topics.enable", "message.max.bytes", "ssl.keystore.password",
                "compression.type", "background.threads", "log.cleaner.threads"]}],
            **({"IncludeSynonyms": True} if version else {}))
    answer = t.client.ask("DescribeConfigs", 4, Resources=[
        {"ResourceType": BROKER, "ResourceName": "0", "ConfigurationKeys": None}])
    own = ("listeners", "log.dirs", "advertised.listeners", "zookeeper.connect")
    rows = [row for row in answer["Results"][0]["Configs"]
            if row["Name"] not in own and not row["Name"].startswith("x.")]  # x.: ours alone
    for row in sorted(rows, key=lambda row: row["Name"]):
        t.keep(row["Name"], "DescribeConfigs v4 of broker 0", row)
