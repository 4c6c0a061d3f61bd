"""A run that brings a derived table up to what changed is killed around its commit; no row is lost, doubled or left as it was."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))
from recipe_victim import write

import nursery
from beijiang.build import Platform, build
from beijiang.kit import SYSTEM
from beijiang.recipes import Making, RecipeDraft, Step, StepKind
from beijiang.settings import Settings

VICTIM = Path(__file__).with_name("recipe_victim.py")
KILLS = (
    ("名册", "before the commit"),
    ("名册", "after the commit"),
    ("流水", "before the note"),
    ("流水", "after the commit"),
)


def rows(platform: Platform, table: str) -> list[tuple[str, str]]:
    files = platform.gate._lake.snapshot(table).files
    return sorted((row["编号"], row["名称"]) for file in files for row in pq.read_table(file).to_pylist())


def test_killed_around_the_commit_the_table_ends_equal(tmp_path: Path) -> None:
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    step = Step(kind=StepKind.TRIM, columns=("名称",))
    for table in ("名册", "流水"):
        write(platform, table, [(f"{n}", f" 第{n} ") for n in range(50)])
        draft = RecipeDraft(target=f"{table}净", source=table, steps=(step,), on_write=False)
        platform.recipes.run_now(SYSTEM, platform.recipes.save(SYSTEM, draft).id)
    platform.close()
    for number, (table, instant) in enumerate(KILLS, 1):
        done = nursery.run([sys.executable, str(VICTIM), str(tmp_path), table, instant, str(number)])
        assert done.returncode == -signal.SIGKILL, instant
    platform = build(Settings.for_tests(tmp_path))
    platform.tables.recover()
    for table in ("名册", "流水"):
        run = platform.recipes.run_now(SYSTEM, f"{table}净")  # the killed run where there is one, and then what is left
        assert run.version is not None
        last = platform.recipes.run_now(SYSTEM, f"{table}净")
        assert last.sources == {table: platform.tables.get(SYSTEM, table).version}
        assert rows(platform, f"{table}净") == sorted((key, name.strip()) for key, name in rows(platform, table))
        made = [one.making for one in platform.recipes.runs(SYSTEM, f"{table}净")]
        assert Making.ROWS in made, made
    platform.close()
