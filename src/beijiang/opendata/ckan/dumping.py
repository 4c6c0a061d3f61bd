"""``/datastore/dump``: a whole table, or what a question picks of it, as a file that is written while it is read."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

import orjson

from beijiang.kit import Malformed
from beijiang.opendata.ckan import rowquestions
from beijiang.opendata.ckan.datastore import cell, fields
from beijiang.protection import files
from beijiang.tables import NUMBER, Sort

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from beijiang.kit import Actor
    from beijiang.opendata.ckan.datastore import Datastore, Opened
    from beijiang.opendata.ckan.parameters import Parameters

__all__ = ["MEDIA_TYPES", "dump", "form_of"]

MEDIA_TYPES: Final = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "xml": "text/xml",
}
ENCODINGS: Final = ("utf-8", "gb18030")
_ARMED: Final = re.compile(r"[=+\-@\t\r]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_NAME: Final = re.compile(r"[^\w.-]")


def form_of(asked: Parameters) -> tuple[str, str]:
    """Return form and encoding of the file.

    Raises:
        Malformed: one that is not offered.

    """
    form, encoding = asked.text("format", "csv").lower(), asked.text("encoding", "utf-8").lower()
    if form not in MEDIA_TYPES:
        raise _not_offered("format", MEDIA_TYPES)
    if encoding not in ENCODINGS:
        raise _not_offered("encoding", ENCODINGS)
    return form, encoding


def dump(rows: Datastore, actor: Actor, resource_id: str, asked: Parameters) -> tuple[Opened, Iterator[bytes]]:
    """Return a table and the bytes of the file; the first piece is made before this returns.

    Raises:
        NotFound: no such table, or none that this reader may have.
        Invalid: a parameter or column that does not fit.

    """
    form, encoding = form_of(asked)
    asked.only({*rowquestions.WORDS, "format", "encoding", "bom", "guard_formulas"}, code="unexpected_field")
    opened = rows.opened(actor, resource_id)
    sift = rowquestions.question(asked, usual=0, most=None)
    if sift.order == (Sort(NUMBER),) and not sift.distinct:
        sift = replace(sift, order=())
    batches = opened.governed.sift_all(sift)
    names = list(sift.columns) or [NUMBER, *(column.name for column in opened.governed.columns)]
    bom = asked.flag("bom")
    guard = asked.flag("guard_formulas", default=bom or encoding != "utf-8")  # both are asked for by spreadsheets
    writer = _Writer(form, encoding, fields(opened, names), guard=guard)
    pieces = writer.pieces(batches, rows.zone, bom=bom)
    first = next(pieces, b"")

    def whole() -> Iterator[bytes]:
        yield first
        yield from pieces

    return opened, whole()


def _not_offered(name: str, offered: Mapping[str, str] | Sequence[str]) -> Malformed:
    return Malformed(
        f"{name} 可选：{'、'.join(offered)}。",
        f"{name} is one of {', '.join(offered)}.",
        code="bad_value",
        detail={"field": name},
    )


class _Writer:
    """Writes batches of rows in one form."""

    def __init__(self, form: str, encoding: str, described: Sequence[Mapping[str, Any]], *, guard: bool) -> None:
        self._form = form
        self._encoding = encoding
        self._fields = described
        self._names = [str(one["id"]) for one in described]
        self._guard = guard

    def pieces(self, batches: Iterator[pa.RecordBatch], zone: str, *, bom: bool) -> Iterator[bytes]:
        """Return the file, piece by piece."""
        head = self._head()
        if bom and self._form in {"csv", "tsv"} and self._encoding == "utf-8":
            head = "\ufeff" + head
        between = ""
        for batch in batches:
            records = files.records(batch, zone)
            text, between = self._text(records, between)
            yield self._coded(head + text)
            head = ""
        yield self._coded(head + {"json": "\n]}\n", "xml": "</data>\n"}.get(self._form, ""))

    def _coded(self, text: str) -> bytes:
        if self._form == "xml":
            return text.encode()
        return text.encode(self._encoding if self._form in {"csv", "tsv"} else "utf-8")

    def _text(self, records: list[dict[str, Any]], between: str) -> tuple[str, str]:
        if self._form == "json":
            rows = [
                orjson.dumps([record[name] for name in self._names], default=files.plain).decode() for record in records
            ]
            return between + ",\n".join(rows), ",\n" if rows or between else ""
        if self._form == "xml":
            return "".join(self._element(record) for record in records), ""
        return self._lines([[self._cell(record[name]) for name in self._names] for record in records]), ""

    def _cell(self, value: Any) -> Any:
        shown = cell(value)
        if self._guard and isinstance(shown, str) and _ARMED.match(shown) and not _NUMBER.fullmatch(shown):
            return "'" + shown
        return shown

    def _lines(self, rows: Sequence[Sequence[Any]]) -> str:
        text = io.StringIO()
        csv.writer(text, delimiter="," if self._form == "csv" else "\t", lineterminator="\n").writerows(rows)
        return text.getvalue()

    def _head(self) -> str:
        if self._form == "xml":
            return '<?xml version="1.0" encoding="utf-8"?>\n<data>\n'
        if self._form != "json":
            return self._lines([self._names])
        return '{"fields":' + orjson.dumps(self._fields).decode() + ',"records":[\n'

    def _element(self, record: Mapping[str, Any]) -> str:
        number = f' _id="{record[NUMBER]}"' if NUMBER in record else ""
        parts = [f"<row{number}>"]
        for name, tag in zip(self._names, _tags(tuple(self._names)), strict=True):
            if name == NUMBER:
                continue
            value = cell(record[name])
            if value is None:
                parts.append(f'<{tag} xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>')
            else:
                parts.append(f"<{tag}>{escape(_NO_XML.sub('', str(value)))}</{tag}>")
        return "".join([*parts, "</row>\n"])


def _tags(names: tuple[str, ...]) -> list[str]:
    """Return names of elements: what may not stand in one is a line, and no two are alike."""
    found: list[str] = []
    for name in names:
        tag = _NO_NAME.sub("_", name) or "_"
        if not (tag[0].isalpha() or tag[0] == "_") or tag.lower().startswith("xml"):
            tag = "_" + tag
        stem, number = tag, 2
        while tag in found:
            tag, number = f"{stem}_{number}", number + 1
        found.append(tag)
    return found
