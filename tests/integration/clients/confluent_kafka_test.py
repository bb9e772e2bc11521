"""confluent-kafka (Python, the newest librdkafka): idempotent for two codecs, AdminClient."""

from lib import built, clienttest, paths


def test(broker, folder):
    python = built.python_env(paths.CLIENTS / "python" / "requirements.txt")
    clienttest.roundtrip(broker, folder, "confluent-kafka",
                         [python, str(paths.CLIENTS / "python" / "confluent_kafka_program.py")])


clienttest.main(test)
