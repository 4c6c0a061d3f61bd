"""Ingest over HTTP and in the terminal: the same verbs, and nothing for those who may not."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import openpyxl
import pytest

from beijiang.access import Permission, Role
from beijiang.access.models import KeyDraft, OrganisationDraft, PersonDraft
from beijiang.kit import SYSTEM
from nursery import run as run_program
from waiting import until

if TYPE_CHECKING:
    from beijiang.build import Platform

ORG, OTHER = "org_market", "org_water"
TEXT = "编号,名称,金额\n" + "".join(f"A{i},甲{i},{i}.50\n" for i in range(60)) + "A90,坏,abc\n"
RIGHTS = frozenset(p.value for p in Permission if p.startswith(("ingest:", "jobs:", "tables:")))


@pytest.fixture
def keys(platform: Platform) -> dict[str, str]:
    """An API key of a steward for each of two departments."""
    found = {}
    for org in (ORG, OTHER):
        platform.access.add_organisation(SYSTEM, OrganisationDraft(id=org, name_zh=f"部门{org}"))
        draft = PersonDraft(login=f"s-{org[4:]}", name="专员", org_id=org, roles=frozenset({Role.STEWARD}))
        platform.access.add_person(SYSTEM, draft)
        actor = platform.access.actor_for_person(draft.login)
        found[org] = platform.access.issue_key(actor, KeyDraft(name="测试", scopes=RIGHTS, days=1))[1]
    return found


class Client:
    """Speak HTTP to the application, one request after another."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def request(self, method: str, path: str, **how: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8150") as client:
                return await client.request(method, path, **how)

        return asyncio.run(ask())

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.request("GET", path, **how)

    def post(self, path: str, **how: Any) -> httpx.Response:
        return self.request("POST", path, **how)


@pytest.fixture
def client(platform: Platform) -> Client:
    from beijiang.app import create_app

    platform.jobs.start_worker()
    return Client(create_app(platform))


def wait(client: Client, run_id: str, who: dict[str, str]) -> Any:
    """Return a run when it and its job, which ends a little later, have ended."""
    run = until(lambda: (r := client.get(f"/api/v1/ingest/runs/{run_id}", headers=who).json())["ended_at"] and r)
    until(lambda: client.get(f"/api/v1/jobs/{run['job_id']}", headers=who).json()["ended_at"])
    return run


def test_a_file_goes_in_over_http_and_its_bad_rows_come_back(client: Client, keys: dict[str, str]) -> None:
    who = {"Authorization": f"Bearer {keys[ORG]}"}
    place = {"name": "登记.csv", "org": ORG}
    landed = client.post("/api/v1/ingest/files", params=place, content=TEXT.encode("gb18030"), headers=who)
    assert landed.status_code == 201, landed.text
    file = landed.json()
    assert (file["name"], file["again"], file["bytes"]) == ("登记.csv", False, len(TEXT.encode("gb18030")))
    assert client.post("/api/v1/ingest/files", params=place, content=TEXT.encode("gb18030"), headers=who).json()[
        "again"
    ]
    order = {"org_id": ORG}
    preview = client.post(f"/api/v1/ingest/files/{file['sha256']}/preview", json=order, headers=who).json()
    assert preview["tables"][0]["columns"] == ["编号", "名称", "金额"]
    assert preview["tables"][0]["encoding"].lower().startswith("gb")
    order = {"files": [file["sha256"]], "into": "企业", "org_id": ORG, "key": ["编号"]}
    answer = client.post("/api/v1/ingest/runs", json=order, headers=who)
    assert answer.status_code == 202, answer.text
    run = wait(client, answer.json()["id"], who)
    assert (run["state"], run["version"]) == ("committed", 1)
    assert (run["report"]["read"], run["report"]["good"], run["report"]["bad"]) == (61, 60, 1)
    assert client.get(f"/api/v1/jobs/{run['job_id']}", headers=who).json()["state"] == "done"
    page = client.get("/api/v1/ingest/quarantine", params={"table": "企业"}, headers=who).json()
    assert [(r["line"], r["reason"], r["cells"]) for r in page["rows"]] == [(62, "untypable", ["A90", "坏", "abc"])]
    book = client.get(f"/api/v1/ingest/runs/{run['id']}/return-file", headers=who)
    sheet = openpyxl.load_workbook(io.BytesIO(book.content)).active
    assert next(sheet.iter_rows(min_row=2, values_only=True))[4:7] == ("A90", "坏", "abc")
    raw = {"table": "企业", "file": file["sha256"], "row": 2, "column": "金额"}
    assert client.get("/api/v1/ingest/raw", params=raw, headers=who).json()["raw"] == "0.50"


def test_another_department_and_strangers_get_nothing(client: Client, keys: dict[str, str]) -> None:
    mine, theirs = ({"Authorization": f"Bearer {keys[org]}"} for org in (ORG, OTHER))
    place = {"name": "登记.csv", "org": ORG}
    assert client.post("/api/v1/ingest/files", params=place, content=b"a,b\n1,2\n", headers=theirs).status_code == 403
    assert client.post("/api/v1/ingest/files", params=place, content=b"a,b\n1,2\n").status_code == 401
    file = client.post("/api/v1/ingest/files", params=place, content=TEXT.encode(), headers=mine).json()
    order = {"files": [file["sha256"]], "into": "企业", "org_id": OTHER}
    assert client.post("/api/v1/ingest/runs", json=order, headers=theirs).status_code == 404
    order = {"files": [file["sha256"]], "into": "企业", "org_id": ORG, "key": ["编号"]}
    run = wait(client, client.post("/api/v1/ingest/runs", json=order, headers=mine).json()["id"], mine)
    for path in (
        f"/api/v1/ingest/runs/{run['id']}",
        f"/api/v1/ingest/runs/{run['id']}/return-file",
        f"/api/v1/ingest/quarantine?run={run['id']}",
        f"/api/v1/ingest/raw?table=企业&file={file['sha256']}&row=2&column=金额",
        f"/api/v1/ingest/runs?org={ORG}",
        f"/api/v1/jobs/{run['job_id']}",
    ):
        assert client.get(path, headers=theirs).status_code in {403, 404}, path
        assert client.get(path).status_code == 401, path
    assert client.get("/api/v1/ingest/runs", headers=theirs).json() == {"runs": []}
    assert client.get("/api/v1/ingest/quarantine?table=企业", headers=theirs).json()["total"] == 0


def test_the_terminal_takes_files_in_and_says_what_happened(tmp_path: Path) -> None:
    import sys

    def beijiang(*words: str) -> tuple[int, Any]:
        command = [sys.executable, "-m", "beijiang.cli", "--home", str(tmp_path / "home"), "--json", *words]
        done = run_program(command)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout) if done.stdout else None

    path = tmp_path / "登记.csv"
    path.write_text(TEXT, "utf-8")
    assert beijiang("init")[0] == 0
    assert beijiang("orgs", "add", "市场监管局", "--id", ORG)[0] == 0
    code, run = beijiang("ingest", "files", str(path), "--into", "企业", "--key", "编号", "--org", "市场监管局")
    assert (code, run["state"], run["report"]["bad"]) == (0, "committed", 1)
    code, page = beijiang("ingest", "quarantine", "企业")
    assert (code, page["by_reason"]) == (0, {"untypable": 1})
    out = tmp_path / "退回.xlsx"
    assert beijiang("ingest", "quarantine", "企业", "--out", str(out))[0] == 0
    assert out.stat().st_size > 0
    assert [r["id"] for r in beijiang("ingest", "runs")[1]] == [run["id"]]
    assert beijiang("ingest", "run", run["id"])[1]["version"] == 1
    bad = tmp_path / "坏.csv"
    bad.write_text("编号,名称,金额\nB1,x,y\n", "utf-8")
    code, error = beijiang("ingest", "files", str(bad), "--into", "企业")
    assert (code, error["error"]["code"]) == (1, "bad_rows_over_limit")
    code, error = beijiang("ingest", "files", str(tmp_path / "没有.csv"), "--into", "企业")
    assert (code, error["error"]["code"]) == (1, "file_unreadable")
    assert beijiang("ingest", "files")[0] == 2
