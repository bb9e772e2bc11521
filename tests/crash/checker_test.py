"""The checker notices each kind of damage: one record cut out, a duplicate, a gap, a torn batch."""

import unittest
from typing import List

from checker import PartitionLog, Promise, check, payload
from lib.wire import Batch, decode_batches, encode_batch, Record

PLACE = ("topic", 0)


def batch(number: int, base_offset: int, count: int = 3, producer: str = "p") -> Batch:
    records = [Record(payload(producer, number, index, count, b"filling")) for index in range(count)]
    (read,) = decode_batches(encode_batch(records, base_offset=base_offset))
    return read


def log(batches: List[Batch], start: int = 0) -> PartitionLog:
    return PartitionLog(start, batches[-1].last_offset + 1 if batches else start, batches)


def promises(batches: List[Batch]) -> List[Promise]:
    return [Promise(*PLACE, record.offset, record.value, "acknowledged")
            for one in batches for record in one.records]


class CheckerTest(unittest.TestCase):
    def setUp(self):
        self.batches = [batch(number, number * 3) for number in range(5)]
        self.promises = promises(self.batches)

    def found(self, kept: PartitionLog, once: bool = True, trimmed: bool = False,
              acknowledged: List[Promise] = None) -> List[str]:
        return check(self.promises if acknowledged is None else acknowledged, {PLACE: kept},
                     once={PLACE[0]} if once else set(), trimmed={PLACE[0]} if trimmed else set())

    def assert_only(self, wrong: List[str], word: str):
        self.assertTrue(wrong, "nothing was noticed")
        self.assertTrue(all(word in line for line in wrong), wrong)

    def test_whole_log_is_right(self):
        self.assertEqual(self.found(log(self.batches)), [])

    def test_an_empty_log_without_promises_is_right(self):
        self.assertEqual(self.found(log([]), acknowledged=[]), [])

    def test_records_beyond_the_promises_are_right(self):
        self.assertEqual(self.found(log(self.batches + [batch(5, 15)])), [])

    def test_every_acknowledged_record_cut_out_is_noticed(self):
        for cut in range(15):
            number, index = divmod(cut, 3)
            records = self.batches[number].records
            less = self.batches[number]._replace(records=records[:index] + records[index + 1:])
            kept = self.batches[:number] + [less] + self.batches[number + 1:]
            wrong = self.found(log(kept))
            self.assertTrue(any(f"acknowledged at {cut}," in line for line in wrong), wrong)

    def test_a_lost_end_is_noticed(self):
        self.assert_only(self.found(log(self.batches[:4])), "acknowledged")

    def test_another_payload_is_noticed(self):
        changed = self.batches[:2] + [batch(99, 6)] + self.batches[3:]
        self.assert_only(self.found(log(changed)), "acknowledged")

    def test_a_duplicate_is_noticed_where_it_may_not_be(self):
        kept = log(self.batches + [batch(2, 15)])
        self.assert_only(self.found(kept), "again")
        self.assertEqual(self.found(kept, once=False), [])

    def test_a_gap_is_noticed(self):
        kept = self.batches[:2] + self.batches[3:]
        self.assert_only(self.found(log(kept), acknowledged=promises(kept)), "gap")

    def test_a_moved_end_is_noticed(self):
        self.assert_only(self.found(PartitionLog(0, 16, self.batches)), "ends at")

    def test_a_torn_batch_is_noticed(self):
        torn = self.batches[-1]._replace(records=self.batches[-1].records[:2], last_offset=13)
        kept = self.batches[:-1] + [torn]
        self.assert_only(self.found(log(kept), acknowledged=promises(kept)), "torn")

    def test_retention_takes_the_front_only(self):
        kept = log(self.batches[2:], start=6)
        self.assertEqual(self.found(kept, trimmed=True), [])
        self.assert_only(self.found(kept), "nothing may be deleted")
        self.assertEqual(self.found(log(self.batches[2:], start=7), trimmed=True), [])
        self.assert_only(self.found(log(self.batches[2:], start=3), trimmed=True), "")
        self.assertTrue(self.found(log(self.batches[2:], start=3), trimmed=True))

    def test_a_missing_partition_is_noticed(self):
        self.assert_only(check(self.promises, {}, once=set(), trimmed=set()), "gone")


if __name__ == "__main__":
    unittest.main()
