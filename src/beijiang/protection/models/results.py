"""What an answer tells of itself: the columns with their grades and masks, and how much of it may leave as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from beijiang.kit import BeijiangError, Invalid, Refused
from beijiang.protection.models.reference import export_limits
from beijiang.protection.models.walls import fold, place_of

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from beijiang.protection.models.sight import Audience
    from beijiang.tables import GovernedColumn, Origin

__all__ = [
    "AnswerColumn",
    "Described",
    "FileMark",
    "QueryLineage",
    "ReadingCost",
    "Seen",
    "SqlResult",
    "export_rows",
    "label",
    "labelled",
    "told",
    "unknown_column",
]

PLAIN = "L1"


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """One column of an answer: the highest grade of what made or influenced it, and whether masked values went into it."""

    name: str
    type: str
    grade: str
    masked: bool
    in_doubt: bool = False
    """Whether values that are being looked into (校核) made or influenced it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A table as somebody sees it before any row is read."""

    table: str
    version: int
    audience: Audience
    columns: tuple[GovernedColumn, ...]
    withheld: tuple[str, ...]
    filtered: bool
    """Whether a row rule keeps rows back."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a query would read and what would come of it; nothing was run."""

    reads: tuple[Seen, ...]
    columns: tuple[AnswerColumn, ...]
    grade: str
    origins: frozenset[tuple[str, str]]
    """Table and name of each column that made or influenced one of the answer."""


@dataclass(frozen=True, slots=True)
class ReadingCost:
    """What one run of the engine took: seconds, rows of the tables before any filter, and for how many queries it was."""

    seconds: float
    rows: int
    queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlResult:
    """The answer of one query; ``truncated`` tells that there were more rows than may be handed over."""

    rows: pa.Table
    receipt: str
    truncated: bool
    shown: tuple[AnswerColumn, ...]
    tables: tuple[str, ...]
    cached: bool
    """Whether the same question over the same data and obligations had been answered before."""
    seconds: float
    note_sent: Callable[[str, int], None] = field(repr=False, compare=False)
    """Adds to the receipts the SHA-256 of the whole answer as it was sent, and how many bytes it had."""
    made_at: datetime | None = None
    """When the answer was made, by whoever asked first."""
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict, repr=False)
    """What each column was made of."""
    cost: ReadingCost | None = None
    """What that run took; of queries of applications only."""
    reading: str = ""
    """Names the run that made it; what was read together has one name."""
    as_of: datetime | None = None
    """When the oldest of the versions was written that it was made of; None where it reads no table."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(self.rows.column_names)

    @property
    def grade(self) -> str:
        """Return the highest grade of what the answer was made of."""
        return label(self.shown)

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Return the columns of the answer that rest on values that are being looked into."""
        return tuple(one.name for one in self.shown if one.in_doubt)


@dataclass(frozen=True, slots=True)
class FileMark:
    """What a file that leaves says of itself: one visible line, and the same as facts for programs."""

    line: str
    facts: Mapping[str, str]


class QueryLineage(Protocol):
    """Where the columns of a query come from; ``lineage`` implements it."""

    @property
    def columns(self) -> Mapping[str, Sequence[Origin]]:
        """Return the origins of each column."""
        ...

    def of(self, names: Sequence[str]) -> Mapping[str, Sequence[Origin]]:
        """Return the origins of the columns that the engine really gave."""
        ...


def labelled(
    origins: Mapping[str, Sequence[Origin]] | None,
    types: Mapping[str, str],
    reads: Mapping[str, Sequence[GovernedColumn]],
) -> tuple[AnswerColumn, ...]:
    """Grade the columns of an answer by what they come from; without origins each comes from everything that was read."""
    known = {(table, column.name): column for table, columns in reads.items() for column in columns}
    everything = [(column, True) for column in known.values()]
    found = []
    for name, kind in types.items():
        parts = everything
        if origins is not None:
            parts = [
                (known[origin.table, origin.column], origin.use.is_direct)
                for origin in origins.get(name, ())
                if (origin.table, origin.column) in known
            ]
        grade = max((column.grade for column, _ in parts), default=PLAIN)
        masked = any(column.masked and direct for column, direct in parts)
        found.append(AnswerColumn(name, kind, grade, masked, any(column.in_doubt for column, _ in parts)))
    return tuple(found)


def label(columns: Sequence[AnswerColumn]) -> str:
    """Return the grade of an answer: the highest of its columns."""
    return max((column.grade for column in columns), default=PLAIN)


def export_rows(grade: str, today: date, most: int) -> int:
    """Return how many rows of this grade one file may hold.

    Raises:
        Refused: none at all (``export_graded``).

    """
    day = today.isoformat()
    rule = next(
        (
            row
            for row in export_limits()
            if row["level"] == grade and row["since"] <= day and (not row["until"] or day < row["until"])
        ),
        {"rows": "0"},
    )
    rows = min(most, int(rule["rows"] or most))
    if not rows:
        raise Refused(
            f"结果的级别是 {grade}，不能导出。请去掉相关的列，或先汇总再导出。",
            f"The result is graded {grade} and cannot be exported. Leave the columns in question out, or aggregate first.",
            code="export_graded",
            detail={"grade": grade},
        )
    return rows


def told(
    error: BeijiangError, tree: exp.Query, text: str, columns: Mapping[str, Sequence[GovernedColumn]]
) -> BeijiangError:
    """Return an error of the engine for the person: one of names is told by them."""
    if error.reason != "query_unbound":
        return error
    return unknown_column(tree, text, [column.name for found in columns.values() for column in found]) or error


def unknown_column(tree: exp.Query, text: str, known: Sequence[str]) -> Invalid | None:
    """Return the error for the first name in a person's query that is no column he sees and no name that he gave."""
    names = {fold(name) for name in known}
    given = {fold(node.alias) for node in tree.find_all(exp.Alias, exp.CTE, exp.Subquery, exp.Table) if node.alias}
    given |= {fold(name.name) for alias in tree.find_all(exp.TableAlias) for name in alias.args.get("columns") or ()}
    for column in tree.find_all(exp.Column):
        if isinstance(column.this, exp.Star) or fold(column.name) in names | given:
            continue
        at = place_of(column)
        if at is None:
            continue
        line, place = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        near = get_close_matches(column.name, known, n=1, cutoff=0.5)
        return Invalid(
            f"第 {line} 行第 {place} 列：没有列“{column.name[:60]}”" + (f"，是不是“{near[0]}”？" if near else "。"),
            f'Line {line}, column {place}: there is no column "{column.name[:60]}"'
            + (f'; did you mean "{near[0]}"?' if near else "."),
            code="query_unbound",
            detail={"line": line, "column": place},
        )
    return None
