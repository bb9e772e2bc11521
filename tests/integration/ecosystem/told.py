"""A Java program that is told what to do on its standard input and answers line by line."""

import pathlib
import subprocess
import threading
from typing import List, Sequence

from lib.process import WaitTimeout, _die_with_parent, wait_until


class Told:
    """Use as a context manager; the program is killed at the end of it."""

    def __init__(self, command: Sequence[str], log: pathlib.Path):
        self.lines: List[str] = []
        self.log = log
        self._err = open(log, "ab")
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=self._err, text=True, preexec_fn=_die_with_parent)
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> "Told":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _read(self) -> None:
        for line in self._child.stdout:
            self.lines.append(line.rstrip("\n"))

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()
        self._err.close()

    def ended(self) -> bool:
        return self._child.poll() is not None

    def wait(self, timeout_s: float = 60.0) -> int:
        return self._child.wait(timeout_s)

    def wait_line(self, wanted: str, after: int = 0, timeout_s: float = 60.0) -> None:
        def there() -> bool:
            if wanted not in self.lines[after:] and self.ended():
                raise WaitTimeout(f"the program ended before {wanted!r}: {self.lines[-5:]}\n"
                                  f"{self.log.read_text(errors='replace')[-3000:]}")
            return wanted in self.lines[after:]
        wait_until(there, f"{wanted!r} of {self.lines[-20:]}", timeout_s)

    def say(self, command: str, timeout_s: float = 60.0) -> None:
        """Tells it a command and waits until it has answered."""
        before = len(self.lines)
        self._child.stdin.write(command + "\n")
        self._child.stdin.flush()
        self.wait_line(command, before, timeout_s)
