"""Checkpoints and other small files that were overwritten: said, and built anew."""

import pathlib
from typing import Dict

from bench import TOPIC, Bench, expect

BATCHES = 20
DAMAGES: Dict[str, bytes] = {
    "empty": b"",
    "zeroes": bytes(50),
    "text": b"what is this?\n",
    "binary": bytes(range(256)) * 20,
    "cut": b"0\n7\nt 0",
    "count": b"0\n99\n",
    "version": b"5\n1\nt 0 3\n",
    "number": b"0\n1\nt zero 3\n",
    "overflow": b"0\n1\nt 0 99999999999999999999999\n",
}


def _in_log_dir(folder: pathlib.Path, name: str) -> None:
    """The file of the whole log dir, damaged in each way, after a clean stop and after a kill."""
    with Bench(folder, 2) as bench:
        bench.fill(BATCHES)
        for number, (how, data) in enumerate(DAMAGES.items()):
            (bench.stop if number % 2 else bench.kill)()
            path = bench.broker.log_dirs[0] / name
            path.write_bytes(data)
            said = bench.log_text().count(name)
            bench.start()
            bench.check_all()
            expect(how == "empty" or bench.log_text().count(name) > said, f"{name} ({how}) is said")
        bench.stop()
        expect((bench.broker.log_dirs[0] / name).read_bytes().startswith(b"0\n"),
               f"{name} is written anew")


def recovery_point(folder: pathlib.Path) -> None:
    _in_log_dir(folder, "recovery-point-offset-checkpoint")


def high_watermark(folder: pathlib.Path) -> None:
    _in_log_dir(folder, "replication-offset-checkpoint")


def log_start(folder: pathlib.Path) -> None:
    _in_log_dir(folder, "log-start-offset-checkpoint")


def leader_epochs(folder: pathlib.Path) -> None:
    """Built from the batches: what stood there before stands there again."""
    for clean in (True, False):
        with Bench(folder / str(clean), len(DAMAGES)) as bench:
            bench.fill(BATCHES)
            bench.stop()
            bench.start()
            bench.check_all()
            (bench.stop if clean else bench.kill)()
            before = {}
            for partition, data in enumerate(DAMAGES.values()):
                path = bench.folder(partition) / "leader-epoch-checkpoint"
                before[partition] = path.read_text().split("\n")[2:-1]
                path.write_bytes(data)
            bench.start()
            bench.check_all()
            bench.stop()
            for partition in range(len(DAMAGES)):
                path = bench.folder(partition) / "leader-epoch-checkpoint"
                after = path.read_text().split("\n")[2:-1]
                expect(after[:len(before[partition])] == before[partition],
                       f"partition {partition}: {before[partition]}, then {after}")


def partition_metadata(folder: pathlib.Path) -> None:
    with Bench(folder, len(DAMAGES)) as bench:
        bench.fill(BATCHES)
        bench.stop()
        before = (bench.folder(0) / "partition.metadata").read_bytes()
        for partition, data in enumerate(DAMAGES.values()):
            (bench.folder(partition) / "partition.metadata").write_bytes(data)
        bench.start()
        bench.check_all()
        bench.stop()
        for partition in range(len(DAMAGES)):
            expect((bench.folder(partition) / "partition.metadata").read_bytes() == before,
                   f"the topic id stands in partition {partition} again")


def clean_shutdown_marker(folder: pathlib.Path) -> None:
    """Whatever it holds; without it every log is recovered."""
    with Bench(folder, 2) as bench:
        bench.fill(BATCHES)
        for data in (b"", bytes(40), b"{", b'{"version":77}', None):
            bench.stop()
            path = bench.broker.log_dirs[0] / ".kafka_cleanshutdown"
            if data is None:
                path.unlink()
            else:
                path.write_bytes(data)
            bench.start()
            bench.check_all()
        bench.expect_said("loaded and recovered")


def cleaner_checkpoint(folder: pathlib.Path) -> None:
    with Bench(folder, 2) as bench:
        bench.fill(BATCHES)
        for data in DAMAGES.values():
            bench.stop()
            (bench.broker.log_dirs[0] / "cleaner-offset-checkpoint").write_bytes(data)
            bench.start()
            bench.check_all()


def leftovers(folder: pathlib.Path) -> None:
    """Temporary files of a write that a crash cut short, and files that nobody knows."""
    with Bench(folder, 2) as bench:
        bench.fill(BATCHES)
        bench.kill()
        log_dir = bench.broker.log_dirs[0]
        for name in ("recovery-point-offset-checkpoint", "meta.properties",
                     f"{TOPIC}-0/leader-epoch-checkpoint", f"{TOPIC}-0/partition.metadata"):
            (log_dir / f"{name}.tmp").write_bytes(b"half wri")
        for name in ("notes.txt", f"{TOPIC}-0/notes.txt", f"{TOPIC}-0/00000000000000000099.index",
                     f"{TOPIC}-0/x.log", f"{TOPIC}-0/00000000000000000003.log.deleted",
                     f"{TOPIC}-0/00000000000000000003.log.cleaned",
                     f"{TOPIC}-0/99999999999999999999.log.swap"):
            (log_dir / name).write_bytes(b"something")
        bench.start()
        bench.check_all()
        bench.stop()
        expect((log_dir / "notes.txt").read_bytes() == b"something", "a file of nobody is left alone")


CASES = {case.__name__: case for case in (
    recovery_point, high_watermark, log_start, leader_epochs, partition_metadata,
    clean_shutdown_marker, cleaner_checkpoint, leftovers)}
