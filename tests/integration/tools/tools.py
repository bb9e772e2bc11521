"""Our tools and Kafka's, run with the same words; what each printed and its exit code."""

import base64
import pathlib
import subprocess
from typing import List, NamedTuple, Optional, Sequence

from lib import brokers, paths

JAVA_CLASS = {
    "topics": "org.apache.kafka.tools.TopicCommand",
    "console-producer": "kafka.tools.ConsoleProducer",
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "configs": "kafka.admin.ConfigCommand",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "broker-api-versions": "kafka.admin.BrokerApiVersionsCommand",
    "cluster": "org.apache.kafka.tools.ClusterTool",
    "dump-log": "kafka.tools.DumpLogSegments",
    "transactions": "org.apache.kafka.tools.TransactionsCommand",
    "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "old-topics": "kafka.admin.TopicCommand",
}


class Answer(NamedTuple):
    code: int
    out: bytes
    err: bytes


def native(tool: str, *words: str, given: bytes = b"", timeout_s: float = 60.0,
           env: Optional[dict] = None) -> Answer:
    """Runs a tool of ours to its end."""
    done = subprocess.run([str(paths.barnabas()), tool, *words], input=given, timeout=timeout_s,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, env=env)
    return Answer(done.returncode, done.stdout, done.stderr)


class Java:
    """Kafka's tools in one JVM: those of 3.9.1, or of an older release by its class path."""

    def __init__(self, folder: pathlib.Path, class_path: Optional[str] = None):
        source = pathlib.Path(__file__).resolve().parent / "RunTools.java"
        self._child = subprocess.Popen(brokers.java_command(folder, str(source), class_path=class_path),
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> "Java":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.kill()
        self._child.wait()

    def run(self, tool: str, *words: str, given: bytes = b"") -> Answer:
        parts: List[bytes] = [JAVA_CLASS[tool].encode(), base64.b64encode(given)]
        parts += [base64.b64encode(word.encode()) for word in words]
        self._child.stdin.write(b" ".join(parts) + b"\n")
        self._child.stdin.flush()
        for line in self._child.stdout:
            if line.startswith(b"REPLY "):
                _, code, out, err = line.rstrip(b"\n").split(b" ")
                return Answer(int(code), base64.b64decode(out), base64.b64decode(err))
        raise AssertionError(f"the JVM of Kafka's tools ended at {tool} {words}")


def expect(what: str, wanted: object, got: object) -> None:
    if wanted != got:
        raise AssertionError(f"{what}:\n  wanted {wanted!r}\n  got    {got!r}")


def create(bootstrap: str, *topics: str, words: Sequence[str] = ()) -> None:
    for topic in topics:
        done = native("topics", "--bootstrap-server", bootstrap, "--create", "--topic", topic, *words)
        expect(f"exit code of creating {topic} ({done})", 0, done.code)
