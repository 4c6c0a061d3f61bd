"""A table of firms whose faults are known, and the people who look after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.access import PersonDraft, Role
from beijiang.build import Platform
from beijiang.catalog import OpenType, Resource, ResourceEdit, ShareType
from beijiang.kit import SYSTEM, Actor, FixedClock, new_id
from beijiang.quality import Kind, Rule, RuleDraft, Run
from beijiang.tables import CommitRequest, TableVersion, WriteMode

OWNER, OTHER = "education", "health"
FIRMS = pa.schema(
    [
        ("统一社会信用代码", pa.string()),
        ("企业名称", pa.string()),
        ("盟市", pa.string()),
        ("成立日期", pa.date32()),
        ("注销日期", pa.date32()),
        ("注册资本", pa.float64()),
        ("联系电话", pa.string()),
    ]
)
GOOD_CODES = ("91350100M000100Y43", "91110000802100433B", "91150102MA0N00016G", "111500000115123431")


def firm(number: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "统一社会信用代码": GOOD_CODES[number % 4],
        "企业名称": f"内蒙古第{number}商贸有限公司",
        "盟市": ("呼和浩特市", "包头市", "赤峰市")[number % 3],
        "成立日期": date(2001 + number % 20, 1 + number % 12, 1 + number % 28),
        "注销日期": None,
        "注册资本": 10.0 + number,
        "联系电话": f"138{number:08d}",
        **changes,
    }


@dataclass
class Bureau:
    """The platform, with short words for what these tests do."""

    platform: Platform
    folder: Path
    clock: FixedClock
    staged: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.platform.quality.suggester.seconds = 600  # what is suggested does not depend on how busy the machine is
        self.steward = self._person("steward", OWNER, Role.STEWARD)
        self.stranger = self._person("stranger", OTHER, Role.STEWARD)
        self.reviewer = self._person("reviewer", "bigdata", Role.BUREAU_REVIEWER)
        self.publisher = self._person("publisher", "bigdata", Role.BUREAU_PUBLISHER)
        self.sysadmin = self._person("chief", "bigdata", Role.SYS_ADMIN)

    def _person(self, login: str, org: str, role: Role) -> Actor:
        access = self.platform.access
        _, code = access.add_person(SYSTEM, PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role})))
        fresh = access.sign_in(login, code, "tests")
        access.sign_out(access.change_password(fresh.actor, code, "Steppe-under-a-wide-sky-26").token)
        return access.actor_for_person(login)

    def write(
        self, rows: Sequence[dict[str, Any]], table: str = "企业登记信息", schema: pa.Schema = FIRMS, **words: Any
    ) -> TableVersion:
        path = self.folder / f"{len(self.staged)}.parquet"
        self.staged.append(path)
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
        values: dict[str, Any] = {
            "table": table,
            "org_id": OWNER,
            "staged": (path,),
            "schema": schema,
            "mode": WriteMode.REPLACE,
            "run_id": new_id("run"),
        }
        return self.platform.tables.commit(SYSTEM, CommitRequest(**{**values, **words}))

    def add(self, kind: Kind, *columns: str, table: str = "企业登记信息", **words: Any) -> Rule:
        params = words.pop("params", {})
        draft = RuleDraft(kind=kind, columns=columns, params=params, **words)
        return self.platform.quality.add(self.steward, table, draft)

    def counted(self, kind: Kind, *columns: str, table: str = "企业登记信息", **words: Any) -> tuple[int, int]:
        """Return B and what fails of a rule that is not kept."""
        draft = RuleDraft(kind=kind, columns=columns, **words)
        tried = self.platform.quality.try_out(self.steward, table, draft)
        return tried.b, tried.failing

    def check(self, table: str = "企业登记信息") -> Run:
        return self.platform.quality.check_now(self.steward, table)

    def publish(self, table: str = "企业登记信息") -> Resource:
        catalog = self.platform.catalog
        found = catalog.resource_for_table(table)
        assert found is not None
        edit = ResourceEdit(
            share_type=ShareType.UNCONDITIONAL,
            open_type=OpenType.UNCONDITIONAL,
            licence="CC-BY-4.0",
            update_cycle="2",
        )
        catalog.edit(self.steward, found.id, edit)
        catalog.submit(self.steward, found.id)
        catalog.approve(self.reviewer, found.id)
        return catalog.publish(self.publisher, found.id)

    def released(self, table: str = "企业登记信息") -> int | None:
        found = self.platform.catalog.released(table)
        return None if found is None else found.table_version
