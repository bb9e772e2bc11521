"""aiokafka: its producer, idempotent for two codecs, a consumer of assigned partitions, its admin."""

from lib import built, clienttest, paths


def test(broker, folder):
    python = built.python_env(paths.CLIENTS / "python" / "requirements.txt")
    clienttest.roundtrip(broker, folder, "aiokafka",
                         [python, str(paths.CLIENTS / "python" / "aiokafka_program.py")])


clienttest.main(test)
