"""Class paths of Java programs that are not Kafka's clients: resolved by Maven once from a pom of this
folder, and what is compiled against them. Both are kept in the cache under the hash of their sources."""

import fcntl
import functools
import hashlib
import os
import pathlib
import subprocess
from typing import List

from lib import paths

HERE = pathlib.Path(__file__).resolve().parent
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"


def _hash(*files: pathlib.Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _run(command: List[str], what: str) -> None:
    env = {**os.environ, "JAVA_HOME": os.path.dirname(os.path.dirname(paths.java()))}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, env=env)
    if done.returncode != 0:
        raise paths.Missing(f"{what} failed: {' '.join(command)}\n{done.stdout[-3000:]}")


@functools.lru_cache(maxsize=None)
def classpath(name: str) -> str:
    """Of NAME.xml; resolved again when a jar that it names has gone."""
    pom = HERE / f"{name}.xml"
    answer = paths.cache_dir() / f"{name}-{_hash(pom)}.cp"
    with open(paths.cache_dir() / "ecosystem.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists() or not all(map(os.path.exists, answer.read_text().split(":"))):
            paths.program("/usr/bin/mvn", "maven")
            fresh = pathlib.Path(f"{answer}.new")
            _run(["/usr/bin/mvn", "-q", "-B", "-f", str(pom), f"{_PLUGIN}:build-classpath",
                  f"-Dmdep.outputFile={fresh}"], f"fetching the jars of {pom.name}")
            os.replace(fresh, answer)
        return answer.read_text().strip()


@functools.lru_cache(maxsize=None)
def compiled(name: str, *sources: str) -> str:
    """The class path of NAME.xml with the given sources of this folder, compiled, before it."""
    javac = paths.program(f"{os.path.dirname(paths.java())}/javac", "openjdk-17-jdk-headless")
    files = [HERE / source for source in sources]
    jars = classpath(name)
    classes = paths.cache_dir() / f"{name}-{_hash(HERE / f'{name}.xml', *files)}"
    with open(paths.cache_dir() / "ecosystem.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (classes / "complete").exists():
            _run([javac, "-nowarn", "-proc:none", "-J-XX:TieredStopAtLevel=1", "-cp", jars, "-d",
                  str(classes), *map(str, files)], f"compiling {sources}")
            (classes / "complete").touch()
    return f"{classes}:{jars}"
