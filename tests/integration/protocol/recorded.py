"""The frames that real clients sent to Kafka 3.9.1 (tests/golden/protocol), and what they need."""

import functools
import pathlib
import re
import tarfile
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from lib import messages

ARCHIVE = pathlib.Path(__file__).resolve().parents[2] / "golden" / "protocol" / "frames.tar.gz"
_NAME = re.compile(r"frames/(\d+)_v(\d+)_(\d+)_(req|resp)_(.+)\.bin")


class Frame(NamedTuple):
    """One recorded request; `fields` is None where the definitions of 3.9.1 do not know its version."""
    name: str
    key: int
    version: int
    client: str
    data: bytes
    fields: Optional[messages.Fields]

    @property
    def api(self) -> str:
        return messages.name_of(self.key)


@functools.lru_cache(maxsize=None)
def requests() -> Tuple[Frame, ...]:
    """Every recorded request, in the order of names: by API, version, number, client."""
    found = []
    with tarfile.open(ARCHIVE) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            key, version, _, kind, client = _NAME.fullmatch(member.name).groups()
            if kind == "req":
                data = archive.extractfile(member).read()
                try:
                    fields: Optional[messages.Fields] = messages.decode_request(data)[2]
                except messages.Malformed:
                    fields = None
                found.append(Frame(pathlib.PurePath(member.name).stem, int(key), int(version), client,
                                   data, fields))
    return tuple(found)


def partitions_of(frame: Frame, names: Mapping[bytes, str]) -> Iterator[Tuple[str, int, int]]:
    """Topic, partition and the lowest log end offset with which the request finds what it asks for;
    `names` are those of the topics that Fetch names by their ids."""
    for topic in (frame.fields or {}).get("Topics") or (frame.fields or {}).get("TopicData") or []:
        name = topic.get("Topic") or topic.get("Name") or names[topic["TopicId"]]
        for part in topic.get("Partitions") or topic.get("PartitionData") or []:
            if isinstance(part, dict):
                index = part.get("Partition", part.get("PartitionIndex", part.get("Index", 0)))
                yield name, index, max(part.get("FetchOffset", 0), part.get("Offset", 0), 0) + 1


def unnamed_topic_ids(frames: Tuple[Frame, ...]) -> List[bytes]:
    """The topic ids that the Fetch requests of the newest clients name."""
    found: Dict[bytes, None] = {}
    for frame in frames:
        for topic in (frame.fields or {}).get("Topics") or []:
            if frame.api == "Fetch" and topic.get("TopicId"):
                found[topic["TopicId"]] = None
    return list(found)


def topic_names(value: Any, names: Tuple[str, ...] = ("Topic", "Name", "TopicNames")) -> Iterator[str]:
    """Every topic that a request names at the top of its rows."""
    for field in ("Topics", "TopicData", "TopicNames", "Resources"):
        for row in (value or {}).get(field) or []:
            if isinstance(row, str):
                yield row
            elif row.get("ResourceType", 2) == 2:
                name = next((row[n] for n in (*names, "ResourceName") if row.get(n)), None)
                if isinstance(name, str):
                    yield name
