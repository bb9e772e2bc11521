"""sarama: asynchronous producer with acks=1, idempotent for one codec, direct partition consumers, ClusterAdmin."""

from lib import built, clienttest, paths


def test(broker, folder):
    program = built.go_program(paths.CLIENTS / "go", "sarama")
    clienttest.roundtrip(broker, folder, "sarama", [program])


clienttest.main(test)
