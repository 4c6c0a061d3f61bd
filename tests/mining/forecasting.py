"""A statistics department with monthly indicators of three places, for tests of forecasts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.access import PersonDraft, Role
from beijiang.build import Platform, build
from beijiang.kit import SYSTEM, Actor, FixedClock, new_id
from beijiang.mining import Effort, Forecast, ForecastDraft, ForecastRun
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, TableVersion, WriteMode

OWNER, OTHER = "statistics", "health"
PASSWORD = "Steppe-under-a-wide-sky-26"
ORIGIN = "https://testserver"
MONTHLY = "月度零售"
SCHEMA = pa.schema([("月份", pa.string()), ("地区", pa.string()), ("零售额", pa.float64()), ("口径", pa.string())])
PLACES = ("呼和浩特市", "包头市", "赤峰市")


def month(number: int) -> str:
    return f"{2018 + number // 12}-{number % 12 + 1:02}"


def monthly(months: int = 84, seed: int = 1, **changes: Any) -> list[dict[str, Any]]:
    """Return rows with trend, season and noise; 赤峰市 has two years only."""
    rows = []
    for index, place in enumerate(PLACES):
        lot = Random(f"{seed}{place}")  # noqa: S311 - made-up data
        for n in range(months - 24 if place == "赤峰市" else 0, months):
            value = 50 * (index + 1) * math.exp(0.005 * n + 0.1 * math.sin(2 * math.pi * n / 12) + lot.gauss(0, 0.01))
            rows.append({"月份": month(n), "地区": place, "零售额": round(value, 2), "口径": "一", **changes})
    return rows


def draft(source: str = MONTHLY, **changes: Any) -> ForecastDraft:
    said: dict[str, Any] = {
        "name": "零售额",
        "source": source,
        "target": f"{source}_预测",
        "series": ("地区",),
        "period": "月份",
        "value": "零售额",
        "effort": Effort.QUICK,
    }
    return ForecastDraft(**{**said, **changes})


@dataclass
class Bureau:
    """The platform, with short words for what these tests do."""

    platform: Platform
    clock: FixedClock

    def __post_init__(self) -> None:
        self.people: dict[str, Actor] = {}
        self.signed: dict[str, Actor] = {}
        for login, org, role in (
            ("steward", OWNER, Role.STEWARD),
            ("approver", OWNER, Role.ORG_REVIEWER),
            ("analyst", OWNER, Role.ANALYST),
            ("stranger", OTHER, Role.STEWARD),
        ):
            person = PersonDraft(login=login, name=f"{login}某", org_id=org, roles=frozenset({role}))
            _, code = self.platform.access.add_person(SYSTEM, person)
            fresh = self.platform.access.sign_in(login, code, "tests")
            self.signed[login] = self.platform.access.change_password(fresh.actor, code, PASSWORD).actor
            self.people[login] = self.platform.access.actor_for_person(login)

    def __getitem__(self, login: str) -> Actor:
        return self.people[login]

    def write(
        self, rows: list[dict[str, Any]], table: str = MONTHLY, schema: pa.Schema = SCHEMA, *, key: tuple[str, ...] = ()
    ) -> TableVersion:
        """Write all that a table holds; with a ``key`` it keeps what it held before as states that ended."""
        run = new_id("run")
        path = self.platform.settings.home / "staging" / f"{run}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        request = CommitRequest(
            table=table,
            org_id=OWNER,
            staged=(path,),
            schema=schema,
            mode=WriteMode.HISTORY if key else WriteMode.REPLACE,
            run_id=run,
            key=key,
            complete=bool(key),
        )
        return self.platform.tables.commit(SYSTEM, request)

    def save(self, source: str = MONTHLY, **changes: Any) -> Forecast:
        return self.platform.forecasts.save(self["steward"], draft(source, **changes))

    def run(self, forecast: Forecast) -> ForecastRun:
        return self.platform.forecasts.run_now(self["steward"], forecast.id)


def open_bureau(folder: Path) -> Bureau:
    clock = FixedClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    built = build(Settings.for_tests(folder, public_url=ORIGIN), clock)
    built.first_start()
    built.jobs.start_worker()
    return Bureau(built, clock)
