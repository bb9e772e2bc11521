"""Requests that need no thought: for every version that Barnabas advertises, one with every field at
its default, one with null wherever null may be, one that is cut before its last byte.

A handler that lands is asked these at once; what is ordinary about it, and which refusals it has, its
own page of cases must say.
"""

import struct
from typing import Any, Dict, Iterator, Tuple

from lib import messages
from masks import LOGGED
from target import EMPTY, Target, case

# Fields whose default would be an order to the broker itself, a request without an answer, or one that
# every version must have to be answered.
HARMLESS: Dict[str, messages.Fields] = {
    "Produce": {"Acks": -1},
    "OffsetFetch": {"GroupId": "generic", "Groups": [{"GroupId": "generic"}]},
    "AddPartitionsToTxn": {"Transactions": [{"TransactionalId": "generic"}]},
    "ControlledShutdown": {"BrokerId": 99},
    "ApiVersions": {"ClientSoftwareName": "test", "ClientSoftwareVersion": "1"},
}


def advertised(t: Target) -> Iterator[Tuple[str, int]]:
    for key, (lowest, highest) in sorted(t.facts.advertised.items()):
        for version in range(lowest, highest + 1):
            yield messages.name_of(key), version


def given(api: str, version: int, fields: messages.Fields) -> messages.Fields:
    """The fields that this version has."""
    known = {field["name"] for field in messages.fields_of(api + "Request", version)}
    return {name: value for name, value in fields.items() if name in known}


# What Kafka answers without an error whatever is asked for, as far as the named version: unknown groups
# are dead, unknown topics left out. The request that is cut is then the wrong one.
NEVER_REFUSED = {"OffsetFetch": 9, "DescribeGroups": 5, "ListGroups": 5, "DescribeLogDirs": 4,
                 "FindCoordinator": 0, "DescribeCluster": 0, "ListPartitionReassignments": 0,
                 "ListTransactions": 1}


def never_refused(api: str, version: int) -> bool:
    return not messages.fields_of(api + "Request", version) or version <= NEVER_REFUSED.get(api, -1)


@case
def defaults(t: Target) -> None:
    for api, version in advertised(t):
        t.note(f"{api} v{version}", api, version, **given(api, version, HARMLESS.get(api, {})))
        t.count(api, version, EMPTY)


@case
def nulls(t: Target) -> None:
    for api, version in advertised(t):
        fields: Dict[str, Any] = {
            field["name"]: None for field in messages.fields_of(api + "Request", version)
            if messages.is_nullable(field, version)}
        if fields:
            fields.update(given(api, version, HARMLESS.get(api, {})))
            t.note(f"{api} v{version}", api, version,
                   hide={"PartitionSize": LOGGED} if api == "DescribeLogDirs" else None, **fields)
            t.count(api, version, EMPTY)


@case
def cut(t: Target) -> None:
    """The last byte is missing: no answer, and the connection ends."""
    for api, version in advertised(t):
        frame = messages.encode_request(api, version, given(api, version, HARMLESS.get(api, {})), 1,
                                        "test")[:-1]
        t.note_bytes(f"{api} v{version}", struct.pack(">i", len(frame)) + frame, api=api,
                     version=version, kind="wrong" if never_refused(api, version) else "")
