"""Who would feel a change of a table's columns: tables made from it, catalog entries, and those who read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from beijiang.kit import BeijiangError, Text, Word
from beijiang.kit.errors import JsonValue

__all__ = ["COLUMNS_CHANGE", "Affected", "AffectedKind", "Impact", "changed_columns"]

COLUMNS_CHANGE: Final = frozenset({"schema_change_stops", "source_column_gone"})
"""Reasons of a stop that others than the department may feel."""


def changed_columns(error: BeijiangError) -> list[str]:
    """Return the columns that such a stop is about."""
    gone, plan = error.detail.get("columns"), error.detail.get("plan")
    if isinstance(plan, dict) and isinstance(steps := plan.get("steps"), list):
        return [str(s["column"]) for s in steps if isinstance(s, dict) and s.get("stops")]
    return [str(name) for name in gone] if isinstance(gone, list | tuple) else []


class AffectedKind(Word):
    """What stands or falls with a column."""

    TABLE = "table", "数据表", "table"
    RESOURCE = "resource", "目录条目", "catalog entry"
    CONSUMER = "consumer", "使用方", "consumer"


@dataclass(frozen=True, slots=True)
class Affected:
    """One of them, by its name, and how it depends on the table."""

    kind: AffectedKind
    name: str
    text: Text

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an answer or a stored error."""
        return {"kind": self.kind.value, "name": self.name, "zh": self.text.zh, "en": self.text.en}


class Impact(Protocol):
    """Tell who would feel it; ``protection`` implements it, which stands above and knows readers and entries."""

    def of(self, table: str, columns: Sequence[str]) -> Sequence[Affected]:
        """Return what depends on some columns of a table, or on the table as such."""
        ...
