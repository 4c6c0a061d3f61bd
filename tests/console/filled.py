"""Lists filled to the size of a region: libraries, streams, one's own notices, alerts, words of the public, systems, services."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import delete

from beijiang.catalog import Entry, GovernmentSystem, Network, SystemDraft, SystemState
from beijiang.catalog.store import SystemStore
from beijiang.exchange import Service, ServiceState
from beijiang.exchange.store import ServiceStore
from beijiang.fusion import Element, FusionRun, Library, Link, LinkState, Pair, PairState, RunTrigger
from beijiang.fusion.store import DecisionStore, LibraryStore
from beijiang.ingest import Alert, AlertKind, StreamKind, StreamState
from beijiang.ingest.store.alerts import AlertStore
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import SYSTEM, Text
from beijiang.notices import Notice, NoticeKind
from beijiang.notices.store import NoticeStore
from beijiang.notices.store.notices import notice
from beijiang.opendata import Outcome, VoiceKind, VoiceState
from beijiang.opendata.store import VoiceStore
from beijiang.opendata.voices import Voice
from beijiang.standards import Proposal, ProposalState
from beijiang.standards.store import ProposalStore

NAMES = ("阿拉善牧户", "包头企业（一）", "赤峰学校", "鄂尔多斯矿山", "Hulun river", "呼和浩特公交")
HUGE = 3_000_000_000
"""More rows than a plain integer of PostgreSQL holds."""


def name(n: int) -> str:
    return f"{NAMES[n % len(NAMES)]}{n:04d}"


def make_libraries(office: Any, first: int, last: int) -> None:
    """Make libraries: every fourth has not run yet, the runs of others have failed since, sources and pairs differ."""
    now, kinds = office.clock.now(), [model.kind for model in office.fusion.models(SYSTEM)]
    with office.db.begin() as tx:
        store, queue = LibraryStore(tx.connection), DecisionStore(tx.connection)
        for n in range(first, last):
            made = Library(
                id=f"lib_{n:06d}",
                revision=1,
                kind=kinds[n % len(kinds)],
                name=name(n),
                org_id=("education", "health")[n % 2],
                target=f"{name(n)}库",
                prefix="X",
                elements=(Element(name="编号"),),
                key=("编号",),
                owner=SYSTEM,
                at=now,
            )
            store.add(made)
            for number in range(n % 5):
                state = list(LinkState)[(n + number) % 4]
                store.add_link(_link(made, number, state, now))
            if n % 4:
                at = now - timedelta(days=n % 15, hours=1)
                store.add_run(_run(made, n, at=at - timedelta(days=1), subjects=1, version=1))
                store.add_run(_run(made, n, at=at, subjects=HUGE + n, version=2))
                store.add_run(_run(made, n, at=at + timedelta(minutes=5), subjects=0, version=None))
            found = [_pair(made, number, now) for number in range(n % 3)]
            assert queue.renew(made.id, found) == len(found)


def _link(library: Library, number: int, state: LinkState, at: Any) -> Link:
    return Link(
        id=f"lnk_{library.id}_{number}",
        library_id=library.id,
        number=number,
        table=f"来源{number}",
        org_id="education",
        columns={"编号": "编号"},
        state=state,
        asked_by=SYSTEM,
        at=at,
    )


def _run(library: Library, n: int, *, at: Any, subjects: int, version: int | None) -> FusionRun:
    return FusionRun(
        id=f"{library.id}_{version}",
        library_id=library.id,
        revision=1,
        at=at,
        trigger=RunTrigger.ASKED,
        by="x",
        seconds=1.0,
        version=version,
        records=subjects + n,
        subjects=subjects,
    )


def _pair(library: Library, number: int, at: Any) -> Pair:
    return Pair(
        id=f"par_{library.id}_{number}",
        library_id=library.id,
        left=f"l{number}",
        right=f"r{number}",
        left_source=0,
        right_source=1,
        probability=0.7,
        levels={},
        against=False,
        state=PairState.WAITING,
        found_at=at,
    )


def make_streams(office: Any, first: int, last: int, org_id: str = "education") -> None:
    """Make streams as the process that serves them writes them down; it is stopped, or it would serve these too."""
    office.streams.stop()
    now = office.clock.now()
    trouble = {"code": "x", "zh": "连接中断", "en": "the connection broke"}
    with office.db.begin() as tx:
        store = StreamStore(tx.connection)
        for n in range(first, last):
            which, at = f"stm_{org_id}_{n:06d}", now - timedelta(days=n % 15, hours=1)
            values = {
                "id": which,
                "org_id": org_id,
                "name": name(n),
                "kind": list(StreamKind)[n % 2].value,
                "table_name": f"{name(n)}流{org_id}",
                "key": [],
                "options": {},
                "secrets": {},
                "state": list(StreamState)[n % 2].value,
                "created_at": at,
                "created_by": f"某{n % 3}",
            }
            store.add(values, SYSTEM)
            live = {"per_second": n % 7 / 10, "last_message_at": at.isoformat(timespec="seconds")}
            troubled = {"trouble": trouble} if n % 9 == 4 else {}
            store.change(
                which, landed=n, trouble=trouble if n % 11 == 3 else None, live={**live, **troubled} if n % 3 else {}
            )


def make_notices(office: Any, first: int, last: int, login: str = "a.steward") -> None:
    """Make notices of one person, most of them of actions that an older release knew, which show themselves."""
    office.notices.stop()  # or it would tell of what the tests do meanwhile
    now, whose = office.clock.now(), office.access.actor_for_person(login)
    kinds = list(NoticeKind)
    made = [
        Notice(
            id=f"ntc_{login}_{n:06d}",
            person_id=whose.id,
            fact=f"fact_{login}_{n}",
            action="exchange.request_submit" if n % len(kinds) == 0 else f"older.release_{n % len(kinds)}0",
            kind=kinds[n % len(kinds)],
            subject="older",
            thing=f"thing_{n // 2}",
            at=now - timedelta(days=n % 15, hours=1),
        )
        for n in range(first, last)
    ]
    with office.db.begin() as tx:
        if (
            first == 0
        ):  # what other tests of the office brought about names things, which the database does not look through
            tx.connection.execute(delete(notice).where(notice.c.person_id == whose.id))
        store = NoticeStore(tx.connection)
        assert len(store.add(made, {one.fact: 1_000_000 + n for n, one in enumerate(made, first)})) == len(made)
        for n, one in enumerate(made, first):
            if n % 3 == 0:
                store.read(whose.id, now, notice_id=one.id)


def make_alerts(office: Any, first: int, last: int) -> None:
    """Make alerts: open ones, some of which somebody looks after, and those whose reason is gone."""
    office.dispatcher.stop()  # or it would tell of what is late meanwhile
    now, kinds = office.clock.now(), (AlertKind.RELEASE, AlertKind.RUN_FAILED, AlertKind.QUALITY)
    with office.db.begin() as tx:
        store = AlertStore(tx.connection)
        for n in range(first, last):
            at = now - timedelta(days=n % 15, hours=1)
            told = {"acknowledged_at": now, "acknowledged_by": f"某{n % 3}", "answer": f"答{n}"} if n % 3 else {}
            store.add(
                Alert(
                    id=f"alt_{n:06d}",
                    org_id="education",
                    kind=kinds[n % 3],
                    subject=f"subject_{n}",
                    text=Text(f"{name(n)} 未更新", f"{name(n)} is late"),
                    opened_at=at,
                    closed_at=now if n % 5 == 1 else None,
                    **told,
                )
            )


def make_voices(office: Any, first: int, last: int) -> None:
    """Make words of the public with one department; those that wait have no time, so nobody is reminded of them."""
    now = office.clock.now()
    with office.db.begin() as tx:
        store = VoiceStore(tx.connection)
        for n in range(first, last):
            state = list(VoiceState)[n % len(VoiceState)]
            store.add(
                Voice(
                    id=f"voi_{n:06d}",
                    kind=list(VoiceKind)[n % len(VoiceKind)],
                    dataset_id="res_1",
                    dataset_title=f"集{name(n)}" if n % 2 else "",
                    org_id="education",
                    title=name(n),
                    words="请改正",
                    by="",
                    contact="",
                    digest="",
                    state=state,
                    case=None,
                    created_at=now - timedelta(days=n % 15, hours=1, seconds=n),
                    changed_at=now,
                    outcome=list(Outcome)[n % len(Outcome)] if state is VoiceState.ANSWERED else None,
                    hidden=n % 7 == 0,
                    ended_at=now - timedelta(minutes=n) if state.is_over else None,
                )
            )
            for number in range(n % 4):
                store.support(f"voi_{n:06d}", f"prs_{number}", now)


def make_systems(office: Any, first: int, last: int) -> None:
    """Make systems in the inventory; every third has entries."""
    now = office.clock.now()
    pattern = office.catalog.register(SYSTEM, Entry(name=f"系统的目录{first}", provider_id="education"))
    with office.db.begin() as tx:
        store = SystemStore(tx.connection)
        for n in range(first, last):
            draft = SystemDraft(
                name=name(n),
                purpose=f"办{n}" if n % 2 else "",
                state=list(SystemState)[n % len(SystemState)],
                network=list(Network)[n % len(Network)],
                database=("达梦", "金仓", "")[n % 3],
                since=now.date() - timedelta(days=n % 90) if n % 4 else None,
                contact=f"某{n % 5}",
            )
            made = GovernmentSystem(
                id=f"sys_{n:06d}", org_id="education", draft=draft, changed_at=now - timedelta(minutes=n)
            )
            store.add(made)
            if n % 3 == 0:
                store.link(made.id, pattern.id)


def make_services(office: Any, first: int, last: int) -> None:
    """Make services in every state, of two departments; nothing probes them, since none has a version."""
    now = office.clock.now()
    with office.db.begin() as tx:
        store = ServiceStore(tx.connection)
        for n in range(first, last):
            at = now - timedelta(days=n % 15, hours=1, seconds=n)
            store.add(
                Service(
                    id=f"svc_{n:06d}",
                    name=name(n),
                    purpose=f"查询{n}",
                    resource_id=f"res_{n}",
                    resource_name=f"录{name(n)}",
                    provider_id="health" if n % 6 == 5 else "education",  # paused ones, which everybody may know of
                    state=(ServiceState.DRAFT, ServiceState.RETIRED, ServiceState.PAUSED)[n % 3],
                    live=n or None,
                    newest=n + 1,
                    by=f"person_{n % 3}",
                    by_name=f"某{n % 3}",
                    created_at=at,
                    changed_at=at,
                )
            )


def make_proposals(office: Any, first: int, last: int) -> None:
    """Make proposals for standards in every state, most of one department."""
    now = office.clock.now()
    with office.db.begin() as tx:
        store = ProposalStore(tx.connection)
        for n in range(first, last):
            made = Proposal(
                id=f"pro_{n:06d}",
                org_id="health" if n % 5 == 0 else "education",
                changes=(),
                about=(f"新增 数据元 {name(n)}",),
                size=n,
                valid_from=now.date() + timedelta(days=n % 30),
                reason=f"{name(n)} 的数据元",
                by=f"person_{n % 3}",
                by_name=f"某{n % 3}",
                at=now - timedelta(days=n % 15, hours=1),
            )
            store.add(made)
            state = list(ProposalState)[n % len(ProposalState)]
            if state is not ProposalState.OPEN:
                store.decide(replace(made, state=state, decided_by="p", decided_name=f"官{n % 2}", decided_at=now))
