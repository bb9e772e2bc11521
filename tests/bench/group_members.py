"""Members of consumer groups without a consumer: one connection and a few bytes of state each, so that
thousands fit beside the broker that is measured. Only the versions below are spoken."""

import asyncio
import struct
from typing import Callable, Dict, List, Optional, Tuple

OFFSET_COMMIT, FIND_COORDINATOR, JOIN, HEARTBEAT, LEAVE, SYNC, API_VERSIONS = 8, 10, 11, 12, 13, 14, 18
VERSIONS = {OFFSET_COMMIT: 7, FIND_COORDINATOR: 2, JOIN: 5, HEARTBEAT: 3, LEAVE: 3, SYNC: 3, API_VERSIONS: 0}
NONE, LOADING, NOT_AVAILABLE, NOT_COORDINATOR = 0, 14, 15, 16
UNKNOWN_MEMBER, REBALANCE, MEMBER_ID_REQUIRED = 25, 27, 79
ILLEGAL_GENERATION = 22
SESSION_MS, REBALANCE_MS = 45_000, 300_000  # the Java consumer's defaults


def string(text: Optional[str]) -> bytes:
    if text is None:
        return struct.pack(">h", -1)
    raw = text.encode()
    return struct.pack(">h", len(raw)) + raw


def blob(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data


class Refused(Exception):
    """An error that no member expects."""


class Answer:
    """Reads an answer field by field."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 8  # behind the length and the correlation id

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self) -> str:
        length = self.number(">h")
        value = self.data[self.at:self.at + max(length, 0)].decode()
        self.at += max(length, 0)
        return value

    def skip_blob(self) -> int:
        length = max(self.number(">i"), 0)
        self.at += length
        return length


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.waiting: Optional[asyncio.Future] = None
        self.transport: Optional[asyncio.Transport] = None
        self.correlation = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, error: Optional[Exception]) -> None:
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(Refused(f"the connection was closed: {error}"))

    def data_received(self, data: bytes) -> None:
        self.received += data
        if len(self.received) >= 4:
            size = 4 + struct.unpack_from(">i", self.received)[0]
            if len(self.received) >= size:
                frame = bytes(self.received[:size])
                del self.received[:size]
                self.waiting.set_result(frame)

    async def ask(self, api: int, body: bytes) -> Answer:
        self.correlation += 1
        head = struct.pack(">hhi", api, VERSIONS[api], self.correlation) + string("bench")
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(blob(head + body))
        return Answer(await asyncio.shield(self.waiting))  # whoever gives up leaves it to arrive


class Member:
    """Joins, heartbeats, joins again when it is told to, until it is let go."""

    def __init__(self, address: Tuple[str, int], group: str, topic: str, partitions: int,
                 heartbeat_s: float, counts: Dict[str, int], changed: Callable[[], None]):
        self.address, self.group, self.topic, self.partitions = address, group, topic, partitions
        self.heartbeat_s, self.counts, self.changed = heartbeat_s, counts, changed
        self.commit_s = 0.0
        self.id = ""
        self.generation = -1
        self.stable = False
        self.connection: Optional[Connection] = None
        self._subscription = struct.pack(">hi", 0, 1) + string(topic) + struct.pack(">i", 0)

    async def connect(self) -> None:
        _, self.connection = await asyncio.get_running_loop().create_connection(
            Connection, *self.address)

    async def ask(self, api: int, body: bytes) -> Answer:
        self.counts[api] = self.counts.get(api, 0) + 1
        return await self.connection.ask(api, body)

    async def find(self) -> None:
        while True:
            answer = await self.ask(FIND_COORDINATOR, string(self.group) + b"\0")
            answer.number(">i")
            error = answer.number(">h")
            if error == NONE:
                return
            if error not in (LOADING, NOT_AVAILABLE):
                raise Refused(f"FindCoordinator: error {error}")
            await asyncio.sleep(0.1)

    async def join(self) -> None:
        self.stable = False
        while True:
            answer = await self.ask(JOIN, string(self.group) + struct.pack(">ii", SESSION_MS, REBALANCE_MS)
                                    + string(self.id) + string(None) + string("consumer")
                                    + struct.pack(">i", 1) + string("range") + blob(self._subscription))
            answer.number(">i")
            error, generation = answer.number(">h"), answer.number(">i")
            answer.text()
            leader, member = answer.text(), answer.text()
            if error == MEMBER_ID_REQUIRED:
                self.id = member
                continue
            if error == UNKNOWN_MEMBER:
                self.id = ""
                continue
            if error in (LOADING, NOT_COORDINATOR):
                await asyncio.sleep(0.1)
                continue
            if error != NONE:
                raise Refused(f"JoinGroup: error {error}")
            self.id, self.generation = member, generation
            members: List[str] = []
            if leader == member:
                for _ in range(answer.number(">i")):
                    members.append(answer.text())
                    answer.text()
                    answer.skip_blob()
            if await self.sync(members):
                return

    def assignment(self, number: int, of: int) -> bytes:
        mine = range(number, self.partitions, of)
        return (struct.pack(">hi", 0, 1) + string(self.topic)
                + struct.pack(f">i{len(mine)}i", len(mine), *mine) + struct.pack(">i", 0))

    async def sync(self, members: List[str]) -> bool:
        shares = b"".join(string(name) + blob(self.assignment(number, len(members)))
                          for number, name in enumerate(members))
        answer = await self.ask(SYNC, string(self.group) + struct.pack(">i", self.generation)
                                + string(self.id) + string(None) + struct.pack(">i", len(members)) + shares)
        answer.number(">i")
        error = answer.number(">h")
        if error in (REBALANCE, ILLEGAL_GENERATION, UNKNOWN_MEMBER):
            return False
        if error != NONE or answer.skip_blob() == 0:
            raise Refused(f"SyncGroup: error {error}, or nothing assigned")
        self.stable = True
        self.changed()
        return True

    async def commit(self) -> None:
        answer = await self.ask(OFFSET_COMMIT, string(self.group) + struct.pack(">i", self.generation)
                                + string(self.id) + string(None) + struct.pack(">i", 1)
                                + string(self.topic) + struct.pack(">iiqi", 1, 0, 1, -1) + string(""))
        answer.number(">i")
        answer.number(">i")
        answer.text()
        answer.number(">i")
        answer.number(">i")
        error = answer.number(">h")
        if error not in (NONE, REBALANCE, ILLEGAL_GENERATION, UNKNOWN_MEMBER):
            raise Refused(f"OffsetCommit: error {error}")

    async def live(self, first_wait_s: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(first_wait_s)
        committed = loop.time()
        while True:
            answer = await self.ask(HEARTBEAT, string(self.group) + struct.pack(">i", self.generation)
                                    + string(self.id) + string(None))
            answer.number(">i")
            error = answer.number(">h")
            if error in (REBALANCE, ILLEGAL_GENERATION, UNKNOWN_MEMBER):
                await self.join()
            elif error != NONE:
                raise Refused(f"Heartbeat: error {error}")
            if self.commit_s and loop.time() - committed >= self.commit_s:
                committed = loop.time()
                await self.commit()
            await asyncio.sleep(self.heartbeat_s)

    async def leave(self) -> None:
        answer = await self.ask(LEAVE, string(self.group) + struct.pack(">i", 1) + string(self.id)
                                + string(None))
        answer.number(">i")
        error = answer.number(">h")
        if error != NONE:
            raise Refused(f"LeaveGroup: error {error}")
        self.id, self.stable = "", False
        self.connection.transport.close()
