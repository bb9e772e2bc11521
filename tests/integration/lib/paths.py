"""Where the programs and files lie that the tests need; each may be overridden by the environment."""

import functools
import glob
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEXT = ROOT / "LICENSE"
CLIENTS = ROOT / "tests" / "integration" / "clients"


class Missing(Exception):
    """Something that a test needs is not on this machine: a failure, never a skip."""


def barnabas() -> pathlib.Path:
    """The program under test: BARNABAS_BIN, else the newest of the builds in build/."""
    given = os.environ.get("BARNABAS_BIN")
    if given:
        found = [pathlib.Path(given)]
    else:
        found = [p for p in ROOT.glob("build/*/bin/barnabas") if p.is_file()]
    found = [p for p in found if os.access(p, os.X_OK)]
    if not found:
        raise Missing(f"no barnabas program (BARNABAS_BIN={given!r}, {ROOT}/build/*/bin/barnabas)")
    return max(found, key=lambda p: p.stat().st_mtime)


def cache_dir() -> pathlib.Path:
    """A folder that outlives a test run, for what was downloaded or built from lock files."""
    given = os.environ.get("BARNABAS_CACHE")
    if not given:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        given = os.path.join(base, "barnabas")
    path = pathlib.Path(given)
    path.mkdir(parents=True, exist_ok=True)
    return path


def java() -> str:
    """Debian's Java 17, whatever else the PATH offers."""
    home = os.environ.get("BARNABAS_JAVA_HOME")
    homes = [home] if home else sorted(glob.glob("/usr/lib/jvm/java-17-openjdk-*"))
    for candidate in homes:
        program = os.path.join(candidate, "bin", "java")
        if os.access(program, os.X_OK):
            return program
    raise Missing("Debian's Java 17 is missing (apt install openjdk-17-jre-headless)")


def program(path: str, package: str) -> str:
    """A program of Debian's by its full path."""
    if not os.access(path, os.X_OK):
        raise Missing(f"{path} is missing (apt install {package})")
    return path


@functools.lru_cache(maxsize=None)
def oracle_classpath(old_release: str = "") -> str:
    """The class path of Kafka 3.9.1 and its tools, or of the tools of an older release; downloaded
    by Maven the first time."""
    script = ROOT / "tests" / "oracle" / "classpath.sh"
    done = subprocess.run([str(script), *([old_release] if old_release else [])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        raise Missing(done.stderr.strip())
    return done.stdout.strip()


def oracle_jar(name: str) -> str:
    """One jar of the oracle by the start of its file name, such as "kafka-clients"."""
    for entry in oracle_classpath().split(":"):
        if os.path.basename(entry).startswith(name):
            return entry
    raise Missing(f"no {name} jar in the oracle's class path")
