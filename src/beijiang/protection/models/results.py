"""What an answer tells of itself: the columns with their grades and masks, and how much of it may leave as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from beijiang.kit import Invalid, Refused
from beijiang.protection.models.reference import export_limits
from beijiang.protection.models.walls import fold, place_of

if TYPE_CHECKING:
    from beijiang.protection.models.sight import Audience
    from beijiang.tables import GovernedColumn, Origin

__all__ = [
    "AnswerColumn",
    "Described",
    "FileMark",
    "QueryLineage",
    "Seen",
    "export_rows",
    "label",
    "labelled",
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
        found.append(AnswerColumn(name, kind, grade, any(column.masked and direct for column, direct in parts)))
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
