"""What is left of a limit, in words: over a weekend a matter is late, not due on each of its days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beijiang.access import PersonDraft, Role
from beijiang.build import Platform, build
from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM, FixedClock
from beijiang.quality import Kind, RuleDraft, TicketQuery
from beijiang.settings import Settings

FRIDAY = datetime(2026, 3, 6, 4, 0, tzinfo=UTC)
"""The limit of ten working days ends on a Friday too: 2026-03-20."""
TABLE = "供暖登记"
PASSWORD = "Steppe-under-a-wide-sky-26"
ORIGIN = "https://testserver"


@pytest.fixture(scope="module")
def clock() -> FixedClock:
    return FixedClock(FRIDAY)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, clock: FixedClock) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("days")
    built = build(Settings.for_tests(folder, public_url=ORIGIN), clock)
    built.first_start()
    built.jobs.start_worker()
    draft = PersonDraft(login="a.steward", name="某专员", org_id="education", roles=frozenset({Role.STEWARD}))
    _, code = built.access.add_person(SYSTEM, draft)
    fresh = built.access.sign_in(draft.login, code, "tests")
    built.access.sign_out(built.access.change_password(fresh.actor, code, PASSWORD).token)
    for first in (1, 21):
        path = folder / f"{first}.csv"
        rows = "".join(f"{n},第{n}站,{'赤峰市' if n % 9 else ''}\n" for n in range(first, first + 20))
        path.write_text("编号,站名,盟市\n" + rows, encoding="utf-8")
        landed = built.ingest.land(SYSTEM, path, path.name, "education")
        run = built.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
        built.ingest.wait(SYSTEM, run)
        built.db.deliver_waiting()
        if first == 1:
            built.quality.add(SYSTEM, TABLE, RuleDraft(kind=Kind.NOT_NULL, columns=("盟市",)))
    yield built
    built.close()


def back_at_work(desk: Callable[..., Any]) -> Any:
    """Return the steward's browser, signed in anew: the session of days ago has ended."""
    steward = desk("steward")
    steward.post("/console/sign-in", {"login": "a.steward", "password": PASSWORD, "target": "/console"})
    return steward


@pytest.mark.parametrize(
    ("days", "zh", "en"),
    [
        (13, "剩 1 工作日", "1 working day left"),
        (14, "今天到期", "due today"),
        (15, "已超期", "late"),
        (16, "已超期", "late"),
        (17, "超期 1 工作日", "1 working day late"),
    ],
)
def test_a_ticket_says_on_its_page_and_in_the_list_the_same(
    office: Platform, desk: Callable[..., Any], clock: FixedClock, days: int, zh: str, en: str
) -> None:
    clock.at = FRIDAY + timedelta(days=days)
    ticket = office.tickets.tickets(SYSTEM, TicketQuery(table=TABLE))[0][0]
    assert ticket.due_on.isoformat() == "2026-03-20"
    steward = back_at_work(desk)
    for address in (f"/console/tickets/{ticket.id}", "/console/tickets"):
        for language, words in (("zh-CN", zh), ("en", en)):
            page = steward.get(f"{address}?lang={language}").text
            assert f"</span> {words}" in page or f">{words}<" in page, (address, language)


def test_what_waits_on_the_home_page_says_so_too(office: Platform, desk: Callable[..., Any], clock: FixedClock) -> None:
    clock.at = FRIDAY
    task = office.catalog.tasks_for(SYSTEM)[0]
    at = datetime(task.due_on.year, task.due_on.month, task.due_on.day, 4, tzinfo=UTC)
    assert at.weekday() == 4, "a Friday"
    for days, words in ((0, "今天到期"), (1, "已超期"), (3, "超期 1 工作日")):
        clock.at = at + timedelta(days=days)
        home = back_at_work(desk).get("/console?lang=zh-CN").text
        assert "等我处理" in home
        assert words in home
        assert ("今天到期" in home) is (days == 0)
