"""segmentio's kafka-go: a Writer with acks=all, a Reader for each partition, its Client for the topics."""

from lib import built, clienttest, paths


def test(broker, folder):
    program = built.go_program(paths.CLIENTS / "go", "kafka_go")
    clienttest.roundtrip(broker, folder, "kafka-go", [program],
                         admin=[word for word in clienttest.ADMIN if word != "delete-records"])


clienttest.main(test)
