"""A department with a register of firms, and people who ask it: its own, another department's, the operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi.testclient import TestClient

from beijiang.access import KeyDraft, PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import Platform, build
from beijiang.catalog import OpenType, ResourceEdit, ShareType
from beijiang.kit import SYSTEM, Actor, FixedClock, new_id
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, TableVersion, WriteMode

OWNER, OTHER = "education", "health"
FIRMS, SECRET = "企业登记信息", "内部台账"
PASSWORD = "Steppe-under-a-wide-sky-26"
ORIGIN = "https://testserver"
SCHEMA = pa.schema(
    [
        ("企业名称", pa.string()),
        ("法定代表人", pa.string()),
        ("法定代表人手机", pa.string()),
        ("盟市", pa.string()),
        ("注册资本", pa.float64()),
    ]
)


def firm(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "企业名称": f"内蒙古第{number}商贸有限公司",
        "法定代表人": f"{'王李张刘陈'[number % 5]}{'伟芳娜敏'[number % 4]}{'强磊军'[number % 3]}",
        "法定代表人手机": f"138{number:08d}",
        "盟市": ("呼和浩特市", "包头市", "赤峰市")[number % 3],
        "注册资本": 10.0 + number,
        **changes,
    }


@dataclass
class Office:
    """The platform, with short words for what these tests do."""

    platform: Platform
    clients: dict[str, TestClient] = field(default_factory=dict)
    people: dict[str, Actor] = field(default_factory=dict)
    codes: dict[str, Actor] = field(default_factory=dict)
    staged: int = 0

    def __post_init__(self) -> None:
        self.app = create_app(self.platform)
        for login, org, role in (
            ("steward", OWNER, Role.STEWARD),
            ("colleague", OWNER, Role.ANALYST),
            ("first", OTHER, Role.ANALYST),
            ("second", OTHER, Role.ANALYST),
            ("first_keeper", OTHER, Role.STEWARD),
            ("reviewer", "bigdata", Role.BUREAU_REVIEWER),
            ("publisher", "bigdata", Role.BUREAU_PUBLISHER),
            ("chief", "bigdata", Role.SYS_ADMIN),
            ("member", OTHER, Role.MEMBER),
        ):
            self._person(login, org, role)

    def _person(self, login: str, org: str, role: Role) -> None:
        access = self.platform.access
        draft = PersonDraft(login=login, name=f"{login}某", org_id=org, roles=frozenset({role}))
        _, code = access.add_person(SYSTEM, draft)
        fresh = access.sign_in(login, code, "tests")
        signed = access.change_password(fresh.actor, code, PASSWORD)
        self.codes[login] = signed.actor
        self.people[login] = access.actor_for_person(login)

    def __getitem__(self, login: str) -> Actor:
        return self.people[login]

    def api(self, login: str) -> TestClient:
        """Return a program of this person's, with a key for SQL."""
        if login not in self.clients:
            scopes = frozenset({"protection:sql:run", "protection:rows:read_own", "protection:rows:read_shared"})
            if login == "chief":
                scopes = frozenset({"protection:queue:manage"})
            draft = KeyDraft(name="SQL", scopes=scopes, days=1)
            if login in {"chief", "member"}:
                self.clients[login] = self._browser_as(login)
            else:
                _, secret = self.platform.access.issue_key(self.codes[login], draft)
                self.clients[login] = TestClient(self.app, headers={"Authorization": f"Bearer {secret}"})
        return self.clients[login]

    def _browser_as(self, login: str) -> TestClient:
        client = TestClient(self.app, base_url=ORIGIN, follow_redirects=False)
        client.post("/console/sign-in", data={"login": login, "password": PASSWORD}, headers={"Origin": ORIGIN})
        page = client.get("/console/password").text
        token = page.split('<meta name="csrf" content="')[1].split('"')[0]
        client.headers.update({"X-CSRF-Token": token, "Origin": ORIGIN})
        return client

    def browser(self, login: str) -> TestClient:
        """Return a browser in which this person has signed in."""
        key = f"browser {login}"
        if key not in self.clients:
            self.clients[key] = self._browser_as(login)
            self.clients[key].headers["Accept"] = "text/html"
        return self.clients[key]

    def browser_json(self, login: str) -> TestClient:
        """Return a signed-in browser that asks for JSON."""
        key = f"json {login}"
        if key not in self.clients:
            self.clients[key] = self._browser_as(login)
        return self.clients[key]

    def ask(self, login: str, sql: str, status: int = 200, **words: Any) -> dict[str, Any]:
        answer = self.api(login).post("/api/v1/sql", json={"sql": sql, **words})
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def write(self, rows: Sequence[dict[str, Any]], table: str = FIRMS, **words: Any) -> TableVersion:
        self.staged += 1
        path = self.platform.settings.home / "staging" / f"{self.staged}.parquet"
        pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), path)
        values: dict[str, Any] = {
            "table": table,
            "org_id": OWNER,
            "staged": (path,),
            "schema": SCHEMA,
            "mode": WriteMode.REPLACE,
            "run_id": new_id("run"),
        }
        return self.platform.tables.commit(SYSTEM, CommitRequest(**{**values, **words}))

    def publish(self, table: str = FIRMS) -> None:
        catalog = self.platform.catalog
        found = catalog.resource_for_table(table)
        assert found is not None
        edit = ResourceEdit(
            share_type=ShareType.UNCONDITIONAL,
            open_type=OpenType.UNCONDITIONAL,
            licence="CC-BY-4.0",
            update_cycle="2",
        )
        catalog.edit(self["steward"], found.id, edit)
        catalog.submit(self["steward"], found.id)
        catalog.approve(self["reviewer"], found.id)
        catalog.publish(self["publisher"], found.id)

    def close(self) -> None:
        for client in self.clients.values():
            client.close()
        self.platform.close()


def open_office(folder: Path, clock: FixedClock | None = None) -> Office:
    built = build(Settings.for_tests(folder, public_url=ORIGIN), clock)
    built.first_start()
    built.jobs.start_worker()
    office = Office(built)
    office.write([firm(n) for n in range(60)])
    office.write([firm(n) for n in range(10)], table=SECRET)
    office.publish()
    return office
