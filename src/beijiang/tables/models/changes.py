"""What changed between two versions of a table: how a change is to be found, and the rows that were found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from beijiang.kit import Conflict, Text

__all__ = ["TOUCHED_KEY", "Changed", "Following", "unfollowable"]

TOUCHED_KEY: Final = "k"
"""Columns of ``Changed.touched`` are ``k0``, ``k1``, ... in the order of the columns asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """How changes are found and which rows are wanted with them."""

    key: tuple[str, ...] = ()
    """Columns that tell rows apart, none of them empty; without them only added files can be followed."""
    groups: tuple[str, ...] = ()
    """All rows that have the same values here as a changed row; without them the changed rows alone."""
    columns: tuple[str, ...] | None = None
    """Columns whose change matters; None: all that people see."""
    holding: bool = False
    """Of a history table, look at the states that hold only."""
    light: bool = False
    """What is made of the rows is one pass over them: rows as they were are not wanted, and groups pay only where few are touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Rows of a table that changed between two versions, as Parquet files in the columns that people see."""

    before: Path | None
    """The rows as they were, where they are wanted."""
    after: Path
    """The rows as they are."""
    touched: Path | None
    """The values of ``groups`` (or of the key) that changed rows have or had; None where rows were only added."""
    rows: int
    """Rows in ``before`` and ``after``: what has to be worked."""


_WHY: Final[dict[str, Text]] = {
    "source_gone": Text(
        "上次加工的来源版本已不可读取", "the version of the source that was last worked can no longer be read"
    ),
    "source_columns": Text("来源的列有变化", "the columns of the source changed"),
    "source_rewritten": Text("来源被整体替换、回滚或重写", "the source was replaced, rolled back or rewritten"),
    "source_mostly_new": Text("来源的多数行有变化", "most rows of the source changed"),
    "source_widely_changed": Text(
        "变化散布在来源的许多文件或分组中，整表汇总更快",
        "changes lie in many files or groups of the source: to work all rows is the faster way",
    ),
    "empty_group": Text("变化的行中有空的分组值", "a changed row has no value in a column that groups"),
}


def unfollowable(why: str) -> Conflict:
    """Return the error that says why the way from one version to another cannot be followed row by row."""
    return Conflict(_WHY[why].zh, _WHY[why].en, code=why)
