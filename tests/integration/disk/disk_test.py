"""The same Produce frames to Kafka 3.9.1 and to Barnabas leave the same files, byte by byte.

    disk_test.py [--kafka-twice] [--only-compare]

1. Both brokers get every frame of frames.py, are stopped cleanly, and their log dirs are compared;
   then both are started again on them, get some more, and are compared again; then both recover
   from the same crash, and are compared once more.
2. Kafka's DumpLogSegments reads our files and finds nothing wrong with them.
3. Kafka itself starts on our directory and we on Kafka's, once as it was closed, once without the
   marker of a clean shutdown so that every segment is recovered, and every batch is read back.

--kafka-twice runs a second Kafka in the place of Barnabas: the test must hold then, too.
"""

import argparse
import concurrent.futures
import pathlib
import shutil
import sys
import time
from typing import Dict, List, Tuple

import frames
from folders import compare, crash, partition_folders
from kafka_reads import check_dump, check_starts_on, wait_for_leaders
from lib import brokers, messages
from lib.client import Client
from lib.process import wait_until

SETTINGS = {
    "num.recovery.threads.per.data.dir": 1,
    "message.max.bytes": 1048588,
    # The periodic work must not run at another moment in one of the two.
    "log.retention.check.interval.ms": 3_600_000,
    "auto.create.topics.enable": "false",
}


# Answers that may differ, by label, and why.
EXPECTED_ANSWERS = {
    "bad magic": "Kafka fails the whole request with its parser's message, we fail one partition",
}


class Differs(Exception):
    """The two brokers did not do the same."""


def create_topics(broker: brokers.Broker) -> None:
    with Client(broker.address) as client:
        for name, (partitions, configs) in frames.TOPICS.items():
            client.create_topic(name, partitions, {"retention.ms": "-1", **configs})


def wait_for_another_millisecond() -> None:
    """Appends of one millisecond share an entry of the time index: one broker may be quick enough."""
    now = time.time_ns() // 1_000_000
    wait_until(lambda: time.time_ns() // 1_000_000 > now + 1, "the clock goes on", between_s=0.001)


def send_all(broker: brokers.Broker, steps: List[frames.Step]) -> Dict[str, messages.Fields]:
    """Sends every step in one piece and waits for its answers; the answers by label."""
    answers = {}
    correlation = 0
    with Client(broker.address, timeout_s=60.0) as client:
        for step in steps:
            if any(topic in frames.APPEND_TIME for frame in step for topic, _, _ in frame.entries):
                wait_for_another_millisecond()
            first, train = correlation + 1, b""
            for frame in step:
                correlation += 1
                encoded = frame.encode(correlation)
                train += len(encoded).to_bytes(4, "big") + encoded
            client.connection.send_raw(train)
            for number, frame in enumerate(step, first):
                if frame.acks != 0:
                    answers[frame.label] = in_order(
                        client.receive("Produce", frame.version, number))
    return answers


def in_order(answer: messages.Fields) -> messages.Fields:
    """Kafka answers in the order of a hash map; no client looks at it."""
    for topic in answer["Responses"]:
        for part in topic["PartitionResponses"]:
            if part["LogAppendTimeMs"] > 0:
                part["LogAppendTimeMs"] = "a time"
        topic["PartitionResponses"].sort(key=lambda part: part["Index"])
    answer["Responses"].sort(key=lambda topic: topic["Name"])
    return answer


def check_answers(kafka: Dict[str, messages.Fields], ours: Dict[str, messages.Fields]) -> None:
    wrong = [label for label in kafka
             if kafka[label] != ours.get(label) and label not in EXPECTED_ANSWERS]
    for label in wrong[:10]:
        print(f"DIFFERENT answer to {label!r}\n  Kafka: {kafka[label]}\n  ours:  {ours.get(label)}")
    if wrong:
        raise Differs(f"{len(wrong)} of {len(kafka)} answers")
    errors: Dict[int, int] = {}
    for answer in kafka.values():
        for topic in answer["Responses"]:
            for part in topic["PartitionResponses"]:
                errors[part["ErrorCode"]] = errors.get(part["ErrorCode"], 0) + 1
    print(f"{len(kafka)} answers are the same; error codes {dict(sorted(errors.items()))}")


def stop(broker: brokers.Broker) -> None:
    code = broker.stop()
    wanted = 143 if isinstance(broker, brokers.Kafka) else 0  # a JVM answers SIGTERM with 128 + 15
    if code != wanted:
        raise Differs(f"{broker.kind} ended with {code} instead of {wanted}")


def check_folders(what: str, pair: Tuple[brokers.Broker, brokers.Broker]) -> None:
    found = compare(pair[0].log_dirs[0], pair[1].log_dirs[0], list(frames.TOPICS))
    for one in found[:40]:
        print(f"DIFFERENT {one}")
    if found:
        raise Differs(f"{len(found)} files {what}")


def check_the_comparison_bites(broker: brokers.Broker, folder: pathlib.Path) -> None:
    """One changed byte in any kind of file is seen."""
    topics = list(frames.TOPICS)
    copy = folder / "data-0"
    shutil.copytree(broker.log_dirs[0], copy)
    changed = {}
    for place in partition_folders(copy, topics).values():
        for path in sorted(place.iterdir()):
            kind = path.suffix or path.name
            if kind not in changed and path.stat().st_size > 0:
                data = bytearray(path.read_bytes())
                data[0 if path.name == "partition.metadata" else -2] ^= 1
                path.write_bytes(data)
                changed[kind] = f"{place.name}/{path.name}"
    seen = {one.place for one in compare(broker.log_dirs[0], copy, topics)}
    if seen != set(changed.values()) or len(changed) < 6:
        raise Differs(f"the comparison does not see what was changed: {changed}, seen {seen}")


def run(pair: Tuple[brokers.Broker, brokers.Broker], folder: pathlib.Path,
        only_compare: bool) -> None:
    now_ms = int(time.time()) * 1000
    print(f"recent timestamps begin at {now_ms}")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        def on_both(function, *args):
            return [done.result() for done in [pool.submit(function, one, *args) for one in pair]]

        for what, steps in (("after the first stop", frames.first_session(now_ms)),
                            ("after a restart", frames.second_session(now_ms)),
                            ("after a recovery", [])):
            print(f"--- {what}", flush=True)
            if not steps:
                for broker in pair:
                    crash(broker.log_dirs[0], list(frames.TOPICS))
            for broker in pair:  # in this thread: a child dies with the thread that began it
                broker.start(wait=False)
            on_both(lambda broker: broker.wait_ready())
            if what == "after the first stop":
                on_both(create_topics)
            on_both(wait_for_leaders)
            if steps:
                check_answers(*on_both(send_all, steps))
            on_both(stop)
            check_folders(what, pair)
    check_the_comparison_bites(pair[0], folder / "changed")
    if not only_compare:
        kafka, ours = pair
        check_dump(kafka, ours, folder)
        for broker in pair:
            shutil.copytree(broker.log_dirs[0], folder / "kept" / broker.folder.parent.name)
        check_starts_on(folder / "kept" / ours.folder.parent.name, kafka)
        check_starts_on(folder / "kept" / kafka.folder.parent.name, ours)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka-twice", action="store_true")
    parser.add_argument("--only-compare", action="store_true")
    chosen = parser.parse_args()
    began = time.monotonic()
    with brokers.scratch() as folder:
        second = brokers.Kafka if chosen.kafka_twice else brokers.Barnabas
        with brokers.Kafka(folder / "one", SETTINGS) as kafka, \
                second(folder / "other", SETTINGS) as ours:
            try:
                run((kafka, ours), folder, chosen.only_compare)
            except Differs as error:
                print(f"FAILED: {error}\n--- end of {ours.folder / 'broker.log'}\n"
                      f"{ours.process.log_tail() if ours.process else ''}", file=sys.stderr)
                return 1
    print(f"passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
