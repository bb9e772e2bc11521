"""Clients in other languages, made from their lock files once and kept in the cache.

A client that cannot be installed or built is an error of the test that needs it, never a skip.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
from typing import Dict, Iterator, List

from . import paths

PYTHON = "/usr/bin/python3"
GO = "/usr/bin/go"


@contextlib.contextmanager
def _only_one(name: str) -> Iterator[None]:
    with open(paths.cache_dir() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: List[str], what: str, cwd: pathlib.Path, env: Dict[str, str]) -> None:
    done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise paths.Missing(f"{what} failed ({done.returncode}): {' '.join(command)}\n{done.stdout}")


def _hash(files: List[pathlib.Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def python_env(requirements: pathlib.Path) -> str:
    """The python of a virtual environment of Debian's python3 with exactly these packages."""
    paths.program(PYTHON, "python3")
    folder = paths.cache_dir() / f"python-{_hash([requirements])}"
    python = folder / "bin" / "python"
    done = folder / "complete"
    with _only_one("python"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
            _run([PYTHON, "-m", "venv", str(folder)], "making a virtual environment "
                 "(apt install python3-venv)", requirements.parent, env)
            _run([str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps",
                  "--only-binary", ":all:", "-r", str(requirements)],
                 f"installing {requirements.name}", requirements.parent, env)
            done.touch()
    return str(python)


def java_client(folder: pathlib.Path, release: str, sources: List[str]) -> str:
    """The class path of the Java programs of `sources`, built against one release of folder/pom.xml."""
    javac = paths.program(f"{os.path.dirname(paths.java())}/javac", "openjdk-17-jdk-headless")
    pom = folder / "pom.xml"
    files = sorted(file for name in sources for file in (folder / name).glob("*.java"))
    jars = paths.cache_dir() / f"java-{_hash([pom])}"
    classes = paths.cache_dir() / f"java-{release}-{_hash([pom, *files])}"
    with _only_one("java"):
        if not (jars / "complete").exists():
            paths.program("/usr/bin/mvn", "maven")
            env = {**os.environ, "JAVA_HOME": os.path.dirname(os.path.dirname(paths.java()))}
            _run(["/usr/bin/mvn", "-q", "-B", "-f", str(pom), "dependency:copy", f"-Dout={jars}"],
                 "fetching the jars of tests/integration/clients/java/pom.xml", folder, env)
            (jars / "complete").touch()
        classpath = ":".join(sorted(str(jar) for jar in (jars / release).glob("*.jar")))
        if not (classes / "complete").exists():
            _run([javac, "-nowarn", "-proc:none", "-J-XX:TieredStopAtLevel=1", "-cp", classpath, "-d",
                  str(classes), *map(str, files)], f"compiling against {release}", folder,
                 dict(os.environ))
            (classes / "complete").touch()
    return f"{classes}:{classpath}"


def go_program(module: pathlib.Path, command: str) -> str:
    """One program of a Go module, built by Debian's go from go.mod and go.sum as they stand."""
    paths.program(GO, "golang-go")
    files = sorted([*module.rglob("*.go"), module / "go.mod", module / "go.sum"])
    target = paths.cache_dir() / f"{command}-{_hash(files)}"
    with _only_one("go"):
        if not target.exists():
            env = {k: v for k, v in os.environ.items() if k not in ("GOROOT", "GOWORK", "GOENV")}
            env.update(GOTOOLCHAIN="local", GOWORK="off", GOFLAGS="-mod=readonly -buildvcs=false",
                       CGO_ENABLED="0", GOENV="off")
            fresh = f"{target}.new"
            _run([GO, "build", "-o", fresh, f"./{command}"], f"building {command}", module, env)
            os.replace(fresh, target)
    return str(target)
