"""Real brokers in folders of their own: Barnabas, and Kafka 3.9.1 with its ZooKeeper as the oracle.

    with brokers.scratch() as folder, brokers.start("barnabas", folder) as broker:
        broker.address            # ("127.0.0.1", port)

Every broker listens on a free port of 127.0.0.1, is waited for until it answers Metadata, and dies
with the test.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile
from typing import Dict, Iterator, List, Mapping, Optional, Tuple

from . import paths
from .client import is_ready
from .process import Process, free_port

_LOG4J = """log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n
"""


@contextlib.contextmanager
def scratch() -> Iterator[pathlib.Path]:
    """A temporary folder; BARNABAS_KEEP=1 keeps it and says where it is."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="barnabas-"))
    try:
        yield folder
    finally:
        if os.environ.get("BARNABAS_KEEP"):
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def write_properties(path: pathlib.Path, settings: Mapping[str, object]) -> pathlib.Path:
    path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return path


def java_command(folder: pathlib.Path, main: str, heap: str = "512m", jit: str = "c1",
                 class_path: Optional[str] = None) -> List[str]:
    """How to run a class of the oracle, or of another class path; the quick compiler alone, since these runs are short."""
    log4j = folder / "log4j.properties"
    if not log4j.exists():
        log4j.write_text(_LOG4J)
    flags = ["-XX:TieredStopAtLevel=1"] if jit == "c1" else []
    return [paths.java(), f"-Xmx{heap}", "-XX:+UseSerialGC", "-Xshare:auto", *flags,
            f"-Dlog4j.configuration=file:{log4j}", "-cp",
            class_path or paths.oracle_classpath(), main]


class Broker:
    """What both brokers have in common: a folder, a port, a configuration, a process."""

    kind = ""

    def __init__(self, folder: pathlib.Path, settings: Optional[Mapping[str, object]] = None,
                 log_dirs: int = 1):
        self.folder = folder / self.kind
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.log_dirs = [self.folder / f"data-{index}" for index in range(log_dirs)]
        self.settings: Dict[str, object] = {
            "broker.id": 0,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "log.dirs": ",".join(str(path) for path in self.log_dirs),
            # The records of tests are of 2023: 30 s after the start they would go.
            "log.retention.ms": -1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
        }
        self.settings.update(settings or {})
        self.environment: Dict[str, str] = {}  # beside what the test itself has
        self.process: Optional[Process] = None

    @property
    def address(self) -> Tuple[str, int]:
        return ("127.0.0.1", self.port)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> "Broker":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def command(self) -> List[str]:
        raise NotImplementedError

    def start(self, wait: bool = True) -> "Broker":
        self.process = Process(self.kind, self.command(), self.folder / "broker.log", self.environment)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        self.process.wait_until(lambda: is_ready(self.address), f"{self.kind} answers Metadata",
                                timeout_s)

    def kill(self) -> None:
        """kill -9; nothing when it does not run."""
        if self.process:
            self.process.kill()
            self.process = None

    def stop(self) -> int:
        """A clean stop by SIGTERM; the exit code."""
        code = self.process.terminate()
        self.process = None
        return code


class Barnabas(Broker):
    """The program under test, in embedded mode unless settings name a zookeeper.connect."""

    kind = "barnabas"

    def __init__(self, folder: pathlib.Path, settings: Optional[Mapping[str, object]] = None,
                 log_dirs: int = 1, program: Optional[pathlib.Path] = None):
        super().__init__(folder, settings, log_dirs)
        self.program = program or paths.barnabas()
        self.overrides: Dict[str, object] = {}

    def command(self) -> List[str]:
        file = write_properties(self.folder / "server.properties", self.settings)
        extra = [part for key, value in self.overrides.items()
                 for part in ("--override", f"{key}={value}")]
        return [str(self.program), "server", str(file), *extra]

    def start(self, wait: bool = True) -> "Barnabas":
        super().start(wait)
        return self


class Kafka(Broker):
    """The oracle: Kafka 3.9.1, with a ZooKeeper of the same jars started before it.

    Settings with a zookeeper.connect put it on that one.
    """

    kind = "kafka"

    def __init__(self, folder: pathlib.Path, settings: Optional[Mapping[str, object]] = None,
                 log_dirs: int = 1):
        super().__init__(folder, settings, log_dirs)
        self.zookeeper: Optional[Process] = None
        self.zookeeper_port = free_port()
        self.own_zookeeper = "zookeeper.connect" not in self.settings
        self.settings.setdefault("zookeeper.connect", f"127.0.0.1:{self.zookeeper_port}")

    def command(self) -> List[str]:
        file = write_properties(self.folder / "server.properties", self.settings)
        return [*java_command(self.folder, "kafka.Kafka"), str(file)]

    def start(self, wait: bool = True) -> "Kafka":
        if self.own_zookeeper and not self.zookeeper:
            file = write_properties(self.folder / "zookeeper.properties", {
                "dataDir": self.folder / "zookeeper", "clientPort": self.zookeeper_port,
                "clientPortAddress": "127.0.0.1", "maxClientCnxns": 0, "tickTime": 500,
                "admin.enableServer": "false"})
            command = java_command(self.folder, "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                                   heap="128m")
            self.zookeeper = Process("zookeeper", [*command, str(file)],
                                     self.folder / "zookeeper.log")
        super().start(wait)  # Kafka itself waits for its ZooKeeper
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if self.zookeeper:
            self.zookeeper.kill()
            self.zookeeper = None


def start(kind: str, folder: pathlib.Path, settings: Optional[Mapping[str, object]] = None,
          log_dirs: int = 1, wait: bool = True) -> Broker:
    """Starts "barnabas" or "kafka" and waits until it answers."""
    made = {"barnabas": Barnabas, "kafka": Kafka}[kind](folder, settings, log_dirs)
    try:
        made.start(wait)
    except BaseException:
        made.__exit__()
        raise
    return made


