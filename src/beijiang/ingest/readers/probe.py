"""Load a workbook in a child process first, where its bytes on disk do not bound what it takes in memory.

A text that stands once in a workbook may be the value of a million cells, and a parser writes it out for each: 600 KB
of xlsx became 20 GB. The child has a limit of the system on its memory; if it does not come to its end, neither would we.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

__all__ = ["fits"]

_SECONDS = 900


def fits(path: Path, sheet: str | None, limit: int) -> bool:
    """Tell whether ``sheet``, or all, loads into ``limit`` bytes of memory; damage is for the caller to find."""
    command = [sys.executable, "-I", "-X", "utf8", str(Path(__file__)), str(path), str(limit)]
    try:
        child = subprocess.run(  # noqa: S603 - our own script, no shell, nothing of a user in the arguments
            command,
            input=json.dumps(sheet).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return child.returncode == 0


def _main(path: str, limit: int, wanted: str | None) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        names = [name for name in book.sheet_names if wanted in {None, name}]
        held = [book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_arrow() for name in names]
        del held
    except fastexcel.FastExcelError:
        return  # no matter of size: the caller meets the same error and says so


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), json.load(sys.stdin))
