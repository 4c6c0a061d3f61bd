"""Reading and typing of files against the bare engines, in one run; each table ends with the ratio that counts.

    PYTHONPATH=src python benchmarks/bench_readers.py [csv] [xlsx] [memory]

Every measurement runs in a process of its own, so that peak memory is honest; the better of two runs counts.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROWS = 1_000_000
NAMES = [
    "姓名",
    "统一社会信用代码",
    "区划代码",
    "联系电话",
    "成立日期",
    "注册资本",
    "从业人数",
    "地址",
    "企业名称",
    "单位面积产值",
]
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂"
PLACES = ["新城区", "回民区", "玉泉区", "赛罕区", "东河区", "昆都仑区", "青山区", "九原区", "海勃湾区", "红山区"]


def record(pick: random.Random) -> str:
    return ",".join(
        (
            f"{pick.choice(SURNAMES)}{pick.choice(GIVEN)}{pick.choice(GIVEN)}",
            f"91150{pick.randrange(100, 999)}MA0{pick.randrange(10**6, 10**7)}X",
            f"{150000 + pick.randrange(999)}",
            f"1{pick.randrange(3 * 10**9, 10**10 - 1)}",
            f"{pick.randrange(1980, 2025)}-{pick.randrange(1, 13):02d}-{pick.randrange(1, 29):02d}",
            f"{pick.randrange(1, 10**9) / 100:.2f}",
            f"{pick.randrange(5000)}",
            f"内蒙古自治区呼和浩特市{pick.choice(PLACES)}新华大街{pick.randrange(1, 500)}号",
            f"内蒙古{pick.choice(GIVEN)}{pick.choice(GIVEN)}商贸有限责任公司",
            f"{pick.randrange(10**6) / 1000:.3f}",
        )
    )


def write_csv(path: Path, rows: int, encoding: str = "utf-8") -> None:
    pick = random.Random(1)  # noqa: S311  # test data
    with path.open("w", encoding=encoding, newline="") as out:
        out.write(",".join(NAMES) + "\n")
        for _ in range(rows):
            out.write(record(pick) + "\n")


def write_xlsx(path: Path, rows: int) -> None:
    from datetime import datetime

    import xlsxwriter

    pick = random.Random(1)  # noqa: S311  # test data
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("企业")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, NAMES)
    for row in range(1, rows + 1):
        for column, cell in enumerate(record(pick).split(",")):
            if column == 4:
                sheet.write_datetime(row, column, datetime.fromisoformat(cell), day)
            elif column in {5, 6, 9}:
                sheet.write_number(row, column, float(cell))
            else:
                sheet.write_string(row, column, cell)
    book.close()


def ours(path: str, name: str) -> int:
    """Open, decode, parse, infer, type, and write Parquet as the engine does."""
    import pyarrow.parquet as pq

    from beijiang.ingest.readers import open_tables
    from beijiang.ingest.typing import read_typed

    (table,) = open_tables(Path(path), name)
    rows = 0
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
        typed = read_typed(table, Path(folder))
        with pq.ParquetWriter(Path(folder) / "out.parquet", typed.schema.to_arrow()) as writer:
            for batch in typed.batches():
                assert not batch.bad
                writer.write_batch(batch.rows)
                rows += batch.rows.num_rows
        typed.close()
    return rows


def ours_typing_only(path: str, name: str) -> int:
    """Do the same without writing."""
    from beijiang.ingest.readers import open_tables
    from beijiang.ingest.typing import read_typed

    (table,) = open_tables(Path(path), name)
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
        typed = read_typed(table, Path(folder))
        rows = sum(batch.rows.num_rows for batch in typed.batches())
        typed.close()
    return rows


def engine(path: str, _: str) -> int:
    """Read all as text, cast, write Parquet: what DuckDB does for a trusting user."""
    import duckdb

    casts = {4: "date", 5: "decimal(18,2)", 6: "bigint", 9: "decimal(18,3)"}
    columns = ", ".join(
        f'try_cast("{n}" as {casts[i]}) as "{n}"' if i in casts else f'"{n}"' for i, n in enumerate(NAMES)
    )
    con = duckdb.connect()
    con.sql("set threads = 2")
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
        out = f"{folder}/out.parquet"
        con.sql(f"copy (select {columns} from read_csv('{path}', all_varchar = true)) to '{out}' (format parquet)")
        found = con.sql(f"select count(*) from '{out}'").fetchall()
    return int(found[0][0])


def sheet_alone(path: str, _: str) -> int:
    """Load the sheet by fastexcel, types and all."""
    import fastexcel

    return int(fastexcel.read_excel(path).load_sheet(0).to_arrow().num_rows)


TASKS: dict[str, Callable[[str, str], int]] = {f.__name__: f for f in (ours, ours_typing_only, engine, sheet_alone)}


def child(task: str, path: str, name: str) -> None:
    import duckdb  # noqa: F401  # imports are not what is measured
    import fastexcel  # noqa: F401
    import polars as pl  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    if task.startswith("ours"):
        import beijiang.ingest.readers.delimited
        import beijiang.ingest.readers.workbook
        import beijiang.ingest.typing.stream  # noqa: F401

    started, used = time.perf_counter(), time.process_time()
    rows = TASKS[task](path, name)
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    print(
        json.dumps(
            {
                "rows": rows,
                "seconds": seconds,
                "cpu": cpu,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
            }
        )
    )


def measure(*tasks: tuple[str, Path], runs: int = 3) -> list[dict[str, float]]:
    """Run the tasks in turn, ``runs`` times, and keep the best of each: a busy machine then slows all alike."""
    best: list[dict[str, float]] = [{} for _ in tasks]
    for _ in range(runs):
        for index, (task, path) in enumerate(tasks):
            command = [sys.executable, __file__, "--child", task, str(path), path.name]
            got = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            if not best[index] or got["seconds"] < best[index]["seconds"]:
                best[index] = got
    return best


def show(title: str, lines: list[tuple[str, dict[str, float], dict[str, float], str]]) -> None:
    print(f"\n{title}\n{'':44}{'seconds':>9}{'cpu':>8}{'peak MiB':>10}{'ratio':>8}   bar")
    for label, got, base, bar in lines:
        print(
            f"{label:44}{got['seconds']:9.2f}{got['cpu']:8.2f}{got['peak']:10.0f}{got['seconds'] / base['seconds']:8.2f}   {bar}"
        )


def main(wanted: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if "csv" in wanted:
            utf8, national = Path(folder) / "a.csv", Path(folder) / "b.csv"
            write_csv(utf8, ROWS)
            write_csv(national, ROWS, "gb18030")
            only = "ours_typing_only"
            base, typed, plain, gb = measure(("engine", utf8), ("ours", utf8), (only, utf8), (only, national))
            lines = [
                ("DuckDB: all text, casts, Parquet", base, base, ""),
                ("ours: open, infer over all rows, type", plain, base, "1.8"),
                ("ours: the same, and Parquet written", typed, base, "3.0 with the commit"),
                ("ours: GB18030, against our UTF-8", gb, plain, "1.6"),
            ]
            show(f"CSV, {ROWS:,} rows x {len(NAMES)} columns, {utf8.stat().st_size >> 20} MiB", lines)
        if "xlsx" in wanted:
            book = Path(folder) / "a.xlsx"
            write_xlsx(book, 100_000)
            base, typed = measure(("sheet_alone", book), ("ours_typing_only", book))
            show(
                "Excel, 100,000 rows x 10 columns",
                [("fastexcel alone", base, base, ""), ("ours: open, infer, type", typed, base, "1.5")],
            )
        if "memory" in wanted:
            large = Path(folder) / "large.csv"
            write_csv(large, ROWS * 6)
            (got,) = measure(("ours", large), runs=1)
            show(f"Memory, {large.stat().st_size / 1e9:.2f} GB CSV", [("ours, Parquet written", got, got, "1,024 MiB")])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:5])
    else:
        main(set(sys.argv[1:]) or {"csv", "xlsx", "memory"})
