"""Graphs of a register: what is answered, to whom, and what a mask leaves of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from company import DRAFT, HELD, REGISTER, SECRET_HELD, Company, code, firm, held, person, sample

from beijiang.kit import Denied, Invalid, NotFound, Refused, TooLarge
from beijiang.mining import Direction, NodeKind, Relation

LATER = date(2026, 11, 1)


def test_chains_follow_the_day(company: Company) -> None:
    up = company.shares("steward", code(1))
    assert up["内蒙古第6实业有限公司"] == pytest.approx(0.6 * 0.8 * 0.7 * 0.9 * 0.51, abs=1e-12)
    shown = company.graphs.chain(company.office["steward"], company.graph, code(1))
    assert max(one.distance for one in shown.parties) == 6
    assert sum(one.share or 0 for one in shown.parties if one.kind is NodeKind.HIDDEN) == pytest.approx(
        0.4 + 0.6 * 0.2 + 0.48 * 0.3 + 0.154224, abs=1e-12
    )
    down = company.shares("steward", code(6), Direction.DOWN)
    assert down["内蒙古第1实业有限公司"] == pytest.approx(0.154224, abs=1e-12)
    for day, many in (("2019-12-31", 0), ("2020-01-01", 1), ("2024-06-29", 1), ("2024-06-30", 1), ("2009-12-31", 0)):
        found = company.graphs.chain(
            company.office["steward"], company.graph, code(11), Direction.UP, date.fromisoformat(day)
        )
        assert found.total == many, day
    assert not company.shares("steward", code(1), Direction.UP, date(2009, 12, 31))


def test_controllers_circles_and_what_is_shared(company: Company) -> None:
    graphs, who = company.graphs, company.office["steward"]
    ruled = graphs.controller(who, company.graph, code(1), LATER)
    assert (ruled.facts["state"], ruled.facts["controller"]["kind"]) == ("majority", "hidden")
    assert len(ruled.edges) == 6
    assert ruled.facts["rule"] == "company-law-2023"
    assert graphs.controller(who, company.graph, code(10), LATER).facts["state"] == "largest"
    assert graphs.controller(who, company.graph, code(12), LATER).facts["state"] == "joint"
    circles = graphs.circles(who, company.graph, LATER, 0)
    assert [one["size"] for one in circles.facts["circles"]] == [3, 1]
    assert (len(circles.parties), len(circles.edges)) == (3, 3)
    assert [(one.count, one.via) for one in graphs.meeting_places(who, company.graph).parties] == [
        (2, ("内蒙古第1实业有限公司", "内蒙古第12实业有限公司"))
    ], "a whole banner is no address"
    phones = graphs.meeting_places(who, company.graph, Relation.PHONE).parties
    assert [(one.name, one.count) for one in phones] == [("04725100001", 2)]
    related = {one.name: set(one.reasons) for one in graphs.related(who, company.graph, code(1), LATER).parties[1:]}
    assert related["内蒙古第12实业有限公司"] == {"address"}
    assert related["内蒙古第13实业有限公司"] == {"phone"}
    assert related["内蒙古第2实业有限公司"] == {"controller", "holds"}
    by = (Relation.HOLDING, Relation.ADDRESS)
    path = graphs.path(who, company.graph, code(4), code(12), LATER, by)
    assert [one.relation for one in path.edges].count(Relation.ADDRESS) == 2
    assert path.facts["steps"] == 5
    assert not graphs.path(who, company.graph, code(4), code(12), LATER).facts["there"]
    with pytest.raises(NotFound):
        graphs.chain(who, company.graph, "91150102XXXXXXXXXX")
    with pytest.raises(NotFound):
        graphs.chain(who, company.graph, "~0000000000000000")


@pytest.mark.threat("TM-13")
def test_a_masked_key_joins_nobody_and_is_never_shown(company: Company) -> None:
    own, other = company.office["steward"], company.office["first"]
    summary = company.graphs.summary(other, company.graph)
    assert {"股东证件号码", "法定代表人证件号码"} <= set(summary.blind)
    assert summary.counts["person"] == 0
    assert summary.counts["hidden"] == 14, "one holder for each row"
    for who in (own, other):
        for number in (1, 7, 11):
            said = str(company.graphs.chain(who, company.graph, code(number)))
            said += str(company.graphs.controller(who, company.graph, code(number), LATER))
            assert not any(person(one) in said for one in range(40))
    before = company.graphs.summary(own, company.graph)
    company.office.platform.protection.choose_mask(
        own, HELD, "股东名称", "keep", {"prefix": "1", "suffix": "0"}, reason="姓名只留姓"
    )
    named = company.graphs.chain(other, company.graph, code(1)).parties
    assert {one.name for one in named if one.kind is NodeKind.HIDDEN} == {"王****"}, "masked names stay masked"
    assert company.graphs.find(other, company.graph, "王法") == [], "and are found by what the mask left only"
    assert company.graphs.summary(other, company.graph).blind != before.blind, "two policies share nothing"
    company.office.platform.protection.drop_mask(own, HELD, "股东名称", "完")


def test_pseudonyms_join_people_without_showing_them(company: Company) -> None:
    protection, steward = company.office.platform.protection, company.office["steward"]
    for table, column in ((HELD, "股东证件号码"), (REGISTER, "法定代表人证件号码")):
        protection.choose_mask(steward, table, column, "pseudonym", {"key": "关系图"}, reason="供关系图连接")
    company.office.platform.db.deliver_waiting()
    summary = company.graphs.summary(steward, company.graph)
    assert summary.counts["hidden"] == 0
    assert summary.counts["representative_edges"] == 15
    ref = company.graphs.controller(steward, company.graph, code(1), LATER).facts["controller"]["ref"]
    assert company.shares("steward", ref, Direction.DOWN, date(2023, 1, 1))["内蒙古第11实业有限公司"] == pytest.approx(
        0.55
    )
    assert "内蒙古第11实业有限公司" not in company.shares("steward", ref, Direction.DOWN, LATER)
    by = company.graphs.related(steward, company.graph, code(1), LATER).parties
    assert {one.name for one in by if "representative" in one.reasons} == {"内蒙古第11实业有限公司"}
    protection.drop_mask(steward, HELD, "股东证件号码", "完")
    protection.drop_mask(steward, REGISTER, "法定代表人证件号码", "完")


@pytest.mark.threat("TM-25")
def test_who_may_not_is_told_nothing(company: Company) -> None:
    graphs, office = company.graphs, company.office
    with pytest.raises(Denied):
        graphs.graphs(office["member"])
    with pytest.raises(Denied):
        graphs.declare(office["member"], DRAFT)
    company.write(*sample(), table=SECRET_HELD)
    secret = replace(DRAFT, name="内部", holdings=replace(DRAFT.holdings, table=SECRET_HELD))
    private = replace(DRAFT, name="不共享", shared=False)
    for draft in (secret, private):
        made = graphs.declare(office["steward"], draft)
        assert made.id not in {one.id for one in graphs.graphs(office["first"])}
        told = []
        for graph in (made.id, "graph_none"):
            with pytest.raises(NotFound) as raised:
                graphs.chain(office["first"], graph, code(1))
            told.append((raised.value.reason, str(raised.value)))
        assert told[0] == told[1], "hidden and unknown look the same"
        with pytest.raises(NotFound):
            graphs.change(office["first"], made.id, DRAFT)
        with pytest.raises(NotFound):
            graphs.declare(office["first"], secret) if draft is secret else graphs.remove(office["first"], made.id)
        graphs.remove(office["steward"], made.id)
        with pytest.raises(NotFound):
            graphs.graph(office["steward"], made.id)


def test_a_declaration_names_what_is_there(company: Company) -> None:
    graphs, steward = company.graphs, company.office["steward"]
    for draft in (
        replace(DRAFT, name=" "),
        replace(DRAFT, subjects=replace(DRAFT.subjects, key="没有")),
        replace(DRAFT, holdings=replace(DRAFT.holdings, holder_firm="", holder_person="")),
        replace(DRAFT, holdings=replace(DRAFT.holdings, share="")),
    ):
        with pytest.raises(Invalid) as raised:
            graphs.declare(steward, draft)
        assert raised.value.reason == "graph_unfit"
    blind = replace(DRAFT, name="盲", subjects=replace(DRAFT.subjects, key="法定代表人证件号码"))
    made = graphs.declare(steward, blind)
    with pytest.raises(Refused) as refused:
        graphs.summary(steward, made.id)
    assert refused.value.reason == "graph_key_masked"
    graphs.remove(steward, made.id)
    with pytest.raises(Invalid):
        graphs.find(steward, company.graph, " ")


def test_every_question_is_decided_on_anew_and_leaves_receipts(company: Company) -> None:
    office = company.office
    shown = company.graphs.chain(office["first"], company.graph, code(1))
    assert len(shown.receipts) == 2
    records: list[Any] = [office.platform.evidence.find(one) for one in shown.receipts]
    assert [(one.exit, one.target) for one in records] == [("graph", REGISTER), ("graph", HELD)]
    found = office.platform.catalog.resource_for_table(HELD)
    assert found is not None
    office.platform.catalog.withdraw(office["publisher"], found.id, "收回")
    with pytest.raises(NotFound):
        company.graphs.chain(office["first"], company.graph, code(1))
    assert company.shares("steward", code(1)), "its own department still may"
    office.platform.catalog.submit(office["steward"], found.id)
    office.platform.catalog.publish(office["publisher"], found.id)
    assert company.shares("first", code(1))


def test_rows_that_say_nothing_are_set_aside_and_counted(company: Company) -> None:
    firms, holds = sample()
    odd = [
        held(1, 2, 130), held(1, 2, -5), held("p1", 2, float("nan")), held(1, 3, 5, "2020-01-01", "2019-01-01"),
        {**held(1, 4, 5), "股东统一社会信用代码": " "}, dict(holds[0]), {**held(2, 4, 7), "股东统一社会信用代码": f" {code(2).lower()} "},
    ]  # fmt: skip
    company.write(firms, [*holds, *odd])
    summary = company.graphs.summary(company.office["steward"], company.graph)
    assert summary.set_aside == {"over": 1, "share": 2, "dates": 1, "key": 1, "repeated": 1}
    assert "内蒙古第2实业有限公司" in company.shares("steward", code(4)), "capitals and spaces make no other key"
    more = [*holds, held("p30", 1, 70)]
    company.write(firms, more)
    direct = company.graphs.chain(company.office["steward"], company.graph, code(1)).facts["direct"]
    assert direct == pytest.approx(1.7), "shares of more than the whole are shown as they are, and said"
    company.write(firms, holds)


def test_a_graph_that_needs_too_much_memory_is_refused(company: Company) -> None:
    graphs = company.graphs
    kept, graphs.settings = graphs.settings, graphs.settings.model_copy(update={"graph_memory_mb": 0})
    try:
        firms, holds = sample()
        company.write([*firms, firm(40)], holds)
        with pytest.raises(TooLarge):
            graphs.summary(company.office["steward"], company.graph)
    finally:
        graphs.settings = kept
