"""Noise: random bytes, and valid requests of real clients with something wrong in them.

The seeds are fixed, so that a failure can be looked at: BARNABAS_NOISE_SEED and BARNABAS_NOISE_TIMES
(how often the usual number) make other and longer runs. Also meant for a broker under a sanitizer.
"""

import contextlib
import os
import pathlib
import random
import select
import socket
import struct
import tarfile
import time
from typing import Dict, List, Tuple

from bench import Bench, Failure, case, framed, require
from lib import messages, paths
from lib.wire import Closed

SEED = int(os.environ.get("BARNABAS_NOISE_SEED", "1"))
TIMES = int(os.environ.get("BARNABAS_NOISE_TIMES", "1"))

# Produce to DescribeConfigs: what clients send.
APIS = (0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 26, 32)
MUTATED = 621
RANDOM = 300
AT_ONCE = 60
# How long a request may go without an answer before its connection counts as one that waits (a long
# poll, a group's rebalance, a produce request with acks=0). Nothing is asserted of those.
WAITS_S = 1.0
FRAMES = paths.ROOT / "tests" / "golden" / "protocol" / "frames.tar.gz"


def recorded() -> Dict[int, List[bytes]]:
    """Requests of real clients by API key."""
    found: Dict[int, List[bytes]] = {}
    with tarfile.open(FRAMES) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            name = os.path.basename(member.name)
            if "_req_" in name and "interbroker" not in name and int(name[:3]) in APIS:
                found.setdefault(int(name[:3]), []).append(archive.extractfile(member).read())
    return found


def topics_in(frames: Dict[int, List[bytes]]) -> List[str]:
    """Those that the recorded clients write to, so that their requests reach a log."""
    names = set()
    for frame in frames[0]:
        for topic in messages.decode_request(frame)[2].get("TopicData", []):
            names.add(topic["Name"])
    return sorted(names)


def mutated(frame: bytes, dice: random.Random) -> bytes:
    """One to three things wrong behind the API key and version, which stay."""
    data = bytearray(frame)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(8, max(len(data), 9))
        kind = dice.randrange(8)
        if kind == 0:
            data[at:at + 1] = bytes([dice.randrange(256)])
        elif kind == 1:
            data[at:at + 1] = bytes([(data[at] if at < len(data) else 0) ^ 1 << dice.randrange(8)])
        elif kind == 2:
            data[at:at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0",
                                           bytes(4), b"\0\0\xff\xff"))
        elif kind == 3:
            data[at:at + 2] = dice.choice((b"\xff\xff", b"\x7f\xff", b"\x80\0", bytes(2)))
        elif kind == 4:
            del data[at:]
        elif kind == 5:
            del data[at:at + dice.randint(1, 16)]
        elif kind == 6:
            data[at:at] = dice.randbytes(dice.randint(1, 16))
        else:
            other = dice.randrange(8, max(len(data), 9))
            data[at:at] = data[other:other + dice.randint(1, 64)]
    return bytes(data)


class Sent:
    """One connection of a round: what it sent and what became of it."""

    def __init__(self, b: Bench, data: bytes):
        self.data = data
        self.socket = socket.create_connection(b.address, 20.0)
        self.outcome = "waits"
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def look(self) -> None:
        try:
            self.outcome = "answered" if self.socket.recv(1 << 16) else "closed"
        except ConnectionError:
            self.outcome = "closed"


def send_all(b: Bench, noise: List[bytes]) -> Dict[str, List[Sent]]:
    """Some at a time, each on its own connection; what became of them."""
    outcomes: Dict[str, List[Sent]] = {"answered": [], "closed": [], "waits": []}
    for start in range(0, len(noise), AT_ONCE):
        batch = [Sent(b, data) for data in noise[start:start + AT_ONCE]]
        open_ones = {one.socket: one for one in batch}
        deadline = time.monotonic() + WAITS_S
        while open_ones and time.monotonic() < deadline:
            for ready in select.select(list(open_ones), [], [], 0.05)[0]:
                open_ones.pop(ready).look()
        for one in batch:
            outcomes[one.outcome].append(one)
            one.socket.close()
        try:
            b.must_live()
            b.pulse("the client from before", b.before)
        except Failure as error:
            sent = "\n".join(one.data[:400].hex() for one in batch)
            raise Failure(f"{error}\nafter one of these (seed {SEED}):\n{sent}") from None
    print("        " + ", ".join(f"{len(ones)} {name}" for name, ones in outcomes.items()))
    return outcomes


@case(peak_mib=32)
def random_bytes_300(b: Bench) -> None:
    dice = random.Random(SEED)
    noise = []
    for number in range(RANDOM * TIMES):
        data = dice.randbytes(dice.randint(1, 4096))
        if number % 3 == 0:  # a frame as it seems
            data = framed(data)
        elif number % 3 == 1 and len(data) > 8:  # and one that begins like a request
            data = framed(struct.pack(">hh", dice.randrange(70), dice.randrange(12)) + data)
        noise.append(data)
    outcomes = send_all(b, noise)
    whole = [one for one in outcomes["waits"] if len(one.data) >= 4
             and 4 + struct.unpack_from(">i", one.data)[0] <= len(one.data)]
    # A frame that came whole and is no request closes its connection. Random bytes can be a request
    # that is not answered at once, but hardly ever are.
    require(len(whole) <= 3 * TIMES, f"{len(whole)} whole frames got no answer: "
                                     f"{[one.data[:40].hex() for one in whole[:5]]}")


@case(peak_mib=64)
def mutated_requests_621(b: Bench) -> None:
    """Of 22 APIs, as real clients send them."""
    dice = random.Random(SEED)
    frames = recorded()
    require(sorted(frames) == sorted(APIS), f"recorded requests of {sorted(frames)}")
    for topic in topics_in(frames):
        b.before.create_topic(topic, 4)
    noise = []
    for number in range(MUTATED * TIMES):
        noise.append(framed(mutated(dice.choice(frames[APIS[number % len(APIS)]]), dice)))
    outcomes = send_all(b, noise)
    require(len(outcomes["answered"]) > 50 * TIMES, "they are near enough to be answered")
    require(len(outcomes["closed"]) > 50 * TIMES, "and far enough to be refused")
