"""SIGKILL while fifty files are taken: each file's rows are there once."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from subprocess import PIPE

from beijiang.build import build
from beijiang.ingest import FileRules, SourceDraft, SyncDraft
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings
from nursery import Child, run

VICTIM = Path(__file__).with_name("victim.py")
KILLS = 6


def test_a_killed_run_takes_each_file_once(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    platform.sources.allow(SYSTEM, Target(folder=str(folder)), "测试")
    options = {"path": str(folder)}
    platform.sources.add(SYSTEM, SourceDraft(name="来源", kind="folder", org_id="education", options=options))
    draft = SyncDraft(source_id="来源", feed=".", table="名册", files=FileRules(quiet=0))
    platform.sources.take(SYSTEM, draft)
    platform.close()
    dice = random.Random(20261125)  # noqa: S311 - instants, no secret
    for number in range(KILLS):
        for file in range(number * 8, number * 8 + 8):
            rows = "".join(f"{file}-{row},{row}\n" for row in range(200))
            (folder / f"{file:03}.csv").write_text("编号,数\n" + rows)
        victim = Child([sys.executable, str(VICTIM), str(tmp_path)], stdout=PIPE, text=True)
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0.0, 2.0))
        victim.kill()
        victim.wait()
        victim.stdout.close()
    for _ in range(2):  # the first goes on with an open run, which may have listed the folder before
        run([sys.executable, str(VICTIM), str(tmp_path)], check=True)
    platform = build(Settings.for_tests(tmp_path))
    query = 'SELECT COUNT(*) AS n, COUNT(DISTINCT "编号") AS d FROM "名册"'
    assert platform.sql.run(SYSTEM, query).rows.to_pylist() == [{"n": KILLS * 8 * 200, "d": KILLS * 8 * 200}]
    assert {f.state.value for f in platform.sources.plan(SYSTEM, "名册").files} == {"known"}
    assert platform.evidence.check().ok
    platform.close()
