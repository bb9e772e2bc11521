"""The faults that faults.cc brings about inside the running program, and a namespace to mount in."""

import mmap
import os
import pathlib
import struct
import subprocess
import sys
from typing import Dict, List

from .paths import Missing

_LAYOUT = struct.Struct("=qiiiii256s")


class Faults:
    """Shared with a program that was started with `env`; changes hold at once."""

    def __init__(self, folder: pathlib.Path):
        library = os.environ.get("BARNABAS_FAULTS_LIBRARY", "")
        if not os.access(library, os.R_OK):
            raise Missing(f"BARNABAS_FAULTS_LIBRARY={library!r}: build the target integration_faults")
        path = folder / "faults"
        path.write_bytes(bytes(4096))
        self.env: Dict[str, str] = {"LD_PRELOAD": library, "BARNABAS_TEST_FAULTS": str(path)}
        with open(path, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), 4096)

    def set(self, *, clock_offset_ms: int = 0, sync_error: int = 0, sync_delay_ms: int = 0,
            write_error: int = 0, write_delay_ms: int = 0, path_contains: str = "") -> None:
        self._page[:_LAYOUT.size] = _LAYOUT.pack(clock_offset_ms, sync_error, sync_delay_ms, write_error,
                                                 write_delay_ms, 0, path_contains.encode())

    @property
    def hits(self) -> int:
        return _LAYOUT.unpack_from(self._page)[5]


_MARK = "BARNABAS_TEST_MOUNTS"


def with_mounts() -> None:
    """Runs this very test again where it may mount; its mounts vanish with it."""
    if os.environ.get(_MARK):
        return
    for flags in (["-m"], ["-Urm"]):
        if subprocess.run(["unshare", *flags, "mount", "-t", "tmpfs", "none", "/mnt"], check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            os.environ[_MARK] = "1"
            os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])
    raise Missing("nobody here may mount a tmpfs (neither root nor in a namespace of users)")


def mount(arguments: List[str]) -> None:
    subprocess.run(["mount", *arguments], check=True)


def tmpfs(folder: pathlib.Path, size: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    mount(["-t", "tmpfs", "-o", f"size={size}", "none", str(folder)])
