"""Whose turn it is, asked of the database for all requests at once: it says what is said of each request alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

from exchange_bureau import COUNTY, OTHER, OWNER, Bureau
from sqlalchemy import text

from beijiang.exchange import Delegation, Move, Request, RequestQuery, RequestState, Step
from beijiang.exchange.models.flows import flow_of
from beijiang.exchange.store import RequestStore
from beijiang.kit import SYSTEM, Wanted, new_id
from beijiang.standards import CaseState

CAPITAL = "注册资本"
PEOPLE = ("consumer", "colleague", "banner", "steward", "lead", "deputy", "reviewer", "publisher")
STATES = {"formal_review": RequestState.FORMAL_REVIEW, "authority_decision": RequestState.AUTHORITY_REVIEW}


def made(bureau: Bureau, pick: random.Random) -> tuple[Request, list[Step]]:
    """Return a request at some stage, with a history that may or may not keep somebody from deciding."""
    draft = bureau.draft(CAPITAL)
    stages = [stage for stage, _ in flow_of("flows")]
    at, by = pick.randrange(len(stages)), bureau[pick.choice(PEOPLE)]
    request = Request(
        id=new_id("req"), org_id=pick.choice((OTHER, COUNTY)), by=by.id, by_name=by.name, draft=draft, resource_name="批",
        resource_version=1, table="批", provider_id=pick.choice((OWNER, OTHER)), offered=draft.terms, revision=1,
        state=STATES.get(stages[at].id, RequestState.PROVIDER_REVIEW), stages=tuple(stages), at_stage=at,
        created_at=bureau.clock.now(), submitted_at=bureau.clock.now() - timedelta(minutes=pick.randrange(99)),
    )  # fmt: skip
    if pick.random() < 0.2:
        over = pick.choice((RequestState.SUPPLEMENT, RequestState.REFUSED, RequestState.APPROVED))
        request = Request(**{**{n: getattr(request, n) for n in request.__dataclass_fields__}, "state": over})
    steps = []
    for _ in range(pick.randrange(4)):
        who, behalf = bureau[pick.choice(PEOPLE)], bureau[pick.choice(PEOPLE)]
        move = pick.choice((Move.SUBMIT, Move.SUPPLY, Move.APPROVE, Move.NARROW, Move.REFUSE, Move.URGE, Move.REOPEN))
        detail = {"behalf": behalf.id} if pick.random() < 0.3 else {}
        steps.append(
            Step(
                matter_id=request.id, at=bureau.clock.now(), by=who.id, name=who.name, org_id=who.org_id, move=move,
                stage=pick.choice(stages).id, words="", detail=detail,
            )
        )  # fmt: skip
    return request, steps


def lend(bureau: Bureau, *pairs: tuple[str, str]) -> None:
    with bureau.platform.db.begin() as tx:
        for number, (by, to) in enumerate(pairs):
            one, other = bureau[by], bureau[to]
            RequestStore(tx.connection).add_delegation(
                Delegation(
                    id=new_id("del"), org_id=one.org_id, by=one.id, by_name=by, to=other.id, to_name=to, since=bureau.today,
                    until=bureau.today, reason="x", at=bureau.clock.now() + timedelta(seconds=number),
                )
            )  # fmt: skip


def test_the_database_says_of_all_what_is_said_of_each(bureau: Bureau) -> None:
    pick, exchange = random.Random(7), bureau.exchange  # noqa: S311 - any requests will do, the same each time
    known: list[tuple[Request, Sequence[Step]]] = []
    with bureau.platform.db.begin() as tx:
        store = RequestStore(tx.connection)
        for _ in range(300):
            request, steps = made(bureau, pick)
            store.add(request)
            known.append((request, [store.add_step(step) for step in steps]))
    lend(bureau, ("steward", "deputy"), ("lead", "deputy"), ("reviewer", "publisher"), ("consumer", "lead"))
    mine = {request.id for request, _ in known}
    waits: dict[str, set[str]] = {}
    try:
        for login in (*PEOPLE, "SYSTEM"):
            actor = SYSTEM if login == "SYSTEM" else bureau[login]
            found = [one for one in exchange.waiting(actor) if one.id in mine]
            alone = {request.id for request, steps in known if exchange._may_decide(actor, request, steps) is None}
            assert {one.id for one in found} == alone, login
            assert [one.submitted_at for one in found] == sorted(one.submitted_at for one in found)
            waits[login] = alone
    finally:
        with bureau.platform.db.begin() as tx:
            tx.execute(text("DELETE FROM exchange_request WHERE resource_name = '批'"))
            tx.execute(text("UPDATE exchange_delegation SET ended_at = at WHERE reason = 'x'"))
    assert all(waits[login] for login in ("steward", "lead", "deputy", "reviewer")), "each has something to decide"
    assert not waits["banner"]


def test_a_time_that_moves_by_itself_is_written_down_for_the_lists(bureau: Bureau) -> None:
    exchange, query = bureau.exchange, RequestQuery()
    request = bureau.asked(CAPITAL)
    exchange.approve(bureau["reviewer"], request.id)

    def written(which: str) -> dict[str, object]:
        with bureau.platform.db.read() as connection:
            return RequestStore(connection).times()[which]

    due = exchange.due(exchange.request(bureau["consumer"], request.id).request)
    first = written(request.id)
    assert (first["due_on"], first["warned_at"], first["late_at"]) == (due.last_day, due.warnings[0], due.due)

    def paced(word: str) -> set[str]:
        wanted = Wanted(only={"pace": word}, limit=None)
        return {one.id for one in exchange.request_part(bureau["steward"], query, wanted).rows}

    assert request.id not in paced("soon") | paced("late")
    with bureau.platform.db.begin() as tx:  # as a release before left it
        tx.execute(text("UPDATE exchange_request SET due_on = NULL, warned_at = NULL, late_at = NULL"))
    exchange.watch()
    assert written(request.id) == first
    bureau.clock.at = due.due + timedelta(hours=1)
    assert exchange.due(exchange.request(bureau["consumer"], request.id).request).state is CaseState.OVERDUE
    assert request.id in paced("late")
    exchange.refuse(bureau["steward"], request.id, "逾期")
    with bureau.platform.db.read() as connection:
        assert request.id not in RequestStore(connection).times()


def test_no_time_runs_for_what_is_over_however_it_ended(bureau: Bureau) -> None:
    exchange, consumer, reviewer = bureau.exchange, bureau["consumer"], bureau["reviewer"]
    withdrawn, sent_back, refused = (bureau.asked(CAPITAL) for _ in range(3))
    for one in (withdrawn, sent_back, refused):
        exchange.approve(reviewer, one.id)
    exchange.ask_more(bureau["steward"], sent_back.id, "请补充系统名称")
    for one in (withdrawn, sent_back):
        exchange.withdraw(consumer, one.id, "业务取消")
    exchange.refuse(bureau["steward"], refused.id, "用途不明确")
    granted = exchange.grant(consumer, bureau.granted(CAPITAL).id).grant.request_id
    ended = bureau.clock.at
    bureau.clock.at += timedelta(days=90)
    exchange.watch()
    over = {withdrawn.id, sent_back.id, refused.id, granted}
    with bureau.platform.db.read() as connection:
        rows = connection.execute(
            text("SELECT id, stage, asks, due_on, warned_at, late_at FROM exchange_request WHERE state <> 'draft'")
        )
        kept = {row.id: tuple(row[1:]) for row in rows}
    assert {kept[one] for one in over} == {(None,) * 5}
    for one in over:
        request = exchange.request(consumer, one).request
        assert (exchange.due(request).state, request.case.answered) == (CaseState.ANSWERED, ended)
        assert exchange.due(request).paused_days == 0
    for word in ("soon", "late"):
        wanted = Wanted(only={"pace": word}, limit=None)
        assert not over & {one.id for one in exchange.request_part(consumer, RequestQuery(), wanted).rows}
