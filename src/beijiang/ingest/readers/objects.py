"""JSON, NDJSON and GeoJSON: objects become rows, nested values stay JSON text, points also give 经度 and 纬度."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

import orjson
import pyarrow as pa

from beijiang.ingest.readers.contract import (
    RAW_EXCERPT,
    BadReason,
    BadRow,
    HeaderTemplate,
    RawBatch,
    ReadLimits,
    ReadOptions,
    SourceTable,
)
from beijiang.ingest.readers.encoding import Detected, LineStream, TextChunk, detect
from beijiang.ingest.readers.guard import broken
from beijiang.ingest.readers.headers import check_width, unique_names
from beijiang.ingest.readers.records import bad_text
from beijiang.ingest.readers.source import Source
from beijiang.kit import Invalid, Text, TooLarge, ahead

__all__ = ["ObjectTable", "object_tables"]

_BATCH = 20_000
GEOMETRY, LONGITUDE, LATITUDE = "geometry", "经度", "纬度"


def object_tables(source: Source, options: ReadOptions) -> list[SourceTable]:
    """Return the one table of a JSON text: an array of objects, an object of arrays, GeoJSON, or one object a line.

    An object whose only array of objects sits under one key (``{"code": 0, "data": [...]}``) gives that array.
    Raises ``Invalid`` (``broken_file``, ``no_table``) and ``TooLarge`` (``document_too_large``).
    """
    detected = detect(source, options.encoding)
    if source.suffix in {".ndjson", ".jsonl"} or _is_lines(source, detected):
        return [LinesTable(source, options, detected)]
    return [DocumentTable(source, options, detected)]


def _lines(source: Source, detected: Detected, limits: ReadLimits) -> Iterator[TextChunk]:
    with source.open() as stream:
        yield from LineStream(stream, detected, max_line=limits.max_record_bytes, chunk=limits.chunk_bytes)


def _is_lines(source: Source, detected: Detected) -> bool:
    """Recognise one object a line: the first two filled lines are objects by themselves."""
    chunks = _lines(source, detected, ReadLimits())
    chunk = next(chunks, None)
    chunks.close()  # type: ignore[attr-defined]  # generators have it; the iterator type does not say so
    lines = [line for line in (chunk.data[: 1 << 20].split(b"\n") if chunk else []) if line.strip()][:2]
    if not lines:
        return False
    found = [_parse(line) for line in lines]
    if len(lines) == 1:
        return False
    return all(isinstance(value, dict) for value in found)


def _parse(text: bytes) -> object:
    try:
        return _loads(text)
    except ValueError:
        return None


_LONG_NUMBER = re.compile(rb"[:\[,]\s*-?[0-9][0-9.]{18,}")
"""A number with more digits than the fast parser keeps: it makes a double of it."""
_WORD = 18
"""Digits that always fit in 64 bits."""
_DOUBLE_DIGITS = 15
"""Digits that a double always keeps."""


def _loads(text: bytes) -> object:
    """Parse JSON without losing a digit of any number; raises ``ValueError``."""
    if not _LONG_NUMBER.search(text):
        return orjson.loads(text)
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_int=lambda n: int(n) if len(n) <= _WORD else Decimal(n),
            parse_constant=_refuse,
        )
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _refuse(constant: str) -> object:
    raise ValueError(constant)


class ObjectTable(SourceTable):
    """Rows made of JSON objects."""

    def __init__(self, source: Source, options: ReadOptions, detected: Detected) -> None:
        self.source = source
        self.limits = options.limits
        self.detected = detected
        self.file_name = source.name
        self.inner_name = source.inner
        self.encoding = detected.encoding
        self.notes = ()

    def _name(self, keys: Iterable[str]) -> None:
        """Fix the columns: the keys of all objects, in order of appearance."""
        self.keys = list(dict.fromkeys(keys))
        check_width(len(self.keys), self.limits, self.label)
        if not self.keys:
            raise _no_table(self.source)
        self.columns, notes = unique_names([k.strip() for k in self.keys])
        self.header = HeaderTemplate(0, 0, self.columns)
        self.notes = (*self.notes, *notes)

    def _batch(self, records: list[dict[str, object]], numbers: list[int], bad: list[BadRow]) -> RawBatch:
        arrays = [pa.array([text_of(r.get(key)) for r in records], pa.string()) for key in self.keys]
        rows = pa.RecordBatch.from_arrays(arrays, names=list(self.columns))
        return RawBatch(rows, pa.array(numbers, pa.int64()), bad)


class DocumentTable(ObjectTable):
    """One JSON document, parsed in one piece (``max_document_bytes``); row numbers are record numbers from 1."""

    def __init__(self, source: Source, options: ReadOptions, detected: Detected) -> None:
        super().__init__(source, options, detected)
        if source.size > self.limits.max_document_bytes:
            raise TooLarge(
                f"JSON 文件“{source.leaf}”有 {source.size:,} 字节，超过上限 {self.limits.max_document_bytes:,}。请改用 NDJSON（一行一个对象）。",
                f'JSON file "{source.leaf}" has {source.size:,} bytes; the limit is {self.limits.max_document_bytes:,}. '
                "Use NDJSON (one object a line).",
                code="document_too_large",
                detail={"bytes": source.size, "limit": self.limits.max_document_bytes},
            )
        records, self.format = self._records()
        self.row_estimate = len(records)
        if self.format == "geojson":
            self.geometry = frozenset({GEOMETRY})
        self._name(key for r in records if isinstance(r, dict) for key in r)
        self._held: list[object] | None = records

    def _records(self) -> tuple[list[object], str]:
        with self.source.open() as stream:
            data = stream.read(self.limits.max_document_bytes + 8)[self.detected.bom :]
        try:
            encoding = self.detected.encoding
            text = data if encoding == "utf-8" else data.decode(encoding).encode()
            document = _loads(text)
        except ValueError as error:
            raise broken(self.source.leaf, "JSON") from error
        if isinstance(document, dict) and isinstance(document.get("features"), list):
            return [_feature(f) for f in document["features"]], "geojson"
        found = _table_in(document)
        if found is None:
            raise _no_table(self.source)
        return found, "json"

    def batches(self) -> Iterator[RawBatch]:
        """Yield the objects; an element that is none is a bad row."""
        held, self._held = self._held, None
        if held is None:
            held = self._records()[0]
        for start in range(0, len(held), _BATCH):
            records: list[dict[str, object]] = []
            numbers: list[int] = []
            bad: list[BadRow] = []
            for number, record in enumerate(held[start : start + _BATCH], start + 1):
                if isinstance(record, dict):
                    records.append(record)
                    numbers.append(number)
                else:
                    bad.append(_no_object(number, text_of(record) or ""))
            yield self._batch(records, numbers, bad)


class LinesTable(ObjectTable):
    """NDJSON: one object a line. The keys are collected in a first pass over the whole file."""

    def __init__(self, source: Source, options: ReadOptions, detected: Detected) -> None:
        super().__init__(source, options, detected)
        self.format = "ndjson"
        keys: dict[str, None] = {}
        rows = 0
        for _, record, _ in self._objects():
            if isinstance(record, dict):
                rows += 1
                keys.update(dict.fromkeys(record))
                check_width(len(keys), self.limits, self.label)
        self.row_estimate = rows
        if not rows:
            raise _no_table(source)
        if GEOMETRY in keys and LONGITUDE in keys:
            self.geometry = frozenset({GEOMETRY})
        self._name(keys)

    def _objects(self) -> Iterator[tuple[int, object, BadRow | None]]:
        for chunk in _lines(self.source, self.detected, self.limits):
            for number, line in enumerate(chunk.data.split(b"\n")[:-1], chunk.first_line):
                flaw = chunk.flaws.get(number)
                if flaw is not None:
                    yield number, None, BadRow(number, None, flaw.reason, bad_text(flaw.reason), flaw.excerpt)
                elif line.strip():
                    record = _parse(line)
                    if isinstance(record, dict) and record.get("type") == "Feature":
                        record = _feature(record)
                    bad = None if isinstance(record, dict) else _no_object(number, line.decode(errors="replace"))
                    yield number, record, bad

    def batches(self) -> Iterator[RawBatch]:
        """Yield the objects; a line that is none is a bad row."""
        return ahead(self._read)

    def _read(self) -> Iterator[RawBatch]:
        records: list[dict[str, object]] = []
        numbers: list[int] = []
        bad: list[BadRow] = []
        for number, record, flaw in self._objects():
            if flaw is not None:
                bad.append(flaw)
            elif isinstance(record, dict):
                records.append(record)
                numbers.append(number)
            if len(records) + len(bad) >= _BATCH:
                yield self._batch(records, numbers, bad)
                records, numbers, bad = [], [], []
        if records or bad:
            yield self._batch(records, numbers, bad)


def _feature(feature: object) -> object:
    """Spread a GeoJSON feature (RFC 7946): its properties, the geometry as text, and a point's coordinates."""
    if not isinstance(feature, dict):
        return feature
    properties, geometry = feature.get("properties"), feature.get("geometry")
    row: dict[str, object] = dict(properties) if isinstance(properties, dict) else {}
    if "id" in feature and "id" not in row:
        row["id"] = feature["id"]
    row[GEOMETRY] = geometry
    if isinstance(geometry, dict) and geometry.get("type") == "Point":
        place = geometry.get("coordinates")
        if isinstance(place, list) and len(place) >= 2:  # noqa: PLR2004  # longitude and latitude
            row.setdefault(LONGITUDE, place[0])
            row.setdefault(LATITUDE, place[1])
    return row


def _table_in(document: object) -> list[object] | None:
    """Find the rows of a document: itself, its columns, or the one array of objects under a key."""
    if isinstance(document, list):
        return document if any(isinstance(r, dict) for r in document) else None
    if not isinstance(document, dict):
        return None
    arrays = {k: v for k, v in document.items() if isinstance(v, list)}
    even = bool(arrays) and len(arrays) == len(document) and len({len(v) for v in arrays.values()}) == 1
    if even and not any(isinstance(x, dict) for v in arrays.values() for x in v):
        return [dict(zip(arrays, values, strict=True)) for values in zip(*arrays.values(), strict=True)]
    tables = [v for v in arrays.values() if any(isinstance(x, dict) for x in v)]
    if len(tables) == 1:
        return tables[0]
    nested = [found for v in document.values() if isinstance(v, dict) and (found := _table_in(v)) is not None]
    return nested[0] if not tables and len(nested) == 1 else None


def _no_table(source: Source) -> Invalid:
    return Invalid(
        f"“{source.leaf}”里没有找到表格：需要对象数组、列数组、GeoJSON，或一行一个对象。",
        f'No table was found in "{source.leaf}": an array of objects, an object of arrays, GeoJSON, or one object a line.',
        code="no_table",
        detail={"file": source.leaf},
    )


def _no_object(number: int, raw: str) -> BadRow:
    text = Text("这一条不是 JSON 对象", "this is no JSON object")
    return BadRow(number, None, BadReason.NOT_AN_OBJECT, text, raw[:RAW_EXCERPT])


def text_of(value: object) -> str | None:
    """Write a JSON value as text: nothing for null and "", JSON for nested values, no exponent for numbers."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value):
        text = repr(value)
        text = f"{Decimal(text):f}" if "e" in text else text
        return text.removesuffix(".0")
    if isinstance(value, Decimal):
        return _all_digits(value)
    return str(value) if isinstance(value, int) else orjson.dumps(value, default=_nested_number).decode()


def _all_digits(value: Decimal) -> str:
    """Write a number as it was written, or as the fast parser's double where that says the same."""
    return text_of(float(value)) or "" if len(value.as_tuple().digits) <= _DOUBLE_DIGITS else f"{value:f}"


def _nested_number(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(value)
    return orjson.Fragment(_all_digits(value).encode())
