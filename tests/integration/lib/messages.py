"""Requests and answers as dictionaries, by the definitions in Kafka's own clients jar.

Nothing is transcribed: the JSON files in kafka-clients say which fields a version has, so this codec
shares no line and no mistake with the one under test. Field names are Kafka's. Fields that are not
given have Kafka's default; a null is None; bytes, records are bytes; uuids are 16 bytes.
"""

import functools
import json
import re
import struct
import zipfile
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import paths
from .wire import read_unsigned_varint, unsigned_varint

Fields = Dict[str, Any]

FIXED = {"bool": ">?", "int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I",
          "int64": ">q", "float64": ">d"}


class Malformed(Exception):
    """Bytes that are not the message they should be."""


def _in_range(spec: Optional[str], version: int) -> bool:
    if not spec or spec == "none":
        return False
    if spec.endswith("+"):
        return version >= int(spec[:-1])
    low, _, high = spec.partition("-")
    return int(low) <= version <= int(high or low)


class Message(NamedTuple):
    """One message's definition."""
    name: str
    key: Optional[int]
    lowest: int
    highest: int
    flexible: str
    fields: List[Dict[str, Any]]
    structs: Dict[str, List[Dict[str, Any]]]

    def is_flexible(self, version: int) -> bool:
        return _in_range(self.flexible, version)


def _collect_structs(fields: List[Dict[str, Any]], into: Dict[str, List[Dict[str, Any]]]) -> None:
    for field in fields:
        if "fields" in field:
            into[field["type"].removeprefix("[]")] = field["fields"]
            _collect_structs(field["fields"], into)


@functools.lru_cache(maxsize=None)
def definitions() -> Dict[str, Message]:
    """Every message of the jar by its name, such as "FetchRequest"."""
    found = {}
    with zipfile.ZipFile(paths.oracle_jar("kafka-clients")) as jar:
        for entry in jar.namelist():
            if not entry.startswith("common/message/") or not entry.endswith(".json"):
                continue
            text = re.sub(r"^\s*//.*$", "", jar.read(entry).decode(), flags=re.MULTILINE)
            try:
                raw = json.loads(text)
            except json.JSONDecodeError:
                raw = json.loads(re.sub(r"(?<![:\"])//.*$", "", text, flags=re.MULTILINE))
            structs: Dict[str, List[Dict[str, Any]]] = {}
            for common in raw.get("commonStructs", []):
                structs[common["name"]] = common["fields"]
                _collect_structs(common["fields"], structs)
            _collect_structs(raw.get("fields", []), structs)
            if raw["validVersions"] == "none":
                continue
            low, _, high = raw["validVersions"].partition("-")
            found[raw["name"]] = Message(raw["name"], raw.get("apiKey"), int(low), int(high or low),
                                         raw.get("flexibleVersions", "none"), raw["fields"], structs)
    return found


def _default(field: Dict[str, Any], message: Message) -> Any:
    kind, given = field["type"], field.get("default")
    if given == "null":
        return None
    if kind.startswith("[]"):
        return []
    if kind == "bool":
        return str(given).lower() == "true"
    if kind == "float64":
        return float(given or 0)
    if kind in FIXED:
        return int(str(given), 0) if given not in (None, "") else 0
    if kind == "string":
        return given or ""
    if kind == "uuid":
        return bytes(16)
    if kind in ("bytes", "records"):
        return b""
    return {}


class _Writer:
    def __init__(self, message: Message, version: int):
        self.message, self.version = message, version
        self.flexible = message.is_flexible(version)

    def _length(self, length: Optional[int], short: str, flexible: bool) -> bytes:
        if flexible:
            return unsigned_varint(0 if length is None else length + 1)
        return struct.pack(short, -1 if length is None else length)

    def value(self, field: Dict[str, Any], value: Any) -> bytes:
        kind = field["type"]
        flexible = self.flexible
        if "flexibleVersions" in field:
            flexible = _in_range(field["flexibleVersions"], self.version)
        if kind.startswith("[]"):
            if value is None:
                return self._length(None, ">i", flexible)
            element = {**field, "type": kind[2:]}
            element.pop("nullableVersions", None)
            return (self._length(len(value), ">i", flexible)
                    + b"".join(self.value(element, item) for item in value))
        if kind in FIXED:
            return struct.pack(FIXED[kind], value)
        if kind == "uuid":
            return value
        if kind == "string":
            raw = value.encode() if isinstance(value, str) else value
            return self._length(None if raw is None else len(raw), ">h", flexible) + (raw or b"")
        if kind in ("bytes", "records"):
            return self._length(None if value is None else len(value), ">i", flexible) + (value or b"")
        nullable = _in_range(field.get("nullableVersions"), self.version)
        if nullable and value is None:
            return b"\xff"
        return (b"\x01" if nullable else b"") + self.struct(self.message.structs[kind], value)

    def struct(self, fields: List[Dict[str, Any]], values: Fields) -> bytes:
        unknown = set(values) - {field["name"] for field in fields}
        if unknown:
            raise Malformed(f"{self.message.name} has no {sorted(unknown)}")
        plain, tagged = [], {}
        for field in fields:
            if not _in_range(field["versions"], self.version):
                continue
            value = values.get(field["name"], _default(field, self.message))
            if _in_range(field.get("taggedVersions"), self.version):
                if field["name"] in values:
                    tagged[field["tag"]] = self.value(field, value)
            else:
                plain.append(self.value(field, value))
        if self.flexible:
            plain.append(unsigned_varint(len(tagged)))
            for tag in sorted(tagged):
                plain += [unsigned_varint(tag), unsigned_varint(len(tagged[tag])), tagged[tag]]
        return b"".join(plain)


class _Reader:
    def __init__(self, message: Message, version: int, data: bytes, at: int = 0):
        self.message, self.version, self.data, self.at = message, version, data, at
        self.flexible = message.is_flexible(version)

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise Malformed(f"{self.message.name} v{self.version} ends in the middle of a field")
        self.at += size
        return self.data[self.at - size:self.at]

    def unsigned(self) -> int:
        try:
            value, self.at = read_unsigned_varint(self.data, self.at)
        except IndexError:
            raise Malformed(f"{self.message.name} v{self.version} ends in a varint") from None
        return value

    def length(self, short: str, flexible: bool) -> Optional[int]:
        size = self.unsigned() - 1 if flexible else struct.unpack(
            short, self.take(struct.calcsize(short)))[0]
        return None if size < 0 else size

    def value(self, field: Dict[str, Any]) -> Any:
        kind = field["type"]
        flexible = self.flexible
        if "flexibleVersions" in field:
            flexible = _in_range(field["flexibleVersions"], self.version)
        if kind.startswith("[]"):
            count = self.length(">i", flexible)
            if count is None:
                return None
            element = {**field, "type": kind[2:]}
            element.pop("nullableVersions", None)
            return [self.value(element) for _ in range(count)]
        if kind in FIXED:
            return struct.unpack(FIXED[kind], self.take(struct.calcsize(FIXED[kind])))[0]
        if kind == "uuid":
            return self.take(16)
        if kind == "string":
            size = self.length(">h", flexible)
            return None if size is None else self.take(size).decode("utf-8", "surrogateescape")
        if kind in ("bytes", "records"):
            size = self.length(">i", flexible)
            return None if size is None else self.take(size)
        if _in_range(field.get("nullableVersions"), self.version) and self.take(1) == b"\xff":
            return None
        return self.struct(self.message.structs[kind])

    def struct(self, fields: List[Dict[str, Any]]) -> Fields:
        values, tagged = {}, {}
        for field in fields:
            if not _in_range(field["versions"], self.version):
                continue
            if _in_range(field.get("taggedVersions"), self.version):
                tagged[field["tag"]] = field
            else:
                values[field["name"]] = self.value(field)
        if self.flexible:
            for _ in range(self.unsigned()):
                tag, size = self.unsigned(), self.unsigned()
                end = self.at + size
                if tag in tagged:
                    values[tagged[tag]["name"]] = self.value(tagged[tag])
                else:
                    values[f"tag {tag}"] = self.take(size)
                if self.at != end:
                    raise Malformed(f"tag {tag} of {self.message.name} has a wrong size")
        return values


def encode_header(key: int, version: int, correlation: int, client_id: Optional[str],
                  flexible: bool) -> bytes:
    """A request header: v1, or v2 in front of flexible messages."""
    header = struct.pack(">hhi", key, version, correlation)
    raw = None if client_id is None else client_id.encode()
    header += struct.pack(">h", -1 if raw is None else len(raw)) + (raw or b"")
    return header + (b"\0" if flexible else b"")


def encode_request(api: str, version: int, fields: Fields, correlation: int = 1,
                   client_id: Optional[str] = "test") -> bytes:
    """A whole frame; `api` without "Request", such as "Fetch"."""
    message = definitions()[api + "Request"]
    return (encode_header(message.key, version, correlation, client_id, message.is_flexible(version))
            + _Writer(message, version).struct(message.fields, fields))


def fields_of(name: str, version: int) -> List[Dict[str, Any]]:
    """The definitions of the fields that a message, such as "FetchRequest", has in a version."""
    return [field for field in definitions()[name].fields if _in_range(field["versions"], version)]


def is_nullable(field: Dict[str, Any], version: int) -> bool:
    return _in_range(field.get("nullableVersions"), version)


def name_of(key: int) -> str:
    """The API's name by its key, as encode_request takes it."""
    return next(message.name.removesuffix("Request") for message in definitions().values()
                if message.key == key and message.name.endswith("Request"))


def body_of_request(frame: bytes) -> Tuple[str, int, int]:
    """The API and version of a frame, and where its body begins."""
    if len(frame) < 10:
        raise Malformed("a request is shorter than its header")
    key, version, _, size = struct.unpack_from(">hhih", frame)
    api = name_of(key)
    reader = _Reader(definitions()[api + "Request"], version, frame, 10 + max(size, 0))
    if reader.flexible:
        for _ in range(reader.unsigned()):
            reader.unsigned()
            reader.take(reader.unsigned())
    return api, version, reader.at


def decode_request(frame: bytes) -> Tuple[str, int, Fields]:
    """The API, the version and the fields of a whole request frame."""
    api, version, at = body_of_request(frame)
    message = definitions()[api + "Request"]
    return api, version, _Reader(message, version, frame, at).struct(message.fields)


def decode_response(api: str, version: int, frame: bytes) -> Tuple[int, Fields]:
    """The correlation id and the fields; every byte of the frame must be accounted for."""
    message = definitions()[api + "Response"]
    reader = _Reader(message, version, frame)
    (correlation,) = struct.unpack(">i", reader.take(4))
    if reader.flexible and api != "ApiVersions":
        for _ in range(reader.unsigned()):
            reader.unsigned()
            reader.take(reader.unsigned())
    fields = reader.struct(message.fields)
    if reader.at != len(frame):
        raise Malformed(f"{len(frame) - reader.at} bytes too many in {message.name} v{version}")
    return correlation, fields
