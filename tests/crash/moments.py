"""When to kill: at a random moment, or the instant a file of the log is made, renamed or deleted.

inotify tells of every new segment, every `.deleted` and every `-delete` folder within microseconds,
so a kill lands inside the roll, the retention or the deletion that it waited for.
"""

import ctypes
import os
import pathlib
import re
import select
import struct
import time
from typing import Callable, Dict, Iterator, List, Tuple

_LIBC = ctypes.CDLL(None, use_errno=True)
_CREATE, _MOVED_FROM, _MOVED_TO, _DELETE, _IS_DIR = 0x100, 0x40, 0x80, 0x200, 0x40000000
_APPEARED = _CREATE | _MOVED_TO

Event = Tuple[int, str]  # what happened, and the name in its folder


def is_roll(event: Event) -> bool:
    """A segment other than a new topic's first."""
    return (bool(event[0] & _APPEARED) and re.fullmatch(r"\d{20}\.log", event[1]) is not None
            and int(event[1][:20]) > 0)


def is_retention(event: Event) -> bool:
    mask, name = event
    return (bool(mask & _APPEARED) and name.endswith(".deleted")
            or bool(mask & (_DELETE | _MOVED_FROM)) and re.fullmatch(r"\d{20}\.log", name) is not None)


def is_topic_deletion(event: Event) -> bool:
    mask, name = event
    return bool(mask & _IS_DIR) and (bool(mask & _MOVED_TO) and name.endswith("-delete")
                                     or bool(mask & _MOVED_FROM))


def is_topic_creation(event: Event) -> bool:
    return bool(event[0] & _IS_DIR) and bool(event[0] & _APPEARED) and not event[1].endswith("-delete")


MOMENTS: Dict[str, Callable[[Event], bool]] = {
    "roll": is_roll, "retention": is_retention, "topic deletion": is_topic_deletion,
    "topic creation": is_topic_creation}


class Watch:
    """Watches a log dir and every partition folder in it."""

    def __init__(self, log_dir: pathlib.Path):
        self._fd = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._folders: Dict[int, pathlib.Path] = {}
        self._add(log_dir)
        for folder in log_dir.iterdir():
            if folder.is_dir():
                self._add(folder)

    def close(self) -> None:
        os.close(self._fd)

    def _add(self, folder: pathlib.Path) -> None:
        wanted = _CREATE | _MOVED_FROM | _MOVED_TO | _DELETE
        number = _LIBC.inotify_add_watch(self._fd, str(folder).encode(), wanted)
        if number >= 0:  # a folder that has gone again is no loss
            self._folders[number] = folder

    def _events(self, timeout_s: float) -> Iterator[Event]:
        if not select.select([self._fd], [], [], timeout_s)[0]:
            return
        data, at = os.read(self._fd, 65536), 0
        while at < len(data):
            number, mask, _, size = struct.unpack_from("iIII", data, at)
            name = data[at + 16:at + 16 + size].rstrip(b"\0").decode()
            at += 16 + size
            if mask & _IS_DIR and mask & _APPEARED and number in self._folders:
                self._add(self._folders[number] / name)
            yield mask, name

    def drain(self) -> None:
        while list(self._events(0)):
            pass

    def wait_for(self, wanted: Callable[[Event], bool], timeout_s: float) -> List[Event]:
        """The events that ended the wait; empty when none came in time."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            found = [event for event in self._events(left) if wanted(event)]
            if found:
                return found
        return []
