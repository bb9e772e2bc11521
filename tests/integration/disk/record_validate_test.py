"""Random record sets, whole and broken, judged by Kafka's LogValidator and by ours: the same error
codes, messages and record errors, and the same bytes, timestamps and offsets where both accept.

    record_validate_test.py <the record_cases program> [--seed N] [--count N]
"""

import argparse
import collections
import secrets
import subprocess
import sys
from typing import List, Optional

from lib import brokers, paths

ORACLE = paths.ROOT / "tests" / "integration" / "disk" / "ValidateOracle.java"
BETTER = {"2", "32", "76", "87"}  # what Kafka answers with UNKNOWN_SERVER_ERROR


def allowed(kafka: str, ours: str) -> Optional[str]:
    """Why two outcomes may differ; None where they may not."""
    if kafka.split(" ")[0] == "-1" and ours.split(" ")[0] in BETTER:
        return "UNKNOWN_SERVER_ERROR makes Java producers send twice (KAFKA-14034)"
    if kafka == "-1 memory":
        return "Kafka makes room for what an inner message claims to be before it has come"
    if kafka == "-1" and ours == "10":
        return "an unknown codec before Produce 7: the size is looked at first, as it is later on"
    if kafka == "-1 zstd" and ours.split(" ")[0] in ("0", "32"):
        return "Debian's libzstd 1.5.4 does not see what zstd-jni's 1.5.6 sees; the CRC was right"
    if kafka.endswith(" header-key-is-no-utf8"):
        return None if ours[:1] != "0" else "Kafka rewrites a header's key that is no UTF-8; we keep its bytes"
    if ours == "87":
        for oddity, reason in (
                ("offsets-do-not-follow", "the log would hold offsets outside the batch, or Kafka "
                                          "rewrites a compressed batch"),
                ("unreadable", "consumers could not read it"),
                ("gzip-reserved-flags", "RFC 1952 wants them refused, zlib does, so do consumers on "
                                        "it; java.util.zip does not look"),
                ("lz4-end-mark", "an end mark with the highest bit set ends the frame for Java "
                                 "alone"),
                ("negative-epoch", "Kafka would keep no sequence for such a producer")):
            if kafka.endswith(oddity):
                return reason
    if ours == "87" and kafka.startswith(("32 ", "87 ")):
        return "both refuse: we stop at what is broken before we look for timestamps and keys"
    if kafka == "2" and ours == "87":
        return "both refuse: a message whose sizes do not fit it, before the CRC of the next one"
    if (kafka, ours) in (("10", "2"), ("87", "2"), ("10", "87")):
        return "both refuse: all headers are looked at, and a batch shorter than its own is corrupt, before sizes"
    return None


def run(command: List[str]) -> List[str]:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout.splitlines()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--count", type=int, default=20_000)
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    with brokers.scratch() as folder:
        cases = folder / "cases"
        ours = run([chosen.program, str(chosen.seed), str(chosen.count), str(cases)])
        kafka = run([paths.java(), "-Xshare:auto", "-Xmx512m", "-cp", paths.oracle_classpath(),
                     str(ORACLE), str(cases)])
    if not len(ours) == len(kafka) == chosen.count:
        raise AssertionError(f"{len(ours)} outcomes of ours, {len(kafka)} of Kafka's")
    codes, reasons, wrong = collections.Counter(), collections.Counter(), 0
    for left, right in zip(kafka, ours):
        index, _, theirs = left.partition(" ")
        mine = right.partition(" ")[2]
        codes[mine.split(" ")[0]] += 1
        if theirs.removesuffix(" header-key-is-no-utf8") == mine:
            continue
        reason = allowed(theirs, mine)
        reasons[reason] += 1
        if reason is None:
            wrong += 1
            if wrong <= 10:
                print(f"DIFFERENT case {index}\n  Kafka: {theirs}\n  ours:  {mine}")
    print(f"{chosen.count} cases, our codes {dict(codes)}")
    for reason, count in reasons.items():
        print(f"  {count} differ: {reason}")
    if codes["0"] < chosen.count // 10 or len(codes) < 5:
        raise AssertionError("the cases are not what they should be: too few accepted or refused")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
