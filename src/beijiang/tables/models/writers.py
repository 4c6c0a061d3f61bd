"""Who fills a table by itself: what is taken from a source, or made by a recipe, a library, a forecast or a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from beijiang.kit import Word

__all__ = ["TableWriter", "WriterKind", "WriterOf"]


class WriterKind(Word):
    """What fills a table by itself."""

    ALERTS = "alerts", "读数预警记录", "record of alerts"
    FORECAST = "forecast", "预测", "forecast"
    LIBRARY = "library", "基础库", "base library"
    PLAN = "plan", "督办计划", "work plan"
    RECIPE = "recipe", "加工配方", "recipe"
    SCORES = "scores", "评分计划", "plan of scores"
    SOURCE = "source", "数据来源", "data source"
    SQL = "sql", "SQL 模型", "SQL model"


@dataclass(frozen=True, slots=True)
class TableWriter:
    """One of them, with the tables that it reads: what is handed in belongs there."""

    kind: WriterKind
    id: str
    name: str
    org_id: str
    sources: tuple[str, ...] = ()


WriterOf = Callable[[str], TableWriter | None]
"""Tells what fills a table, or will; the parts that know stand above and are wired in build.py."""
