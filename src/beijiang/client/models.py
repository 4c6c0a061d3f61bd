"""What comes back, frozen and typed; ``raw`` is the server's own answer, for whatever is not named here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

__all__ = ["Column", "Dataset", "Grant", "Hit", "RowPage", "SearchResult", "SqlResult"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column as this key may have it."""

    name: str
    type: str
    grade: str
    masked: bool

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Read one."""
        return cls(value["name"], value["type"], value["grade"], value["masked"])


@dataclass(frozen=True, slots=True)
class Hit:
    """One data set of a result."""

    id: str
    title: str
    summary: str
    publisher: str
    open_type: str | None
    formats: tuple[str, ...]
    rows: int | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Read one."""
        return cls(
            value["id"],
            value["title"],
            value["summary"],
            value["provider"]["name"],
            value["open_type"],
            tuple(value["formats"]),
            value["rows"],
            value,
        )


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of results; iterate it for the hits."""

    total: int
    page: int
    pages: int
    hits: tuple[Hit, ...]

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Read one."""
        return cls(value["total"], value["page"], value["pages"], tuple(Hit.of(one) for one in value["hits"]))


@dataclass(frozen=True, slots=True)
class Dataset:
    """One data set: its metadata and what of it may be had."""

    id: str
    title: str
    summary: str
    readable: bool
    version: int | None
    rows: int
    columns: tuple[str, ...]
    raw: Mapping[str, Any] = field(repr=False)
    extensions: Mapping[str, str] = field(default_factory=dict)
    """What it holds in the fields that the region declared, by key; dates, numbers and codes as they are written."""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Read one."""
        data = value["data"]
        names = tuple(one["column"] for one in value["fields"])
        declared = {one["key"]: one["value"] for one in value["extension"].get("fields", ())}
        return cls(
            value["id"],
            value["title"],
            value["summary"],
            data["open"],
            data["version"],
            data["rows"],
            names,
            value,
            declared,
        )


@dataclass(frozen=True, slots=True)
class RowPage:
    """One page of rows; ``next`` is the cursor of the one after it, None at the end."""

    version: int
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    next: str | None
    receipt: str

    @classmethod
    def of(cls, value: Mapping[str, Any], receipt: str) -> Self:
        """Read one."""
        columns = tuple(Column.of(one) for one in value["columns"])
        return cls(value["version"], columns, tuple(value["rows"]), value["next"], receipt)


@dataclass(frozen=True, slots=True)
class SqlResult:
    """The answer of a query."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool
    grade: str
    receipt: str

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Read one."""
        rows = tuple(tuple(row) for row in value["rows"])
        return cls(tuple(value["columns"]), rows, value["truncated"], value["grade"], value["receipt"])

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant of this key's organisation, or to it."""

    id: str
    table: str
    purpose: str
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Read one."""
        return cls(value["id"], value["table"], value["purpose"], value)
