"""One broker that the same requests go to, and what it answered.

A case is a function of a Target. It prepares what it needs and calls note() with a label for each
request whose answer counts; protocol_test.py runs every case on both brokers and compares label by
label. README.md says how to write one.
"""

import contextlib
import struct
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set, Tuple

from lib import messages
from lib.brokers import Broker
from lib.client import Client
from lib.process import wait_until
from lib.wire import Closed, Connection, Silent
from masks import Facts, Hidden, View

CLOSED = "connection closed, no answer"
MUTE = "no answer, connection open"
ORDINARY, EMPTY, WRONG = "ordinary", "empty", "wrong"

Sent = Set[Tuple[str, int, str]]  # API, version, kind


class Note(NamedTuple):
    """One request and the answer to it: fields, or CLOSED. `answer` is what is compared."""
    request: str
    answer: Any
    raw: Any
    view: View


Case = Callable[["Target"], None]
CASES: List[Tuple[str, Case]] = []
LAST_CASES: List[Tuple[str, Case]] = []  # what leaves brokers in a state of its own


def _register(cases: List[Tuple[str, Case]], function: Case) -> Case:
    cases.append((f"{function.__module__.removesuffix('_cases')}.{function.__name__}", function))
    return function


def case(function: Case) -> Case:
    return _register(CASES, function)


def last_case(function: Case) -> Case:
    """A case that runs behind all others."""
    return _register(LAST_CASES, function)


class Target:
    """A running broker, one connection that note() uses unless told otherwise, and the notes."""

    def __init__(self, broker: Broker, facts: Optional[Facts] = None):
        self.broker = broker
        self.facts = facts or Facts(broker)
        self.name = broker.kind
        self.notes: Dict[str, Note] = {}
        self.sent: Sent = set()
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

    def keep(self, label: str, request: str, answer: Any, view: Optional[View] = None) -> Any:
        """Notes an answer, or what was made of answers, under a label of its own."""
        if label in self.notes:
            raise AssertionError(f"two requests are called {label!r}")
        view = view or View(self.facts)
        view.learn(answer)
        self.notes[label] = Note(request, view.masked(answer), answer, view)
        return answer

    def note(self, label: str, api: str, version: int, client: Optional[Client] = None,
             hide: Optional[Hidden] = None, kind: str = "", patience_s: float = 0, **fields: Any) -> Any:
        """Sends a request and keeps its answer under the label.

        `hide` names fields that are not compared, with the reason. `kind` says what the request is
        (ordinary, empty, wrong, or two of them) where kinds_of() cannot see it. `patience_s` is for
        requests that Kafka never answers: a connection of their own, and how long it is listened to.
        """
        if not isinstance(hide or {}, dict):
            raise AssertionError("hide names fields and the reason of each")
        request = messages.encode_request(api, version, fields, 1, "test")
        used = Client(self.broker.address, patience_s) if patience_s else client or self.client
        try:
            answer = used.ask(api, version, **fields)
        except Silent:
            answer = MUTE
            if client is None:
                self.reconnect()
        except Closed:
            answer = CLOSED
            if client is None:
                self.reconnect()
        except messages.Malformed as error:
            answer = f"not a {api} v{version} answer: {error}"
            if client is None:
                self.reconnect()
        if patience_s:
            used.close()
        for one in kind.split() or kinds_of(api, version, fields, answer):
            self.count(api, version, one)
        return self.keep(label, f"{api} v{version} {request.hex()}", answer,
                         View(self.facts, api, hide, request))

    def count(self, api: str, version: int, kind: str) -> None:
        """Tells the coverage of a request that note() does not see."""
        if kind not in (ORDINARY, EMPTY, WRONG):
            raise AssertionError(f"{kind!r} is no kind of request")
        self.sent.add((api, version, kind))

    def note_bytes(self, label: str, data: bytes, hide: Optional[Hidden] = None,
                   api: Optional[str] = None, version: int = 0, patience_s: float = 20.0,
                   kind: str = "") -> Any:
        """Sends bytes as they are on a connection of their own; the answer decoded if `api` is given."""
        with Connection(self.broker.address, patience_s) as connection:
            try:
                connection.send_raw(data)
                frame = connection.receive()
                answer: Any = frame.hex()
                if api:
                    answer = messages.decode_response(api, version, frame)[1]
            except Silent:
                answer = MUTE
            except Closed:
                answer = CLOSED
            except messages.Malformed as error:
                answer = f"not a {api} v{version} answer: {error}"
        for one in kind.split():
            self.count(api or "", version, one)
        return self.keep(label, data[:400].hex(), answer, View(self.facts, api or "", hide, data))

    def note_frame(self, label: str, frame: bytes, **options: Any) -> Any:
        return self.note_bytes(label, struct.pack(">i", len(frame)) + frame, **options)

    def delete_topic(self, name: str) -> None:
        """Removes a topic in which the brokers differ on purpose, before others list it."""
        self.client.ask("DeleteTopics", 4, TopicNames=[name], TimeoutMs=10000)
        wait_until(lambda: self.client.ask("Metadata", 8, Topics=[{"Name": name}],
                                           AllowAutoTopicCreation=False)["Topics"][0]["ErrorCode"] == 3,
                   f"{name} gone")

    def topic_id(self, name: str) -> bytes:
        answer = self.client.ask("Metadata", 12, Topics=[{"Name": name}],
                                 AllowAutoTopicCreation=False)
        return answer["Topics"][0]["TopicId"]


def kinds_of(api: str, version: int, fields: messages.Fields, answer: Any) -> FrozenSet[str]:
    """What a request is by what was given and what came back.

    Wrong: refused, by an error code or the end of the connection. Empty: a collection, a string or
    bytes were given empty or null, or the version has no fields at all. Ordinary: not refused, and one
    of the request's own collections, strings or bytes has something in it, or it has none of these.
    """
    if not isinstance(answer, dict) or any(code != 0 for code in error_codes(answer)):
        return frozenset({WRONG})
    known = messages.fields_of(api + "Request", version)
    kinds = set()
    if not known or _has_empty(fields):
        kinds.add(EMPTY)
    holders = [field["name"] for field in known if field["type"] not in messages.FIXED]
    if not holders or any(fields.get(name) for name in holders):
        kinds.add(ORDINARY)
    return frozenset(kinds)


def _has_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_empty(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return not value or any(_has_empty(item) for item in value)
    return value is None or isinstance(value, (str, bytes)) and not value


def error_codes(value: Any) -> Iterator[int]:
    """Every ErrorCode in an answer."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in ("ErrorCode", "PartitionErrorCode"):
                yield item
            else:
                yield from error_codes(item)
    elif isinstance(value, list):
        for item in value:
            yield from error_codes(item)


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
    elif kafka != ours or type(kafka) is not type(ours):
        yield path, kafka, ours
