"""The test library's own tests: what it compares with must be right, and must notice a difference."""

import pathlib
import struct
import tempfile
import types
import unittest

from lib import messages, stored, text, wire
from lib.wire import Record


class WireTest(unittest.TestCase):
    RECORDS = [Record(b"one", b"k", (("h", b"v"), ("n", None)), 1_700_000_000_000),
               Record(None, None, (), 1_700_000_000_005)]

    def test_crc32c_known_answer(self):
        for crc in (wire.crc32c, wire._table_crc32c()):
            self.assertEqual(crc(b"123456789"), 0xE3069283)

    def test_varints(self):
        for value in (0, -1, 1, 63, 64, -64, -65, 2**31 - 1, -2**31, 2**62):
            self.assertEqual(wire.read_varint(wire.varint(value) + b"x", 0),
                             (value, len(wire.varint(value))))

    def test_batch_comes_back(self):
        batch = wire.encode_batch(self.RECORDS, base_offset=7, producer_id=5, producer_epoch=1,
                                  base_sequence=3)
        (read,) = wire.decode_batches(batch + batch[:30])
        self.assertEqual((read.base_offset, read.last_offset, read.producer_id, read.base_sequence),
                         (7, 8, 5, 3))
        self.assertEqual([r._replace(offset=None) for r in read.records], self.RECORDS)
        self.assertEqual([r.offset for r in read.records], [7, 8])

    def test_every_flipped_byte_is_noticed(self):
        batch = wire.encode_batch(self.RECORDS)
        for at in range(16, len(batch)):  # before that: base offset, length, epoch, not in the CRC
            broken = bytearray(batch)
            broken[at] ^= 0x40
            with self.assertRaises(wire.TornBatch, msg=f"byte {at}"):
                wire.decode_batches(bytes(broken))

    def test_torn_file_is_noticed(self):
        batch = wire.encode_batch(self.RECORDS)
        for size in range(1, len(batch)):
            with self.assertRaises(wire.TornBatch):
                wire.decode_batches(batch + batch[:size], partial_tail=False)


class MessagesTest(unittest.TestCase):
    def test_known_bytes(self):
        self.assertEqual(
            messages.encode_request("Metadata", 1, {"Topics": [{"Name": "a"}]}, 9, None),
            struct.pack(">hhihih", 3, 1, 9, -1, 1, 1) + b"a")
        self.assertEqual(  # flexible header, compact array and string, tagged fields
            messages.encode_request("ApiVersions", 3, {"ClientSoftwareName": "x"}, 9, "c"),
            struct.pack(">hhih", 18, 3, 9, 1) + b"c\0" + b"\2x\1\0")

    def test_unsupported_version_answer(self):
        frame = bytes.fromhex("00000009 0023 00000001 0012 0000 0004")
        self.assertEqual(messages.decode_response("ApiVersions", 0, frame), (9, {
            "ErrorCode": 35, "ApiKeys": [{"ApiKey": 18, "MinVersion": 0, "MaxVersion": 4}]}))

    def test_left_over_and_missing_bytes_are_noticed(self):
        frame = bytes.fromhex("00000009 0023 00000001 0012 0000 0004")
        for broken in (frame + b"\0", frame[:-1]):
            with self.assertRaises(messages.Malformed):
                messages.decode_response("ApiVersions", 0, broken)

    def test_unknown_field_is_refused(self):
        with self.assertRaises(messages.Malformed):
            messages.encode_request("Metadata", 1, {"Topic": []})


class TextTest(unittest.TestCase):
    def setUp(self):
        self.placed = text.place(text.records(2000), 3)

    def test_holds_every_kind(self):
        records = [placed.record for placed in self.placed]
        for kind in (lambda r: r.key is None, lambda r: r.value is None, lambda r: r.value == b"",
                     lambda r: len(r.headers) == 4, lambda r: not r.headers):
            self.assertTrue(any(map(kind, records)))

    def test_comes_back(self):
        self.assertEqual(list(text.from_bytes(text.to_bytes(self.placed))), self.placed)
        self.assertIsNone(text.difference(self.placed, list(reversed(self.placed))))

    def test_every_difference_is_noticed(self):
        first, second = self.placed[0], self.placed[57]
        for index, changed in (
                (0, first._replace(offset=1)), (0, first._replace(partition=1)),
                (57, second._replace(record=second.record._replace(value=b"?"))),
                (57, second._replace(record=second.record._replace(key=None))),
                (57, second._replace(record=second.record._replace(headers=(("a", None),))))):
            other = list(self.placed)
            other[index] = changed
            self.assertIsNotNone(text.difference(self.placed, other))
        self.assertIsNotNone(text.difference(self.placed, self.placed[:-1]))
        self.assertIsNotNone(text.difference(self.placed, self.placed + [first]))
        value_null = [p for p in self.placed if p.record.value is None][0]
        other = [p._replace(record=p.record._replace(value=b"")) if p == value_null else p
                 for p in self.placed]
        self.assertIsNotNone(text.difference(self.placed, other))


class StoredTest(unittest.TestCase):
    def check(self, *batches, wanted):
        with tempfile.TemporaryDirectory() as name:
            log = pathlib.Path(name) / "t-0" / "00000000000000000000.log"
            log.parent.mkdir()
            log.write_bytes(b"".join(batches) + bytes(200))  # a preallocated rest
            broker = types.SimpleNamespace(log_dirs=[pathlib.Path(name)])
            stored.check_codec(broker, "t", "lz4", wanted)

    def test_codec_on_disk(self):
        def batch(codec, count):
            return wire.encode_batch(text.records(count), attributes=text.CODECS.index(codec))
        self.check(batch("lz4", 400), wanted=400)
        self.check(batch("lz4", 400), batch("none", 3), wanted=403)
        for batches, wanted in (([batch("none", 400)], 400), ([batch("lz4", 400)], 401),
                                ([batch("lz4", 400), batch("none", 9)], 409),
                                ([batch("lz4", 400), batch("gzip", 2)], 402),
                                ([batch("lz4", 100), batch("none", 2)], 102), ([], 1)):
            with self.assertRaises(AssertionError):
                self.check(*batches, wanted=wanted)


if __name__ == "__main__":
    unittest.main()
