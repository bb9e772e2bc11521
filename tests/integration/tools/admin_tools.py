"""kafka-configs, kafka-get-offsets, kafka-delete-records, kafka-log-dirs and others beside Kafka 3.9.1's, on the
same broker. What changes anything is done to a topic of each side: % stands for its name."""

import json
import pathlib
import re
from typing import Any, Callable, List

from lib.client import Client
from lib.process import wait_until
from lib.wire import Record
from tools import Answer, Java, create, expect, native

CONFIGS = [
    "--describe --topic %",
    "--alter --entity-type topics --entity-name % --add-config retention.ms=1000,"
    "cleanup.policy=[compact,delete]",
    "--describe --entity-type topics --entity-name %",
    "--describe --topic % --all",
    "--describe --entity-type topics --entity-name % --entity-name plain",
    "--describe --topic nosuch",
    "--describe --entity-type topics --entity-default",
    "--alter --topic nosuch --add-config retention.ms=1000",
    "--alter --topic % --add-config foo=1000",
    "--alter --topic % --add-config retention.ms=abc",
    "--alter --topic % --add-config retention.ms",
    "--alter --topic % --add-config retention.ms=",
    "--alter --topic % --add-config a=[b,c",
    "--alter --topic % --delete-config retention.ms",
    "--alter --topic % --delete-config retention.ms",
    "--alter --topic % --delete-config foo",
    "--alter --topic % --add-config retention.ms=5 --delete-config cleanup.policy",
    "--alter --topic % --add-config-file FOLDER/added.properties",
    "--alter --topic % --add-config-file FOLDER/nosuch",
    "--describe --topic %",
    "--alter --topic % --delete-config retention.ms,segment.ms",
    "--describe --topic %",
    "--alter --topic %",
    "--alter --entity-type topics --add-config retention.ms=5",
    "--describe",
    "--describe --entity-type foo",
    "--entity-type topics",
    "--describe --alter --entity-type topics",
    "--describe --topic % --add-config a=b",
    "--describe --topic % --qwertz",
    "--describe --entity-type topics --topic %",
    "--describe --broker 0",
    "--alter --broker 0 --add-config log.retention.bytes=7000000",
    "--alter --broker 0 --delete-config log.retention.bytes",
    "--alter --entity-type brokers --entity-default --add-config log.retention.bytes=8000000",
    "--alter --broker-defaults --delete-config log.retention.bytes",
    "--alter --broker 0 --add-config broker.id=3",
    "--alter --broker x --add-config log.retention.bytes=3",
    "--describe --broker x",
    "--alter --entity-type brokers --add-config log.retention.bytes=3",
]

# What the first of the two takes away from the other, since both have one broker.
RESTORED = {
    "--alter --broker 0 --delete-config log.retention.bytes":
        "--alter --broker 0 --add-config log.retention.bytes=7000000",
    "--alter --broker-defaults --delete-config log.retention.bytes":
        "--alter --broker-defaults --add-config log.retention.bytes=8000000",
}

OFFSETS = [
    "--topic mixed", "--topic mixed --time -2", "--topic mixed --time earliest",
    "--topic mixed --time max-timestamp", "--topic mixed --time -4", "--topic mixed --time -5",
    "--topic mixed --time 1", "--topic mixed --time 99999999999999", "--topic mixed --time foo",
    "--topic plain --partitions 0,2", "--topic plain --partitions 0,7", "--topic plain --partitions 7",
    "--topic plain --partitions a", "--topic-partitions plain:0,mixed", "--topic-partitions plain:0-2",
    "--topic-partitions plain:1-", "--topic-partitions plain:-1", "--topic-partitions pl.*:",
    "--topic-partitions plain:0 --topic plain", "--topic nosuch", "--topic pl.*|mixed",
    "--topic plain --exclude-internal-topics", "--qwertz",
]

RECORDS: List[Any] = [
    {"partitions": [{"topic": "%", "partition": 0, "offset": 2},
                    {"topic": "%", "partition": 1, "offset": -1}], "version": 1},
    {"partitions": [{"topic": "%", "partition": 0, "offset": 99},
                    {"topic": "%", "partition": 2, "offset": 0}]},
    {"partitions": [{"topic": "%", "partition": 0, "offset": 2},
                    {"topic": "%", "partition": 0, "offset": 3}]},
    {"partitions": []}, {"partitions": [], "version": 2}, {"partitions": [], "version": "1"}, {},
    {"partitions": [{"topic": "%"}]}, {"partitions": [{"topic": "%", "partition": "0", "offset": 1}]},
]

ELECTIONS = [
    "--election-type preferred --topic plain --partition 1", "--election-type PREFERRED --all-topic-partitions",
    "--election-type unclean --topic plain --partition 1", "--election-type preferred --topic plain --partition 9",
    "--election-type preferred --path-to-json-file FOLDER/elect.json",
    "--election-type preferred --path-to-json-file FOLDER/twice.json", "--topic plain --partition 1",
    "--election-type preferred", "--election-type preferred --topic plain",
    "--election-type preferred --all-topic-partitions --partition 1",
    "--election-type preferred --all-topic-partitions --topic plain --partition 1", "--qwertz",
]

LOG_DIRS = ["--describe --topic-list mixed,plain", "--describe --topic-list plain --broker-list 0",
            "--describe --topic-list nosuch", "--describe --broker-list 0,7", "--describe --broker-list a",
            "--topic-list plain"]


def in_words(answer: Answer, name: str, sentence: Callable[[Answer], bytes]) -> tuple:
    """Exit code, standard output without the lines of Java's logger, and what is wrong.

    Partitions come in the order of a hash of the topic's name, which is not the same on both sides."""
    lines = [line for line in answer.out.split(b"\n") if not re.match(rb"\[\d{4}-", line)]
    rows = sorted(line for line in lines if line.startswith(b"partition: "))
    out = b"\n".join([line for line in lines if not line.startswith(b"partition: ")] + rows)
    wrong = sentence(answer) if answer.code != 0 else b""
    return tuple(part.replace(name.encode(), b"%") if isinstance(part, bytes) else part
                 for part in (answer.code, out, wrong))


def restore(bootstrap: str, words: List[str]) -> None:
    """Sets a broker's config, and waits until the broker tells of it, which Kafka's does a little later."""
    native("configs", "--bootstrap-server", bootstrap, *words)
    entity = words[1:words.index("--add-config")]
    wait_until(lambda: b"log.retention.bytes=" in native(
        "configs", "--bootstrap-server", bootstrap, "--describe", *entity).out, "the config is back")


def compare(java: Java, tool: str, line: str, bootstrap: str, folder: pathlib.Path,
            sentence: Callable[[Answer], bytes]) -> None:
    answers = []
    for name, run in (("java-admin", java.run), ("native-admin", native)):
        words = line.replace("%", name).replace("FOLDER", str(folder)).split(" ")
        if tool == "configs" and line in RESTORED:
            restore(bootstrap, RESTORED[line].split(" "))
        answers.append(in_words(run(tool, "--bootstrap-server", bootstrap, *words), name, sentence))
    expect(f"{tool} {line}", answers[0], answers[1])


def compare_admin_tools(java: Java, bootstrap: str, folder: pathlib.Path,
                        sentence: Callable[[Answer], bytes]) -> None:
    for name in ("java-admin", "native-admin"):
        create(bootstrap, name, words=["--partitions", "3"])
        host, port = bootstrap.split(":")
        with Client((host, int(port))) as client:
            for partition in range(2):
                client.produce_records(name, partition, [Record(b"value")] * 5)
    (folder / "added.properties").write_text("retention.ms=123\nsegment.ms=456\n")
    for line in OFFSETS:
        compare(java, "get-offsets", line, bootstrap, folder, sentence)
    for line in LOG_DIRS:
        compare(java, "log-dirs", line, bootstrap, folder, sentence)
    plain = [{"topic": "plain", "partition": 0}, {"topic": "plain", "partition": 2}]
    (folder / "elect.json").write_text(json.dumps({"partitions": plain}))
    (folder / "twice.json").write_text(json.dumps({"partitions": plain[:1] * 2}))
    for line in ELECTIONS:
        compare(java, "leader-election", line, bootstrap, folder, sentence)
    answers = [run("cluster", "cluster-id", "--bootstrap-server", bootstrap) for run in (java.run, native)]
    expect("cluster-id", (answers[0].code, answers[0].out), (answers[1].code, answers[1].out))
    answers = [run("broker-api-versions", "--bootstrap-server", bootstrap) for run in (java.run, native)]
    expect("broker-api-versions", (answers[0].code, answers[0].out), (answers[1].code, answers[1].out))
    for line in CONFIGS:
        compare(java, "configs", line, bootstrap, folder, sentence)
    for index, content in enumerate(RECORDS):
        for name in ("java-admin", "native-admin"):
            text = json.dumps(content).replace("%", name)
            (folder / f"offsets-{index}-{name}.json").write_text(text)
        compare(java, "delete-records", f"--offset-json-file FOLDER/offsets-{index}-%.json", bootstrap,
                folder, sentence)
    for line in ("--offset-json-file FOLDER/nosuch", "--qwertz"):
        compare(java, "delete-records", line, bootstrap, folder, sentence)
    count = len(OFFSETS) + len(LOG_DIRS) + len(CONFIGS) + len(RECORDS) + len(ELECTIONS) + 4
    print(f"the administrators' tools: {count} command lines answered alike",
          flush=True)
