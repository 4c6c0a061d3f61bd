"""What a dispute ends in undoes what was disputed, and nothing that happened meanwhile; nobody judges their own matter."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from dispute_steps import BASIS, CAPITAL, NAME, decided, partly, raised, refused
from exchange_bureau import BUREAU, OTHER, OWNER, TABLE, Bureau
from sqlalchemy import text

from beijiang.access import PersonDraft, Role
from beijiang.exchange import (
    DisputeKind,
    DisputeQuery,
    Effect,
    GranteeKind,
    GrantState,
    Move,
    Narrowing,
    Outcome,
    RequestState,
)
from beijiang.exchange import DisputeMove as D
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, Wanted

WITHOUT_CAPITAL = Narrowing(without=frozenset({CAPITAL}))


@pytest.fixture(autouse=True)
def _alone(bureau: Bureau) -> Any:
    yield
    for one in bureau.exchange.requests(SYSTEM)[0]:
        if not one.state.is_over and one.state is not RequestState.DRAFT:
            bureau.exchange.withdraw(bureau["consumer"], one.id, "下一个测试")
    bureau.end_all()


def later(bureau: Bureau, **time: int) -> None:
    bureau.clock.at += timedelta(**(time or {"minutes": 1}))


def yielded(bureau: Bureau, kind: DisputeKind, subject: str) -> Any:
    return bureau.platform.disputes.move(bureau["lead"], raised(bureau, kind, subject).id, D.YIELD, "接受")


def another(bureau: Bureau, login: str, org: str, *roles: Role) -> None:
    if login not in bureau.people:
        draft = PersonDraft(login=login, name=login, org_id=org, roles=frozenset(roles))
        bureau.people[login] = bureau.platform.access.add_person(SYSTEM, draft)[0].as_actor(None)


def test_an_approval_lifts_no_suspension_that_nobody_disputed(bureau: Bureau) -> None:
    exchange, request = bureau.exchange, partly(bureau)
    yielded(bureau, DisputeKind.NARROWING, request.id)
    exchange.suspend(bureau["lead"], request.grant_id, "发现超范围使用")
    done = exchange.approve(bureau["lead"], request.id, "同意")
    grant = exchange.grant(bureau["consumer"], done.grant_id).grant
    assert (grant.state, grant.terms.columns) == (GrantState.SUSPENDED, (NAME, CAPITAL))
    assert set(bureau.read("consumer")[0]) == {NAME}, "that one every department may have"
    back = yielded(bureau, DisputeKind.REVOCATION, grant.id)
    assert back.effect is Effect.RESTORED, "what gave more did not end the suspension, which is disputed by itself"
    assert set(bureau.read("consumer")[0]) == {NAME, CAPITAL}


def test_a_suspension_that_was_disputed_is_lifted_by_the_decision_on_it_and_a_later_one_is_not(bureau: Bureau) -> None:
    exchange = bureau.exchange
    for again, state in ((False, GrantState.ACTIVE), (True, GrantState.SUSPENDED)):
        grant = bureau.granted(NAME, CAPITAL)
        exchange.suspend(bureau["lead"], grant.id, "核对用途")
        done = decided(bureau, raised(bureau, DisputeKind.REVOCATION, grant.id).id, Outcome.PARTLY)
        assert done.effect is Effect.REOPENED
        if again:
            exchange.resume(bureau["lead"], grant.id, "恢复")
            exchange.suspend(bureau["lead"], grant.id, "另一件事")
        exchange.approve(bureau["lead"], grant.request_id, "只给名称", WITHOUT_CAPITAL)
        held = exchange.grant(bureau["consumer"], grant.id).grant
        assert (held.state, held.terms.columns) == (state, (NAME,))


def test_what_was_revoked_meanwhile_does_not_come_back_through_its_request(bureau: Bureau) -> None:
    request = partly(bureau)
    made = raised(bureau, DisputeKind.NARROWING, request.id)
    bureau.exchange.revoke(bureau["lead"], request.grant_id, "滥用")
    assert decided(bureau, made.id, Outcome.UPHELD).effect is Effect.ASK_ANEW
    assert bureau.exchange.request(bureau["consumer"], request.id).request.state is RequestState.PARTLY_APPROVED


def test_a_request_whose_days_are_over_is_not_taken_up_again(bureau: Bureau) -> None:
    request = bureau.asked(CAPITAL, until=bureau.today + timedelta(days=3))
    bureau.exchange.refuse(bureau["reviewer"], request.id, "材料不符")
    made = raised(bureau, DisputeKind.REFUSAL, request.id)
    later(bureau, days=4)
    done = bureau.platform.disputes.move(bureau["reviewer"], made.id, D.YIELD, "应受理")
    assert done.effect is Effect.ASK_ANEW


def test_a_cut_of_a_grant_that_was_not_asked_for_is_undone_to_the_terms_before(bureau: Bureau) -> None:
    draft = bureau.draft(NAME, CAPITAL)
    grant = bureau.exchange.give(bureau["lead"], OTHER, draft, "主动提供")
    with bureau.platform.db.begin() as tx:  # as a release before left it
        tx.execute(text("UPDATE exchange_step SET detail = '{}' WHERE matter_id = :id"), {"id": grant.id})
    bureau.exchange.narrow(bureau["lead"], grant.id, WITHOUT_CAPITAL, "只需名称")
    assert yielded(bureau, DisputeKind.NARROWING, grant.id).effect is Effect.RESTORED
    assert bureau.exchange.grant(bureau["consumer"], grant.id).grant.terms == grant.terms


def test_terms_that_nobody_knows_any_more_are_not_made_up(bureau: Bureau) -> None:
    grant = bureau.granted(NAME, CAPITAL)
    bureau.exchange.narrow(bureau["lead"], grant.id, WITHOUT_CAPITAL, "只需名称")
    cut = bureau.exchange.grant(bureau["consumer"], grant.id).grant.terms.to_json()
    with bureau.platform.db.begin() as tx:  # as a release before left it: the new terms only, and none with the grant
        change = text("UPDATE exchange_step SET detail = :detail WHERE matter_id = :id AND move = :move")
        tx.execute(change, {"detail": "{}", "id": grant.id, "move": Move.GRANT.value})
        tx.execute(change, {"detail": json.dumps({"terms": cut}), "id": grant.id, "move": Move.CUT.value})
    assert yielded(bureau, DisputeKind.NARROWING, grant.id).effect is Effect.ASK_ANEW
    assert set(bureau.read("consumer")[0]) == {NAME}


def test_a_cut_that_was_undone_is_disputed_no_more(bureau: Bureau) -> None:
    grant = bureau.granted(NAME, CAPITAL)
    bureau.exchange.narrow(bureau["lead"], grant.id, WITHOUT_CAPITAL, "只需名称")
    yielded(bureau, DisputeKind.NARROWING, grant.id)
    with pytest.raises(Invalid) as error:
        raised(bureau, DisputeKind.NARROWING, grant.id)
    assert error.value.reason == "no_dispute"


def test_a_cut_stands_though_an_ending_after_it_was_undone(bureau: Bureau) -> None:
    grant = bureau.granted(NAME, CAPITAL)
    bureau.exchange.narrow(bureau["lead"], grant.id, WITHOUT_CAPITAL, "只需名称")
    bureau.exchange.suspend(bureau["lead"], grant.id, "核对用途")
    yielded(bureau, DisputeKind.REVOCATION, grant.id)
    assert yielded(bureau, DisputeKind.NARROWING, grant.id).effect is Effect.RESTORED
    assert set(bureau.read("consumer")[0]) == {NAME, CAPITAL}


def test_newer_terms_are_not_overwritten(bureau: Bureau) -> None:
    request, exchange = partly(bureau), bureau.exchange
    more = raised(bureau, DisputeKind.NARROWING, request.id)
    exchange.narrow(bureau["lead"], request.grant_id, Narrowing(calls_per_day=5), "限量")
    cut = raised(bureau, DisputeKind.NARROWING, request.grant_id)
    bureau.platform.disputes.move(bureau["lead"], more.id, D.YIELD, "接受")
    exchange.approve(bureau["lead"], request.id, "同意")
    done = bureau.platform.disputes.move(bureau["lead"], cut.id, D.YIELD, "接受")
    assert done.effect is Effect.ASK_ANEW
    assert set(bureau.read("consumer")[0]) == {NAME, CAPITAL}


def test_days_are_over_by_the_terms_that_come_back(bureau: Bureau) -> None:
    grant = bureau.granted(NAME, CAPITAL)
    bureau.exchange.narrow(bureau["lead"], grant.id, Narrowing(until=bureau.today + timedelta(days=1)), "提前结束")
    made = raised(bureau, DisputeKind.NARROWING, grant.id)
    later(bureau, days=2)
    assert bureau.exchange.grant(bureau["consumer"], grant.id).standing is GrantState.EXPIRED
    assert decided(bureau, made.id, Outcome.UPHELD).effect is Effect.RESTORED
    assert bureau.read("consumer")

    bureau.exchange.revoke(bureau["lead"], grant.id, "停止提供")
    ended = raised(bureau, DisputeKind.REVOCATION, grant.id)
    later(bureau, days=91)
    done = bureau.platform.disputes.move(bureau["lead"], ended.id, D.YIELD, "恢复")
    assert done.effect is Effect.ASK_ANEW
    assert bureau.exchange.grant(bureau["consumer"], grant.id).grant.state is GrantState.REVOKED


def test_nobody_judges_what_they_asked_for_or_hold(bureau: Bureau) -> None:
    disputes, exchange = bureau.platform.disputes, bureau.exchange
    another(bureau, "asks", BUREAU, Role.ANALYST, Role.BUREAU_REVIEWER)
    another(bureau, "raises", BUREAU, Role.ANALYST)
    another(bureau, "holds", BUREAU, Role.BUREAU_REVIEWER)
    grant = bureau.granted(NAME, by="asks", grantee_kind=GranteeKind.PERSON, grantee_id=bureau["holds"].id)
    exchange.revoke(bureau["lead"], grant.id, "停止提供")
    draft = raised(bureau, DisputeKind.REVOCATION, grant.id, by="raises")
    disputes.move(bureau["lead"], draft.id, D.KEEP, "维持")
    disputes.move(bureau["raises"], draft.id, D.APPEAL, "请裁定")
    mine = DisputeQuery(mine=True)
    for login in ("asks", "holds"):
        assert D.DECIDE not in disputes.view(bureau[login], draft.id).moves
        assert draft.id not in [one.id for one in disputes.dispute_part(bureau[login], mine, Wanted()).rows]
        with pytest.raises(Denied) as own:
            disputes.move(bureau[login], draft.id, D.DECIDE, "恢复", outcome=Outcome.UPHELD, basis=BASIS)
        assert own.value.reason == "own_dispute"
    assert D.DECIDE in disputes.view(bureau["reviewer"], draft.id).moves


def test_who_raised_it_does_not_judge_it_though_a_release_before_did_not_note_them(bureau: Bureau) -> None:
    disputes = bureau.platform.disputes
    another(bureau, "asks", BUREAU, Role.ANALYST, Role.BUREAU_REVIEWER)
    request = bureau.asked(CAPITAL, by="asks")
    for login in ("reviewer", "steward"):
        bureau.exchange.approve(bureau[login], request.id, "同意")
    bureau.exchange.refuse(bureau["lead"], request.id, "不在职责内")
    made = raised(bureau, DisputeKind.REFUSAL, request.id, by="asks")
    disputes.move(bureau["lead"], made.id, D.KEEP, "维持")
    disputes.move(bureau["asks"], made.id, D.APPEAL, "请裁定")
    with bureau.platform.db.begin() as tx:
        tx.execute(text("UPDATE exchange_dispute SET barred = '' WHERE id = :id"), {"id": made.id})
    mine = DisputeQuery(mine=True)
    assert made.id not in [one.id for one in disputes.dispute_part(bureau["asks"], mine, Wanted()).rows]
    assert made.id in [one.id for one in disputes.dispute_part(bureau["reviewer"], mine, Wanted()).rows]
    with pytest.raises(Denied):
        disputes.move(bureau["asks"], made.id, D.DECIDE, "应予共享", outcome=Outcome.UPHELD, basis=BASIS)


def test_a_decision_binds_the_later_stages_of_the_same_side(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = exchange.approve(bureau["reviewer"], bureau.asked(CAPITAL).id, "材料齐全")
    exchange.refuse(bureau["steward"], request.id, "不提供")
    decided(bureau, raised(bureau, DisputeKind.REFUSAL, request.id).id, Outcome.UPHELD)
    exchange.approve(bureau["steward"], request.id, "按裁定")
    with pytest.raises(Conflict) as bound:
        exchange.refuse(bureau["lead"], request.id, "仍不提供")
    assert bound.value.reason == "bound_by_outcome"
    assert exchange.approve(bureau["lead"], request.id, "按裁定").state is RequestState.APPROVED
    assert bureau.read("consumer", TABLE)


def test_one_taken_up_again_that_holds_everything_falls_back_on_all_of_it(bureau: Bureau) -> None:
    grant = bureau.granted(NAME, CAPITAL)
    bureau.exchange.suspend(bureau["lead"], grant.id, "核对用途")
    decided(bureau, raised(bureau, DisputeKind.REVOCATION, grant.id).id, Outcome.PARTLY)
    done = bureau.exchange.withdraw(bureau["consumer"], grant.request_id, "不再争议")
    assert (done.state, done.offered) == (RequestState.APPROVED, grant.terms)


def test_the_side_that_gave_less_before_a_completion_is_not_disputed(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(NAME, CAPITAL)
    exchange.approve(bureau["reviewer"], request.id, "先给名称", WITHOUT_CAPITAL)
    exchange.ask_more(bureau["steward"], request.id, "请说明系统")
    draft = bureau.draft(NAME, CAPITAL, calls_per_day=9)
    exchange.supply(bureau["consumer"], request.id, draft, "已补充")
    another(bureau, "second", BUREAU, Role.BUREAU_REVIEWER)
    for login in ("second", "steward"):
        exchange.approve(bureau[login], request.id, "同意")
    done = exchange.approve(bureau["lead"], request.id, "只需名称", WITHOUT_CAPITAL)
    assert done.state is RequestState.PARTLY_APPROVED
    made = raised(bureau, DisputeKind.NARROWING, request.id)
    assert made.against == OWNER, "it began again: what the authority took away first was given back"
    bureau.platform.disputes.move(bureau["lead"], made.id, D.YIELD, "接受")
    again = exchange.request(bureau["lead"], request.id).request
    assert (again.stage.id, again.offered) == ("provider_decision", draft.terms)


def test_the_time_of_a_dispute_is_not_the_providers(bureau: Bureau) -> None:
    exchange = bureau.exchange

    def held(request_id: str) -> Any:
        return next(one for one in exchange.held_by_providers(SYSTEM) if one.request.id == request_id)

    request = refused(bureau)
    first = held(request.id)
    made = raised(bureau, DisputeKind.REFUSAL, request.id)
    later(bureau, days=40)
    bureau.platform.disputes.move(bureau["lead"], made.id, D.YIELD, "确属职责")
    again = held(request.id)
    assert again.answered is None
    assert again.due_on > bureau.today > first.due_on, "counted from when it was taken up again"
    later(bureau, days=1)
    exchange.approve(bureau["lead"], request.id, "同意")
    assert held(request.id).answered == bureau.clock.now()

    early = exchange.refuse(bureau["reviewer"], bureau.asked(CAPITAL).id, "材料不符")
    made = raised(bureau, DisputeKind.REFUSAL, early.id)
    later(bureau, days=40)
    bureau.platform.disputes.move(bureau["reviewer"], made.id, D.YIELD, "应受理")
    assert early.id not in [one.request.id for one in exchange.held_by_providers(SYSTEM)], (
        "it never came to its provider"
    )
    exchange.approve(bureau["reviewer"], early.id, "材料齐全")
    assert held(early.id).due_on > bureau.today


def test_time_at_the_authority_after_a_dispute_begins_the_providers_anew(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(NAME, CAPITAL)
    exchange.approve(bureau["reviewer"], request.id, "先给名称", WITHOUT_CAPITAL)
    for login in ("steward", "lead"):
        done = exchange.approve(bureau[login], request.id, "同意")
    made = raised(bureau, DisputeKind.NARROWING, done.id)
    later(bureau, days=40)
    bureau.platform.disputes.move(bureau["reviewer"], made.id, D.YIELD, "应全给")
    assert request.id not in [one.request.id for one in exchange.held_by_providers(SYSTEM)]
