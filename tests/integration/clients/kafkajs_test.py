"""kafkajs, with the codecs that plug into it: its producer, a consumer of a group, its admin."""

from lib import built, clienttest, paths


def test(broker, folder):
    node = built.node_command(paths.CLIENTS / "node")
    clienttest.roundtrip(broker, folder, "kafkajs", [*node, str(paths.CLIENTS / "node" / "kafkajs.js")],
                         sayable=clienttest.with_a_map_of_headers)


clienttest.main(test)
