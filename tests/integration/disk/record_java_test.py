"""Batches that Barnabas builds, read by Kafka's own classes, and the other way round.

    record_java_test.py <the record_batches program>
"""

import subprocess
import sys
from typing import List

from lib import brokers, paths

ORACLE = paths.ROOT / "tests" / "golden" / "record" / "BatchOracle.java"


def run(command: List[str]) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def main() -> int:
    ours = sys.argv[1]
    java = [paths.java(), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", paths.oracle_classpath(),
            str(ORACLE)]
    with brokers.scratch() as folder:
        for writer, command in (("Barnabas", [ours, "write"]), ("Kafka", [*java, "write"])):
            target = folder / writer
            target.mkdir()
            run([*command, str(target)])
            files = [str(path) for path in sorted(target.glob("*.batch"))]
            if len(files) < 16:
                raise AssertionError(f"{writer} wrote only {len(files)} files")
            kafka_says, we_say = run([*java, "read", *files]), run([ours, "read", *files])
            if kafka_says != we_say:
                for left, right in zip(kafka_says.splitlines(), we_say.splitlines()):
                    if left != right:
                        print(f"Kafka: {left}\nours:  {right}")
                raise AssertionError(f"Kafka and we read different records in {writer}'s batches")
            print(f"{len(files)} batches of {writer}'s: {len(we_say.splitlines())} lines, the same")
    return 0


if __name__ == "__main__":
    sys.exit(main())
