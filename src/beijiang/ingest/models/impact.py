"""Who would feel a change of a table's columns: tables made from it, what was agreed on or built over it, those who read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from beijiang.kit import Actor, Text, Word
from beijiang.kit.errors import JsonValue

__all__ = ["COLUMNS_CHANGE", "Affected", "AffectedKind", "Impact", "changed_columns"]

COLUMNS_CHANGE: Final = frozenset({"schema_change_stops", "source_column_gone"})
"""Reasons of a stop that others than the department may feel."""


def changed_columns(detail: Mapping[str, JsonValue]) -> list[str]:
    """Return the columns that such a stop is about, by its details."""
    gone, plan = detail.get("columns"), detail.get("plan")
    if isinstance(plan, dict) and isinstance(steps := plan.get("steps"), list):
        return [str(s["column"]) for s in steps if isinstance(s, dict) and s.get("stops")]
    return [str(name) for name in gone] if isinstance(gone, list | tuple) else []


class AffectedKind(Word):
    """What stands or falls with a column."""

    TABLE = "table", "数据表", "table"
    RESOURCE = "resource", "目录条目", "catalog entry"
    CONSUMER = "consumer", "使用方", "consumer"
    FOREIGN = "foreign", "平台外", "outside"
    MODEL = "model", "模型", "model"
    TRAINING_SET = "training_set", "训练集", "training set"
    INDICATOR = "indicator", "统计指标", "statistical indicator"
    RULE = "rule", "质量规则", "rule of quality"
    CONTRACT = "contract", "数据契约", "data contract"
    RECIPE = "recipe", "加工配方", "recipe"
    LIBRARY = "library", "基础库", "base library"
    GRANT = "grant", "共享授权", "grant"
    PUSH = "push", "推送", "push"
    APPLICATION = "application", "应用", "application"
    SUBSCRIPTION = "subscription", "订阅", "subscription"
    HIDDEN = "hidden", "不可见", "hidden"
    MORE = "more", "更多", "more"


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
    """Tell who would feel it; ``lineage`` implements it, which stands above and knows what is made of what."""

    def of(self, actor: Actor, table: str, columns: Sequence[str]) -> Sequence[Affected]:
        """Return what depends on some columns of a table, as far as the actor may know of it."""
        ...
