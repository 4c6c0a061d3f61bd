"""A contract made of what the platform knows of a table: a draft that its people complete, valid from the first line."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.contracts.models.editing import block
from beijiang.contracts.models.terms import API_VERSIONS
from beijiang.quality import Kind, Severity

if TYPE_CHECKING:
    from beijiang.contracts.models.editing import Value
    from beijiang.quality import Rule

__all__ = ["Known", "KnownColumn", "made_of"]

_LOGICAL: Final = {
    "text": "string",
    "integer": "integer",
    "decimal": "number",
    "double": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "geometry": "object",
}
_WORDS: Final = {Severity.CRITICAL: "error", Severity.MAJOR: "warning", Severity.MINOR: "info"}


@dataclass(frozen=True, slots=True)
class KnownColumn:
    """What is known of a column."""

    name: str
    type: str
    comment: str = ""
    required: bool = False
    key_position: int = 0
    """From 1; 0 where it is no part of the key."""
    grade: str = ""
    element: str = ""
    """The data element that it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a table."""

    table: str
    org_id: str
    org_name: str
    title: str
    summary: str = ""
    columns: tuple[KnownColumn, ...]
    rules: tuple[Rule, ...] = ()
    cycle_days: int | None = None
    base: str = ""
    """The address of the installation, for links to data elements."""


def made_of(known: Known) -> bytes:
    """Return a contract of version 0.1.0 as a draft."""
    head: dict[str, Value] = {
        "apiVersion": API_VERSIONS[0],
        "kind": "DataContract",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"beijiang:{known.org_id}:{known.table}")),
        "version": "0.1.0",
        "status": "draft",
        "name": known.title,
        "domain": known.org_id,
    }
    if known.summary:
        head["description"] = {"purpose": known.summary}
    shape: dict[str, Value] = {
        "name": known.table,
        "physicalName": known.table,
        "physicalType": "table",
        "properties": [_field(known, column) for column in known.columns],
    }
    checks = [found for rule in known.rules for found in _table_check(rule)]
    if checks:
        shape["quality"] = checks
    body: dict[str, Value] = {**head, "schema": [shape]}
    if known.cycle_days:
        body["slaProperties"] = [
            {"property": "frequency", "value": known.cycle_days, "unit": "d", "element": known.table}
        ]
    body["team"] = {"name": known.org_name}
    return ("\n".join(block(body, 0)) + "\n").encode()


def _field(known: Known, column: KnownColumn) -> dict[str, Value]:
    mine = [rule for rule in known.rules if rule.columns == (column.name,)]
    kinds = {
        rule.kind for rule in mine if rule.severity is Severity.CRITICAL and rule.threshold == 1 and not rule.where
    }
    said: dict[str, Value] = {
        "name": column.name,
        "logicalType": _LOGICAL.get(column.type, "string"),
        "physicalType": column.type,
    }
    if column.comment:
        said["description"] = column.comment
    if column.key_position:
        said |= {"primaryKey": True, "primaryKeyPosition": column.key_position}
    if column.required or Kind.NOT_NULL in kinds:
        said["required"] = True
    if Kind.UNIQUE in kinds:
        said["unique"] = True
    if column.grade:
        said["classification"] = column.grade
    if column.element:
        url = f"{known.base}/console/standards/{column.element}"
        said["authoritativeDefinitions"] = [{"url": url, "type": "businessDefinition", "description": column.element}]
    checks = [
        found
        for rule in mine
        if rule.kind not in kinds or rule.kind not in {Kind.NOT_NULL, Kind.UNIQUE}
        for found in _check(rule)
    ]
    if checks:
        said["quality"] = checks
    return said


def _table_check(rule: Rule) -> Iterator[dict[str, Value]]:
    if len(rule.columns) != 1:
        yield from _check(rule)


def _check(rule: Rule) -> Iterator[dict[str, Value]]:
    """Return a rule of quality as a metric of the standard, or as one that only this platform runs."""
    tail: dict[str, Value] = {"severity": _WORDS[rule.severity], "description": rule.name}
    allowed: dict[str, Value] = (
        {"mustBe": 0}
        if rule.threshold == 1
        else {"mustBeLessOrEqualTo": round(100 * (1 - rule.threshold), 6), "unit": "percent"}
    )
    if rule.contract:
        return
    if rule.kind is Kind.UNIQUE and not rule.where:
        arguments: dict[str, Value] = {"arguments": {"properties": list(rule.columns)}} if len(rule.columns) > 1 else {}
        yield {"type": "library", "metric": "duplicateValues", **allowed, **arguments, **tail}
    elif rule.kind is Kind.NOT_NULL and len(rule.columns) == 1 and not rule.where:
        yield {
            "type": "library",
            "metric": "missingValues",
            **allowed,
            "arguments": {"missingValues": [None, ""]},
            **tail,
        }
    elif rule.kind is Kind.FORMAT and rule.params.get("pattern") and not rule.where:
        yield {
            "type": "library",
            "metric": "invalidValues",
            **allowed,
            "arguments": {"pattern": str(rule.params["pattern"])},
            **tail,
        }
    elif rule.kind is Kind.VOLUME:
        least, most = (int(str(rule.params.get(key) or 0)) for key in ("least", "most"))
        span: dict[str, Value] = {"mustBeBetween": [least, most]} if most else {"mustBeGreaterOrEqualTo": least}
        yield {"type": "library", "metric": "rowCount", **span, **tail}
    elif rule.kind is not Kind.FRESHNESS:
        told: Mapping[str, object] = {
            "kind": rule.kind.value,
            "columns": list(rule.columns),
            "params": dict(rule.params),
            "where": rule.where,
            "threshold": rule.threshold,
        }
        yield {"type": "custom", "engine": "beijiang", "implementation": json.dumps(told, ensure_ascii=False), **tail}
