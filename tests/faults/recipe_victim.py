"""A process that changes two sources, brings what is made of one up to it, and is killed on the way: ``recipe_victim.py HOME TABLE INSTANT NUMBER``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.build import Platform, build
from beijiang.kit import SYSTEM, new_id
from beijiang.recipes.store import RecipeStore
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, Tables, WriteMode

SCHEMA = pa.schema([("编号", pa.string()), ("名称", pa.string())])
INSTANTS: dict[str, tuple[Any, str, bool]] = {
    "before the commit": (Tables, "commit", True),
    "after the commit": (Tables, "commit", False),
    "before the note": (RecipeStore, "add_run", True),
}


def write(platform: Platform, table: str, rows: list[tuple[str, str]], gone: tuple[str, ...] = ()) -> None:
    """Merge into a table with a key, or append to one without."""
    folder = platform.settings.home / "staging"
    folder.mkdir(exist_ok=True)
    staged, removed = folder / f"{new_id('x')}.parquet", folder / f"{new_id('x')}.parquet"
    pq.write_table(pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA), staged)
    pq.write_table(pa.table({"编号": list(gone)}, schema=pa.schema([SCHEMA.field(0)])), removed)
    keyed = table == "名册"
    request = CommitRequest(
        table=table,
        org_id="education",
        staged=(staged,),
        schema=SCHEMA,
        mode=WriteMode.MERGE if keyed else WriteMode.APPEND,
        run_id=new_id("run"),
        key=("编号",) if keyed else (),
        removed=(removed,) if keyed and gone else (),
    )
    platform.tables.commit(SYSTEM, request)


def fatal(place: Any, name: str, *, before: bool) -> None:
    """Let a call kill the process, as SIGKILL from outside would."""
    real = getattr(place, name)

    def call(*args: Any, **words: Any) -> Any:
        made = None if before else real(*args, **words)
        os.kill(os.getpid(), signal.SIGKILL)
        return made

    setattr(place, name, call)


def main() -> None:
    home, table, instant, number = sys.argv[1:]
    platform = build(Settings.for_tests(Path(home)))
    platform.tables.recover()
    write(platform, "名册", [(f"{number}1", " 改 "), (f"新{number}", " 新 ")], gone=(f"{number}2",))
    write(platform, "流水", [(f"{number}", " 又一行 ")])
    place, name, before = INSTANTS[instant]
    fatal(place, name, before=before)
    platform.recipes.run_now(SYSTEM, f"{table}净")
    sys.exit(3)


if __name__ == "__main__":
    main()
