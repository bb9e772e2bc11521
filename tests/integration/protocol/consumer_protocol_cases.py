"""Groups of the consumer protocol where it is not offered, as on Kafka with ZooKeeper it never is.

../consumer_groups compares what they do where it is offered, with Kafka in KRaft mode.
"""

from target import Target, case

ANY = "ordinary empty wrong"  # every request hears UNSUPPORTED_VERSION


@case
def not_offered(t: Target) -> None:
    full = {"RebalanceTimeoutMs": 1000, "SubscribedTopicNames": ["t"], "TopicPartitions": []}
    for label, fields in (("ordinary", {"GroupId": "g", "MemberId": "m", **full}),
                          ("leaving", {"GroupId": "g", "MemberId": "m", "MemberEpoch": -1}),
                          ("empty", {"GroupId": "", "MemberId": ""}),
                          ("wrong", {"GroupId": "g", "MemberId": "m", "MemberEpoch": -9})):
        t.note(label, "ConsumerGroupHeartbeat", 0, kind=ANY, **fields)
    for label, groups in (("ordinary", ["g", "h"]), ("none", []), ("nameless", [""])):
        t.note(f"describe {label}", "ConsumerGroupDescribe", 0, kind=ANY, GroupIds=groups,
               IncludeAuthorizedOperations=True)
    t.note("list", "ListGroups", 5, TypesFilter=["consumer"], StatesFilter=[])
