"""AlterConfigs and IncrementalAlterConfigs, and what DescribeConfigs shows afterwards."""

from typing import List, Optional, Tuple

from lib import messages
from lib.process import wait_until
from lib.wire import Record, encode_batch
from target import Target, case

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
TOO_LARGE = 10
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3
Config = Tuple[str, Optional[str]]
Change = Tuple[str, int, Optional[str]]


def shown(t: Target, label: str, kind: int, name: str, *keys: str) -> None:
    t.note(f"{label}: shown", "DescribeConfigs", 4, IncludeSynonyms=True, Resources=[
        {"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": list(keys) or None}])


def settled(t: Target, name: str, **values: Optional[str]) -> None:
    """Kafka's brokers hear of a change of their own settings a moment after it was answered."""
    wanted = {key.replace("_", "."): value for key, value in values.items()}

    def holds() -> bool:
        answer = t.client.ask("DescribeConfigs", 4, Resources=[
            {"ResourceType": BROKER, "ResourceName": name, "ConfigurationKeys": list(wanted)}])
        found = {row["Name"]: row["Value"] for row in answer["Results"][0]["Configs"]}
        return all(found.get(key) == value for key, value in wanted.items())
    wait_until(holds, f"broker {name!r} has {wanted}")


def resource(kind: int, name: str, configs: List[Config]) -> dict:
    return {"ResourceType": kind, "ResourceName": name,
            "Configs": [{"Name": key, "Value": value} for key, value in configs]}


def changes(kind: int, name: str, configs: List[Change]) -> dict:
    return {"ResourceType": kind, "ResourceName": name,
            "Configs": [{"Name": key, "ConfigOperation": operation, "Value": value}
                        for key, operation, value in configs]}


@case
def alter_topic_configs(t: Target) -> None:
    for version in range(3):
        name = f"altered-{version}"
        t.client.create_topic(name, 1, {"retention.ms": "5000"})

        def alter(label: str, *resources: dict, **more: object) -> None:
            t.note(f"v{version} {label}", "AlterConfigs", version, Resources=list(resources), **more)

        def one(label: str, *configs: Config, **more: object) -> None:
            alter(label, resource(TOPIC, name, list(configs)), **more)
        one("replaces", ("segment.ms", "7000"), ("cleanup.policy", "compact,delete"))
        shown(t, f"v{version} replaced", TOPIC, name, "retention.ms", "segment.ms", "cleanup.policy")
        one("validates only", ("segment.ms", "8000"), ValidateOnly=True)
        one("validates what is wrong", ("segment.ms", "x"), ValidateOnly=True)
        one("unknown key", ("no.such", "1"))
        one("no number", ("retention.ms", "x"))
        one("out of range", ("segment.bytes", "1"))
        one("no choice", ("compression.type", "brotli"))
        one("null", ("retention.ms", None), ("segment.ms", None))
        one("a key twice", ("retention.ms", "1"), ("retention.ms", "2"))
        one("lags that cross", ("min.compaction.lag.ms", "9"), ("max.compaction.lag.ms", "3"))
        shown(t, f"v{version} unchanged", TOPIC, name, "retention.ms", "segment.ms", "cleanup.policy")
        one("empties")
        shown(t, f"v{version} emptied", TOPIC, name, "retention.ms", "segment.ms")
        alter("nothing")
        alter("unknown topic", resource(TOPIC, "no-such-topic", [("retention.ms", "1")]))
        alter("bad topic", resource(TOPIC, "a/b", [("retention.ms", "1")]))
        alter("no name", resource(TOPIC, "", [("retention.ms", "1")]))
        alter("good and bad", resource(TOPIC, name, [("retention.ms", "9000")]),
              resource(TOPIC, "no-such-topic", [("retention.ms", "1")]))
        if version == 2:
            twice = [resource(TOPIC, name, [("retention.ms", value)]) for value in ("1", "2")]
            t.note_frame("a topic twice", messages.encode_request(
                "AlterConfigs", version, {"Resources": twice}, 1, "test"), api="AlterConfigs",
                version=version, patience_s=1.0)
        for label, kind, entity in (("type 0", 0, "x"), ("type 77", 77, "x"), ("a group", GROUP, "g"),
                                    ("metrics", METRICS, "m"), ("loggers", LOGGER, "0")):
            alter(label, resource(kind, entity, [("retention.ms", "1")]))


@case
def alter_topic_configs_by_key(t: Target) -> None:
    for version in range(2):
        name = f"edited-{version}"
        t.client.create_topic(name, 1, {"retention.ms": "5000"})

        def alter(label: str, *resources: dict, **more: object) -> None:
            t.note(f"v{version} {label}", "IncrementalAlterConfigs", version,
                   Resources=list(resources), **more)

        def one(label: str, *configs: Change, **more: object) -> None:
            alter(label, changes(TOPIC, name, list(configs)), **more)

        def policy(label: str, operation: int, value: Optional[str]) -> None:
            one(label, ("cleanup.policy", operation, value))
            shown(t, f"v{version} {label}", TOPIC, name, "cleanup.policy", "retention.ms")
        one("set", ("segment.ms", SET, "7000"))
        policy("append to the default", APPEND, "compact")
        policy("append what is there", APPEND, "compact,delete")
        policy("subtract", SUBTRACT, "delete")
        policy("subtract what is not there", SUBTRACT, "delete")
        policy("subtract all", SUBTRACT, "compact")
        policy("append to nothing", APPEND, "delete")
        policy("append what is wrong", APPEND, "burn")
        policy("append null", APPEND, None)
        policy("delete", DELETE, None)
        policy("delete again", DELETE, "")
        one("replicas", ("leader.replication.throttled.replicas", APPEND, "0:0"))
        shown(t, f"v{version} replicas", TOPIC, name, "leader.replication.throttled.replicas")
        one("append to what is no list", ("retention.ms", APPEND, "1"))
        one("subtract from what is no list", ("retention.ms", SUBTRACT, "1"))
        one("append to an unknown key", ("no.such", APPEND, "1"))
        one("an unknown operation", ("retention.ms", 9, "1"))
        one("set null", ("retention.ms", SET, None))
        one("set what is wrong", ("retention.ms", SET, "x"))
        one("set an unknown key", ("no.such", SET, "1"))
        one("delete an unknown key", ("no.such", DELETE, None))
        one("a key twice", ("retention.ms", SET, "1"), ("retention.ms", DELETE, None))
        one("validates only", ("retention.ms", SET, "77"), ValidateOnly=True)
        shown(t, f"v{version} unchanged", TOPIC, name, "retention.ms", "segment.ms")
        one("no keys")
        alter("nothing")
        alter("unknown topic", changes(TOPIC, "no-such-topic", [("retention.ms", SET, "1")]))
        alter("unknown topic, bad append",
              changes(TOPIC, "no-such-topic", [("retention.ms", APPEND, "1")]))
        alter("a topic twice", changes(TOPIC, name, [("retention.ms", SET, "1")]),
              changes(TOPIC, name, [("retention.ms", SET, "2")]))
        for label, kind, entity in (("type 0", 0, "x"), ("type 77", 77, "x"), ("a group", GROUP, "g"),
                                    ("metrics", METRICS, "m"), ("another's loggers", LOGGER, "5"),
                                    ("nobody's loggers", LOGGER, "x")):
            alter(label, changes(kind, entity, [("retention.ms", SET, "1")]))


@case
def alter_broker_configs(t: Target) -> None:
    """Every resource is left as it was found."""
    keys = ("log.retention.bytes", "message.max.bytes")
    t.client.create_topic("of-the-broker", 1)
    for version in range(3):
        def alter(label: str, name: str, *configs: Config, **more: object) -> None:
            t.note(f"v{version} {label}", "AlterConfigs", version,
                   Resources=[resource(BROKER, name, list(configs))], **more)
        alter("its own", "0", ("log.retention.bytes", "7000000"))
        alter("of all", "", ("log.retention.bytes", "8000000"), ("message.max.bytes", "900000"))
        settled(t, "0", log_retention_bytes="7000000", message_max_bytes="900000")
        shown(t, f"v{version} its own", BROKER, "0", *keys)
        shown(t, f"v{version} of all", BROKER, "")
        shown(t, f"v{version} of a topic", TOPIC, "of-the-broker", "retention.bytes", "max.message.bytes")
        alter("validates only", "0", ("log.retention.bytes", "5"), ValidateOnly=True)
        alter("read-only", "0", ("broker.id", "2"))
        alter("two that are read-only", "0", ("num.partitions", "2"),
              ("auto.create.topics.enable", "false"))
        alter("read-only, of all", "", ("broker.id", "2"))
        alter("for one broker alone", "", ("listeners", "PLAINTEXT://:9"))
        alter("for one listener alone", "0", ("ssl.keystore.type", "PEM"))
        alter("no number", "0", ("log.retention.bytes", "x"))
        alter("out of range", "0", ("log.segment.bytes", "1"))
        alter("unknown key", "0", ("no.such.key", "1"))
        wait_until(lambda: t.client.ask("DescribeConfigs", 4, Resources=[
            {"ResourceType": BROKER, "ResourceName": "0", "ConfigurationKeys": ["no.such.key"]}])[
                "Results"][0]["Configs"], "the unknown key is shown")
        shown(t, f"v{version} unknown key", BROKER, "0", "no.such.key")
        alter("another broker", "5", ("log.retention.bytes", "1"))
        alter("no broker's number", "x", ("log.retention.bytes", "1"))
        alter("empties its own", "0")
        alter("empties that of all", "")
        settled(t, "0", log_retention_bytes="-1", message_max_bytes="1048588", no_such_key=None)
        shown(t, f"v{version} emptied", BROKER, "0", *keys)


@case
def alter_broker_configs_by_key(t: Target) -> None:
    """Every resource is left as it was found."""
    for version in range(2):
        def alter(label: str, name: str, *configs: Change, **more: object) -> None:
            t.note(f"v{version} {label}", "IncrementalAlterConfigs", version,
                   Resources=[changes(BROKER, name, list(configs))], **more)
        alter("set", "0", ("log.retention.bytes", SET, "7000000"))
        alter("append", "", ("log.cleanup.policy", APPEND, "compact"))
        settled(t, "0", log_retention_bytes="7000000", log_cleanup_policy="delete,compact")
        shown(t, f"v{version} set", BROKER, "0", "log.retention.bytes", "log.cleanup.policy")
        alter("read-only", "0", ("broker.id", SET, "2"))
        alter("delete what is read-only", "0", ("broker.id", DELETE, None))
        alter("for one broker alone", "", ("listeners", SET, "PLAINTEXT://:9"))
        alter("append to what is no list", "0", ("log.retention.bytes", APPEND, "1"))
        alter("no number", "0", ("log.retention.bytes", SET, "x"))
        alter("another broker", "5", ("log.retention.bytes", SET, "1"))
        alter("delete", "0", ("log.retention.bytes", DELETE, None))
        alter("subtract", "", ("log.cleanup.policy", SUBTRACT, "compact"))
        settled(t, "", log_cleanup_policy="delete")
        shown(t, f"v{version} subtracted", BROKER, "", "log.cleanup.policy")
        alter("delete that of all", "", ("log.cleanup.policy", DELETE, None))
        settled(t, "", log_cleanup_policy=None)
        settled(t, "0", log_retention_bytes="-1")
        shown(t, f"v{version} deleted", BROKER, "0", "log.retention.bytes", "log.cleanup.policy")


@case
def configs_in_effect(t: Target) -> None:
    """The log takes up what was changed while it is open."""
    t.client.create_topic("live", 1)
    t.client.create_topic("live-default", 1)
    batch = encode_batch([Record(b"k", b"v" * 2000)])

    def produce(label: str, topic: str, error: int = 0, stamped: bool = False) -> None:
        """Kafka's brokers hear of a change a moment after it was answered."""
        def as_wanted() -> bool:
            answer = t.client.produce(topic, 0, batch)
            return answer["ErrorCode"] == error and (answer["LogAppendTimeMs"] > 0) == stamped
        wait_until(as_wanted, label)
        t.keep(label, "", [error, stamped])

    def change(*rows: dict) -> None:
        answer = t.client.ask("IncrementalAlterConfigs", 1, Resources=list(rows))
        t.keep(f"changed {rows}", "", [row["ErrorCode"] for row in answer["Responses"]])
    produce("before", "live")
    change(changes(TOPIC, "live", [("max.message.bytes", SET, "1000")]))
    produce("too large now", "live", TOO_LARGE)
    change(changes(TOPIC, "live", [("max.message.bytes", DELETE, None),
                                   ("message.timestamp.type", SET, "LogAppendTime")]))
    produce("stamped now", "live", stamped=True)
    change(changes(BROKER, "", [("message.max.bytes", SET, "1000")]))
    produce("too large for every topic", "live-default", TOO_LARGE)
    change(changes(BROKER, "0", [("message.max.bytes", SET, "5000")]))
    produce("but not for this broker", "live-default")
    change(changes(BROKER, "0", [("message.max.bytes", DELETE, None)]))
    produce("too large again", "live-default", TOO_LARGE)
    change(changes(BROKER, "", [("message.max.bytes", DELETE, None)]))
    produce("as at the start", "live-default")
    for topic in ("live", "live-default"):  # how many records it took is each broker's own
        t.delete_topic(topic)


@case
def cleaner_configs(t: Target) -> None:
    """What may be said of the cleaner while it runs."""
    def alter(label: str, *configs: Change) -> None:
        t.note(label, "IncrementalAlterConfigs", 1, Resources=[changes(BROKER, "", list(configs))])

    for label, key, value in (
            ("threads", "log.cleaner.threads", "2"), ("backoff", "log.cleaner.backoff.ms", "20000"),
            ("buffer", "log.cleaner.dedupe.buffer.size", "10000000"),
            ("rate", "log.cleaner.io.max.bytes.per.second", "1000000.0"),
            ("load factor", "log.cleaner.io.buffer.load.factor", "0.5"),
            ("io buffer", "log.cleaner.io.buffer.size", "100000")):
        alter(label, (key, SET, value))
        settled(t, "0", **{key.replace(".", "_"): value})
    for wrong in ("-1", "9", "x"):  # "0" is a division by zero in Kafka
        alter(f"{wrong} threads", ("log.cleaner.threads", SET, wrong))
    alter("enable", ("log.cleaner.enable", SET, "false"))
    shown(t, "cleaner", BROKER, "0", "log.cleaner.threads", "log.cleaner.backoff.ms",
          "log.cleaner.io.max.bytes.per.second", "log.cleaner.io.buffer.load.factor")
    alter("back", *((key, DELETE, None) for key in (
        "log.cleaner.backoff.ms", "log.cleaner.dedupe.buffer.size", "log.cleaner.io.buffer.size",
        "log.cleaner.io.max.bytes.per.second", "log.cleaner.io.buffer.load.factor")))
