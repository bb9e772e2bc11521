"""rust-rdkafka on Debian's librdkafka: FutureProducer, a consumer of assigned partitions, AdminClient."""

from lib import built, clienttest, paths


def test(broker, folder):
    program = built.rust_program(paths.CLIENTS / "rust", "rust_rdkafka")
    clienttest.roundtrip(broker, folder, "rust-rdkafka", [program],
                         admin=[word for word in clienttest.ADMIN if word != "delete-records"])


clienttest.main(test)
