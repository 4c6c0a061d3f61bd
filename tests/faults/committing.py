"""A process that commits run after run to one table and says each one it has been told is done. It is there to be killed.

python committing.py HOME FIRST_RUN [LAST_RUN]

With a last run it kills itself at the instant after that run's commit stands in the log, before anything is tidied.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.access import Access
from beijiang.db import Database
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.evidence import Evidence
from beijiang.kit import SYSTEM, NotFound, SystemClock
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, Lake, Tables, WriteMode
from beijiang.tables.store.attempts import Attempt

TABLE = "许可"
SCHEMA = pa.schema([("编号", pa.string()), ("名称", pa.string()), ("批次", pa.int64())])


class ClosedGate:
    def open(self, *words: Any) -> Any:
        raise NotFound("没有", f"none for {len(words)}")


def rows_of(run: int) -> tuple[WriteMode, list[dict[str, Any]]]:
    """Return what a run brings: new rows, or changed ones and a few new, or now and then the whole table anew."""
    if run % 9 == 8:
        return WriteMode.REPLACE, [{"编号": f"{i:06d}", "名称": f"换{i}", "批次": run} for i in range(300)]
    if run % 2:
        start = 5 * run
        return WriteMode.MERGE, [{"编号": f"{i:06d}", "名称": f"改{i}", "批次": run} for i in range(start, start + 400)]
    start = 1000 + 200 * run
    return WriteMode.APPEND, [{"编号": f"{i:06d}", "名称": f"新{i}", "批次": run} for i in range(start, start + 200)]


def open_lake(home: Path) -> tuple[Tables, Lake, DuckDBEngine, Evidence]:
    settings = Settings(home=home)
    home.mkdir(parents=True, exist_ok=True)
    db, clock = Database(settings.metadata_url), SystemClock()
    db.create_all()
    evidence = Evidence(db, clock)
    engine = DuckDBEngine(settings)
    lake = Lake(home / "lake", db)
    tables = Tables(db, lake, engine, Access(db, evidence, clock, settings), evidence, clock, policy=ClosedGate())
    return tables, lake, engine, evidence


def commit(tables: Tables, home: Path, run: int) -> None:
    mode, rows = rows_of(run)
    staged = home / "staging" / f"{run}.parquet"
    staged.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), staged)
    request = CommitRequest(
        table=TABLE, org_id="org", staged=(staged,), schema=SCHEMA, mode=mode, run_id=f"run_{run}", key=("编号",)
    )
    tables.commit(SYSTEM, request)
    if run % 7 == 6:
        tables.compact(SYSTEM, TABLE)


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    home, run = Path(sys.argv[1]), int(sys.argv[2])
    last = int(sys.argv[3]) if len(sys.argv) > 3 else None
    tables, *_ = open_lake(home)
    tables.recover()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        if run == last:
            Attempt.keep = die  # type: ignore[method-assign]
        commit(tables, home, run)
        sys.stdout.write(f"{run}\n")
        sys.stdout.flush()
        run += 1


if __name__ == "__main__":
    main()
