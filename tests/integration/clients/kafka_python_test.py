"""kafka-python: its producer, a consumer of assigned partitions, KafkaAdminClient."""

from lib import built, clienttest, paths


def test(broker, folder):
    python = built.python_env(paths.CLIENTS / "python" / "requirements.txt")
    clienttest.roundtrip(broker, folder, "kafka-python",
                         [python, str(paths.CLIENTS / "python" / "kafka_python_program.py")],
                         sayable=clienttest.without_null_headers)


clienttest.main(test)
