"""Runs inside the virtual environment of requirements.txt: produces a file of records with
confluent-kafka and reads them back by assignment.

    roundtrip.py BOOTSTRAP TOPIC CODEC IDEMPOTENT PARTITIONS IN OUT
"""

import pathlib
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition

from lib import text
from lib.wire import Record


def produce(bootstrap: str, topic: str, codec: str, idempotent: bool, placed: list) -> None:
    producer = Producer({
        "bootstrap.servers": bootstrap, "compression.type": codec, "acks": "all",
        "enable.idempotence": idempotent, "linger.ms": 20, "queue.buffering.max.messages": 200_000})
    failures = []

    def delivered(error, message) -> None:
        if error is not None:
            failures.append(f"{message.partition()}: {error}")

    for partition, _, record in placed:
        while True:
            try:
                producer.produce(topic, record.value, record.key, partition,
                                 headers=list(record.headers), on_delivery=delivered)
                break
            except BufferError:
                producer.poll(1.0)
        producer.poll(0)
    left = producer.flush(60)
    if left or failures:
        sys.exit(f"{left} records not delivered, {len(failures)} failed: {failures[:3]}")


def consume(bootstrap: str, topic: str, partitions: int) -> list:
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "unused-by-assignment",
        "enable.auto.commit": False, "enable.partition.eof": True, "check.crcs": True})
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
    got, ended = [], set()
    while len(ended) < partitions:
        message = consumer.poll(30.0)
        if message is None:
            sys.exit(f"nothing for 30 s after {len(got)} records")
        error = message.error()
        if error is None:
            headers = tuple((name, value) for name, value in message.headers() or ())
            got.append(text.Placed(message.partition(), message.offset(),
                                   Record(message.value(), message.key(), headers)))
        elif error.code() == KafkaError._PARTITION_EOF:
            ended.add(message.partition())
        else:
            raise KafkaException(error)
    consumer.close()
    return got


def main() -> None:
    bootstrap, topic, codec, idempotent, partitions, source, target = sys.argv[1:]
    produce(bootstrap, topic, codec, idempotent == "yes",
            list(text.from_bytes(pathlib.Path(source).read_bytes())))
    got = consume(bootstrap, topic, int(partitions))
    pathlib.Path(target).write_bytes(text.to_bytes(got))


main()
