"""By when and on what ground something may be disputed: dated data with its basis, told before and kept after."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from exchange_bureau import OWNER, Bureau
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import DisputeDraft, DisputeKind, Narrowing
from beijiang.exchange.commands.matters import disputes as dispute_commands
from beijiang.exchange.models.dispute_terms import ground_on
from beijiang.kit import SYSTEM, Invalid, Language, NotFound

NAME, CAPITAL = "企业名称", "注册资本"
OLD, NEW = "政务信息资源共享管理暂行办法（国发〔2016〕51号）", "政务数据共享条例（国务院令第809号）"


@pytest.mark.parametrize("kind", list(DisputeKind))
def test_the_ground_is_the_text_in_force_on_the_day(kind: DisputeKind) -> None:
    assert ground_on(kind, date(2016, 9, 4)) is None
    found = [ground_on(kind, day) for day in (date(2025, 7, 31), date(2025, 8, 1))]
    assert [one.basis for one in found if one is not None] == [OLD, NEW]


def test_terms_are_told_before_and_kept_with_the_dispute(bureau: Bureau) -> None:
    disputes, grant = bureau.platform.disputes, bureau.granted(NAME, CAPITAL)
    with pytest.raises(Invalid):
        disputes.terms(bureau["consumer"], DisputeKind.NARROWING, grant.id)
    bureau.exchange.narrow(bureau["lead"], grant.id, Narrowing(without=frozenset({CAPITAL})), "只需名称")
    with pytest.raises(NotFound):
        disputes.terms(bureau["banner"], DisputeKind.NARROWING, grant.id)
    rule = bureau.platform.standards.limit("dispute.file", OWNER)
    assert rule is not None
    told = disputes.terms(bureau["consumer"], DisputeKind.NARROWING, grant.id)
    last = bureau.platform.standards.due(bureau.today, int(rule.value)).on
    assert (told.rule, told.until, told.late, told.is_default) == (rule, last, False, True)
    assert told.ground is not None
    assert told.ground == ground_on(DisputeKind.NARROWING, bureau.today)

    group = dispute_commands(lambda: disputes, lambda: bureau.platform.access)
    terminal.set_style(as_json=True, language=Language.EN)
    done = CliRunner().invoke(group, ["terms", "narrowing", grant.id, "--as", "consumer"])
    assert (json.loads(done.output)[0]["until"], done.exit_code) == (last.isoformat(), 0)

    draft = DisputeDraft(kind=DisputeKind.NARROWING, subject=grant.id, words="核查属我委法定职责")
    made = disputes.raise_(bureau["consumer"], draft)
    view = disputes.view(bureau["consumer"], made.id)
    assert view.ground == told.ground
    assert (view.dispute.limit, told.limit is None) == (told.limit, False)
    done = CliRunner().invoke(group, ["show", made.id, "--as", "consumer"])
    assert json.loads(done.output.splitlines()[0])[0]["until"] == last.isoformat()
    (record,) = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=made.id, limit=1)).records
    kept = record.detail
    assert kept is not None
    assert (kept["until"], kept["rule"], kept["rule_basis"]) == (last.isoformat(), rule.id, rule.basis)
    assert (kept["ground"], kept["ground_since"]) == (told.ground.basis, told.ground.since.isoformat())

    bureau.clock.at += timedelta(days=(last - bureau.today).days + 1)
    assert disputes.terms(bureau["consumer"], DisputeKind.NARROWING, grant.id).late
    moved = disputes.view(bureau["consumer"], made.id).dispute.limit
    assert moved == told.limit, "the last day of a dispute stays the one it was raised by"


def test_what_may_be_disputed_is_told_to_who_may_and_late_ones_as_late(bureau: Bureau) -> None:
    disputes, grant = bureau.platform.disputes, bureau.granted(NAME, CAPITAL)
    kinds = (DisputeKind.REVOCATION, DisputeKind.NARROWING)
    assert not disputes.disputable(bureau["consumer"], grant.id, kinds)
    bureau.exchange.narrow(bureau["lead"], grant.id, Narrowing(without=frozenset({CAPITAL})), "只需名称")
    (told,) = disputes.disputable(bureau["consumer"], grant.id, kinds)
    assert (told.kind, told.late) == (DisputeKind.NARROWING, False)
    for other in ("lead", "banner"):
        assert not disputes.disputable(bureau[other], grant.id, kinds), other
    bureau.exchange.suspend(bureau["lead"], grant.id, "核查用途")
    assert [one.kind for one in disputes.disputable(bureau["consumer"], grant.id, kinds)] == [*kinds]
    assert told.until is not None
    bureau.clock.at += timedelta(days=(told.until - bureau.today).days + 1)
    late = {one.kind: one.late for one in disputes.disputable(bureau["consumer"], grant.id, kinds)}
    assert late == {DisputeKind.REVOCATION: True, DisputeKind.NARROWING: True}
