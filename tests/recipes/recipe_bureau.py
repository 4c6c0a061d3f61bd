"""A department that makes tables of its tables."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from quality_bureau import OTHER, OWNER, Bureau

from beijiang.kit import SYSTEM
from beijiang.recipes import OnFault, Recipe, RecipeDraft, RecipeRun, Step, StepKind
from waiting import until

__all__ = ["OTHER", "OWNER", "RAW", "Kitchen", "step"]

RAW = pa.schema(
    [("企业名称", pa.string()), ("成立日期", pa.string()), ("注册资金", pa.string()), ("注册地址", pa.string())]
)
DIRT = [
    {
        "企业名称": " 内蒙古甲公司(北京)",
        "成立日期": "2024年3月1日",
        "注册资金": "50(万)",
        "注册地址": "呼和浩特市新城区",
    },
    {"企业名称": "乙公司", "成立日期": "不详", "注册资金": "N/A", "注册地址": "包头市东河区"},
    {"企业名称": "丙公司", "成立日期": "20240302", "注册资金": "3,000万美元", "注册地址": None},
]


def step(kind: StepKind, *columns: str, on_fault: OnFault = OnFault.EMPTY, **params: str) -> Step:
    return Step(kind=kind, columns=columns, params=params, on_fault=on_fault)


CLEAN = (
    step(StepKind.BLANK, "注册资金"),
    step(StepKind.NAME, "企业名称"),
    step(StepKind.DATE, "成立日期"),
    step(StepKind.MONEY, "注册资金", amount="金额", currency="币种"),
)


@dataclass
class Kitchen(Bureau):
    """The platform with words for recipes."""

    names: Any = field(default_factory=itertools.count)

    def raw(self, rows: list[dict[str, Any]] | None = None, table: str = "", **words: Any) -> str:
        name = table or f"原始{next(self.names)}"
        self.write(DIRT if rows is None else rows, name, **{"schema": RAW, **words})
        return name

    def save(self, source: str, *steps: Step, target: str = "", **words: Any) -> Recipe:
        draft = RecipeDraft(target=target or f"{source}净", source=source, steps=steps or CLEAN, **words)
        return self.platform.recipes.save(self.steward, draft)

    def run(self, recipe: Recipe) -> RecipeRun:
        return self.platform.recipes.run_now(self.steward, recipe.id)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table as they lie in the lake, past the gate: tests may."""
        import pyarrow.parquet as pq

        files = self.platform.gate._lake.snapshot(table).files
        return [row for file in files for row in pq.read_table(file).to_pylist()]

    def until_version(self, table: str, version: int) -> None:
        until(
            lambda: (
                table in self.platform.tables.names(SYSTEM)
                and self.platform.tables.get(SYSTEM, table).version >= version
            )
        )
