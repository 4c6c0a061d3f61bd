"""A small region with a portal: real platform, files taken in through the services, entries reviewed and published."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from beijiang.access import Role
from beijiang.access.models import OrganisationDraft
from beijiang.app import create_app
from beijiang.build import Platform, build
from beijiang.catalog import OpenType, ResourceEdit, ShareMethod, ShareType
from beijiang.ingest import IngestRequest, RunState
from beijiang.kit import SYSTEM, Actor, ActorKind
from beijiang.settings import Settings
from beijiang.standards import check_citizen_id, check_uscc
from beijiang.web.language import COOKIE
from waiting import until

BASE = "http://data.example.test"
CITIES = ("呼和浩特市", "包头市", "赤峰市", "通辽市", "鄂尔多斯市")
TRICKY = ("=1+1", "+SUM(A1)", "-3.5", "@cmd", "甲,乙", '引"号', "𠮷祥", "a'b; DROP TABLE x--", "空 格", "＝全角")
SURNAMES = "赵钱孙李周吴郑王冯陈"
OPEN = ("企业名称", "统一社会信用代码", "成立日期", "注册资本", "法定代表人", "盟市", "备注", "从业人数")


def person(name: str, org: str, *roles: Role) -> Actor:
    return Actor(f"person_{name}", name, ActorKind.PERSON, org, frozenset(str(role) for role in roles))


def uscc(number: int) -> str:
    """Return a credit code whose check character is right."""
    stem = f"91150100MA0{number:06d}"
    return next(stem + c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if check_uscc(stem + c).passes)


def citizen(number: int) -> str:
    """Return a citizen number of an administrative area that never existed, with the right check character."""
    stem = f"150199{1950 + number % 50}0{1 + number % 9}1{number % 9}{number % 1000:03d}"
    return next((stem + c for c in "0123456789X" if check_citizen_id(stem + c).passes), stem + "0")


@dataclass(frozen=True)
class Firm:
    name: str
    code: str
    founded: str
    capital: str | None
    representative: str
    city: str
    remark: str | None
    staff: int | None
    phone: str
    citizen: str

    def row(self) -> list[str]:
        fields = (
            self.name,
            self.code,
            self.founded,
            self.capital,
            self.representative,
            self.city,
            self.remark,
            self.staff,
            self.phone,
            self.citizen,
        )
        return ["" if value is None else str(value) for value in fields]


def firm(i: int) -> Firm:
    return Firm(
        name=f"{CITIES[i % 5][:2]}第{i:04d}商贸有限公司",
        code=uscc(i),
        founded=f"{2000 + i % 20}-{1 + i % 12:02d}-{1 + i % 28:02d}",
        capital=None if i % 17 == 0 else f"{i * 37 % 9000}.{i % 100:02d}",
        representative=f"{SURNAMES[i % 10]}隐{SURNAMES[i // 10 % 10]}",
        city=CITIES[i % 5],
        remark=None if i % 7 == 0 else TRICKY[i % len(TRICKY)],
        staff=None if i % 11 == 0 else i % 13,
        phone=f"139{47000000 + i * 7:08d}",
        citizen=citizen(i),
    )


HEAD = [
    "企业名称",
    "统一社会信用代码",
    "成立日期",
    "注册资本",
    "法定代表人",
    "盟市",
    "备注",
    "从业人数",
    "联系手机",
    "公民身份号码",
]


def as_csv(head: list[str], rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode()


@dataclass
class Portal:
    """The platform with its portal, and the small words in which a test speaks to it."""

    platform: Platform
    client: httpx.Client
    server: uvicorn.Server
    folder: Path
    ids: dict[str, str]
    firms: list[Firm]

    def expected(self) -> list[dict[str, Any]]:
        """Return the open columns of every firm as the API should give them, the masked one left out."""
        return [
            {
                "企业名称": f.name,
                "统一社会信用代码": f.code,
                "成立日期": f.founded,
                "注册资本": None if f.capital is None else float(f.capital),
                "盟市": f.city,
                "备注": f.remark,
                "从业人数": f.staff,
            }
            for f in self.firms
        ]

    def secrets(self) -> list[str]:
        """Return the true values that no answer may hold."""
        return [v for f in self.firms for v in (f.phone, f.citizen, f.representative)]

    def addresses(self) -> list[str]:
        """Return every kind of address that the portal answers, for every data set."""
        found = [
            "/",
            "/datasets",
            "/departments",
            "/about",
            "/feed.xml",
            "/sitemap.xml",
            "/sitemap-1.xml",
            "/robots.txt",
            "/api/v1/datasets",
        ]
        found += [
            "/datasets?q=登记",
            "/datasets?theme=102&sort=name",
            "/api/v1/datasets?q=qydj&size=5",
            "/departments/market",
        ]
        found += ["/api/v1/datasets?grade=L3", "/datasets?q=联系手机", "/departments/nobody", "/datasets/res_unknown"]
        for one in self.ids.values():
            found += [
                f"/datasets/{one}{tab}"
                for tab in (
                    "",
                    "/explore",
                    "/embed",
                    "/chart",
                    "/map",
                    "/fields",
                    "/versions",
                    "/quality",
                    "/compare",
                    "/api",
                )
            ]
            found += [
                f"/api/v1/datasets/{one}{rest}"
                for rest in ("", "/rows", "/rows?_size=max", "/view", "/chart", "/map", "/quality", "/changes")
            ]
            found += [f"/api/v1/datasets/{one}/download?format={form}" for form in ("csv", "xlsx", "json", "parquet")]
            found += [f"/api/v1/datasets/{one}/download?encoding={name}" for name in ("utf-8-sig", "gb18030")]
            found += [f"/datasets/{one}.{ending}" for ending in ("ttl", "rdf", "n3", "jsonld")]
            found += [f"/datasets/{one}/{rest}" for rest in ("croissant.jsonld", "datapackage.json")]
            found += [
                f"/ogc/collections/{one}{rest}"
                for rest in ("", "/items?limit=2", "/items?bbox=112,0,113,90", "/items/1")
            ]
        found += ["/catalog.ttl", "/catalog.jsonld", "/catalog.csv", "/data.json", "/departments/market/catalog.ttl"]
        found += ["/ogc", "/ogc/api", "/ogc/collections", "/ogc/conformance"]
        for column in HEAD:
            found.append(f"/api/v1/datasets/{self.ids['firms']}/chart?_x={column}")
            found.append(f"/datasets/{self.ids['firms']}?_sort={column}")
        return found

    def firm(self, number: int) -> Firm:
        """Return a firm that may not be in the portal yet."""
        return firm(number)

    def take_firms_in(self, file: str, firms: list[Firm]) -> None:
        """Hand in another file of firms and let everything that follows happen."""
        with self.working():
            content = as_csv(HEAD, [one.row() for one in firms])
            self.take_in("企业登记信息", "market", file, content, key=("统一社会信用代码",))

    def close(self) -> None:
        self.client.close()
        self.server.should_exit = True
        until(lambda: not any(s.is_serving() for s in self.server.servers))
        self.platform.close()

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, **options)

    def receipt(self, number: str) -> Any:
        """Return a receipt once it says what was sent: that is noted when the last part is out, and so after it came."""
        path = f"/api/v1/evidence/receipts/{number}"
        until(lambda: "read.sent" in json.dumps(self.json(path)))
        return self.json(path)

    def forget_language(self) -> None:
        """Ask in the reader's own language again, whatever link was followed."""
        self.client.cookies.delete(COOKIE)

    def page(self, path: str, language: str = "zh-CN") -> str:
        self.client.cookies.clear()  # a followed language link leaves a cookie
        answer = self.client.get(path, headers={"accept": "text/html", "accept-language": language})
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:400]}"
        return str(answer.text)

    def json(self, path: str, **parameters: Any) -> Any:
        answer = self.client.get(path, params=parameters or None)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:400]}"
        return answer.json()

    def api(self, name: str, rest: str = "") -> str:
        return f"/api/v1/datasets/{self.ids[name]}{rest}"

    def walk(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return every row, page by page."""
        rows: list[dict[str, Any]] = []
        after: dict[str, Any] = {}
        for _ in range(200):
            page = self.json(self.api(name, "/rows"), **parameters, **after)
            rows += page["rows"]
            if page["next"] is None:
                return rows
            after = {"_next": page["next"]}
        raise AssertionError("the walk does not end")

    @contextmanager
    def working(self) -> Iterator[None]:
        """Have the job engine at work; there is one in a process."""
        self.platform.jobs.start_worker()
        try:
            yield
        finally:
            self.platform.jobs.stop()

    def take_in(self, table: str, org: str, file: str, content: bytes, **how: Any) -> None:
        """Hand a file in as the department's steward, and let the job engine work it off."""
        path = self.folder / file
        path.write_bytes(content)
        steward = person("steward", org, Role.STEWARD)
        ingest = self.platform.ingest
        landed = ingest.land(steward, path, file, org)
        run_id = ingest.submit(steward, IngestRequest(files=(landed.sha256,), into=table, org_id=org, **how))
        run = ingest.wait(steward, run_id)
        assert run.state is RunState.COMMITTED, run
        self.platform.db.deliver_waiting()

    def publish(self, table: str, **edit: Any) -> str:
        """Take the entry of a table through the review of two other people."""
        catalog = self.platform.catalog
        found = catalog.resource_for_table(table)
        assert found is not None
        steward = person("steward", found.provider_id, Role.STEWARD)
        decided: dict[str, Any] = {
            "share_type": ShareType.UNCONDITIONAL,
            "share_method": ShareMethod.SERVICE,
            "open_type": OpenType.UNCONDITIONAL,
            "licence": "CC-BY-4.0",
            "update_cycle": "2",
            "contact": "数据管理科",
            **edit,
        }
        if not found.entry.categories and "categories" not in decided:
            decided["categories"] = ("102001",)
        catalog.edit(steward, found.id, ResourceEdit(**decided))
        catalog.submit(steward, found.id)
        catalog.approve(person("reviewer", "bureau", Role.BUREAU_REVIEWER), found.id)
        catalog.publish(person("publisher", "bureau", Role.BUREAU_PUBLISHER), found.id)
        return found.id


def open_portal(folder: Path) -> Portal:
    platform = build(Settings.for_tests(folder, public_url=BASE))
    add_departments(platform)
    server, address = serve(platform)
    client = httpx.Client(base_url=address, timeout=300)
    return Portal(platform, client, server, folder, {}, [])


def add_departments(platform: Platform) -> None:
    for org_id, name, english in (
        ("market", "市场监督管理局", "Administration for Market Regulation"),
        ("forest", "林业和草原局", "Forestry and Grassland Bureau"),
        ("bureau", "大数据发展管理局", "Big Data Administration"),
    ):
        draft = OrganisationDraft(id=org_id, name_zh=name, name_en=english, region_code="150000")
        platform.access.add_organisation(SYSTEM, draft)


def serve(platform: Platform) -> tuple[uvicorn.Server, str]:
    """Serve the whole platform on a free port of the loopback, in a thread."""
    config = uvicorn.Config(create_app(platform), host="127.0.0.1", port=0, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    return server, f"http://127.0.0.1:{port}"


def filled(portal: Portal) -> Portal:
    """Take in two departments' files and publish them; one more stays closed, one unpublished."""
    portal.firms = [firm(i) for i in range(300)]
    with portal.working():
        _take_everything_in(portal)
    return portal


def _take_everything_in(portal: Portal) -> None:
    rows = [f.row() for f in portal.firms]
    portal.take_in("企业登记信息", "market", "企业.csv", as_csv(HEAD, rows[:250]), key=("统一社会信用代码",))
    portal.ids["firms"] = portal.publish("企业登记信息", open_items=OPEN)
    portal.take_in("企业登记信息", "market", "企业2.csv", as_csv(HEAD, rows[250:]), key=("统一社会信用代码",))
    towers = [[f"第{i:03d}号瞭望塔", f"{111 + i * 0.1:.4f}", f"{40 + i * 0.07:.4f}", str(800 + i)] for i in range(60)]
    portal.take_in("森林防火瞭望塔", "forest", "瞭望塔.csv", as_csv(["瞭望塔名称", "经度", "纬度", "海拔"], towers))
    portal.ids["towers"] = portal.publish("森林防火瞭望塔", update_cycle="6")
    closed = [[f"内部项目{i}", str(i)] for i in range(20)]
    portal.take_in("内部评审台账", "market", "台账.csv", as_csv(["项目", "得分"], closed))
    portal.ids["closed"] = portal.publish(
        "内部评审台账",
        open_type=OpenType.NOT_OPEN,
        open_condition="评审过程信息，依规不予开放。",
        share_type=ShareType.NOT_SHARED,
        no_share_basis="《政府信息公开条例》第十六条",
    )


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The filled portal; tests only read it."""
    opened = filled(open_portal(tmp_path_factory.mktemp("portal")))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _no_language_of_another_test(request: pytest.FixtureRequest) -> None:
    """Let no test see pages in the language that the one before it chose: a followed link leaves a cookie."""
    if "portal" in request.fixturenames:
        request.getfixturevalue("portal").forget_language()


@pytest.fixture(scope="module")
def own_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A filled portal that the tests of one module may change."""
    opened = filled(open_portal(tmp_path_factory.mktemp("own-portal")))
    yield opened
    opened.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[[str], Portal]]:
    """Open empty portals of one's own."""
    opened: list[Portal] = []

    def make(name: str) -> Portal:
        folder = tmp_path / name
        folder.mkdir()
        opened.append(open_portal(folder))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def fill() -> Callable[[Portal], Portal]:
    """Fill a portal as the shared one is filled."""
    return filled
