"""FindCoordinator: who is the coordinator of a group or of a transactional id."""

from lib.process import wait_until
from target import Target, case

GROUPS = ["g", "", "console-consumer-12345", "\u00e4\u00f6\u00fc", "\U0001f600", "a" * 1000,
          "polygenelubricants"]  # the last one's hash is -2^31, which has no absolute value


def wait_for_coordinator(t: Target, key: str, key_type: int = 0) -> None:
    """Asks until the topic of the coordinators is there and has leaders."""
    def found() -> bool:
        return t.client.ask("FindCoordinator", 2, Key=key, KeyType=key_type)["ErrorCode"] == 0
    wait_until(found, f"a coordinator for {key!r}")


@case
def find_coordinator(t: Target) -> None:
    for key_type, name in ((0, "__consumer_offsets"), (1, "__transaction_state")):
        t.note(f"{name}, first", "FindCoordinator", 2, Key="g", KeyType=key_type)
        wait_for_coordinator(t, "g", key_type)
        wait_until(lambda name=name: t.client.has_leaders(name, 5), name)
        t.note(f"{name} made", "Metadata", 8, Topics=[{"Name": name}], AllowAutoTopicCreation=False)
        t.note(f"{name} configured", "DescribeConfigs", 1, IncludeSynonyms=False, Resources=[
            {"ResourceType": 2, "ResourceName": name, "ConfigurationKeys": None}])
    for version in range(7):
        for key_type in (0, 1, 2, 3, -1) if version else (0,):
            for index, group in enumerate(GROUPS):
                asked = ({"CoordinatorKeys": [group]} if version >= 4 else {"Key": group})
                if version:
                    asked["KeyType"] = key_type
                t.note(f"v{version} type {key_type} group {index}", "FindCoordinator", version, **asked)
        if version >= 4:
            for label, keys in (("several", GROUPS), ("none", []), ("twice", ["g", "g"])):
                t.note(f"v{version} {label}", "FindCoordinator", version, KeyType=0, CoordinatorKeys=keys)
