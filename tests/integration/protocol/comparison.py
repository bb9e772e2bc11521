"""Compares what two brokers answered, and counts."""

import re
from typing import Any, List, Sequence, Set, Tuple

from differences import EXPECTED, Expected
from mutations import Census
from target import Note, Target, differences

ENDED = "the case ended early"

Row = Tuple[str, Any, Any]  # path, Kafka's value, ours


def shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) < 600 else text[:400] + f" ... ({len(text)} characters)"


_NAMES = ("Name", "Topic", "GroupId", "LogDir")


def _along(answer: Any, path: str) -> List[Any]:
    """The parts of an answer on the way to a place in it."""
    found = [answer]
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        try:
            found.append(found[-1][name] if name else found[-1][int(index)])
        except (KeyError, IndexError, TypeError):
            break
    return found


def row_names(answer: Any, path: str) -> str:
    """What the rows on a path are called: "[31].Partitions[0]" alone says little."""
    names = [str(part[name]) for part in _along(answer, path) if isinstance(part, dict)
             for name in _NAMES if part.get(name)]
    return f" ({', '.join(names)})" if names else ""


def rows_missing(answer: Any, other: Any, path: str) -> str:
    """The names of rows that the other answer lacks, where a length differs."""
    lists = [_along(one, path.removesuffix(".length"))[-1] for one in (answer, other)]
    named = [[str(next((row[name] for name in _NAMES if row.get(name)), row)) for row in rows
              if isinstance(row, dict)] for rows in lists if isinstance(rows, list)]
    return ", ".join(sorted(set(named[0]) - set(named[1]))) if len(named) == 2 else ""


class Comparison:
    """Counts answers, prints what differs, and checks the list of expected differences."""

    def __init__(self, expected: Sequence[Expected] = EXPECTED) -> None:
        self.compared = self.unexpected = 0
        self.census = Census()
        self._expected = expected
        self._met = [0] * len(expected)
        self._failed: Set[Tuple[str, str]] = set()
        self._mutated: Set[Tuple[Any, ...]] = set()

    def rows(self, case: str, label: str, kafka: Any, ours: Any) -> Tuple[List[Row], List[int]]:
        """Where two masked answers differ without being expected to; the entries that were met."""
        found, met = [], []
        for row in differences("", kafka, ours):
            for index, entry in enumerate(self._expected):
                if entry.holds(case, label, *row):
                    met.append(index)
                    break
            else:
                found.append(row)
        return found, met

    def compare(self, name: str, kafka: Target, ours: Target) -> None:
        for side in (kafka, ours):
            if ENDED in side.notes:
                self.unexpected += 1
                print(f"DIFFERENT {name}: ended early on {side.name}\n{side.notes.pop(ENDED).answer}")
        for label in list(kafka.notes) + [l for l in ours.notes if l not in kafka.notes]:
            self.compared += 1
            one, other = kafka.notes.get(label), ours.notes.get(label)
            if one is None or other is None:
                self._print(name, label, one or other, None,
                            [("", one and one.answer, other and other.answer)])
                continue
            rows, met = self.rows(name, label, one.answer, other.answer)
            for index in met:
                self._met[index] += 1
            if rows:
                self._print(name, label, one, other.answer, rows)

    def mutate(self, name: str, kafka: Target, ours: Target) -> None:
        """Changes every field of our answers, one at a time: the comparison must notice each."""
        for label, other in ours.notes.items():
            one = kafka.notes.get(label)
            if one is None or (name, label) in self._failed:
                continue
            shown = (other.view.api, tuple(other.view.hide), repr(other.answer))
            if shown in self._mutated:  # the same fields were compared with the same values before
                continue
            usual = None
            if any(entry.concerns(name, label) for entry in self._expected):
                usual = self.rows(name, label, one.answer, other.answer)
            else:
                self._mutated.add(shown)

            def noticed(changed: Any, one: Note = one, label: str = label, usual: Any = usual) -> bool:
                if usual is None:  # no entry can excuse it: what Python calls unequal differs
                    return changed != one.answer
                return self.rows(name, label, one.answer, changed) != usual
            self.census.check(name, label, other.raw, other.view, noticed)

    def _print(self, name: str, label: str, note: Note, ours: Any, rows: List[Row]) -> None:
        self.unexpected += 1
        self._failed.add((name, label))
        print(f"DIFFERENT {name}: {label}\n  request {note.request[:600]}")
        for path, left, right in rows[:8]:
            print(f"  {path}{row_names(note.answer, path)}\n    Kafka: {shorten(left)}\n    ours:  {shorten(right)}")
            if path.endswith(".length"):
                print(f"    only Kafka's: {rows_missing(note.answer, ours, path)[:300]}\n"
                      f"    only ours:    {rows_missing(ours, note.answer, path)[:300]}")
        if len(rows) > 8:
            print(f"  and {len(rows) - 8} fields more")

    def stale(self, names: Sequence[str]) -> List[str]:
        """Entries of the list that did not occur, of the cases that ran."""
        return [f"{entry.case}: {entry.request} {entry.field}"
                for entry, count in zip(self._expected, self._met) if not count and entry.case in names]
