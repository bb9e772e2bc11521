"""Kafka 3.9.1 in KRaft mode, a broker that is its own controller: the oracle for what Kafka does not
offer on ZooKeeper, such as the consumer protocol of groups.

    with brokers.scratch() as folder, kraft.start(folder, settings) as oracle:
"""

import pathlib
import subprocess
from typing import List, Mapping, Optional

from .brokers import Broker, java_command, write_properties
from .process import free_port

CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"


class KraftKafka(Broker):
    kind = "kafka"

    def __init__(self, folder: pathlib.Path, settings: Optional[Mapping[str, object]] = None):
        super().__init__(folder, settings)
        controller = free_port()
        del self.settings["broker.id"]
        self.settings.update({
            "process.roles": "broker,controller", "node.id": 0,
            "controller.quorum.voters": f"0@127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        })

    def _file(self) -> pathlib.Path:
        return write_properties(self.folder / "server.properties", self.settings)

    def command(self) -> List[str]:
        return [*java_command(self.folder, "kafka.Kafka"), str(self._file())]

    def start(self, wait: bool = True) -> "KraftKafka":
        if not (self.log_dirs[0] / "meta.properties").exists():
            subprocess.run([*java_command(self.folder, "kafka.tools.StorageTool"), "format",
                            "-t", CLUSTER_ID, "-c", str(self._file())],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
        super().start(wait)
        return self


def start(folder: pathlib.Path, settings: Optional[Mapping[str, object]] = None,
          wait: bool = True) -> KraftKafka:
    broker = KraftKafka(folder, settings)
    try:
        broker.start(wait)
    except BaseException:
        broker.__exit__()
        raise
    return broker
