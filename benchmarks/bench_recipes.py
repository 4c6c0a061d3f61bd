"""A derived table brought up to 1,000 changed rows of 200,000: all rows worked anew against only what changed.

Run: ``PYTHONPATH=src python benchmarks/bench_recipes.py [rows]``. A recipe of six steps over a table with a key, and a model that
groups it. The changes lie apart (in rows all over the table, whose one file a merge writes anew), lie together (in the last of
ten files), or are appended to a table without a key. Of a recipe, seconds of the processor, all threads together; of a model, whose
statement runs in a child, seconds of the clock. A model whose changes lie all over the table works the whole of it, and says so: then
two runs over all rows are compared, and the bar leaves room for what finding that out costs. With more rows the runs over all rows take
longer, and the changes what they took before; a million takes a quarter of an hour.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from report import Line, show

from beijiang.build import Platform, build
from beijiang.kit import SYSTEM, new_id
from beijiang.recipes import Making, RecipeDraft, RecipeRun, Step, StepKind
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

CHANGED = 1_000
BAR = 1.1
ORG = "education"
STEPS = (
    Step(kind=StepKind.BLANK, columns=("资金",)),
    Step(kind=StepKind.NAME, columns=("名称",)),
    Step(kind=StepKind.DATE, columns=("日期",)),
    Step(kind=StepKind.MONEY, columns=("资金",), params={"amount": "金额", "currency": "币种"}),
    Step(kind=StepKind.CREDIT_CODE, columns=("信用代码",)),
    Step(kind=StepKind.SPLIT, columns=("联系",), params={"by": "/", "into": "人,电话"}),
)
ROW = """SELECT printf('%08d', {id}) AS 编号, ' 内蒙古第' || {id} || '商贸(集团)有限公司' AS 名称,
    (CASE {id} % 3 WHEN 0 THEN '2024年3月1日' WHEN 1 THEN '20240302' ELSE '2024/3/3' END) AS 日期,
    (CASE {id} % 4 WHEN 0 THEN 'N/A' WHEN 1 THEN '50(万)' WHEN 2 THEN '3,000万美元' ELSE '660(万人民币元)' END) AS 资金,
    '91150102MA0N00016G' AS 信用代码, '张三/138' || printf('%08d', {id}) AS 联系,
    '旗县' || ({id} % 19997) AS 旗县, ({id} + {more}) % 1000 AS 人数 FROM range({first}, {last}, {step})"""
MODEL = 'SELECT 旗县, COUNT(*) AS 户数, SUM(人数) AS 人数, MAX(名称) AS 末 FROM "{table}" GROUP BY 旗县'


class Bench:
    """A platform with sources of a size."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.rows = rows
        self.platform: Platform = build(Settings(home=folder / "home"))
        self.platform.first_start()
        self.staging = self.platform.settings.home / "staging"
        self.staging.mkdir(exist_ok=True)

    def write(self, table: str, first: int, last: int, *, step: int = 1, more: int = 0, mode: WriteMode) -> None:
        path = self.staging / f"{new_id('x')}.parquet"
        select = ROW.format(id="range", first=first, last=last, step=step, more=more)
        duckdb.connect().execute(f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        request = CommitRequest(
            table=table,
            org_id=ORG,
            staged=(path,),
            schema=pq.read_schema(path).remove_metadata(),
            mode=mode,
            run_id=new_id("run"),
            key=("编号",) if table != "流水" else (),
        )
        self.platform.tables.commit(SYSTEM, request)

    def run(self, name: str, recipe: str) -> tuple[RecipeRun, float]:
        clock = time.perf_counter if name == "model" else time.process_time
        start = clock()
        done = self.platform.recipes.run_now(SYSTEM, recipe)
        return done, clock() - start

    def save(self, table: str, *, sql: str = "") -> str:
        target = f"{table}{'计' if sql else '净'}"
        steps = () if sql else STEPS
        draft = RecipeDraft(target=target, source="" if sql else table, steps=steps, sql=sql, on_write=False)
        return self.platform.recipes.save(SYSTEM, draft).id


def measured(bench: Bench, what: str, recipes: dict[str, str], whole: dict[str, float]) -> list[Line]:
    lines = []
    for name, recipe in recipes.items():
        done, seconds = bench.run(name, recipe)
        assert done.making is not Making.WHOLE or name == "model", done.why
        worked = "all" if done.worked is None else f"{done.worked:,}"
        print(f"{name}: {what}: {worked} rows worked in {seconds:.2f} s, all in {whole[name]:.2f} s", flush=True)
        lines.append(Line(f"{name}: {what} ({worked} worked)", seconds, "whole", whole[name], BAR))
    return lines


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), rows)
        part = rows // 10
        bench.write("一件", 0, rows, mode=WriteMode.MERGE)
        for n in range(10):
            bench.write("十件", n * part, (n + 1) * part, mode=WriteMode.APPEND)
        bench.write("流水", 0, rows, mode=WriteMode.APPEND)
        lines: list[Line] = []
        for table in ("一件", "十件", "流水"):
            recipes = {"recipe": bench.save(table), "model": bench.save(table, sql=MODEL.format(table=table))}
            whole = {name: bench.run(name, recipe)[1] for name, recipe in recipes.items()}
            if table == "一件":
                bench.write(table, 0, rows, step=rows // CHANGED, more=7, mode=WriteMode.MERGE)
                lines += measured(bench, "changes apart, one file", recipes, whole)
            elif table == "十件":
                bench.write(table, rows - CHANGED, rows, more=7, mode=WriteMode.MERGE)
                lines += measured(bench, "changes together, ten files", recipes, whole)
            else:
                bench.write(table, rows, rows + CHANGED, mode=WriteMode.APPEND)
                lines += measured(bench, "appended, no key", recipes, whole)
        show(f"{CHANGED:,} changed rows of {rows:,}", lines)
        bench.platform.close()


if __name__ == "__main__":
    main()
