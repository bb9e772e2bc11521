"""rskafka: a partition client for each partition, its controller client for the topics."""

from lib import built, clienttest, paths


def test(broker, folder):
    program = built.rust_program(paths.CLIENTS / "rust", "rskafka")
    clienttest.roundtrip(broker, folder, "rskafka", [program],
                         admin=("create", "describe", "delete-records", "delete"),
                         sayable=clienttest.with_a_map_of_headers, create_configs=False)


clienttest.main(test)
