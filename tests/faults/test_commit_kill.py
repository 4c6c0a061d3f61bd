"""SIGKILL while a table is being written: no acknowledged commit is lost, none is doubled, none is half there."""

from __future__ import annotations

import importlib.util
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from subprocess import PIPE
from types import ModuleType
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from beijiang.kit import SYSTEM
from nursery import Child, run

WRITER = Path(__file__).with_name("committing.py")
KILLS = 15


@pytest.fixture(scope="module")
def child() -> ModuleType:
    spec = importlib.util.spec_from_file_location("committing", WRITER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run_until_killed(home: Path, first: int, seconds: float) -> int:
    """Start the writer at a run, kill it some time after it began, and return the first run it did not acknowledge."""
    process = Child([sys.executable, str(WRITER), str(home), str(first)], stdout=PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(seconds)
    process.kill()
    said = process.stdout.read().split("\n")[:-1]  # an unfinished last line is no acknowledgement
    process.stdout.close()
    process.wait()
    return int(said[-1]) + 1 if said else first


def _rows(lake: Any, engine: Any, table: str, version: int | None = None) -> list[dict[str, Any]]:
    query = sqlglot.parse_one('SELECT * FROM lake.t ORDER BY "编号"', dialect="duckdb")
    assert isinstance(query, exp.Query)
    rows: list[dict[str, Any]] = engine.fetch(query, {"t": lake.scan(lake.snapshot(table, version))}).to_pylist()
    return rows


def test_killed_writers_lose_and_double_nothing(tmp_path: Path, child: ModuleType) -> None:
    chance = random.Random(20261123)  # noqa: S311 - a repeatable test, no secret
    home, run = tmp_path / "killed", 0
    for _ in range(KILLS):
        run = _run_until_killed(home, run, chance.uniform(0.0, 0.4))
    tables, lake, engine, evidence = child.open_lake(home)
    tables.recover()
    child.commit(tables, home, run)

    calm_tables, calm_lake, calm_engine, _ = child.open_lake(tmp_path / "calm")
    for number in range(run + 1):
        child.commit(calm_tables, tmp_path / "calm", number)
    assert _rows(lake, engine, child.TABLE) == _rows(calm_lake, calm_engine, child.TABLE)

    versions = tables.history(SYSTEM, child.TABLE)
    assert [v.version for v in versions] == list(range(len(versions), 0, -1))
    committed = Counter(v.run_id for v in versions if v.run_id.startswith("run_") and v.mode != "compact")
    assert committed == {f"run_{number}": 1 for number in range(run + 1)}
    for version in versions:
        assert len(_rows(lake, engine, child.TABLE, version.version)) == version.rows
    report = evidence.check()
    assert (report.ok, report.records) == (True, len(versions))

    assert _orphans(tables, lake, child.TABLE) == set()
    engine.close()
    calm_engine.close()


def test_a_writer_killed_right_after_its_commit_leaves_no_orphan(tmp_path: Path, child: ModuleType) -> None:
    """A merge takes the staged file in, rewrites it, commits the rewritten ones, and is killed before it tidies up."""
    home, merged = tmp_path / "killed", 3
    killed = run([sys.executable, str(WRITER), str(home), "0", str(merged)])
    assert (killed.returncode, killed.stdout.split()[-1]) == (-signal.SIGKILL, str(merged - 1))
    tables, lake, engine, _ = child.open_lake(home)
    taken_in, *rewritten = sorted(_orphans(tables, lake, child.TABLE))
    assert rewritten, "the log has a commit that nobody has registered yet"
    tables.recover()
    assert tables.history(SYSTEM, child.TABLE)[0].run_id == f"run_{merged}", "it is registered now"
    assert _orphans(tables, lake, child.TABLE) == set()
    assert [path.exists() for path in (taken_in, *rewritten)] == [False, *(True for _ in rewritten)]
    engine.close()


def _orphans(tables: Any, lake: Any, table: str) -> set[Path]:
    """Return files in the table's folder that no version of it names."""
    folder = Path(lake.snapshot(table).files[0]).parent
    numbers = [v.version for v in tables.history(SYSTEM, table)]
    return set(folder.glob("*.parquet")) - {Path(f) for n in numbers for f in lake.snapshot(table, n).files}
