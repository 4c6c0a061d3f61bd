"""A disk that fills up while a table is being written: a clear refusal, nothing changed, and the next commit lands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nursery

CHILD = """
import json, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import committing as c
from beijiang.kit import BeijiangError, SYSTEM
home = Path(sys.argv[1])
tables, lake, engine, evidence = c.open_lake(home)
c.commit(tables, home, 0)
(home / "staging").mkdir(exist_ok=True)
said = {}
for name, run, limit in (("log", 2, 300), ("data", 199, 300), ("metadata", 2, 1200)):
    mode, rows = c.rows_of(run)
    staged = home / "staging" / f"{name}.parquet"
    c.pq.write_table(c.pa.Table.from_pylist(rows, schema=c.SCHEMA), staged)
    request = c.CommitRequest(table=c.TABLE, org_id="org", staged=(staged,), schema=c.SCHEMA, mode=mode,
                              run_id=f"run_{run}", key=("编号",))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        tables.commit(SYSTEM, request)
        said[name] = "landed"
    except BeijiangError as error:
        said[name] = error.reason
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    said[name + "_rows"] = lake.snapshot(c.TABLE).rows
folder = Path(lake.snapshot(c.TABLE).files[0]).parent
said["files"] = len(list(folder.glob("*.parquet")))
c.commit(tables, home, 2)
c.commit(tables, home, 4)
said["after"] = lake.snapshot(c.TABLE).rows
said["history"] = len(tables.history(SYSTEM, c.TABLE))
print(json.dumps(said))
"""


def test_a_full_disk_changes_nothing_and_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path / "home"), str(Path(__file__).parent)]
    done = nursery.run(command, timeout=500)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "log": "commit_failed",
        "log_rows": 200,
        "data": "write_failed",
        "data_rows": 200,
        "metadata": "metadata_behind",
        "metadata_rows": 200,
        "files": 2,
        "after": 600,
        "history": 3,
    }
