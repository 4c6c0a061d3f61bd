"""From a delivery in the spool to rows: what was received is kept as it came, and read when a batch is made."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import orjson

from beijiang.ingest.connectors.documents import MISSING, Number, find, steps
from beijiang.ingest.connectors.rest_cells import cell
from beijiang.kit import Invalid

if TYPE_CHECKING:
    from beijiang.ingest.connectors.rest_options import RestColumn
    from beijiang.ingest.connectors.stream_options import StreamOptions

__all__ = ["Delivery", "Record", "Rows", "count_of", "line_of"]

_RAW: Final = 4_000
_KNOWN: Final[dict[str, Callable[[Any, Any, str], Any]]] = {
    "$id": lambda told, _value, _raw: told["id"],
    "$received": lambda told, _value, _raw: told["at"],
    "$topic": lambda told, _value, _raw: told.get("topic"),
    "$value": lambda _told, value, raw: value if isinstance(value, str) else raw,
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came in one request or one MQTT message."""

    id: str
    at: datetime
    body: bytes
    topic: str = ""
    key: str = ""
    """What tells a repeated delivery: the sender's own, or one made from its signature."""
    sender: str = ""
    mid: int = 0
    """MQTT's number of the message on its way, to know it again when the broker repeats it."""
    messages: int = 1


def line_of(delivery: Delivery) -> bytes:
    """Return a delivery as one line; its body can be had from it byte for byte."""
    value: dict[str, Any] = {"id": delivery.id, "at": delivery.at.astimezone(UTC).isoformat()}
    more = {
        "topic": delivery.topic,
        "key": delivery.key,
        "by": delivery.sender,
        "mid": delivery.mid,
        "n": delivery.messages,
    }
    value |= {name: told for name, told in more.items() if told}
    try:
        value["body"] = delivery.body.decode()
    except UnicodeDecodeError:
        value["b64"] = base64.b64encode(delivery.body).decode("ascii")
    return orjson.dumps(value) + b"\n"


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a message as text cells, or why there is none."""

    cells: tuple[str | None, ...] | None
    trouble: str
    """``not_an_object``, ``undecodable``; empty where there are cells."""
    raw: str


class Rows:
    """Read deliveries as the options of a stream say."""

    def __init__(self, options: StreamOptions) -> None:
        self._rows = steps(options.rows)
        self._text = options.payload == "text"
        zone = ZoneInfo(options.time_zone)
        self._columns: list[tuple[Callable[[Any, Any, str], Any], RestColumn]] = [
            (_reader(column), column) for column in options.columns
        ]
        self._zone = zone

    def of(self, line: bytes) -> Iterator[Record]:
        """Yield the records of one line of the spool, at least one."""
        told = orjson.loads(line)
        body = base64.b64decode(told["b64"]) if "b64" in told else None
        text = told["body"] if body is None else body.decode("utf-8", "backslashreplace")
        if self._text:
            yield self._record(told, text, text) if body is None else Record(None, "undecodable", text[:_RAW])
            return
        if body is not None:
            yield Record(None, "undecodable", text[:_RAW])
            return
        for value, raw in _values(text, self._rows):
            if value is MISSING or not isinstance(value, dict):
                yield Record(None, "not_an_object", raw[:_RAW])
            else:
                yield self._record(told, value, raw)

    def _record(self, told: Any, value: Any, raw: str) -> Record:
        try:
            cells = tuple(cell(read(told, value, raw), column, self._zone) for read, column in self._columns)
        except Invalid:  # nested deeper than can be written out
            return Record(None, "not_an_object", raw[:_RAW])
        return Record(cells, "", raw)


def _reader(column: RestColumn) -> Callable[[Any, Any, str], Any]:
    """Return how the value of a column is found in what is known of a delivery, and in its message."""
    path = column.path
    if path in _KNOWN:
        return _KNOWN[path]
    if path.startswith("$topic."):
        level = int(path.removeprefix("$topic.")) - 1
        return lambda told, _value, _raw: _level(told.get("topic", ""), level)
    if "." not in path and not path.startswith("/"):
        name = path or column.name
        return lambda _told, value, _raw: value.get(name) if isinstance(value, dict) else None
    way = steps(path)
    return lambda _told, value, _raw: find(value, way)


def _level(topic: str, level: int) -> str | None:
    levels = topic.split("/")
    return levels[level] if level < len(levels) else None


def _values(text: str, rows: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
    """Yield what may be a record with its text; ``MISSING`` where it cannot be read."""
    whole = _parsed(text)
    if whole is MISSING and not rows and "\n" in text.strip():
        for line in text.splitlines():
            if line.strip():
                yield _parsed(line), line
        return
    inner = find(whole, rows) if rows and whole is not MISSING else whole
    if isinstance(inner, list) and inner:
        for value in inner:
            yield value, json.dumps(value, ensure_ascii=False) if not isinstance(value, dict) else text
        return
    yield inner, text


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_refused, strict=False)
    except (ValueError, RecursionError):
        return MISSING


def _refused(word: str) -> Any:
    raise ValueError(word)


def count_of(body: bytes, rows: str) -> int:
    """Return how many records a request holds.

    Raises:
        Invalid: it is no JSON object, list of objects, or such lines (``bad_messages``), or holds none.

    """
    try:
        found = list(_values(body.decode(), steps(rows)))
    except UnicodeDecodeError as error:
        raise _bad_messages(0) from error
    for number, (value, _) in enumerate(found, 1):
        if not isinstance(value, dict):
            raise _bad_messages(number if len(found) > 1 else 0)
    return len(found)


def _bad_messages(number: int) -> Invalid:
    where = (f"第 {number} 条", f"message {number}") if number else ("内容", "the body")
    return Invalid(
        f"{where[0]}不是 JSON 对象，整个请求都没有接收。请发送一个对象、对象的数组，或每行一个对象。",
        f"In this request {where[1]} is no JSON object; nothing of it was received. Send one object, an array of objects, or one object a line.",
        code="bad_messages",
        detail={"message": number} if number else {},
    )
