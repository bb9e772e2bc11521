"""node-rdkafka on Debian's librdkafka: producer, a consumer of assigned partitions, AdminClient."""

from lib import built, clienttest, paths


def test(broker, folder):
    node = built.node_command(paths.CLIENTS / "node", "node-rdkafka")
    clienttest.roundtrip(broker, folder, "node-rdkafka",
                         [*node, str(paths.CLIENTS / "node" / "node_rdkafka.js")],
                         admin=("create", "describe", "add-partitions", "delete"),
                         sayable=clienttest.without_null_headers)


clienttest.main(test)
