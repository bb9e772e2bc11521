"""What the other pages leave out: ordinary requests of versions that only other kinds were sent to."""

from lib.process import wait_until
from target import Target, case


def _commit(t: Target, group: str) -> None:
    """An offset of a group that has no members."""
    def committed() -> bool:
        answer = t.client.ask("OffsetCommit", 7, GroupId=group, GenerationIdOrMemberEpoch=-1, MemberId="",
                              Topics=[{"Name": "gaps", "Partitions": [
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
