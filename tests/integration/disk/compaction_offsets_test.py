"""__consumer_offsets is compacted while groups commit, and no committed offset is lost by it: not by
the cleaning, not by a kill -9 after it. The cleaner's settings are changed while it runs."""

import sys
import time
from typing import Dict

from lib import brokers, messages
from lib.brokers import Broker
from lib.client import Client
from lib.process import wait_until

COMMITS, PARTITIONS = 300, 3
NONE, LOADING = 0, (14, 15, 16)
SETTINGS = {
    "offsets.topic.num.partitions": 1,
    "offsets.topic.segment.bytes": 3000,
    "log.cleaner.min.cleanable.ratio": "0.01",
    "group.initial.rebalance.delay.ms": 0,
    "file.delete.delay.ms": 1,
    # Long enough that only the change below can let the cleaner come by a second time.
    "log.cleaner.backoff.ms": 3_600_000,
}


def commit(client: Client, group: str, offset: int) -> int:
    answer = client.ask("OffsetCommit", 7, GroupId=group, GenerationIdOrMemberEpoch=-1, MemberId="",
                        Topics=[{"Name": "t", "Partitions": [
                            {"PartitionIndex": p, "CommittedOffset": offset + p, "CommittedMetadata": ""}
                            for p in range(PARTITIONS)]}])
    return max(row["ErrorCode"] for row in answer["Topics"][0]["Partitions"])


def committed(client: Client, group: str) -> Dict[int, int]:
    def ask() -> messages.Fields:
        answer = client.ask("OffsetFetch", 5, GroupId=group, Topics=None)
        return answer if answer["ErrorCode"] not in LOADING else {}
    answer = wait_until(ask, "the group is loaded")
    return {row["PartitionIndex"]: row["CommittedOffset"] for topic in answer["Topics"]
            for row in topic["Partitions"]}


def set_backoff(client: Client, value: int) -> None:
    answer = client.ask("IncrementalAlterConfigs", 0, Resources=[
        {"ResourceType": 4, "ResourceName": "", "Configs": [
            {"Name": "log.cleaner.backoff.ms", "ConfigOperation": 0, "Value": str(value)}]}])
    if answer["Responses"][0]["ErrorCode"] != NONE:
        raise AssertionError(f"log.cleaner.backoff.ms: {answer['Responses'][0]}")


def cleaned(broker: Broker) -> int:
    path = broker.log_dirs[0] / "cleaner-offset-checkpoint"
    lines = path.read_text().splitlines() if path.exists() else []
    return max((int(line.split(" ")[2]) for line in lines[2:] if line.startswith("__consumer_offsets ")),
               default=0)


def stored(broker: Broker) -> int:
    return sum(path.stat().st_size for path in (broker.log_dirs[0] / "__consumer_offsets-0").glob("*.log"))


def main() -> int:
    began = time.monotonic()
    with brokers.scratch() as folder, brokers.start("barnabas", folder, SETTINGS) as broker:
        with Client(broker.address) as client:
            client.create_topic("t", PARTITIONS)
            wait_until(lambda: client.ask("FindCoordinator", 2, Key="g", KeyType=0)["ErrorCode"] == NONE,
                       "the group coordinator")
            wait_until(lambda: commit(client, "early", 7) == NONE, "the first commit")
            for number in range(COMMITS):
                if commit(client, f"group-{number % 2}", number) != NONE:
                    raise AssertionError("a commit was refused")
            before = stored(broker)
            set_backoff(client, 50)
            broker.process.wait_until(lambda: cleaned(broker) > COMMITS, "__consumer_offsets is clean")
            broker.process.wait_until(lambda: stored(broker) < before / 3, "its old segments are gone")
            print(f"__consumer_offsets is clean up to {cleaned(broker)}: {before} bytes became "
                  f"{stored(broker)}")
        broker.kill()
        broker.start()
        with Client(broker.address) as client:
            wanted = {"early": 7, "group-0": COMMITS - 2, "group-1": COMMITS - 1}
            for group, offset in wanted.items():
                found = committed(client, group)
                if found != {p: offset + p for p in range(PARTITIONS)}:
                    raise AssertionError(f"{group} has {found}, committed {offset}")
    print(f"passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
