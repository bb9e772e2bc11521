"""Whose directory it is: links, locks, identities, one directory given twice."""

import os
import pathlib
import shutil
from typing import List

from bench import TOPIC, Bench, expect
from lib import brokers
from lib.process import Process

BATCHES = 12


def symlinked_dirs(folder: pathlib.Path) -> None:
    """The log dir is a link, and so is a partition's folder in it."""
    with Bench(folder, 2) as bench:
        real = folder / "elsewhere"
        real.mkdir()
        bench.broker.log_dirs[0].symlink_to(real, target_is_directory=True)
        bench.fill(BATCHES)
        for end in (bench.stop, bench.kill):
            end()
            moved = folder / f"moved-{end.__name__}"
            inside = real / f"{TOPIC}-0"
            shutil.move(os.path.realpath(inside), moved)
            if inside.is_symlink():
                inside.unlink()
            inside.symlink_to(moved, target_is_directory=True)
            bench.start()
            bench.check_all()
        with bench.client() as client:
            client.ask("DeleteTopics", 3, TopicNames=[TOPIC], TimeoutMs=20000)


def _refused(bench: Bench, settings, words: List[str]) -> None:
    """A broker with these settings ends with an error that has all of the words, and soon."""
    other = brokers.Barnabas(bench.broker.folder / "other", settings)
    process = Process("other", other.command(), other.folder / "broker.log")
    code = process.wait(20.0)
    text = (other.folder / "broker.log").read_text()
    expect(code not in (0, None), f"it ended with {code}")
    for word in words:
        expect(word in text, f"{word!r} is said:\n{text[-1500:]}")


def two_brokers_on_one_dir(folder: pathlib.Path) -> None:
    """The second is refused with the owner named, by whatever name it finds the directory."""
    with Bench(folder, 1) as bench:
        bench.fill(BATCHES)
        path = bench.broker.log_dirs[0]
        link = folder / "link"
        link.symlink_to(path, target_is_directory=True)
        for name in (str(path), f"{path}/", str(link)):
            _refused(bench, {"log.dirs": name}, [f"pid {bench.broker.process.pid}", "Another instance"])
        bench.check_all()
        bench.kill()
        bench.start()  # a lock never outlives its owner
        bench.check_all()


def one_dir_given_twice(folder: pathlib.Path) -> None:
    with Bench(folder, 1) as bench:
        path = folder / "logs"
        path.mkdir()
        (folder / "link").symlink_to(path, target_is_directory=True)
        _refused(bench, {"log.dirs": f"{path},{path}"}, ["Duplicate log directory", str(path)])
        for name in (f"{path}/", folder / "link"):
            _refused(bench, {"log.dirs": f"{path},{name}"}, [str(name), "this process already"])


def wrong_identity(folder: pathlib.Path) -> None:
    """Another broker id, another cluster id, a KRaft broker's directory, a foreign directory."""
    with Bench(folder, 1) as bench:
        bench.fill(BATCHES)
        bench.stop()
        log_dir = bench.broker.log_dirs[0]
        meta = log_dir / "meta.properties"
        kept = meta.read_text()
        settings = {"log.dirs": str(log_dir)}
        _refused(bench, {**settings, "broker.id": 3}, ["broker.id 3 doesn't match stored broker.id 0"])
        for line, words in (("cluster.id=AAAAo8zHTSGKVxIPSrK0Zg", ["doesn't match stored clusterId",
                                                                 "AAAAo8zHTSGKVxIPSrK0Zg"]),
                            ("broker.id=seven", ["broker.id is 'seven'"]),
                            ("version=1", ["KRaft"])):
            key = line.split("=")[0]
            meta.write_text("".join(f"{line}\n" if old.startswith(key) else f"{old}\n"
                                    for old in kept.splitlines()))
            _refused(bench, settings, words)
        meta.write_text(kept)
        (log_dir / "no-topic").mkdir()
        _refused(bench, settings, ["no-topic"])
        (log_dir / "no-topic").rmdir()
        bench.start()
        bench.check_all()


def lost_identity(folder: pathlib.Path) -> None:
    """meta.properties that is gone, empty or senseless is written again as it was."""
    with Bench(folder, 1) as bench:
        bench.fill(BATCHES)
        meta = bench.broker.log_dirs[0] / "meta.properties"
        kept = sorted(meta.read_text().splitlines()[2:])
        for data in (None, b"", bytes(64), b"\xff\xfe what is this", b"#only a comment\n"):
            bench.stop()
            if data is None:
                meta.unlink()
            else:
                meta.write_bytes(data)
            bench.start()
            bench.check_all()
            now = sorted(meta.read_text(errors="replace").splitlines()[2:])
            expect(set(kept) <= set(now), f"{data!r}: {kept}, then {now}")


CASES = {case.__name__: case for case in (
    symlinked_dirs, two_brokers_on_one_dir, one_dir_given_twice, wrong_identity, lost_identity)}
