"""What every case of bad input is given: a broker, a client that was there before, and the check
that follows each case.

    @case(peak_mib=16)
    def length_negative(b: Bench) -> None:
        b.expect_closed(struct.pack(">i", -1))

After a case the broker must live, the client that was connected before and a fresh one must produce
and read back, the broker's memory must not have peaked by more than `peak_mib` above what it held
before (measured by the kernel: VmHWM, reset for each case), and nothing may lie outside of the data
directory that was not there before.
"""

import contextlib
import os
import pathlib
import struct
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

from lib import brokers, messages
from lib.brokers import Broker
from lib.client import Client
from lib.wire import Closed, Connection, Record, Silent, decode_batches, encode_batch

TOPIC = "honest"
TIME = 1_700_000_000_000
MIB = 1 << 20

# An answer that the brokers of this project give at once; the bound is for a busy machine.
PATIENCE_S = 20.0


class Case(NamedTuple):
    name: str
    function: Callable[["Bench"], None]
    peak_mib: int
    settings: Optional[Dict[str, object]]  # a broker of its own with these, or the shared one


CASES: Dict[str, List[Case]] = {}  # by group: the module's name without _cases


def add(group: str, name: str, function: Callable[["Bench"], None], peak_mib: int = 16,
        settings: Optional[Dict[str, object]] = None) -> None:
    if any(name == other.name for cases in CASES.values() for other in cases):
        raise AssertionError(f"two cases are called {name}")
    CASES.setdefault(group.removesuffix("_cases"), []).append(
        Case(name, function, peak_mib, settings))


def case(peak_mib: int = 16, settings: Optional[Dict[str, object]] = None) -> Callable:
    def register(function: Callable[["Bench"], None]) -> Callable[["Bench"], None]:
        add(function.__module__, function.__name__, function, peak_mib, settings)
        return function
    return register


class Failure(AssertionError):
    """A case did not end as it must."""


def require(holds: object, what: str) -> None:
    if not holds:
        raise Failure(what)


def header(key: int, version: int, flexible: bool = False, client: bytes = b"test") -> bytes:
    return (struct.pack(">hhih", key, version, 7, len(client)) + client
            + (b"\0" if flexible else b""))


def framed(frame: bytes) -> bytes:
    return struct.pack(">i", len(frame)) + frame


class Bench:
    """One running broker and the honest clients around each case."""

    def __init__(self, folder: pathlib.Path, settings: Optional[Dict[str, object]] = None,
                 bound_memory: bool = True):
        self.bound_memory = bound_memory
        # Deep enough that a name with some ".." in it stays within what is looked at.
        self.outside = folder
        deep = folder / "some" / "where" / "deep"
        deep.mkdir(parents=True)
        self.broker: Broker = brokers.Barnabas(deep, {"auto.create.topics.enable": "false",
                                                      **(settings or {})})
        if "listeners" in self.broker.settings:  # the case's own: the first one is the clients'
            first = str(self.broker.settings["listeners"]).split(",")[0]
            self.broker.port = int(first.rsplit(":", 1)[1])
        self.broker.start()
        self.before = Client(self.broker.address)
        self.before.create_topic(TOPIC)
        self.allowed = self.roots()
        self.pulse("warms up", self.before)
        self.fresh_pulse()

    def close(self) -> None:
        self.before.close()
        self.broker.kill()

    @property
    def address(self):
        return self.broker.address

    @property
    def pid(self) -> int:
        return self.broker.process.pid

    # --- what must hold afterwards ---

    def run(self, chosen: Case) -> None:
        rss = self.rss_kib("VmRSS")
        self.reset_peak()
        chosen.function(self)
        self.must_live()
        self.pulse("the client from before", self.before)
        self.fresh_pulse()
        if self.bound_memory:
            grown = (self.rss_kib("VmHWM") - rss) / 1024
            require(grown <= chosen.peak_mib,
                    f"memory peaked {grown:.1f} MiB above {rss / 1024:.1f}: "
                    f"{chosen.peak_mib} MiB are allowed")
        new = self.roots() - self.allowed
        require(not new, f"outside of the data directory there is now {sorted(new)}")

    def must_live(self) -> None:
        code = self.broker.process.exit_code()
        require(code is None, f"the broker exited with {code}\n{self.broker.process.log_tail()}")

    def pulse(self, who: str, client: Client) -> None:
        """Produces and reads back."""
        value = b"%s %d" % (who.encode(), time.monotonic_ns())
        try:
            offset = client.produce_records(TOPIC, 0, [Record(value)])
            part = client.fetch(TOPIC, 0, offset, max_wait_ms=1000)
            batches = decode_batches(part["Records"] or b"")
        except (Closed, OSError, messages.Malformed) as error:
            raise Failure(f"{who} is not served any more: {error!r}") from None
        require(batches and batches[0].records[0].value == value,
                f"{who} did not read back what it wrote at {offset}")

    def fresh_pulse(self) -> None:
        try:
            with Client(self.address) as client:
                self.pulse("a fresh client", client)
        except OSError as error:
            raise Failure(f"a fresh client cannot connect: {error}") from None

    def roots(self) -> Set[str]:
        """Every path in the scratch folder, but for what is inside of a data directory."""
        data = [str(path) for path in self.broker.log_dirs]
        found = set()
        for parent, folders, files in os.walk(self.outside):
            found.update(os.path.join(parent, name) for name in folders + files)
            folders[:] = [name for name in folders
                          if not any(os.path.join(parent, name).startswith(dir) for dir in data)]
        return found

    def rss_kib(self, field: str) -> int:
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise Failure(f"no {field} of process {self.pid}")

    def reset_peak(self) -> None:
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def log(self) -> str:
        return self.broker.process.log.read_text(errors="replace")

    # --- sending ---

    def connect(self, timeout_s: float = PATIENCE_S) -> Connection:
        return Connection(self.address, timeout_s)

    def client(self) -> Client:
        return Client(self.address)

    def expect_closed(self, data: bytes) -> None:
        with self.connect() as connection:
            with contextlib.suppress(Closed):
                connection.send_raw(data)
            try:
                answer = connection.receive()
            except Silent:
                raise Failure("no answer, and the connection is open") from None
            except Closed:
                return
            raise Failure(f"answered with {answer[:80].hex()}")

    def expect_frame_closed(self, frame: bytes) -> None:
        self.expect_closed(framed(frame))

    def ask_frame(self, frame: bytes, api: str, version: int) -> Dict[str, Any]:
        with self.connect() as connection:
            connection.send(frame)
            return messages.decode_response(api, version, connection.receive())[1]

    def served(self, api: str) -> bool:
        key = messages.definitions()[api + "Request"].key
        with self.client() as client:
            rows = client.ask("ApiVersions", 0)["ApiKeys"]
        return any(row["ApiKey"] == key for row in rows)

    def new_topic(self, name: str, partitions: int = 1, **configs: str) -> str:
        self.before.create_topic(name, partitions, configs)
        return name


def produce_frame(topic: str, records: Optional[bytes], partition: int = 0, version: int = 8,
                  acks: int = -1, timeout_ms: int = 15000) -> bytes:
    return messages.encode_request("Produce", version, {
        "Acks": acks, "TimeoutMs": timeout_ms, "TopicData": [
            {"Name": topic, "PartitionData": [{"Index": partition, "Records": records}]}]})


def produce_error(client: Client, topic: str, records: bytes, partition: int = 0) -> int:
    return client.produce(topic, partition, records)["ErrorCode"]


def good_batch(count: int = 1, size: int = 20) -> bytes:
    return encode_batch([Record(b"v" * size) for _ in range(count)], timestamp=TIME)
