"""The tutorial "Add a connector" works as it is written: its blocks are saved, installed and run, in an empty place."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "add-a-connector.md"
SAVED = re.compile(r"Save as `([^`]+)`:\n\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
RUN = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
BROKEN = """[project]
name = "broken-kinds"
version = "1"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project.entry-points."beijiang.connectors"]
broken = "broken_kinds:Kind"
sqlite = "broken_kinds:Stolen"
"""
READER = """
import os, shlex, subprocess, sys
from beijiang import cli

def shell(lines):
    if lines:
        subprocess.run(["bash", "-e", "-c", "\\n".join(lines)], check=True)
        lines.clear()

waiting = []
for line in sys.stdin.read().splitlines():
    if not line.startswith("beijiang "):
        waiting.append(line)
        continue
    shell(waiting)
    cli.platform.cache_clear()
    try:
        cli.main(shlex.split(os.path.expandvars(line))[1:])
    except SystemExit as end:
        if end.code:
            sys.exit(f"{line}: exit status {end.code}")
shell(waiting)
"""
"""Does what a reader does, with all commands of ``beijiang`` in one process: to start one for each would take most of the time."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tutorial")


def _shell(place: Path, script: str) -> str:
    """Run commands as the reader would; packages go to a folder of the test's own, and the network stays off."""
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PWD": str(place),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PIP_TARGET": str(place / "installed"),
        "PIP_NO_INDEX": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PYTHONPATH": str(place / "installed"),
        "BEIJIANG_HOME": str(place / "home"),
    }
    reader = [sys.executable, "-u", "-c", READER]
    done = subprocess.run(reader, cwd=place, env=environment, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_works_as_it_is_written(place: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, content in SAVED.findall(text):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(content, encoding="utf-8")
    install, *steps = RUN.findall(text)
    _shell(place, install)
    shown = _shell(place, "".join(steps))
    assert "ini" in shown
    assert "INI 文件" in shown
    proofs = json.loads(_shell(place, "beijiang --json ingest certificates 总干渠闸门"))
    mended, _, found, last, whole, first = proofs
    assert (first["verdict"], first["counted_by"], first["consistent"]) == ("equal", "reread", True)
    assert (whole["verdict"], whole["run"], whole["held"]["rows"]) == ("equal", None, 2)
    assert (last["verdict"], last["held"]["rows"], last["set_aside"]) == ("explained", 5, 1)
    assert (found["verdict"], found["differences"]) == (
        "different",
        [{"kind": "altered", "key": ["一号闸"], "columns": ["设计流量"]}],
    )
    assert (mended["verdict"], mended["differences_found"]) == ("explained", 0)
    assert "2026-02-30" in shown
    assert "二号闸" in shown.split("2026-02-30")[1], "remembered as gone"


def test_a_broken_package_takes_nothing_else_along_and_none_replaces_a_built_in_kind(place: Path) -> None:
    (place / "broken").mkdir()
    (place / "broken" / "pyproject.toml").write_text(BROKEN)
    (place / "broken" / "broken_kinds.py").write_text("class Stolen: pass\nKind = 1 / 0\n")
    _shell(place, "pip install --no-deps --no-build-isolation ./broken")
    kinds = {k["kind"]: k["text"]["zh"] for k in json.loads(_shell(place, "beijiang --json sources kinds"))}
    assert kinds["sqlite"] == "SQLite 数据库文件"
    assert "ini" in kinds
    assert "broken" not in kinds
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        _shell(place, "beijiang sources add 坏 --kind broken --org 水利厅")
