"""A department's real PostgreSQL beside the whole platform, and the few words in which a test speaks to both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from beijiang.ingest import Certificate, Run, SourceDraft, SyncDraft
from beijiang.kit import SYSTEM
from beijiang.outbound import Target

if TYPE_CHECKING:
    from beijiang.build import Platform

ORG = "education"


@dataclass
class Department:
    """A department with a database of its own, and what the platform takes from it."""

    platform: Platform
    database: sa.Engine
    url: sa.URL

    def sql(self, *statements: str) -> None:
        with self.database.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    def options(self, **changes: Any) -> dict[str, Any]:
        given = {
            "host": self.url.query["host"],
            "database": self.url.database,
            "user": self.url.username,
            "tls": "off",
        }
        return {**given, **changes}

    def connect(self, name: str = "学籍库", **changes: Any) -> None:
        draft = SourceDraft(name=name, kind="postgresql", org_id=ORG, options=self.options(**changes))
        self.platform.sources.add(SYSTEM, draft)

    def take(self, feed: str, table: str, **words: Any) -> None:
        self.platform.sources.take(SYSTEM, SyncDraft(source_id="学籍库", feed=feed, table=table, **words))

    def run(self, table: str, **words: Any) -> Run:
        """Run a sync to its end in this process."""
        run = self.platform.ingest.wait(SYSTEM, self.platform.sources.run(SYSTEM, table, **words))
        assert run.error is None, run.error
        return run

    def certificate(self, run: Run) -> Certificate:
        found = self.platform.sources.certificate(SYSTEM, run.id)
        assert found is not None
        return found

    def rows(self, table: str, columns: str = "*") -> list[dict[str, Any]]:
        return self.platform.sql.run(SYSTEM, f'SELECT {columns} FROM "{table}" ORDER BY 1').rows.to_pylist()


@pytest.fixture
def department(platform: Platform, postgres_url: str) -> Iterator[Department]:
    platform.first_start()
    url = sa.make_url(postgres_url)
    database = sa.create_engine(url, poolclass=sa.NullPool)
    folder = str(url.query["host"])
    platform.sources.allow(SYSTEM, Target(folder=folder), "测试库的套接字")
    yield Department(platform, database, url)
    database.dispose()


@pytest.fixture
def socket_folder(postgres_url: str) -> Path:
    return Path(str(sa.make_url(postgres_url).query["host"]))
