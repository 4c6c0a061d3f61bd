"""Twenty rules over 5,000,000 rows: the platform's one pass against one pass of DuckDB written by hand for the same rules.

Ours compiles the rules, counts B and what fails of each, and is what a run after a write does (without storing the facts);
the peer is the tightest statement that an engineer would write over the same Parquet files. Great Expectations takes part
where ``BENCH_GX_PYTHON`` names a Python that has it; it is no dependency of the project.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
from report import Line, show

from beijiang.build import Platform, build
from beijiang.kit import SYSTEM, FixedClock, new_id
from beijiang.quality import Kind, RuleDraft, Runner
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, Lake, Measures, WriteMode

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
TABLE = "企业登记信息"
LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

RULES = [
    RuleDraft(kind=Kind.NOT_NULL, columns=("企业名称",)),
    RuleDraft(kind=Kind.NOT_NULL, columns=("盟市",)),
    RuleDraft(kind=Kind.NOT_NULL, columns=("成立日期",)),
    RuleDraft(kind=Kind.NOT_NULL, columns=("统一社会信用代码", "法定代表人证件号码")),
    RuleDraft(kind=Kind.CHECK, columns=("统一社会信用代码",), params={"algorithm": "uscc"}),
    RuleDraft(kind=Kind.CHECK, columns=("法定代表人证件号码",), params={"algorithm": "citizen_id"}),
    RuleDraft(kind=Kind.CODE_SET, columns=("性别",), params={"code_set": "sex"}),
    RuleDraft(kind=Kind.CODE_SET, columns=("区划代码",), params={"code_set": "region"}),
    RuleDraft(kind=Kind.FORMAT, columns=("联系电话",), params={"pattern": "1[3-9][0-9]{9}"}),
    RuleDraft(kind=Kind.FORMAT, columns=("企业名称",), params={"shortest": 2, "longest": 100}),
    RuleDraft(kind=Kind.RANGE, columns=("注册资本",), params={"low": 0, "high": 1000000}),
    RuleDraft(kind=Kind.RANGE, columns=("成立日期",), params={"low": "1949-10-01", "high": "2026-12-31"}),
    RuleDraft(kind=Kind.RANGE, columns=("员工人数",), params={"low": 0}),
    RuleDraft(kind=Kind.ORDER, columns=("成立日期", "注销日期")),
    RuleDraft(kind=Kind.EXPRESSION, params={"expression": "注册资本 > 0 OR 员工人数 = 0"}),
    RuleDraft(kind=Kind.EXPRESSION, params={"expression": "成立日期 <= current_date"}),
    RuleDraft(kind=Kind.EXPRESSION, params={"expression": "企业名称 LIKE '内蒙古%'"}),
    RuleDraft(kind=Kind.VALIDITY, columns=("成立日期", "注销日期")),
    RuleDraft(kind=Kind.UNIQUE, columns=("统一社会信用代码",)),
    RuleDraft(kind=Kind.WINDOWS, columns=("成立日期",), params={"unit": "year", "least": 1}),
]

SIMPLE = [
    *(RuleDraft(kind=Kind.NOT_NULL, columns=(name,)) for name in ("企业名称", "盟市", "成立日期", "统一社会信用代码")),
    RuleDraft(kind=Kind.FORMAT, columns=("统一社会信用代码",), params={"pattern": "[0-9A-HJ-NPQRTUWXY]{18}"}),
    RuleDraft(kind=Kind.FORMAT, columns=("法定代表人证件号码",), params={"pattern": "[1-9][0-9]{16}[0-9X]"}),
    *(rule for rule in RULES[6:13] if "成立日期" not in rule.columns),
    RULES[18],
]
"""Those that Great Expectations has too: no check characters."""


def _credit_sum() -> str:
    return " + ".join(f"(strpos('{LETTERS}', substr(uscc, {i + 1}, 1)) - 1) * {pow(3, i, 31)}" for i in range(17))


def _id_sum() -> str:
    return " + ".join(f"(ascii(substr(pid, {i + 1}, 1)) - 48) * {w}" for i, w in enumerate(ID_WEIGHTS))


def rows_sql(rows: int) -> str:
    """Return the statement that makes the rows; one in fifty has some fault."""
    return f"""
    WITH base AS (
      SELECT i, '91150102MA' || lpad(CAST(i AS VARCHAR), 7, '0') AS u17,
             '150102' || CAST(1950 + i % 50 AS VARCHAR) || lpad(CAST(1 + i % 12 AS VARCHAR), 2, '0')
               || lpad(CAST(1 + i % 28 AS VARCHAR), 2, '0') || lpad(CAST(i % 1000 AS VARCHAR), 3, '0') AS p17
      FROM range({rows}) AS r(i)
    ), summed AS (
      SELECT *, ({_credit_sum().replace("uscc", "u17")}) AS us, ({_id_sum().replace("pid", "p17")}) AS ps FROM base
    )
    SELECT CASE WHEN i % 50 = 0 THEN u17 || 'X' ELSE u17 || substr('{LETTERS}', CAST((31 - us % 31) % 31 + 1 AS BIGINT), 1) END AS "统一社会信用代码",
           '内蒙古第' || i || '商贸有限公司' AS "企业名称",
           CASE WHEN i % 51 = 0 THEN p17 || 'A' ELSE p17 || substr('10X98765432', CAST(ps % 11 + 1 AS BIGINT), 1) END AS "法定代表人证件号码",
           CASE WHEN i % 52 = 0 THEN NULL ELSE ['呼和浩特市', '包头市', '赤峰市'][CAST(i % 3 + 1 AS BIGINT)] END AS "盟市",
           CASE WHEN i % 53 = 0 THEN '男' ELSE CAST(1 + i % 2 AS VARCHAR) END AS "性别",
           CASE WHEN i % 54 = 0 THEN '999999' ELSE ['150102', '150105', '150781'][CAST(i % 3 + 1 AS BIGINT)] END AS "区划代码",
           '138' || lpad(CAST(i % 100000000 AS VARCHAR), CASE WHEN i % 55 = 0 THEN 7 ELSE 8 END, '0') AS "联系电话",
           CAST(DATE '1980-01-01' + CAST(i % 16000 AS INTEGER) AS DATE) AS "成立日期",
           CASE WHEN i % 4 = 0 THEN CAST(DATE '2000-01-01' + CAST(i % 9000 AS INTEGER) AS DATE) END AS "注销日期",
           CAST(i % 100000 AS DOUBLE) - CASE WHEN i % 56 = 0 THEN 200000 ELSE 0 END AS "注册资本",
           CAST(i % 3000 AS BIGINT) AS "员工人数"
    FROM summed
    """


def fill(platform: Platform, folder: Path) -> None:
    """Commit the rows as one table of the lake."""
    path = folder / "rows.parquet"
    duckdb.execute(f"COPY ({rows_sql(ROWS)}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(f.name, f.type) for f in pq.read_schema(path)])
    request = CommitRequest(
        table=TABLE, org_id="education", staged=(path,), schema=schema, mode=WriteMode.REPLACE, run_id=new_id("run")
    )
    platform.tables.commit(SYSTEM, request)


def by_hand(files: tuple[str, ...], today: str, codes: list[str]) -> str:
    """Return one statement over the same files, as tight as it can be written."""
    listed = ", ".join(f"'{f}'" for f in files)
    regions = ", ".join(f"'{code}'" for code in codes)
    uscc, pid, name, born, gone = '"统一社会信用代码"', '"法定代表人证件号码"', '"企业名称"', '"成立日期"', '"注销日期"'
    good_uscc = (
        f"regexp_matches({uscc}, '^[0-9A-HJ-NPQRTUWXY]{{2}}[0-9]{{6}}[0-9A-HJ-NPQRTUWXY]{{10}}$') AND "
        f"substr('{LETTERS}', (31 - ({_credit_sum().replace('uscc', uscc)}) % 31) % 31 + 1, 1) = substr({uscc}, 18, 1)"
    )
    good_id = (
        f"regexp_matches({pid}, '^[1-9][0-9]{{16}}[0-9X]$') AND "
        f"substr('10X98765432', ({_id_sum().replace('pid', pid)}) % 11 + 1, 1) = substr({pid}, 18, 1) AND "
        f"try_cast(substr({pid}, 7, 4) || '-' || substr({pid}, 11, 2) || '-' || substr({pid}, 13, 2) AS DATE) IS NOT NULL"
    )
    tests = [
        f"trim({name}) = '' OR {name} IS NULL",
        'trim("盟市") = \'\' OR "盟市" IS NULL',
        f"{born} IS NULL",
        f"{uscc} IS NULL OR {pid} IS NULL OR trim({uscc}) = '' OR trim({pid}) = ''",
        f"NOT ({good_uscc})",
        f"NOT ({good_id})",
        "\"性别\" NOT IN ('0', '1', '2', '9')",
        f'"区划代码" NOT IN ({regions})',
        "NOT regexp_matches(\"联系电话\", '^1[3-9][0-9]{9}$')",
        f"length({name}) NOT BETWEEN 2 AND 100",
        '"注册资本" NOT BETWEEN 0 AND 1000000',
        f"{born} NOT BETWEEN DATE '1949-10-01' AND DATE '2026-12-31'",
        '"员工人数" < 0',
        f"{born} > {gone}",
        'NOT ("注册资本" > 0 OR "员工人数" = 0)',
        f"{born} > DATE '{today}'",
        f"{name} NOT LIKE '内蒙古%'",
        f"{gone} < DATE '{today}' OR {born} > DATE '{today}'",
    ]
    counted = ", ".join(f"count_if({test}) AS f{n}" for n, test in enumerate(tests))
    return f"""
    WITH t AS (SELECT * FROM read_parquet([{listed}]))
    SELECT count(*) AS rows, {counted},
      (SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM t WHERE {uscc} IS NOT NULL GROUP BY {uscc} HAVING count(*) > 1)) AS f18,
      (SELECT date_diff('year', min(w), max(w)) + 1 - count(*) FROM (SELECT date_trunc('year', {born}) AS w FROM t GROUP BY 1)) AS f19
    FROM t
    """


def expectations(files: tuple[str, ...], rows: int) -> tuple[float, float] | None:
    """Return the seconds of Great Expectations over ``rows`` rows, clock and processor, by a Python that has it (``BENCH_GX_PYTHON``)."""
    python = os.environ.get("BENCH_GX_PYTHON")
    if not python:
        return None
    peer = Path(__file__).with_name("peer_great_expectations.py")
    done = subprocess.run([python, str(peer), str(rows), *files], capture_output=True, text=True, check=True)
    clock, processor = done.stdout.strip().splitlines()[-1].split()
    return float(clock), float(processor)


def now() -> tuple[float, float]:
    """Return the clock and what this process has used of the processor, all threads together."""
    return time.monotonic(), time.process_time()


def since(before: tuple[float, float]) -> tuple[float, float]:
    """Return the seconds since then, by the clock and of the processor."""
    return time.monotonic() - before[0], time.process_time() - before[1]


def main() -> None:
    """Measure by turns, three times each, and print the table."""
    with tempfile.TemporaryDirectory(prefix="bj-bench-") as place:
        folder = Path(place)
        clock = FixedClock(datetime(2026, 11, 26, 4, 0, tzinfo=UTC))
        platform = build(Settings.for_tests(folder), clock)
        platform.first_start()
        (folder / "in").mkdir()
        fill(platform, folder / "in")
        lake = Lake(platform.settings.home / "lake", platform.db)
        runner = Runner(
            Measures(lake, platform.engine),
            platform.standards,
            platform.catalog,
            clock,
            ZoneInfo("Asia/Shanghai"),
            platform.sql.bound,
        )
        measured = runner.version(TABLE)
        files = lake.snapshot(TABLE).files
        codes = [value.code for value in platform.standards.code_set("region").values]
        statement = by_hand(files, "2026-11-26", codes)
        ours: list[tuple[float, float]] = []
        theirs: list[tuple[float, float]] = []
        counted: Any = None
        row: Any = None
        for _ in range(3):
            started = now()
            counted = runner.count(measured, RULES)
            ours.append(since(started))
            started = now()
            row = duckdb.connect(config={"threads": 2}).execute(statement).fetchone()
            theirs.append(since(started))
        assert row is not None
        assert [failing for _, failing in counted] == list(row[1:]), (counted, row)
        results = []
        few = min(ROWS, 500_000)
        slow = expectations(files, few)
        simple: list[tuple[float, float]] = []
        for _ in range(3 if slow is not None else 0):
            started = now()
            runner.count(measured, SIMPLE)
            simple.append(since(started))
        for which, words in enumerate(("by the clock", "of the processor")):
            least = min(one[which] for one in ours), min(one[which] for one in theirs)
            results.append(Line(f"20 rules, one pass, {words}", least[0], "DuckDB by hand", least[1], 1.3))
            if slow is not None:
                name = f"Great Expectations, {few:,} rows scaled"
                quickest = min(one[which] for one in simple)
                scaled = slow[which] * ROWS / few
                results.append(Line(f"{len(SIMPLE)} simple rules, {words}", quickest, name, scaled, 0.2))
        platform.close()
        show(f"{ROWS:,} rows x 11 columns, {len(RULES)} rules", results)


if __name__ == "__main__":
    main()
