"""A catalog on a real database (both kinds), with the departments and people that a review needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from beijiang.access import Access, Role
from beijiang.access.models import OrganisationDraft
from beijiang.catalog import Catalog, OpenType, Resource, ResourceEdit, ShareType
from beijiang.catalog.routes import router
from beijiang.db import Database
from beijiang.evidence import Evidence
from beijiang.kit import SYSTEM, Actor, ActorKind, BeijiangError, FixedClock
from beijiang.settings import Settings
from beijiang.standards import Standards
from beijiang.tables import TableWritten

START = datetime(2025, 9, 26, 2, 0, tzinfo=UTC)
"""A Friday; the calendar of 2025 is loaded."""


def person(name: str, org: str, *roles: Role) -> Actor:
    return Actor(f"person_{name}", name, ActorKind.PERSON, org, frozenset(str(role) for role in roles))


@dataclass
class Office:
    """The catalog and everybody who works with it."""

    db: Database
    catalog: Catalog
    access: Access
    evidence: Evidence
    clock: FixedClock
    steward: Actor
    neighbour: Actor
    org_reviewer: Actor
    reviewer: Actor
    publisher: Actor
    security: Actor

    def write(self, table: str = "空气质量小时数据", version: int = 1, **changes: object) -> Resource:
        """Let a version of a table become visible."""
        columns = changes.pop("columns", ["站点名称", "监测时间", "PM2.5", "性别代码"])
        types = changes.pop("types", ["text", "timestamp", "decimal", "text"])
        facts: dict[str, object] = {
            "table": table,
            "table_id": f"tbl_{abs(hash(table)):020d}",
            "org_id": "environment",
            "version": version,
            "mode": "append",
            "rows": 100 * version,
            "rows_added": 100,
            "rows_changed": 0,
            "rows_removed": 0,
            "columns": columns,
            "columns_changed": version == 1,
            "run_id": f"run_{table}_{version}",
            "actor_id": "person_steward",
            "reason": "",
            "sources": [{"sha256": "0" * 64, "name": "空气2024.csv"}, {"sha256": "1" * 64, "name": "空气2025.xlsx"}],
            "written_at": self.clock.now().isoformat(),
            "column_types": types,
            "column_comments": [""] * len(columns),  # type: ignore[arg-type]
        }
        self.catalog.on_table_written(TableWritten(**(facts | changes)))  # type: ignore[arg-type]
        found = self.catalog.resource_for_table(table)
        assert found is not None
        return found

    def complete(self, resource: Resource, **changes: object) -> Resource:
        """Decide what only a person can decide."""
        decided: dict[str, object] = {
            "share_type": ShareType.UNCONDITIONAL,
            "open_type": OpenType.UNCONDITIONAL,
            "licence": "CC-BY-4.0",
            "update_cycle": "2",
        }
        return self.catalog.edit(self.steward, resource.id, ResourceEdit(**(decided | changes)))  # type: ignore[arg-type]

    def publish(self, resource: Resource) -> Resource:
        """Take a complete entry through the review."""
        self.catalog.submit(self.steward, resource.id)
        self.catalog.approve(self.reviewer, resource.id)
        return self.catalog.publish(self.publisher, resource.id)

    def published(self, table: str = "空气质量小时数据", **changes: object) -> Resource:
        """Have a published entry for a table."""
        return self.publish(self.complete(self.write(table), **changes))

    def later(self, days: float) -> None:
        self.clock.advance(timedelta(days=days))


def open_office(url: str, folder: Path) -> Office:
    db = Database(url)
    db.create_all()
    clock = FixedClock(START)
    evidence = Evidence(db, clock, None)
    access = Access(db, evidence, clock, Settings.for_tests(folder))
    for org_id, name, english, uscc in (
        ("environment", "生态环境厅", "Department of Ecology", "111500000115123431"),
        ("health", "卫生健康委员会", "Health Commission", None),
        ("bigdata", "大数据发展管理局", "Big Data Administration", None),
    ):
        draft = OrganisationDraft(id=org_id, name_zh=name, name_en=english, uscc=uscc, region_code="150000")
        access.add_organisation(SYSTEM, draft)
    return Office(
        db=db,
        catalog=Catalog(db, access, evidence, Standards(), clock),
        access=access,
        evidence=evidence,
        clock=clock,
        steward=person("steward", "environment", Role.STEWARD),
        neighbour=person("neighbour", "health", Role.STEWARD),
        org_reviewer=person("org_reviewer", "environment", Role.ORG_REVIEWER),
        reviewer=person("reviewer", "bigdata", Role.BUREAU_REVIEWER),
        publisher=person("publisher", "bigdata", Role.BUREAU_PUBLISHER),
        security=person("security", "bigdata", Role.SEC_ADMIN),
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """The catalog on each database."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/meta.db" if sqlite else request.getfixturevalue("postgres_url")
    opened = open_office(url, tmp_path)
    yield opened
    opened.evidence.close()
    opened.db.close()


@pytest.fixture
def both(tmp_path: Path, postgres_url: str) -> Iterator[Callable[[], tuple[Office, Office]]]:
    """Make one catalog on each database, to compare what they answer."""
    opened: list[Office] = []

    def make() -> tuple[Office, Office]:
        opened.extend((open_office(f"sqlite:///{tmp_path}/meta.db", tmp_path), open_office(postgres_url, tmp_path)))
        return opened[0], opened[1]

    yield make
    for one in opened:
        one.evidence.close()
        one.db.close()


class Door:
    """The JSON API as one person sees it."""

    def __init__(self, office: Office) -> None:
        self.app = FastAPI()
        self.app.include_router(router(office.catalog))
        self.actor = office.steward

        @self.app.middleware("http")
        async def identify(request: Request, following: Callable[[Request], Awaitable[Response]]) -> Response:
            request.state.actor = self.actor
            return await following(request)

        @self.app.exception_handler(BeijiangError)
        async def tell(request: Request, error: BeijiangError) -> JSONResponse:
            return JSONResponse({"code": error.reason, "detail": error.detail}, error.status)

    def ask(self, method: str, path: str, actor: Any = None, **more: Any) -> httpx.Response:
        self.actor = actor or self.actor

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test/api/v1/catalog") as client:
                return await client.request(method, path, **more)

        return asyncio.run(go())


@pytest.fixture
def open_door() -> Callable[[Office], Door]:
    """Open the JSON API of an office."""
    return Door
