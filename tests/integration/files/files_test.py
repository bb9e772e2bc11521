"""Files of a stopped broker that were damaged, and disks that fail: one case a run.

    files_test.py <case> | --list | --complete <case>...
"""

import sys
import time

import bits
import checkpoints
import clocks
import disks
import folders
import indexes
import tails
from lib import brokers

CASES = {**tails.CASES, **indexes.CASES, **checkpoints.CASES, **bits.CASES, **disks.CASES,
         **folders.CASES, **clocks.CASES}


def main() -> int:
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
        return 0
    if sys.argv[1] == "--complete":
        print(f"not run: {set(CASES) - set(sys.argv[2:])}, unknown: {set(sys.argv[2:]) - set(CASES)}")
        return 0 if set(CASES) == set(sys.argv[2:]) else 1
    case = CASES[sys.argv[1]]
    began = time.monotonic()
    with brokers.scratch() as folder:
        case(folder)
    print(f"{sys.argv[1]}: passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
