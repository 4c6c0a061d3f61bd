"""Residents of the civil affairs bureau, what it makes of them, and what the health commission makes of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.access import PersonDraft, Role
from beijiang.build import Platform
from beijiang.engine.parsing import statements
from beijiang.kit import SYSTEM, Actor, FixedClock, new_id
from beijiang.lineage import columns_of
from beijiang.tables import CommitRequest, Origin, SourceFile, TableVersion, WriteMode

OWNER, OTHER = "education", "health"
RESIDENTS = {"证件号": "1", "姓名": "甲", "区划": "150221", "手机": "138"}
COUNTED = "SELECT 区划, count(DISTINCT 证件号) AS 人数 FROM 居民登记 WHERE 手机 IS NOT NULL GROUP BY 区划"


@dataclass
class Chain:
    """The platform, with short words for what these tests do."""

    platform: Platform
    clock: FixedClock
    people: dict[str, Actor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for login, org, role in (
            ("steward", OWNER, Role.STEWARD),
            ("stranger", OTHER, Role.STEWARD),
            ("reviewer", "bigdata", Role.BUREAU_REVIEWER),
            ("chief", "bigdata", Role.SYS_ADMIN),
        ):
            access = self.platform.access
            draft = PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role}))
            _, code = access.add_person(SYSTEM, draft)
            fresh = access.sign_in(login, code, "tests")
            access.sign_out(access.change_password(fresh.actor, code, "Steppe-under-a-wide-sky-26").token)
            self.people[login] = access.actor_for_person(login)
        self.write("居民登记", RESIDENTS, sources=(SourceFile("a" * 64, "居民.csv"),))
        self.made("区划人口", COUNTED, {"居民登记": list(RESIDENTS)}, {"区划": "150221", "人数": 1})
        self.made(
            "就诊人口",
            "SELECT 人数 AS 基数, 区划 FROM 区划人口",
            {"区划人口": ["区划", "人数"]},
            {"基数": 1, "区划": "x"},
            OTHER,
        )
        self.made("全区人口", "SELECT sum(基数) AS 总数 FROM 就诊人口", {"就诊人口": ["基数", "区划"]}, {"总数": 1})

    def __getitem__(self, login: str) -> Actor:
        return self.people[login]

    def write(self, table: str, row: Mapping[str, Any], org: str = OWNER, **words: Any) -> TableVersion:
        self.clock.advance(timedelta(minutes=1))
        path = self.platform.settings.home / "staging" / f"{new_id('t')}.parquet"
        rows = pa.Table.from_pylist([dict(row)])
        pq.write_table(rows, path)
        values: dict[str, Any] = {"mode": WriteMode.REPLACE, "run_id": new_id("run"), **words}
        request = CommitRequest(table=table, org_id=org, staged=(path,), schema=rows.schema, **values)
        version = self.platform.tables.commit(SYSTEM, request)
        self.platform.db.deliver_waiting()
        return version

    def made(
        self, table: str, sql: str, of: Mapping[str, list[str]], row: Mapping[str, Any], org: str = OWNER, **words: Any
    ) -> TableVersion:
        derived: dict[str, tuple[Origin, ...]] = columns_of(statements(sql)[0], of).of(list(row))
        return self.write(table, row, org, derived=derived, **words)
