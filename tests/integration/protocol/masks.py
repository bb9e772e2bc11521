"""What two brokers can never have in common, and what stands for it while answers are compared.

A rule replaces a value with a name. Most rules prove the value first (its own port, its own topic's
id), so that any other value is a difference; the `free` ones cannot, and say why. mutations.py counts
the fields that only a free rule covers.
"""

import pathlib
import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from lib.brokers import Broker
from lib.client import Client

Memo = Dict[Any, Any]
Hidden = Mapping[str, str]  # field -> why it is not compared


# Why sizes of all logs are not compared where all are listed; admin_cases.py compares those of its own.
LOGGED = "__consumer_offsets holds what the coordinator logged of members that timed out"

# What is not served yet is not advertised. Whole APIs need no entry; these lack their oldest versions.
NOT_YET = (0, 1, 8, 9)


class Facts:
    """What is known of one broker without believing the answer under test."""

    def __init__(self, broker: Broker):
        self.port = broker.port
        self.log_dirs = [str(path) for path in broker.log_dirs]
        self.topic_ids: Dict[bytes, str] = {}
        self.producers: Dict[int, str] = {}  # whose producer id it is, as cases have learned it
        self.strangers = {bytes(16)}  # ids that were asked for and are no topic's
        self.advertised: Dict[int, Tuple[int, int]] = {}  # by Barnabas: key -> lowest, highest
        self.is_oracle = broker.kind == "kafka"
        self._broker = broker
        self._cluster_id: Optional[str] = None

    @property
    def cluster_id(self) -> str:
        if self._cluster_id is None:
            text = (pathlib.Path(self.log_dirs[0]) / "meta.properties").read_text()
            self._cluster_id = re.search(r"(?m)^cluster\.id=(.*)$", text).group(1).replace("\\", "")
        return self._cluster_id

    def learn_topic_ids(self) -> None:
        """Asks for all topics; the ids of deleted ones stay known."""
        with Client(self._broker.address) as client:
            for topic in client.ask("Metadata", 12, Topics=None)["Topics"]:
                self.topic_ids[topic["TopicId"]] = topic["Name"]


class Rule(NamedTuple):
    """How a field is shown; `show` gives None where the rule does not hold for the value."""
    name: str
    fields: Tuple[str, ...]
    free: bool
    reason: str
    show: Callable[[Any, Facts], Any]
    api: str = ""  # of this API alone


_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _topic_id(value: bytes, facts: Facts) -> Optional[str]:
    name = facts.topic_ids.get(value)
    return None if name is None else f"<id of {name}>"


def _log_dir(value: str, facts: Facts) -> Optional[str]:
    return f"<log dir {facts.log_dirs.index(value)}>" if value in facts.log_dirs else None


RULES: Tuple[Rule, ...] = (
    Rule("port", ("Port",), False, "each broker has a port of its own",
         lambda value, facts: "<port>" if value == facts.port else None),
    Rule("cluster id", ("ClusterId",), False, "random; must be the one in meta.properties",
         lambda value, facts: "<cluster id>" if value == facts.cluster_id else None),
    Rule("topic id", ("TopicId",), False, "random; must be the id that Metadata gives for the topic",
         _topic_id),
    Rule("log dir", ("LogDir",), False, "each broker has folders of its own", _log_dir),
    Rule("id of a deleted topic", ("TopicId",), True, "random, and nobody can be asked any more",
         lambda value, facts: "<id>" if value != bytes(16) else None),
    Rule("producer id", ("ProducerId",), False, "from a block that each broker reserves; must be whose it is",
         lambda value, facts: facts.producers.get(value)),
    Rule("new producer id", ("ProducerId",), True, "from a block that each broker reserves",
         lambda value, facts: "<id>" if value >= 0 else None, "InitProducerId"),
    Rule("new session id", ("SessionId",), True, "random",
         lambda value, facts: "<id>" if value > 0 else None, "Fetch"),
    Rule("member id", ("MemberId", "Leader"), True, "ends in a random UUID",
         lambda value, facts: re.sub(_UUID + "$", "<uuid>", value)
         if re.search(_UUID + "$", value) else None),
    Rule("free bytes of the disk", ("UsableBytes",), True, "the brokers are asked one after the other",
         lambda value, facts: "<bytes>" if value > 0 else None),
    Rule("time of a transaction", ("TransactionStartTimeMs", "LastTimestamp"), True, "a time",
         lambda value, facts: "<time>" if value > 0 else None),
    Rule("append time", ("LogAppendTimeMs",), True, "a time",
         lambda value, facts: "<time>" if value > 0 else None),
    Rule("times in a message", ("ErrorMessage", "BatchIndexErrorMessage"), True, "a time",
         lambda value, facts: re.sub(r"within \[\d+, \d+\]", "within [<time>, <time>]", value)
         if re.search(r"within \[\d+, \d+\]", value) else None),
)
_BY_FIELD: Dict[str, List[Rule]] = {}
for _rule in RULES:
    for _field in _rule.fields:
        _BY_FIELD.setdefault(_field, []).append(_rule)


class View:
    """How one answer is shown: the broker's facts, the API, what its case hides, what was asked."""

    def __init__(self, facts: Facts, api: str = "", hide: Optional[Hidden] = None,
                 request: bytes = b""):
        self.facts, self.api, self.hide, self.request = facts, api, hide or {}, request

    def rule(self, name: str, value: Any) -> Optional[Rule]:
        """The rule that covers this leaf, if any does."""
        if value is None or isinstance(value, (list, dict)):
            return None
        if (name == "TopicId" and isinstance(value, bytes) and value not in self.facts.topic_ids
                and value in self.request):
            return None  # an id that the test made up comes back as it was
        for rule in _BY_FIELD.get(name, ()):
            if rule.api in ("", self.api) and rule.show(value, self.facts) is not None:
                return rule
        return None

    def masked(self, value: Any, name: str = "", memo: Optional[Memo] = None) -> Any:
        """The answer with every covered value replaced; rows in an order that hashing cannot move.

        `memo` holds what is known of parts by their identity; they must live as long as it does.
        """
        if isinstance(value, (dict, list)) and memo is not None and id(value) in memo:
            return memo[id(value)]
        if isinstance(value, dict):
            return {field: "<hidden>" if field in self.hide else self.masked(item, field, memo)
                    for field, item in value.items()}
        if isinstance(value, list):
            if name == "ApiKeys" and self.facts.is_oracle:
                value = [self._served(row) for row in value if row["ApiKey"] in self.facts.advertised]
            rows = [self.masked(item, name, memo) for item in value]
            if any(isinstance(row, dict) for row in rows):
                keys: Dict[int, Any] = (memo or {}).get("keys", {})
                rows.sort(key=lambda row: keys.get(id(row)) or _row_key(row))
            return rows
        rule = self.rule(name, value)
        if rule is not None:
            return rule.show(value, self.facts)
        return value.hex() if isinstance(value, bytes) else value

    def memo(self, value: Any) -> Memo:
        """What masked() makes of every part of an answer, for answers that share most of them."""
        keys: Dict[int, str] = {}
        known: Dict[Any, Any] = {"keys": keys}

        def walk(part: Any, name: str) -> None:
            if isinstance(part, dict):
                for field, item in part.items():
                    walk(item, field)
            elif isinstance(part, list):
                for item in part:
                    walk(item, name)
            if isinstance(part, (dict, list)):
                known[id(part)] = self.masked(part, name, known)
            if isinstance(part, dict):
                keys[id(known[id(part)])] = _row_key(known[id(part)])
        walk(value, "")
        return known

    def _served(self, row: Dict[str, Any]) -> Dict[str, Any]:
        """A row of Kafka's ApiVersions answer, without what is not served here yet."""
        if row["ApiKey"] not in NOT_YET:
            return row
        return {**row, "MinVersion": self.facts.advertised[row["ApiKey"]][0]}

    def learn(self, answer: Any) -> None:
        """Asks the broker about topic ids that it has not been asked about."""
        unknown = {value for value in topic_ids(answer) if value not in self.facts.topic_ids}
        if unknown - self.facts.strangers:
            self.facts.learn_topic_ids()
            self.facts.strangers |= unknown


def topic_ids(value: Any, name: str = "") -> Iterator[bytes]:
    """Every topic id in an answer."""
    if isinstance(value, dict):
        for field, item in value.items():
            yield from topic_ids(item, field)
    elif isinstance(value, list):
        for item in value:
            yield from topic_ids(item, name)
    elif name == "TopicId" and isinstance(value, bytes):
        yield value


def _row_key(row: Any) -> str:
    """Kafka answers in the order of hash maps: rows are compared by what names them."""
    if not isinstance(row, dict):
        return repr(row)
    names = ("Name", "Topic", "ResourceType", "ResourceName", "TopicId", "PartitionIndex", "Partition",
             "Index", "ApiKey", "NodeId", "BrokerId", "GroupId", "MemberId", "Key", "ErrorCode")
    return repr([(name, row[name] if not isinstance(row[name], int) else f"{row[name]:012d}")
                 for name in names if name in row] + [row])
