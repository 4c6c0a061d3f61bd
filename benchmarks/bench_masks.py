"""Four masked columns against the same columns unmasked: an aggregate and an export of 5 million rows through the same engine.

Run: ``PYTHONPATH=src python benchmarks/bench_masks.py [rows]``. The bar is 1.3x. ``unmasked`` is the same governed read without
its masks: the same files, engine, classification and receipt. Summaries are not kept here, which would answer at once. Seconds of
the processor, all threads together, so that a busy machine disturbs less.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from bench_gate import house_of
from report import Line, show

from beijiang.kit import SYSTEM, new_id
from beijiang.protection.models.conditions import column_ref
from beijiang.tables import Aggregate, CommitRequest, Exit, GroupBy, Measure, MeasureFn, WriteMode

TABLE = "从业人员"
MASKED = ("姓名", "手机号码", "出生日期", "公民身份号码")
BAR = 1.3


def stage(folder: Path, rows: int) -> Path:
    path = folder / "home" / "staging" / "rows.parquet"
    duckdb.connect().execute(
        f"""COPY (SELECT (['王','李','张','刘','陈'])[1 + range % 5] || (['伟','芳','娜','敏'])[1 + range % 4] ||
        (['强','磊','军'])[1 + range % 3] AS "姓名", printf('138%08d', range % 100000000) AS "手机号码",
        DATE '1960-01-01' + (range % 15000)::INT AS "出生日期",
        printf('150102%08d%03d0', 19600101 + range % 1200, range % 1000) AS "公民身份号码",
        (['呼和浩特市','包头市','赤峰市','通辽市'])[1 + range % 4] AS "盟市", (range % 100000)::DOUBLE AS "金额",
        'f0' AS _bj_file, range AS _bj_row FROM range({rows})) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)"""
    )
    return path


def timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def paired(ours: Callable[[], object], theirs: Callable[[], object], times: int = 5) -> tuple[float, float]:
    """Return the least of both; they run in turn, so that both meet the same load."""
    ours(), theirs()
    pairs = [(timed(ours), timed(theirs)) for _ in range(times)]
    return min(a for a, _ in pairs), min(b for _, b in pairs)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        house = house_of(folder)
        path = stage(folder, rows)
        request = CommitRequest(
            table=TABLE,
            org_id="market",
            staged=(path,),
            schema=pq.read_schema(path),
            mode=WriteMode.APPEND,
            run_id=new_id("run"),
        )
        house.tables.commit(SYSTEM, request)
        house.protection.correct(house.steward, TABLE, "公民身份号码", kind="citizen_id")

        def governed(*, bare: bool):  # noqa: ANN202
            read = house.gate.open(house.reviewer, TABLE, "基准", Exit.CHART)
            if bare:  # the same read, its masks taken off: nobody but a benchmark may
                read._expressions = {name: column_ref(name) for name in read._expressions}  # noqa: SLF001
                read._digest = "bare"  # noqa: SLF001
            return read

        masked, bare = governed(bare=False), governed(bare=True)
        house.gate._tools.answers._worth = lambda _: False  # noqa: SLF001 - every summary is made anew
        assert {c.name for c in masked.columns if c.masked} >= set(MASKED)
        spec = Aggregate(group=(GroupBy("盟市"),), measures=(Measure(MeasureFn.COUNT), Measure(MeasureFn.SUM, "金额")))

        def export(read) -> None:  # noqa: ANN001
            query, scan = read.governed_query(TABLE)
            made = house.engine.write_parquet(
                query, {TABLE: scan}, folder / "home" / "staging" / f"{new_id('x')}.parquet"
            )
            made.path.unlink()

        def smallest(read) -> None:  # noqa: ANN001
            measures = tuple(Measure(MeasureFn.MIN, column) for column in MASKED)
            read.aggregate(Aggregate(group=(), measures=measures))

        lines = []
        for what, work in (
            ("aggregate by an open column", lambda read: read.aggregate(spec)),
            ("least value of each of 4 masked columns", smallest),
            ("export as Parquet", export),
        ):
            ours, theirs = paired(lambda work=work: work(masked), lambda work=work: work(bare))
            lines.append(Line(what, ours, "unmasked", theirs, BAR))
        show(f"Masks on {rows:,} rows, 4 masked columns", lines)
        house.close()


if __name__ == "__main__":
    main()
