"""Groups: joining, syncing, heartbeats, leaving; committed offsets; lists, descriptions, deletions."""

import struct
from typing import Any, Dict, List, Optional

from coordinator_cases import wait_for_coordinator
from lib.client import Client
from lib.process import wait_until
from target import Target, case

REBALANCE_IN_PROGRESS, MEMBER_ID_REQUIRED = 27, 79


def subscription(*topics: str) -> bytes:
    """A consumer's subscription, version 0."""
    names = b"".join(struct.pack(">h", len(name)) + name.encode() for name in topics)
    return struct.pack(">hi", 0, len(topics)) + names + struct.pack(">i", -1)


def joining(group: str, member: str = "", instance: Optional[str] = None, version: int = 5,
            protocols: Optional[List[Dict[str, Any]]] = None, **more: Any) -> Dict[str, Any]:
    fields: Dict[str, Any] = {"GroupId": group, "SessionTimeoutMs": 600000, "MemberId": member,
                              "ProtocolType": "consumer", "Protocols": protocols or [
                                  {"Name": "range", "Metadata": subscription("t")}]}
    if version >= 1:
        fields["RebalanceTimeoutMs"] = 600000
    if version >= 5:
        fields["GroupInstanceId"] = instance
    return {**fields, **more}


def join(client: Client, group: str, instance: Optional[str] = None, version: int = 5,
         **more: Any) -> Dict[str, Any]:
    """A member of the group, under the id that it is given."""
    answer = client.ask("JoinGroup", version, **joining(group, "", instance, version, **more))
    if answer["ErrorCode"] == MEMBER_ID_REQUIRED:
        answer = client.ask("JoinGroup", version,
                            **joining(group, answer["MemberId"], instance, version, **more))
    if answer["ErrorCode"]:
        raise AssertionError(f"JoinGroup: error {answer['ErrorCode']}")
    return answer


def stable(client: Client, group: str, instance: Optional[str] = None, **more: Any) -> str:
    """A group of one member that has its assignment; the member's id."""
    joined = join(client, group, instance, **more)
    member = joined["MemberId"]
    answer = client.ask("SyncGroup", 3, GroupId=group, GenerationId=joined["GenerationId"],
                        MemberId=member, GroupInstanceId=instance,
                        Assignments=[{"MemberId": member, "Assignment": b"mine"}])
    if answer["ErrorCode"]:
        raise AssertionError(f"SyncGroup: error {answer['ErrorCode']}")
    return member


@case
def group_life(t: Target) -> None:
    """Every version of each API, from the first member to the last."""
    wait_for_coordinator(t, "g")
    for version in range(10):
        group = f"life-{version}"
        said = f"v{version}"
        member = t.note(f"{said} join", "JoinGroup", version,
                        **joining(group, version=version))["MemberId"]
        if version >= 4:
            t.note(f"{said} join as told", "JoinGroup", version,
                   **joining(group, member, version=version))
        sync = min(version, 5)
        fields: Dict[str, Any] = {"GroupId": group, "GenerationId": 1, "MemberId": member}
        if sync >= 3:
            fields["GroupInstanceId"] = None
        if sync >= 5:
            fields.update(ProtocolType="consumer", ProtocolName="range")
        t.note(f"{said} describe early", "DescribeGroups", 4, Groups=[group])
        t.note(f"{said} sync", "SyncGroup", sync, **fields,
               Assignments=[{"MemberId": member, "Assignment": b"mine"}])
        t.note(f"{said} sync again", "SyncGroup", sync, **fields, Assignments=[])
        beat = min(version, 4)
        for label, generation, who in (("", 1, member), (" old", 0, member), (" unknown", 1, "x"),
                                       (" nameless", 1, "")):
            fields = {"GroupId": group, "GenerationId": generation, "MemberId": who}
            t.note(f"{said} heartbeat{label}", "Heartbeat", beat, **fields)
        for describe in range(6):
            more = {"IncludeAuthorizedOperations": True} if describe >= 3 else {}
            t.note(f"{said} describe v{describe}", "DescribeGroups", describe, Groups=[group], **more)
        t.note(f"{said} join again", "JoinGroup", version, **joining(group, member, version=version))
        leave = min(version, 5)
        for label, who in (("unknown", "x"), ("ordinary", member), ("again", member)):
            fields = {"MemberId": who} if leave < 3 else {"Members": [
                {"MemberId": who, "GroupInstanceId": None}]}
            t.note(f"{said} leave {label}", "LeaveGroup", leave, GroupId=group, **fields)
        wait_until(lambda group=group: t.client.ask("DescribeGroups", 0, Groups=[group])["Groups"][0]
                   ["GroupState"] == "Empty", f"{group} is empty")
        t.note(f"{said} delete", "DeleteGroups", min(version, 2), GroupsNames=[group, "unknown", group])


@case
def join_refused(t: Target) -> None:
    wait_for_coordinator(t, "g")
    for label, fields in (
            ("no group", joining("")), ("session 1 ms", joining("refused", SessionTimeoutMs=1)),
            ("session below", joining("refused", SessionTimeoutMs=5999)),
            ("session above", joining("refused", SessionTimeoutMs=1800001)),
            ("unknown member", joining("refused", "x")),
            ("no protocols", joining("refused", Protocols=[])),
            ("no protocol type", joining("refused", ProtocolType="")),
            ("unknown instance", joining("refused", "x", "i")),
            ("negative rebalance timeout", joining("refused-negative", RebalanceTimeoutMs=-1,
                                                   protocols=[{"Name": "range", "Metadata": b""}]))):
        t.note(label, "JoinGroup", 5, **fields)
    stable(t.client, "refusing")
    for label, fields in (
            ("other type", joining("refusing", ProtocolType="connect")),
            ("other protocol", joining("refusing", protocols=[{"Name": "x", "Metadata": b""}])),
            ("unknown member of a group", joining("refusing", "x"))):
        t.note(label, "JoinGroup", 5, **fields)


@case
def sync_refused(t: Target) -> None:
    wait_for_coordinator(t, "g")
    member = stable(t.client, "syncing")
    for version in (0, 3, 5):
        for label, group, generation, who, kind, name in (
                ("no group", "", 1, member, "consumer", "range"),
                ("unknown group", "unknown", 1, member, "consumer", "range"),
                ("unknown member", "syncing", 1, "x", "consumer", "range"),
                ("old generation", "syncing", 0, member, "consumer", "range"),
                ("other type", "syncing", 1, member, "connect", "range"),
                ("other protocol", "syncing", 1, member, "consumer", "x"),
                ("no type", "syncing", 1, member, None, "range"),
                ("no protocol", "syncing", 1, member, "consumer", None)):
            fields: Dict[str, Any] = {"GroupId": group, "GenerationId": generation, "MemberId": who,
                                      "Assignments": []}
            if version >= 5:
                fields.update(ProtocolType=kind, ProtocolName=name)
            t.note(f"v{version} {label}", "SyncGroup", version, **fields)
    for version in (0, 4):
        for label, group in (("no group", ""), ("unknown group", "unknown")):
            t.note(f"heartbeat v{version} {label}", "Heartbeat", version, GroupId=group,
                   GenerationId=1, MemberId=member)
    for version in (0, 2, 5):
        for label, group in (("no group", ""), ("unknown group", "unknown")):
            fields = {"MemberId": "x"} if version < 3 else {"Members": [{"MemberId": "x"}]}
            t.note(f"leave v{version} {label}", "LeaveGroup", version, GroupId=group, **fields)
    t.note("leave nobody", "LeaveGroup", 5, GroupId="syncing", Members=[])


@case
def two_members(t: Target) -> None:
    """A second member comes, the first one is told, both share; then one leaves."""
    wait_for_coordinator(t, "g")
    first = stable(t.client, "two")
    with t.fresh() as other:
        asked = other.ask("JoinGroup", 5, **joining("two"))
        waiting = other.send("JoinGroup", 5, **joining("two", asked["MemberId"]))
        beat = {"GroupId": "two", "GenerationId": 1, "MemberId": first}
        wait_until(lambda: t.client.ask("Heartbeat", 3, **beat)["ErrorCode"] != 0, "a rebalance")
        t.note("told", "Heartbeat", 3, **beat)
        t.note("described while preparing", "DescribeGroups", 5, Groups=["two"])
        t.note("sync while preparing", "SyncGroup", 3, **beat, Assignments=[])
        joined = t.note("first rejoins", "JoinGroup", 5, hide={"Members": "in the order of a hash map"},
                        **joining("two", first))
        t.keep("members", "", sorted(member["Metadata"].hex() for member in joined["Members"]))
        t.keep("second joined", "", {**other.receive("JoinGroup", 5, waiting), "MemberId": "",
                                     "Leader": ""})
        later = other.send("SyncGroup", 3, GroupId="two", GenerationId=2,
                           MemberId=asked["MemberId"], Assignments=[])
        beat["GenerationId"] = 2
        t.note("commit before the sync", "OffsetCommit", 7, GroupId="two", MemberId=first,
               GenerationIdOrMemberEpoch=2, Topics=[{"Name": "commits", "Partitions": [
                   {"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": ""}]}])
        t.note("first syncs", "SyncGroup", 3, **beat, Assignments=[
            {"MemberId": first, "Assignment": b"one"},
            {"MemberId": asked["MemberId"], "Assignment": b"two"}])
        t.keep("second synced", "", other.receive("SyncGroup", 3, later))
        t.note("second leaves", "LeaveGroup", 3, GroupId="two",
               Members=[{"MemberId": asked["MemberId"]}])
        t.note("first hears of it", "Heartbeat", 3, **beat)


@case
def static_members(t: Target) -> None:
    wait_for_coordinator(t, "g")
    member = stable(t.client, "static", "i")
    for version in (5, 8, 9):
        answer = t.note(f"back v{version}", "JoinGroup", version,
                        **joining("static", "", "i", version))
        old, member = member, answer["MemberId"]
        beat = {"GroupId": "static", "GenerationId": answer["GenerationId"], "GroupInstanceId": "i"}
        t.note(f"v{version} old id", "Heartbeat", 3, **beat, MemberId=old)
        t.note(f"v{version} new id", "Heartbeat", 3, **beat, MemberId=member)
        t.note(f"v{version} old id syncs", "SyncGroup", 3, **beat, MemberId=old, Assignments=[])
        t.note(f"v{version} old id leaves", "LeaveGroup", 3, GroupId="static", Members=[
            {"MemberId": old, "GroupInstanceId": "i"}])
        t.note(f"v{version} old id commits", "OffsetCommit", 7, GroupId="static", MemberId=old,
               GroupInstanceId="i", GenerationIdOrMemberEpoch=answer["GenerationId"], Topics=[
                   {"Name": "commits", "Partitions": [
                       {"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": ""}]}])
    t.note("other instance", "Heartbeat", 3, GroupId="static", GenerationId=1, MemberId=member,
           GroupInstanceId="j")
    t.note("described", "DescribeGroups", 5, Groups=["static"])
    t.note("removed by name", "LeaveGroup", 4, GroupId="static", Members=[
        {"MemberId": "", "GroupInstanceId": "i"}, {"MemberId": "", "GroupInstanceId": "j"},
        {"MemberId": "", "GroupInstanceId": None}])


def committing(group: str, version: int, rows: List[Dict[str, Any]], topic: str = "commits",
               **more: Any) -> Dict[str, Any]:
    return {"GroupId": group, "Topics": [{"Name": topic, "Partitions": rows}], **more}


@case
def offsets(t: Target) -> None:
    """Commits of every version, read back by every version."""
    wait_for_coordinator(t, "g")
    t.client.create_topic("commits", 3)
    for version in range(10):
        group = f"offsets-{version}"
        said = f"commit v{version}"
        row = {"PartitionIndex": 0, "CommittedOffset": 10 + version, "CommittedMetadata": "note"}
        if version >= 6:
            row["CommittedLeaderEpoch"] = 3
        t.note(said, "OffsetCommit", version, **committing(group, version, [row]))
        t.note(f"{said} odd rows", "OffsetCommit", version, **committing(group, version, [
            {"PartitionIndex": 1, "CommittedOffset": -5, "CommittedMetadata": None},
            {"PartitionIndex": 2, "CommittedOffset": 2**62, "CommittedMetadata": "x" * 4096},
            {"PartitionIndex": 7, "CommittedOffset": 1, "CommittedMetadata": ""},
            {"PartitionIndex": -1, "CommittedOffset": 1, "CommittedMetadata": ""}]))
        t.note(f"{said} metadata too long", "OffsetCommit", version, **committing(group, version, [
            {"PartitionIndex": 1, "CommittedOffset": 4, "CommittedMetadata": "x" * 4097},
            {"PartitionIndex": 0, "CommittedOffset": 20, "CommittedMetadata": "\u00e4" * 4096}]))
        t.note(f"{said} unknown topic", "OffsetCommit", version,
               **committing(group, version, [row], topic="no-such-topic"))
        t.note(f"{said} bad topic", "OffsetCommit", version,
               **committing(group, version, [row], topic="a/b"))
        t.note(f"{said} nothing", "OffsetCommit", version, GroupId=group, Topics=[])
        t.note(f"{said} no partitions", "OffsetCommit", version, **committing(group, version, []))
        for label, generation, member in (("generation", 3, ""), ("member", -1, "x"),
                                          ("both", 3, "x")):
            t.note(f"{said} with {label}", "OffsetCommit", version, **committing(
                f"{group}-{label}", version, [row], GenerationIdOrMemberEpoch=generation,
                MemberId=member))
        for fetch in range(10):
            asked = [{"Name": "commits", "PartitionIndexes": [0, 1, 2, 7]},
                     {"Name": "no-such-topic", "PartitionIndexes": [0]}]
            if fetch < 8:
                t.note(f"{said} fetch v{fetch}", "OffsetFetch", fetch, GroupId=group, Topics=asked)
            else:
                t.note(f"{said} fetch v{fetch}", "OffsetFetch", fetch, Groups=[
                    {"GroupId": group, "Topics": asked}, {"GroupId": "no-such-group", "Topics": asked}])
    t.note("empty group name", "OffsetCommit", 7, **committing("", 7, [
        {"PartitionIndex": 0, "CommittedOffset": 9, "CommittedMetadata": ""}]))
    t.note("retention", "OffsetCommit", 3, **committing("kept", 3, [
        {"PartitionIndex": 0, "CommittedOffset": 9, "CommittedMetadata": ""}], RetentionTimeMs=100000))


@case
def offset_fetch(t: Target) -> None:
    wait_for_coordinator(t, "g")
    t.client.create_topic("fetches", 2)
    t.client.ask("OffsetCommit", 7, **committing("fetching", 7, [
        {"PartitionIndex": 0, "CommittedOffset": 9, "CommittedMetadata": ""},
        {"PartitionIndex": 1, "CommittedOffset": 8, "CommittedMetadata": "x"}], topic="fetches"))
    for version in range(8):
        cases: List[Any] = [("empty", []), ("no partitions", [{"Name": "fetches", "PartitionIndexes": []}]),
                            ("twice", [{"Name": "fetches", "PartitionIndexes": [0, 0]},
                                       {"Name": "fetches", "PartitionIndexes": [1, 0]}])]
        if version >= 2:
            cases.append(("all", None))
        for label, topics in cases:
            more = {"RequireStable": True} if version >= 7 else {}
            for group in ("fetching", "no-such-group", ""):
                t.note(f"v{version} {label} of {group!r}", "OffsetFetch", version, GroupId=group,
                       Topics=topics, **more)
    for version in (8, 9):
        t.note(f"v{version} none", "OffsetFetch", version, Groups=[], patience_s=1.0)
        t.note(f"v{version} all", "OffsetFetch", version, RequireStable=True, Groups=[
            {"GroupId": "fetching", "Topics": None}, {"GroupId": "no-such-group", "Topics": None},
            {"GroupId": "", "Topics": []}])


@case
def offset_commits_of_members(t: Target) -> None:
    wait_for_coordinator(t, "g")
    t.client.create_topic("members", 1)
    member = stable(t.client, "members")
    row = [{"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": ""}]
    for version in (1, 5, 7, 9):
        for label, generation, who in (("ordinary", 1, member), ("old", 0, member), ("none", -1, member),
                                       ("unknown", 1, "x"), ("simple", -1, "")):
            t.note(f"v{version} {label}", "OffsetCommit", version, **committing(
                "members", version, row, topic="members", GenerationIdOrMemberEpoch=generation,
                MemberId=who))


@case
def list_groups(t: Target) -> None:
    wait_for_coordinator(t, "g")
    t.client.create_topic("listed", 1)
    stable(t.client, "listed-stable")
    stable(t.client, "listed-connect", ProtocolType="connect",
           protocols=[{"Name": "default", "Metadata": b"x"}])
    t.client.ask("OffsetCommit", 7, **committing("listed-simple", 7, [
        {"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": ""}], topic="listed"))

    def note(label: str, version: int, **fields: Any) -> None:
        answer = t.client.ask("ListGroups", version, **fields)
        answer["Groups"] = sorted((g for g in answer["Groups"] if g["GroupId"].startswith("listed-")),
                                  key=lambda g: g["GroupId"])
        t.keep(label, f"ListGroups v{version} {fields}", answer)

    for version in range(6):
        note(f"v{version}", version)
    for version in (4, 5):
        for states in (["Stable"], ["stable", "EMPTY"], ["Nonsense"], ["Dead"], [""],
                       ["PreparingRebalance", "CompletingRebalance"]):
            note(f"v{version} states {states}", version, StatesFilter=states)
    for types in (["classic"], ["Classic"], ["consumer"], ["classic", "consumer"]):
        note(f"v5 types {types}", 5, StatesFilter=[], TypesFilter=types)


@case
def describe_and_delete(t: Target) -> None:
    wait_for_coordinator(t, "g")
    t.client.create_topic("deleted", 1)
    stable(t.client, "describe-stable")
    t.client.ask("OffsetCommit", 7, **committing("describe-simple", 7, [
        {"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": ""}], topic="deleted"))
    names = ["describe-stable", "describe-simple", "no-such-group", ""]
    for version in range(6):
        for asked in (names, [], ["describe-stable", "describe-stable"]):
            t.note(f"describe v{version} {asked}", "DescribeGroups", version, Groups=asked)
    for version in range(3):
        t.note(f"delete v{version}", "DeleteGroups", version, GroupsNames=names)
        t.note(f"delete v{version} none", "DeleteGroups", version, GroupsNames=[])


@case
def offset_delete(t: Target) -> None:
    wait_for_coordinator(t, "g")
    t.client.create_topic("offdel", 2)
    t.client.create_topic("subscribed", 1)
    rows = [{"PartitionIndex": index, "CommittedOffset": 5, "CommittedMetadata": ""} for index in (0, 1)]
    protocols = [{"Name": "range", "Metadata": subscription("subscribed")}]
    member = stable(t.client, "offdel", protocols=protocols)
    t.client.ask("OffsetCommit", 7, **committing("offdel", 7, rows, topic="offdel", MemberId=member,
                                                 GenerationIdOrMemberEpoch=1))
    stable(t.client, "offdel-connect", ProtocolType="connect",
           protocols=[{"Name": "default", "Metadata": b"x"}])
    t.client.ask("OffsetCommit", 7, **committing("offdel-simple", 7, rows, topic="offdel"))
    topics = [{"Name": name, "Partitions": [{"PartitionIndex": index} for index in indexes]}
              for name, indexes in (("offdel", (0, 7)), ("subscribed", (0,)), ("no-such-topic", (0,)))]
    for group in ("offdel", "offdel-connect", "offdel-simple", "no-such-group", ""):
        t.note(f"delete of {group!r}", "OffsetDelete", 0, GroupId=group, Topics=topics)
        t.note(f"left of {group!r}", "OffsetFetch", 5, GroupId=group, Topics=None)
    t.note("delete nothing", "OffsetDelete", 0, GroupId="offdel-simple", Topics=[])
    t.note("delete the rest", "OffsetDelete", 0, GroupId="offdel-simple", Topics=[
        {"Name": "offdel", "Partitions": [{"PartitionIndex": 1}]}])
    t.note("described afterwards", "DescribeGroups", 5, Groups=["offdel-simple"])
