"""A register of enterprises and one of holdings, and people who may see different parts of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi.testclient import TestClient

from beijiang.demo.files.identity import citizen_id, credit_code
from beijiang.kit import SYSTEM, new_id
from beijiang.mining import GraphDraft, Holdings, Party, Subjects
from beijiang.tables import CommitRequest, WriteMode

sys.path.insert(0, str(Path(__file__).parents[1]))
from asking import OWNER, Office, open_office

REGISTER, HELD, SECRET_HELD = "法人登记", "股东出资", "内部股东"
FIRM_SCHEMA = pa.schema(
    [
        (name, pa.string())
        for name in ("统一社会信用代码", "企业名称", "法定代表人", "法定代表人证件号码", "地址", "联系电话")
    ]
)
HELD_SCHEMA = pa.schema(
    [
        ("股东统一社会信用代码", pa.string()),
        ("股东证件号码", pa.string()),
        ("股东名称", pa.string()),
        ("被投资企业统一社会信用代码", pa.string()),
        ("持股比例", pa.float64()),
        ("起始日期", pa.date32()),
        ("退出日期", pa.date32()),
    ]
)
DRAFT = GraphDraft(
    name="企业关系图",
    subjects=Subjects(
        table=REGISTER,
        key="统一社会信用代码",
        name="企业名称",
        representative="法定代表人",
        representative_key="法定代表人证件号码",
        address="地址",
        phone="联系电话",
    ),
    holdings=Holdings(
        table=HELD,
        held="被投资企业统一社会信用代码",
        share="持股比例",
        holder_firm="股东统一社会信用代码",
        holder_person="股东证件号码",
        holder_name="股东名称",
        since="起始日期",
        until="退出日期",
    ),
    shared=True,
)


def code(number: int) -> str:
    return credit_code("91", "150102", number)


def person(number: int) -> str:
    return citizen_id(
        "150102", f"19{60 + number // 300 % 30}{1 + number // 28 % 12:02}{1 + number % 28:02}", number % 900
    )


def firm(number: int, head: int = 0, **words: str) -> dict[str, Any]:
    return {
        "统一社会信用代码": code(number),
        "企业名称": f"内蒙古第{number}实业有限公司",
        "法定代表人": f"王法{'甲乙丙丁戊己庚辛'[head % 8]}",
        "法定代表人证件号码": person(head),
        "地址": f"包头市昆都仑区钢铁大街{number}号",
        "联系电话": f"0472-51{number:05}",
        **words,
    }


def held(
    holder: int | str, target: int, share: float, since: str = "2010-01-01", until: str = "", name: str = ""
) -> dict[str, Any]:
    """Return a row of holdings; a holder ``p3`` is the third natural person."""
    natural = isinstance(holder, str)
    number = int(holder[1:]) if natural else holder  # type: ignore[index]
    return {
        "股东统一社会信用代码": None if natural else code(int(number)),
        "股东证件号码": person(int(number)) if natural else None,
        "股东名称": name
        or (f"王法{'甲乙丙丁戊己庚辛'[int(number) % 8]}" if natural else f"内蒙古第{number}实业有限公司"),
        "被投资企业统一社会信用代码": code(target),
        "持股比例": share,
        "起始日期": date.fromisoformat(since) if since else None,
        "退出日期": date.fromisoformat(until) if until else None,
    }


@dataclass
class Company:
    """An office with the two registers and a declared graph."""

    office: Office
    graph: str = ""
    seen: dict[str, TestClient] = field(default_factory=dict)

    @property
    def graphs(self) -> Any:
        return self.office.platform.graphs

    def write(self, firms: Sequence[Mapping[str, Any]], holds: Sequence[Mapping[str, Any]], table: str = HELD) -> None:
        for name, rows, schema in ((REGISTER, firms, FIRM_SCHEMA), (table, holds, HELD_SCHEMA)):
            self.office.staged += 1
            path = self.office.platform.settings.home / "staging" / f"{self.office.staged}.parquet"
            pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=schema), path)
            request = CommitRequest(
                table=name, org_id=OWNER, staged=(path,), schema=schema, mode=WriteMode.REPLACE, run_id=new_id("run")
            )
            self.office.platform.tables.commit(SYSTEM, request)

    def declare(self, draft: GraphDraft = DRAFT, login: str = "steward") -> str:
        self.graph = self.graphs.declare(self.office[login], draft).id
        return self.graph

    def ref(self, login: str, name: str) -> str:
        found: Sequence[Party] = self.graphs.find(self.office[login], self.graph, name)
        return found[0].ref

    def shares(self, login: str, ref: str, *words: Any) -> dict[str, float | None]:
        shown = self.graphs.chain(self.office[login], self.graph, ref, *words)
        return {one.name: one.share for one in shown.parties[1:]}


def open_company(folder: Path) -> Company:
    office = open_office(folder)
    company = Company(office)
    company.write(*sample())
    office.publish(REGISTER)
    office.publish(HELD)
    company.declare()
    return company


def sample() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Six levels above firm 1, a circle of 7, 8 and 9, firm 10 without majority, an address and a telephone in common."""
    firms = [firm(n, head=n) for n in range(1, 16)]
    firms[10] = firm(11, head=1)
    firms[11] = firm(12, head=12, 地址="包头市昆都仑区钢铁大街1号")
    firms[12] = firm(13, head=13, 联系电话="0472 5100001")
    firms[13] = firm(14, head=14, 地址="包头市昆都仑区")
    firms[14] = firm(15, head=15, 地址="包头市昆都仑区")
    holds = [
        held(2, 1, 60), held("p20", 1, 40),
        held(3, 2, 80), held("p20", 2, 20),
        held(4, 3, 70), held(5, 4, 90), held(6, 5, 51), held("p21", 6, 100),
        held("p22", 3, 30),
        held(8, 7, 30), held(9, 8, 40), held(7, 9, 50), held("p23", 7, 70), held("p23", 8, 60), held("p23", 9, 50),
        held("p24", 10, 40), held("p25", 10, 35), held("p26", 10, 25),
        held("p21", 11, 55, "2020-01-01", "2024-06-30"), held("p24", 11, 55, "2024-06-30"),
        held(99, 12, 50), held("p20", 12, 50),
        held(13, 13, 10), held("p27", 13, 90),
    ]  # fmt: skip
    return firms, holds
