"""A register of firms with their inspections, people of two departments, and short words for feature views, sets and models."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from asking import OTHER, OWNER, PASSWORD, Office
from fastapi.testclient import TestClient

from beijiang.access import PersonDraft, Role
from beijiang.build import build
from beijiang.kit import SYSTEM, new_id
from beijiang.mining import Algorithm, Feature, FeatureKind, ModelDraft, SetDraft, ViewDraft, ViewUse
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

FIRMS, VISITS = "企业退出样本", "企业检查记录"
FIRM_SCHEMA = pa.schema(
    [
        ("编号", pa.string()),
        ("联系人手机", pa.string()),
        ("盟市", pa.string()),
        ("行业", pa.string()),
        ("注册资本", pa.float64()),
        ("成立日期", pa.date32()),
        ("观察日", pa.date32()),
        ("状态", pa.string()),
        ("营业额", pa.float64()),
    ]
)
VISIT_SCHEMA = pa.schema([("企业编号", pa.string()), ("检查日", pa.date32()), ("扣分", pa.float64())])
CITIES = ("呼和浩特市", "包头市", "赤峰市", "通辽市")
TRADES = ("商贸", "餐饮", "制造", "物流")


def firms(many: int = 600, *, grown: float = 1.0) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return firms that leave the register when they are small, and inspections that tell a little of it before."""
    dice = random.Random(7)  # noqa: S311 - the same firms each time
    rows, visits = [], []
    for number in range(many):
        capital = round(dice.uniform(10, 500) * grown, 1)
        seen = date(2024, 1, 1) + timedelta(days=number % 300)
        leaves = capital * dice.uniform(0.6, 1.4) < 150
        rows.append(
            {
                "编号": f"QY{number:06d}",
                "联系人手机": f"139{number:08d}",
                "盟市": CITIES[number % 4],
                "行业": TRADES[dice.randrange(4)],
                "注册资本": capital,
                "成立日期": date(2010, 1, 1) + timedelta(days=dice.randrange(4000)),
                "观察日": seen,
                "状态": ("注销" if number % 2 else "吊销") if leaves else "存续",
                "营业额": round(capital * 3 + dice.uniform(-20, 20), 2),
            }
        )
        for _ in range(dice.randrange(4)):
            day = seen - timedelta(days=dice.randrange(1, 400))
            visits.append(
                {"企业编号": f"QY{number:06d}", "检查日": day, "扣分": float(dice.randrange(10) + 5 * leaves)}
            )
    return rows, visits


@dataclass
class Lab(Office):
    """The platform, with short words for learning."""

    def put(self, table: str, rows: Sequence[dict[str, Any]], schema: pa.Schema, org: str = OWNER) -> None:
        self.staged += 1
        path = self.platform.settings.home / "staging" / f"{self.staged}.parquet"
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
        request = CommitRequest(
            table=table, org_id=org, staged=(path,), schema=schema, mode=WriteMode.REPLACE, run_id=new_id("run")
        )
        self.platform.tables.commit(SYSTEM, request)

    def hire(self, login: str, org: str, *roles: Role) -> None:
        draft = PersonDraft(login=login, name=f"{login}某", org_id=org, roles=frozenset(roles))
        access = self.platform.access
        _, code = access.add_person(SYSTEM, draft)
        fresh = access.sign_in(login, code, "tests")
        self.codes[login] = access.change_password(fresh.actor, code, PASSWORD).actor
        self.people[login] = access.actor_for_person(login)

    def person(self, login: str) -> TestClient:
        """Return a browser of this person's that speaks JSON."""
        key = f"json {login}"
        if key not in self.clients:
            self.clients[key] = self._browser_as(login)
        return self.clients[key]

    def view(self, login: str = "steward", **changes: Any) -> str:
        return self.platform.learning.declare_view(self[login], firm_view(**changes)).id

    def visits(self, login: str = "steward", days: int = 365) -> str:
        return self.platform.learning.declare_view(self[login], visit_view(days)).id

    def learn(self, login: str, draft: SetDraft) -> Any:
        return self.platform.learning.make_set_now(self[login], draft)


def firm_view(**changes: Any) -> ViewDraft:
    values: dict[str, Any] = {
        "name": "企业基本特征",
        "name_en": "Firms",
        "table": FIRMS,
        "keys": ("编号",),
        "features": (
            Feature(name="资本", column="注册资本"),
            Feature(name="行业", column="行业"),
            Feature(name="年限", kind=FeatureKind.AGE, column="成立日期"),
        ),
    }
    return ViewDraft(**{**values, **changes})


def visit_view(days: int = 365) -> ViewDraft:
    return ViewDraft(
        name="检查特征",
        name_en="Inspections",
        table=VISITS,
        keys=("企业编号",),
        event_time="检查日",
        features=(
            Feature(name="检查次数", kind=FeatureKind.COUNT, days=days),
            Feature(name="扣分合计", kind=FeatureKind.SUM, column="扣分", days=days),
            Feature(name="最近扣分", column="扣分"),
            Feature(name="距上次检查", kind=FeatureKind.SINCE),
        ),
    )


def leaving(*views: str, **changes: Any) -> SetDraft:
    values: dict[str, Any] = {
        "name": "企业退出",
        "name_en": "Leavers",
        "table": FIRMS,
        "label": "状态",
        "positive": ("注销", "吊销"),
        "time": "观察日",
        "as_of": datetime(2026, 1, 1, tzinfo=UTC),
        "views": tuple(ViewUse(view=one, on=("编号",)) for one in views),
        "group": "盟市",
        "purpose": "预警",
    }
    return SetDraft(**{**values, **changes})


def model_of(set_id: str, algorithm: Algorithm = Algorithm.BOOSTED_CLASSES, **changes: Any) -> ModelDraft:
    values: dict[str, Any] = {
        "name": "退出预警",
        "name_en": "Leaving",
        "training_set": set_id,
        "algorithm": algorithm,
        "purpose": "提前走访可能退出的企业",
        "limits": "不得用于行政处罚",
        "parameters": {"trees": 30} if "boosted" in algorithm else {},
    }
    return ModelDraft(**{**values, **changes})


def open_lab(folder: Path) -> Lab:
    built = build(Settings.for_tests(folder, public_url="https://testserver", learning_threads=1))
    built.first_start()
    built.jobs.start_worker()
    lab = Lab(built)
    lab.hire("judge", OWNER, Role.ORG_REVIEWER)
    lab.hire("stranger", OTHER, Role.STEWARD)
    rows, visits = firms()
    lab.put(FIRMS, rows, FIRM_SCHEMA)
    lab.put(VISITS, visits, VISIT_SCHEMA)
    return lab
