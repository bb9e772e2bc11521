"""Who is measured: Kafka 3.9.1, Barnabas, the floor; each alone, on a fresh folder, on a free port."""

import os
import pathlib
import sys
import time
from dataclasses import dataclass
from typing import List, Optional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from lib import paths  # noqa: E402
from lib.client import is_ready  # noqa: E402
from lib.process import Process, free_port, wait_until  # noqa: E402

# As kafka-server-start.sh runs it, with its default heap of 1 GiB.
_KAFKA_FLAGS = ["-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
                "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent",
                "-Djava.awt.headless=true"]
_LOG4J = ("log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n"
          "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n")
_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def rss_mb(pid: int) -> float:
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


@dataclass
class Started:
    """What starting cost, to the first answer to Metadata."""
    ms: float
    cpu_s: float
    rss_mb: float


class Contestant:
    kind = ""
    needs_warming = False  # a just-in-time compiler to be warmed before anything counts

    def __init__(self, folder: pathlib.Path):
        self.folder = folder / self.kind
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.process: Optional[Process] = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def __enter__(self) -> "Contestant":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            self.process.kill()

    def command(self) -> List[str]:
        raise NotImplementedError

    def properties(self, **more: object) -> pathlib.Path:
        settings = {"broker.id": 0, "listeners": f"PLAINTEXT://{self.address}",
                    "log.dirs": self.folder / "data",
                    # Nothing but the load itself while it is measured.
                    "log.retention.check.interval.ms": 3600000,
                    "offsets.topic.replication.factor": 1, **more}
        file = self.folder / "server.properties"
        file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        return file

    def start(self) -> Started:
        command = self.command()
        begin = time.monotonic()
        self.process = Process(self.kind, command, self.folder / "output.log")
        deadline = begin + 120
        while not is_ready(("127.0.0.1", self.port)):
            if self.process.exit_code() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.kind} does not answer\n{self.process.log_tail()}")
            time.sleep(0.001)
        ms = (time.monotonic() - begin) * 1000
        return Started(ms, cpu_seconds(self.pid), rss_mb(self.pid))


class Barnabas(Contestant):
    kind = "barnabas"
    program: Optional[pathlib.Path] = None

    def command(self) -> List[str]:
        return [str(self.program or paths.barnabas()), "server", str(self.properties())]


class Kafka(Contestant):
    kind = "kafka"
    needs_warming = True

    def __init__(self, folder: pathlib.Path):
        super().__init__(folder)
        self.zookeeper: Optional[Process] = None

    def java(self, flags: List[str], main: str, file: pathlib.Path) -> List[str]:
        log4j = self.folder / "log4j.properties"
        log4j.write_text(_LOG4J)
        return [paths.java(), *flags, f"-Dlog4j.configuration=file:{log4j}",
                "-cp", paths.oracle_classpath(), main, str(file)]

    def command(self) -> List[str]:
        port = free_port()
        file = self.folder / "zookeeper.properties"
        file.write_text(f"dataDir={self.folder}/zookeeper\nclientPort={port}\n"
                        "clientPortAddress=127.0.0.1\nmaxClientCnxns=0\nadmin.enableServer=false\n")
        self.zookeeper = Process("zookeeper", self.java(
            ["-Xmx128m", "-XX:+UseSerialGC"],
            "org.apache.zookeeper.server.quorum.QuorumPeerMain", file),
            self.folder / "zookeeper.log")
        # Kafka's start is not to pay for ZooKeeper's.
        wait_until(lambda: _accepts(port), "ZooKeeper listens", 60)
        return self.java(_KAFKA_FLAGS, "kafka.Kafka",
                         self.properties(**{"zookeeper.connect": f"127.0.0.1:{port}"}))

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if self.zookeeper:
            self.zookeeper.kill()


class Floor(Contestant):
    kind = "floor"
    program: Optional[pathlib.Path] = None

    def command(self) -> List[str]:
        data = self.folder / "data"
        data.mkdir()
        return [str(self.program), str(self.port), str(data)]


def _accepts(port: int) -> bool:
    import socket
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


ALL = {one.kind: one for one in (Kafka, Barnabas, Floor)}
