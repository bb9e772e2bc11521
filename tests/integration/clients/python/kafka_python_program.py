"""kafka-python; runs inside the virtual environment of requirements.txt."""

import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
from kafka.errors import UnknownTopicOrPartitionError

import frame
from lib import text
from lib.wire import Record

WAITING = 20_000  # records on their way at most


class KafkaPython(frame.Client):
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin = KafkaAdminClient(bootstrap_servers=bootstrap)

    def create(self, topic, partitions, configs):
        self.admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])

    def partitions(self, topic):
        try:
            found = self.admin.describe_topics([topic])[0]
        except UnknownTopicOrPartitionError:
            return None
        return None if found["error_code"] else len(found["partitions"])

    def read_config(self, topic, name):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        found = self.admin.describe_configs([resource])
        return found["topic"][topic][name]["value"]

    def alter_config(self, topic, name, value):
        self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})])

    def add_partitions(self, topic, total):
        self.admin.create_partitions({topic: NewPartitions(total)})

    def delete_records(self, topic, partition, before):
        self.admin.delete_records({TopicPartition(topic, partition): before})

    def delete(self, topics):
        self.admin.delete_topics(list(topics))

    def produce(self, topic, codec, placed):
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", linger_ms=20, batch_size=65536,
            compression_type=None if codec == "none" else codec)
        waiting = []
        for partition, _, record in placed:
            waiting.append(producer.send(topic, value=record.value, key=record.key,
                                         headers=list(record.headers), partition=partition))
            if len(waiting) == WAITING:
                self._delivered(waiting)
                waiting = []
        producer.flush(60)
        self._delivered(waiting)
        producer.close()

    @staticmethod
    def _delivered(futures):
        for future in futures:
            future.get(frame.PATIENCE_S)

    def consume(self, topic, counts):
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=None, enable_auto_commit=False,
            check_crcs=True, max_poll_records=5000)
        places = [TopicPartition(topic, p) for p in range(len(counts))]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        got, wanted = [], sum(counts)
        while len(got) < wanted:
            polled = consumer.poll(timeout_ms=int(frame.PATIENCE_S * 1000))
            if not polled:
                raise frame.Stalled(f"after {len(got)} records")
            for messages in polled.values():
                for one in messages:
                    got.append(text.Placed(one.partition, one.offset,
                                           Record(one.value, one.key, tuple(map(tuple, one.headers)))))
        consumer.close()
        return got


frame.run(KafkaPython(sys.argv[1]), sys.argv[1:])
