"""kcat: the text out and back with every codec, one partition with headers and one without.

kcat gives one set of headers to a whole run, and -Z makes every empty key or value null; so this
test's records are those that kcat can say.
"""

import pathlib
import re
from typing import Iterator, List

from lib import brokers, clienttest, paths, stored, text
from lib.wire import Record

KCAT = "/usr/bin/kcat"
HEADERS = (("origin", "caf\u00e9".encode()), ("n", b"1"))
CODECS = text.CODECS
_ROW = re.compile(rb"(\d+) (\d+) (-?\d+) (-?\d+) ([^|]*)\|")


def sayable(placed: List[text.Placed]) -> List[text.Placed]:
    return [p._replace(record=Record(p.record.value or None, p.record.key or None,
                                     HEADERS if p.partition == 0 else ())) for p in placed]


def as_input(placed: List[text.Placed]) -> bytes:
    rows = []
    for _, _, record in placed:
        key = b"" if record.key is None else record.key
        rows.append(key + b"\t" + (b"" if record.value is None else record.value) + b"\n")
    return b"".join(rows)


def parse(data: bytes) -> Iterator[text.Placed]:
    at = 0
    while at < len(data):
        row = _ROW.match(data, at)
        if not row:
            raise AssertionError(f"kcat printed {data[at:at + 100]!r}")
        partition, offset, key_size, value_size = (int(row[i]) for i in range(1, 5))
        headers = tuple((part.split(b"=", 1)[0].decode(), part.split(b"=", 1)[1])
                        for part in row[5].split(b",") if part)
        fields, at = [], row.end()
        for size in (key_size, value_size):
            fields.append(None if size < 0 else data[at:at + size])
            at += max(size, 0)
        if data[at:at + 1] != b"\n":
            raise AssertionError(f"kcat printed {data[at:at + 100]!r} at the end of a record")
        at += 1
        yield text.Placed(partition, offset, Record(fields[1], fields[0], headers))


def test(broker: brokers.Broker, folder: pathlib.Path) -> None:
    paths.program(KCAT, "kcat")
    wanted = sayable(text.place(text.records(clienttest.records()), 2))
    clienttest.create_topics(broker, CODECS, 2)
    for codec in CODECS:
        topic = clienttest.topic_of(codec)
        for partition in range(2):
            headers = [part for name, value in HEADERS if partition == 0
                       for part in ("-H", f"{name}={value.decode()}")]
            clienttest.run([KCAT, "-P", "-b", broker.bootstrap, "-t", topic, "-p", str(partition),
                            "-K", "\t", "-Z", "-z", codec, *headers],
                           input=as_input([p for p in wanted if p.partition == partition]))
        got = []
        for partition in range(2):
            done = clienttest.run([KCAT, "-C", "-b", broker.bootstrap, "-t", topic, "-p",
                                   str(partition), "-o", "beginning", "-e", "-q",
                                   "-f", r"%p %o %K %S %h|%k%s\n"])
            got += parse(done.stdout)
        clienttest.check_ends(broker, topic, wanted)
        stored.check_codec(broker, topic, codec, len(wanted))
        clienttest.check(wanted, got, f"kcat, {codec}")


clienttest.main(test)
