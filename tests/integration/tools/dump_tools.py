"""kafka-dump-log beside Kafka 3.9.1's on the same files, line by line: files made here, of every magic,
codec and mistake, and those of a broker."""

import gzip
import pathlib
import re
import shutil
import struct
from typing import Callable, List, Sequence

from lib import legacy
from lib.wire import Record, crc32c, encode_batch, encode_record
from tools import Answer, Java, expect, native

LOG = ["", "--deep-iteration", "--print-data-log", "--print-data-log --skip-record-metadata",
       "--deep-iteration --max-bytes 200", "--print-data-log --max-bytes 90"]
INDEX = ["", "--verify-index-only", "--index-sanity-check"]
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]

RECORDS = [Record(b"value", b"key", (("h1", b"x"), ("h2", None))), Record(None, b"deleted"), Record(b"no key"),
           Record("grüße, 消息 😀".encode(), b"\xff\xfe\xe4\xbd\x80k", timestamp=1_700_000_000_500),
           Record(b"\xed\xa0\x80 \xf0\x9f\x98 \xc0\x80", b"\xf4\x90\x80\x80")]


def control(kind: int, epoch: int = 7) -> Record:
    return Record(struct.pack(">hi", 0, epoch), struct.pack(">hh", 0, kind))


def v2_log() -> bytes:
    packed = gzip.compress(b"".join(_inner(RECORDS)), mtime=0)
    return b"".join([
        encode_batch(RECORDS, base_offset=10, leader_epoch=3),
        encode_batch(RECORDS, base_offset=15, attributes=1, payload=packed),
        encode_batch(RECORDS[:1], base_offset=22, attributes=8),
        encode_batch(RECORDS[:1], base_offset=23, attributes=0x40, timestamp=1_600_000_000_000),
        encode_batch(RECORDS[:2], base_offset=24, attributes=0x10, producer_id=4000, producer_epoch=2,
                     base_sequence=2147483647),
        encode_batch([control(1)], base_offset=26, attributes=0x30, producer_id=4000, producer_epoch=2),
        encode_batch([control(0)], base_offset=27, attributes=0x30, producer_id=4001, producer_epoch=0),
        encode_batch([control(2)], base_offset=28, attributes=0x20),
        encode_batch(RECORDS[:1], base_offset=29, crc=12345),
    ])


def _inner(records: Sequence[Record]) -> List[bytes]:
    return [encode_record(record, index, 1_700_000_000_000) for index, record in enumerate(records)]


def old_log(magic: int) -> bytes:
    stamp = 1_500_000_000_000
    plain = [Record(b"value", b"key", timestamp=stamp), Record(None, b"k", timestamp=stamp + 5),
             Record(b"no key", timestamp=stamp + 1)]
    inner = b"".join(legacy.encode_message(record, index + (3 if magic == 0 else 0), magic)
                     for index, record in enumerate(plain))
    messages = [legacy.encode_message(record, index, magic) for index, record in enumerate(plain)]
    messages.append(legacy.encode_wrapper(inner, magic=magic, offset=5, timestamp=stamp + 9))
    messages.append(legacy.encode_message(plain[0], 6, magic, crc=99))
    if magic == 1:
        messages.append(legacy.encode_message(plain[0], 7, magic, attributes=8))
    return b"".join(messages)


def snapshot(*entries: tuple, crc: int = -1, version: int = 1) -> bytes:
    body = struct.pack(">i", len(entries)) + b"".join(struct.pack(">qhiqiqiq", *entry) for entry in entries)
    return struct.pack(">hI", version, crc32c(body) if crc < 0 else crc) + body


def write_files(folder: pathlib.Path) -> List[pathlib.Path]:
    """Files of every kind, right ones and wrong ones."""
    def put(name: str, content: bytes) -> pathlib.Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    log = v2_log()
    second = len(encode_batch(RECORDS))  # where the second batch begins
    name = "00000000000000000010"
    return [
        put(f"v2/{name}.log", log),
        put(f"v2/{name}.index", struct.pack(">iiii", 4, 0, 9, second)),
        put(f"v2/{name}.timeindex", struct.pack(">qiqi", 1_700_000_000_500, 4, 1_700_000_000_501, 9)),
        put(f"wrong/{name}.log", log + b"torn"),
        put(f"wrong/{name}.index", struct.pack(">iiii", 3, 0, 8, second) + b"odd"),
        put(f"wrong/{name}.timeindex", struct.pack(">qiqiqi", 5, 4, 3, 7, 1, 40)),
        put(f"active/{name}.log", log), put(f"active/{name}.index", struct.pack(">ii", 4, 0) + bytes(16)),
        put(f"active/{name}.timeindex", struct.pack(">qi", 1_700_000_000_500, 4) + bytes(24)),
        put("empty/00000000000000000000.log", b""), put("empty/00000000000000000000.index", b""),
        put("empty/00000000000000000000.timeindex", b""), put("empty/00000000000000000000.txnindex", b""),
        put("zeros/00000000000000000000.log", encode_batch(RECORDS) + bytes(100)),
        put("names/notanumber.log", log), put("names/readme.txt", b"x"),
        put("old/00000000000000000000.log", old_log(0)), put("old/00000000000000000100.log", old_log(1)),
        put("txn/00000000000000000000.txnindex",
            struct.pack(">hqqqq", 0, 4000, 1, 2, 3) + struct.pack(">hqqqq", 0, 4001, 5, 9, 10)),
        put("producers/00000000000000000030.snapshot",
            snapshot((4000, 2, 5, 29, 3, 1_700_000_000_000, 1, -1), (4001, 0, 1, 20, 3, 1_700_000_000_000, -1, 17),
                     (4002, 0, -1, -1, 0, 1_700_000_000_000, 4, -1))),
        put("producers/00000000000000000031.snapshot", snapshot((4000, 2, 5, 29, 3, 0, 1, -1), crc=77)),
        put("producers/00000000000000000032.snapshot", snapshot(version=3)),
    ]


def log_lines(out: bytes) -> List[bytes]:
    return out.split(b"\n")


def compare_dump(java: Java, sentence: Callable[[Answer], bytes], *words: str) -> None:
    theirs, ours = java.run("dump-log", *words), native("dump-log", *words)
    what = f"dump-log {' '.join(words)}"
    expect(f"{what}: exit code ({ours.err!r})", theirs.code, ours.code)
    expect(f"{what}: standard output", log_lines(theirs.out), log_lines(ours.out))
    if theirs.code:
        # A record that does not hold is told in the words of each reader.
        if b"NoSuchFileException" not in theirs.err and b"NoSuchElement" not in theirs.err:
            expect(f"{what}: sentence", sentence(theirs), sentence(ours))
    else:
        expect(f"{what}: standard error", theirs.err, ours.err)


def compare_made_files(java: Java, folder: pathlib.Path, sentence: Callable[[Answer], bytes]) -> int:
    files = write_files(folder / "made")
    count = 0
    for path in files:
        for line in LOG if path.suffix == ".log" else INDEX:
            compare_dump(java, sentence, "--files", str(path), *line.split())
            count += 1
    both = ",".join(str(path) for path in files[:3])
    log = str(files[0])
    for words in (["--files", both, "--verify-index-only"], ["--files", log, "--value-decoder-class",
                  "org.apache.kafka.tools.api.StringDecoder"], ["--files", log, "--key-decoder-class",
                  "kafka.serializer.StringDecoder", "--max-bytes", "100"],
                  ["--files", str(files[1]), "--max-message-size", "10"], ["--print-data-log"],
                  ["--files", log, "--qwertz"],
                  ["--files", log, "--offsets-decoder"]):
        compare_dump(java, sentence, *words)
        count += 1
    return count


def compare_broker_files(java: Java, data: pathlib.Path, copy: pathlib.Path,
                         sentence: Callable[[Answer], bytes]) -> int:
    """All that a broker has written, in a copy, since it may go on writing."""
    shutil.copytree(data, copy)
    count = 0
    for path in sorted(copy.glob("*-*/*")):
        if path.suffix not in (".log", ".index", ".timeindex", ".snapshot", ".txnindex") or not path.stat().st_size:
            continue
        lines = ["--print-data-log"] if path.suffix == ".log" else INDEX[:2]
        if path.parent.name.startswith("__consumer_offsets") and path.suffix == ".log":
            lines = ["--offsets-decoder", ""]
        if path.parent.name.startswith("__transaction_state") and path.suffix == ".log":
            lines = ["--transaction-log-decoder", ""]
        empty = re.match(rb"\0*\Z", path.read_bytes())  # an index without entries yet
        if empty and path.parent.name.startswith("__"):
            continue
        for line in lines:
            compare_dump(java, sentence, "--files", str(path), *line.split())
            count += 1
    return count
