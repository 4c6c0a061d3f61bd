"""Two persons lower a grade: what one proposes holds once another agrees, and until then the stricter grade holds everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from beijiang.kit import BeijiangError, Conflict, Denied, Invalid, NotFound
from beijiang.protection import Matter
from beijiang.tables import Exit
from statements import asked

if TYPE_CHECKING:
    from conftest import House

T = "人口库"
PHONE, STATE, BORN, ID = "联系电话", "状态", "出生日期", "公民身份号码"


@pytest.fixture
def people(house: House) -> House:
    house.write_people(30)
    return house


def first(house: House, column: str, who: Any = None) -> Any:
    return house.gate.open(who or house.steward, T, "", Exit.PAGE).page(limit=1).rows.to_pylist()[0][column]


def proposed(house: House, column: str = PHONE, **words: Any) -> Any:
    made = house.protection.correct(house.steward, T, column, **{"kind": "plain", "reason": "是登记编号", **words})
    assert made.lowering is not None
    return made.lowering


def reason_of(call: Any) -> str:
    with pytest.raises(BeijiangError) as told:
        call()
    return str(told.value.reason)


def test_a_weaker_grade_waits_and_a_stricter_one_does_not(people: House) -> None:
    masked = first(people, PHONE)
    waits = proposed(people)
    assert (waits.matter, waits.words, waits.by) == (Matter.COLUMN, "L3 mobile → L1 plain", people.steward.id)
    assert first(people, PHONE) == masked
    raised = people.protection.correct(people.steward, T, STATE, level="L3")
    assert (raised.lowering, raised.grade.level) == (None, "L3")
    assert {v.lowering.id for v in people.protection.lowerings(people.reviewer)} == {waits.id}
    people.protection.decide_lowering(people.reviewer, waits.id, agree=True)
    assert first(people, PHONE) != masked
    assert [g.kind for g in people.protection.history(people.steward, T, PHONE)] == ["mobile", "plain"]
    assert people.protection.lowerings(people.reviewer) == ()
    acts = {r.action for r in people.records(target=T)}
    assert acts >= {"protection.propose", "protection.lower", "protection.correct"}


def test_a_list_of_proposals_costs_as_many_statements_as_one(people: House) -> None:
    proposed(people)

    def statements() -> tuple[int, int]:
        for table in (None, T):
            people.protection.lowerings(people.reviewer, table)  # what is known for a while is looked up
        with asked(people.db) as anywhere:
            shown = people.protection.lowerings(people.reviewer)
        with asked(people.db) as here:
            assert people.protection.lowerings(people.reviewer, T) == shown[::-1]
        return len(anywhere), len(here)

    before = statements()
    other = "人口库二"
    people.write_people(30, table=other)
    for table, column in ((T, ID), (other, PHONE), (other, ID)):
        people.protection.correct(people.steward, table, column, kind="plain", reason="是登记编号")
    people.protection.lowerings(people.reviewer)
    with asked(people.db) as anywhere:
        shown = people.protection.lowerings(people.reviewer)
    assert [(one.lowering.table, one.lowering.column, one.now) for one in shown] == [
        (T, PHONE, "L3 mobile"),
        (T, ID, "L3 citizen_id"),
        (other, PHONE, "L3 mobile"),
        (other, ID, "L3 citizen_id"),
    ]
    assert len(anywhere) == before[0]
    with asked(people.db) as here:
        assert len(people.protection.lowerings(people.reviewer, T)) == len(shown) // 2
    assert len(here) == before[1]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (PHONE, {"kind": "other_personal", "level": "L2"}),  # lower
        (PHONE, {"kind": "trade_secret"}),  # not personal any more, as high as before
        (BORN, {"kind": "other_personal"}),  # no quasi-identifier any more, though masked in full
        (PHONE, {"kind": "citizen_id"}),  # as high, with a mask that is not known to show less
    ],
)
def test_what_shows_more_in_any_way_waits(people: House, column: str, words: dict[str, str]) -> None:
    before = people.protection.grades_of(T)[column]
    proposed(people, column, **words)
    assert people.protection.grades_of(T)[column] == before


def test_what_is_higher_and_of_another_kind_is_raised_at_once(people: House) -> None:
    made = people.protection.correct(people.steward, T, PHONE, level="L4", kind="trade_secret", reason="商业秘密")
    assert made.lowering is not None
    assert (made.grade.level, made.grade.kind) == ("L4", "mobile")
    people.protection.decide_lowering(people.reviewer, made.lowering.id, agree=True)
    after = people.protection.grades_of(T)[PHONE]
    assert (after.level, after.kind, after.personal) == ("L4", "trade_secret", "N")


def test_nobody_agrees_to_his_own_or_without_the_right(people: House) -> None:
    waits = proposed(people)
    decide = people.protection.decide_lowering
    both = people.steward.__class__(
        people.steward.id, "二职", people.steward.kind, people.steward.org_id, frozenset({"steward", "org_reviewer"})
    )
    assert reason_of(lambda: decide(both, waits.id, agree=True)) == "same_hands"
    for who in (people.analyst_own, people.security, people.publisher):
        with pytest.raises((Denied, NotFound)):
            decide(who, waits.id, agree=True)
    for who in (people.stranger, people.member):
        with pytest.raises((Denied, NotFound)):
            people.protection.lowering(who, waits.id)
    assert people.protection.lowerings(people.stranger) == ()
    assert people.protection.grades_of(T)[PHONE].level == "L3"


def test_a_decision_is_of_what_was_seen(people: House) -> None:
    waits, protection = proposed(people), people.protection
    token = protection.lowering(people.reviewer, waits.id).shown.token
    protection.correct(people.steward, T, PHONE, level="L4")
    with pytest.raises(Conflict) as changed:
        protection.decide_lowering(people.reviewer, waits.id, agree=True, seen=token)
    assert changed.value.reason == "changed_since_seen"
    assert reason_of(lambda: protection.decide_lowering(people.reviewer, waits.id, agree=True, seen="")) == (
        "changed_since_seen"
    )
    token = protection.lowering(people.reviewer, waits.id).shown.token
    assert protection.decide_lowering(people.reviewer, waits.id, agree=True, seen=token).state == "approved"
    assert reason_of(lambda: protection.decide_lowering(people.reviewer, waits.id, agree=True)) == "lowering_decided"


def test_refused_and_withdrawn_with_reasons(people: House) -> None:
    protection, waits = people.protection, proposed(people)
    assert reason_of(lambda: proposed(people)) == "lowering_waits"
    with pytest.raises(Invalid):
        protection.decide_lowering(people.reviewer, waits.id, agree=False)
    refused = protection.decide_lowering(people.reviewer, waits.id, agree=False, reason="确为手机号码")
    assert (refused.state, refused.decision) == ("refused", "确为手机号码")
    again = proposed(people)
    with pytest.raises(Denied):
        protection.withdraw_lowering(people.reviewer, again.id)
    protection.withdraw_lowering(people.steward, again.id, "看错了")
    states = [v.lowering.state for v in protection.lowerings(people.steward, T)]
    assert sorted(states) == ["refused", "withdrawn"]
    assert protection.grades_of(T)[PHONE].kind == "mobile"
    assert reason_of(lambda: protection.lowering(people.reviewer, "low_none")) == "lowering_not_found"
