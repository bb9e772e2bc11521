"""Framing, ApiVersions, unknown keys and versions, DescribeCluster: what every connection meets."""

import struct

from lib import messages
from lib.process import wait_until
from lib.wire import Closed
from target import Target, case

def header(key: int, version: int, flexible: bool = False, client: bytes = b"test") -> bytes:
    head = struct.pack(">hhih", key, version, 7, len(client)) + client
    return head + (b"\0" if flexible else b"")


@case
def api_versions(t: Target) -> None:
    """Every key that we advertise has Kafka's range; nothing that Kafka has not is advertised."""
    for version in range(5):
        with t.fresh() as client:
            t.note(f"v{version}", "ApiVersions", version, client,
                   **({"ClientSoftwareName": "test", "ClientSoftwareVersion": "1.0"}
                      if version >= 3 else {}))


@case
def api_versions_refused(t: Target) -> None:
    for version in (5, 99, 32767):
        frame = header(18, version, flexible=True)
        t.note_frame(f"v{version}", frame + b"\x02a\x02b\0", api="ApiVersions", version=0)
    for label, name, number in (("empty name", "", "1.0"), ("empty version", "x", ""),
                                ("bad characters", "a b", "1.0"), ("a dash first", "-a", "1.0"),
                                ("dots and dashes", "a.b-c", "1.0-x.y")):
        for version in (3, 4):
            t.note(f"{label}, v{version}", "ApiVersions", version, ClientSoftwareName=name,
                   ClientSoftwareVersion=number)
    t.note_frame("truncated", header(18, 3, flexible=True) + b"\x05ab")
    with t.fresh() as client:  # the connection stays usable after the refusal
        client.connection.send(header(18, 99, flexible=True) + b"\x02a\x02b\0")
        client.connection.receive()
        t.note("afterwards", "ApiVersions", 2, client)


@case
def refused_frames(t: Target) -> None:
    for label, data in (
            ("length negative", struct.pack(">i", -1)),
            ("length smallest", struct.pack(">i", -2**31)),
            ("length above the limit", struct.pack(">i", 100 * 1024 * 1024 + 1)),
            ("length largest", struct.pack(">i", 2**31 - 1)),
            ("length 0", struct.pack(">i", 0)),
            ("length 3", struct.pack(">i", 3) + b"abc"),
            ("an HTTP request", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ("a TLS hello", bytes.fromhex("16030100c8010000c40303") + bytes(194))):
        t.note_bytes(label, data)
    for label, frame in (
            ("unknown key", header(255, 0)), ("largest key", header(32767, 0)),
            ("negative key", header(-1, 0)), ("Metadata v99", header(3, 99) + b"\0\0\0\0"),
            ("Metadata v13", header(3, 13, True) + b"\1\0\0\0\0\0"),
            ("Metadata v-1", header(3, -1) + b"\0\0\0\0"),
            ("Metadata v-5", header(3, -5) + b"\0\0\0\0"),
            ("Produce v12", header(0, 12, True)), ("Fetch v18", header(1, 18, True)),
            ("ListOffsets v10", header(2, 10, True)), ("CreateTopics v8", header(19, 8, True)),
            ("DeleteTopics v7", header(20, 7, True)), ("InitProducerId v6", header(22, 6, True)),
            ("DescribeConfigs v5", header(32, 5, True)), ("DescribeCluster v2", header(60, 2, True)),
            ("a KRaft request", header(62, 0, True)),
            ("client id beyond the end", struct.pack(">hhih", 3, 1, 7, 30000) + b"\0\0\0\0")):
        t.note_frame(label, frame)


@case
def broken_bodies(t: Target) -> None:
    for label, frame in (
            ("array count largest", header(3, 1) + struct.pack(">i", 2**31 - 1)),
            ("compact array largest", header(3, 9, True) + b"\xff\xff\xff\xff\x0f"),
            ("varint of 12 bytes", header(3, 9, True) + b"\xff" * 11 + b"\x01"),
            ("string past the end", header(3, 1) + struct.pack(">ih", 1, 500) + b"abc"),
            ("string -2 in an array", header(3, 1) + struct.pack(">ih", 1, -2)),
            ("null string in an array", header(3, 1) + struct.pack(">ih", 1, -1)),
            ("body missing", header(3, 1)),
            ("header cut", header(3, 1)[:6]),
            ("tagged header cut", header(3, 9)),
            ("Produce cut", header(0, 8) + b"\xff\xff\0\1"),
            ("Fetch topics beyond the end", header(1, 4) + struct.pack(">iiiibi", -1, 0, 0, 1, 0,
                                                                       2**30)),
            ("CreateTopics beyond the end", header(19, 2) + struct.pack(">i", 2**30))):
        t.note_frame(label, frame)
    t.note_frame("array -9 is null", header(3, 1) + struct.pack(">i", -9), api="Metadata", version=1)
    t.note_frame("bytes left over", header(3, 1) + struct.pack(">i", 0) + b"left over",
                 api="Metadata", version=1)
    t.note_frame("huge number of tags", header(3, 9, True) + b"\1\1\0\0" + b"\xff\xff\xff\xff\x0f",
                 api="Metadata", version=9)
    t.note_frame("unknown tag is skipped", header(3, 9, True) + b"\1\1\0\0" + b"\1\x63\3abc",
                 api="Metadata", version=9)
    t.note_frame("unknown tag in the header", header(3, 9)[:] + b"\1\x63\3abc" + b"\1\1\0\0\0",
                 api="Metadata", version=9)
    for length in (-1, -7):
        t.note_frame(f"client id length {length}", struct.pack(">hhihi", 3, 1, 7, length, 0),
                     api="Metadata", version=1)


@case
def answers_in_order(t: Target) -> None:
    """A train of different requests sent at once is answered in its order."""
    with t.fresh() as client:
        sent = []
        for number in range(30):
            api, version = (("Metadata", 9), ("ApiVersions", 3), ("DescribeCluster", 1))[number % 3]
            fields = {"ClientSoftwareName": "t", "ClientSoftwareVersion": "1"} if number % 3 == 1 else {}
            sent.append((api, version, client.send(api, version, **fields)))
        received = []
        for api, version, correlation in sent:
            try:
                client.receive(api, version, correlation)
                received.append(api)
            except (Closed, messages.Malformed) as error:
                received.append(str(error))
                break
        t.keep("train", "30 requests", received)
    with t.fresh() as client:  # half-closed after a whole request: the answer is still sent
        client.send("Metadata", 1, Topics=[])
        client.connection.socket.shutdown(1)
        t.keep("half-close", "Metadata v1", bool(client.connection.receive()))


@case
def describe_cluster(t: Target) -> None:
    for version in range(2):
        t.note(f"v{version}", "DescribeCluster", version)
        t.note(f"v{version} operations", "DescribeCluster", version,
               IncludeClusterAuthorizedOperations=True)
    t.note("controllers asked for", "DescribeCluster", 1, EndpointType=2)
    t.note("unknown endpoint type", "DescribeCluster", 1, EndpointType=7)


@case
def init_producer_id(t: Target) -> None:
    wait_until(lambda: t.client.ask("InitProducerId", 4, TransactionalId=None, TransactionTimeoutMs=1)
               ["ErrorCode"] == 0, "the first block of producer ids")
    for version in range(6):
        t.note(f"v{version}", "InitProducerId", version, kind="ordinary empty", TransactionalId=None,
               TransactionTimeoutMs=60000)
        t.note(f"v{version} empty transactional id", "InitProducerId", version, TransactionalId="",
               TransactionTimeoutMs=60000)
    first = t.client.ask("InitProducerId", 4, TransactionalId=None, TransactionTimeoutMs=60000)
    second = t.client.ask("InitProducerId", 4, TransactionalId=None, TransactionTimeoutMs=60000)
    t.keep("ids differ", "InitProducerId v4", first["ProducerId"] != second["ProducerId"])
    for label, producer, epoch in (("id without epoch", 5, -1), ("epoch without id", -1, 5),
                                   ("id and epoch", first["ProducerId"], 0)):
        t.note(label, "InitProducerId", 4, TransactionalId=None, TransactionTimeoutMs=60000,
               ProducerId=producer, ProducerEpoch=epoch)
    t.note("empty transactional id", "InitProducerId", 4, TransactionalId="",
           TransactionTimeoutMs=60000)
    t.note("timeout 0", "InitProducerId", 4, TransactionalId=None, TransactionTimeoutMs=0)
    t.note("timeout -1", "InitProducerId", 4, TransactionalId=None, TransactionTimeoutMs=-1)
