"""kafka-console-producer and kafka-console-consumer of Kafka 3.9.1, on Debian's Java 17.

One producer for each codec into the same partition, one consumer over all of it: JVM starts are
most of this test's time.
"""

import pathlib
from typing import List

from lib import brokers, clienttest, text
from lib.client import Client
from lib.wire import Record

NULL = b"<null>"
TOPIC = "text"


def field(value: bytes) -> bytes:
    return NULL if value is None else value


def as_input(records: List[Record]) -> bytes:
    rows = []
    for record in records:
        headers = b",".join(name.encode() + b":" + field(value) for name, value in record.headers)
        rows.append(b"\t".join([headers or NULL, field(record.key), field(record.value)]) + b"\n")
    return b"".join(rows)


def parse(row: bytes) -> text.Placed:
    partition, offset, headers, key, value = row.split(b"\t", 4)

    def null(part: bytes) -> bytes:
        return None if part == NULL else part

    pairs = () if headers == b"NO_HEADERS" else tuple(
        (part.split(b":", 1)[0].decode(), null(part.split(b":", 1)[1]))
        for part in headers.split(b","))
    return text.Placed(int(partition.removeprefix(b"Partition:")),
                       int(offset.removeprefix(b"Offset:")), Record(null(value), null(key), pairs))


def test(broker: brokers.Broker, folder: pathlib.Path) -> None:
    records = text.records(clienttest.records())
    wanted: List[text.Placed] = []
    with Client(broker.address) as client:
        client.create_topic(TOPIC, 1)
    jit = "c1" if len(records) <= text.COUNT else "all"
    producer = brokers.java_command(folder, "kafka.tools.ConsoleProducer", jit=jit)
    for codec in text.CODECS:
        clienttest.run(
            [*producer, "--bootstrap-server", broker.bootstrap, "--topic", TOPIC,
             "--compression-codec", codec, "--property", "parse.key=true",
             "--property", "parse.headers=true", "--property", f"null.marker={NULL.decode()}"],
            input=as_input(records))
        wanted += [text.Placed(0, len(wanted) + i, record) for i, record in enumerate(records)]
    consumer = brokers.java_command(folder, "org.apache.kafka.tools.consumer.ConsoleConsumer",
                                    jit=jit)
    properties = [part for name in ("print.partition=true", "print.offset=true", "print.key=true",
                                    "print.headers=true", f"null.literal={NULL.decode()}")
                  for part in ("--property", name)]
    done = clienttest.run(
        [*consumer, "--bootstrap-server", broker.bootstrap, "--topic", TOPIC, "--partition", "0",
         "--offset", "earliest", "--max-messages", str(len(wanted)), "--timeout-ms", "30000",
         *properties])
    said = f"Processed a total of {len(wanted)} messages".encode()
    if said not in done.stderr:
        raise AssertionError(f"the consumer did not say {said!r}: {done.stderr[-2000:]!r}")
    got = [parse(row) for row in done.stdout.split(b"\n") if row]
    clienttest.check_ends(broker, TOPIC, wanted)
    clienttest.check(wanted, got, "Java 3.9.1 console, " + " ".join(text.CODECS))


clienttest.main(test)
