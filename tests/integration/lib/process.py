"""Child processes that never outlive the test, and waits for conditions instead of sleeps."""

import ctypes
import fcntl
import os
import pathlib
import random
import select
import signal
import socket
import subprocess
import tempfile
import time
from typing import BinaryIO, Callable, List, Mapping, Optional, Sequence, TypeVar

T = TypeVar("T")

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class WaitTimeout(Exception):
    """A condition did not come true in time."""


def wait_until(condition: Callable[[], Optional[T]], what: str, timeout_s: float = 30.0,
               between_s: float = 0.02) -> T:
    """Asks until the answer is true and returns it; `between_s` only bounds how often it asks."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise WaitTimeout(f"{what}: not within {timeout_s:g} s")
        select.select([], [], [], between_s)


_PORTS = range(12000, 32000)  # below what Linux gives to outgoing connections
_held_ports: List[BinaryIO] = []


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on and no other test is given while this one runs.

    A port that the kernel chooses may be given to an outgoing connection before the server that it is
    meant for binds it; these cannot, and a locked file keeps them from tests that run beside this one.
    """
    locks = pathlib.Path(tempfile.gettempdir(), f"barnabas-test-ports-{os.getuid()}")
    locks.mkdir(exist_ok=True)
    for port in random.sample(_PORTS, len(_PORTS)):
        lock = open(locks / str(port), "wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _held_ports.append(lock)
        return port
    raise OSError(f"no free port from {_PORTS.start} to {_PORTS.stop}")


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program with its output in a file; killed with the test whatever happens to the test."""

    def __init__(self, name: str, command: Sequence[str], log: pathlib.Path,
                 env: Optional[Mapping[str, str]] = None, cwd: Optional[pathlib.Path] = None):
        self.name = name
        self.log = log
        self._out = open(log, "ab")
        self._child = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=self._out,
            stderr=self._out, cwd=cwd, env={**os.environ, **(env or {})},
            preexec_fn=_die_with_parent)

    @property
    def pid(self) -> int:
        return self._child.pid

    def exit_code(self) -> Optional[int]:
        return self._child.poll()

    def wait_until(self, condition: Callable[[], Optional[T]], what: str,
                   timeout_s: float = 30.0) -> T:
        """As wait_until, but fails at once, with the end of the log, when the program is gone."""
        def alive_and_true() -> Optional[T]:
            answer = condition()
            if not answer and self.exit_code() is not None:
                raise WaitTimeout(f"{self.name} exited with {self.exit_code()} before {what}\n"
                                  f"{self.log_tail()}")
            return answer
        try:
            return wait_until(alive_and_true, what, timeout_s)
        except WaitTimeout as error:
            raise WaitTimeout(f"{error}\n--- {self.log}\n{self.log_tail()}") from None

    def signal(self, number: int) -> None:
        if self.exit_code() is None:
            self._child.send_signal(number)

    def wait(self, timeout_s: float = 30.0) -> int:
        return self._child.wait(timeout_s)

    def kill(self) -> None:
        """kill -9, and waits until the process is gone."""
        self.signal(signal.SIGKILL)
        self._child.wait(30.0)
        self._out.close()

    def terminate(self, timeout_s: float = 30.0) -> int:
        """SIGTERM, the exit code; a program that does not go is killed and reported."""
        self.signal(signal.SIGTERM)
        try:
            code = self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise WaitTimeout(f"{self.name} did not stop within {timeout_s:g} s of SIGTERM\n"
                              f"{self.log_tail()}") from None
        self._out.close()
        return code

    def log_tail(self, lines: int = 40) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
