"""Frames, headers and bodies that are none."""

import struct

from bench import Bench, add, case, framed, header, require
from lib import messages
from lib.client import Client
from lib.process import wait_until
from lib.wire import Connection

GROUP = __name__
HTTP = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
TLS = bytes.fromhex("16030100c8010000c40303") + bytes(194)
SSH = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"
HUGE = b"\xff\xff\xff\xff\x0f"  # the unsigned varint 2^32 - 1

CLOSED = {
    "frame_length_negative": struct.pack(">i", -1),
    "frame_length_smallest": struct.pack(">i", -2**31),
    "frame_length_largest": struct.pack(">i", 2**31 - 1),
    "frame_length_above_the_limit": struct.pack(">i", 100 * 2**20 + 1),
    "frame_length_0": struct.pack(">i", 0),
    "frame_length_3": struct.pack(">i", 3) + b"abc",
    "http_get": HTTP,
    "tls_hello": TLS,
    "ssh_banner": SSH,
    "api_key_unknown": framed(header(255, 0)),
    "api_key_negative": framed(header(-1, 0)),
    "version_99": framed(header(3, 99) + bytes(4)),
    "version_minus_5": framed(header(3, -5) + bytes(4)),
    "client_id_length_30000": framed(struct.pack(">hhih", 3, 1, 7, 30000) + bytes(4)),
    "array_count_largest": framed(header(3, 1) + struct.pack(">i", 2**31 - 1)),
    "compact_array_count_largest": framed(header(3, 9, True) + HUGE),
    "varint_of_12_bytes": framed(header(3, 9, True) + b"\xff" * 11 + b"\x01"),
    "string_past_the_end": framed(header(3, 1) + struct.pack(">ih", 1, 500) + b"abc"),
    "string_minus_2_in_an_array": framed(header(3, 1) + struct.pack(">ih", 1, -2)),
    "tag_count_largest_in_the_body": framed(header(3, 9, True) + b"\1\1\0\0" + HUGE),
    "tag_count_largest_in_the_header": framed(header(3, 9) + HUGE),
}

for _name, _data in CLOSED.items():
    add(GROUP, _name, lambda b, data=_data: b.expect_closed(data))


@case()
def client_id_length_minus_7(b: Bench) -> None:
    """Any negative length of a nullable string is null to Kafka's own reader."""
    frame = struct.pack(">hhihi", 3, 1, 7, -7, 0)
    require(b.ask_frame(frame, "Metadata", 1)["Topics"] == [], "answered as with a null client id")


@case()
def api_versions_99(b: Bench) -> None:
    """Clients rely on this to find out what there is."""
    frame = header(18, 99, True) + b"\x02a\x02b\0"
    answer = b.ask_frame(frame, "ApiVersions", 0)
    require(answer["ErrorCode"] == 35, f"UNSUPPORTED_VERSION: {answer}")
    require([row["ApiKey"] for row in answer["ApiKeys"]] == [18], f"ApiVersions itself: {answer}")


@case()
def array_count_minus_9(b: Bench) -> None:
    answer = b.ask_frame(header(3, 1) + struct.pack(">i", -9), "Metadata", 1)
    require("honest" in [topic["Name"] for topic in answer["Topics"]], "null stands for all topics")


@case()
def one_log_line_for_an_address(b: Bench) -> None:
    """A noisy peer fills no disk: whatever thread its connections are on, one line a minute."""
    for data in (HTTP, TLS, SSH) * 20:
        connection = Connection.__new__(Connection)
        connection.socket = _from_address("127.0.0.77", b.address)
        with connection:
            connection.send_raw(data)
            require(connection.is_closed_by_peer(), "closed")
    lines = [line for line in b.log().splitlines() if "127.0.0.77" in line]
    require(len(lines) == 1, f"one line: {lines}")
    require("HTTP" in lines[0], f"that says what it looks like: {lines}")


def _from_address(source: str, target):
    import socket
    made = socket.create_connection(target, 20.0, source_address=(source, 0))
    return made
