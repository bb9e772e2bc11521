"""franz-go: idempotent producer, a consumer of assigned partitions, kadm."""

from lib import built, clienttest, paths


def test(broker, folder):
    program = built.go_program(paths.CLIENTS / "go", "franz_go")
    clienttest.roundtrip(broker, folder, "franz-go", [program])


clienttest.main(test)
