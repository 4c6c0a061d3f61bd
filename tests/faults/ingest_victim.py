"""A process that takes files in and can be killed: forks a fresh, fully loaded child for each line on its input.

A line is ``SECONDS HOME FILE...``; after so many seconds the child is killed (0: never). The answer is its exit status.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

DESK = Path(__file__).parents[1] / "ingest" / "conftest.py"


def load_desk() -> Any:
    spec = importlib.util.spec_from_file_location("ingest_desk", DESK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ingest_desk"] = module
    spec.loader.exec_module(module)
    return module


def warm_up() -> None:
    """Import everything that a run needs; none of it starts a thread, so that forking is safe."""
    import dbos  # noqa: F401
    import deltalake  # noqa: F401
    import duckdb  # noqa: F401

    import beijiang.ingest.service.looking
    import beijiang.ingest.service.work  # noqa: F401
    from beijiang.ingest.readers import delimited  # noqa: F401
    from beijiang.ingest.typing import application, inference  # noqa: F401


def main() -> None:
    module = load_desk()
    warm_up()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        seconds, home, *files = line.split()
        child = os.fork()
        if child == 0:
            os._exit(attempt(module, Path(home), [Path(f) for f in files]))
        if float(seconds):
            time.sleep(float(seconds))
            os.kill(child, signal.SIGKILL)  # not reaped yet, so the number is still its own
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def attempt(module: Any, home: Path, files: list[Path]) -> int:
    try:
        desk = module.open_desk(home)
        desk.ingest.recover()
        desk.tables.recover()
        run = desk.take(files, key=("编号",))
        desk.close()
    except BaseException:  # noqa: BLE001  # a child of a fork must not return into its parent's code
        traceback.print_exc()
        return 1
    return 0 if run.error is None else 3


if __name__ == "__main__":
    main()
