"""One broker that the same requests go to, and what it answered.

A case is a function of a Target. It prepares what it needs and calls note() with a label for each
request whose answer counts; protocol_test.py runs every case on both brokers and compares label by
label.
"""

import contextlib
import re
import struct
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from lib import messages
from lib.brokers import Broker
from lib.client import Client
from lib.wire import Closed, Connection, Silent

CLOSED = "connection closed, no answer"


class Note(NamedTuple):
    """One request and the answer to it: fields, or CLOSED."""
    request: str
    answer: Any


Case = Callable[["Target"], None]
CASES: List[Tuple[str, Case]] = []


def case(function: Case) -> Case:
    CASES.append((f"{function.__module__.removesuffix('_cases')}.{function.__name__}", function))
    return function


class Target:
    """A running broker, one connection that note() uses unless told otherwise, and the notes."""

    def __init__(self, broker: Broker):
        self.broker = broker
        self.name = broker.kind
        self.notes: Dict[str, Note] = {}
        self._client: Optional[Client] = None

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = Client(self.broker.address)
        return self._client

    def reconnect(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    @contextlib.contextmanager
    def fresh(self) -> Iterator[Client]:
        with Client(self.broker.address) as client:
            yield client

    def keep(self, label: str, request: str, answer: Any) -> Any:
        if label in self.notes:
            raise AssertionError(f"two requests are called {label!r}")
        self.notes[label] = Note(request, answer)
        return answer

    def note(self, label: str, api: str, version: int, client: Optional[Client] = None,
             hide: Tuple[str, ...] = (), **fields: Any) -> Any:
        """Sends a request and keeps its answer under the label; `hide` names fields not compared."""
        used = client or self.client
        sent = messages.encode_request(api, version, fields, 1, "test").hex()
        try:
            answer = used.ask(api, version, **fields)
        except Closed:
            answer = CLOSED
            if client is None:
                self.reconnect()
        except messages.Malformed as error:
            answer = f"not a {api} v{version} answer: {error}"
            if client is None:
                self.reconnect()
        self.keep(label, f"{api} v{version} {sent}", masked(answer, self.broker, hide))
        return answer

    def note_bytes(self, label: str, data: bytes, hide: Tuple[str, ...] = (),
                   api: Optional[str] = None, version: int = 0, patience_s: float = 20.0) -> None:
        """Sends bytes as they are on a connection of their own; the answer decoded if `api` is given."""
        with Connection(self.broker.address, patience_s) as connection:
            try:
                connection.send_raw(data)
                frame = connection.receive()
                answer: Any = frame.hex()
                if api:
                    answer = messages.decode_response(api, version, frame)[1]
            except Silent:
                answer = "no answer, connection open"
            except Closed:
                answer = CLOSED
            except messages.Malformed as error:
                answer = f"not a {api} v{version} answer: {error}"
        self.keep(label, data[:400].hex(), masked(answer, self.broker, hide))

    def note_frame(self, label: str, frame: bytes, **options: Any) -> None:
        self.note_bytes(label, struct.pack(">i", len(frame)) + frame, **options)

    def topic_id(self, name: str) -> bytes:
        answer = self.client.ask("Metadata", 12, Topics=[{"Name": name}],
                                 AllowAutoTopicCreation=False)
        return answer["Topics"][0]["TopicId"]


def masked(value: Any, broker: Broker, hide: Tuple[str, ...]) -> Any:
    """The answer with everything that must differ between two brokers replaced by its kind."""
    if isinstance(value, dict):
        return {name: "<hidden>" if name in hide else _masked_field(name, item, broker, hide)
                for name, item in value.items()}
    if isinstance(value, list):
        rows = [masked(item, broker, hide) for item in value]
        return sorted(rows, key=_row_key) if rows and isinstance(rows[0], dict) else rows
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return re.sub(r"within \[\d+, \d+\]", "within [<time>, <time>]", value)
    return value


def _masked_field(name: str, value: Any, broker: Broker, hide: Tuple[str, ...]) -> Any:
    if name in ("TopicId", "ReplicaDirectoryId"):
        return "<none>" if value == bytes(16) else "<id>"
    if name == "ClusterId" and value is not None:
        return f"<{len(value)} characters>"
    if name == "Port" and value == broker.port:
        return "<port>"
    if name == "ProducerId" and value >= 0 or name == "SessionId" and value > 0:
        return "<id>"
    if name == "LogAppendTimeMs" and value > 0:
        return "<time>"
    return masked(value, broker, hide)


def _row_key(row: Dict[str, Any]) -> str:
    """Kafka answers in the order of hash maps: rows are compared by what names them."""
    names = ("Name", "Topic", "ResourceType", "ResourceName", "TopicId", "PartitionIndex",
             "Partition", "Index", "ApiKey", "NodeId", "BrokerId", "ErrorCode")
    return repr([(name, row[name] if not isinstance(row[name], int) else f"{row[name]:012d}")
                 for name in names if name in row])


def differences(path: str, kafka: Any, ours: Any) -> Iterator[Tuple[str, Any, Any]]:
    """Every place where two masked answers differ: (path, Kafka's, ours)."""
    if isinstance(kafka, dict) and isinstance(ours, dict):
        for name in list(kafka) + [name for name in ours if name not in kafka]:
            yield from differences(f"{path}.{name}", kafka.get(name, "<absent>"),
                                   ours.get(name, "<absent>"))
    elif isinstance(kafka, list) and isinstance(ours, list):
        if len(kafka) != len(ours):
            yield f"{path}.length", len(kafka), len(ours)
        for index, (one, other) in enumerate(zip(kafka, ours)):
            yield from differences(f"{path}[{index}]", one, other)
    elif kafka != ours:
        yield path, kafka, ours
