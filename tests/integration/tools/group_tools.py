"""kafka-consumer-groups beside Kafka 3.9.1's, on the same broker: what it tells of groups with and
without members, and what it changes. What changes anything is done to a group of each side: % stands
for its name, and for that of its topic.

Kafka's tool forgets the line ends of its tables; ours are right, so only words are compared.
"""

import contextlib
import pathlib
import re
import subprocess
from typing import Callable, Dict, Iterator, List

from lib import paths
from lib.client import Client
from lib.process import wait_until
from lib.wire import Record
from formatter_tools import GROUPS, compare_formatters
from tools import Answer, Java, create, expect, native

READING = [
    "--list", "--list --state", "--list --type", "--list --state --type", "--list --state Stable",
    "--list --state stable,empty", "--list --type classic", "--list --type Consumer", "--list --state foo",
    "--list --type foo", "--list --type share", "--list --state Unknown", "--list --state Empty --type foo",
    "--describe --group busy", "--describe --group busy --offsets", "--describe --group busy --members",
    "--describe --group busy --members --verbose", "--describe --group busy --state",
    "--describe --group busy --state --verbose", "--describe --group idle", "--describe --group idle --members",
    "--describe --group idle --state", "--describe --group nosuch", "--describe --group nosuch --members",
    "--describe --group nosuch --state", "--describe --group busy --group idle", "--describe --all-groups",
    "--describe --all-groups --state", "--describe --all-groups --members --verbose", "--describe --group half",
    "--describe", "--describe --group busy --members --offsets", "--describe --group busy --state foo",
    "--describe --group busy --topic t", "--list --group busy", "--list --topic t", "--list --members",
    "--list --verbose", "--delete --type", "--reset-offsets --state --group busy", "--list --describe --group g",
    "--group busy", "--qwertz", "--delete", "--delete --group busy",
    "--delete --group nosuch", "--delete --group busy --topic t", "--delete-offsets --group busy",
    "--delete-offsets --topic t", "--delete-offsets --group busy --topic shared",
    "--delete-offsets --group busy --topic shared:0,9", "--delete-offsets --group nosuch --topic shared",
    "--delete-offsets --group idle --topic nosuch", "--delete-offsets --group idle --topic shared:x",
    "--reset-offsets", "--reset-offsets --group busy --to-earliest --topic shared --dry-run",
    "--reset-offsets --group idle --to-earliest --dry-run", "--reset-offsets --group idle --topic shared --dry-run",
    "--reset-offsets --group idle --topic shared --dry-run --execute --to-latest",
    "--reset-offsets --group idle --group busy --to-latest --all-topics --dry-run",
    "--reset-offsets --all-groups --to-latest --all-topics --dry-run",
    "--reset-offsets --group idle --to-latest --to-earliest --topic shared --dry-run",
    "--reset-offsets --group idle --to-offset 3 --shift-by 2 --topic shared --dry-run",
    "--reset-offsets --group idle --from-file x --to-current --dry-run",
    "--reset-offsets --group idle --all-groups --to-current --dry-run --topic shared",
    "--reset-offsets --group idle --to-latest --topic nosuch --dry-run",
    "--reset-offsets --group idle --to-datetime 2020 --topic shared --dry-run",
    "--reset-offsets --group idle --to-datetime 2020-13-01T00:00:00.000 --topic shared --dry-run",
    "--reset-offsets --group idle --to-datetime 2020-01-01T00:00:00 --topic shared --dry-run",
    "--reset-offsets --group idle --by-duration 5 --topic shared --dry-run",
    "--reset-offsets --group idle --from-file FOLDER/nosuch.csv --dry-run",
    "--reset-offsets --group half --shift-by 1 --topic shared --dry-run",
    "--reset-offsets --group idle --topic shared:0:1 --to-latest --dry-run",
    "--reset-offsets --group idle --topic shared: --to-latest --dry-run",
    "--reset-offsets --group idle --topic shared:1,a --to-latest --dry-run",
]

CHANGING = [
    "--to-earliest --topic shared --execute", "--to-latest --topic shared:0,2 --execute",
    "--to-offset 3 --topic shared --execute", "--to-offset 99 --topic shared --execute",
    "--to-offset -5 --topic shared:1 --execute", "--to-latest --topic shared", "--to-current --topic shared --execute",
    "--shift-by 1 --topic shared --execute", "--shift-by -2 --all-topics --execute", "--shift-by 99 --topic shared:1 --execute",
    "--to-datetime 2020-01-01T00:00:00.000 --topic shared --execute",
    "--to-datetime 2099-01-01T00:00:00.000+01:00 --topic shared --execute",
    "--to-datetime 2020-01-01T00:00:00.000-08 --all-topics --execute", "--by-duration P100D --topic shared --execute",
    "--by-duration -P100D --topic shared --dry-run",
    "--by-duration PT0S --topic shared --execute", "--to-earliest --topic shared --topic other:0 --execute",
    "--to-earliest --topic shared --dry-run --export", "--to-current --all-topics --export --execute",
    "--from-file FOLDER/one.csv --execute", "--from-file FOLDER/many.csv --dry-run",
    "--to-current --topic a-topic-with-a-very-long-name --export --dry-run",
]


def words_of(out: bytes) -> List[bytes]:
    out = out.replace(b"NEW-OFFSET", b"NEW-OFFSET ").replace(b"STATUS", b"STATUS ")
    return re.sub(rb"\.(shared|other) ", rb". \1 ", out).split()


def lines_without_time(out: bytes) -> bytes:
    """Without the lines of Java's logger and stack traces."""
    return b"\n".join(line for line in out.split(b"\n") if not re.match(rb"\[\d{4}-|\tat |Caused by|\t\.\.\.", line))


@contextlib.contextmanager
def members(bootstrap: str, group: str, topic: str, count: int) -> Iterator[None]:
    """So many consumers of librdkafka in a group, once it is stable."""
    children: List[subprocess.Popen] = []
    try:
        for index in range(count):
            instance = [] if index else ["--consumer-property", "group.instance.id=first"]
            children.append(subprocess.Popen(
                [str(paths.barnabas()), "console-consumer", "--bootstrap-server", bootstrap, "--topic", topic,
                 "--group", group, *instance], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

        def settled() -> bool:
            done = native("consumer-groups", "--bootstrap-server", bootstrap, "--describe", "--group", group,
                          "--state")
            row = done.out.split(b"\n")[-2].split()
            return row[-2:] == [b"Stable", str(count).encode()]
        wait_until(settled, f"{count} members of {group} share the load", 60.0)
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def committed(bootstrap: str, group: str) -> Dict[str, int]:
    host, port = bootstrap.split(":")
    with Client((host, int(port))) as client:
        answer = client.ask("OffsetFetch", 5, GroupId=group, Topics=None)
    return {f"{topic['Name']}-{part['PartitionIndex']}": part["CommittedOffset"]
            for topic in answer["Topics"] for part in topic["Partitions"]}


def commit(bootstrap: str, group: str, topic: str, offsets: Dict[int, int]) -> None:
    host, port = bootstrap.split(":")
    with Client((host, int(port))) as client:
        def done() -> bool:
            answer = client.ask("OffsetCommit", 5, GroupId=group, GenerationIdOrMemberEpoch=-1, MemberId="", Topics=[
                {"Name": topic, "Partitions": [{"PartitionIndex": index, "CommittedOffset": offset,
                                                "CommittedMetadata": ""} for index, offset in offsets.items()]}])
            return all(part["ErrorCode"] == 0 for part in answer["Topics"][0]["Partitions"])
        native("consumer-groups", "--bootstrap-server", bootstrap, "--describe", "--group", group)
        wait_until(done, f"offsets of {group} are committed", 30.0)


def compare_line(java: Java, bootstrap: str, line: str, folder: pathlib.Path,
                 sentence: Callable[[Answer], bytes]) -> None:
    answers = []
    for name, run in (("java-g", java.run), ("native-g", native)):
        words = line.replace("%", name).replace("FOLDER", str(folder)).split(" ")
        answer = run("consumer-groups", "--bootstrap-server", bootstrap, *words)
        own = name.encode() if "%" in line else b"%"
        out = words_of(lines_without_time(answer.out).replace(own, b"%"))
        notes = [text.replace(own, b"%") for text in answer.err.split(b"\n")
                 if text.startswith((b"Consumer group", b"Warning", b"WARN"))]
        if answer.code:  # the sentence alone
            rest = b"\n".join(text for text in answer.err.split(b"\n") if not text.startswith(b"WARN"))
            answers.append((answer.code, sentence(answer._replace(err=rest))))
        else:
            answers.append((answer.code, out, notes))
    expect(f"consumer-groups {line}", answers[0], answers[1])


def compare_group_tools(java: Java, bootstrap: str, folder: pathlib.Path,
                        sentence: Callable[[Answer], bytes]) -> None:
    create(bootstrap, "shared", "other", "a-topic-with-a-very-long-name", words=["--partitions", "3"])
    host, port = bootstrap.split(":")
    with Client((host, int(port))) as client:
        for partition in range(3):
            client.produce_records("shared", partition, [Record(b"k", b"v")] * (4 + partition))
    for group in ("idle", "java-g", "native-g"):
        commit(bootstrap, group, "shared", {0: 1, 1: 2, 2: 3})
    commit(bootstrap, "half", "shared", {1: 0})
    (folder / "one.csv").write_text("shared,0,2\nshared,1,99\n\"shared\",2,1\n")
    (folder / "many.csv").write_text("nobody,shared,0,2\n")
    with members(bootstrap, "busy", "shared", 2):
        for line in READING:
            compare_line(java, bootstrap, line, folder, sentence)
        compare_formatters(java, bootstrap, "__consumer_offsets", ["busy", "idle"], GROUPS)
    for line in CHANGING:
        compare_line(java, bootstrap, f"--reset-offsets --group % {line}", folder, sentence)
        expect(f"offsets after {line}", committed(bootstrap, "java-g"), committed(bootstrap, "native-g"))
    for line in ("--delete-offsets --group % --topic shared:1", "--delete-offsets --group % --topic shared --topic other:0",
                 "--describe --group %", "--delete --group % --group nosuch", "--delete --group %"):
        compare_line(java, bootstrap, line, folder, sentence)
        expect(f"offsets after {line}", committed(bootstrap, "java-g"), committed(bootstrap, "native-g"))
    print(f"kafka-consumer-groups: {len(READING) + len(CHANGING) + 5} command lines answered alike", flush=True)
