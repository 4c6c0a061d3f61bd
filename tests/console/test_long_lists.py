"""The console's long lists at the size of a region: narrowed, counted, sorted and cut by the database, to the last row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import statements
from beijiang.access import Person, PersonDraft, Role
from beijiang.access.store import PersonStore
from beijiang.build import build
from beijiang.catalog import Entry, ShareType, State, SystemQuery
from beijiang.catalog.store import ResourceStore
from beijiang.console.finding import find
from beijiang.console.listing import ONLY, SORT, Ask, Choice, Listing, Table
from beijiang.console.lists import (
    alert_table,
    demand_table,
    dispute_table,
    entry_table,
    finding_table,
    grant_table,
    job_table,
    library_table,
    notice_table,
    people_table,
    proposal_table,
    push_table,
    request_table,
    run_table,
    service_table,
    stream_table,
    system_table,
    ticket_table,
    voice_table,
)
from beijiang.exchange import (
    Demand,
    DemandDraft,
    DemandQuery,
    DemandState,
    Dispute,
    DisputeKind,
    DisputeQuery,
    DisputeState,
    Evaluation,
    Fulfilment,
    Grant,
    GranteeKind,
    GrantQuery,
    GrantState,
    Item,
    Outcome,
    Push,
    PushMode,
    PushQuery,
    PushState,
    RequestDraft,
    RequestQuery,
    RequestState,
    Terms,
    Way,
)
from beijiang.exchange import Request as ShareRequest
from beijiang.exchange.models.flows import flow_of
from beijiang.exchange.store import DemandStore, DisputeStore, GrantStore, PushStore, RequestStore
from beijiang.ingest import IngestRequest, RunState
from beijiang.ingest.store import IngestStore
from beijiang.jobs import JobState
from beijiang.jobs.store import JobStore
from beijiang.kit import SYSTEM, Language, Text, Wanted
from beijiang.notices import NoticeQuery
from beijiang.opendata import VoiceQuery
from beijiang.protection import Handling
from beijiang.quality import (
    Call,
    Finding,
    FindingState,
    Monitor,
    Origin,
    Severity,
    Ticket,
    TicketLimit,
    TicketQuery,
    TicketState,
)
from beijiang.quality.store import MonitorStore, TicketStore
from beijiang.settings import Settings
from beijiang.standards import begin, deadline, pause
from beijiang.standards.models.deadlines import PauseReason
from beijiang.tables import CommitRequest, WriteMode

from .filled import (
    make_alerts,
    make_libraries,
    make_notices,
    make_proposals,
    make_services,
    make_streams,
    make_systems,
    make_voices,
)

FEW, MANY = 200, 1000
HUGE = 3_000_000_000
"""More rows than a plain integer of PostgreSQL holds."""
NAMES = ("阿拉善牧户", "包头企业（一）", "赤峰学校", "鄂尔多斯矿山", "Hulun river", "呼和浩特公交")
TODAY = date(2026, 11, 27)


def terms(n: int) -> Terms:
    since = TODAY + timedelta(days=n % 5 - 2)
    return Terms(
        items=(Item("座位", Handling.AS_IS),),
        ways=frozenset({Way.API}),
        since=since,
        until=TODAY + timedelta(days=n % 90 - 20),
    )


def name(n: int) -> str:
    return f"{NAMES[n % len(NAMES)]}{n:04d}"


def make_people(office: Any, first: int, last: int) -> None:
    now = office.clock.now()
    with office.db.begin() as tx:
        store = PersonStore(tx.connection)
        for n in range(first, last):
            roles = [frozenset[Role](), frozenset({Role.STEWARD}), frozenset({Role.STEWARD, Role.ANALYST})][n % 3]
            made = Person(
                id=f"prs_{n:06d}", login=f"p{n:06d}", name=name(n), org_id=("education", "health")[n % 2], roles=roles,
                must_set_password=True, disabled_at=None, created_at=now - timedelta(days=n % 15, hours=1),
            )  # fmt: skip
            store.add(made, "x", now)
            if n % 7 == 0:
                store.set_disabled(made.id, now)


def make_jobs(office: Any, first: int, last: int) -> None:
    office.jobs.stop()  # or it would begin what is to stand there as waiting
    now = office.clock.now()
    with office.db.begin() as tx:
        store = JobStore(tx.connection)
        for n in range(first, last):
            which = f"job_{n:06d}"
            at = now - timedelta(days=n % 15, hours=1)
            store.add(which, f"work.{n % 3}", actor=SYSTEM, org_id="education", arguments={}, key=None, at=at)
            store.mark_dispatched(which, at)
            if n % 4:
                state = JobState.FAILED if n % 4 == 1 else JobState.DONE
                store.end(which, state, at, error={"zh": f"坏{n}", "en": f"bad {n}"} if n % 4 == 1 else None)


def make_runs(office: Any, first: int, last: int) -> None:
    now = office.clock.now()
    with office.db.begin() as tx:
        store = IngestStore(tx.connection)
        for n in range(first, last):
            order = IngestRequest(files=(), into=name(n), org_id="education")
            at = now - timedelta(days=n % 15, hours=1)
            store.add_run(f"run_{n:06d}", f"job_{n:06d}", order, (), actor=("p", f"某{n % 3}"), at=at)
            if n % 4:
                state = (RunState.COMMITTED, RunState.FAILED, RunState.STOPPED)[n % 4 - 1]
                report = {"read": HUGE + n, "good": HUGE + n - n % 3, "bad": n % 3} if n % 4 != 2 else None
                store.end_run(f"run_{n:06d}", state, now, report=report)


def make_grants(office: Any, first: int, last: int) -> None:
    now = office.clock.now()
    states = (GrantState.ACTIVE, GrantState.ACTIVE, GrantState.SUSPENDED, GrantState.REVOKED)
    with office.db.begin() as tx:
        store = GrantStore(tx.connection)
        for n in range(first, last):
            store.add(
                Grant(
                    id=f"gra_{n:06d}",
                    request_id=None,
                    resource_id="res_1",
                    resource_name=name(n),
                    table=name(n),
                    provider_id="education",
                    org_id=("health", "bigdata")[n % 2],
                    grantee_kind=GranteeKind.ORGANISATION,
                    grantee_id="health",
                    terms=terms(n),
                    levels={},
                    purpose="service",
                    use="用",
                    basis="据",
                    agreement="",
                    state=states[n % 4],
                    revision=1,
                    made_at=now - timedelta(minutes=n),
                )
            )


def make_requests(office: Any, first: int, last: int) -> None:
    now = office.clock.now()
    states = (RequestState.APPROVED, RequestState.REFUSED, RequestState.WITHDRAWN)
    with office.db.begin() as tx:
        store = RequestStore(tx.connection)
        for n in range(first, last):
            at = now - timedelta(minutes=n)
            over = {"state": states[n % 3], "decided_at": at - timedelta(days=n % 15, hours=1)}
            store.add(replace(asked(n, "req", at), **over))


def make_reviewed(office: Any, first: int, last: int) -> None:
    """Make requests that the steward may decide on, each with a time of its own; some stand still, some are late."""
    now, works, zone = office.clock.now(), office.standards.calendar, office.exchange.parts.zone
    rule = replace(
        office.standards.limit("share.reply.conditional", "education"), unit="hour", value="240", can_pause=True
    )
    stage = next(one for one, _ in flow_of("flows") if one.id == "provider_opinion")
    with office.db.begin() as tx:
        store = RequestStore(tx.connection)
        for n in range(first, last):
            at = now - timedelta(days=n % 40, minutes=n % 600 + 30)  # no time ends while the test looks
            case = begin(rule, at)
            if n % 11 == 0:
                case = pause(case, PauseReason.PAPERS, at.date())
            over = {"state": RequestState.PROVIDER_REVIEW, "decided_at": now - timedelta(days=n % 15, hours=1)}
            # Urged already, or the platform would write to each of them meanwhile.
            made = replace(asked(n, "rev", at), stages=(stage,), case=case, urged=99, **over)
            store.add(made, deadline(case, now, works, zone))


def asked(n: int, prefix: str, at: datetime) -> ShareRequest:
    draft = RequestDraft(resource_id="res_1", terms=terms(n), purpose="service", use=f"用途{n}", basis="据")
    return ShareRequest(
        id=f"{prefix}_{n:06d}",
        org_id=("health", "bigdata")[n % 2],
        by=f"person_{n % 3}",
        by_name=f"某{n % 3}",
        draft=draft,
        resource_name=name(n),
        resource_version=1,
        table=name(n),
        provider_id="education",
        state=RequestState.APPROVED,
        stages=(),
        at_stage=0,
        offered=terms(n),
        case=None,
        urged=0,
        revision=1,
        created_at=at,
        submitted_at=at,
        grant_id=None,
    )


def make_entries(office: Any, first: int, last: int) -> None:
    pattern = office.catalog.register(SYSTEM, Entry(name=f"样{first}", provider_id="education"))
    now = office.clock.now()
    with office.db.begin() as tx:
        made = [
            replace(
                pattern,
                id=f"res_{n:06d}",
                entry=replace(pattern.entry, name=name(n), share_type=(ShareType.CONDITIONAL, None)[n % 2]),
                updated_at=now - timedelta(minutes=n),
                published_at=now - timedelta(days=n % 15, hours=1) if n % 3 else None,
                state=State.PUBLISHED if n % 3 else State.DRAFT,
            )
            for n in range(first, last)
        ]
        assert ResourceStore(tx.connection).add_all(made)


def watched(office: Any) -> str:
    """Write the table that monitors found something in: findings are shown of tables that are there."""
    table, path = "监测过的表", office.settings.home / "watched.parquet"
    if table not in office.tables.names(SYSTEM):
        rows = pa.table({"名称": ["甲"]})
        pq.write_table(rows, path)
        order = CommitRequest(
            table=table,
            org_id="education",
            staged=(path,),
            schema=rows.schema,
            mode=WriteMode.REPLACE,
            run_id="watched",
        )
        office.tables.commit(SYSTEM, order)
    return table


def make_findings(office: Any, first: int, last: int) -> None:
    now, table = office.clock.now(), watched(office)
    with office.db.begin() as tx:
        store = MonitorStore(tx.connection)
        for n in range(first, last):
            call = Call(
                monitor=list(Monitor)[n % 3], aspect="rows", column=f"c{n}", severity=list(Severity)[n % 3],
                words=Text(f"{name(n)} 行数失常", f"{name(n)} has unusual rows"),
            )  # fmt: skip
            state = list(FindingState)[n % 4]
            until = TODAY + timedelta(days=n % 9) if state is FindingState.SNOOZED else None
            at = now - timedelta(days=n % 15, hours=1)
            store.add(
                Finding(
                    id=f"qmf_{n:06d}",
                    table=table,
                    org_id="education",
                    version=n,
                    call=call,
                    at=at,
                    state=state,
                    until=until,
                )
            )


def make_tickets(office: Any, first: int, last: int) -> None:
    now = office.clock.now()
    with office.db.begin() as tx:
        store = TicketStore(tx.connection)
        for n in range(first, last):
            state = list(TicketState)[n % 7]
            at = now - timedelta(days=n % 15, hours=1)
            origin = list(Origin)[n % 2]
            store.add(
                Ticket(
                    id=f"tic_{n:06d}",
                    table=name(n),
                    org_id=("education", "health")[n % 3 == 0],
                    origin=origin,
                    state=state,
                    title=f"{name(n)} 非空",
                    rule_id=f"rule_{n}" if origin is Origin.RUN else None,
                    severity=list(Severity)[n % 3],
                    failing=HUGE + n,
                    assessed=HUGE + n,
                    opened_by=f"person_{n % 3}",
                    opened_name=f"某{n % 3}",
                    opened_org="education",
                    opened_at=at,
                    started_on=TODAY,
                    limit=TicketLimit("correction.handle", 10, "据", verified=True),
                    due_on=TODAY + timedelta(days=n % 20 - 5),
                    provisional=False,
                    closed_at=now if state.is_over else None,
                    changed_at=at,
                )
            )


def make_demands(office: Any, first: int, last: int) -> None:
    now = office.clock.now()
    with office.db.begin() as tx:
        store = DemandStore(tx.connection)
        for n in range(first, last):
            at = now - timedelta(minutes=n)
            store.add(
                Demand(
                    id=f"dem_{n:06d}",
                    org_id=("education", "health")[n % 2],
                    by=f"person_{n % 3}",
                    by_name=f"某{n % 3}",
                    draft=DemandDraft(title=name(n), items=f"座位{n}", purpose="service", use="用"),
                    state=list(DemandState)[n % 10],
                    source_org="education" if n % 2 else (None, "bigdata")[n % 3 == 2],
                    fulfilment=(None, *Fulfilment)[n % 3],
                    supply_by=TODAY + timedelta(days=n % 30) if n % 3 == 2 else None,
                    evaluation=(None, *Evaluation)[n % 4],
                    created_at=at,
                    changed_at=at,
                )
            )


def make_disputes(office: Any, first: int, last: int) -> None:
    now = office.clock.now()
    with office.db.begin() as tx:
        store = DisputeStore(tx.connection)
        for n in range(first, last):
            at = now - timedelta(minutes=n)
            store.add(
                Dispute(
                    id=f"dsp_{n:06d}",
                    kind=list(DisputeKind)[n % 7],
                    org_id=("education", "health")[n % 2],
                    by=f"person_{n % 3}",
                    by_name=f"某{n % 3}",
                    against="education" if n % 2 else "bigdata",
                    subject=f"req_{n}",
                    title=name(n),
                    words="不同意",
                    state=list(DisputeState)[n % 6],
                    outcome=(None, *Outcome)[n % 4],
                    created_at=at,
                    changed_at=at,
                )
            )


def make_pushes(office: Any, first: int, last: int) -> None:
    now = office.clock.now()
    with office.db.begin() as tx:
        store = PushStore(tx.connection)
        for n in range(first, last):
            store.add(
                Push(
                    id=f"psh_{n:06d}",
                    grant_id=f"gra_{n:06d}",
                    org_id=("education", "health")[n % 2],
                    provider_id="education" if n % 2 else "bigdata",
                    table=name(n),
                    resource_name=name(n),
                    name=f"送{name(n)}",
                    kind=("webhook", "sftp")[n % 2],
                    target=f"host-{n:04d}",
                    options={},
                    secrets={},
                    mode=list(PushMode)[n % len(PushMode)],
                    timing=None,
                    owner_id="p",
                    owner_name="某",
                    created_at=now - timedelta(minutes=n),
                    state=(PushState.PAUSED, PushState.STOPPED, PushState.ENDED)[
                        n % 3
                    ],  # the platform works at live ones
                    why=Text("歇", "rests") if n % 3 == 1 else None,
                    version=n or None,
                    delivered_at=now - timedelta(days=n % 15, hours=1) if n % 4 else None,
                )
            )


CALLED = {"health": "卫健委", "education": "教育厅"}

LISTS: dict[str, tuple[str, str, Callable[[Any, int, int], None], Callable[[Any, Any], Table[Any]]]] = {
    "people": ("sys_admin", "/console/people", make_people, lambda o, a: people_table(o, a, {"education": "教育厅"})),
    "jobs": ("sys_admin", "/console/jobs", make_jobs, job_table),
    "runs": ("steward", "/console/runs", make_runs, run_table),
    "grants": ("steward", "/console/grants?state=all", make_grants, lambda o, a: grant_table(o, a, GrantQuery(), {"health": "卫健委"})),
    "requests": ("steward", "/console/sharing?show=all", make_requests, lambda o, a: request_table(o, RequestQuery(), {"health": "卫健委"}, actor=a)),
    "reviews": ("steward", "/console/sharing?show=mine", make_reviewed, lambda o, a: request_table(o, RequestQuery(mine=True), {"health": "卫健委"}, actor=a)),
    "catalog": ("steward", "/console/catalog", make_entries, entry_table),
    "findings": ("steward", "/console/quality-findings", make_findings, finding_table),
    "tickets": ("steward", "/console/tickets?state=all", make_tickets, lambda o, a: ticket_table(o, a, TicketQuery(), CALLED)),
    "demands": ("steward", "/console/demands?show=all", make_demands, lambda o, a: demand_table(o, a, DemandQuery(), CALLED)),
    "disputes": ("steward", "/console/disputes?show=all", make_disputes, lambda o, a: dispute_table(o, a, DisputeQuery(), CALLED)),
    "libraries": ("steward", "/console/libraries", make_libraries, lambda o, a: library_table(o, a, CALLED)),
    "streams": ("steward", "/console/streams", make_streams, lambda o, a: stream_table(o, a, CALLED)),
    "notices": ("steward", "/console/notices", make_notices, lambda o, a: notice_table(o, a, NoticeQuery())),
    "pushes": ("steward", "/console/pushes", make_pushes, lambda o, a: push_table(o, a, PushQuery(), CALLED)),
    "alerts": ("steward", "/console/alerts?closed=yes", make_alerts, lambda o, a: alert_table(o, a, CALLED, closed=True)),
    "voices": ("org_reviewer", "/console/voices?show=all", make_voices, lambda o, a: voice_table(o, a, VoiceQuery(), CALLED)),
    "proposals": ("steward", "/console/standards/proposals?state=all", make_proposals, lambda o, a: proposal_table(o, a, None, CALLED)),
    "systems": ("steward", "/console/systems", make_systems, lambda o, a: system_table(o, a, SystemQuery(), CALLED)),
    "services": ("steward", "/console/services", make_services, lambda o, a: service_table(o, a, CALLED)),
}  # fmt: skip
"""Every list of the console that has no limit: who looks, where, how it is filled, and what it is made of."""


def page(path: str, **words: str) -> str:
    return path + ("&" if "?" in path else "?") + "&".join(f"{k}={quote(v)}" for k, v in words.items())


@pytest.mark.parametrize("key", LISTS)
def test_the_database_says_what_looking_through_all_rows_says(
    office: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sort by every column both ways, narrow by every value, look for words: both ways of looking agree.

    In both languages where what is shown or its order may differ by them; a value, which does not, in one and the next in the other.
    """
    role, _, make, table_of = LISTS[key]
    actor = office.access.actor_for_person(f"a.{role}")
    make(office, 0, FEW)
    table = table_of(office, actor)
    assert table.part is not None
    rows = table.part(Wanted(limit=None)).rows
    plain = replace(table, part=None, rows=rows)

    def told(choice: Choice) -> list[tuple[str, int]]:
        return sorted((called, number) for _, called, number in choice.options if number)

    def seen(what: Table[Any], *pairs: tuple[str, str], language: Language = Language.ZH) -> Listing[Any]:
        ask = Ask(path=table.path, pairs=pairs, language=language, zone=ZoneInfo("Asia/Shanghai"))
        return Listing.of(what, ask)

    codes = {(c.name, called): code for c in seen(plain).choices for code, called, _ in c.options}

    def both(*pairs: tuple[str, str], name: str = "", languages: Sequence[Language] = tuple(Language)) -> None:
        other_pairs = [
            (key, codes[key, name]) if name and key.startswith(ONLY) else (key, value) for key, value in pairs
        ]
        for language in languages:
            ours = seen(table, *pairs, language=language)
            other = seen(plain, *other_pairs, language=language)
            assert [line.key for line in ours.lines] == [line.key for line in other.lines], (pairs, language)
            assert ours.found == other.found, pairs
            assert [told(c) for c in ours.choices] == [told(c) for c in other.choices], pairs

    for column in table.columns:
        if column.sorts:
            both((SORT, column.key))
            both((SORT, f"-{column.key}"))
    for choice in seen(table).choices:
        for at, (code, called, number) in enumerate(choice.options):
            both((choice.name, code), name=called, languages=[list(Language)[at % len(Language)]])
            assert seen(table, (choice.name, called)).found == number, "a view kept by an older release holds the name"
    for words in (
        "牧户",
        "HULUN",
        "0007",
        "没有这样的",
        "失败",
        "100%_",
        "企业（一）",
        "企业(一)",
        "企业（一）０００１",
    ):
        both(("_find", words), (SORT, table.columns[0].key))
    both((ONLY + "no_such", "1"), (SORT, "no_such"), ("_page", "999"))
    monkeypatch.setattr("beijiang.console.listing.FILE_MOST", 7)
    assert seen(table).file_lines() == seen(plain).file_lines()
    assert len(seen(table).file_lines()) == 8


@pytest.mark.parametrize("key", LISTS)
def test_a_list_of_a_thousand_is_walked_to_its_last_row_with_no_more_statements_than_one_of_two_hundred(
    office: Any, desk: Callable[..., Any], key: str
) -> None:
    role, path, make, table_of = LISTS[key]
    browser, actor = desk(role), office.access.actor_for_person(f"a.{role}")

    def look() -> Sequence[str]:
        pairs = (("_find", "0"), (SORT, "-state"), (ONLY + "age", "recent"), ("_page", "2"))
        ask = Ask(path="/", pairs=pairs, language=Language.ZH, zone=ZoneInfo("Asia/Shanghai"))
        while (
            True
        ):  # what is remembered of organisations is read again after a change, and the office is at work beside us
            Listing.of(table_of(office, actor), ask)
            changes = office.db.changes()
            with statements.asked(office.db) as found:
                assert Listing.of(table_of(office, actor), ask).page == 2
            if office.db.changes() == changes:
                return found

    if table_of(office, actor).part(Wanted(limit=0)).found < FEW:  # type: ignore[misc] - alone, without the test before
        make(office, 0, FEW)
    few = look()
    make(office, FEW, MANY)
    many = look()
    assert len(many) == len(few), [one for one in many if one not in few]
    first = browser.get(path).text
    found = int(re.search(r'data-found="(\d+)"', first)[1])  # type: ignore[index]
    assert found >= MANY
    assert "只含最近" not in first
    last = -(-found // 50)
    end = browser.get(page(path, _page=str(last))).text
    assert f"{last} / {last}" in end
    listed = end.split('id="list-')[1].split("</tbody>")[0]
    assert listed.count("<tr>") - 1 == found - 50 * (last - 1)
    told = browser.get(page(path, _as="csv")).content.decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(told)))) == found + 1


def test_postgresql_narrows_counts_and_sorts_every_list_too(postgres_url: str, tmp_path: Path) -> None:
    built = build(Settings.for_tests(tmp_path, database_url=postgres_url))
    built.first_start()
    made = {}
    for role in ("sys_admin", "steward", "org_reviewer"):
        held = frozenset({Role(role)})
        draft = PersonDraft(login=f"a.{role}", name=role, org_id="education", roles=held)
        built.access.add_person(SYSTEM, draft)
        made[role] = built.access.actor_for_person(f"a.{role}")
    for role, _, make, table_of in LISTS.values():
        make(built, 0, 60)
        table = table_of(built, made[role])
        assert table.part is not None
        plain = replace(table, part=None, rows=table.part(Wanted(limit=None)).rows)
        assert len(plain.rows) >= 60

        def look(what: Table[Any], *pairs: tuple[str, str]) -> Listing[Any]:
            ask = Ask(path=what.path, pairs=pairs, language=Language.ZH, zone=ZoneInfo("Asia/Shanghai"))
            return Listing.of(what, ask)

        for column in table.columns:
            if column.sorts:
                assert len(look(table, (SORT, f"-{column.key}")).lines) == 50, (table.key, column.key)
        for choice in look(table).choices:
            for code, _, number in choice.options:
                assert look(table, (choice.name, code)).found == number, (table.key, choice.name)
        for words in ("牧户", "HULUN", "0007", "失败", "企业（一）", "企业(一)", "\x00", "牧户\x00"):
            assert look(table, ("_find", words)).found == look(plain, ("_find", words)).found, (table.key, words)
            assert look(table, (ONLY + table.columns[0].key, "\x00")).table is table
    assert find(built, made["steward"], (), "企业（一）0001\x00")
    built.close()
