"""The comparison's own test: it hides what must differ between brokers and nothing else."""

import copy
import pathlib
import unittest
from types import SimpleNamespace
from typing import Any, Optional

from comparison import Comparison
from coverage import missing
from differences import Expected
from masks import Facts, View
from mutations import Census, mutations
from target import EMPTY, ORDINARY, WRONG, Target, differences, kinds_of


def facts(port: int, known: bytes) -> Facts:
    made = Facts(SimpleNamespace(port=port, kind="barnabas", log_dirs=[pathlib.Path(f"/{port}")]))
    made._cluster_id = f"cluster {port}"
    made.topic_ids[known] = "topic"
    return made


KAFKA, OURS = facts(1000, b"a" * 16), facts(2000, b"b" * 16)


def found(kafka: object, ours: object, hide: Optional[dict] = None, api: str = "",
          request: bytes = b"") -> list:
    return [path for path, _, _ in differences("", View(KAFKA, api, hide, request).masked(kafka),
                                               View(OURS, api, hide, request).masked(ours))]


class MaskTest(unittest.TestCase):
    def test_what_is_proved_may_differ(self):
        kafka = {"TopicId": b"a" * 16, "Port": 1000, "ClusterId": "cluster 1000", "LogDir": "/1000"}
        ours = {"TopicId": b"b" * 16, "Port": 2000, "ClusterId": "cluster 2000", "LogDir": "/2000"}
        self.assertEqual(found(kafka, ours), [])
        for name, other in (("TopicId", b"c" * 16), ("Port", 1000), ("ClusterId", "cluster 1000"),
                            ("LogDir", "/1000")):
            self.assertEqual(found(kafka, {**ours, name: other}), [f".{name}"])

    def test_ids_and_times_may_differ_but_not_whether_they_are_there(self):
        for name, api, some, other, none in (
                ("ProducerId", "InitProducerId", 0, 9, -1), ("SessionId", "Fetch", 7, 8, 0),
                ("LogAppendTimeMs", "Produce", 7, 8, -1)):
            self.assertEqual(found({name: some}, {name: other}, api=api), [])
            self.assertEqual(found({name: some}, {name: none}, api=api), [f".{name}"])
        self.assertEqual(found({"ProducerId": 1}, {"ProducerId": 2}), [".ProducerId"])

    def test_an_id_that_the_test_made_up_counts(self):
        self.assertEqual(found({"TopicId": b"x" * 16}, {"TopicId": b"y" * 16}, request=b"y" * 16),
                         [".TopicId"])

    def test_every_other_field_counts(self):
        answer = {"ErrorCode": 0, "Topics": [{"Name": "b", "Records": b"1"}, {"Name": "a", "Text": None}]}
        self.assertEqual(found(answer, {"ErrorCode": 0, "Topics": answer["Topics"][::-1]}), [])
        for other, path in (({**answer, "ErrorCode": 1}, ".ErrorCode"),
                            ({**answer, "ErrorCode": False}, ".ErrorCode"),
                            ({**answer, "More": 1}, ".More"),
                            ({**answer, "Topics": answer["Topics"][:1]}, ".Topics.length"),
                            ({**answer, "Topics": [{"Name": "b", "Records": b"2"},
                                                   answer["Topics"][1]]}, ".Topics[1].Records")):
            self.assertIn(path, found(answer, other))
        self.assertEqual(found({"A": 1, "B": 2}, {"A": 9, "B": 2}, {"A": "why"}), [])


class ExpectedTest(unittest.TestCase):
    ENTRY = Expected("data.case", "gzip .*", r"\.ErrorCode", -1, 87, "a reason")

    def rows(self, kafka: Any, ours: Any, label: str = "gzip cut") -> list:
        return Comparison([self.ENTRY]).rows("data.case", label, kafka, ours)[0]

    def test_it_is_not_a_pass_for_anything(self):
        self.assertEqual(self.rows({"ErrorCode": -1}, {"ErrorCode": 87}), [])
        for kafka, ours, label in ((-1, 0, "gzip cut"), (0, 87, "gzip cut"), (-1, 87, "not gzip cut"),
                                   (-1, 87, "x gzip")):
            self.assertTrue(self.rows({"ErrorCode": kafka}, {"ErrorCode": ours}, label))
        self.assertTrue(self.rows({"Other": -1}, {"Other": 87}))

    def test_one_that_does_not_occur_is_told(self):
        comparison = Comparison([self.ENTRY])
        self.assertEqual(len(comparison.stale(["data.case"])), 1)
        self.assertEqual(comparison.stale(["another"]), [])
        kafka, ours = Target(SimpleNamespace(kind="kafka"), KAFKA), Target(SimpleNamespace(kind=""), OURS)
        kafka.keep("gzip cut", "", {"ErrorCode": -1})
        ours.keep("gzip cut", "", {"ErrorCode": 87})
        comparison.compare("data.case", kafka, ours)
        self.assertEqual(comparison.unexpected, 0)
        comparison.mutate("data.case", kafka, ours)
        self.assertEqual((comparison.census.tried, comparison.census.unnoticed), (2, []))
        self.assertEqual(comparison.stale(["data.case"]), [])


class MutationTest(unittest.TestCase):
    ANSWER = {"Code": 0, "Flag": True, "Text": "a", "Nothing": None, "Id": b"", "Numbers": [1, 2],
              "None": [], "Rows": [{"Name": "x", "Inner": {"Deep": 1}}, {"Name": "y"}]}

    def test_every_field_is_changed_once_and_the_answer_stays(self):
        paths = set()
        kept, memo = copy.deepcopy(self.ANSWER), View(OURS).memo(self.ANSWER)
        for mutation, changed in mutations(self.ANSWER):
            self.assertNotEqual(changed, self.ANSWER, mutation)
            self.assertEqual(self.ANSWER, kept)
            self.assertEqual(View(OURS).masked(changed), View(OURS).masked(changed, memo=memo))
            paths.add(mutation.path)
        self.assertEqual(paths, {"", ".Code", ".Flag", ".Text", ".Nothing", ".Id", ".Numbers",
                                 ".Numbers[0]", ".Numbers[1]", ".None", ".Rows", ".Rows[0]", ".Rows[1]", ".Rows[0].Name",
                                 ".Rows[0].Inner", ".Rows[0].Inner.Deep", ".Rows[1].Name"})

    def census(self, hide: Optional[dict] = None, blind: str = "nothing") -> Census:
        raw = {"ErrorCode": 0, "Other": 1, "SessionId": 5}
        view, made = View(OURS, "Fetch", hide), Census()
        kafka = view.masked(raw)
        made.check("case", "label", raw, view, lambda changed: any(
            path != blind for path, _, _ in differences("", kafka, changed)))
        return made

    def test_what_is_not_noticed_is_told(self):
        self.assertEqual(self.census().unnoticed, [])
        self.assertEqual(list(self.census().passed), ["new session id: random"])
        self.assertEqual(self.census(blind=".Other").unnoticed, ["case: label .Other: one more"])
        hidden = self.census({"Other": "why"})
        self.assertEqual((hidden.unnoticed, hidden.passed["hidden Other: why"]), ([], 1))


class CoverageTest(unittest.TestCase):
    def test_kinds(self):
        for api, version, fields, answer, kinds in (
                ("Metadata", 9, {"Topics": [{"Name": "a"}]}, {"Topics": [{"ErrorCode": 0}]}, {ORDINARY}),
                ("Metadata", 9, {"Topics": []}, {"Topics": []}, {EMPTY}),
                ("Metadata", 9, {"Topics": None}, {"Topics": []}, {EMPTY}),
                ("Metadata", 9, {"Topics": [{"Name": ""}]}, {"Topics": [{"ErrorCode": 17}]}, {WRONG}),
                ("Metadata", 9, {"Topics": [{"Name": "a"}]}, "closed", {WRONG}),
                ("CreatePartitions", 3, {"Topics": [{"Name": "a", "Assignments": None}]},
                 {"Results": [{"ErrorCode": 0}]}, {ORDINARY, EMPTY}),
                ("DescribeCluster", 0, {}, {"ErrorCode": 0}, {ORDINARY}),
                ("ApiVersions", 0, {}, {"ErrorCode": 0}, {ORDINARY, EMPTY})):
            self.assertEqual(kinds_of(api, version, fields, answer), kinds, (api, fields))

    def test_a_version_without_a_case_is_named(self):
        sent = {("DescribeCluster", version, kind) for version in (0, 1)
                for kind in (ORDINARY, EMPTY, WRONG)}
        self.assertEqual(missing({60: (0, 1)}, [sent]), [])
        sent.remove(("DescribeCluster", 1, WRONG))
        self.assertEqual(missing({60: (0, 1)}, [sent]), ["DescribeCluster v1: no wrong request"])
        self.assertEqual(len(missing({60: (0, 1), 3: (0, 0)}, [sent])), 2)


if __name__ == "__main__":
    unittest.main()
