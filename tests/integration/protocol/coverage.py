"""Whether every version that Barnabas advertises got an ordinary, an empty and a wrong request."""

from typing import Dict, Iterable, List, Tuple

from lib import messages
from target import EMPTY, ORDINARY, WRONG, Sent

KINDS = (ORDINARY, EMPTY, WRONG)


def missing(advertised: Dict[int, Tuple[int, int]], sent: Iterable[Sent]) -> List[str]:
    """What no case has sent, a line for each version."""
    names = {message.key: name.removesuffix("Request")
             for name, message in messages.definitions().items()
             if message.key is not None and name.endswith("Request")}
    seen = set().union(*sent)
    found = []
    for key, (lowest, highest) in sorted(advertised.items()):
        for version in range(lowest, highest + 1):
            lacks = [kind for kind in KINDS if (names[key], version, kind) not in seen]
            if lacks:
                found.append(f"{names[key]} v{version}: no {', no '.join(lacks)} request")
    return found
