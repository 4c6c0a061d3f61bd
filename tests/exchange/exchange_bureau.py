"""A region in which one department holds a register of firms, and another needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi.testclient import TestClient

from beijiang.access import KeyDraft, OrganisationDraft, Permission, PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import Platform
from beijiang.catalog import ItemEdit, OpenType, Resource, ResourceEdit, ShareType
from beijiang.exchange import Grant, Item, Request, RequestDraft, Terms, Way
from beijiang.kit import SYSTEM, Actor, FixedClock, new_id
from beijiang.protection import Handling
from beijiang.tables import CommitRequest, Exit, WriteMode

OWNER, OTHER, BUREAU, COUNTY = "commerce_admin", "health", "bigdata", "shared-county"
AT = "/api/v1/exchange"
BEGAN_AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
TABLE, ID = "企业登记信息", "法定代表人证件号码"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
SCHEMA = pa.schema(
    [
        ("企业名称", pa.string()),
        ("盟市", pa.string()),
        ("法定代表人证件号码", pa.string()),
        ("法定代表人电话", pa.string()),
        ("注册资本", pa.decimal128(14, 2)),
    ]
)
CITIES = ("呼和浩特市", "包头市", "赤峰市")


def citizen_id(serial: int) -> str:
    body = f"150102{1950 + serial % 50}0{1 + serial % 9}1{serial % 10}{serial % 1000:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]


def firms(count: int) -> list[dict[str, Any]]:
    return [
        {
            "企业名称": f"内蒙古第{i}商贸有限公司",
            "盟市": CITIES[i % 3],
            "法定代表人证件号码": citizen_id(i),
            "法定代表人电话": f"138{i % 100_000_000:08d}",
            "注册资本": Decimal(f"{i}.50"),
        }
        for i in range(count)
    ]


@dataclass
class Bureau:
    platform: Platform
    clock: FixedClock
    people: dict[str, Actor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.platform.access.add_organisation(
            SYSTEM, OrganisationDraft(id=COUNTY, name_zh="某旗卫生健康局", name_en="A banner", admin_tier=3)
        )
        for login, org, role in (
            ("consumer", OTHER, Role.ANALYST),
            ("colleague", OTHER, Role.STEWARD),
            ("banner", COUNTY, Role.STEWARD),
            ("steward", OWNER, Role.STEWARD),
            ("lead", OWNER, Role.ORG_REVIEWER),
            ("deputy", OWNER, Role.MEMBER),
            ("reviewer", BUREAU, Role.BUREAU_REVIEWER),
            ("publisher", BUREAU, Role.BUREAU_PUBLISHER),
        ):
            person, _ = self.platform.access.add_person(
                SYSTEM, PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role}))
            )
            self.people[login] = person.as_actor(None)
        self.resource = self.publish(TABLE, 30)

    def __getitem__(self, login: str) -> Actor:
        return self.people[login]

    @property
    def exchange(self) -> Any:
        return self.platform.exchange

    @property
    def today(self) -> date:
        found: date = self.exchange.today
        return found

    def write(self, table: str, rows: list[dict[str, Any]]) -> None:
        path = Path(self.platform.settings.home) / "staging" / f"{new_id('f')}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)
        order = CommitRequest(
            table=table, org_id=OWNER, staged=(path,), schema=SCHEMA, mode=WriteMode.APPEND, run_id=new_id("run")
        )
        self.platform.tables.commit(SYSTEM, order)

    def publish(self, table: str, count: int, **edit: Any) -> Resource:
        """Shared on conditions, the name of a firm without; the telephone is not shared, with a basis."""
        self.write(table, firms(count))
        catalog = self.platform.catalog
        found = catalog.resource_for_table(table)
        assert found is not None
        items = (
            ItemEdit(column="企业名称", share_type=ShareType.UNCONDITIONAL),
            ItemEdit(column="法定代表人电话", share_type=ShareType.NOT_SHARED, no_share_basis="个人信息保护法第13条"),
        )
        decided: dict[str, Any] = {
            "share_type": ShareType.CONDITIONAL,
            "share_condition": "用于监管执法，按项审批",
            "open_type": OpenType.NOT_OPEN,
            "open_condition": "含个人信息",
            "update_cycle": "2",
            "items": items,
        }
        catalog.edit(self["steward"], found.id, ResourceEdit(**{**decided, **edit}))
        catalog.submit(self["steward"], found.id)
        catalog.approve(self["reviewer"], found.id)
        return catalog.publish(self["publisher"], found.id)

    def draft(self, *columns: str, as_is: tuple[str, ...] = (), resource: str = "", **words: Any) -> RequestDraft:
        terms: dict[str, Any] = {
            "items": tuple(Item(c, Handling.AS_IS if c in as_is or c != ID else Handling.MASKED) for c in columns),
            "ways": frozenset({Way.API, Way.PAGE}),
            "since": self.today,
            "until": self.today + timedelta(days=90),
        }
        own = {key: words.pop(key) for key in tuple(words) if key in Terms.__dataclass_fields__}
        facts: dict[str, Any] = {
            "resource_id": resource or self.resource.id,
            "terms": Terms(**{**terms, **own}),
            "purpose": "supervision",
            "use": "与医疗机构名单比对，核查超范围经营",
            "basis": "医疗机构管理条例第五条",
        }
        return RequestDraft(**{**facts, **words})

    def asked(self, *columns: str, by: str = "consumer", **words: Any) -> Request:
        made = self.exchange.put(self[by], self.draft(*columns, **words))
        found: Request = self.exchange.submit(self[by], [made.id])[0]
        return found

    def granted(self, *columns: str, by: str = "consumer", **words: Any) -> Grant:
        """Ask, and let everybody agree."""
        request = self.asked(*columns, by=by, **words)
        for login in ("reviewer", "steward", "lead", "publisher"):
            if not request.state.is_over:
                request = self.exchange.approve(self[login], request.id, "同意")
        found: Grant = self.exchange.grant(self[by], request.grant_id).grant
        return found

    def end_all(self) -> None:
        for grant in self.exchange.grants(SYSTEM)[0]:
            if grant.state != "revoked":
                self.exchange.revoke(SYSTEM, grant.id, "下一个测试")

    def read(self, login: str, table: str = TABLE, way: Exit = Exit.ROW_API, **words: Any) -> list[dict[str, Any]]:
        governed = self.platform.gate.open(self[login], table, "监管执法", way)
        rows: list[dict[str, Any]] = governed.page(**words).rows.to_pylist()
        return rows


class People:
    """A program for each person, with a key of that person."""

    def __init__(self, bureau: Bureau) -> None:
        self._bureau = bureau
        self._app = create_app(bureau.platform)
        self._made: dict[str, TestClient] = {}

    def __getitem__(self, login: str) -> TestClient:
        if login not in self._made:
            access, wanted = self._bureau.platform.access, ("exchange:", "protection:", "opendata:", "catalog:")
            scopes = frozenset(str(p) for p in Permission if p.startswith(wanted))
            _, secret = access.issue_key(self._bureau[login], KeyDraft(name=login, scopes=scopes, days=1))
            self._made[login] = TestClient(self._app, headers={"Authorization": f"Bearer {secret}"})
        return self._made[login]
