"""Changes every field of an answer in turn, one at a time.

protocol_test.py puts each changed answer of ours through the same comparison as the real one: what it
does not notice must be covered by a free rule of masks.py or hidden by the case, and is counted.
"""

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple

from masks import View


class Mutation(NamedTuple):
    """One change: where, what was done, and the name and the old value of the field."""
    path: str
    what: str
    field: str
    old: Any


def others(value: Any) -> List[Tuple[str, Any]]:
    """Values that a field could wrongly have instead."""
    if isinstance(value, bool):
        return [("flipped", not value)]
    if isinstance(value, (int, float)):
        return [("one more", value + 1)]
    if isinstance(value, str):
        return [("longer", value + "x"), ("null", None)]
    if isinstance(value, bytes):
        changed = bytes([value[0] ^ 1]) + value[1:] if value else b"\x01"
        return [("another", changed), ("null", None)]
    if isinstance(value, list):
        longer = [*value, value[-1]] if value else [{}]
        return [("one row more", longer), ("null", None)] + ([("one row less", value[:-1])] if value else [])
    if value is None:
        return [("not null", "")]
    return [("null", None)]  # a structure


def mutations(answer: Any, path: str = "", field: str = "") -> Iterator[Tuple[Mutation, Any]]:
    """Every mutation with the whole changed answer, which shares all other parts with the old one."""
    for what, other in others(answer):
        yield Mutation(path, what, field, answer), other
    if isinstance(answer, dict):
        for name, item in answer.items():
            for mutation, changed in mutations(item, f"{path}.{name}", name):
                yield mutation, {**answer, name: changed}
    elif isinstance(answer, list):
        for index, item in enumerate(answer):
            for mutation, changed in mutations(item, f"{path}[{index}]", field):
                yield mutation, [*answer[:index], changed, *answer[index + 1:]]


class Census:
    """How many mutations were tried, how many noticed, and which rule lets the others pass."""

    def __init__(self) -> None:
        self.tried = self.noticed = 0
        self.passed: Dict[str, int] = {}
        self.unnoticed: List[str] = []

    def check(self, name: str, label: str, raw: Any, view: View,
              noticed: Callable[[Any], bool]) -> None:
        """`noticed` compares a masked answer with Kafka's as the test does."""
        memo = view.memo(raw)
        for mutation, changed in mutations(raw):
            self.tried += 1
            if noticed(view.masked(changed, memo=memo)):
                self.noticed += 1
                continue
            reason = self._excuse(mutation, view)
            if reason:
                self.passed[reason] = self.passed.get(reason, 0) + 1
            else:
                self.unnoticed.append(f"{name}: {label} {mutation.path}: {mutation.what}")

    @staticmethod
    def _excuse(mutation: Mutation, view: View) -> str:
        for part in mutation.path.replace("]", "").replace("[", ".").split("."):
            if part in view.hide:
                return f"hidden {part}: {view.hide[part]}"
        rule = view.rule(mutation.field, mutation.old)
        return f"{rule.name}: {rule.reason}" if rule is not None and rule.free else ""

    def report(self) -> None:
        print(f"{self.tried} fields of our answers changed one at a time: {self.noticed} noticed, "
              f"{sum(self.passed.values())} exempt, {len(self.unnoticed)} unnoticed")
        for reason, count in sorted(self.passed.items()):
            print(f"  exempt {count:6d}  {reason}")
        for one in self.unnoticed[:20]:
            print(f"UNNOTICED {one}")
