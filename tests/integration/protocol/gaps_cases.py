"""What the other pages leave out: ordinary requests of versions that only other kinds were sent to."""

from lib.process import wait_until
from target import Target, case


def _commit(t: Target, group: str, topic: str = "gaps") -> None:
    """An offset of a group that has no members."""
    def committed() -> bool:
        answer = t.client.ask("OffsetCommit", 7, GroupId=group, GenerationIdOrMemberEpoch=-1, MemberId="",
                              Topics=[{"Name": topic, "Partitions": [
                                  {"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": "m"}]}])
        return answer["Topics"][0]["Partitions"][0]["ErrorCode"] == 0
    wait_until(committed, f"an offset of {group}")


@case
def groups(t: Target) -> None:
    t.client.create_topic("gaps", 1)
    for version in range(3):
        _commit(t, f"gaps-{version}")
        t.note(f"delete v{version}", "DeleteGroups", version, GroupsNames=[f"gaps-{version}"])
    for version in (4, 5):
        t.note(f"list v{version}", "ListGroups", version, StatesFilter=["Dead"])


@case
def offsets_of_deleted_topics(t: Target) -> None:
    """They go with the topic, and a group without members goes with its last offset."""
    t.client.create_topic("gaps-gone", 1)

    def committed(group: str) -> int:
        answer = t.client.ask("OffsetFetch", 5, GroupId=group, Topics=[
            {"Name": "gaps-gone", "PartitionIndexes": [0]}])
        return answer["Topics"][0]["Partitions"][0]["CommittedOffset"]
    for group in ("gaps-simple", "gaps-two-topics"):
        _commit(t, group, "gaps-gone")
    _commit(t, "gaps-two-topics", "gaps")
    t.keep("before", "", [committed("gaps-simple"), committed("gaps-two-topics")])
    t.delete_topic("gaps-gone")
    wait_until(lambda: committed("gaps-simple") == committed("gaps-two-topics") == -1, "offsets gone")
    answer = t.client.ask("ListGroups", 4)
    t.keep("left", "", sorted(row["GroupId"] for row in answer["Groups"]
                              if row["GroupId"].startswith("gaps-")))
    for group in ("gaps-simple", "gaps-two-topics"):
        t.note(f"{group} described", "DescribeGroups", 5, Groups=[group])
