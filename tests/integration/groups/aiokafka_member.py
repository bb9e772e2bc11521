"""A member of a group on aiokafka; see confluent_member.py for what it is called with and prints."""

import asyncio
import json
import sys
import threading

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError


def tell(**event):
    print(json.dumps(event), flush=True)


class Listener(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        tell(event="revoked", partitions=sorted(p.partition for p in revoked))

    def on_partitions_assigned(self, assigned):
        tell(event="assigned", partitions=sorted(p.partition for p in assigned))


async def main():
    topic, settings = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)),
                     daemon=True).start()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings["bootstrap.servers"], group_id=settings["group.id"],
        enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=100,
        session_timeout_ms=int(settings["session.timeout.ms"]),
        heartbeat_interval_ms=int(settings["heartbeat.interval.ms"]), metadata_max_age_ms=1000)
    consumer.subscribe([topic], listener=Listener())
    await consumer.start()
    while not ended.is_set():
        for partition, records in (await consumer.getmany(timeout_ms=100)).items():
            for record in records:
                tell(event="record", partition=record.partition, offset=record.offset,
                     value=record.value.decode())
            try:
                await consumer.commit({TopicPartition(topic, partition.partition):
                                       records[-1].offset + 1})
            except KafkaError as error:  # a rebalance has begun: the next owner reads it again
                tell(event="refused", text=str(error))
    await consumer.stop()
    tell(event="left")


asyncio.run(main())
