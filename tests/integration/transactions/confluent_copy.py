"""JavaCopy for confluent-kafka: the same arguments, orders and events.

    confluent_copy.py FROM TO ABORT_EVERY KEY=VALUE...
"""

import json
import queue
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

PRODUCER_ONLY = ("transactional.id", "transaction.timeout.ms")
FENCED = (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


class Copy:
    def __init__(self, source, target, abort_every, settings):
        self.source, self.target, self.abort_every = source, target, abort_every
        # When every broker is gone librdkafka 2.16 begins anew with its bootstrap servers, and never
        # sends another TxnOffsetCommit: its cache of coordinators still names the broker it dropped.
        quick = {"metadata.recovery.strategy": "none", "reconnect.backoff.ms": 20,
                 "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 20,
                 "topic.metadata.refresh.interval.ms": 1000}
        self.producer_settings = {**quick, "linger.ms": 0,
                                  **{k: v for k, v in settings.items() if k != "group.id"}}
        self.consumer = Consumer({
            **quick, "isolation.level": "read_committed", "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50, "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 200, "partition.assignment.strategy": "range",
            **{k: v for k, v in settings.items() if k not in PRODUCER_ONLY}})
        self.ended, self.held = threading.Event(), ""
        self.orders = queue.Queue()
        self.transactions, self.run_name = 0, f"{time.time_ns():x}"

    def listen(self):
        for line in sys.stdin:
            if line.startswith("hold "):
                self.held = line.split()[1]
            else:
                self.orders.put(line)
        self.ended.set()
        self.orders.put("end")

    def phase(self, name):
        if self.held == name:
            self.held = ""
            while not self.orders.empty():
                self.orders.get()
            tell("held", phase=name)
            if not self.ended.is_set():
                self.orders.get()

    def open(self):
        self.producer = Producer(self.producer_settings)
        self.producer.init_transactions(30)

    def rewind(self):
        assigned = self.consumer.assignment()
        for partition in self.consumer.committed(assigned, 30) if assigned else []:
            self.consumer.seek(TopicPartition(
                partition.topic, partition.partition, max(partition.offset, 0)))

    def retried(self, call):
        """librdkafka leaves what may be tried again to its caller."""
        while True:
            try:
                return call()
            except KafkaException as error:
                if not error.args[0].retriable() or self.ended.is_set():
                    raise

    def copy(self, records):
        self.transactions += 1
        self.phase("begin")
        self.producer.begin_transaction()
        offsets = {}
        for record in records:
            self.producer.produce(self.target, record.value(), f"{self.run_name}-{self.transactions}",
                                  record.partition())
            offsets[record.partition()] = record.offset() + 1
        self.producer.flush(30)
        self.phase("sent")
        positions = [TopicPartition(self.source, p, offset) for p, offset in offsets.items()]
        self.retried(lambda: self.producer.send_offsets_to_transaction(
            positions, self.consumer.consumer_group_metadata(), 30))
        self.phase("offsets")
        if self.abort_every and self.transactions % self.abort_every == 0:
            self.retried(lambda: self.producer.abort_transaction(30))
            tell("aborted")
            self.rewind()
            return
        self.phase("commit")
        self.retried(lambda: self.producer.commit_transaction(30))
        tell("committed", records=len(records))
        self.phase("committed")

    def recover(self, error):
        if error.code() in FENCED:
            tell("fenced", text=error.name())
            return False
        tell("trouble", text=error.name())
        if error.txn_requires_abort():
            self.retried(lambda: self.producer.abort_transaction(30))
        else:
            self.open()
        self.rewind()
        return True

    def run(self):
        threading.Thread(target=self.listen, daemon=True).start()
        self.open()
        tell("ready")
        self.consumer.subscribe([self.source])
        goes = True
        while goes and not self.ended.is_set():
            records = [m for m in self.consumer.consume(7, 0.05) if not m.error()]
            if records:
                try:
                    self.copy(records)
                except KafkaException as error:
                    goes = self.recover(error.args[0])
        self.consumer.close()
        tell("left")


def main():
    source, target, abort_every = sys.argv[1:4]
    Copy(source, target, int(abort_every), dict(word.split("=", 1) for word in sys.argv[4:])).run()


main()
