"""What the tests that run real programs share: brokers, the wire, Kafka's messages, a real text.

Python's standard library only, for Debian 12's python3.11. See ../README.md.
"""
