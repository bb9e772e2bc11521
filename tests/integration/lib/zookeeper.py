"""A real ZooKeeper of the oracle's jars, and a client of a few lines to look at the tree and write to it.

    with zookeeper.Server(folder) as server, zookeeper.Session(server.port) as session:
        session.get("/controller").data
"""

import dataclasses
import pathlib
import socket
import struct
from typing import Dict, List, Optional, Tuple

from . import brokers
from .process import Process, free_port, wait_until

NO_NODE = -101
NODE_EXISTS = -110


class ZooKeeperError(Exception):
    def __init__(self, what: str, code: int):
        super().__init__(f"{what}: ZooKeeper's error {code}")
        self.code = code


@dataclasses.dataclass(frozen=True)
class Node:
    data: Optional[bytes]
    czxid: int
    mzxid: int
    version: int
    owner: int  # the session of an ephemeral node, else 0


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">i", len(raw)) + raw


def _buffer(data: Optional[bytes]) -> bytes:
    return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data


class Session:
    """One session, one request at a time. `taken`: another one's id and password."""

    def __init__(self, port: int, timeout_ms: int = 30000, taken: Optional[Tuple[int, bytes]] = None):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20.0)
        self._xid = 0
        session, password = taken or (0, bytes(16))
        self._send(struct.pack(">iqiq", 0, 0, timeout_ms, session) + _buffer(password) + b"\0")
        try:
            answer = self._receive()
        except EOFError:
            self._socket.close()
            raise
        _, self.timeout_ms, self.id, length = struct.unpack(">iiqi", answer[:20])
        self.password = answer[20:20 + length]

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the session and waits until the server has said so."""
        if self._socket:
            try:
                self._ask("close", -11, b"")
            except (OSError, EOFError):
                pass
            self._socket.close()
            self._socket = None

    def get(self, path: str) -> Node:
        answer = self._ask(path, 4, _string(path) + b"\0")
        (length,) = struct.unpack(">i", answer[:4])
        data = None if length < 0 else answer[4:4 + length]
        return self._node(data, answer[4 + max(length, 0):])

    def find(self, path: str) -> Optional[Node]:
        try:
            return self.get(path)
        except ZooKeeperError as error:
            if error.code != NO_NODE:
                raise
            return None

    def children(self, path: str) -> List[str]:
        answer = self._ask(path, 8, _string(path) + b"\0")
        (count,) = struct.unpack(">i", answer[:4])
        names, at = [], 4
        for _ in range(count):
            (length,) = struct.unpack(">i", answer[at:at + 4])
            names.append(answer[at + 4:at + 4 + length].decode())
            at += 4 + length
        return sorted(names)

    def tree(self, root: str) -> Dict[str, Node]:
        """Every node from `root` on, by its path below it ("/" is the root itself).

        The walk is many requests: what somebody removes meanwhile is left out.
        """
        found: Dict[str, Node] = {}

        def visit(path: str) -> None:
            try:
                node, names = self.get(path), self.children(path)
            except ZooKeeperError as error:
                if error.code != NO_NODE:
                    raise
                return
            found[path[len(root.rstrip("/")):] or "/"] = node
            for name in names:
                visit(f"{path.rstrip('/')}/{name}")
        visit(root)
        return found

    def create(self, path: str, data: Optional[bytes] = None, flags: int = 0) -> str:
        acl = struct.pack(">ii", 1, 31) + _string("world") + _string("anyone")
        answer = self._ask(path, 1, _string(path) + _buffer(data) + acl + struct.pack(">i", flags))
        return answer[4:].decode()

    def set(self, path: str, data: Optional[bytes], version: int = -1) -> None:
        self._ask(path, 5, _string(path) + _buffer(data) + struct.pack(">i", version))

    def delete(self, path: str, version: int = -1) -> None:
        self._ask(path, 2, _string(path) + struct.pack(">i", version))

    @staticmethod
    def _node(data: Optional[bytes], stat: bytes) -> Node:
        czxid, mzxid, _, _, version, _, _, owner = struct.unpack(">qqqqiiiq", stat[:52])
        return Node(data, czxid, mzxid, version, owner)

    def _ask(self, what: str, kind: int, body: bytes) -> bytes:
        self._xid += 1
        self._send(struct.pack(">ii", self._xid, kind) + body)
        answer = self._receive()
        _, _, code = struct.unpack(">iqi", answer[:16])
        if code != 0:
            raise ZooKeeperError(what, code)
        return answer[16:]

    def _send(self, body: bytes) -> None:
        self._socket.sendall(struct.pack(">i", len(body)) + body)

    def _receive(self) -> bytes:
        (length,) = struct.unpack(">i", self._exactly(4))
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            piece = self._socket.recv(length - len(data))
            if not piece:
                raise EOFError("ZooKeeper closed the connection")
            data += piece
        return data


def end_session(port: int, session: int, password: bytes) -> None:
    """Ends somebody else's session. Its owner seeks its connection back meanwhile, so that the order
    to close may find itself on a connection that the session has left: then once more."""
    def ended() -> bool:
        try:
            taken = Session(port, taken=(session, password))
        except (OSError, EOFError):
            return False
        over = taken.timeout_ms == 0  # ZooKeeper's way to say that there is no such session
        taken.close()
        return over
    wait_until(ended, f"session 0x{session:x} has ended")


class Server:
    """One ZooKeeper on a free port; dies with the test, and can be killed and started again."""

    def __init__(self, folder: pathlib.Path, tick_ms: int = 500):
        self.folder = folder / "zookeeper"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process: Optional[Process] = None
        self._file = brokers.write_properties(self.folder / "zookeeper.properties", {
            "dataDir": self.folder / "data", "clientPort": self.port,
            "clientPortAddress": "127.0.0.1", "maxClientCnxns": 0, "tickTime": tick_ms,
            "maxSessionTimeout": 40000, "admin.enableServer": "false"})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "Server":
        command = brokers.java_command(
            self.folder, "org.apache.zookeeper.server.quorum.QuorumPeerMain", heap="128m")
        self.process = Process("zookeeper", [*command, str(self._file)], self.folder / "zookeeper.log")
        self.process.wait_until(self.answers, "ZooKeeper answers")
        return self

    def answers(self) -> bool:
        try:
            Session(self.port).close()
            return True
        except (OSError, EOFError, struct.error):
            return False

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process = None

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


def wait_for(session: Session, path: str, what: str, timeout_s: float = 30.0) -> Node:
    return wait_until(lambda: session.find(path), what, timeout_s)
