"""A consumer's own places, and a granted table that is pushed there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from exchange_bureau import OWNER, SCHEMA, Bureau, firms

from beijiang.exchange import Grant, Push, PushDelivery, PushDeliveryState, PushDraft, PushState, Way
from beijiang.kit import SYSTEM, new_id
from beijiang.tables import CommitRequest, WriteMode

KEY, MONEY = "企业名称", "注册资本"
S = PushDeliveryState


def merge(bureau: Bureau, table: str, rows: list[dict[str, Any]], gone: list[str] | None = None) -> int:
    """Write the next version of a table that has a key: rows changed or new, and rows that went."""
    staging = Path(bureau.platform.settings.home) / "staging"
    path, keys = staging / f"{new_id('f')}.parquet", staging / f"{new_id('g')}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)
    pq.write_table(pa.table({KEY: pa.array(gone or [], pa.string())}), keys)
    order = CommitRequest(
        table=table,
        org_id=OWNER,
        staged=(path,),
        schema=SCHEMA,
        mode=WriteMode.MERGE,
        key=(KEY,),
        run_id=new_id("run"),
        removed=(keys,) if gone else (),
    )
    return int(bureau.platform.tables.commit(SYSTEM, order).version)


@dataclass
class Far:
    """A consumer's PostgreSQL, and a granted table that is pushed there."""

    bureau: Bureau
    engine: sa.Engine
    reach: dict[str, Any]
    table: str = field(default_factory=lambda: f"推送{new_id('t')[-8:]}")
    grant: Grant | None = None

    @property
    def pushes(self) -> Any:
        return self.bureau.platform.pushes

    def publish(self, count: int = 5, **terms: Any) -> None:
        written = self.bureau.write
        self.bureau.write = lambda table, rows: merge(self.bureau, table, rows)  # type: ignore[method-assign, assignment]
        resource = self.bureau.publish(self.table, count)
        self.bureau.write = written  # type: ignore[method-assign]
        words = {"ways": frozenset({Way.PUSH}), **terms}
        self.grant = self.bureau.granted(KEY, MONEY, "盟市", resource=resource.id, **words)

    def draft(self, **words: Any) -> PushDraft:
        assert self.grant is not None
        facts = {"name": "业务库", "kind": "postgresql", "target": "firms", "options": self.reach}
        return PushDraft(grant_id=self.grant.id, **{**facts, **words})

    def add(self, **words: Any) -> Push:
        found: Push = self.pushes.add(self.bureau["consumer"], self.draft(**words))
        return found

    def see(self, push: Push) -> Push:
        found: Push = self.pushes.view(SYSTEM, push.id).push
        return found

    def deliveries(self, push: Push) -> list[PushDelivery]:
        return list(self.pushes.view(SYSTEM, push.id).deliveries)

    def sql(self, words: str) -> list[tuple[Any, ...]]:
        with self.engine.begin() as connection:
            found = connection.execute(sa.text(words))
            return [tuple(row) for row in found] if found.returns_rows else []

    def rows(self, name: str = "firms") -> dict[str, float]:
        return {str(k): float(v) for k, v in self.sql(f'SELECT "{KEY}", "{MONEY}" FROM {name}')}

    @contextmanager
    def down(self) -> Iterator[None]:
        """Close the database to everybody for a while; who is in it is thrown out."""
        name = self.engine.url.database
        admin = sa.create_engine(self.engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sa.text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        yield
        with admin.connect() as connection:
            connection.execute(sa.text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
        admin.dispose()

    def later(self, **words: Any) -> None:
        self.bureau.clock.at += timedelta(**words)


def expected(count: int, **changed: float) -> dict[str, float]:
    return {row[KEY]: float(row[MONEY]) for row in firms(count)} | changed


def end_all(bureau: Bureau) -> None:
    """End every subscription."""
    for push in bureau.platform.pushes.pushes(SYSTEM)[0]:
        if push.state is not PushState.ENDED:
            bureau.platform.pushes.end(SYSTEM, push.id)
