"""A platform's protected half, really wired: metadata database, lake, catalog, grading, gate and SQL gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.access import Access, OrganisationDraft, Role
from beijiang.catalog import Catalog, OpenType, Resource, ResourceEdit, ShareType, VersionCleared
from beijiang.crypto import RootKeys, Vault
from beijiang.db import Database
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.evidence import Evidence, EvidenceQuery, EvidenceReader, EvidenceRecord
from beijiang.kit import SYSTEM, Actor, ActorKind, FixedClock, new_id
from beijiang.protection import Gate, Keyed, Private, Protection, Releases, SqlGateway
from beijiang.settings import Settings
from beijiang.standards import Standards
from beijiang.tables import CommitRequest, Lake, Tables, TableVersion, TableWritten, WriteMode

OWNER, OTHER, BUREAU = "market", "health", "bigdata"
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def citizen_id(serial: int) -> str:
    """A number with a right checksum, of nobody: the serial counts, region and date are fixed."""
    body = f"150102{1950 + serial % 50}0{1 + serial % 9}1{serial % 10}{serial % 1000:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, ID_WEIGHTS, strict=True)) % 11]


def credit_code(serial: int, head: str = "91") -> str:
    body = f"{head}150102MA0N{serial % 100000:05d}"
    total = sum(LETTERS.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + LETTERS[(31 - total % 31) % 31]


def mobile(serial: int) -> str:
    return f"138{serial % 100_000_000:08d}"


def person(name: str, org: str | None, *roles: Role) -> Actor:
    return Actor(f"person_{name}", name, ActorKind.PERSON, org, frozenset(str(role) for role in roles))


PEOPLE_SCHEMA = pa.schema(
    [
        ("公民身份号码", pa.string()),
        ("姓名", pa.string()),
        ("出生日期", pa.date32()),
        ("户籍地址", pa.string()),
        ("联系电话", pa.string()),
        ("银行卡号", pa.string()),
        ("状态", pa.string()),
        ("金额", pa.decimal128(12, 2)),
        ("次数", pa.int64()),
        ("_bj_file", pa.dictionary(pa.int32(), pa.string())),
        ("_bj_row", pa.int64()),
    ]
)
SURNAMES, GIVEN = "王李张刘陈杨黄赵吴周", "伟芳娜敏静强磊军洋勇艳杰娟涛明超霞平刚玲"


def people(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "公民身份号码": citizen_id(i),
            "姓名": SURNAMES[i % 10] + GIVEN[i % 20] + GIVEN[(i * 7 + i // 20) % 20],
            "出生日期": date(1950 + i % 50, 1 + i % 12, 1 + i % 28),
            "户籍地址": f"内蒙古自治区呼和浩特市新城区秘密路{i}号{i % 7}室",
            "联系电话": mobile(i + 7_000_000),
            "银行卡号": card(i),
            "状态": "公开" if i % 3 else "保密",
            "金额": Decimal(f"{i}.50"),
            "次数": i if i % 10 else None,
            "_bj_file": f"f{i % 2}",
            "_bj_row": i + 1,
        }
        for i in range(start, start + count)
    ]


def card(serial: int) -> str:
    body = f"622202{serial:012d}"
    total = 0
    for i, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if i % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str((10 - total % 10) % 10)


FIRMS_SCHEMA = pa.schema(
    [
        ("统一社会信用代码", pa.string()),
        ("企业名称", pa.string()),
        ("法定代表人", pa.string()),
        ("法定代表人证件号码", pa.string()),
        ("经营地址", pa.string()),
        ("盟市", pa.string()),
        ("成立日期", pa.date32()),
        ("注册资本", pa.float64()),
        ("_bj_file", pa.dictionary(pa.int32(), pa.string())),
        ("_bj_row", pa.int64()),
    ]
)
CITIES = ["呼和浩特市", "包头市", "鄂尔多斯市", "赤峰市", None]


def firms(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "统一社会信用代码": credit_code(i, "92" if i % 10 == 0 else "91"),
            "企业名称": f"内蒙古第{i}商贸有限公司",
            "法定代表人": SURNAMES[i % 10] + GIVEN[i % 20] + GIVEN[(i * 3 + 1) % 20],
            "法定代表人证件号码": citizen_id(i),
            "经营地址": f"呼和浩特市赛罕区大学街{i}号",
            "盟市": CITIES[i % 5],
            "成立日期": date(2000 + i % 25, 1 + i % 12, 1 + i % 28),
            "注册资本": float(i) if i % 7 else None,
            "_bj_file": "f0",
            "_bj_row": i + 1,
        }
        for i in range(start, start + count)
    ]


@dataclass
class House:
    """Everything a test speaks to, and everybody who may ask."""

    settings: Settings
    db: Database
    engine: DuckDBEngine
    evidence: Evidence
    reader: EvidenceReader
    access: Access
    catalog: Catalog
    protection: Protection
    gate: Gate
    releases: Releases
    private: Private
    sql: SqlGateway
    lake: Lake
    tables: Tables
    clock: FixedClock
    steward: Actor
    analyst: Actor
    stranger: Actor
    reviewer: Actor
    publisher: Actor
    member: Actor
    audit: Actor
    system_admin: Actor
    security: Actor
    events: list[TableWritten]
    staged: int = 0
    firms = staticmethod(firms)
    people = staticmethod(people)
    FIRMS = FIRMS_SCHEMA
    PEOPLE = PEOPLE_SCHEMA

    def write(self, table: str, rows: list[dict[str, Any]], schema: pa.Schema, **words: Any) -> TableVersion:
        folder = self.settings.home / "staging"
        folder.mkdir(exist_ok=True)
        self.staged += 1
        path = folder / f"{self.staged}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        values: dict[str, Any] = {
            "table": table,
            "org_id": OWNER,
            "staged": (path,),
            "schema": schema,
            "mode": WriteMode.APPEND,
            "run_id": new_id("run"),
        }
        return self.tables.commit(SYSTEM, CommitRequest(**{**values, **words}))

    def write_people(self, count: int = 300, table: str = "人口库") -> TableVersion:
        return self.write(table, people(count), PEOPLE_SCHEMA)

    def write_firms(self, count: int = 300, table: str = "企业登记信息") -> TableVersion:
        return self.write(table, firms(count), FIRMS_SCHEMA)

    def publish(self, table: str, **changes: Any) -> Resource:
        found = self.catalog.resource_for_table(table)
        assert found is not None
        decided: dict[str, Any] = {
            "share_type": ShareType.UNCONDITIONAL,
            "open_type": OpenType.UNCONDITIONAL,
            "licence": "CC-BY-4.0",
            "update_cycle": "2",
        }
        self.catalog.edit(self.steward, found.id, ResourceEdit(**{**decided, **changes}))
        self.catalog.submit(self.steward, found.id)
        self.catalog.approve(self.reviewer, found.id)
        return self.catalog.publish(self.publisher, found.id)

    @property
    def analyst_own(self) -> Actor:
        return person("analyst_own", OWNER, Role.ANALYST)

    @property
    def last_event(self) -> TableWritten:
        return self.events[-1]

    def close(self) -> None:
        self.engine.close()
        self.evidence.close()
        self.db.close()

    def records(self, **words: Any) -> list[EvidenceRecord]:
        return list(self.reader.search(self.audit, EvidenceQuery(**words)).records)


def open_house(folder: Path, url: str | None = None, *, again: bool = False) -> House:
    settings = Settings.for_tests(folder)
    home = settings.home
    for name in ("lake", "staging", "tmp", "evidence"):
        (home / name).mkdir(parents=True, exist_ok=True)
    db = Database(url or settings.metadata_url)
    db.create_all()
    clock = FixedClock(datetime(2025, 9, 26, 2, 0, tzinfo=UTC))
    engine = DuckDBEngine(settings, (home / "lake", home / "staging"))
    evidence = Evidence(db, clock, home / "evidence")
    access = Access(db, evidence, clock, settings)
    for org_id, name, english in (
        (OWNER, "市场监督管理局", "Market Regulation"),
        (OTHER, "卫生健康委员会", "Health Commission"),
        (BUREAU, "大数据发展管理局", "Big Data Administration"),
    ):
        if again:
            break  # the home has them
        access.add_organisation(
            SYSTEM, OrganisationDraft(id=org_id, name_zh=name, name_en=english, region_code="150000")
        )
    lake = Lake(home / "lake", db)
    standards = Standards()
    catalog = Catalog(db, access, evidence, standards, clock)
    protection = Protection(db, lake, engine, catalog, standards, access, evidence, clock)
    protection.keyed = Keyed(lake, db, Vault(RootKeys(settings.root_key_file)), clock)
    gate = Gate(lake, engine, catalog, protection, access, evidence, settings)
    releases = Releases(db, gate, engine, protection, catalog, access, evidence, clock)
    catalog.release_checks = (releases,)
    tables = Tables(db, lake, engine, access, evidence, clock, policy=gate)
    db.subscribe(TableWritten, "catalog", catalog.on_table_written)
    db.subscribe(TableWritten, "protection", protection.on_table_written)
    db.subscribe(VersionCleared, "protection", protection.on_version_cleared)
    events: list[TableWritten] = []
    db.subscribe(TableWritten, "test", events.append)
    return House(
        events=events,
        settings=settings,
        db=db,
        engine=engine,
        evidence=evidence,
        reader=EvidenceReader(evidence, access),
        access=access,
        catalog=catalog,
        protection=protection,
        gate=gate,
        releases=releases,
        private=Private(db, lake, engine, protection, standards, access, evidence, clock, ZoneInfo("Asia/Shanghai")),
        sql=SqlGateway(gate, engine, access, evidence, settings),
        lake=lake,
        tables=tables,
        clock=clock,
        steward=person("steward", OWNER, Role.STEWARD),
        analyst=person("analyst", OTHER, Role.ANALYST),
        stranger=person("stranger", OTHER, Role.STEWARD),
        reviewer=person("reviewer", BUREAU, Role.BUREAU_REVIEWER),
        publisher=person("publisher", BUREAU, Role.BUREAU_PUBLISHER),
        member=person("member", None, Role.MEMBER),
        audit=person("audit", BUREAU, Role.AUDIT_ADMIN),
        system_admin=person("sysadmin", BUREAU, Role.SYS_ADMIN),
        security=person("security", BUREAU, Role.SEC_ADMIN),
    )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The protected half on SQLite in an empty home."""
    opened = open_house(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def make_house() -> Callable[[Path], House]:
    """Open a house that outlives one test."""
    return open_house
