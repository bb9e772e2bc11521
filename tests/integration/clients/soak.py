"""Every client test with many records: one line each with records, seconds, and pass or fail.

    soak.py [--records N] [--broker kafka] [name ...]     # N for every codec, 1,000,000 if not given
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MILLION = 1_000_000


def patience_s(records: int) -> float:
    """For a whole test; each of its steps has its own bound, see clienttest.patience_s."""
    return 600.0 + 6 * records / 1000


def main() -> int:
    names = sorted(path.name.removesuffix("_test.py") for path in HERE.glob("*_test.py"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--records", type=int, default=MILLION, help="for every codec")
    parser.add_argument("--broker", choices=["barnabas", "kafka"], default="barnabas")
    parser.add_argument("names", nargs="*", metavar="name", help=" ".join(names))
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(names))
    if unknown:
        parser.error(f"no client {' '.join(unknown)}; there are: {' '.join(names)}")
    logs = pathlib.Path(tempfile.mkdtemp(prefix="barnabas-soak-"))
    print(f"{chosen.records} records for every codec; what each test says: {logs}", flush=True)
    failed = 0
    for name in chosen.names or names:
        began, log = time.monotonic(), logs / f"{name}.log"
        with open(log, "wb") as out:
            try:
                done = subprocess.run(
                    [sys.executable, str(HERE / f"{name}_test.py"), "--broker", chosen.broker,
                     "--records", str(chosen.records)], stdout=out, stderr=subprocess.STDOUT,
                    check=False, timeout=patience_s(chosen.records),
                    env={**os.environ, "PYTHONPATH": str(HERE.parent)})
                passed = done.returncode == 0
            except subprocess.TimeoutExpired:
                passed = False
        carried = sum(int(line.split(": ")[1].split()[0]) for line in log.read_text(
            errors="replace").splitlines() if line.endswith("records came back as they went"))
        failed += not passed
        print(f"{name:16} {carried:>9} records {time.monotonic() - began:8.1f} s  "
              f"{'pass' if passed else 'FAIL'}", flush=True)
    print(f"{len(chosen.names or names) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
