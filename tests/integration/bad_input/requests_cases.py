"""Requests that parse and ask for what cannot be."""

import struct
from typing import Any, Dict, List

from bench import TOPIC, Bench, add, case, require
from lib import messages
from lib.client import Client
from lib.wire import Closed, Silent

GROUP = __name__


def fetch(client: Client, partitions: List[Dict[str, Any]], replica: int = -1, session: int = 0,
          epoch: int = -1, max_bytes: int = 1 << 20) -> Dict[str, Any]:
    rows = [{"Partition": 0, "FetchOffset": 0, "LogStartOffset": -1, "CurrentLeaderEpoch": -1,
             "PartitionMaxBytes": 1 << 20, **row} for row in partitions]
    return client.ask("Fetch", 11, ReplicaId=replica, MaxWaitMs=0, MinBytes=1, MaxBytes=max_bytes,
                      IsolationLevel=0, SessionId=session, SessionEpoch=epoch, RackId="",
                      Topics=[{"Topic": TOPIC, "Partitions": rows}])


def partition_error(b: Bench, code: int, **row: Any) -> None:
    with b.client() as client:
        replica = row.pop("replica", -1)
        answer = fetch(client, [row], replica)
        (topic,) = answer["Responses"]
        (part,) = topic["Partitions"]
        require(answer["ErrorCode"] == 0 and part["ErrorCode"] == code,
                f"error {part['ErrorCode']} of the partition, not {code}")
        require(not part["Records"], "no records")


add(GROUP, "fetch_at_minus_99", lambda b: partition_error(b, 1, FetchOffset=-99))
add(GROUP, "fetch_at_2_to_the_62", lambda b: partition_error(b, 1, FetchOffset=2**62))
add(GROUP, "fetch_of_minus_1_bytes", lambda b: partition_error(b, -1, PartitionMaxBytes=-1))
add(GROUP, "fetch_as_replica_777", lambda b: partition_error(b, 6, replica=777))


@case()
def fetch_of_10000_duplicates(b: Bench) -> None:
    with b.client() as client:
        answer = fetch(client, [{}] * 10_000)
        (topic,) = answer["Responses"]
        require(len(topic["Partitions"]) == 1, f"answered once: {len(topic['Partitions'])} times")


@case()
def fetch_in_a_session_that_is_none(b: Bench) -> None:
    with b.client() as client:
        code = fetch(client, [{}], session=123456, epoch=5)["ErrorCode"]
        require(code == 70, f"FETCH_SESSION_ID_NOT_FOUND, not {code}")


def refused(b: Bench, api: str, version: int, fields: Dict[str, Any]) -> None:
    """An error code somewhere in the answer; an API that is not served closes the connection."""
    served = b.served(api)
    with b.client() as client:
        client.connection.socket.settimeout(10.0)
        try:
            answer = client.ask(api, version, **fields)
        except Silent:
            require(False, f"{api}: no answer, connection open")
        except Closed:
            require(not served, f"{api} is served and closed the connection")
            return
        require(served, f"{api} is not advertised and answered")
        require(any(code > 0 for code in error_codes(answer)), f"{api} must be refused: {answer}")


def error_codes(answer: Any) -> List[int]:
    if isinstance(answer, dict):
        here = [value for name, value in answer.items() if name == "ErrorCode"]
        return here + [code for value in answer.values() for code in error_codes(value)]
    if isinstance(answer, list):
        return [code for row in answer for code in error_codes(row)]
    return []


LONG = "x" * 32_000
JOIN = {"SessionTimeoutMs": 30000, "RebalanceTimeoutMs": 30000, "MemberId": "", "GroupId": "nobody",
        "ProtocolType": "consumer", "Protocols": [{"Name": "range", "Metadata": b""}]}
COORDINATOR = {
    "end_of_no_transaction": ("EndTxn", 1, {
        "TransactionalId": "nobody", "ProducerId": 1, "ProducerEpoch": 0, "Committed": True}),
    "join_of_no_group": ("JoinGroup", 4, {**JOIN, "GroupId": ""}),
    "join_with_a_session_of_1_ms": ("JoinGroup", 4, {**JOIN, "SessionTimeoutMs": 1}),
    "sync_of_no_member": ("SyncGroup", 2, {"GroupId": "nobody", "GenerationId": 5,
                                           "MemberId": "nobody", "Assignments": []}),
    "transactional_id_of_32000": ("AddOffsetsToTxn", 1, {
        "TransactionalId": LONG, "ProducerId": 1, "ProducerEpoch": 0, "GroupId": "nobody"}),
    "offset_metadata_of_32000": ("OffsetCommit", 5, {
        "GroupId": "nobody", "GenerationIdOrMemberEpoch": -1, "MemberId": "", "Topics": [
            {"Name": TOPIC, "Partitions": [{"PartitionIndex": 0, "CommittedOffset": 1,
                                            "CommittedMetadata": LONG}]}]}),
    "leader_and_isr_of_controller_epoch_minus_1": ("LeaderAndIsr", 4, {
        "ControllerId": 0, "ControllerEpoch": -1, "BrokerEpoch": -1, "Type": 0, "TopicStates": [
            {"TopicName": TOPIC, "PartitionStates": [{
                "TopicName": TOPIC, "PartitionIndex": 0, "ControllerEpoch": -1, "Leader": 77,
                "LeaderEpoch": 99, "Isr": [77], "PartitionEpoch": 1, "Replicas": [77],
                "AddingReplicas": [], "RemovingReplicas": [], "IsNew": False}]}],
        "LiveLeaders": []}),
    "stop_replica_of_controller_epoch_minus_1": ("StopReplica", 3, {
        "ControllerId": 0, "ControllerEpoch": -1, "BrokerEpoch": -1, "TopicStates": [
            {"TopicName": TOPIC, "PartitionStates": [
                {"PartitionIndex": 0, "LeaderEpoch": 99, "DeletePartition": True}]}]}),
}
for _name, _row in COORDINATOR.items():
    add(GROUP, _name, lambda b, row=_row: refused(b, *row))


@case(peak_mib=64)
def group_of_20_members_with_5_mib_each(b: Bench) -> None:
    """A group's memory is bounded, whatever its members bring along (100 MiB of metadata here)."""
    served = b.served("JoinGroup")
    clients = [b.client() for _ in range(20)]
    try:
        for client in clients:
            try:
                client.send("JoinGroup", 3, **{**JOIN, "GroupId": "large", "RebalanceTimeoutMs": 3000,
                                               "SessionTimeoutMs": 6000, "Protocols": [
                                                   {"Name": "range", "Metadata": bytes(5 << 20)}]})
            except Closed:
                require(not served, "JoinGroup is served")
        if not served:
            for client in clients:
                require(client.connection.is_closed_by_peer(), "what is not served closes")
        b.pulse("another client", b.before)
    finally:
        for client in clients:
            client.close()


def create(b: Bench, name: bytes, partitions: int = 1) -> int:
    with b.client() as client:
        answer = client.ask("CreateTopics", 5, timeoutMs=15000, Topics=[
            {"Name": name, "NumPartitions": partitions, "ReplicationFactor": 1}])
        return answer["Topics"][0]["ErrorCode"]


def topic_refused(b: Bench, name: bytes, partitions: int, code: int) -> None:
    got = create(b, name, partitions)
    require(got == code, f"error {got}, not {code}")


def absolute(b: Bench) -> None:
    topic_refused(b, str(b.outside / "x").encode(), 1, 17)


NAMES = {
    "topic_two_dots": b"..", "topic_dot": b".", "topic_up_and_away": b"../../x",
    "topic_empty": b"", "topic_of_250": b"t" * 250, "topic_of_32000": b"t" * 32_000,
    "topic_with_nul": b"a\0b", "topic_in_utf8": "für".encode(), "topic_in_bad_utf8": b"a\xff\xfeb",
    "topic_with_a_space": b"a b", "topic_with_a_newline": b"a\nb",
}
for _name, _topic in NAMES.items():
    add(GROUP, _name, lambda b, topic=_topic: topic_refused(b, topic, 1, 17))
add(GROUP, "topic_absolute", absolute)
add(GROUP, "topic_of_0_partitions", lambda b: topic_refused(b, b"none", 0, 37))
add(GROUP, "topic_of_minus_5_partitions", lambda b: topic_refused(b, b"none", -5, 37))


@case()
def topic_of_249(b: Bench) -> None:
    require(create(b, b"t" * 249) == 0, "the longest name is accepted")
