"""confluent-kafka (Python): the text out and back with every codec, read by assignment."""

import pathlib

from lib import brokers, built, clienttest, text

HERE = pathlib.Path(__file__).resolve().parent
PARTITIONS = 3


def test(broker: brokers.Broker, folder: pathlib.Path) -> None:
    python = built.python_env(HERE / "python" / "requirements.txt")
    wanted = text.place(text.records(), PARTITIONS)
    source, target = folder / "records", folder / "readback"
    source.write_bytes(text.to_bytes(wanted))
    clienttest.create_topics(broker, text.CODECS, PARTITIONS)
    for codec in text.CODECS:
        idempotent = "yes" if codec in ("none", "zstd") else "no"
        clienttest.run([python, str(HERE / "python" / "roundtrip.py"), broker.bootstrap,
                        clienttest.topic_of(codec), codec, idempotent, str(PARTITIONS), str(source),
                        str(target)])
        clienttest.check_ends(broker, clienttest.topic_of(codec), wanted)
        clienttest.check(wanted, list(text.from_bytes(target.read_bytes())),
                         f"confluent-kafka, {codec}, idempotent: {idempotent}")


clienttest.main(test)
