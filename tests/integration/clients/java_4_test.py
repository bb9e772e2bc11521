"""Kafka's Java client 4.4.0: the newest; no longer speaks versions from before 2.1."""

import java_clients

java_clients.main("4.4.0", java_clients.SINCE_4_0)
