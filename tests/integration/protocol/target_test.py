"""The comparison's own test: it hides what must differ between brokers and nothing else."""

import unittest
from types import SimpleNamespace

from differences import EXPECTED
from target import differences, masked

KAFKA, OURS = SimpleNamespace(port=1000), SimpleNamespace(port=2000)


def found(kafka: object, ours: object, hide: tuple = ()) -> list:
    return [path for path, _, _ in differences("", masked(kafka, KAFKA, hide),
                                               masked(ours, OURS, hide))]


class ComparisonTest(unittest.TestCase):
    def test_ids_ports_and_times_may_differ(self):
        self.assertEqual(found({"TopicId": b"a" * 16, "Port": 1000, "ProducerId": 0, "SessionId": 7},
                               {"TopicId": b"b" * 16, "Port": 2000, "ProducerId": 9, "SessionId": 8}), [])

    def test_but_not_whether_they_are_there(self):
        for name, some, none in (("TopicId", b"a" * 16, bytes(16)), ("ProducerId", 0, -1),
                                 ("SessionId", 7, 0), ("LogAppendTimeMs", 7, -1), ("Port", 1000, 3)):
            self.assertEqual(found({name: some}, {name: none}), [f".{name}"])

    def test_every_other_field_counts(self):
        answer = {"ErrorCode": 0, "Topics": [{"Name": "b", "Records": b"1"}, {"Name": "a", "Text": None}]}
        self.assertEqual(found(answer, {"ErrorCode": 0, "Topics": answer["Topics"][::-1]}), [])
        for other, path in (({**answer, "ErrorCode": 1}, ".ErrorCode"),
                            ({**answer, "More": 1}, ".More"),
                            ({**answer, "Topics": answer["Topics"][:1]}, ".Topics.length"),
                            ({**answer, "Topics": [{"Name": "b", "Records": b"2"},
                                                   answer["Topics"][1]]}, ".Topics[1].Records")):
            self.assertIn(path, found(answer, other))
        self.assertEqual(found({"A": 1, "B": 2}, {"A": 9, "B": 2}, ("A",)), [])

    def test_expected_differences_are_not_a_pass_for_anything(self):
        entry = next(e for e in EXPECTED if e.case == "data.produce_compressed")
        self.assertTrue(entry.holds(entry.case, "gzip garbage .ErrorCode", -1, 87))
        self.assertFalse(entry.holds(entry.case, "gzip garbage .ErrorCode", -1, 0))
        self.assertFalse(entry.holds(entry.case, "gzip garbage .ErrorCode", 0, 87))


if __name__ == "__main__":
    unittest.main()
