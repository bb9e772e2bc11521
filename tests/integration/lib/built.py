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
