"""confluent-kafka; runs inside the virtual environment of requirements.txt."""

import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource,
                                   NewPartitions, NewTopic)

import frame
from lib import text
from lib.wire import Record

IDEMPOTENT = ("none", "zstd")


class Confluent(frame.Client):
    def __init__(self, bootstrap):
        self.bootstrap = {"bootstrap.servers": bootstrap}
        self.admin = AdminClient(self.bootstrap)

    def create(self, topic, partitions, configs):
        for future in self.admin.create_topics([NewTopic(topic, partitions, 1, config=configs)]).values():
            future.result(frame.PATIENCE_S)

    def partitions(self, topic):
        found = self.admin.list_topics(topic, timeout=frame.PATIENCE_S).topics[topic]
        return None if found.error else len(found.partitions)

    def read_config(self, topic, name):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        return self.admin.describe_configs([resource])[resource].result(frame.PATIENCE_S)[name].value

    def alter_config(self, topic, name, value):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)])
        self.admin.incremental_alter_configs([resource])[resource].result(frame.PATIENCE_S)

    def add_partitions(self, topic, total):
        self.admin.create_partitions([NewPartitions(topic, total)])[topic].result(frame.PATIENCE_S)

    def delete_records(self, topic, partition, before):
        place = TopicPartition(topic, partition, before)
        self.admin.delete_records([place])[place].result(frame.PATIENCE_S)

    def delete(self, topics):
        for future in self.admin.delete_topics(list(topics)).values():
            future.result(frame.PATIENCE_S)

    def produce(self, topic, codec, placed):
        producer = Producer({
            **self.bootstrap, "compression.type": codec, "acks": "all",
            "enable.idempotence": codec in IDEMPOTENT, "linger.ms": 20,
            "queue.buffering.max.messages": 200_000})
        failures = []

        def delivered(error, message):
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

    def consume(self, topic, counts):
        consumer = Consumer({
            **self.bootstrap, "group.id": "unused-by-assignment", "enable.auto.commit": False,
            "enable.partition.eof": True, "check.crcs": True, "fetch.wait.max.ms": 50})
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(len(counts))])
        got, ended = [], set()
        while len(ended) < len(counts):
            message = consumer.poll(frame.PATIENCE_S)
            if message is None:
                raise frame.Stalled(f"after {len(got)} records")
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


frame.run(Confluent(sys.argv[1]), sys.argv[1:])
