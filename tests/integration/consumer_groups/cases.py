"""Groups of the consumer protocol: the same requests to Kafka 3.9.1 in KRaft mode and to Barnabas."""

from typing import Any, Dict

from lib.process import wait_until
from target import Target, case
from wire import Classic, Group, topic

MAX_SIZE = 4  # group.consumer.max.size of both brokers


@case
def invalid(t: Target) -> None:
    group = Group(t, "invalid")
    full: Dict[str, Any] = {"RebalanceTimeoutMs": 1000, "SubscribedTopicNames": ["none"],
                            "TopicPartitions": []}
    owned = [{"TopicId": bytes(15) + b"\1", "Partitions": [0]}]
    for label, epoch, fields in (
            ("epoch -3", -3, {}), ("epoch -2 without instance", -2, {}),
            ("no rebalance timeout", 0, {**full, "RebalanceTimeoutMs": -1}),
            ("no partitions", 0, {**full, "TopicPartitions": None}),
            ("partitions", 0, {**full, "TopicPartitions": owned}),
            ("no topics", 0, {**full, "SubscribedTopicNames": None}),
            ("empty topics", 0, {**full, "SubscribedTopicNames": []}),
            ("empty instance", 0, {**full, "InstanceId": ""}),
            ("empty rack", 0, {**full, "RackId": ""}),
            ("unknown assignor", 0, {**full, "ServerAssignor": "sticky"}),
            ("empty assignor", 0, {**full, "ServerAssignor": ""}),
            ("unknown group", 1, {}), ("unknown group leaves", -1, {}),
            ("unknown static leaves", -2, {"InstanceId": "i"})):
        group.beat(label, "m", epoch, **fields)
    group.beat("no member", "", 1)
    group.beat("no member leaves", "", -1)
    t.note("no group", "ConsumerGroupHeartbeat", 0, GroupId="", MemberId="m", MemberEpoch=1)
    group.describe("described")
    t.note("describe several", "ConsumerGroupDescribe", 0, GroupIds=["invalid", "unknown"],
           IncludeAuthorizedOperations=True)
    t.note("describe none", "ConsumerGroupDescribe", 0, GroupIds=[])


@case
def life(t: Target) -> None:
    topic(t, "life", 4)
    group = Group(t, "life")
    epoch = group.join("m1 joins", "m1", ["life"])["MemberEpoch"]
    group.describe("one member")
    group.beat("m1", "m1", epoch)
    group.beat("m1 owns", "m1", epoch, TopicPartitions=group.owned(life=[0, 1, 2, 3]))
    group.beat("m1 says all", "m1", epoch, RebalanceTimeoutMs=300000,
               SubscribedTopicNames=["life"], TopicPartitions=group.owned(life=[0, 1, 2, 3]))
    group.join("m2 joins", "m2", ["life"], RackId="r", ServerAssignor="uniform")
    group.describe("m2 waits")
    group.beat("m2 hears nothing", "m2", 2)
    group.beat("m1 hears", "m1", 1)
    group.beat("m1 still owns", "m1", 1, TopicPartitions=group.owned(life=[0, 1, 2, 3]))
    described = group.describe("m1 is to revoke")
    kept = [member["Assignment"]["TopicPartitions"][0]["Partitions"]
            for member in described["Members"] if member["MemberId"] == "m1"][0]
    group.beat("m1 has revoked", "m1", 1, TopicPartitions=group.owned(life=kept))
    group.beat("m1 lags", "m1", 1, TopicPartitions=group.owned(life=kept))
    group.beat("m2 gets", "m2", 2, TopicPartitions=[])
    group.describe("both stable")
    for types in ([], ["consumer"], ["Classic"], ["x"]):
        for states in ([], ["stable"], ["Empty"]):
            t.note(f"list {types} {states}", "ListGroups", 5, TypesFilter=types, StatesFilter=states)
    t.note("describe as classic", "DescribeGroups", 5, Groups=["life"])
    t.note("delete", "DeleteGroups", 2, GroupsNames=["life"])
    group.beat("m1 leaves", "m1", -1)
    group.beat("m1 is gone", "m1", 2)
    group.describe("m2 alone")
    group.beat("m2 takes over", "m2", 2, TopicPartitions=group.owned(life=[0]))
    group.describe("m2 has all")
    group.beat("m2 leaves", "m2", -1)
    group.describe("empty")
    t.note("list empty", "ListGroups", 5, TypesFilter=["consumer"], StatesFilter=[])
    t.note("delete empty", "DeleteGroups", 2, GroupsNames=["life", "life"])
    group.describe("deleted")


@case
def three_members(t: Target) -> None:
    """Who gets what does not depend on ids of topics where there is one topic."""
    topic(t, "three", 7)
    for assignor in ("uniform", "range"):
        group = Group(t, f"three-{assignor}")
        names = [f"{name}-{assignor}" for name in ("anna", "bertha", "caesar")]
        for name in names:
            group.join(f"{assignor} {name}", name, ["three"], ServerAssignor=assignor)
        group.describe(f"{assignor} targets")
        group.beat(f"{assignor} leaves", names[1], -1)
        group.beat(f"{assignor} goes on", names[2], 3, TopicPartitions=[])
        group.describe(f"{assignor} targets of two")


@case
def different_topics(t: Target) -> None:
    """Which partitions depends on ids of topics, which are random; how many does not."""
    topic(t, "left", 3)
    topic(t, "right", 3)
    group = Group(t, "different")
    for label, member, names in (("l", "l", ["left"]), ("b", "b", ["left", "right"]),
                                 ("r", "r", ["right"])):
        group.t.client.ask("ConsumerGroupHeartbeat", 0, GroupId="different", MemberId=member,
                           MemberEpoch=0, RebalanceTimeoutMs=300000, SubscribedTopicNames=names,
                           TopicPartitions=[])
        found = t.client.ask("ConsumerGroupDescribe", 0, GroupIds=["different"])["Groups"][0]
        t.keep(f"with {label}", "", sorted(
            (one["MemberId"], sum(len(row["Partitions"])
                                  for row in one["TargetAssignment"]["TopicPartitions"]))
            for one in found["Members"]))


@case
def votes(t: Target) -> None:
    topic(t, "votes", 2)
    group = Group(t, "votes")
    group.join("a", "a", ["votes"], ServerAssignor="range")
    group.describe("range")
    group.join("b", "b", ["votes"], ServerAssignor="uniform")
    group.describe("a tie")
    group.join("c", "c", ["votes"], ServerAssignor="uniform")
    group.describe("uniform")
    group.join("d", "d", ["votes"])
    group.join("one too many", "e", ["votes"])
    group.beat("unknown in a full group", "f", 1)
    group.beat("the last one", "d", 4)


@case
def fenced(t: Target) -> None:
    topic(t, "fenced", 2)
    group = Group(t, "fenced")
    group.join("join", "m", ["fenced"])
    group.beat("greater", "m", 2)
    group.beat("other member", "x", 1)
    group.beat("other member leaves", "x", -1)
    group.join("join again", "m", ["fenced"])
    group.beat("another subscription", "m", 1, SubscribedTopicNames=["other"])
    group.describe("of another topic")
    group.beat("epoch before, owns nothing", "m", 1, TopicPartitions=[])
    group.beat("epoch before, owns", "m", 1, TopicPartitions=group.owned(fenced=[0]))
    group.beat("epoch before, says nothing", "m", 1)
    group.beat("acknowledged", "m", 2, TopicPartitions=[])
    group.describe("afterwards")


@case
def static(t: Target) -> None:
    topic(t, "static", 3)
    group = Group(t, "static")
    group.join("join", "s1", ["static"], InstanceId="i")
    group.join("double", "s2", ["static"], InstanceId="i")
    group.beat("fenced", "s2", 1, InstanceId="i")
    group.beat("fenced leaves", "s2", -1, InstanceId="i")
    group.beat("unknown instance", "s1", 1, InstanceId="j")
    group.beat("goes away", "s1", -2, InstanceId="i")
    group.describe("away")
    group.beat("beats while away", "s1", 1, InstanceId="i")
    group.join("comes back", "s3", ["static"], InstanceId="i")
    group.describe("back")
    group.beat("the old one", "s1", 1, InstanceId="i")
    group.beat("the new one", "s3", 1, InstanceId="i")
    group.join("with another topic", "s3", ["static"], InstanceId="i")
    group.beat("leaves", "s3", -1, InstanceId="i")
    group.describe("gone")


@case
def topics_change(t: Target) -> None:
    group = Group(t, "changes")
    group.join("no topic yet", "m", ["later"])
    group.describe("nothing to have")
    t.client.create_topic("later", 1)

    def has(count: int) -> bool:
        described = t.client.ask("ConsumerGroupDescribe", 0, GroupIds=["changes"])["Groups"][0]
        t.client.ask("ConsumerGroupHeartbeat", 0, GroupId="changes", MemberId="m",
                     MemberEpoch=described["GroupEpoch"])
        rows = described["Members"][0]["Assignment"]["TopicPartitions"]
        return sum(len(row["Partitions"]) for row in rows) == count
    wait_until(lambda: has(1), "the new topic is assigned")
    group.describe("has it")
    t.client.ask("CreatePartitions", 1, Topics=[{"Name": "later", "Count": 3, "Assignments": None}],
                 TimeoutMs=10000, ValidateOnly=False)
    wait_until(lambda: has(3), "the new partitions are assigned")
    group.describe("has more")


@case
def offsets(t: Target) -> None:
    topic(t, "offsets", 2)
    topic(t, "free", 1)
    group = Group(t, "offsets")

    def commit(label: str, member: str, epoch: int, version: int = 9, topic: str = "offsets",
               offset: int = 5) -> None:
        t.note(label, "OffsetCommit", version, GroupId="offsets", MemberId=member,
               GenerationIdOrMemberEpoch=epoch, Topics=[{"Name": topic, "Partitions": [
                   {"PartitionIndex": 0, "CommittedOffset": offset, "CommittedLeaderEpoch": -1,
                    "CommittedMetadata": "m"}]}])

    def fetch(label: str, **more: Any) -> None:
        t.note(label, "OffsetFetch", 9, RequireStable=True, Groups=[
            {"GroupId": "offsets", "Topics": [{"Name": "offsets", "PartitionIndexes": [0, 1]}],
             **more}])
    group.join("join", "m", ["offsets"])
    commit("ordinary", "m", 1)
    commit("stale", "m", 0)
    commit("ahead", "m", 2)
    commit("unknown", "x", 1)
    commit("nobody", "", -1)
    commit("old version", "m", 1, version=8)
    commit("another topic", "m", 1, topic="free", offset=7)
    fetch("anybody")
    fetch("ordinary fetch", MemberId="m", MemberEpoch=1)
    fetch("stale fetch", MemberId="m", MemberEpoch=0)
    fetch("fetch ahead", MemberId="m", MemberEpoch=2)
    fetch("unknown fetch", MemberId="x", MemberEpoch=1)
    fetch("nameless fetch", MemberId="", MemberEpoch=1)
    fetch("all of it", Topics=None, MemberId="m", MemberEpoch=1)
    fetch("all, stale", Topics=None, MemberId="m", MemberEpoch=7)
    t.note("delete what is read", "OffsetDelete", 0, GroupId="offsets", Topics=[
        {"Name": "offsets", "Partitions": [{"PartitionIndex": 0}]},
        {"Name": "free", "Partitions": [{"PartitionIndex": 0}]}])
    fetch("left", Topics=None)
    group.beat("leaves", "m", -1)
    commit("into an empty group", "", -1, offset=9)
    fetch("of an empty group")
    group.describe("empty")
    t.note("deleted with offsets", "DeleteGroups", 2, GroupsNames=["offsets"])
    fetch("deleted")


@case
def upgrade(t: Target) -> None:
    """A classic group gets a member of the consumer protocol, and is classic again without it."""
    topic(t, "upgrade", 2)
    group = Group(t, "upgrade")
    old = Classic(t, "upgrade", "i", "upgrade")
    old.join("classic joins")
    old.sync("classic syncs", upgrade=[0, 1])
    t.note("classic", "ListGroups", 5, TypesFilter=["classic"], StatesFilter=["stable"])
    group.beat("not a member", "n", 1)
    group.join("consumer joins", "n", ["upgrade"])
    group.describe("upgraded")
    t.note("no longer classic", "DescribeGroups", 5, Groups=["upgrade"])
    old.beat("classic is to join")
    old.beat("of another generation", 7)
    old.sync("classic syncs late")
    old.join("classic joins anew", owned={"upgrade": [0, 1]})
    old.sync("what is left")
    group.describe("classic is to revoke")
    old.beat("is to join again")
    old.join("it has revoked", owned={"upgrade": [0]})
    old.sync("its part")
    old.beat("stable")
    group.beat("n gets", "n", 2, TopicPartitions=[])
    group.describe("shared")
    other = Classic(t, "upgrade", "j", "upgrade")
    other.join("another protocol", protocol="x")
    group.beat("consumer leaves", "n", -1)
    group.describe("downgraded")
    t.note("classic again", "ListGroups", 5, TypesFilter=["classic"], StatesFilter=[])
    old.beat("told to rejoin")
    old.join("joins the classic group")
    old.sync("syncs there", upgrade=[0, 1])
    old.leave("leaves")


@case
def classic_joins(t: Target) -> None:
    """Members of the classic protocol in a group of the consumer protocol, and empty groups."""
    topic(t, "mixed", 2)
    group = Group(t, "mixed")
    group.join("consumer", "n", ["mixed"])
    old = Classic(t, "mixed", "i", "mixed")
    old.join("classic joins")
    old.sync("syncs, nothing is free")
    old.beat("beats")
    group.describe("both")
    group.beat("n hears", "n", 1)
    group.beat("n has revoked", "n", 1, TopicPartitions=group.owned(mixed=[0]))
    old.beat("there is more")
    old.join("classic joins anew")
    old.sync("has its part")
    t.note("unknown member syncs", "SyncGroup", 5, GroupId="mixed", GenerationId=2, MemberId="x",
           ProtocolType="consumer", ProtocolName="range", Assignments=[])
    t.note("consumer syncs", "SyncGroup", 5, GroupId="mixed", GenerationId=2, MemberId="n",
           ProtocolType="consumer", ProtocolName="range", Assignments=[])
    t.note("consumer beats as classic", "Heartbeat", 4, GroupId="mixed", GenerationId=2,
           MemberId="n")
    t.note("others leave", "LeaveGroup", 5, GroupId="mixed", Members=[
        {"MemberId": "x"}, {"MemberId": "n"}, {"MemberId": "", "GroupInstanceId": "k"},
        {"MemberId": "x", "GroupInstanceId": "i"}])
    t.note("no protocols", "JoinGroup", 9, GroupId="mixed", SessionTimeoutMs=60000,
           RebalanceTimeoutMs=60000, MemberId="", ProtocolType="consumer", Protocols=[])
    t.note("another type", "JoinGroup", 9, GroupId="mixed", SessionTimeoutMs=60000,
           RebalanceTimeoutMs=60000, MemberId="", ProtocolType="connect", Protocols=[
               {"Name": "x", "Metadata": b""}])
    old.leave("classic leaves")
    group.describe("n alone")
    group.beat("n leaves", "n", -1)
    group.describe("empty")
    late = Classic(t, "mixed", "l", "mixed")
    late.join("classic takes the empty group")
    late.sync("and has it", mixed=[0, 1])
    group.describe("no longer")
    late.leave("leaves it empty")
    group.join("consumer takes the empty group", "n", ["mixed"])
    group.describe("consumer's")
    group.beat("ends", "n", -1)
