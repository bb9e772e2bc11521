"""Crowds: slow, silent, greedy and unread clients, and too few descriptors.

While they are there, an honest client in a process of its own goes on. Its slowest rounds are held
against those it made before, generously: a stall of the broker is found, a busy machine is not.
"""

import contextlib
import os
import resource
import select
import socket
import struct
import threading
import time
from typing import Iterator, List

from bench import (TIME, TOPIC, Bench, case, framed, good_batch, header, produce_error,
                   produce_frame, require, MIB)
from lib import messages
from lib.client import Client
from lib.process import wait_until
from lib.wire import Record, encode_batch
from prober import Prober

# The p99 of the honest client among the crowd, at most.
TIMES_AS_SLOW = 20
ALWAYS_ALLOWED_MS = 250.0

METADATA = framed(messages.encode_request("Metadata", 9, {"Topics": []}, 7))
LONG_METADATA = framed(messages.encode_request("Metadata", 9, {"Topics": []}, 7, "c" * 1000))


def raise_own_limit() -> None:
    """Thousands of connections have their other ends in this process, and its brokers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    require(hard >= 8192, f"these cases need 8192 descriptors (ulimit -Hn), not {hard}")


raise_own_limit()


@contextlib.contextmanager
def honest(b: Bench) -> Iterator[None]:
    """Fails when the honest client was slowed down by what happens within."""
    with Prober(b.address) as prober:
        before = prober.since_last(300)
        prober.since_last(1)
        yield
        during = prober.since_last(100)
    allowed = max(TIMES_AS_SLOW * before["p99"], ALWAYS_ALLOWED_MS)
    print(f"        honest client: p99 {before['p99']:.2f} ms before, {during['p99']:.2f} ms "
          f"({during['rounds']} rounds) meanwhile")
    require(during["p99"] <= allowed, f"the honest client's p99 went from {before} to {during}")


class Crowd:
    """Plain non-blocking sockets, many of them."""

    def __init__(self, b: Bench, count: int, receive_buffer: int = 0):
        self.sockets: List[socket.socket] = []
        for _ in range(count):
            one = socket.socket()
            if receive_buffer:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            one.settimeout(20.0)
            one.connect(b.address)
            self.sockets.append(one)

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.sockets:
            one.close()

    def send(self, data: bytes) -> None:
        for one in self.sockets:
            one.sendall(data)

    def ended(self) -> int:
        """How many the broker has closed."""
        by_fd = {one.fileno(): one for one in self.sockets}
        poll = select.poll()  # select() ends at descriptor 1024, setblocking would disturb who sends
        for fd in by_fd:
            poll.register(fd, select.POLLIN)
        count = 0
        for fd, _ in poll.poll(0):
            one = by_fd[fd]
            try:
                count += one.recv(1, socket.MSG_PEEK) == b""
            except ConnectionError:
                count += 1
        return count


@case()
def truncated_200(b: Bench) -> None:
    before = b.descriptors()
    frame = framed(produce_frame(TOPIC, good_batch()))
    for cut in range(200):
        with b.connect() as connection:
            connection.send_raw(frame[:1 + cut % (len(frame) - 1)])
    wait_until(lambda: b.descriptors() <= before, "their descriptors are given back")


@case()
def reset_200(b: Bench) -> None:
    before = b.descriptors()
    frame = framed(produce_frame(TOPIC, good_batch()))
    for cut in range(200):
        with b.connect() as connection:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.send_raw(frame[:1 + cut % len(frame)])
    wait_until(lambda: b.descriptors() <= before, "their descriptors are given back")


@case()
def half_close_after_a_request(b: Bench) -> None:
    with b.connect() as connection:
        connection.send_raw(METADATA)
        connection.socket.shutdown(socket.SHUT_WR)
        connection.receive()
        require(connection.is_closed_by_peer(), "closed after the answer")


@case(peak_mib=24)
def slow_loris_300(b: Bench) -> None:
    """A request that comes byte by byte, 300 times; all are answered in the end."""
    with honest(b), Crowd(b, 300) as crowd:
        for at in range(len(METADATA)):
            crowd.send(METADATA[at:at + 1])
        for one in crowd.sockets:
            require(one.recv(4), "answered")


@case(peak_mib=16)
def silent_2000(b: Bench) -> None:
    """Connections that say nothing cost less than 4 KiB each, some that spoke once included."""
    with honest(b):
        before = b.rss_kib("VmRSS")
        with Crowd(b, 2000) as crowd:
            for one in crowd.sockets[::10]:
                one.sendall(METADATA)
                require(one.recv(4), "answered")
            wait_until(lambda: b.descriptors() > 2000, "all are accepted")
            each = (b.rss_kib("VmRSS") - before) / 2000
            print(f"        {each:.2f} KiB each")
            require(not b.bound_memory or each < 4, f"{each:.2f} KiB for each silent connection")
            require(crowd.ended() == 0, "none is closed")


@case()
def connects_3000(b: Bench) -> None:
    with honest(b):
        for _ in range(3000):
            with socket.create_connection(b.address, 20.0) as one:
                one.sendall(METADATA)
                require(one.recv(4), "answered")


@case(peak_mib=32)
def pipelined_20000_unread(b: Bench) -> None:
    """A client that asks and never reads is not read from any more; later it gets every answer."""
    with honest(b), Crowd(b, 1, receive_buffer=4096) as crowd:
        one = crowd.sockets[0]
        one.setblocking(False)
        data = memoryview(LONG_METADATA * 20_000)
        sent = pushed(one, data, quiet_s=0.5)
        require(sent < len(data), "the broker stopped reading")
        one.setblocking(True)
        sender = threading.Thread(target=lambda: one.sendall(data[sent:]), daemon=True)
        sender.start()
        with one.makefile("rb") as stream:
            for number in range(20_000):
                (size,) = struct.unpack(">i", stream.read(4))
                stream.read(size)
        sender.join(20.0)
        require(not sender.is_alive(), "all was sent")


def pushed(one: socket.socket, data: memoryview, quiet_s: float) -> int:
    """Sends until the other side has taken nothing for `quiet_s`; how many bytes that was."""
    sent = 0
    while sent < len(data) and select.select([], [one], [], quiet_s)[1]:
        sent += one.send(data[sent:sent + (1 << 16)])
    return sent


@case(peak_mib=48)
def fetches_unread_50_times_20(b: Bench) -> None:
    """A GiB of answers in all that nobody reads: they stay in the files."""
    topic = b.new_topic("four-mib", **{"max.message.bytes": str(2 * MIB)})
    with b.client() as client:
        for _ in range(4):
            require(produce_error(client, topic, good_batch(1, MIB - 100)) == 0, "data")
    ask = framed(messages.encode_request("Fetch", 11, {
        "ReplicaId": -1, "MaxWaitMs": 0, "MinBytes": 1, "MaxBytes": 4 * MIB, "IsolationLevel": 0,
        "SessionId": 0, "SessionEpoch": -1, "RackId": "", "Topics": [
            {"Topic": topic, "Partitions": [{"Partition": 0, "FetchOffset": 0, "LogStartOffset": -1,
                                             "CurrentLeaderEpoch": -1,
                                             "PartitionMaxBytes": 4 * MIB}]}]}))
    with honest(b), Crowd(b, 50, receive_buffer=4096) as crowd:
        crowd.send(ask * 20)
        for one in crowd.sockets:
            require(select.select([one], [], [], 20.0)[0], "the first answer begins")
        # One of them reads after all, and finds every answer whole.
        with crowd.sockets[25].makefile("rb") as stream:
            for _ in range(20):
                (size,) = struct.unpack(">i", stream.read(4))
                require(size > 4 * MIB - 1000 and len(stream.read(size)) == size, "whole")


@case(peak_mib=16)
def announced_100_mib_50_times(b: Bench) -> None:
    with honest(b), Crowd(b, 50) as crowd:
        crowd.send(struct.pack(">i", 100 * MIB) + produce_frame(TOPIC, good_batch())[:100]
                   + bytes(1024 - 100))
        b.fresh_pulse()


@case(peak_mib=352)
def junk_3_times_99_mib(b: Bench) -> None:
    """A produce request that turns out to be none, 297 MiB in all, of which the broker holds no more
    than its bound for bytes of requests (256 MiB by default); then it closes."""
    head = struct.pack(">i", 99 * MIB) + header(0, 8)
    body = b"\x01" * MIB
    with honest(b), Crowd(b, 3) as crowd:
        def junk(one: socket.socket) -> None:
            with contextlib.suppress(OSError):
                one.sendall(head)
                for _ in range(99):
                    one.sendall(body)
        senders = [threading.Thread(target=junk, args=(one,), daemon=True) for one in crowd.sockets]
        for sender in senders:
            sender.start()
        b.fresh_pulse()
        wait_until(lambda: crowd.ended() == 3, "all three are closed", 40.0)
        for sender in senders:
            sender.join(20.0)


@case(peak_mib=256)
def many_small_elements(b: Bench) -> None:
    """50 million empty names in a frame of 99 MiB: in memory each would take 16 times its 2 bytes."""
    count = (99 * MIB - 100) // 2
    body = header(3, 1) + struct.pack(">i", count) + bytes(2 * count)
    with honest(b), Crowd(b, 2) as crowd:
        for one in crowd.sockets:
            one.sendall(framed(body))
        wait_until(lambda: crowd.ended() == 2, "closed", 40.0)


@case(peak_mib=16)
def junk_with_no_api_3_times_99_mib(b: Bench) -> None:
    """A large frame whose first bytes are no request this broker takes: closed before it is read."""
    with honest(b), Crowd(b, 3) as crowd:
        for one in crowd.sockets:
            with contextlib.suppress(OSError):
                one.sendall(struct.pack(">i", 99 * MIB) + header(255, 0))
                one.sendall(bytes(4 * MIB))
        wait_until(lambda: crowd.ended() == 3, "closed")


@case(peak_mib=320)
def stalled_large_frames_make_room(b: Bench) -> None:
    """Large frames that stop halfway and fill the bound for all: an honest large request gets in."""
    with Crowd(b, 4) as crowd:
        head = struct.pack(">i", 99 * MIB) + produce_frame(TOPIC, good_batch())[:60]
        for one in crowd.sockets:
            one.setblocking(False)
            pushed(one, memoryview(head + bytes(90 * MIB)), quiet_s=1.0)
        with b.client() as client:
            began = time.monotonic()
            batches = [good_batch(1, MIB - 200) for _ in range(8)]
            for _ in range(3):
                for batch in batches:
                    code = produce_error(client, TOPIC, batch)
                    require(code == 0, f"error {code}")
            took = time.monotonic() - began
        require(took < 15, f"24 honest requests of 1 MiB took {took:.1f} s")


@case(settings={"log.initial.task.delay.ms": 100, "log.segment.bytes": MIB,
                "replica.high.watermark.checkpoint.interval.ms": 200})
def out_of_descriptors(b: Bench) -> None:
    """20 more descriptors, 200 connects: accept pauses, the log dir stays, the old client goes on
    and makes new segments meanwhile; there are some log lines, not thousands."""
    limit = max(int(name) for name in os.listdir(f"/proc/{b.pid}/fd")) + 20
    with Client(b.address) as old:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.prlimit(b.pid, resource.RLIMIT_NOFILE, (limit, hard))
        lines = len(b.log().splitlines())
        sockets = []
        for _ in range(200):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(b.address)
            sockets.append(one)
        batch = encode_batch([Record(b"x" * 100_000)], timestamp=TIME)
        checkpoint = b.broker.log_dirs[0] / "replication-offset-checkpoint"

        def rewritten_since(then: float) -> bool:
            return checkpoint.exists() and checkpoint.stat().st_mtime > then
        for _ in range(25):  # 2.5 MB: new segments
            code = produce_error(old, TOPIC, batch)
            require(code == 0, f"error {code} out of descriptors")
        asked = time.time()
        require(produce_error(old, TOPIC, batch) == 0, "produce goes on")
        wait_until(lambda: rewritten_since(asked), "the high watermark's checkpoint is written")
        said = b.log().splitlines()[lines:]
        require(any("accepts nothing" in line for line in said), f"accept pauses: {said[:5]}")
        require(len(said) < 50, f"{len(said)} log lines: {said[:10]}")
        require(not any("offline" in line for line in said), f"no log dir goes offline: {said[:10]}")
        for one in sockets:
            one.close()
        resource.prlimit(b.pid, resource.RLIMIT_NOFILE, (hard, hard))
