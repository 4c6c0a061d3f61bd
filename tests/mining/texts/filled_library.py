"""A library of legal entities filled from the real registers of the region, or from rows that are given."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.access import PersonDraft, Role
from beijiang.fusion import Element, LibraryDraft, LinkDraft
from beijiang.kit import SYSTEM, Actor, new_id
from beijiang.mining.models.texts.firms import core_of, places_of
from beijiang.platform import Platform
from beijiang.standards import Standards
from beijiang.tables import CommitRequest, WriteMode

REGISTERS = Path(__file__).parents[4] / "shared" / "data" / "enterprises"
TABLE = "登记的企业"
KEEPER = "bigdata"
SHARED_LEAST = 5
"""Characters of a short name from which sharing it is worth a test."""
PASSWORD = "Steppe-under-a-wide-sky-26"
"""That of the other people of these tests."""


def registered() -> Sequence[tuple[str, str]]:
    """Return name and code of every registered firm, as published."""
    found: dict[str, str] = {}
    for path in sorted(REGISTERS.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found[row["统一社会信用代码"]] = row["企业名称"]
    return [(name, code) for code, name in found.items()]


def some(firms: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Return every eighth firm, and all of those that share a short name with another."""
    places = places_of(Standards().table("regions"))
    cores = [core_of(name, places) for name, _ in firms]
    many = Counter(core for core in cores if len(core) >= SHARED_LEAST)
    return [one for n, (one, core) in enumerate(zip(firms, cores, strict=True)) if n % 8 == 0 or many[core] > 1]


def filled(platform: Platform, firms: Sequence[tuple[str, str]], org_id: str) -> Actor:
    """Fill the library of legal entities; return its keeper."""
    keeper = _person(platform, "librarian", KEEPER)
    giver = _person(platform, "registrar", org_id)
    registered_by(platform, firms, org_id)
    draft = LibraryDraft(
        kind="legal_entity",
        name="法人单位库",
        target="法人单位库",
        elements=(
            Element(name="统一社会信用代码", element="legal_entity.uscc"),
            Element(name="名称", element="legal_entity.entity_name"),
        ),
        key=("统一社会信用代码",),
    )
    library = platform.fusion.declare(keeper, draft)
    columns = {"统一社会信用代码": "代码", "名称": "名称"}
    link = platform.fusion.propose(giver, library.id, LinkDraft(table=TABLE, columns=columns, key=("代码",)))
    platform.fusion.agree(keeper, link.id)
    platform.fusion.run_now(keeper, library.id)
    return keeper


def registered_by(platform: Platform, firms: Sequence[tuple[str, str]], org_id: str) -> None:
    """Write names and codes as all that the register of an organisation holds."""
    table = pa.table({"名称": [name for name, _ in firms], "代码": [code for _, code in firms]})
    path = platform.settings.home / "staging" / f"{new_id('firms')}.parquet"
    pq.write_table(table, path)
    request = CommitRequest(
        table=TABLE, org_id=org_id, staged=(path,), schema=table.schema, mode=WriteMode.REPLACE, run_id=new_id("run")
    )
    platform.tables.commit(SYSTEM, request)


def _person(platform: Platform, login: str, org_id: str) -> Actor:
    draft = PersonDraft(login=login, name=login, org_id=org_id, roles=frozenset({Role.STEWARD}))
    _, code = platform.access.add_person(SYSTEM, draft)
    platform.access.change_password(platform.access.sign_in(login, code, "tests").actor, code, PASSWORD)
    return platform.access.actor_for_person(login)
