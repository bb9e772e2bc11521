"""Apache Flume 1.11.0 with the tutorial's configuration: a file's lines go through the Kafka sink into
the topic "first"; the Kafka source and a Kafka channel carry them on into files.

What was appended while the agent was dead comes, too, and nothing that came before is lost."""

import pathlib
import sys
import time
from typing import List

import jars
from lib import brokers
from lib.brokers import Broker
from lib.client import Client
from lib.process import Process, WaitTimeout

TOPIC, CHANNEL = "first", "flume-channel"
SETTINGS = {"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 1}
_LOG4J = """status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


class Differs(Exception):
    """A line did not arrive."""


def configuration(broker: Broker, log: pathlib.Path, output: pathlib.Path) -> str:
    """Agent a1 is the tutorial's (jobs/flume-kafka.conf); a2 reads what a1 has sent."""
    return f"""
a1.sources = r1 r2
a1.channels = c1 c2
a1.sinks = k1 k2

a1.sources.r1.type = exec
a1.sources.r1.command = tail -F -c +0 {log}
a1.sources.r1.shell = /bin/bash -c
a1.sources.r1.channels = c1

a1.channels.c1.type = memory
a1.channels.c1.capacity = 1000
a1.channels.c1.transactionCapacity = 100

a1.sinks.k1.type = org.apache.flume.sink.kafka.KafkaSink
a1.sinks.k1.kafka.bootstrap.servers = {broker.bootstrap}
a1.sinks.k1.kafka.topic = {TOPIC}
a1.sinks.k1.kafka.flumeBatchSize = 20
a1.sinks.k1.kafka.producer.acks = 1
a1.sinks.k1.kafka.producer.linger.ms = 1
a1.sinks.k1.channel = c1

a1.sources.r2.type = org.apache.flume.source.kafka.KafkaSource
a1.sources.r2.kafka.bootstrap.servers = {broker.bootstrap}
a1.sources.r2.kafka.topics = {TOPIC}
a1.sources.r2.kafka.consumer.group.id = flume
a1.sources.r2.kafka.consumer.auto.offset.reset = earliest
a1.sources.r2.kafka.consumer.session.timeout.ms = 6000
a1.sources.r2.kafka.consumer.heartbeat.interval.ms = 500
a1.sources.r2.batchSize = 20
a1.sources.r2.batchDurationMillis = 200
a1.sources.r2.channels = c2

a1.channels.c2.type = org.apache.flume.channel.kafka.KafkaChannel
a1.channels.c2.kafka.bootstrap.servers = {broker.bootstrap}
a1.channels.c2.kafka.topic = {CHANNEL}
a1.channels.c2.kafka.consumer.group.id = flume-channel
a1.channels.c2.kafka.consumer.auto.offset.reset = earliest
a1.channels.c2.kafka.consumer.session.timeout.ms = 6000
a1.channels.c2.kafka.consumer.heartbeat.interval.ms = 500

a1.sinks.k2.type = file_roll
a1.sinks.k2.sink.directory = {output}
a1.sinks.k2.sink.rollInterval = 0
a1.sinks.k2.channel = c2
"""


class Agent:
    """The agent, and the lines that went in and came out."""

    def __init__(self, broker: Broker, folder: pathlib.Path):
        self.broker, self.folder = broker, folder
        self.log, self.output = folder / "flume.log", folder / "out"
        self.output.mkdir()
        self.lines: List[str] = []
        (folder / "log4j2.properties").write_text(_LOG4J)
        (folder / "flume-kafka.conf").write_text(configuration(broker, self.log, self.output))
        self.append(["hello", "flume"])

    def start(self) -> Process:
        command = brokers.java_command(self.folder, "org.apache.flume.node.Application", heap="256m",
                                       class_path=jars.classpath("flume"))
        command[1:1] = [f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"]
        return Process("flume", [*command, "-n", "a1", "-f", str(self.folder / "flume-kafka.conf"),
                                 "--no-reload-conf"], self.folder / "agent.log")

    def append(self, lines: List[str]) -> None:
        self.lines += lines
        with open(self.log, "a") as out:
            out.write("".join(line + "\n" for line in lines))

    def stored(self) -> List[str]:
        with Client(self.broker.address) as client:
            end = client.offset_of(TOPIC, 0, -1)
            return [record.value.decode() for batch in client.read_batches(TOPIC, 0, 0, end)
                    for record in batch.records]

    def exported(self) -> List[str]:
        return [line for path in sorted(self.output.iterdir()) for line in path.read_text().splitlines()]

    def wait(self, process: Process, once: bool) -> None:
        """All lines are in the topic and in the files, in their order; `once`: no more than that."""
        def reached(found: List[str]) -> bool:
            return found == self.lines if once else list(dict.fromkeys(found)) == self.lines
        try:
            process.wait_until(lambda: reached(self.stored()), f"{TOPIC} has the lines", 60.0)
            process.wait_until(lambda: reached(self.exported()), "the files have the lines", 60.0)
        except WaitTimeout as error:
            raise Differs(f"{error}: {len(self.lines)} lines in, {len(self.stored())} stored, "
                          f"{len(self.exported())} out") from None


def run(broker: Broker, folder: pathlib.Path) -> None:
    with Client(broker.address) as client:
        client.create_topic(TOPIC, 1)
        client.create_topic(CHANNEL, 1)
    agent = Agent(broker, folder)
    process = agent.start()
    try:
        agent.wait(process, once=True)
        agent.append([f"appended {i}" for i in range(300)])
        agent.wait(process, once=True)
        process.kill()
        agent.append(["while nobody was there"])
        process = agent.start()  # tail begins at the file's start again, as configured
        agent.wait(process, once=False)
    finally:
        process.terminate()
        agent.append(["the end"])  # of a tail, too, whose reader was killed


def main() -> int:
    kind = "kafka" if "--kafka" in sys.argv else "barnabas"
    jars.classpath("flume")
    began = time.monotonic()
    with brokers.scratch() as folder, brokers.start(kind, folder, SETTINGS) as broker:
        try:
            run(broker, folder)
        except Differs as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    print(f"Flume: passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
