"""Sources that change, and what is made of them held against a table that is made of all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from recipe_bureau import DIRT, RAW, Kitchen

from beijiang.recipes import Making, Recipe, RecipeDraft, RecipeRun, Step
from beijiang.tables import TableVersion, WriteMode

__all__ = ["CITIES", "GROUPED", "KEYED", "Source", "assert_as_whole", "recipe_on", "row", "source_of"]

KEYED = pa.schema([("编号", pa.string()), *RAW, ("盟市", pa.string()), ("人数", pa.int64())])
CITIES = ("呼和浩特市", "包头市", "赤峰市")


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {"编号": f"{number:03d}", **DIRT[number % 3], "盟市": CITIES[number % 3], "人数": number, **changes}


@dataclass
class Source:
    """A source of one test, with a key or without."""

    house: Kitchen
    name: str
    key: tuple[str, ...] = ("编号",)
    mode: WriteMode = WriteMode.MERGE
    schema: pa.Schema = KEYED
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, rows: Sequence[dict[str, Any]], gone: Sequence[str] = (), **words: Any) -> TableVersion:
        removed: tuple[Any, ...] = ()
        if gone:
            path = self.house.folder / f"gone{next(self.house.names)}.parquet"
            pq.write_table(pa.table({"编号": list(gone)}), path)
            removed = (path,)
        given_ = {"mode": self.mode, "key": self.key, "removed": removed, "schema": self.schema, **words}
        return self.house.write(list(rows), self.name, **given_)


def source_of(house: Kitchen, rows: Sequence[dict[str, Any]], **words: Any) -> Source:
    made = Source(house, f"源{next(house.names)}", **words)
    made.write(rows)
    return made


def recipe_on(house: Kitchen, source: str, *steps: Step, sql: str = "") -> Recipe:
    target = f"果{next(house.names)}"
    made_of = RecipeDraft(target=target, on_write=False, sql=sql.replace("{}", f'"{source}"'))
    if not sql:
        made_of = RecipeDraft(target=target, source=source, steps=steps, on_write=False)
    return house.platform.recipes.save(house.steward, made_of)


def bag(house: Kitchen, table: str) -> Counter[str]:
    return Counter(repr(sorted(one.items())) for one in house.rows(table))


def assert_as_whole(house: Kitchen, recipe: Recipe, run: RecipeRun) -> None:
    """Hold a table against one that a recipe of the same words makes for the first time, of all rows."""
    fresh = recipe_on(house, recipe.source, *recipe.steps, sql=recipe.sql)
    whole = house.run(fresh)
    assert whole.making is Making.WHOLE
    assert bag(house, recipe.target) == bag(house, fresh.target)
    assert (run.rows, run.aside, list(run.counts)) == (whole.rows, whole.aside, list(whole.counts))
    house.platform.recipes.retire(house.steward, fresh.id, "只为比较")


GROUPED = "SELECT 盟市, COUNT(*) AS 数, SUM(人数) AS 人数, MAX(成立日期) AS 最晚 FROM {} WHERE 人数 > 2 GROUP BY 盟市"
