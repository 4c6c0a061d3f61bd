"""A table is assessed by the matrix of GB/T 43697: the strictest cell counts, for every column, at every door."""

from __future__ import annotations

import csv
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from beijiang.catalog import OpenType, ShareType
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Denied, Invalid, NotFound
from beijiang.protection import AffectedObject, AssessmentDraft, Harm, Level, Tier, matrix
from beijiang.protection.models.assessing import decisive, found_together
from beijiang.tables import Exit, Origin

if TYPE_CHECKING:
    from conftest import House

T, P = "企业登记信息", "人口库"
A, H = AffectedObject, Harm
DAY = date(2026, 12, 1)


def draft(reason: str = "年度定级", **harms: str) -> AssessmentDraft:
    judged = {A(one): H(harm) for one, harm in harms.items()}
    return AssessmentDraft(category="government", harms=judged, factors=("scale",), reason=reason)


def read(house: House, who: Any = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = house.gate.open(who or house.steward, T, "", Exit.PAGE).page(limit=1).rows.to_pylist()
    return rows


def test_the_matrix_is_that_of_the_standard() -> None:
    cells = matrix(DAY)
    assert set(cells) == {(one, harm) for one in A for harm in H}
    tiers = {one: "".join(cells[one, harm].tier.value[0] for harm in (H.EXTREME, H.SERIOUS, H.GENERAL)) for one in A}
    assert tiers == {
        A.NATIONAL_SECURITY: "cci",
        A.ECONOMIC_OPERATION: "cig",
        A.SOCIAL_ORDER: "cig",
        A.PUBLIC_INTEREST: "cig",
        A.ORGANISATION_RIGHTS: "ggg",
        A.PERSONAL_RIGHTS: "ggg",
    }
    assert all(cell.level == "L4" for cell in cells.values() if cell.tier is not Tier.GENERAL)
    assert matrix(date(2024, 9, 30)) == {}, "the standard is in force since October 2024"
    for name in ("matrix", "sectors", "factors", "together"):
        text = files("beijiang").joinpath("protection", "reference", f"{name}.csv").read_text("utf-8")
        assert all(row["basis"] and row["since"] for row in csv.DictReader(text.splitlines()))


def test_the_strictest_cell_counts() -> None:
    chosen = {A.PERSONAL_RIGHTS: H.EXTREME, A.SOCIAL_ORDER: H.SERIOUS, A.ECONOMIC_OPERATION: H.GENERAL}
    assert decisive(chosen, DAY).object is A.SOCIAL_ORDER
    assert decisive({A.PERSONAL_RIGHTS: H.SERIOUS}, DAY).level == "L3"
    assert (decisive({}, DAY).tier, decisive({}, DAY).level) == (Tier.GENERAL, "L1")


def test_what_is_stricter_holds_for_every_column_at_once(house: House) -> None:
    house.write_firms(30)
    assert house.catalog.resource_for_table(T).grades["盟市"].level == "L1"  # type: ignore[union-attr]
    made, waits = house.protection.assess(house.steward, T, draft(personal_rights="serious"))
    assert (made.tier, made.level, made.revision, made.rows, waits) == (Tier.GENERAL, "L3", 1, 30, None)
    grades = house.protection.grades_of(T)
    assert {g.level for g in grades.values()} == {"L3"}
    assert (grades["盟市"].source, grades["盟市"].reason) == ("assessed", "年度定级")
    assert house.catalog.resource_for_table(T).grades["盟市"].level == "L3"  # type: ignore[union-attr]
    assert read(house)[0]["盟市"] == "****"
    house.write_firms(40)
    assert {g.level for g in house.protection.grades_of(T).values()} == {"L3"}, "new versions are held to it too"
    with pytest.raises(Invalid) as below:
        house.protection.correct(house.steward, T, "盟市", level="L2", reason="x")
    assert below.value.reason == "below_floor"


def test_what_is_weaker_waits_for_another_person(house: House) -> None:
    house.write_firms(30)
    protection = house.protection
    protection.assess(house.steward, T, draft(organisation_rights="serious"))
    made, waits = protection.assess(house.steward, T, draft("已脱敏", organisation_rights="none"))
    assert waits is not None
    assert (made.state, waits.words) == ("proposed", "general L3 → general L1")
    assert protection.grades_of(T)["盟市"].level == "L3"
    with pytest.raises(Conflict):
        protection.assess(house.steward, T, draft("再来", organisation_rights="general"))
    token = protection.lowering(house.reviewer, waits.id).shown.token
    protection.assess(house.steward, T, draft("更严", organisation_rights="extreme"))
    with pytest.raises(Conflict):
        protection.decide_lowering(house.reviewer, waits.id, agree=True, seen=token)
    with pytest.raises(Denied):
        protection.decide_lowering(house.steward, waits.id, agree=True)
    protection.decide_lowering(house.reviewer, waits.id, agree=True)
    assert protection.grades_of(T)["盟市"].level == "L1"
    found = protection.grading(house.steward, T)
    assert [one.state for one in found.history] == ["replaced", "in_force", "replaced"]
    assert found.now == found.history[1]
    _, none = protection.assess(house.steward, T, draft(organisation_rights="general"))
    assert none is None


def test_a_refused_or_withdrawn_assessment_changes_nothing(house: House) -> None:
    house.write_firms(30)
    protection = house.protection
    protection.assess(house.steward, T, draft(organisation_rights="serious"))
    for state, end in (
        ("refused", lambda one: protection.decide_lowering(house.reviewer, one.id, agree=False, reason="不宜")),
        ("withdrawn", lambda one: protection.withdraw_lowering(house.steward, one.id)),
    ):
        _, waits = protection.assess(house.steward, T, draft(organisation_rights="none"))
        end(waits)
        assert protection.grading(house.steward, T).history[0].state == state
        assert protection.grades_of(T)["盟市"].level == "L3"


def test_important_data_is_never_opened(house: House) -> None:
    house.write_firms(30)
    house.publish(T)
    assert read(house, house.member)
    house.protection.assess(house.steward, T, draft(public_interest="serious"))
    for who in (house.member, house.stranger, house.steward):
        with pytest.raises(NotFound):
            read(house, who)
    house.write_firms(30, "另一表")
    house.protection.assess(house.steward, "另一表", draft(public_interest="serious"))
    resource = house.catalog.resource_for_table("另一表")
    assert resource is not None
    with pytest.raises(BeijiangError):
        house.publish("另一表")
    assert house.protection.tier_of("另一表") is Tier.IMPORTANT
    found = {one.table: one.tier for one in house.protection.assessed(house.reviewer)}
    assert found == {T: Tier.IMPORTANT, "另一表": Tier.IMPORTANT}


def test_core_data_has_no_door_at_all(house: House) -> None:
    house.write_firms(30)
    house.publish(T)
    house.protection.assess(house.steward, T, draft(national_security="serious"))
    for who in (house.member, house.stranger, house.steward, house.reviewer, SYSTEM):
        for exit_ in Exit:
            with pytest.raises(NotFound):
                house.gate.open(who, T, "监管", exit_)
    assert house.protection.refusal(T) is not None
    assert house.protection.refusal("别的表") is None
    offer: dict[str, Any] = {"share_type": ShareType.UNCONDITIONAL, "open_type": OpenType.NOT_OPEN}
    with pytest.raises(BeijiangError):
        house.publish(T, **offer)
    released = house.catalog.released(T)
    assert released is not None
    why = house.releases.keeps_back(released)
    assert why is not None
    assert "核心数据" in why.zh


def test_what_is_made_from_core_data_is_core(house: House) -> None:
    house.write_firms(30)
    house.protection.assess(house.steward, T, draft(national_security="extreme"))
    house.write("派生表", house.firms(10), house.FIRMS, derived={"盟市": (Origin(T, "盟市"),)})
    assert house.protection.tier_of("派生表") is Tier.CORE
    with pytest.raises(NotFound):
        house.gate.open(house.steward, "派生表", "", Exit.PAGE)


def test_what_is_made_in_several_steps_follows_its_first_table_too(house: House) -> None:
    house.write_firms(30)
    house.write("第二表", house.firms(10), house.FIRMS, derived={"盟市": (Origin(T, "盟市"),)})
    house.write("第三表", house.firms(10), house.FIRMS, derived={"盟市": (Origin("第二表", "盟市"),)})
    assert house.protection.view_of("第三表").grades["盟市"].level is Level.L1
    house.protection.assess(house.steward, T, draft(national_security="serious"))
    assert house.protection.tier_of("第三表") is house.protection.tier_of(T) is Tier.CORE
    assert house.protection.view_of("第三表").grades["盟市"].level is Level.L4
    assert house.protection.refusal("第三表") is not None


def test_items_together_ask_for_more_and_many_persons_for_a_review(house: House) -> None:
    house.write_people(30)
    found = house.protection.grading(house.steward, P)
    assert [one.rule.id for one in found.together] == ["identified_persons"]
    assert found.due == ()
    grades = list(house.protection.grades_of(P).values())
    assert {one.rule.id for one in found_together(grades, 10_000, DAY)} == {"identified_persons", "many_persons"}
    assert len(found_together(grades, 10_000_000, DAY)) == 3
    without = [one for one in grades if one.kind != "citizen_id"]
    assert found_together(without, 10, DAY) == ()
    assert found_together([one for one in grades if one.personal == "N"], 10**8, DAY) == ()


def test_many_persons_are_reviewed_once(house: House) -> None:
    schema = house.PEOPLE
    house.write(P, house.people(10_000), schema)
    found = house.protection.grading(house.steward, P)
    assert [one.rule.id for one in found.due] == ["many_persons"]
    house.protection.assess(house.steward, P, draft(personal_rights="serious"))
    assert house.protection.grading(house.steward, P).due == ()


def test_who_may_not_and_what_cannot_be(house: House) -> None:
    house.write_firms(30)
    assess = house.protection.assess
    with pytest.raises(Denied):
        assess(house.analyst_own, T, draft(social_order="general"))
    for who in (house.stranger, house.member):
        with pytest.raises((NotFound, Denied)):
            assess(who, T, draft(social_order="general"))
        with pytest.raises((NotFound, Denied)):
            house.protection.grading(who, T)
    for wrong, reason in (
        (AssessmentDraft(category="government", harms={}, reason="x"), "assessment_incomplete"),
        (AssessmentDraft(category="nothing", harms={A.SOCIAL_ORDER: H.NONE}, reason="x"), "unknown_word"),
        (
            AssessmentDraft(category="health", harms={A.SOCIAL_ORDER: H.NONE}, factors=("x",), reason="x"),
            "unknown_word",
        ),
        (AssessmentDraft(category="health", harms={A.SOCIAL_ORDER: H.NONE}, reason=" "), "reason_needed"),
    ):
        with pytest.raises(Invalid) as told:
            assess(house.steward, T, wrong)
        assert told.value.reason == reason
    assert house.protection.assessed(house.stranger) == ()
