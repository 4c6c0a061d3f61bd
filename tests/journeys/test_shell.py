"""The operator at a terminal: a home is made, files go in, versions go back, the log is checked, the server is stopped and killed."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEADER = "编号,名称,盟市,人数"


def lines(first: int, last: int, people: int = 100) -> list[str]:
    return [HEADER, *(f"{number:05d},单位{number},赤峰市,{people + number}" for number in range(first, last + 1))]


def figures(run: Any) -> tuple[int, int, int]:
    """Return rows read, taken in and set aside."""
    return run["report"]["read"], run["report"]["good"], run["report"]["bad"]


@pytest.fixture
def ready(shell: Any) -> Any:
    """A fresh home."""
    people = shell.json("init")
    assert [person["login"] for person in people] == ["sysadmin", "secadmin", "auditor"]
    assert all(person["one_time_code"] for person in people)
    return shell


def test_a_day_at_the_terminal(ready: Any, hand_in: Callable[..., Path]) -> None:
    shell = ready
    assert shell.json("init") == []
    assert all(finding["ok"] for finding in shell.json("doctor"))
    first = hand_in(lines(1, 30))
    run = shell.json("ingest", "files", str(first), "--into", "单位名录", "--key", "编号", "--org", "教育厅")
    assert figures(run) == (30, 30, 0)
    second = hand_in([*lines(21, 40, people=500), "00099,缺一格"], "utf-8")
    run = shell.json("ingest", "files", str(second), "--into", "单位名录", "--key", "编号", "--org", "教育厅")
    assert figures(run) == (21, 20, 1)
    _looks_back(shell)
    _publishes(shell)
    report = shell.json("evidence", "check")
    assert report["ok"] is True
    assert report["records"] > 20


def _looks_back(shell: Any) -> None:
    """Versions, what was set aside, and the way back."""
    assert [table["name"] for table in shell.json("tables", "list")] == ["单位名录"]
    shown = shell.json("tables", "show", "单位名录")
    assert shown["rows"] == 40
    assert shown["key"] == ["编号"]
    assert {column["name"]: column["type"] for column in shown["columns"]}["编号"] == "text"
    history = shell.json("tables", "history", "单位名录")
    assert [(v["rows"], v["rows_added"], v["rows_changed"]) for v in history] == [(40, 10, 10), (30, 30, 0)]
    bad = shell.json("ingest", "quarantine", "单位名录")
    bad = bad["rows"] if isinstance(bad, dict) else bad
    assert len(bad) == 1
    assert "缺一格" in json.dumps(bad, ensure_ascii=False)
    back = shell.json("tables", "rollback", "单位名录", "--to", "1", "--reason", "第二批有误")
    assert (back["version"], back["rows"]) == (3, 30)
    counted = shell.run("sql", "SELECT count(*) AS n, max(人数) AS m FROM 单位名录", "--format", "json").stdout
    answer = json.loads(counted)
    rows = answer["rows"] if isinstance(answer, dict) else answer
    assert rows in ([{"n": 30, "m": 130}], [[30, 130]])


def _publishes(shell: Any) -> None:
    """The entry that the first commit proposed is completed and released; a search finds it; then it is withdrawn."""
    entry = shell.json("catalog", "show", "单位名录")
    assert entry["state"] == "draft"
    shell.run(
        "catalog", "edit", "单位名录", "--name", "教育单位名录", "--summary", "教育系统单位的名称与人数。", "--category", "201003",
        "--share-type", "unconditional", "--share-method", "service", "--open-type", "unconditional_open",
        "--licence", "CC-BY-4.0", "--update-cycle", "8",
    )  # fmt: skip
    alone = shell.run("catalog", "release", "单位名录", status=1)  # nobody reviews what they submitted themselves
    assert "审核" in alone.stderr
    for login, role, org in (
        ("ms.reviewer", "bureau_reviewer", "bigdata"),
        ("mr.publisher", "bureau_publisher", "bigdata"),
    ):
        shell.json("people", "add", login, "某人", "--org", org, "--role", role)
    released = shell.json("catalog", "release", "单位名录", "--as", "ms.reviewer", "--as", "mr.publisher")
    assert released["entry"] is not None
    assert released["state"] == "published"
    hits = shell.json("catalog", "search", "jydw")
    hits = hits["hits"] if isinstance(hits, dict) else hits
    assert ["".join(piece for piece, _ in hit["name"]) for hit in hits] == ["教育单位名录"]
    withdrawn = shell.json("catalog", "withdraw", "单位名录", "--reason", "改版")
    assert withdrawn["state"] != "published"


def test_exit_status_and_message_tell_what_went_wrong(ready: Any, tmp_path: Path) -> None:
    shell = ready
    failed = shell.run("tables", "show", "没有的表", status=1)
    assert "没有的表" in failed.stderr
    body = shell.json("tables", "show", "没有的表", status=1)
    assert set(body["error"]) == {"code", "message", "detail", "request_id"}
    missing = shell.run("ingest", "files", str(tmp_path / "no.csv"), "--into", "x", "--lang", "en", status=1)
    assert "no.csv" in missing.stderr
    assert shell.run("tables", "nonsense", status=2).stderr
    assert shell.run("ingest", "files", status=2).stderr
    assert shell.run("sql", "DROP TABLE 单位名录", status=1).stderr
    assert shell.run("doctor", "--lang", "fr", status=2).stderr


def test_the_home_may_stand_anywhere_in_the_line(shell: Any) -> None:
    import subprocess
    import sys

    own = shell.words("doctor", "--json")
    moved = [*own[:3], f"--home={shell.home}", "--json", "doctor"]
    for words in (own, moved):
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=_environment())
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)
    assert words[0] == sys.executable


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}


def test_a_second_server_is_told_who_holds_the_home(ready: Any) -> None:
    server = ready.serve()
    try:
        told = ready.run("serve", "--port", "0", status=1)
        assert str(server.process.pid) in told.stderr
        with urllib.request.urlopen(f"{server.address}/health", timeout=90) as answer:  # noqa: S310  # our own server
            assert json.loads(answer.read()) == {"status": "ok"}
    finally:
        assert server.stop(signal.SIGINT) == 0
    again = ready.serve()
    assert again.stop(signal.SIGTERM) == 0


def test_a_killed_server_loses_nothing(ready: Any, hand_in: Callable[..., Path]) -> None:
    path = hand_in(lines(1, 300))
    ready.run("ingest", "files", str(path), "--into", "单位名录", "--key", "编号", "--org", "教育厅")
    before = ready.json("tables", "show", "单位名录")
    server = ready.serve()
    assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    server = ready.serve()
    assert server.stop() == 0
    assert ready.json("tables", "show", "单位名录") == before
    assert ready.json("evidence", "check")["ok"] is True
