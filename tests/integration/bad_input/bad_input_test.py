"""Bad input, limits and hostile crowds: every row of rows.txt against the real program.

    bad_input_test.py [--group G] [--only PATTERN] [--results DIR] [--no-memory-bound]
    bad_input_test.py --count BUILD                    rows, cases and ctest's tests are the same

One process and one broker serve a whole group of cases, since they are many and short; with
--results each case leaves a file that its ctest case reads (verdict).
"""

import argparse
import pathlib
import re
import subprocess
import sys
import time
import traceback
from typing import Dict, List

HERE = pathlib.Path(__file__).resolve().parent
PASSED = "passed"


def rows() -> Dict[str, List[str]]:
    """Of rows.txt: the cases (as "group name") of each row of input."""
    found: Dict[str, List[str]] = {}
    row = ""
    for line in (HERE / "rows.txt").read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("  "):
            found[row].append(" ".join(line.split()))
        else:
            row = line.strip()
            if row in found:
                raise AssertionError(f"two rows are called {row!r}")
            found[row] = []
    return found


def load_cases() -> Dict[str, list]:
    import bench
    import crowd_cases  # noqa: F401  (registers its cases)
    import frames_cases  # noqa: F401
    import limits_cases  # noqa: F401
    import noise_cases  # noqa: F401
    import records_cases  # noqa: F401
    import requests_cases  # noqa: F401
    return bench.CASES


def run_group(cases: list, results: "pathlib.Path | None", bound_memory: bool) -> int:
    import bench
    from lib import brokers
    failed = 0
    shared = None
    with brokers.scratch() as folder:
        for number, one in enumerate(cases):
            began = time.monotonic()
            try:
                if one.settings is None and shared is None:
                    (folder / f"shared-{number}").mkdir()
                    shared = bench.Bench(folder / f"shared-{number}", None, bound_memory)
                if one.settings is None:
                    shared.run(one)
                else:
                    (folder / one.name).mkdir()
                    own = bench.Bench(folder / one.name, one.settings, bound_memory)
                    try:
                        own.run(one)
                    finally:
                        own.close()
                verdict = PASSED
            except Exception:  # the case failed: whatever it was is its verdict
                verdict = traceback.format_exc(limit=-3)
                failed += 1
                if one.settings is None and shared is not None:
                    shared.close()  # the next case finds a broker that this one has not met
                    shared = None
            seconds = time.monotonic() - began
            print(f"{seconds:6.2f} s  {one.name}: {verdict}", flush=True)
            if results:
                (results / one.name).write_text(f"{verdict}\n{seconds:.2f} s\n")
        if shared is not None:
            shared.close()
    return failed


def run(chosen: argparse.Namespace) -> int:
    groups = load_cases()
    failed = count = 0
    for group, cases in groups.items():
        if chosen.group and group != chosen.group:
            continue
        cases = [one for one in cases if re.search(chosen.only, one.name)]
        if chosen.results:
            chosen.results.mkdir(parents=True, exist_ok=True)
            for one in groups[group]:
                (chosen.results / one.name).unlink(missing_ok=True)
        count += len(cases)
        failed += run_group(cases, chosen.results, not chosen.no_memory_bound)
    print(f"{count} cases, {failed} failed")
    if not count:
        return 1
    return 0 if chosen.results else int(failed > 0)  # with results, each case reports its own


def count(build: str) -> int:
    """Every row has cases, every case belongs to one row, ctest runs each of them."""
    listed = rows()
    in_rows = [name for names in listed.values() for name in names]
    in_code = [f"{group} {one.name}" for group, cases in load_cases().items() for one in cases]
    said = subprocess.run(["ctest", "--test-dir", build, "-N", "-R", r"^integration\.bad_input\."],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    prefix = "integration.bad_input."
    in_ctest = [word[len(prefix):] for word in said.split() if word.startswith(prefix)]
    in_ctest = [name for name in in_ctest if name != "count" and not name.startswith("run_")]
    problems = [f"row {row!r} has no case" for row, names in listed.items() if not names]
    problems += [f"{name} is listed twice" for name in set(in_rows) if in_rows.count(name) > 1]
    problems += [f"{name} is in no row" for name in set(in_code) - set(in_rows)]
    problems += [f"{name} is not written" for name in set(in_rows) - set(in_code)]
    names = [name.split()[1] for name in in_rows]
    problems += [f"ctest does not run {name}" for name in set(names) - set(in_ctest)]
    problems += [f"ctest runs {name}, which is in no row" for name in set(in_ctest) - set(names)]
    for problem in sorted(problems):
        print(problem)
    print(f"{len(listed)} rows, {len(in_rows)} cases listed, {len(in_code)} written, "
          f"{len(in_ctest)} in ctest")
    return 1 if problems or not in_ctest else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--group", default="")
    parser.add_argument("--only", default="", help="a pattern for the names of cases")
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--count", default="")
    parser.add_argument("--no-memory-bound", action="store_true",
                        help="for a broker under a sanitizer, whose memory is not its own")
    chosen = parser.parse_args()
    return count(chosen.count) if chosen.count else run(chosen)


if __name__ == "__main__":
    sys.exit(main())
