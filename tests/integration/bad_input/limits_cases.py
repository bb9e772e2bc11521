"""Kafka's bounds per broker, listener and address; each with a broker of its own. And what a client
can see of the order in which pipelined requests are carried out, and of a clean stop."""

import contextlib
import select
import socket
import struct
import time
from typing import Optional

from bench import TIME, TOPIC, Bench, case, framed, good_batch, produce_frame, require
from lib import messages
from lib.client import Client
from lib.process import free_port, wait_until
from lib.wire import Closed, Connection, Record, decode_batches, encode_batch

METADATA = framed(messages.encode_request("Metadata", 9, {"Topics": []}, 7))


def connect(b: Bench, source: str = "127.0.0.1", port: Optional[int] = None) -> Connection:
    made = Connection.__new__(Connection)
    made.socket = socket.create_connection((b.address[0], port or b.address[1]), 20.0,
                                           source_address=(source, 0))
    return made


def is_answered(connection: Connection, timeout_s: float = 10.0) -> bool:
    """Whether a request on it is answered in time."""
    connection.socket.settimeout(timeout_s)
    try:
        connection.send_raw(METADATA)
        connection.receive()
        return True
    except Closed:  # Silent, too
        return False


@case(settings={"max.connections.per.ip": 100, "max.connections.per.ip.overrides":
                "127.0.0.9:2, localhost:90"})
def connections_of_an_address(b: Bench) -> None:
    """max.connections.per.ip and its overrides: what is too much is closed, others do not notice."""
    with contextlib.ExitStack() as open_ones:
        two = [open_ones.enter_context(connect(b, "127.0.0.9")) for _ in range(2)]
        require(all(is_answered(one) for one in two), "two of 127.0.0.9 are served")
        for _ in range(20):
            with connect(b, "127.0.0.9") as third:
                require(third.is_closed_by_peer(), "a third one is closed")
        others = [open_ones.enter_context(connect(b, "127.0.0.10")) for _ in range(100)]
        require(all(is_answered(one) for one in others), "100 of another address are served")
        with connect(b, "127.0.0.10") as one:
            require(one.is_closed_by_peer(), "the 101st is closed")
        two.pop().close()
        def again() -> bool:
            with connect(b, "127.0.0.9") as one:
                return is_answered(one)
        wait_until(again, "where one was closed another may come")
    lines = [line for line in b.log().splitlines() if "127.0.0.9 " in line]
    require(len(lines) == 1, f"one log line of it: {lines}")


def internal_settings(**more: object) -> dict:
    clients, brokers_port = free_port(), free_port()
    return {"listeners": f"PLAINTEXT://127.0.0.1:{clients},INTERNAL://127.0.0.1:{brokers_port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT",
            "inter.broker.listener.name": "INTERNAL", **more}


def internal_port(b: Bench) -> int:
    return int(str(b.broker.settings["listeners"]).rsplit(":", 1)[1])


@case(settings=internal_settings(**{"max.connections": 6,
                                    "listener.name.internal.max.connections": 3}))
def connections_of_a_broker_and_of_a_listener(b: Bench) -> None:
    """max.connections: one more waits to be accepted. The brokers' listener has a bound of its own,
    and takes the place of the longest idle client."""
    with contextlib.ExitStack() as open_ones:
        # The honest client from before is one of the six.
        clients = [open_ones.enter_context(connect(b)) for _ in range(5)]
        require(all(is_answered(one) for one in clients), "six clients are served")
        seventh = open_ones.enter_context(connect(b))
        require(not is_answered(seventh, 0.5), "the seventh waits")
        clients.pop().close()
        require(struct.unpack(">i", seventh._exactly(4)), "and is served when one is closed")
        for one in (*clients, seventh):
            one.socket.settimeout(10.0)
        require(is_answered(clients[1]), "now the first is the longest idle")
        b.pulse("the client from before", b.before)
        internal = [open_ones.enter_context(connect(b, port=internal_port(b))) for _ in range(3)]
        require(all(is_answered(one) for one in internal), "three brokers are served all the same")
        fourth = open_ones.enter_context(connect(b, port=internal_port(b)))
        require(not is_answered(fourth, 0.5), "the fourth waits")
        require(clients[0].is_closed_by_peer(), "the longest idle client made place")


@case(settings={"max.connection.creation.rate": 20, "quota.window.num": 2,
                "quota.window.size.seconds": 1})
def connections_that_come_too_fast(b: Bench) -> None:
    """max.connection.creation.rate: beyond it they wait, none is lost."""
    began = time.monotonic()
    for _ in range(80):
        with connect(b) as one:
            require(is_answered(one), "served")
    took = time.monotonic() - began
    # A window's worth comes at once: 40, but for those that were made before.
    require(took > 1.5, f"80 connections at 20 a second, 40 of them at once, took {took:.2f} s")
    require(took < 20, f"80 connections at 20 a second took {took:.2f} s")


@case(settings={"connections.max.idle.ms": 1500})
def idle_connections_are_closed(b: Bench) -> None:
    with connect(b) as idle, connect(b) as busy:
        require(is_answered(idle), "served")
        deadline = time.monotonic() + 20
        while not select.select([idle.socket], [], [], 0.1)[0]:
            require(time.monotonic() < deadline, "closed within 20 s")
            require(is_answered(busy), "one that asks stays")
            b.pulse("the client from before", b.before)
        require(idle.is_closed_by_peer(), "closed, nothing else")
        require(is_answered(busy), "one that asks stays")


@case(settings={"socket.request.max.bytes": 100_000, "queued.max.request.bytes": 200_000})
def small_bounds_for_requests(b: Bench) -> None:
    """socket.request.max.bytes to the byte; queued.max.request.bytes lets every allowed one in."""
    frame = produce_frame(TOPIC, good_batch())
    room = 100_000 - len(frame)
    largest = produce_frame(TOPIC, good_batch(1, 20 + room - 4))
    while len(largest) < 100_000:
        largest = produce_frame(TOPIC, good_batch(1, 20 + room - 4 + 100_000 - len(largest)))
    with contextlib.ExitStack() as open_ones:
        slow = [open_ones.enter_context(b.connect()) for _ in range(4)]
        for one in slow:  # more than may be queued; they finish in turn
            one.send_raw(framed(largest)[:-10])
        for one in slow:
            one.send_raw(framed(largest)[-10:])
            one.receive()
    b.expect_frame_closed(produce_frame(TOPIC, good_batch(1, 100_000)))


def fetch_frame(topic: str, wait_ms: int, offset: int = 0, correlation: int = 1) -> bytes:
    return messages.encode_request("Fetch", 11, {
        "ReplicaId": -1, "MaxWaitMs": wait_ms, "MinBytes": 1, "MaxBytes": 1 << 20,
        "IsolationLevel": 0, "SessionId": 0, "SessionEpoch": -1, "RackId": "", "Topics": [
            {"Topic": topic, "Partitions": [{"Partition": 0, "FetchOffset": offset,
                                             "LogStartOffset": -1, "CurrentLeaderEpoch": -1,
                                             "PartitionMaxBytes": 1 << 20}]}]}, correlation)


@case()
def pipelined_behind_a_long_poll(b: Bench) -> None:
    """A produce request behind a fetch that waits is carried out after it, as in Kafka: the fetch is
    answered empty, not with what its own client sends after it."""
    topic = b.new_topic("behind-a-long-poll")
    with b.connect() as connection:
        connection.send_raw(framed(fetch_frame(topic, 700)) + framed(produce_frame(topic, good_batch()))
                            + framed(fetch_frame(topic, 700)))
        began = time.monotonic()
        first = messages.decode_response("Fetch", 11, connection.receive())[1]
        took = time.monotonic() - began
        part = first["Responses"][0]["Partitions"][0]
        require(not part["Records"] and part["HighWatermark"] == 0, f"nothing was there yet: {part}")
        require(took > 0.5, f"the fetch waited ({took:.2f} s)")
        produced = messages.decode_response("Produce", 8, connection.receive())[1]
        require(produced["Responses"][0]["PartitionResponses"][0]["ErrorCode"] == 0, "produced")
        second = messages.decode_response("Fetch", 11, connection.receive())[1]
        require(decode_batches(second["Responses"][0]["Partitions"][0]["Records"]), "and read")


@case()
def long_poll_woken_by_others(b: Bench) -> None:
    """While it keeps back what follows on its connection, it is woken by everybody else."""
    topic = b.new_topic("woken-by-others")
    with b.connect() as connection, b.client() as other:
        connection.send_raw(framed(fetch_frame(topic, 15000)) + METADATA)
        began = time.monotonic()
        other.produce_records(topic, 0, [Record(b"wakes it")])
        part = messages.decode_response("Fetch", 11, connection.receive())[1]
        require(decode_batches(part["Responses"][0]["Partitions"][0]["Records"]), "woken")
        connection.receive()
        require(time.monotonic() - began < 10, "at once")


@case()
def train_of_everything(b: Bench) -> None:
    """Requests of one train see the effects of those before them, whatever they are."""
    topic = b.new_topic("train-of-everything")
    latest = {"ReplicaId": -1, "IsolationLevel": 0, "Topics": [{"Name": topic, "Partitions": [
        {"PartitionIndex": 0, "CurrentLeaderEpoch": -1, "Timestamp": -1}]}]}
    train, rounds = b"", 50
    for _ in range(rounds):
        train += (framed(produce_frame(topic, good_batch()))
                  + framed(messages.encode_request("ListOffsets", 5, latest)))
    with b.connect() as connection:
        connection.send_raw(train)
        for number in range(rounds):
            connection.receive()
            answer = messages.decode_response("ListOffsets", 5, connection.receive())[1]
            offset = answer["Topics"][0]["Partitions"][0]["Offset"]
            require(offset == number + 1, f"the end is {offset} after {number + 1} produce requests")


@case(settings={"group.initial.rebalance.delay.ms": 60_000})
def clean_stop_with_long_polls(b: Bench) -> None:
    """Clients that wait do not hold up a clean stop; its log has neither warnings nor errors."""
    topic = b.new_topic("stopped")
    connections = [b.connect() for _ in range(20)]
    for connection in connections:
        connection.send(fetch_frame(topic, 60_000))
    member = b.client()
    member.send("JoinGroup", 3, SessionTimeoutMs=30000, RebalanceTimeoutMs=60000, MemberId="",
                GroupId="stopped", ProtocolType="consumer",
                Protocols=[{"Name": "range", "Metadata": b""}])
    b.fresh_pulse()
    began = time.monotonic()
    log = b.broker.process.log
    require(b.broker.stop() == 0, "exit code 0")
    took = time.monotonic() - began
    require(took < 3, f"stopped in {took:.2f} s")
    for connection in connections:  # answered with what there is, or just closed
        with contextlib.suppress(Closed):
            answer = messages.decode_response("Fetch", 11, connection.receive())[1]
            require(answer["ErrorCode"] == 0, f"answered with {answer}")
        require(connection.is_closed_by_peer(), "closed")
        connection.close()
    member.close()
    lines = [line for line in log.read_text().splitlines() if " WARN " in line or " ERROR " in line]
    require(not lines, f"nothing to warn of: {lines}")
    b.before.close()
    b.broker.start()
    b.before = Client(b.address)
