"""A small region with something to hide, and everybody who may try to get at it over HTTP.

Two departments, ``market`` (which owns everything) and ``health`` (which owns nothing of it), and the bureau. Every
secret value is a marker that no honest answer to an outsider can hold.
"""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest
import uvicorn
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

from beijiang.access import OrganisationDraft, PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import Platform, build
from beijiang.kit import SYSTEM
from beijiang.settings import Settings
from beijiang.standards import check_uscc
from inside import Inside
from waiting import until

PASSWORD: Final = "Hulun-Buir-2026"
SCRIPT: Final = "<img src=x onerror=hacked()>"
FORMULA: Final = "=HYPERLINK(1)"
ROWS: Final = 60
MOBILES: Final = tuple(f"139{47_000_000 + i * 7:08d}" for i in range(ROWS))
PERSONS: Final = tuple("赵钱孙李周吴郑王冯陈"[i % 10] + "隐" + "甲乙丙丁戊己"[i // 10] for i in range(ROWS))
HEAD: Final = ("统一社会信用代码", "企业名称", "法定代表人", "联系手机", "盟市", SCRIPT)
OPEN_TABLE, HIDDEN_TABLE, BAD_TABLE = "企业登记", "雪豹台账", "雪豹退件"
HIDDEN_CELL, HIDDEN_COLUMN, HIDDEN_FILE, BAD_CELL = "雪豹秘密单元", "雪豹列", "雪豹文件.csv", "雪豹坏行"
"""雪豹 stands in every name, cell and file of the tables that are not published."""

PEOPLE: Final = {
    "steward": (Role.STEWARD, "market"),
    "endorser": (Role.ORG_REVIEWER, "market"),
    "neighbour": (Role.STEWARD, "health"),
    "neighbour_reviewer": (Role.ORG_REVIEWER, "health"),
    "analyst": (Role.ANALYST, "health"),
    "reviewer": (Role.BUREAU_REVIEWER, "bureau"),
    "publisher": (Role.BUREAU_PUBLISHER, "bureau"),
    "member": (Role.MEMBER, None),
    "sysadmin": (Role.SYS_ADMIN, None),
    "secadmin": (Role.SEC_ADMIN, None),
    "auditor": (Role.AUDIT_ADMIN, None),
}


def uscc(number: int) -> str:
    stem = f"91150100MA0{number:06d}"
    return next(stem + c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if check_uscc(stem + c).passes)


def as_csv(head: tuple[str, ...], rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([list(head), *rows])
    return text.getvalue().encode()


def firms() -> list[list[str]]:
    extra = (SCRIPT, FORMULA, "+SUM(A1)", "普通备注")
    return [
        [uscc(i), f"第{i:03d}商贸有限公司", PERSONS[i], MOBILES[i], ("呼和浩特市", "包头市")[i % 2], extra[i % 4]]
        for i in range(ROWS)
    ]


class Caller:
    """Somebody with a session (or none): sends the cookie and the token as a browser of this site does."""

    def __init__(self, address: str, name: str, inside: Inside) -> None:
        self.name = name
        self.inside = inside
        self.client = httpx.Client(base_url=address, timeout=300)
        self.cookie = ""

    def begin(self, answer: httpx.Response) -> None:
        assert answer.status_code in {200, 201}, answer.text
        token = answer.headers["set-cookie"].split(";")[0]
        self.cookie = token
        self.client.headers.update({"cookie": token, "x-csrf-token": answer.json()["csrf"]})
        self.client.cookies.clear()

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.client.request(method, path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)

    def look(self, path: str, params: dict[str, Any] | None = None) -> httpx.Response:
        """Get a page or an answer without a connection, for tests that ask at every address there is."""
        sent = {"cookie": self.cookie, "x-csrf-token": self.client.headers["x-csrf-token"]} if self.cookie else {}
        return self.inside.get(path, sent, params)

    def ok(self, method: str, path: str, **options: Any) -> Any:
        answer = self.ask(method, path, **options)
        assert answer.is_success, f"{self.name} {method} {path}: {answer.status_code} {answer.text[:400]}"
        return answer.json()


@dataclass
class Region:
    """The running platform, its callers and the ids of what is in it."""

    platform: Platform
    app: FastAPI
    address: str
    inside: Inside
    callers: dict[str, Caller] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Caller:
        return self.callers[name]

    def add_person(self, login: str, role: Role, org: str | None) -> Caller:
        draft = PersonDraft(login=login, name=f"名{login}", org_id=org, roles=frozenset({role}))
        code = self.platform.access.add_person(SYSTEM, draft)[1]
        caller = Caller(self.address, login, self.inside)
        caller.begin(caller.ask("POST", "/api/v1/session", json={"name": login, "password": code}))
        caller.begin(caller.ask("PUT", "/api/v1/session/password", json={"current": code, "new": PASSWORD}))
        self.callers[login] = caller
        return caller

    def land(self, who: str, org: str, name: str, content: bytes) -> str:
        kind = {"content-type": "application/octet-stream"}
        path = "/api/v1/ingest/files"
        found = self[who].ok("POST", path, params={"name": name, "org": org}, content=content, headers=kind)
        return str(found["sha256"])

    def run(self, who: str, org: str, files: list[str], into: str, **how: Any) -> dict[str, Any]:
        """Submit a run and wait for its end."""
        run = self[who].ok("POST", "/api/v1/ingest/runs", json={"org_id": org, "files": files, "into": into, **how})
        at = f"/api/v1/ingest/runs/{run['id']}"
        until(lambda: self[who].ok("GET", at)["ended_at"] is not None)
        self.platform.jobs.wait(run["job_id"], timeout=90)
        return dict(self[who].ok("GET", at))

    def judged(self, table: str, rule: str) -> str:
        """Wait for a run in which a rule was counted; return its id."""

        def found() -> str:
            runs = self["steward"].ok("GET", f"/api/v1/tables/{table}/quality/runs")["runs"]
            return next((str(run["id"]) for run in runs if rule in {fact["rule"] for fact in run["facts"]}), "")

        return until(found)

    def take_in(self, table: str, name: str, content: bytes, **how: Any) -> dict[str, Any]:
        run = self.run("steward", "market", [self.land("steward", "market", name, content)], table, **how)
        assert run["state"] == "committed", run
        self.platform.db.deliver_waiting()
        return run

    def entry_of(self, table: str) -> str:
        found = self["steward"].ok("GET", "/api/v1/catalog/resources")["resources"]
        return str(next(one["id"] for one in found if one["table"] == table))

    def publish(self, table: str, **edit: Any) -> str:
        """Take an entry through the hands of three people."""
        entry = self.entry_of(table)
        path = f"/api/v1/catalog/resources/{entry}"
        decided = {
            "share_type": "not_shared",
            "no_share_basis": "《政府信息公开条例》第十六条",
            "open_type": "unconditional_open",
            "licence": "CC-BY-4.0",
            "update_cycle": "2",
            "categories": ["102001"],
            "contact": "数据管理科",
        }
        self["steward"].ok("PATCH", path, json={**decided, **edit})
        self["steward"].ok("POST", path + "/submit")
        for who, step in (("reviewer", "approve"), ("publisher", "publish")):
            seen = self[who].ok("GET", path)["seen"]
            self[who].ok("POST", f"{path}/{step}?seen={seen}")
        return entry


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """The region that attackers look at; tests that change it say so in their names and undo it."""
    platform = build(Settings.for_tests(tmp_path_factory.mktemp("attacks")))
    for org, name in (("market", "市场监督管理局"), ("health", "卫生健康委员会"), ("bureau", "大数据发展管理局")):
        platform.access.add_organisation(
            SYSTEM, OrganisationDraft(id=org, name_zh=name, name_en=org.title(), region_code="150000")
        )
    app = create_app(platform)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    while not server.started:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    platform.jobs.start_worker()
    with start_blocking_portal() as portal:
        made = Region(platform, app, address, Inside(app, portal, address))
        try:
            _fill(made)
            yield made
        finally:
            _end(made, server, serving)


def _end(region: Region, server: uvicorn.Server, serving: threading.Thread) -> None:
    for caller in region.callers.values():
        caller.client.close()
    server.should_exit = True
    serving.join(90)
    region.platform.close()


def _fill(region: Region) -> None:
    region.callers["visitor"] = Caller(region.address, "visitor", region.inside)
    for login, (role, org) in PEOPLE.items():
        region.add_person(login, role, org)
    region.take_in(OPEN_TABLE, "企业.csv", as_csv(HEAD, firms()), key=[HEAD[0]])
    hidden = [[f"{HIDDEN_CELL}{i}", str(i)] for i in range(30)]
    region.ids["hidden_run"] = region.take_in(HIDDEN_TABLE, HIDDEN_FILE, as_csv((HIDDEN_COLUMN, "雪豹数"), hidden))[
        "id"
    ]
    bad = [[f"{BAD_CELL}{i}", "1" if i % 10 else "不是数"] for i in range(60)]
    bad += [[f"{BAD_CELL}多", "1", "一列", "太多"]]
    run = region.take_in(BAD_TABLE, "雪豹坏.csv", as_csv(("雪豹名", "雪豹量"), bad), checks=["雪豹量=regex:[0-9]+"])
    region.ids["bad_run"] = run["id"]
    order = {"kind": "not_null", "columns": [HIDDEN_COLUMN]}
    region.ids["rule"] = region["steward"].ok("POST", f"/api/v1/tables/{HIDDEN_TABLE}/quality/rules", json=order)["id"]
    region["steward"].ok("POST", f"/api/v1/tables/{HIDDEN_TABLE}/quality/check")
    region.ids["quality_run"] = region.judged(HIDDEN_TABLE, region.ids["rule"])
    region.ids["open"] = region.publish(
        OPEN_TABLE, name=f"企业登记 {SCRIPT}", summary=SCRIPT, open_items=[c for c in HEAD if c != "联系手机"]
    )
    region.ids["hidden"] = region.entry_of(HIDDEN_TABLE)
    region.ids["job"] = run["job_id"]
    region.ids["file"] = run["files"][0]["sha256"]
