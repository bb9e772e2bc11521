"""Groups of the consumer protocol on the wire: what every case here asks for."""

import struct
from typing import Any, Dict, List, Optional, Sequence

from lib.process import wait_until
from target import Target

MEMBER_ID_REQUIRED = 79


def topic(t: Target, name: str, partitions: int) -> None:
    """A topic that the coordinator knows of: Kafka's learns it a moment after the broker."""
    t.client.create_topic(name, partitions)
    probe = {"GroupId": f"probe-{name}", "MemberId": "probe"}

    def is_assigned() -> bool:
        answer = t.client.ask("ConsumerGroupHeartbeat", 0, **probe, MemberEpoch=0,
                              RebalanceTimeoutMs=1000, SubscribedTopicNames=[name],
                              TopicPartitions=[])
        if answer["ErrorCode"] == 0:
            t.client.ask("ConsumerGroupHeartbeat", 0, **probe, MemberEpoch=-1)
        return bool(answer["Assignment"] and answer["Assignment"]["TopicPartitions"])
    wait_until(is_assigned, f"{name} is known to the coordinator")
    t.client.ask("DeleteGroups", 2, GroupsNames=[f"probe-{name}"])


class Group:
    """A group on one broker. Members have names that the test chooses, so that answers compare."""

    def __init__(self, t: Target, name: str):
        self.t, self.name = t, name
        wait_until(lambda: t.client.ask("ConsumerGroupDescribe", 0, GroupIds=[name])["Groups"][0]
                   ["ErrorCode"] in (0, 69), f"a coordinator of {name}")

    def beat(self, label: str, member: str, epoch: int, **more: Any) -> Dict[str, Any]:
        return self.t.note(label, "ConsumerGroupHeartbeat", 0, GroupId=self.name, MemberId=member,
                           MemberEpoch=epoch, **more)

    def join(self, label: str, member: str, topics: Sequence[str], **more: Any) -> Dict[str, Any]:
        fields = {"RebalanceTimeoutMs": 300000, "TopicPartitions": [], **more}
        return self.beat(label, member, 0, SubscribedTopicNames=list(topics), **fields)

    def owned(self, **topics: List[int]) -> List[Dict[str, Any]]:
        return [{"TopicId": self.t.topic_id(name), "Partitions": partitions}
                for name, partitions in topics.items()]

    def describe(self, label: str) -> Dict[str, Any]:
        return self.t.note(label, "ConsumerGroupDescribe", 0, GroupIds=[self.name])["Groups"][0]


def subscription(*topics: str, owned: Optional[Dict[str, List[int]]] = None) -> bytes:
    """A classic consumer's subscription, version 1."""
    def text(value: str) -> bytes:
        return struct.pack(">h", len(value)) + value.encode()
    data = struct.pack(">hi", 1, len(topics)) + b"".join(text(name) for name in topics)
    data += struct.pack(">ii", -1, len(owned or {}))
    for name, partitions in (owned or {}).items():
        data += text(name) + struct.pack(f">i{len(partitions)}i", len(partitions), *partitions)
    return data


def assignment(**topics: List[int]) -> bytes:
    """A classic consumer's assignment, version 1."""
    data = struct.pack(">hi", 1, len(topics))
    for name, partitions in topics.items():
        data += struct.pack(">h", len(name)) + name.encode()
        data += struct.pack(f">i{len(partitions)}i", len(partitions), *partitions)
    return data + struct.pack(">i", -1)


class Classic:
    """A static member of the classic protocol, under whatever id it is given."""

    def __init__(self, t: Target, group: str, instance: str, *topics: str):
        self.t, self.group, self.instance, self.topics = t, group, instance, topics
        self.member, self.generation = "", -1

    def join(self, label: str, owned: Optional[Dict[str, List[int]]] = None,
             protocol: str = "range", **more: Any) -> Dict[str, Any]:
        answer = self.t.note(label, "JoinGroup", 9, GroupId=self.group, SessionTimeoutMs=60000,
                             RebalanceTimeoutMs=60000, MemberId=self.member,
                             GroupInstanceId=self.instance, ProtocolType="consumer", Protocols=[
                                 {"Name": protocol,
                                  "Metadata": subscription(*self.topics, owned=owned)}], **more)
        if answer["ErrorCode"] == 0:
            self.member, self.generation = answer["MemberId"], answer["GenerationId"]
        return answer

    def sync(self, label: str, **topics: List[int]) -> Dict[str, Any]:
        rows = [{"MemberId": self.member, "Assignment": assignment(**topics)}] if topics else []
        return self.t.note(label, "SyncGroup", 5, GroupId=self.group, GenerationId=self.generation,
                           MemberId=self.member, GroupInstanceId=self.instance,
                           ProtocolType="consumer", ProtocolName="range", Assignments=rows)

    def beat(self, label: str, generation: Optional[int] = None) -> Dict[str, Any]:
        return self.t.note(label, "Heartbeat", 4, GroupId=self.group, MemberId=self.member,
                           GenerationId=self.generation if generation is None else generation,
                           GroupInstanceId=self.instance)

    def leave(self, label: str) -> Dict[str, Any]:
        return self.t.note(label, "LeaveGroup", 5, GroupId=self.group, Members=[
            {"MemberId": self.member, "GroupInstanceId": self.instance}])
