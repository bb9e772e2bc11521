"""Kafka's Java client 0.11.0.3: the first with headers and batches of magic 2, before zstd."""

import java_clients

java_clients.main("0.11.0.3", java_clients.BEFORE_1_0, codecs=("none", "gzip", "snappy", "lz4"),
                  admin=("create", "describe", "read-config", "alter-config", "delete"))
