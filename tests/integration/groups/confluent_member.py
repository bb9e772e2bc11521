"""A member of a group on confluent-kafka; run by the python of clients/python/requirements.txt.

    confluent_member.py TOPIC KEY=VALUE...

Prints a line of JSON for whatever happens and commits what it has printed. Ends, leaving the group, at
the end of its standard input.
"""

import json
import sys
import threading

from confluent_kafka import Consumer, KafkaError, KafkaException


def tell(**event):
    print(json.dumps(event), flush=True)


def main():
    topic, settings = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
    cooperative = settings.get("partition.assignment.strategy") == "cooperative-sticky"
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    consumer = Consumer({"enable.auto.commit": False, "auto.offset.reset": "earliest", **settings})

    def assigned(_, partitions):
        if cooperative:
            consumer.incremental_assign(partitions)
        else:
            consumer.assign(partitions)
        tell(event="assigned", partitions=sorted(p.partition for p in partitions))

    def revoked(_, partitions):
        if cooperative:
            consumer.incremental_unassign(partitions)
        else:
            consumer.unassign()
        tell(event="revoked", partitions=sorted(p.partition for p in partitions))

    def lost(_, partitions):
        tell(event="lost", partitions=sorted(p.partition for p in partitions))

    consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked, on_lost=lost)
    while not ended.is_set():
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error():
            if message.error().code() != KafkaError._PARTITION_EOF:
                tell(event="error", text=str(message.error()))
            continue
        tell(event="record", partition=message.partition(), offset=message.offset(),
             value=message.value().decode())
        try:
            consumer.commit(message, asynchronous=False)
        except KafkaException as error:  # a rebalance has begun: the next owner reads it again
            tell(event="refused", text=str(error))
    consumer.close()
    tell(event="left")


main()
