"""A group on one client library: its members share, one leaves, the offsets are committed.

    clients_test.py LIBRARY [--broker kafka]
"""

import argparse
import sys
import time
from typing import Callable, Dict, List

from groups_test import SETTINGS, Stage
from lib import brokers, built, paths
from members import HERE, Member, ProgramMember, check_records, wait_records, wait_shared


def _python(program: str) -> List[str]:
    return [built.python_env(paths.CLIENTS / "python" / "requirements.txt"), str(HERE / program)]


def _go(program: str) -> List[str]:
    return [built.go_program(paths.CLIENTS / "go", program)]


LIBRARIES: Dict[str, Callable[[], List[str]]] = {
    "aiokafka": lambda: _python("aiokafka_member.py"),
    "confluent_kafka": lambda: _python("confluent_member.py"),
    "franz_go": lambda: _go("franz_go_member"),
    "kafkajs": lambda: [*built.node_command(paths.CLIENTS / "node"), str(HERE / "kafkajs_member.js")],
    "sarama": lambda: _go("sarama_member"),
}


def run(s: Stage, command: List[str], settings: Dict[str, object]) -> None:
    def start() -> Member:
        member = ProgramMember(f"{s.name}-{len(s.cast)}", command, s.broker, s.name, s.name, **settings)
        s.cast.append(member)
        return member
    s.topic(4)
    s.write()
    members = [start()]
    wait_shared(members, 4)
    wait_records(members, s.wanted)
    members.append(start())
    wait_shared(members, 4, least=2)
    s.write()
    wait_records(members, s.wanted)
    members[0].stop()
    wait_shared(members[1:], 4)
    s.write()
    wait_records(members, s.wanted)
    s.wait_committed()
    members[1].stop()
    s.write()
    # Nobody was there when these were written: they are all that a new member reads.
    later = start()
    wait_records(s.cast, s.wanted)
    if sorted(offset for _, offset, _ in later.records()) != sorted(list(range(30, 40)) * 4):
        raise AssertionError(f"did not go on at the committed offsets: {later.records()}")
    s.wait_committed()
    later.stop()
    check_records(s.cast, s.wanted)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("library", choices=sorted(LIBRARIES))
    parser.add_argument("--broker", default="barnabas", choices=("barnabas", "kafka"))
    chosen = parser.parse_args()
    command = LIBRARIES[chosen.library]()
    more = {"fetch.wait.max.ms": 100} if chosen.library == "confluent_kafka" else {}
    began = time.monotonic()
    with brokers.scratch() as folder, brokers.start(chosen.broker, folder, SETTINGS) as broker:
        stage = Stage(broker, None, chosen.library.replace("_", "-"))
        try:
            run(stage, command, more)
        finally:
            stage.clear()
    print(f"{chosen.library}: passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
