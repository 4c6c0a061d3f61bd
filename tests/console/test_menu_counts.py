"""The numbers of the menu: what each list would show, whoever looks, in the same statements for ten things and five hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from beijiang.access import PersonDraft, Role
from beijiang.build import Platform, build
from beijiang.catalog import Entry
from beijiang.console.menu import NOTICES, RECALLS, TEMPLATES, TICKETS, VOICES
from beijiang.console.service import Console
from beijiang.exchange import ClaimState, ClaimTask, Duty, DutyState, Recall, Remedy, Template
from beijiang.exchange.store import RecallStore, TemplateStore
from beijiang.kit import SYSTEM, Actor
from beijiang.opendata import Voice, VoiceKind, VoiceState
from beijiang.opendata.store import VoiceStore
from beijiang.quality import Origin, Severity, Ticket, TicketLimit, TicketQuery, TicketState
from beijiang.quality.store import TicketStore
from beijiang.settings import Settings
from statements import asked

from .filled import make_notices

FEW, MANY = 10, 500
ORGS = ("education", "health", "bigdata")
TODAY = date(2026, 11, 27)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Build a platform whose threads are not started, so that nothing happens besides; with all roles in three departments."""
    built = build(Settings.for_tests(tmp_path_factory.mktemp("menu")))
    built.first_start()
    for org in ORGS:
        for role in Role:
            held, home = frozenset({role}), None if role is Role.MEMBER else org
            draft = PersonDraft(login=f"{org}.{role.value}", name=role.value, org_id=home, roles=held)
            built.access.add_person(SYSTEM, draft)
    yield built
    built.close()


def make(office: Platform, first: int, last: int) -> None:
    """Make duties, claims, words of the public, tickets and notices of every standing, to and from three departments."""
    now = office.clock.now()
    with office.db.begin() as tx:
        recalls, templates = RecallStore(tx.connection), TemplateStore(tx.connection)
        for n in range(first, last):
            mine, other, third = (ORGS[(n + k) % 3] for k in range(3))
            recall = Recall(
                id=f"rec_{n}", resource_id="res_1", resource_name="甲", table="甲", provider_id=mine, versions=(1,),
                reason="错", remedy=Remedy.DELETE, by="x", by_name="某", at=now - timedelta(minutes=n), served=None, outside=0,
            )  # fmt: skip
            states = list(DutyState)
            duties = [
                Duty(recall_id=recall.id, org_id=org, reads=1, last_at=now, state=states[(n + k) % 3])
                for k, org in enumerate((other, third))
            ]
            recalls.add(recall, duties)
            entry = Entry(name=f"甲{n}", provider_id=mine, provider_name="某", items=())
            standard = Template(
                id=f"tpl_{n}", org_id=mine, resource_id=f"res_{n}", entry=entry, basis="据", by_name="某",
                created_at=now, changed_at=now,
            )  # fmt: skip
            templates.add(standard)
            for k, org in enumerate(ORGS):
                templates.add_task(
                    ClaimTask(
                        id=f"clm_{n}_{k}", template_id=standard.id, template_version=1, name="甲", org_id=org,
                        state=list(ClaimState)[(n + k) % 7], created_at=now, changed_at=now,
                    )
                )  # fmt: skip
            VoiceStore(tx.connection).add(_voice(n, other, now))
            TicketStore(tx.connection).add(_ticket(office, n, now))
    for org in ORGS:
        make_notices(office, first, last, f"{org}.steward")


def _voice(n: int, org: str, now: Any) -> Voice:
    state = list(VoiceState)[n % 5]
    return Voice(
        id=f"voi_{n}", kind=VoiceKind.REQUEST, dataset_id="", dataset_title="", title="甲", words="要", by="", contact="",
        org_id="" if state is VoiceState.RECEIVED and n % 2 else org, digest=f"d{n}", state=state, case=None,
        created_at=now, changed_at=now,
    )  # fmt: skip


def _ticket(office: Platform, n: int, now: Any) -> Ticket:
    state, origin = list(TicketState)[n % 7], list(Origin)[n % 2]
    opener = office.access.actor_for_person(f"{ORGS[(n + 1) % 3]}.steward")
    return Ticket(
        id=f"tic_{n}", table="甲", org_id=ORGS[n % 3], origin=origin, state=state, title=f"甲{n}", severity=Severity.MAJOR,
        rule_id=f"rule_{n}" if origin is Origin.RUN else None, opened_by=opener.id, opened_name="某",
        opened_org=opener.org_id, opened_at=now, started_on=TODAY,
        limit=TicketLimit("correction.handle", 10, "据", verified=True), due_on=TODAY + timedelta(days=n % 9),
        provisional=False, closed_at=now if state.is_over else None, changed_at=now,
    )  # fmt: skip


def test_the_menu_counts_what_waits_in_as_many_statements_for_many_as_for_few(office: Platform) -> None:
    console = Console(office)
    people = [office.access.actor_for_person(f"{org}.{role.value}") for org in ORGS for role in Role]
    lists: Mapping[str, Callable[[Actor], int]] = {
        RECALLS: lambda who: len(office.recalls.waiting(who)),
        TEMPLATES: lambda who: len(office.templates.waiting(who)),
        VOICES: lambda who: len(office.voices.waiting(who)),
        TICKETS: lambda who: len(office.tickets.waiting(who)),
        NOTICES: lambda who: sum(one.notice.read_at is None for one in office.notices.notices(who)),
    }

    def counts(who: Actor) -> dict[str, int]:
        return {link.href: link.count for section in console.menu(who) for link in section.links if link.href in lists}

    def statements(who: Actor) -> list[str]:
        console.menu(who)  # what is known for a while is looked up
        with asked(office.db) as told:
            console.menu(who)
        return told

    make(office, 0, FEW)
    few = {who.name + str(who.org_id): statements(who) for who in people}
    some = [counts(who) for who in people]
    for who, found in zip(people, some, strict=True):
        assert found == {href: lists[href](who) for href in found}, who
    make(office, FEW, MANY)
    for who in people:
        told = statements(who)
        before = few[who.name + str(who.org_id)]
        assert len(told) == len(before), [one for one in told if one not in before]
    many = {(str(who.org_id), who.name): counts(who) for who in people}
    for who in people:
        found = many[str(who.org_id), who.name]
        assert found | {NOTICES: 0} == {href: lists[href](who) for href in found} | {NOTICES: 0}, who
        assert found.get(NOTICES, 0) == sum(office.notices.unread(who).values())
    for href in lists:
        assert any(found.get(href, 0) > FEW for found in many.values()), href
        assert any(found.get(href, 0) == 0 for found in many.values()), href


def test_a_count_is_of_what_is_one_s_own_alone(office: Platform) -> None:
    """People of a department that received nothing, issued nothing and was asked nothing count nothing."""
    if not office.tickets.tickets(SYSTEM, TicketQuery())[1]:
        make(office, 0, FEW)
    for role in (Role.STEWARD, Role.ORG_REVIEWER):
        login = f"elsewhere.{role.value}"
        draft = PersonDraft(login=login, name="某", org_id="forestry", roles=frozenset({role}))
        office.access.add_person(SYSTEM, draft)
        menu = Console(office).menu(office.access.actor_for_person(login))
        counted = {link.href: link.count for section in menu for link in section.links}
        assert {RECALLS, TEMPLATES, TICKETS, NOTICES} <= set(counted), login
        assert not any(counted.values()), login
