"""Our tools beside Kafka 3.9.1's own, on the same Kafka broker: output, exit codes, errors, and what
lies in the topics afterwards.

Where Kafka prints its usage or a stack trace, our tools print the sentence alone: the first line that
is neither is compared.
"""

import pathlib
import re
import sys
from typing import Dict, List, Tuple

from lib import brokers, paths
from lib.client import Client
from admin_tools import compare_admin_tools
from tools import Answer, Java, create, expect, native

# Nothing here changes what the next line meets.
TOPICS = [
    "--list",
    "-list",
    "--list --exclude-internal",
    "--list --topic qu.*",
    "--list --topic nosuch",
    "--list --topic plain,my.dotted",
    "--list --topic (",
    "--list --list",
    "--describe",
    "--describe --topic plain",
    "--describe --topic settings",
    "--describe --topic p.*|settings",
    "--describe --topic nosuch",
    "--describe --topic nosuch --if-exists",
    "--describe --topics-with-overrides",
    "--describe --under-replicated-partitions",
    "--describe --unavailable-partitions",
    "--describe --under-min-isr-partitions",
    "--describe --at-min-isr-partitions --topic plain",
    "--describe --topic-id AAAAAAAAAAAAAAAAAAAAAQ",
    "--describe --topic-id zzz",
    "--describe --topic-id zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    "--describe --topic plain --topic-id AAAAAAAAAAAAAAAAAAAAAA --if-exists",
    "--describe --if-exists",
    "--describe --under-replicated-partitions --topics-with-overrides",
    "--create --topic plain",
    "--create --topic plain --if-not-exists",
    "--create --topic my_dotted",
    "--create --topic ..",
    "--create --topic new --replication-factor 4",
    "--create --topic new --replication-factor 0",
    "--create --topic new --replication-factor 40000",
    "--create --topic new --partitions 0",
    "--create --topic new --partitions x",
    "--create --topic new --topic newer",
    "--create --topic new --config foo",
    "--create --topic new --config foo=1",
    "--create --topic new --config retention.ms=abc",
    "--create --topic new_er --config retention.ms=-5",
    "--create --topic new --config cleanup.policy=foo",
    "--create --topic new --config min.insync.replicas=0",
    "--create --topic new --config compression.type=foo",
    "--create --topic new --replica-assignment 1:1",
    "--create --topic new --replica-assignment 0,0:2",
    "--create --topic new --replica-assignment a",
    "--create --topic new --replica-assignment 0 --partitions 2",
    "--create --topic new --if-exists",
    "--create",
    "--delete",
    "--delete --topic nosuch",
    "--delete --topic nosuch --if-exists",
    "--alter --topic plain",
    "--alter --topic plain --partitions 2",
    "--alter --topic plain --partitions 3",
    "--alter --topic nosuch --partitions 3",
    "--alter --topic nosuch --partitions 3 --if-exists",
    "--alter --topic plain --partitions 5 --config a=b",
    "--alter --topic plain --partitions 5 --delete-config a",
    "--list --if-not-exists",
    "--list --create --topic x",
    "--list --config a=b",
    "--list --topic",
    "--list --qwertz",
    "--topic plain",
]

CONSUMER = [
    "--topic mixed --from-beginning --max-messages 5 --property print.key=true",
    "--topic mixed --from-beginning --max-messages 5 --property print.key=true"
    " --property print.headers=true --property print.timestamp=true --property print.offset=true"
    " --property print.partition=true",
    "--topic mixed --partition 0 --offset 2 --max-messages 2 --property null.literal=NIL"
    " --property print.key=true --property key.separator=| --property print.headers=true"
    " --property headers.separator=;",
    "--topic mixed --partition 0 --offset earliest --max-messages 3 --property line.separator=##",
    "--topic mixed --partition 0 --from-beginning --max-messages 1 --property print.value=false"
    " --property print.offset=true",
    "--include mix.* --from-beginning --max-messages 5",
    "--whitelist mixed|nosuch --from-beginning --max-messages 5",
    "--topic eight --from-beginning --max-messages 1"
    " --value-deserializer org.apache.kafka.common.serialization.LongDeserializer",
    "--topic eight --from-beginning --max-messages 2"
    " --property value.deserializer=org.apache.kafka.common.serialization.DoubleDeserializer"
    " --skip-message-on-error",
    "--topic eight --from-beginning --max-messages 2"
    " --value-deserializer org.apache.kafka.common.serialization.IntegerDeserializer",
    "--topic mixed --from-beginning --max-messages 5"
    " --formatter org.apache.kafka.tools.consumer.NoOpMessageFormatter",
    "--topic mixed --partition 0 --timeout-ms 600",
    "--topic mixed --from-beginning --isolation-level read_committed --max-messages 5",
    "--topic mixed --offset 3",
    "--topic mixed --partition 0 --offset -3",
    "--topic mixed --partition 0 --offset 3 --from-beginning",
    "--topic mixed --include x",
    "--from-beginning",
    "--include x --partition 0",
    "--topic mixed --group g --partition 0",
    "--topic mixed --from-beginning --consumer-property auto.offset.reset=latest",
]

PRODUCER: List[Tuple[str, bytes]] = [
    ("", b"one\ntwo\r\nthree\rfour\n\nlast"),
    ("", b""),
    ("--property parse.key=true", b"k\tv\n\tempty key\nempty value\t\n"),
    ("--property parse.key=true --property key.separator=:", b"a:b\nbad\nc:d\n"),
    ("--property parse.key=true --property key.separator=: --property ignore.error=true",
     b"a:b\nbad\nc:d\n:\n"),
    ("--property parse.key=true --property parse.headers=true --property null.marker=NIL",
     b"h1:v1,h2:NIL,h3:\tk\tv\nNIL\tNIL\tNIL\na:1,,\tk\tv\n"),
    ("--property parse.headers=true --property headers.delimiter=| --property headers.separator=;"
     " --property headers.key.separator==", b"a=1;b=2|value\n"),
    ("--property parse.headers=true", b"h1\tv\n"),
    ("--property parse.headers=true --property headers.separator=:", b"x\n"),
    ("--compression-codec", b"packed\n" * 50),
    ("--compression-codec zstd --sync --timeout 1", b"a\nb\n"),
    ("--compression-codec foo", b"x\n"),
    ("--request-required-acks 0", b"fire\nforget\n"),
    ("--request-required-acks 5", b"x\n"),
    ("--batch-size x", b"x\n"),
    ("--producer-property linger.ms=1 --producer-property acks=1", b"quick\n"),
    ("--topic other", b"x\n"),
    ("", "grüße, 消息\n".encode()),
]


def sentence(answer: Answer) -> bytes:
    """The line that says what is wrong, without what Java and its logger put around it."""
    for line in answer.err.split(b"\n"):
        line = re.sub(rb"^Exception in thread \"main\" ", b"", line)
        line = re.sub(rb"^(joptsimple|org\.apache\.kafka|java)\.[\w.$]+(Exception|Error): ", b"", line)
        if line and not line.startswith(b"Processed"):
            return line.rstrip()
    return b""


def compare_topics(java: Java, bootstrap: str) -> None:
    for line in TOPICS:
        words = ["--bootstrap-server", bootstrap, *line.split(" ")]
        theirs, ours = java.run("topics", *words), native("topics", *words)
        expect(f"topics {line}: exit code", theirs.code, ours.code)
        expect(f"topics {line}: standard output", theirs.out, ours.out)
        if theirs.code != 0 and not theirs.out:
            expect(f"topics {line}: first line of standard error", sentence(theirs), sentence(ours))
    print(f"kafka-topics: {len(TOPICS)} command lines answered alike", flush=True)


def compare_consumers(java: Java, bootstrap: str) -> None:
    for line in CONSUMER:
        words = ["--bootstrap-server", bootstrap, *line.split(" ")]
        theirs, ours = java.run("console-consumer", *words), native("console-consumer", *words)
        expect(f"consumer {line}: exit code", theirs.code, ours.code)
        expect(f"consumer {line}: standard output", theirs.out, ours.out)
        counts = [re.findall(rb"Processed a total of \d+ messages", answer.err)
                  for answer in (theirs, ours)]
        expect(f"consumer {line}: what was processed", counts[0], counts[1])
        if theirs.code != 0 and not counts[0]:
            expect(f"consumer {line}: first line of standard error", sentence(theirs), sentence(ours))
    print(f"kafka-console-consumer: {len(CONSUMER)} command lines answered alike", flush=True)


def records_of(bootstrap: str, topic: str) -> bytes:
    host, port = bootstrap.split(":")
    with Client((host, int(port))) as client:
        count = client.offset_of(topic, 0, -1)
    if count == 0:
        return b""
    done = native("console-consumer", "--bootstrap-server", bootstrap, "--topic", topic,
                  "--partition", "0", "--from-beginning", "--max-messages", str(count),
                  "--timeout-ms", "30000",
                  *[part for column in ("key", "headers", "offset")
                    for part in ("--property", f"print.{column}=true")],
                  "--property", "null.literal=<null>")
    expect(f"exit code of reading {topic} ({done.err!r})", 0, done.code)
    return done.out


def compare_producers(java: Java, bootstrap: str) -> None:
    topics = [f"{name}-{index}" for index in range(len(PRODUCER)) for name in ("java", "native")]
    create(bootstrap, *topics)
    for index, (line, given) in enumerate(PRODUCER):
        answers = {}
        for name, run in (("java", java.run), ("native", native)):
            words = ["--bootstrap-server", bootstrap, "--topic", f"{name}-{index}", *line.split()]
            answers[name] = run("console-producer", *words, given=given)
        theirs, ours = answers["java"], answers["native"]
        expect(f"producer {line}: exit code ({ours.err!r})", theirs.code, ours.code)
        expect(f"producer {line}: standard output", theirs.out, ours.out)
        if theirs.code != 0:
            expect(f"producer {line}: first line of standard error", sentence(theirs), sentence(ours))
        expect(f"producer {line}: records", records_of(bootstrap, f"java-{index}"),
               records_of(bootstrap, f"native-{index}"))
    print(f"kafka-console-producer: {len(PRODUCER)} inputs came out alike", flush=True)


def partitions_by_key(bootstrap: str, topic: str, count: int) -> Dict[bytes, bytes]:
    done = native("console-consumer", "--bootstrap-server", bootstrap, "--topic", topic,
                  "--from-beginning", "--max-messages", str(count), "--timeout-ms", "20000",
                  "--property", "print.partition=true", "--property", "print.key=true",
                  "--property", "print.value=false")
    rows = [row.split(b"\t", 1) for row in done.out.split(b"\n")[:-1]]
    expect(f"records read from {topic} ({done.err!r})", count, len(rows))
    return {key: partition for partition, key in rows}


def compare_partitions(java: Java, bootstrap: str) -> None:
    golden = paths.ROOT / "tests" / "golden" / "murmur2" / "keys.txt"
    keys = [line.split(b"\t", 1)[1] for line in golden.read_bytes().split(b"\n")[:-1]]
    given = b"".join(key + b"\tv\n" for key in keys)
    found = {}
    for name, run in (("java", java.run), ("native", native)):
        create(bootstrap, f"keys-{name}", words=["--partitions", "7"])
        done = run("console-producer", "--bootstrap-server", bootstrap, "--topic", f"keys-{name}",
                   "--property", "parse.key=true", given=given)
        expect(f"exit code of producing keys ({done.err!r})", 0, done.code)
        found[name] = partitions_by_key(bootstrap, f"keys-{name}", len(keys))
    expect("keys", 10000, len(keys))
    expect("partitions in use", 7, len(set(found["java"].values())))
    expect("partition of each key", found["java"], found["native"])
    print(f"{len(keys)} keys went to the partitions that Java's producer picks", flush=True)


def main() -> None:
    with brokers.scratch() as folder, brokers.start("kafka", folder) as broker, \
            Java(pathlib.Path(folder)) as java:
        bootstrap = broker.bootstrap
        create(bootstrap, "plain", words=["--partitions", "3"])
        create(bootstrap, "my.dotted", "quick", "quicker", "mixed", "eight", "other")
        create(bootstrap, "settings", words=["--config", "retention.ms=1000", "--config",
                                             "cleanup.policy=compact,delete", "--config",
                                             "segment.bytes=1048576"])
        produced = native("console-producer", "--bootstrap-server", bootstrap, "--topic", "mixed",
                          "--property", "parse.key=true", "--property", "parse.headers=true",
                          "--property", "null.marker=-",
                          given=b"a:1,b:-\tk1\tv1\n-\t-\tv2\n-\tk3\t-\nx:y\t\t\n-\tk5\tv5\n")
        expect(f"exit code of producing ({produced.err!r})", 0, produced.code)
        native("console-producer", "--bootstrap-server", bootstrap, "--topic", "eight",
               given=b"?\xf8\x7f\x7f\x7f\x7f\x7f\x7f\nabcd\n")
        compare_topics(java, bootstrap)
        compare_consumers(java, bootstrap)
        compare_producers(java, bootstrap)
        compare_partitions(java, bootstrap)
        compare_admin_tools(java, bootstrap, pathlib.Path(folder), sentence)


if __name__ == "__main__":
    sys.exit(main())
