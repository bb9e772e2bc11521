"""aiokafka; runs inside the virtual environment of requirements.txt."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

import frame
from lib import text
from lib.wire import Record

WAITING = 20_000  # records on their way at most


def refuse(code, what):
    if code:
        raise for_code(code)(what)


class AioKafka(frame.Client):
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.loop = asyncio.new_event_loop()
        self.admin = self.wait(self._open())

    def wait(self, work):
        return self.loop.run_until_complete(work)

    async def _open(self):
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        return admin

    def create(self, topic, partitions, configs):
        answer = self.wait(self.admin.create_topics(
            [NewTopic(topic, partitions, 1, topic_configs=configs)]))
        for name, code, *_ in answer.topic_errors:
            refuse(code, name)

    def partitions(self, topic):
        found = self.wait(self.admin.describe_topics([topic]))[0]
        return None if found["error_code"] else len(found["partitions"])

    def read_config(self, topic, name):
        answer = self.wait(self.admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic)]))[0]
        code, message, _, _, entries = answer.resources[0]
        refuse(code, message)
        return {entry[0]: entry[1] for entry in entries}[name]

    def alter_config(self, topic, name, value):
        answers = self.wait(self.admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})]))
        for code, message, *_ in answers[0].resources:
            refuse(code, message)

    def add_partitions(self, topic, total):
        answer = self.wait(self.admin.create_partitions({topic: NewPartitions(total)}))
        for name, code, *_ in answer.topic_errors:
            refuse(code, name)

    def delete_records(self, topic, partition, before):
        self.wait(self.admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)}))

    def delete(self, topics):
        answer = self.wait(self.admin.delete_topics(list(topics)))
        for name, code in answer.topic_error_codes:
            refuse(code, name)

    def produce(self, topic, codec, placed):
        self.wait(self._produce(topic, codec, placed))

    async def _produce(self, topic, codec, placed):
        idempotent = codec in ("none", "lz4")
        async with AIOKafkaProducer(
                bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=idempotent,
                linger_ms=20, max_batch_size=65536,
                compression_type=None if codec == "none" else codec) as producer:
            waiting = []
            for partition, _, record in placed:
                waiting.append(await producer.send(
                    topic, value=record.value, key=record.key, headers=list(record.headers),
                    partition=partition))
                if len(waiting) == WAITING:
                    await asyncio.gather(*waiting)
                    waiting = []
            await producer.flush()
            await asyncio.gather(*waiting)

    def consume(self, topic, counts):
        return self.wait(self._consume(topic, counts))

    async def _consume(self, topic, counts):
        places = [TopicPartition(topic, p) for p in range(len(counts))]
        got, wanted = [], sum(counts)
        async with AIOKafkaConsumer(
                bootstrap_servers=self.bootstrap, enable_auto_commit=False, check_crcs=True) as consumer:
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            while len(got) < wanted:
                polled = await consumer.getmany(timeout_ms=int(frame.PATIENCE_S * 1000),
                                                max_records=5000)
                if not polled:
                    raise frame.Stalled(f"after {len(got)} records")
                for messages in polled.values():
                    for one in messages:
                        got.append(text.Placed(one.partition, one.offset, Record(
                            one.value, one.key, tuple(map(tuple, one.headers)))))
        return got

    def close(self):
        self.wait(self.admin.close())


client = AioKafka(sys.argv[1])
try:
    frame.run(client, sys.argv[1:])
finally:
    client.close()
