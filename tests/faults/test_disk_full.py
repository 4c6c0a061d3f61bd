"""A disk that takes no more: landing and committing fail with a clear word, leave nothing behind, and work again later.

The limit is the operating system's own (RLIMIT_FSIZE): a write beyond it fails as one on a full disk does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import nursery

VICTIM = Path(__file__).with_name("disk_victim.py")
LIMIT = 4_000_000
"""More than the metadata and its log take, less than the file that is taken in."""


def attempt(home: Path, file: Path, *, landing: int = 0, staging: int = 0) -> dict[str, Any]:
    command = [sys.executable, str(VICTIM), str(home), str(file), str(landing), str(staging)]
    done = nursery.run(command, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Twelve megabytes that hardly compress, so that the staged file passes the limit too."""
    import random

    dice = random.Random(5)  # noqa: S311  # filling, not a secret
    path = tmp_path / "大.csv"
    with path.open("w", encoding="utf-8") as out:
        out.write("编号,内容\n")
        out.writelines(f"N{i},{dice.getrandbits(400):x}\n" for i in range(110_000))
    assert path.stat().st_size > 2 * LIMIT
    return path


def test_full_while_landing(tmp_path: Path, file: Path) -> None:
    home = tmp_path / "platform"
    found = attempt(home, file, landing=LIMIT)
    assert found["error"] == "disk_full"
    assert found["landing"] == []
    assert found["tables"] == []
    again = attempt(home, file)
    assert (again["error"], again["rows"]) == (None, 110_000)


def test_full_while_staging_and_committing(tmp_path: Path, file: Path) -> None:
    home = tmp_path / "platform"
    found = attempt(home, file, staging=LIMIT)
    assert found["error"] == "disk_full"
    assert found["tables"] == []
    assert found["staging"] == []
    assert len(found["landing"]) == 1, "what had landed stays"
    again = attempt(home, file)
    assert (again["error"], again["rows"]) == (None, 110_000)
    assert again["staging"] == []
    assert again["evidence"] is True
