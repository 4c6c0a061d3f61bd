"""The home of every role: each count is what its list shows, and more rows cost no more statements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from beijiang.access import KeyDraft, PersonDraft, Role
from beijiang.build import Platform, build
from beijiang.console.tiles import tiles
from beijiang.evidence import HoldDraft, HoldKind
from beijiang.ingest import IngestRequest
from beijiang.kit import ANONYMOUS, SYSTEM
from beijiang.opendata import VoiceDraft, VoiceKind
from beijiang.settings import Settings
from statements import asked
from waiting import until

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
    office.access.add_person(SYSTEM, PersonDraft(login="no.role", name="无角色", org_id="education", roles=frozenset()))

    def all_done() -> bool:
        office.db.deliver_waiting()
        return all(job.ended for job in office.jobs.jobs(SYSTEM))

    until(all_done)
    office.stop()  # a check or a watch that ends between a count and its list would change what the second shows


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    changes = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("postgres_url")}
    built = build(Settings.for_tests(tmp_path, **changes))
    built.first_start()
    yield built
    built.close()


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_each_count_is_what_its_list_shows(desk: Callable[..., Any], role: str) -> None:
    person = desk(role)
    page = person.get("/console").text
    found = counts(page)
    assert found or role == "member"
    waiting = page.partition('id="tiles-waiting"')[2].partition("</section>")[0]
    waits = any(count for _, count, _ in counts(waiting))
    assert not (waits and "没有等您处理的事项" in page), "the words below say what the counts say"
    folded = "".join(
        part.partition("</details>")[0] for part in page.partition('class="tiles"')[2].split("<details>")[1:]
    )
    assert [one for one in found if not one[1]] == counts(folded), "what stands at zero is folded, and nothing else is"
    for href, count, more in found:
        answer = person.get(href)
        assert answer.status_code == 200, href
        if SUMS.match(href):
            column = 1 if "open" in href else 2
            cells = [re.findall(r'<td class="n">(?:<a[^>]*>)?([\d,]+)', row) for row in answer.text.split("<tr>")[1:]]
            assert count == sum(int(row[column - 1].replace(",", "")) for row in cells if len(row) >= column), href
        elif href.startswith("/console/libraries"):
            assert count == sum(int(n.replace(",", "")) for n in re.findall(r'/pairs"[^>]*>([\d,]+)<', answer.text)), (
                href
            )
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


def test_what_others_wait_for_is_counted(office: Any, desk: Callable[..., Any]) -> None:
    """A key that ends soon, a hold that a second person confirms, tasks of a plan on red, and words of the public."""
    people = {p.login: p.as_actor("session") for p in office.access.people(SYSTEM)}
    office.access.issue_key(
        people["a.steward"], KeyDraft(name="短", scopes=frozenset({"catalog:resource:read"}), days=5)
    )
    office.access.issue_key(
        people["a.steward"], KeyDraft(name="长", scopes=frozenset({"catalog:resource:read"}), days=90)
    )
    office.holds.ask(people["a.sec_admin"], HoldDraft(HoldKind.TABLE, "食堂", "立案通知"))
    today = office.plan.today
    loaded = office.plan.load(
        people["a.bureau_reviewer"], plan="旧", since=today - timedelta(days=400), due_on=today - timedelta(days=30)
    )
    office.voices.raise_(ANONYMOUS, VoiceDraft(kind=VoiceKind.REQUEST, title="食堂检查", words="请开放食堂数据。"))

    def told(role: str) -> dict[str, int]:
        return {href: count for href, count, _ in counts(desk(role).get("/console").text)}

    assert told("steward")["/console/keys?ending=soon"] == 1
    assert (told("audit_admin")["/console/holds"], told("sec_admin")["/console/holds"]) == (1, 0)
    reviewer = told("bureau_reviewer")
    assert reviewer["/console/plan?show=late"] == loaded > 0
    assert (reviewer["/console/plan?show=reported"], reviewer["/console/voices?show=mine"]) == (0, 1)
    for role in Role:
        test_each_count_is_what_its_list_shows(desk, role.value)


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


def test_the_home_examines_the_platform_on_either_database(either: Platform) -> None:
    """Health re-hashes the whole log in a transaction of its own, which no snapshot of the page may hold."""
    draft = PersonDraft(login="ops", name="运维", org_id="bigdata", roles=frozenset({Role.SYS_ADMIN}))
    actor = either.access.add_person(SYSTEM, draft)[0].as_actor("session")
    with either.db.snapshot():
        either.evidence.note(actor, "tests.noted", target="late")
        either.evidence.flush()
        either.evidence.note_head()
        assert either.evidence.check().problems == ()
    ill = sum(1 for finding in either.health.examine() if not finding.ok)
    assert [tile.count for tile in tiles(either, actor) if tile.href == "/console/health"] == [ill]


def test_a_refusal_of_this_moment_is_counted(either: Platform) -> None:
    draft = PersonDraft(login="audit", name="审计", org_id="bigdata", roles=frozenset({Role.AUDIT_ADMIN}))
    actor = either.access.add_person(SYSTEM, draft)[0].as_actor("session")

    def refusals() -> list[int]:
        return [tile.count for tile in tiles(either, actor) if tile.href.startswith("/console/evidence?decision=deny")]

    [before] = refusals()
    either.evidence.note(actor, "tests.refused", target="late", decision="deny")
    assert refusals() == [before + 1]
