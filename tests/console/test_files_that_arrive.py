"""Files that arrive in the console and over the API: a steward names a folder, sees where each file stands, and takes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beijiang.kit import SYSTEM

ORIGIN = "https://testserver"


def _put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_from_a_folder_to_a_proof(office: Any, desk: Callable[..., Any], tmp_path: Path) -> None:
    security, steward = desk("sec_admin"), desk("steward")
    folder = tmp_path / "交换"
    (folder / "名册").mkdir(parents=True)
    security.post("/console/targets", {"folder": str(folder), "uses": "read", "reason": "交换目录"})
    assert "文件夹（持续到达的文件）" in steward.get("/console/sources?kind=folder").text
    form = {"kind": "folder", "name": "教育局文件", "option:path": str(folder)}
    place = steward.post("/console/sources", form).headers["location"]
    _put(folder / "名册", "一.csv", "编号,名称\n1,甲\n2,乙\n")
    _put(folder / "名册", "二.csv.tmp", "编号,名称\n3")
    assert "名册" in steward.get(place).text
    assert "文件名样式" in steward.get(f"{place}?feed=名册").text
    wrong = {"feed": "名册", "table": "到达名册", "patterns": "../*"}
    assert "feed" in steward.post(f"{place}/take-files", wrong).headers["location"]
    words = {"feed": "名册", "table": "到达名册", "patterns": "*.csv，*.tmp", "key": "编号"}
    sync = steward.post(f"{place}/take-files", words).headers["location"]
    page = steward.get(sync).text
    for word in ("一.csv", "新文件", "二.csv.tmp", "尚未写完"):
        assert word in page
    run = steward.post(f"{sync}/run").headers["location"]
    office.jobs.wait(office.ingest.run(SYSTEM, run.rsplit("/", 1)[1]).job_id)
    page = steward.get(run).text
    assert "核对证明" in page
    assert "按文件清单与 SHA-256 核对" in page
    page = steward.get(sync).text
    assert "已取" in page
    steward.post(f"{sync}/verify")
    steward.post(f"{sync}/leave")
    api = steward.client
    order = {"feed": "名册", "table": "到达名册二", "files": {"patterns": ["*.csv"], "mode": "replace", "newest": True}}
    headers = {"Origin": ORIGIN, "X-CSRF-Token": steward.token()}
    made = api.post(f"/api/v1/sources/{place.rsplit('/', 1)[1]}/syncs", json=order, headers=headers)
    assert made.status_code == 201, made.text
    assert made.json()["files"]["newest"] is True
    planned = api.get("/api/v1/syncs/到达名册二/plan").json()
    assert [(f["name"], f["state"]) for f in planned["files"]] == [("一.csv", "new")]
    odd = api.post(
        f"/api/v1/sources/{place.rsplit('/', 1)[1]}/syncs", json=order | {"files": {"mode": "merge"}}, headers=headers
    )
    assert odd.json()["error"]["code"] == "bad_file_rules"
    removal = order | {"table": "到达名册三", "key": ["编号"], "files": {"mode": "remove"}}
    odd = api.post(f"/api/v1/sources/{place.rsplit('/', 1)[1]}/syncs", json=removal, headers=headers)
    assert odd.json()["error"]["code"] == "bad_file_rules"
    steward.post(f"{place}/remove")
    assert office.tables.get(SYSTEM, "到达名册").rows == 2
