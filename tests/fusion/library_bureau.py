"""Three departments and a library: public security and social security give persons, the data bureau keeps them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pyarrow as pa
from quality_bureau import OTHER, OWNER, Bureau

from beijiang.access import Role
from beijiang.fusion import Element, FusionRun, Library, LibraryDraft, Link, LinkDraft
from beijiang.kit import SYSTEM

__all__ = ["KEEPER", "OTHER", "OWNER", "PERSONS", "Archive", "person"]

KEEPER = "bigdata"
PERSONS = pa.schema(
    [
        ("身份证号", pa.string()),
        ("姓名", pa.string()),
        ("出生日期", pa.date32()),
        ("联系电话", pa.string()),
        ("户籍地址", pa.string()),
        ("更新时间", pa.timestamp("us", tz="UTC")),
    ]
)
ELEMENTS = (
    Element(name="公民身份号码", element="population.citizen_id", check="citizen_id", length="18"),
    Element(name="姓名", element="population.full_name"),
    Element(name="出生日期", element="population.birth_date", type="D"),
    Element(name="联系电话", element="population.mobile"),
    Element(name="户籍地址", element="population.household_address"),
)
COLUMNS = {
    "公民身份号码": "身份证号",
    "姓名": "姓名",
    "出生日期": "出生日期",
    "联系电话": "联系电话",
    "户籍地址": "户籍地址",
}


def person(number: str | None, name: str | None, **words: Any) -> dict[str, Any]:
    return {"身份证号": number, "姓名": name, **words}


@dataclass
class Archive(Bureau):
    """The platform with words for libraries."""

    names: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keeper = self._person("keeper", KEEPER, Role.STEWARD)

    def table(self, rows: list[dict[str, Any]], org_id: str = OWNER, name: str = "", **words: Any) -> str:
        name = name or f"人员{next(self.names)}"
        self.write(rows, name, **{"schema": PERSONS, "org_id": org_id, **words})
        return name

    def declare(self, **words: Any) -> Library:
        words = {"kind": "population", "name": "人口库", "elements": ELEMENTS, "key": ("公民身份号码",), **words}
        draft = LibraryDraft(target=f"人口库{next(self.names)}", **words)
        return self.platform.fusion.declare(self.keeper, draft)

    def link(self, library: Library, table: str, **words: Any) -> Link:
        """Offer a source as its department, and take it as the keeper of the library."""
        fusion = self.platform.fusion
        draft = LinkDraft(**{"table": table, "columns": COLUMNS, "key": ("身份证号", "姓名"), **words})
        giver = self.stranger if self.platform.tables.get(SYSTEM, table).org_id == OTHER else self.steward
        return fusion.agree(self.keeper, fusion.propose(giver, library.id, draft).id)

    def run(self, library: Library) -> FusionRun:
        self.clock.advance(timedelta(minutes=1))
        return self.platform.fusion.run_now(self.keeper, library.id)

    def rows(self, table: str, *, holding: bool = True) -> list[dict[str, Any]]:
        """Return the rows of a table as they lie in the lake, past the gate: tests may."""
        import pyarrow.parquet as pq

        files = self.platform.gate._lake.snapshot(table).files
        found = [row for file in files for row in pq.read_table(file).to_pylist()]
        return [row for row in found if not holding or row["valid_to"] is None]

    def golden(self, library: Library) -> dict[str, dict[str, Any]]:
        """Return the golden records that hold now, by name or number."""
        return {row["公民身份号码"] or row["姓名"]: row for row in self.rows(library.target)}
