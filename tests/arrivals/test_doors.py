"""The same verbs at the terminal."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import nursery
from beijiang.build import build
from beijiang.ingest import SourceDraft
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings


def test_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in (("甲.csv", "编号,名称\n1,一\n2,二\n"), ("乙.csv.part", "编号")):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_700_000_000,) * 2)
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    platform.sources.allow(SYSTEM, Target(folder=str(folder)), "测试")
    options = {"path": str(folder)}
    platform.sources.add(SYSTEM, SourceDraft(name="文件", kind="folder", org_id="education", options=options))
    platform.close()

    def run(*words: str) -> Any:
        command = [sys.executable, "-m", "beijiang.cli", "--home", str(tmp_path / "home"), "--json", *words]
        done = nursery.run(command)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    taken = run("sources", "take-files", "文件", "--into", "名册", "--key", "编号", "--pattern", "*")
    assert (taken["mode"], taken["files"]["mode"], taken["feed"]) == ("files", "merge", ".")
    plan = run("ingest", "plan", "名册")
    assert {f["name"]: f["state"] for f in plan["files"]} == {"甲.csv": "new", "乙.csv.part": "waiting"}
    done = run("ingest", "sync", "名册")
    assert (done["state"], done["certificate"]["source"]["files"]) == ("committed", 1)
    assert run("ingest", "verify", "名册")["verdict"] == "explained"
