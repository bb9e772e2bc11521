"""Kafka's Java client 3.9.1: of the release whose place Barnabas takes."""

import java_clients

java_clients.main("3.9.1", java_clients.UNTIL_3_9)
