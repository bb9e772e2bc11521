"""What the two Go clients' tests share: the same call, the same comparison."""

import pathlib

from lib import brokers, built, clienttest, text

PARTITIONS = 3


def roundtrip(command: str, broker: brokers.Broker, folder: pathlib.Path) -> None:
    program = built.go_program(pathlib.Path(__file__).resolve().parent / "go", command)
    wanted = text.place(text.records(), PARTITIONS)
    source, target = folder / "records", folder / "readback"
    source.write_bytes(text.to_bytes(wanted))
    clienttest.create_topics(broker, text.CODECS, PARTITIONS)
    for codec in text.CODECS:
        clienttest.run([program, broker.bootstrap, clienttest.topic_of(codec), codec,
                        str(PARTITIONS), str(source), str(target)])
        clienttest.check_ends(broker, clienttest.topic_of(codec), wanted)
        clienttest.check(wanted, list(text.from_bytes(target.read_bytes())), f"{command}, {codec}")
