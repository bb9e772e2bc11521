"""Kafka's Java client 2.7.0: the last without topic ids."""

import java_clients

java_clients.main("2.7.0", java_clients.UNTIL_3_9)
