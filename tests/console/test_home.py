"""The home of every role: each count is what its list shows, and more rows cost no more statements."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from beijiang.access import PersonDraft, Role
from beijiang.console.tiles import tiles
from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM
from statements import asked

TILE = re.compile(r'<li[^>]*><a href="([^"]+)"><b>(?:<span[^>]*>■</span> )?([\d,]+)(\+?)</b>')
SUMS = re.compile(r"/console/quarantine\?_sort=-(open|fixed)")


def counts(page: str) -> list[tuple[str, int, bool]]:
    return [
        (href.replace("&amp;", "&"), int(number.replace(",", "")), bool(more))
        for href, number, more in TILE.findall(page)
    ]


@pytest.fixture(scope="module", autouse=True)
def busy(office: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give every role something to see: a table and its entry, a failed run, rows to mend, an account without a role."""
    folder = tmp_path_factory.mktemp("busy")
    good = folder / "食堂.csv"
    good.write_text("编号,名称,座位\n" + "".join(f"{n},第{n}食堂,{n}\n" for n in range(1, 30)), encoding="utf-8")
    mixed = folder / "食堂二.csv"
    mixed.write_text(
        "编号,名称,座位\n" + "".join(f"{n},第{n}食堂,{n if n % 9 else '很多'}\n" for n in range(1, 200)),
        encoding="utf-8",
    )
    bad = folder / "坏.csv"
    bad.write_text("编号,名称,座位\n" + "".join(f"{n},第{n}食堂,若干\n" for n in range(1, 30)), encoding="utf-8")
    for path in (good, mixed, bad):
        landed = office.ingest.land(SYSTEM, path, path.name, "education")
        run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into="食堂"))
        office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()
    office.access.add_person(SYSTEM, PersonDraft(login="no.role", name="无角色", org_id="education", roles=frozenset()))


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_each_count_is_what_its_list_shows(desk: Callable[..., Any], role: str) -> None:
    person = desk(role)
    page = person.get("/console").text
    found = counts(page)
    assert found or role == "member"
    for href, count, more in found:
        answer = person.get(href)
        assert answer.status_code == 200, href
        if SUMS.match(href):
            column = 1 if "open" in href else 2
            cells = [re.findall(r'<td class="n">(?:<a[^>]*>)?([\d,]+)', row) for row in answer.text.split("<tr>")[1:]]
            assert count == sum(int(row[column - 1].replace(",", "")) for row in cells if len(row) >= column), href
        elif href == "/console/health":
            assert count == answer.text.count("需处理"), href
        else:
            shown = re.search(r'data-found="(\d+)"', answer.text)
            assert count == (int(shown[1]) if shown else 0), href
            assert more is False or "更早的" in answer.text


def test_the_counts_are_not_all_nothing(desk: Callable[..., Any]) -> None:
    """A run that failed, rows to mend, an entry to do and an account without a role are each counted."""
    steward = {
        href.partition("?")[0]: count for href, count, _ in counts(desk("steward").get("/console").text) if count
    }
    assert {"/console/runs", "/console/catalog", "/console/quarantine"} <= set(steward)
    security = {href: count for href, count, _ in counts(desk("sec_admin").get("/console").text)}
    assert security["/console/people?_only.standing=no_role"] >= 1


def test_more_rows_cost_no_more_statements(office: Any) -> None:
    people = {p.login: p for p in office.access.people(SYSTEM)}

    def statements(login: str) -> int:
        actor = people[login].as_actor("session")
        tiles(office, actor)  # what is known for a while is looked up
        with asked(office.db) as told:
            tiles(office, actor)
        return len(told)

    logins = [f"a.{role.value}" for role in Role]
    before = {login: statements(login) for login in logins}
    assert any(before.values())
    for n in range(8):
        draft = PersonDraft(login=f"more.{n}", name=f"又{n}", org_id="education", roles=frozenset())
        office.access.add_person(SYSTEM, draft)
    for n in range(4):
        path = office.settings.home / f"更多{n}.csv"
        path.write_text("编号,名称\n1,甲\n2,乙\n", encoding="utf-8")
        landed = office.ingest.land(SYSTEM, path, path.name, "education")
        run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=f"更多{n}"))
        office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()
    for login in logins:
        assert statements(login) <= before[login], login
    assert max(before.values()) < 80
