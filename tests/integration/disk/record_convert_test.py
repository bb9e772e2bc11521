"""Random batches as they lie in logs, converted for old consumers by Kafka and by us: the same bytes
where no codec is involved, the same wrapper around the same messages otherwise.

    record_convert_test.py <the down_cases program> [--seed N] [--count N]
"""

import argparse
import collections
import secrets
import sys

from lib import brokers, paths
from record_validate_test import run

ORACLE = paths.ROOT / "tests" / "integration" / "disk" / "DownConvertOracle.java"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--count", type=int, default=3_000)
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    with brokers.scratch() as folder:
        cases = folder / "cases"
        ours = run([chosen.program, str(chosen.seed), str(chosen.count), str(cases)])
        kafka = run([paths.java(), "-Xshare:auto", "-Xmx512m", "-cp", paths.oracle_classpath(),
                     str(ORACLE), str(cases)])
    if not len(ours) == len(kafka) == chosen.count:
        raise AssertionError(f"{len(ours)} outcomes of ours, {len(kafka)} of Kafka's")
    codes = collections.Counter(line.split(" ")[1] for line in ours)
    wrong = [(theirs, mine) for theirs, mine in zip(kafka, ours) if theirs != mine]
    for theirs, mine in wrong[:10]:
        print(f"DIFFERENT\n  Kafka: {theirs}\n  ours:  {mine}")
    print(f"{chosen.count} cases, our codes {dict(codes)}, {len(wrong)} differ")
    if codes["0"] < chosen.count // 2 or not codes["76"]:
        raise AssertionError("the cases are not what they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
