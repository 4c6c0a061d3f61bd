"""Disputes against more than refusals: narrowing, ending, corrections and silence, within the time that a dated rule gives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from exchange_bureau import OWNER, Bureau

from beijiang.exchange import DisputeDraft, DisputeKind, DisputeState, Narrowing
from beijiang.kit import Conflict, Invalid, NotFound
from beijiang.quality import Doubt, Move

NAME, CAPITAL, WHY = "企业名称", "注册资本", "核查属我委法定职责"


def dispute(bureau: Bureau, kind: DisputeKind, subject: str, login: str = "consumer") -> Any:
    return bureau.platform.disputes.raise_(bureau[login], DisputeDraft(kind=kind, subject=subject, words=WHY))


@pytest.fixture
def grant(bureau: Bureau) -> Any:
    return bureau.granted(NAME, CAPITAL)


def test_a_narrowing_is_disputed_in_time_and_not_after(bureau: Bureau, grant: Any) -> None:
    with pytest.raises(Invalid) as nothing:
        dispute(bureau, DisputeKind.NARROWING, grant.id)
    assert nothing.value.reason == "no_dispute"
    bureau.exchange.narrow(bureau["lead"], grant.id, Narrowing(without=frozenset({CAPITAL})), "只需名称")
    with pytest.raises(NotFound):
        dispute(bureau, DisputeKind.NARROWING, grant.id, "banner")
    made = dispute(bureau, DisputeKind.NARROWING, grant.id)
    assert (made.against, made.state, made.title) == (OWNER, DisputeState.OPEN, grant.resource_name)
    assert made.case.rule_id == "dispute.mediate.default"
    with pytest.raises(Conflict) as twice:
        dispute(bureau, DisputeKind.NARROWING, grant.id)
    assert twice.value.reason == "dispute_exists"


def test_after_the_days_of_the_rule_it_is_too_late_and_the_rule_is_named(bureau: Bureau, grant: Any) -> None:
    bureau.exchange.narrow(bureau["lead"], grant.id, Narrowing(without=frozenset({CAPITAL})), "只需名称")
    rule = bureau.platform.standards.limit("dispute.file", OWNER)
    assert rule is not None
    last = bureau.platform.standards.due(bureau.today, int(rule.value)).on
    began = bureau.clock.at
    bureau.clock.at = began + timedelta(days=(last - bureau.today).days + 1)
    with pytest.raises(Conflict) as late:
        dispute(bureau, DisputeKind.NARROWING, grant.id)
    assert (late.value.reason, late.value.detail["until"]) == ("dispute_late", last.isoformat())
    assert rule.basis in late.value.text.en
    bureau.clock.at -= timedelta(days=1)
    assert dispute(bureau, DisputeKind.NARROWING, grant.id).state is DisputeState.OPEN


def test_ending_is_disputed_by_whose_it_was_taken_from_and_not_what_one_gave_up(bureau: Bureau, grant: Any) -> None:
    bureau.exchange.suspend(bureau["lead"], grant.id, "核对用途")
    bureau.exchange.resume(bureau["lead"], grant.id, "核对完毕")
    with pytest.raises(Invalid):
        dispute(bureau, DisputeKind.REVOCATION, grant.id)
    bureau.exchange.revoke(bureau["lead"], grant.id, "停止提供")
    assert dispute(bureau, DisputeKind.REVOCATION, grant.id).against == OWNER
    given_up = bureau.granted(NAME)
    bureau.exchange.give_up(bureau["consumer"], given_up.id, "不再需要")
    with pytest.raises(Invalid):
        dispute(bureau, DisputeKind.REVOCATION, given_up.id)


def test_silence_is_disputed_once_the_deadline_is_over(bureau: Bureau) -> None:
    request = bureau.asked(CAPITAL)
    bureau.exchange.approve(bureau["reviewer"], request.id, "材料齐全")
    with pytest.raises(Invalid):
        dispute(bureau, DisputeKind.SILENCE, request.id)
    bureau.clock.at += timedelta(days=60)
    made = dispute(bureau, DisputeKind.SILENCE, request.id)
    assert made.subject == request.id
    with pytest.raises(NotFound):
        dispute(bureau, DisputeKind.SILENCE, request.id, "banner")


def test_what_came_of_a_correction_is_disputed_by_who_asked_for_it(bureau: Bureau) -> None:
    tickets = bureau.platform.tickets
    ticket = tickets.doubt(bureau["colleague"], bureau.resource.id, Doubt(words="资本单位像是万元", columns=(CAPITAL,)))
    with pytest.raises(Invalid):
        dispute(bureau, DisputeKind.CORRECTION, ticket.id, "colleague")
    tickets.move(bureau["steward"], ticket.id, Move.ACCEPT)
    tickets.move(bureau["steward"], ticket.id, Move.CONFIRM_RIGHT, "经核实无误")
    made = dispute(bureau, DisputeKind.CORRECTION, ticket.id, "consumer")
    assert (made.against, made.title) == (OWNER, ticket.title)
