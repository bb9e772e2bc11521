"""Transactions: producer ids and epochs, partitions and offsets that join, ends, markers, listings."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from lib.process import wait_until
from lib.wire import Record, encode_batch

from coordinator_cases import wait_for_coordinator
from target import Target, case

Producer = Tuple[int, int]  # id, epoch
TIME = 1_700_000_000_000
SETTLED = ("Empty", "CompleteCommit", "CompleteAbort")
CONCURRENT = 51


def name_of(version: int, what: str) -> str:
    return f"txn-{what}-v{version}"


def state_of(t: Target, transactional_id: str) -> str:
    return t.client.ask("DescribeTransactions", 0, TransactionalIds=[transactional_id]
                        )["TransactionStates"][0]["TransactionState"]


def settle(t: Target, transactional_id: str) -> None:
    """Waits until the markers of the last transaction are written."""
    wait_until(lambda: state_of(t, transactional_id) in SETTLED, f"{transactional_id} is settled")


def begin(t: Target, transactional_id: str, **fields: Any) -> Producer:
    """The next epoch of a transactional id."""
    wait_for_coordinator(t, transactional_id, 1)
    answer: Dict[str, Any] = {}

    def given() -> bool:
        answer.update(t.client.ask("InitProducerId", 4, TransactionalId=transactional_id,
                                   TransactionTimeoutMs=60000, **fields))
        return answer["ErrorCode"] == 0
    wait_until(given, f"an epoch of {transactional_id}")
    t.facts.producers[answer["ProducerId"]] = f"<producer of {transactional_id}>"
    return answer["ProducerId"], answer["ProducerEpoch"]


def topics(*partitions: Tuple[str, int]) -> List[Dict[str, Any]]:
    found: Dict[str, List[int]] = {}
    for topic, partition in partitions:
        found.setdefault(topic, []).append(partition)
    return [{"Name": topic, "Partitions": rows} for topic, rows in found.items()]


def adding(version: int, transactional_id: str, producer: Producer, asked: Sequence[Dict[str, Any]],
           verify: bool = False) -> Dict[str, Any]:
    """The fields of an AddPartitionsToTxn request."""
    if version < 4:
        return {"V3AndBelowTransactionalId": transactional_id, "V3AndBelowProducerId": producer[0],
                "V3AndBelowProducerEpoch": producer[1], "V3AndBelowTopics": asked}
    return {"Transactions": [{"TransactionalId": transactional_id, "ProducerId": producer[0],
                              "ProducerEpoch": producer[1], "VerifyOnly": verify, "Topics": asked}]}


def add(t: Target, transactional_id: str, producer: Producer, *partitions: Tuple[str, int]) -> None:
    def added() -> bool:
        answer = t.client.ask("AddPartitionsToTxn", 3,
                              **adding(3, transactional_id, producer, topics(*partitions)))
        codes = {row["PartitionErrorCode"] for topic in answer["ResultsByTopicV3AndBelow"]
                 for row in topic["ResultsByPartition"]}
        if codes - {0, CONCURRENT}:
            raise AssertionError(f"AddPartitionsToTxn of {transactional_id}: {codes}")
        return codes == {0}
    wait_until(added, f"{partitions} are in {transactional_id}")


def end(t: Target, transactional_id: str, producer: Producer, commit: bool) -> None:
    code = t.client.ask("EndTxn", 3, TransactionalId=transactional_id, ProducerId=producer[0],
                        ProducerEpoch=producer[1], Committed=commit)["ErrorCode"]
    if code:
        raise AssertionError(f"EndTxn of {transactional_id}: error {code}")
    settle(t, transactional_id)


def batch(producer: Producer, sequence: int, value: bytes = b"value", transactional: bool = True) -> bytes:
    return encode_batch([Record(b"key", value)], timestamp=TIME, attributes=0x10 if transactional else 0,
                        producer_id=producer[0], producer_epoch=producer[1], base_sequence=sequence)


def producing(topic: str, *rows: Tuple[int, bytes]) -> List[Dict[str, Any]]:
    return [{"Name": topic, "PartitionData": [{"Index": index, "Records": records}
                                              for index, records in rows]}]


def produce(t: Target, transactional_id: str, topic: str, partition: int, records: bytes) -> None:
    answer = t.client.ask("Produce", 9, TransactionalId=transactional_id, Acks=-1, TimeoutMs=10000,
                          TopicData=producing(topic, (partition, records)))
    code = answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"]
    if code:
        raise AssertionError(f"Produce in {transactional_id}: error {code}")


def transaction(t: Target, transactional_id: str, producer: Producer, topic: str, sequence: int,
                commit: bool) -> None:
    add(t, transactional_id, producer, (topic, 0))
    produce(t, transactional_id, topic, 0, batch(producer, sequence))
    end(t, transactional_id, producer, commit)


def describe(t: Target, label: str, *transactional_ids: str) -> None:
    """Partitions come in the order of a hash set in Kafka."""
    answer = t.client.ask("DescribeTransactions", 0, TransactionalIds=list(transactional_ids))
    for state in answer["TransactionStates"]:
        for topic in state["Topics"]:
            topic["Partitions"].sort()
    t.keep(label, f"DescribeTransactions of {transactional_ids}", answer)


@case
def init_producer_id(t: Target) -> None:
    wait_for_coordinator(t, "txn-first", 1)
    for version in range(6):
        name = name_of(version, "init")
        begin(t, name)
        for label in ("second", "third"):
            t.note(f"v{version} {label}", "InitProducerId", version, TransactionalId=name,
                   TransactionTimeoutMs=60000)
        for timeout in (0, -1, 1, 900000, 900001, 2**31 - 1):
            t.note(f"v{version} timeout {timeout}", "InitProducerId", version, TransactionalId=name,
                   TransactionTimeoutMs=timeout)
        t.note(f"v{version} no name", "InitProducerId", version, TransactionalId="",
               TransactionTimeoutMs=60000)


@case
def init_producer_id_again(t: Target) -> None:
    """A producer that names who it is (KIP-360)."""
    for version in range(3, 6):
        name = name_of(version, "again")
        number, epoch = begin(t, name)
        for label, who in (("current", (number, epoch)), ("asked again", (number, epoch)),
                           ("next", (number, epoch + 1)), ("too old", (number, epoch)),
                           ("too new", (number, epoch + 9)), ("another id", (number + 10**6, epoch)),
                           ("no id", (-1, epoch)), ("no epoch", (number, -1)),
                           ("negative id", (-5, epoch))):
            t.note(f"v{version} {label}", "InitProducerId", version, TransactionalId=name,
                   TransactionTimeoutMs=60000, ProducerId=who[0], ProducerEpoch=who[1])
        t.note(f"v{version} described", "DescribeTransactions", 0, TransactionalIds=[name])


@case
def init_producer_id_fences(t: Target) -> None:
    t.client.create_topic("txn-fence", 1)
    for version in range(6):
        name = name_of(version, "fence")
        old = begin(t, name)
        add(t, name, old, ("txn-fence", 0))
        produce(t, name, "txn-fence", 0, batch(old, 0))
        t.note(f"v{version} while open", "InitProducerId", version, TransactionalId=name,
               TransactionTimeoutMs=60000)
        settle(t, name)
        t.note(f"v{version} aborted", "DescribeTransactions", 0, TransactionalIds=[name])
        t.note(f"v{version} when closed", "InitProducerId", version, TransactionalId=name,
               TransactionTimeoutMs=60000)
        t.note(f"v{version} described", "DescribeTransactions", 0, TransactionalIds=[name])
        t.note(f"v{version} late", "Produce", 9, TransactionalId=name, Acks=-1, TimeoutMs=10000,
               TopicData=producing("txn-fence", (0, batch(old, 1))))
        for old_version in range(5):
            if old_version < 4:
                t.note(f"v{version} late partition v{old_version}", "AddPartitionsToTxn", old_version,
                       **adding(old_version, name, old, topics(("txn-fence", 0))))
            t.note(f"v{version} late offsets v{old_version}", "AddOffsetsToTxn", old_version,
                   TransactionalId=name, ProducerId=old[0], ProducerEpoch=old[1], GroupId="txn-group")
            t.note(f"v{version} late end v{old_version}", "EndTxn", old_version, TransactionalId=name,
                   ProducerId=old[0], ProducerEpoch=old[1], Committed=True)
        if version >= 3:
            t.note(f"v{version} old producer", "InitProducerId", version, TransactionalId=name,
                   TransactionTimeoutMs=60000, ProducerId=old[0], ProducerEpoch=old[1])


@case
def add_partitions_to_txn(t: Target) -> None:
    t.client.create_topic("txn-add", 8)
    for version in range(6):
        name = name_of(version, "add")
        producer = begin(t, name)
        good = topics(("txn-add", 0), ("txn-add", 1))

        def ask(label: str, asked: Sequence[Dict[str, Any]], who: Optional[Producer] = None,
                transactional_id: str = name, verify: bool = False, version: int = version,
                producer: Producer = producer) -> None:
            t.note(f"v{version} {label}", "AddPartitionsToTxn", version,
                   **adding(version, transactional_id, who or producer, asked, verify))
        ask("two", good)
        ask("the same", good)
        ask("one more", topics(("txn-add", 2)))
        ask("none", [])
        ask("unknown partition", topics(("txn-add", 0), ("txn-add", 99)))
        ask("unknown topic", topics(("txn-add", 0), ("txn-add-unknown", 0)))
        ask("another epoch", good, (producer[0], producer[1] + 1))
        ask("another id", good, (producer[0] + 10**6, producer[1]))
        ask("unknown transactional id", good, transactional_id="txn-add-unknown")
        ask("no transactional id", good, transactional_id="")
        describe(t, f"v{version} described", name)
        if version >= 4:
            ask("verified", good, verify=True)
            ask("one not in it", topics(("txn-add", 0), ("txn-add", 7)), verify=True)
            ask("verified for another epoch", good, (producer[0], producer[1] + 1), verify=True)
            ask("verified for another id", good, (producer[0] + 10**6, producer[1]), verify=True)
            ask("verified for nobody", good, transactional_id="txn-add-unknown", verify=True)
            ask("verified without a name", good, transactional_id="", verify=True)
            other = begin(t, name + "-other")
            t.note(f"v{version} two transactions", "AddPartitionsToTxn", version, Transactions=[
                *adding(version, name, producer, topics(("txn-add", 3)))["Transactions"],
                *adding(version, name + "-other", other, good, True)["Transactions"]])
            t.note(f"v{version} no transactions", "AddPartitionsToTxn", version, patience_s=1,
                   Transactions=[])
        end(t, name, producer, True)
        if version >= 4:
            ask("verified when closed", good, verify=True)
        ask("the next transaction", good)
        end(t, name, producer, False)


@case
def end_txn(t: Target) -> None:
    t.client.create_topic("txn-end", 1)
    for version in range(5):
        name = name_of(version, "end")
        producer = begin(t, name)

        def ask(label: str, commit: bool, who: Optional[Producer] = None, transactional_id: str = name,
                version: int = version, producer: Producer = producer) -> None:
            number, epoch = who or producer
            t.note(f"v{version} {label}", "EndTxn", version, TransactionalId=transactional_id,
                   ProducerId=number, ProducerEpoch=epoch, Committed=commit)
        for commit in (True, False):
            ask(f"nothing open, {commit}", commit)
        for sequence, commit in enumerate((True, False)):
            add(t, name, producer, ("txn-end", 0))
            produce(t, name, "txn-end", 0, batch(producer, sequence))
            ask(f"another epoch, {commit}", commit, (producer[0], producer[1] + 1))
            ask(f"another id, {commit}", commit, (producer[0] + 10**6, producer[1]))
            ask(f"open, {commit}", commit)
            settle(t, name)
            ask(f"again, {commit}", commit)
            ask(f"the other way, {commit}", not commit)
            t.note(f"v{version} described, {commit}", "DescribeTransactions", 0, TransactionalIds=[name])
        ask("unknown transactional id", True, transactional_id="txn-end-unknown")
        ask("no transactional id", True, transactional_id="")


@case
def produce_in_transactions(t: Target) -> None:
    t.client.create_topic("txn-produce", 4)
    for version in range(3, 12):
        name = name_of(version, "produce")
        producer = begin(t, name)

        def send(label: str, *rows: Tuple[int, bytes], transactional_id: Optional[str] = name,
                 version: int = version) -> None:
            t.note(f"v{version} {label}", "Produce", version, TransactionalId=transactional_id, Acks=-1,
                   TimeoutMs=10000, TopicData=producing("txn-produce", *rows))
        send("before it is begun", (0, batch(producer, 0)))
        add(t, name, producer, ("txn-produce", 0), ("txn-produce", 1))
        send("no transactional id", (0, batch(producer, 0)), transactional_id=None)
        send("one not in it", (0, batch(producer, 0)), (2, batch(producer, 0)))
        send("both in it", (0, batch(producer, 1)), (1, batch(producer, 0)))
        send("again", (0, batch(producer, 1)), (1, batch(producer, 0)))
        send("out of order", (0, batch(producer, 7)))
        send("not transactional", (0, batch(producer, 2, transactional=False)))
        send("two producers", (0, batch(producer, 2)), (1, batch((producer[0], producer[1] + 1), 0)))
        send("another epoch", (2, batch((producer[0], producer[1] + 1), 0)))
        send("unknown producer", (2, batch((producer[0] + 10**6, 0), 0)))
        send("unknown transactional id", (2, batch(producer, 0)), transactional_id="txn-nobody")
        send("unknown topic and partition", (99, batch(producer, 0)))
        end(t, name, producer, version % 2 == 0)
        send("late", (0, batch(producer, 2)))
        t.note(f"v{version} who writes", "DescribeProducers", 0, hide={
            "ActiveProducers": "of all versions so far; describe_producers compares them"}, Topics=[
                {"Name": "txn-produce", "PartitionIndexes": [0, 1, 2]}])


@case
def read_committed(t: Target) -> None:
    t.client.create_topic("txn-read", 1)
    done, open_one = begin(t, "txn-read"), begin(t, "txn-read-open")
    for sequence, commit in enumerate((True, False, True, False)):
        transaction(t, "txn-read", done, "txn-read", sequence, commit)
    add(t, "txn-read-open", open_one, ("txn-read", 0))
    produce(t, "txn-read-open", "txn-read", 0, batch(open_one, 0))
    transaction(t, "txn-read", done, "txn-read", 4, False)
    for version in range(4, 13):
        for isolation in (0, 1):
            for offset in (0, 3, 5, 8, 9, 11):
                t.note(f"v{version} isolation {isolation} from {offset}", "Fetch", version, ReplicaId=-1,
                       MaxWaitMs=0, MinBytes=0, MaxBytes=1 << 20, IsolationLevel=isolation, SessionId=0,
                       SessionEpoch=-1, RackId="",
                       hide={"Records": "producer ids and times of markers are in them"}, Topics=[
                           {"Topic": "txn-read", "Partitions": [
                               {"Partition": 0, "FetchOffset": offset, "LogStartOffset": -1,
                                "CurrentLeaderEpoch": -1, "PartitionMaxBytes": 1 << 20}]}])
    for version in range(2, 10):
        for isolation in (0, 1):
            for timestamp in (-1, -2, TIME):  # -3 is that of a marker: whichever came in a later millisecond
                t.note(f"v{version} offsets isolation {isolation} at {timestamp}", "ListOffsets", version,
                       ReplicaId=-1, IsolationLevel=isolation,
                       Topics=[{"Name": "txn-read", "Partitions": [
                           {"PartitionIndex": 0, "CurrentLeaderEpoch": -1, "Timestamp": timestamp}]}])


def committing(partitions: Sequence[int], topic: str = "txn-offsets") -> List[Dict[str, Any]]:
    return [{"Name": topic, "Partitions": [
        {"PartitionIndex": index, "CommittedOffset": 10 + index, "CommittedMetadata": "note"}
        for index in partitions]}]


@case
def txn_offset_commit(t: Target) -> None:
    t.client.create_topic("txn-offsets", 3)
    wait_for_coordinator(t, "txn-group", 0)
    for version in range(5):
        name, group = name_of(version, "offsets"), f"txn-group-v{version}"
        producer = begin(t, name)

        def ask(label: str, rows: Sequence[Dict[str, Any]], who: Optional[Producer] = None,
                transactional_id: str = name, group_id: str = group, version: int = version,
                producer: Producer = producer, **more: Any) -> None:
            number, epoch = who or producer
            t.note(f"v{version} {label}", "TxnOffsetCommit", version, TransactionalId=transactional_id,
                   GroupId=group_id, ProducerId=number, ProducerEpoch=epoch, Topics=rows, **more)

        def join(label: str, who: Producer, transactional_id: str, version: int = version,
                 group: str = group) -> None:
            t.note(f"v{version} {label}", "AddOffsetsToTxn", version, TransactionalId=transactional_id,
                   ProducerId=who[0], ProducerEpoch=who[1], GroupId=group)

        def fetched(label: str, version: int = version, group: str = group) -> None:
            for stable in (False, True):
                t.note(f"v{version} {label}, stable {stable}", "OffsetFetch", 7, GroupId=group,
                       RequireStable=stable,
                       Topics=[{"Name": "txn-offsets", "PartitionIndexes": [0, 1, 2]}])
        ask("before it is begun", committing([0]))
        join("group joins", producer, name)
        join("unknown transactional id", producer, "txn-offsets-unknown")
        join("no transactional id", producer, "")
        join("another epoch", (producer[0], producer[1] + 1), name)
        join("another id", (producer[0] + 10**6, producer[1]), name)
        t.note(f"v{version} no group joins", "AddOffsetsToTxn", version, TransactionalId=name,
               ProducerId=producer[0], ProducerEpoch=producer[1], GroupId="")
        ask("another epoch commits", committing([0]), (producer[0], producer[1] + 1))
        ask("another id commits", committing([0]), (producer[0] + 10**6, producer[1]))
        ask("unknown transactional id commits", committing([0]), transactional_id="txn-unknown")
        ask("two", committing([0, 1]))
        ask("again", committing([0, 1]))
        ask("none", [])
        ask("no partitions", committing([]))
        ask("unknown partition", committing([2, 99]))
        ask("unknown topic", committing([0], "txn-offsets-unknown"))
        ask("no group", committing([0]), group_id="")
        ask("metadata too long", [{"Name": "txn-offsets", "Partitions": [
            {"PartitionIndex": 2, "CommittedOffset": 1, "CommittedMetadata": "x" * 5000}]}])
        if version >= 3:
            ask("generation of nobody", committing([0]), GenerationId=3, MemberId="nobody")
            ask("member without a generation", committing([0]), MemberId="nobody")
        fetched("open")
        end(t, name, producer, version % 2 == 0)
        wait_until(lambda group=group: not any(
            row["ErrorCode"] for topic in t.client.ask(
                "OffsetFetch", 7, GroupId=group, RequireStable=True,
                Topics=[{"Name": "txn-offsets", "PartitionIndexes": [0, 1, 2]}])["Topics"]
            for row in topic["Partitions"]), f"offsets of {group} are stable")
        fetched("ended")
        ask("late", committing([0]))


@case
def write_txn_markers(t: Target) -> None:
    t.client.create_topic("txn-markers", 4)
    for version in range(2):
        name = name_of(version, "markers")
        begin(t, name)
        number, epoch = begin(t, name)

        def marker(commit: bool, rows: Sequence[Tuple[str, int]], coordinator_epoch: int = 0,
                   who: Producer = (number, epoch)) -> Dict[str, Any]:
            found: Dict[str, List[int]] = {}
            for topic, partition in rows:
                found.setdefault(topic, []).append(partition)
            return {"ProducerId": who[0], "ProducerEpoch": who[1], "TransactionResult": commit,
                    "CoordinatorEpoch": coordinator_epoch,
                    "Topics": [{"Name": topic, "PartitionIndexes": indexes}
                               for topic, indexes in found.items()]}

        def ask(label: str, *markers: Dict[str, Any], version: int = version) -> None:
            t.note(f"v{version} {label}", "WriteTxnMarkers", version, Markers=list(markers))
        first = version * 2
        ask("two partitions", marker(True, [("txn-markers", first), ("txn-markers", first + 1)]))
        ask("again", marker(True, [("txn-markers", first)]))
        ask("another one newer", marker(False, [("txn-markers", first)], 5))
        ask("an old coordinator", marker(True, [("txn-markers", first)], 4))
        ask("an old producer", marker(True, [("txn-markers", first)], 5, (number, epoch - 1)))
        ask("unknown partition", marker(True, [("txn-markers", first), ("txn-markers", 99)], 5))
        ask("unknown topic", marker(True, [("txn-unknown", 0)], 5))
        ask("several", marker(True, [("txn-markers", first)], 5),
            marker(False, [("txn-markers", first + 1)], 5, (number + 10**6, 0)))
        ask("no partitions", marker(True, []))
        ask("none")
        t.note(f"v{version} end", "ListOffsets", 5, ReplicaId=-1, IsolationLevel=1, Topics=[
            {"Name": "txn-markers", "Partitions": [
                {"PartitionIndex": index, "CurrentLeaderEpoch": -1, "Timestamp": -1}
                for index in range(4)]}])


@case
def describe_producers(t: Target) -> None:
    t.client.create_topic("txn-producers", 3)
    done, open_one, aborted = (begin(t, f"txn-producers-{word}") for word in ("done", "open", "aborted"))
    transaction(t, "txn-producers-done", done, "txn-producers", 0, True)
    transaction(t, "txn-producers-aborted", aborted, "txn-producers", 0, False)
    add(t, "txn-producers-open", open_one, ("txn-producers", 0), ("txn-producers", 1))
    produce(t, "txn-producers-open", "txn-producers", 0, batch(open_one, 0))
    for label, asked in (("all", [("txn-producers", [0, 1, 2])]), ("none", []),
                         ("no partitions", [("txn-producers", [])]),
                         ("unknown partition", [("txn-producers", [0, 99, -1])]),
                         ("unknown topic", [("txn-producers-unknown", [0])]),
                         ("bad name", [("a/b", [0]), ("", [1])])):
        t.note(label, "DescribeProducers", 0, Topics=[
            {"Name": topic, "PartitionIndexes": indexes} for topic, indexes in asked])
    t.note("transactions", "DescribeTransactions", 0,
           TransactionalIds=["txn-producers-done", "txn-producers-aborted"])
    t.note("no transactions", "DescribeTransactions", 0, TransactionalIds=[])
    t.note("unknown transactions", "DescribeTransactions", 0, TransactionalIds=["txn-unknown", ""])
    describe(t, "an open transaction", "txn-producers-open")
    for version in range(2):
        durations = ({}, {"DurationFilter": 0}, {"DurationFilter": 10**9}) if version else ({},)
        for index, more in enumerate(durations):
            for label, states, numbers in (("one", [], [done[0]]), ("two", [], [done[0], open_one[0]]),
                                           ("open", ["Ongoing"], [done[0], open_one[0]]),
                                           ("unknown state", ["Nothing"], []),
                                           ("unknown states", ["Nothing", "Ongoing", "ongoing"],
                                            [open_one[0]]),
                                           ("nobody", [], [10**9]), ("dead", ["Dead"], [])):
                t.note(f"list v{version} {label} {index}", "ListTransactions", version,
                       StateFilters=states, ProducerIdFilters=numbers, **more)
    end(t, "txn-producers-open", open_one, False)
