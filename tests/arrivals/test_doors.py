"""The same verbs at the terminal."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from beijiang.build import build
from beijiang.cli import main
from beijiang.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in (("甲.csv", "编号,名称\n1,一\n2,二\n"), ("乙.csv.part", "编号")):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_700_000_000,) * 2)
    return folder


def test_the_terminal(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"

    def run(*words: str, as_json: bool = True) -> Any:
        with pytest.raises(SystemExit) as ended:
            main(["--home", str(home), *(["--json"] if as_json else []), *words])
        told = capsys.readouterr()
        assert ended.value.code in {0, None}, told.err
        return json.loads(told.out) if as_json and told.out.strip() else told.out

    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    platform.close()
    run("sources", "allow", "--folder", str(folder), "--reason", "测试")
    run("sources", "add", "文件", "--kind", "folder", "--org", "education", "--option", f"path={folder}")
    taken = run("sources", "take-files", "文件", "--into", "名册", "--key", "编号", "--pattern", "*")
    assert (taken["mode"], taken["files"]["mode"], taken["feed"]) == ("files", "merge", ".")
    plan = run("ingest", "plan", "名册")
    assert {f["name"]: f["state"] for f in plan["files"]} == {"甲.csv": "new", "乙.csv.part": "waiting"}
    assert "尚未写完" in run("ingest", "plan", "名册", as_json=False)
    done = run("ingest", "sync", "名册")
    assert (done["state"], done["certificate"]["source"]["files"]) == ("committed", 1)
    assert run("ingest", "verify", "名册")["verdict"] == "explained"
