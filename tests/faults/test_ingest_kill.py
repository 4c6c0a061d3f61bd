"""SIGKILL at random instants of an ingest, then the same command again: the result is that of an undisturbed run."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beijiang.kit import SYSTEM, NotFound

VICTIM = Path(__file__).with_name("ingest_victim.py")
KILLS = 10
"""Per seed, so 50 in all."""
PER_HOME = 5


class Zygote:
    """The process that forks victims."""

    def __init__(self) -> None:
        command = [sys.executable, str(VICTIM)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def take(self, home: Path, files: list[Path], *, kill_after: float = 0) -> int:
        """Take files in; return the exit status, negative for the signal that ended it."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(str(word) for word in (kill_after, home, *files)) + "\n")
        self.process.stdin.flush()
        return int(self._line())

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=240)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    started = Zygote()
    yield started
    started.close()


@pytest.fixture(scope="module")
def desks() -> Any:
    spec = importlib.util.spec_from_file_location("ingest_victim", VICTIM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load_desk()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("handed-in")
    rows = [f"A{i:05d},名称{i},{i}.{i % 100:02d},2024年{i % 12 + 1}月{i % 28 + 1}日" for i in range(6000)]
    rows += [
        rows[7],
        "A00009,另一个,1.00,2024年1月1日",
        "A90001,坏,abc,2024年1月1日",
        ",无键,1.00,2024年1月1日",
        "A90002,多,1,1,1",
    ]
    random.Random(1).shuffle(rows)  # noqa: S311  # an order, not a secret
    paths = []
    for number, encoding in enumerate(("utf-8", "gb18030", "utf-8")):
        path = folder / f"{number}.csv"
        path.write_text("编号,名称,金额,日期\n" + "\n".join(rows[number::3]) + "\n", encoding)
        paths.append(path)
    return paths


def account(desk: Any) -> dict[str, Any]:
    """Everything that must not depend on being killed."""
    run = next(r for r in desk.ingest.runs(SYSTEM) if r.report)
    aside = desk.ingest.quarantine(SYSTEM, run_id=run.id, limit=1000)
    return {
        "table": desk.checksum(),
        "versions": len(desk.tables.history(SYSTEM, "表")),
        "runs": len(desk.ingest.runs(SYSTEM)),
        "counts": {k: v for k, v in run.report.items() if k not in {"files", "columns"}},
        "aside": sorted((r.file_name, r.line, r.reason, r.cells, r.raw, r.key) for r in aside.rows),
        "raw": desk.ingest.raw_cell(SYSTEM, "表", run.files[0][0], 2, "日期").raw,
        "staging": [p.name for p in (desk.settings.home / "staging").iterdir()],
        "evidence": desk.evidence.check().ok,
        "committed": desk.lake.snapshot("表").rows,
    }


@pytest.fixture(scope="module")
def calm(zygote: Zygote, desks: Any, files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[float, Any]:
    """How long an undisturbed run takes, and what becomes of it."""
    home = tmp_path_factory.mktemp("calm")
    began = time.monotonic()
    assert zygote.take(home, files) == 0
    took = time.monotonic() - began
    desk = desks.open_desk(home)
    expected = account(desk)
    desk.close()
    reasons = {"duplicate_key": 1, "missing_key": 1, "untypable": 1, "wrong_width": 1}
    assert (expected["counts"]["read"], expected["counts"]["bad_by_reason"]) == (6005, reasons)
    assert (expected["versions"], expected["runs"], expected["committed"], expected["staging"]) == (1, 1, 6000, [])
    return took, expected


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_run_ends_like_an_undisturbed_one(
    zygote: Zygote, desks: Any, files: list[Path], calm: tuple[float, Any], tmp_path: Path, seed: int
) -> None:
    took, expected = calm
    dice = random.Random(seed)  # noqa: S311  # instants, not a secret
    killed = homes = 0
    pace = 1.0  # the machine may have become faster or slower since the undisturbed run
    while killed < KILLS:
        home = tmp_path / f"killed-{homes}"
        for kill in range(PER_HOME):
            # The first kill of a home falls anywhere into the whole run, the later ones into what is left of it.
            share = (seed + dice.random()) / 5 if kill == 0 else dice.random() * 0.6
            if zygote.take(home, files, kill_after=share * took * pace) == 0:
                pace *= 0.8 if kill == 0 else 1.0
                break
            killed += 1
            whole_or_nothing(desks, home, expected)
        assert zygote.take(home, files) == 0
        desk = desks.open_desk(home)
        found = account(desk)
        desk.close()
        homes += 1
        assert found["versions"] == found["runs"], "no run commits twice"
        # A kill after the end lets the command be given anew: a second run that changes nothing.
        again = {"versions": 0, "runs": 0, "counts": 0} if found["runs"] > 1 else {}
        assert {**found, **again} == {**expected, **again}, f"home {homes}"
        assert homes < KILLS * 4, "runs end before they can be killed"


def whole_or_nothing(desks: Any, home: Path, expected: dict[str, Any]) -> None:
    """Between a kill and the resumption, readers see the whole table or none."""
    desk = desks.open_desk(home)
    try:
        assert desk.checksum() == expected["table"]
    except NotFound:
        pass
    finally:
        desk.close()
