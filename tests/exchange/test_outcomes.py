"""What a dispute ends in takes effect: the request is worked at again, the grant is as it was, the entry has to be revised."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from dispute_steps import BASIS, CAPITAL, NAME, decided, partly, raised, refused
from exchange_bureau import BUREAU, OWNER, Bureau, People

from beijiang.access import PersonDraft, Role
from beijiang.catalog import ItemEdit, ResourceEdit, ShareType
from beijiang.exchange import (
    DisputeKind,
    DisputeQuery,
    DisputeState,
    Effect,
    GrantState,
    Move,
    Narrowing,
    Outcome,
    RequestState,
)
from beijiang.exchange import DisputeMove as D
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound, Wanted
from beijiang.quality import Doubt, TicketState
from beijiang.quality import Move as TicketMove

CITY = "盟市"


@pytest.fixture(autouse=True)
def _alone(bureau: Bureau) -> Any:
    yield
    bureau.end_all()


def test_a_refusal_that_was_yielded_is_worked_at_again_by_whom_it_was_refused(bureau: Bureau) -> None:
    request = refused(bureau)
    bureau.clock.at += timedelta(days=10)
    made = raised(bureau, DisputeKind.REFUSAL, request.id)
    done = bureau.platform.disputes.move(bureau["lead"], made.id, D.YIELD, "确属职责")
    assert (done.state, done.effect) == (DisputeState.SETTLED, Effect.REOPENED)
    view = bureau.exchange.request(bureau["lead"], request.id)
    assert (view.request.state, view.request.stage.id) == (RequestState.PROVIDER_REVIEW, "provider_decision")
    assert view.may_decide
    assert request.id in [one.id for one in bureau.exchange.waiting(bureau["lead"])], "the database says so as well"
    assert view.request.case.began == bureau.clock.now(), "its time runs anew"
    assert view.deadline.due > bureau.clock.now()
    assert view.steps[-1].move is Move.REOPEN
    assert view.steps[-1].detail["dispute"] == made.id
    granted = bureau.exchange.approve(bureau["lead"], request.id, "同意")
    assert granted.state is RequestState.APPROVED
    assert bureau.read("consumer")


def test_what_was_agreed_to_by_the_asker_changes_nothing(bureau: Bureau) -> None:
    request, disputes = refused(bureau), bureau.platform.disputes
    made = raised(bureau, DisputeKind.REFUSAL, request.id)
    disputes.move(bureau["lead"], made.id, D.KEEP, "超出职责")
    done = disputes.move(bureau["consumer"], made.id, D.AGREE)
    assert (done.state, done.effect) == (DisputeState.SETTLED, None)
    assert bureau.exchange.request(bureau["consumer"], request.id).request.state is RequestState.REFUSED


def test_a_decision_of_the_authority_binds_the_stage_that_refused(bureau: Bureau) -> None:
    request = refused(bureau, NAME, CAPITAL)
    done = decided(bureau, raised(bureau, DisputeKind.REFUSAL, request.id).id, Outcome.PARTLY)
    assert done.effect is Effect.REOPENED
    with pytest.raises(Conflict) as bound:
        bureau.exchange.refuse(bureau["lead"], request.id, "仍不同意")
    assert bound.value.reason == "bound_by_outcome"
    less = Narrowing(without=frozenset({CAPITAL}))
    given = bureau.exchange.approve(bureau["lead"], request.id, "按裁定", less)
    assert (given.state, given.offered.columns) == (RequestState.PARTLY_APPROVED, (NAME,))


def test_what_the_authority_rejected_stays_refused(bureau: Bureau) -> None:
    request = refused(bureau)
    done = decided(bureau, raised(bureau, DisputeKind.REFUSAL, request.id).id, Outcome.REJECTED)
    assert done.effect is None
    assert bureau.exchange.request(bureau["consumer"], request.id).request.state is RequestState.REFUSED


def test_an_approval_in_part_is_disputed_and_the_grant_grows_by_what_is_given_then(bureau: Bureau) -> None:
    request, whole = partly(bureau), bureau.granted(NAME)
    with pytest.raises(Invalid):
        raised(bureau, DisputeKind.NARROWING, bureau.exchange.grant(bureau["consumer"], whole.id).grant.request_id)
    made = raised(bureau, DisputeKind.NARROWING, request.id)
    assert made.against == OWNER
    bureau.exchange.revoke(SYSTEM, whole.id, "只看另一项")
    bureau.platform.disputes.move(bureau["lead"], made.id, D.YIELD, "可以提供")
    view = bureau.exchange.request(bureau["lead"], request.id)
    assert view.request.state is RequestState.PROVIDER_REVIEW
    assert set(view.request.offered.columns) == {NAME, CAPITAL}
    assert set(bureau.read("consumer")[0]) == {NAME}, "what was granted holds meanwhile"
    done = bureau.exchange.approve(bureau["lead"], request.id, "同意")
    assert (done.state, done.grant_id) == (RequestState.APPROVED, request.grant_id)
    assert set(bureau.read("consumer")[0]) == {NAME, CAPITAL}
    steps = bureau.exchange.grant(bureau["consumer"], done.grant_id).steps
    assert Move.RESTORE in [step.move for step in steps]


def test_one_taken_up_again_and_withdrawn_falls_back_on_what_it_had(bureau: Bureau) -> None:
    request = partly(bureau)
    made = raised(bureau, DisputeKind.NARROWING, request.id)
    bureau.platform.disputes.move(bureau["lead"], made.id, D.YIELD, "可以再议")
    done = bureau.exchange.withdraw(bureau["consumer"], request.id, "名称已够用")
    assert (done.state, done.offered.columns) == (RequestState.PARTLY_APPROVED, (NAME,))
    assert set(bureau.read("consumer")[0]) == {NAME}


def test_a_cut_that_was_not_upheld_is_undone_at_the_very_next_access(bureau: Bureau) -> None:
    grant = bureau.granted(NAME, CAPITAL)
    bureau.exchange.narrow(bureau["lead"], grant.id, Narrowing(without=frozenset({CAPITAL})), "只需名称")
    done = decided(bureau, raised(bureau, DisputeKind.NARROWING, grant.id).id, Outcome.UPHELD)
    assert done.effect is Effect.RESTORED
    assert set(bureau.read("consumer")[0]) == {NAME, CAPITAL}
    assert all(one.ended_at for one in bureau.platform.stops.of(bureau["consumer"], grant.id))


def test_an_ending_that_was_yielded_is_undone_unless_its_days_are_over(bureau: Bureau) -> None:
    grant = bureau.granted(NAME, CAPITAL)
    bureau.exchange.revoke(bureau["lead"], grant.id, "停止提供")
    made = raised(bureau, DisputeKind.REVOCATION, grant.id)
    bureau.platform.disputes.move(bureau["lead"], made.id, D.YIELD, "恢复")
    back = bureau.exchange.grant(bureau["consumer"], grant.id)
    assert (back.standing, back.grant.reason) == (GrantState.ACTIVE, "")
    assert bureau.read("consumer")
    with pytest.raises(Invalid):
        raised(bureau, DisputeKind.REVOCATION, grant.id)

    bureau.exchange.suspend(bureau["lead"], grant.id, "核对用途")
    late = raised(bureau, DisputeKind.REVOCATION, grant.id)
    bureau.clock.at += timedelta(days=91)
    bureau.platform.disputes.watch()
    done = bureau.platform.disputes.move(
        bureau["reviewer"], late.id, D.DECIDE, "应恢复", outcome=Outcome.UPHELD, basis=BASIS
    )
    assert done.effect is Effect.ASK_ANEW
    assert bureau.exchange.grant(bureau["consumer"], grant.id).standing is GrantState.EXPIRED


def test_a_correction_that_was_answered_wrongly_is_worked_at_again(bureau: Bureau) -> None:
    tickets = bureau.platform.tickets
    ticket = tickets.doubt(bureau["colleague"], bureau.resource.id, Doubt(words="单位像是万元", columns=(CAPITAL,)))
    tickets.move(bureau["steward"], ticket.id, TicketMove.ACCEPT)
    tickets.move(bureau["steward"], ticket.id, TicketMove.CONFIRM_RIGHT, "核实无误")
    done = decided(bureau, raised(bureau, DisputeKind.CORRECTION, ticket.id).id, Outcome.UPHELD)
    assert done.effect is Effect.TAKEN_UP
    view = tickets.ticket(bureau["steward"], ticket.id)
    assert (view.ticket.state, view.steps[-1].move) == (TicketState.ACCEPTED, TicketMove.REFUSE)


def test_an_entry_said_wrongly_is_revised_in_time_and_the_authority_hears_where_it_is_not(bureau: Bureau) -> None:
    disputes, catalog = bureau.platform.disputes, bureau.platform.catalog
    done = decided(bureau, raised(bureau, DisputeKind.TYPE, bureau.resource.id).id, Outcome.UPHELD)
    assert done.effect is Effect.TO_REVISE
    view = disputes.view(bureau["lead"], done.id)
    assert view.deadline is not None
    bureau.clock.at = view.deadline.due + timedelta(days=1)
    disputes.watch()
    assert disputes.view(bureau["lead"], done.id).steps[-1].move.value == "escalate"

    def published(edit: ResourceEdit) -> None:
        catalog.edit(bureau["steward"], bureau.resource.id, edit)
        catalog.submit(bureau["steward"], bureau.resource.id)
        catalog.approve(bureau["reviewer"], bureau.resource.id)
        catalog.publish(bureau["publisher"], bureau.resource.id)

    published(ResourceEdit(summary="只改了说明"))
    assert disputes.view(bureau["lead"], done.id).dispute.effect is Effect.TO_REVISE, "what was disputed is as it was"
    published(ResourceEdit(items=(ItemEdit(column=CITY, share_type=ShareType.UNCONDITIONAL),)))
    view = disputes.view(bureau["lead"], done.id)
    assert (view.dispute.effect, view.steps[-1].move) == (Effect.REVISED, D.CARRIED_OUT)
    assert view.dispute.ended_at == done.ended_at
    assert (AlertKind.REQUEST_OVERDUE, done.id) not in bureau.platform.alerts.open()


def test_the_silent_are_told_to_answer_at_once(bureau: Bureau) -> None:
    request = bureau.asked(CAPITAL)
    bureau.exchange.approve(bureau["reviewer"], request.id, "材料齐全")
    bureau.clock.at += timedelta(days=60)
    made = raised(bureau, DisputeKind.SILENCE, request.id)
    done = bureau.platform.disputes.move(bureau["lead"], made.id, D.YIELD, "马上办理")
    assert done.effect is Effect.TO_ANSWER
    last = bureau.exchange.request(bureau["consumer"], request.id).steps[-1]
    assert (last.move, last.detail["dispute"]) == (Move.ESCALATE, made.id)
    bureau.exchange.withdraw(bureau["consumer"], request.id, "不再需要")


def test_the_authority_that_is_silent_is_disputed_too(bureau: Bureau) -> None:
    request = bureau.asked(CAPITAL)
    bureau.clock.at += timedelta(days=60)
    made = raised(bureau, DisputeKind.SILENCE, request.id)
    assert made.against == BUREAU
    assert D.KEEP in bureau.platform.disputes.view(bureau["reviewer"], made.id).moves
    bureau.exchange.withdraw(bureau["consumer"], request.id, "不再需要")


def test_nobody_judges_what_they_decided_raised_or_answered(bureau: Bureau) -> None:
    disputes, access = bureau.platform.disputes, bureau.platform.access
    request = bureau.exchange.refuse(bureau["reviewer"], bureau.asked(CAPITAL).id, "材料不符")
    made = raised(bureau, DisputeKind.REFUSAL, request.id)
    assert made.against == BUREAU, "the side that refused, not the provider who never saw it"
    with pytest.raises(NotFound):
        disputes.move(bureau["lead"], made.id, D.KEEP, "不是我们的决定")
    disputes.move(bureau["reviewer"], made.id, D.KEEP, "仍缺授权书")
    disputes.move(bureau["consumer"], made.id, D.APPEAL, "请裁定")
    assert not set(disputes.view(bureau["reviewer"], made.id).moves) & {D.DECIDE}
    mine = DisputeQuery(mine=True)
    assert made.id not in [one.id for one in disputes.dispute_part(bureau["reviewer"], mine, Wanted()).rows]
    with pytest.raises(Denied) as own:
        disputes.move(bureau["reviewer"], made.id, D.DECIDE, "维持", outcome=Outcome.REJECTED, basis=BASIS)
    assert own.value.reason == "own_dispute"
    second, _ = access.add_person(
        SYSTEM, PersonDraft(login="second", name="second", org_id=BUREAU, roles=frozenset({Role.BUREAU_REVIEWER}))
    )
    bureau.people["second"] = second.as_actor(None)
    assert made.id in [one.id for one in disputes.dispute_part(bureau["second"], mine, Wanted()).rows]
    assert [one.id for one in disputes.waiting(bureau["second"])].count(made.id) == 1
    done = disputes.move(bureau["second"], made.id, D.DECIDE, "应受理", outcome=Outcome.UPHELD, basis=BASIS)
    assert done.effect is Effect.REOPENED
    assert bureau.exchange.request(bureau["reviewer"], request.id).request.state is RequestState.FORMAL_REVIEW
    bureau.exchange.withdraw(bureau["consumer"], request.id, "不再需要")


def test_who_is_away_is_stood_in_for_in_disputes(bureau: Bureau) -> None:
    disputes = bureau.platform.disputes
    request = refused(bureau)
    made = raised(bureau, DisputeKind.REFUSAL, request.id)
    with pytest.raises(NotFound):
        disputes.move(bureau["deputy"], made.id, D.YIELD, "同意")
    given = bureau.exchange.delegate(bureau["lead"], "deputy", bureau.today, bureau.today, "出差")
    assert made.id in [one.id for one in disputes.waiting(bureau["deputy"])]
    mine = disputes.dispute_part(bureau["deputy"], DisputeQuery(mine=True), Wanted()).rows
    assert made.id in [one.id for one in mine]
    disputes.move(bureau["deputy"], made.id, D.YIELD, "确属职责")
    last = disputes.view(bureau["lead"], made.id).steps[-1]
    assert (last.by, last.behalf) == (bureau["deputy"].id, bureau["lead"].name)
    bureau.exchange.end_delegation(bureau["lead"], given.id)
    bureau.exchange.withdraw(bureau["consumer"], request.id, "不再需要")


def test_the_effect_is_told_by_the_api(bureau: Bureau) -> None:
    people, request = People(bureau), refused(bureau)
    at = "/api/v1/exchange/disputes"
    order = {"kind": "refusal", "subject": request.id, "words": "核查属法定职责"}
    made = people["consumer"].post(at, json=order).json()
    assert made["effect"] is None
    people["lead"].post(f"{at}/{made['id']}/move", json={"move": "yield", "words": "同意"})
    assert people["consumer"].get(f"{at}/{made['id']}").json()["effect"] == "reopened"
    bureau.exchange.withdraw(bureau["consumer"], request.id, "不再需要")
