"""Kafka Connect 3.9.1 with its file source and sink, as the tutorial's import and export runs them."""

import json
import pathlib
import urllib.error
import urllib.request
from typing import Any, Dict, List, Optional

import jars
from lib import brokers
from lib.brokers import Broker
from lib.process import Process, free_port, wait_until

CONVERTERS = {"key.converter": "org.apache.kafka.connect.json.JsonConverter",
              "value.converter": "org.apache.kafka.connect.json.JsonConverter",
              "key.converter.schemas.enable": "true", "value.converter.schemas.enable": "true",
              "offset.flush.interval.ms": 500}


def source(folder: pathlib.Path, topic: str) -> Dict[str, str]:
    return {"name": "local-file-source", "connector.class": "FileStreamSource", "tasks.max": "1",
            "file": str(folder / "test.txt"), "topic": topic}


def sink(folder: pathlib.Path, topic: str) -> Dict[str, str]:
    return {"name": "local-file-sink", "connector.class": "FileStreamSink", "tasks.max": "1",
            "file": str(folder / "test.sink.txt"), "topics": topic,
            "consumer.override.auto.offset.reset": "earliest"}


class Files:
    """The file that is imported, and the one that is exported."""

    def __init__(self, folder: pathlib.Path):
        self.input, self.output = folder / "test.txt", folder / "test.sink.txt"
        self.lines: List[str] = []

    def append(self, *lines: str) -> None:
        self.lines += lines
        with open(self.input, "a") as out:
            out.write("".join(line + "\n" for line in lines))

    def wait_exported(self, worker: Process, again: bool = False) -> None:
        """Every line has come out, in order; with `again` some may have come twice."""
        def there() -> bool:
            found = self.output.read_text().splitlines() if self.output.exists() else []
            return (list(dict.fromkeys(found)) if again else found) == self.lines
        worker.wait_until(there, f"{self.output.name} has the {len(self.lines)} lines", 60.0)


class Worker:
    """One Connect worker with its REST server."""

    def __init__(self, folder: pathlib.Path, broker: Broker, main: str, settings: Dict[str, object],
                 connectors: List[Dict[str, str]]):
        self.folder, self.main = folder, main
        self.url = f"http://127.0.0.1:{free_port()}"
        self.settings = {"bootstrap.servers": broker.bootstrap, "listeners": self.url, **CONVERTERS,
                         **settings}
        self.connectors = connectors
        self.process: Optional[Process] = None

    def __enter__(self) -> "Worker":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process:
            self.process.kill()

    def start(self) -> "Worker":
        files = [brokers.write_properties(self.folder / "connect.properties", self.settings)]
        files += [brokers.write_properties(self.folder / f"{one['name']}.properties", one)
                  for one in self.connectors]
        command = brokers.java_command(self.folder, f"org.apache.kafka.connect.cli.{self.main}",
                                       heap="256m", class_path=jars.classpath("kafka"))
        self.process = Process("connect", [*command, *map(str, files)], self.folder / "connect.log")
        return self

    def stop(self) -> None:
        self.process.terminate()
        self.process = None

    def kill(self) -> None:
        self.process.kill()
        self.process = None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=20.0) as answer:
            data = answer.read()
        return json.loads(data) if data else None

    def wait_ready(self) -> None:
        def ready() -> bool:
            try:
                self.ask("GET", "/connectors")
                return True
            except (urllib.error.URLError, OSError):
                return False
        self.process.wait_until(ready, "the worker's REST server", 60.0)

    def wait_running(self, *names: str) -> None:
        def running() -> bool:
            for name in names:
                try:
                    status = self.ask("GET", f"/connectors/{name}/status")
                except (urllib.error.URLError, OSError):
                    return False
                states = [status["connector"]["state"], *(task["state"] for task in status["tasks"])]
                if "FAILED" in states:
                    raise AssertionError(f"{name}: {status}")
                if states != ["RUNNING", "RUNNING"]:
                    return False
            return True
        self.process.wait_until(running, f"{names} run", 60.0)

    def create(self, connector: Dict[str, str]) -> None:
        def created() -> bool:
            try:
                self.ask("PUT", f"/connectors/{connector['name']}/config", connector)
                return True
            except urllib.error.HTTPError as error:  # 409: a rebalance is under way
                if error.code != 409:
                    raise AssertionError(f"{error}: {error.read()!r}") from None
                return False
        wait_until(created, f"{connector['name']} is created", 60.0)
