"""From a department's wish to a grant: what stands against it, who decides, within what time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from exchange_bureau import BUREAU, COUNTY, OTHER, OWNER, TABLE, Bureau

from beijiang.evidence import EvidenceQuery
from beijiang.exchange import GranteeKind, GrantState, Move, Narrowing, RequestQuery, RequestState, Way
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound
from beijiang.protection import Handling
from beijiang.standards import Action, EntryKind, PauseReason, flat_rule
from beijiang.tables import Filter, FilterOp

ID, CAPITAL, CITY, NAME = "法定代表人证件号码", "注册资本", "盟市", "企业名称"


def test_what_needs_no_approval_is_granted_at_once(bureau: Bureau) -> None:
    request = bureau.asked(NAME)
    assert (request.state, request.stages) == (RequestState.APPROVED, ())
    grant = bureau.exchange.grant(bureau["consumer"], request.grant_id).grant
    assert (grant.org_id, grant.provider_id, grant.terms.columns) == (OTHER, OWNER, (NAME,))


def test_everything_that_stands_against_a_request_is_told_at_once(bureau: Bureau) -> None:
    draft = bureau.draft(
        ID, "法定代表人电话", "没有这项", purpose="", use="看看", basis="", until=bureau.today + timedelta(days=900)
    )
    made = bureau.exchange.put(bureau["consumer"], draft)
    with pytest.raises(Invalid) as error:
        bureau.exchange.submit(bureau["consumer"], [made.id])
    told = {one["code"] for one in error.value.detail["problems"]}  # type: ignore[index,union-attr]
    assert told == {
        "not_shared",
        "unknown_item",
        "purpose_needed",
        "use_needed",
        "basis_needed",
        "too_long",
        "impact_needed",
    }
    assert "个人信息保护法第13条" in error.value.text.zh
    assert [one.id for one in bureau.exchange.basket(bureau["consumer"])] == [made.id]
    bureau.exchange.discard(bureau["consumer"], made.id)
    assert bureau.exchange.basket(bureau["consumer"]) == []


def test_the_plan_says_who_decides_and_by_when_before_anything_runs(bureau: Bureau) -> None:
    plan = bureau.exchange.plan(bureau["consumer"], bureau.draft(CAPITAL))
    assert [one.stage.id for one in plan.stages] == ["formal_review", "provider_opinion", "provider_decision"]
    assert plan.problems == ()
    assert [one.org_id for one in plan.stages] == [None, OWNER, OWNER]
    limited = [one.limit for one in plan.stages]
    assert limited == ["share.reply.conditional.809"] * 3, "the law counts from the day the request came in"
    due = bureau.platform.standards.due(bureau.today, 10).on
    assert {one.due_on for one in plan.stages} == {due}
    sensitive = bureau.exchange.plan(bureau["consumer"], bureau.draft(ID, impact="评2026-01"))
    assert [one.stage.id for one in sensitive.stages][-1] == "authority_decision"
    across = bureau.exchange.plan(bureau["banner"], bureau.draft(CAPITAL))
    assert [one.stage.id for one in across.stages][-1] == "authority_decision"


def test_a_basket_is_handed_in_as_a_whole_or_not_at_all(bureau: Bureau) -> None:
    good = bureau.exchange.put(bureau["consumer"], bureau.draft(CAPITAL))
    bad = bureau.exchange.put(bureau["consumer"], bureau.draft("没有这项"))
    with pytest.raises(Invalid):
        bureau.exchange.submit(bureau["consumer"], [good.id, bad.id])
    assert len(bureau.exchange.basket(bureau["consumer"])) == 2
    bureau.exchange.put(bureau["consumer"], bureau.draft(CITY), bad.id)
    done = bureau.exchange.submit(bureau["consumer"], [good.id, bad.id])
    assert {one.state for one in done} == {RequestState.FORMAL_REVIEW}
    assert bureau.exchange.basket(bureau["consumer"]) == []
    for one in done:
        bureau.exchange.withdraw(bureau["consumer"], one.id, "改为一件")


def test_stage_by_stage_nobody_decides_twice_or_on_their_own(bureau: Bureau) -> None:
    request = bureau.asked(CAPITAL, CITY)
    exchange = bureau.exchange
    for login in ("steward", "lead", "publisher", "colleague"):
        with pytest.raises(Denied):
            exchange.approve(bureau[login], request.id, "同意")
    assert [one.id for one in exchange.waiting(bureau["reviewer"])] == [request.id]
    request = exchange.approve(bureau["reviewer"], request.id, "材料齐全")
    assert (request.state, request.case.rule_id) == (RequestState.PROVIDER_REVIEW, "share.reply.conditional.809")
    with pytest.raises(Denied):
        exchange.approve(bureau["reviewer"], request.id, "同意")
    request = exchange.approve(bureau["steward"], request.id, "可提供")
    done = exchange.approve(bureau["lead"], request.id, "同意")
    assert (done.state, done.case.answered is not None) == (RequestState.APPROVED, True)
    view = exchange.request(bureau["consumer"], request.id)
    assert [step.move for step in view.steps] == [Move.SUBMIT, Move.APPROVE, Move.APPROVE, Move.APPROVE]
    assert [step.name for step in view.steps] == ["consumer", "reviewer", "steward", "lead"]
    with pytest.raises(Conflict):
        exchange.approve(bureau["lead"], request.id, "同意")
    found = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(action="exchange.", target=request.id))
    decided = [one.decision for one in found.records]
    assert (decided.count("allow"), decided.count("deny")) == (4, 5), "each step, and each who might not decide"


def test_a_reviewer_may_give_less_but_never_more(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(CAPITAL, CITY, ID, as_is=(ID,), impact="评2026-02", ways=frozenset({Way.API, Way.FILE}))
    exchange.approve(bureau["reviewer"], request.id)
    with pytest.raises(Invalid, match="reason"):
        exchange.approve(bureau["steward"], request.id, "", Narrowing(without=frozenset({CAPITAL})))
    for more in (
        Narrowing(without=frozenset({"没有这项"})),
        Narrowing(until=request.offered.until + timedelta(days=1)),
        Narrowing(without=frozenset({CAPITAL, CITY, ID})),
        Narrowing(without_ways=frozenset(Way)),
    ):
        with pytest.raises(Invalid) as error:
            exchange.approve(bureau["steward"], request.id, "收窄", more)
        assert error.value.reason == "not_narrower"
    with pytest.raises(Invalid):
        exchange.approve(
            bureau["steward"], request.id, "只给呼市", Narrowing(filters=(Filter("没有", FilterOp.EQ, "x"),))
        )
    less = Narrowing(
        without=frozenset({CAPITAL}),
        masked=frozenset({ID}),
        without_ways=frozenset({Way.FILE}),
        filters=(Filter(CITY, FilterOp.EQ, "包头市"),),
        rows_per_day=20,
    )
    exchange.approve(bureau["steward"], request.id, "只需包头市的企业", less)
    exchange.approve(bureau["lead"], request.id)
    done = exchange.approve(bureau["publisher"], request.id)
    assert done.state is RequestState.PARTLY_APPROVED
    terms = exchange.grant(bureau["consumer"], done.grant_id).grant.terms
    assert terms.columns == (CITY, ID)
    assert [item.handling for item in terms.items] == [Handling.AS_IS, Handling.MASKED]
    assert (terms.ways, terms.rows_per_day) == (frozenset({Way.API}), 20)
    assert {row[CITY] for row in bureau.read("consumer")} == {"包头市"}


def test_what_is_missing_is_told_once_and_the_clock_stands_still(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(CAPITAL)
    exchange.approve(bureau["reviewer"], request.id)
    asked = exchange.ask_more(bureau["steward"], request.id, "请补充业务依据的条款")
    assert asked.state is RequestState.SUPPLEMENT
    bureau.clock.advance(timedelta(days=12))
    view = exchange.request(bureau["consumer"], request.id)
    assert (view.deadline.state.value, view.may_supply) == ("paused", True)
    exchange.watch()
    alerts = bureau.platform.alerts
    assert alerts.open()[AlertKind.REQUEST, request.id].org_id == OTHER, "who has to complete it is reminded"
    terms = {"since": request.draft.terms.since, "until": request.draft.terms.until}
    more = bureau.draft(CAPITAL, basis="医疗机构管理条例第五条、第三十条", **terms)
    back = exchange.supply(bureau["consumer"], request.id, more, "已补充")
    assert (back.state, back.at_stage) == (RequestState.PROVIDER_REVIEW, 1)
    assert not [one for one in alerts.open() if one[1] == request.id]
    with pytest.raises(Conflict) as error:
        exchange.ask_more(bureau["steward"], request.id, "再补一次")
    assert error.value.reason == "told_once"
    refused = exchange.refuse(bureau["steward"], request.id, "与申请的业务无关")
    assert refused.state is RequestState.REFUSED
    assert set(bureau.read("consumer")[0]) == {NAME}


def test_other_terms_than_before_are_reviewed_from_the_start(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(CAPITAL)
    exchange.approve(bureau["reviewer"], request.id)
    exchange.ask_more(bureau["steward"], request.id, "请说明接收系统")
    wider = exchange.supply(bureau["consumer"], request.id, bureau.draft(CAPITAL, CITY), "一并申请盟市")
    assert (wider.state, wider.at_stage) == (RequestState.FORMAL_REVIEW, 0)
    exchange.withdraw(bureau["consumer"], request.id, "不再需要")


def test_a_grant_is_for_ones_own_people_only(bureau: Bureau) -> None:
    for other in (bureau["banner"].id, "per_unknown"):
        draft = bureau.draft(CITY, grantee_kind=GranteeKind.PERSON, grantee_id=other)
        plan = bureau.exchange.plan(bureau["consumer"], draft)
        assert [problem.code for problem in plan.problems] == ["unknown_grantee"]


def test_what_is_not_completed_in_time_counts_as_withdrawn(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(CAPITAL)
    exchange.ask_more(bureau["reviewer"], request.id, "请补充业务依据的条款")
    for _ in range(20):
        bureau.clock.advance(timedelta(days=1))
        exchange.watch()
    view = exchange.request(bureau["consumer"], request.id)
    assert (view.request.state, view.steps[-1].by) == (RequestState.WITHDRAWN, SYSTEM.id)
    assert [step.move for step in view.steps].count(Move.URGE) >= 1
    assert "视为撤回" in view.steps[-1].words
    assert not [one for one in bureau.platform.alerts.open() if one[1] == request.id]


def test_nobody_s_request_lapses_without_a_reminder_and_days_after_it(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(CAPITAL)
    exchange.ask_more(bureau["reviewer"], request.id, "请补充业务依据的条款")
    bureau.clock.advance(timedelta(days=40))  # the dispatcher stood still, or the release before had no such limit
    exchange.watch()
    view = exchange.request(bureau["consumer"], request.id)
    assert (view.request.state, view.steps[-1].move) == (RequestState.SUPPLEMENT, Move.URGE)
    exchange.watch()
    bureau.clock.advance(timedelta(days=1))
    exchange.watch()
    assert exchange.request(bureau["consumer"], request.id).request.state is RequestState.SUPPLEMENT
    bureau.clock.advance(timedelta(days=8))
    exchange.watch()
    assert exchange.request(bureau["consumer"], request.id).request.state is RequestState.WITHDRAWN


def test_the_law_counts_from_the_day_a_request_came_in_while_the_bureau_sleeps(bureau: Bureau) -> None:
    exchange, alerts = bureau.exchange, bureau.platform.alerts
    request = bureau.asked(CITY)
    came = bureau.today
    due = bureau.platform.standards.due(came, 10).on
    assert exchange.request(bureau["consumer"], request.id).deadline.last_day == due
    bureau.clock.advance(timedelta(days=8))
    exchange.watch()
    assert alerts.open()[AlertKind.REQUEST, request.id].org_id == BUREAU, "it waits for the data authority"
    passed = exchange.approve(bureau["reviewer"], request.id, "齐全")
    view = exchange.request(bureau["consumer"], request.id)
    assert (passed.case.began, view.deadline.last_day) == (request.submitted_at, due), "the provider has what is left"
    exchange.refuse(bureau["steward"], request.id, "与业务无关")
    slept = bureau.asked(CITY)
    bureau.clock.advance(timedelta(days=30))
    exchange.watch()
    above = bureau.platform.access.organisation(BUREAU).parent_id
    assert alerts.open()[AlertKind.REQUEST_OVERDUE, slept.id].org_id == above, "and then it is the one above that hears"
    exchange.withdraw(bureau["consumer"], slept.id, "不再需要")


def activate(bureau: Bureau, rule_id: str, active: str) -> None:
    laws, steward = bureau.platform.registry, bureau["steward"]
    flat = flat_rule(laws.rule(steward, rule_id)[1][0])
    change = laws.change_of(steward, Action.CHANGE, EntryKind.RULE, {**flat, "active": active})
    made = laws.propose(steward, [change], "本级试行", bureau.today)
    laws.approve(bureau["reviewer"], made.id)


def test_a_formal_review_with_a_limit_of_its_own_takes_nothing_from_the_law(bureau: Bureau) -> None:
    activate(bureau, "share.formal_review.gp", "true")
    request = bureau.asked(CITY)
    assert request.case.rule_id == "share.formal_review.gp"
    bureau.clock.advance(timedelta(days=1))
    passed = bureau.exchange.approve(bureau["reviewer"], request.id, "齐全")
    assert (passed.case.rule_id, passed.case.began) == ("share.reply.conditional.809", request.submitted_at)
    bureau.exchange.withdraw(bureau["consumer"], request.id, "不再需要")
    activate(bureau, "share.formal_review.gp", "false")


def test_who_is_late_is_warned_and_the_matter_goes_up(bureau: Bureau) -> None:
    exchange, alerts = bureau.exchange, bureau.platform.alerts
    request = bureau.asked(CITY)
    exchange.approve(bureau["reviewer"], request.id)
    due = exchange.request(bureau["consumer"], request.id).deadline.due
    bureau.clock.at = due - timedelta(days=1)
    exchange.watch()
    assert alerts.open()[AlertKind.REQUEST, request.id].org_id == OWNER
    told = []
    for _ in range(12):
        bureau.clock.advance(timedelta(days=1))
        exchange.watch()
        exchange.watch()
        told += [one.org_id for key, one in alerts.open().items() if key == (AlertKind.REQUEST_OVERDUE, request.id)]
    steps = [s for s in exchange.request(bureau["consumer"], request.id).steps if s.move is Move.ESCALATE]
    above = bureau.platform.access.organisation(BUREAU).parent_id or BUREAU
    assert [s.detail for s in steps] == [
        {"to": OWNER, "step": 1}, {"to": BUREAU, "step": 2}, {"to": above, "step": 3},
    ]  # fmt: skip
    words = [s.words for s in steps]
    assert [word in said for said, word in zip(words, ("负责人", "数据局", "上级"), strict=True)] == [True] * 3
    assert list(dict.fromkeys(told)) == list(dict.fromkeys([OWNER, BUREAU, above])), "each hears of it in turn"
    records = bureau.platform.evidence_reader.search(
        SYSTEM, EvidenceQuery(action="exchange.request_escalate", target=request.id)
    ).records
    assert sorted(one.detail["step"] for one in records) == [1, 2, 3]
    exchange.refuse(bureau["steward"], request.id, "不再需要")
    assert not [one for one in alerts.open() if one[1] == request.id]


def test_more_time_is_asked_for_and_the_data_authority_consents(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(CITY)
    exchange.approve(bureau["reviewer"], request.id)
    asked = exchange.extend(bureau["steward"], request.id, 3, "正在核对口径")
    assert asked.case.extended == 0, "nobody extends his own time"
    with pytest.raises(Conflict):
        exchange.extend(bureau["steward"], request.id, 3, "再请求")
    for login in ("steward", "lead", "reviewer", "consumer"):
        with pytest.raises(Denied):
            exchange.answer_extension(bureau[login], request.id, "同意", agree=True)
    view = exchange.request(bureau["publisher"], request.id)
    assert (view.may_consent, view.time_asked.words) == (True, "正在核对口径")
    no = exchange.answer_extension(bureau["publisher"], request.id, "口径已统一，无需延长", agree=False)
    assert no.case.extended == 0
    with pytest.raises(Invalid):
        exchange.extend(bureau["steward"], request.id, 30, "正在核对口径")
    exchange.extend(bureau["steward"], request.id, 2, "企业较多")
    yes = exchange.answer_extension(bureau["publisher"], request.id, "同意", agree=True)
    assert yes.case.extended == 2
    with pytest.raises(Conflict):
        exchange.answer_extension(bureau["publisher"], request.id, "同意", agree=True)
    with pytest.raises(Conflict):
        exchange.extend(bureau["steward"], request.id, 3, "再延长")
    exchange.refuse(bureau["steward"], request.id, "不再需要")


def test_time_stands_still_while_a_third_party_is_heard_and_not_for_ever(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(CITY)
    exchange.approve(bureau["reviewer"], request.id)
    with pytest.raises(Invalid):
        exchange.pause(bureau["steward"], request.id, PauseReason.PAPERS, "缺材料")
    with pytest.raises(Denied):
        exchange.pause(bureau["consumer"], request.id, PauseReason.THIRD_PARTY, "等一等")
    held = exchange.pause(bureau["steward"], request.id, PauseReason.THIRD_PARTY, "征求企业意见")
    assert held.case.pauses[-1].until is None
    bureau.clock.advance(timedelta(days=15))
    exchange.watch()
    assert not [one for one in bureau.platform.alerts.open() if one[1] == request.id]
    on = exchange.resume_time(bureau["reviewer"], request.id, "意见已收到")
    assert on.case.pauses[-1].until == bureau.today
    exchange.pause(bureau["steward"], request.id, PauseReason.THIRD_PARTY, "再征求意见")
    bureau.clock.advance(timedelta(days=30))
    exchange.watch()
    view = exchange.request(bureau["consumer"], request.id)
    assert (view.steps[-1].move, view.steps[-1].by) == (Move.RESUME, SYSTEM.id)
    passed = exchange.pause(bureau["steward"], request.id, PauseReason.FORCE_MAJEURE, "机房停电")
    passed = exchange.approve(bureau["steward"], request.id, "同意")
    assert passed.case.pauses[-1].until == bureau.today, "who decides does not wait any more"
    exchange.refuse(bureau["lead"], request.id, "不再需要")


def test_somebody_stands_in_for_a_reviewer_who_is_away(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(CITY)
    exchange.approve(bureau["reviewer"], request.id)
    with pytest.raises(NotFound):
        exchange.approve(bureau["deputy"], request.id, "同意")
    with pytest.raises(Invalid):
        exchange.delegate(bureau["steward"], "consumer", bureau.today, bureau.today, "出差")
    given = exchange.delegate(bureau["steward"], "deputy", bureau.today, bureau.today + timedelta(days=3), "出差")
    assert request.id in {one.id for one in exchange.waiting(bureau["deputy"])}
    passed = exchange.approve(bureau["deputy"], request.id, "代为同意")
    assert passed.at_stage == 2
    step = exchange.request(bureau["consumer"], request.id).steps[-1]
    assert (step.name, step.behalf) == ("deputy", "steward")
    exchange.end_delegation(bureau["steward"], given.id)
    other = bureau.asked(CAPITAL)
    exchange.approve(bureau["reviewer"], other.id)
    with pytest.raises(NotFound):
        exchange.approve(bureau["deputy"], other.id, "同意")


def test_a_matter_is_seen_by_its_two_sides_and_the_authority(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(CITY)
    for login in ("consumer", "colleague", "steward", "reviewer"):
        assert exchange.request(bureau[login], request.id).request.id == request.id
    with pytest.raises(NotFound):
        exchange.request(bureau["banner"], request.id)
    found, count = exchange.requests(bureau["banner"])
    assert {one.org_id for one in found} <= {COUNTY}
    assert count == len(found)
    found, _ = exchange.requests(bureau["lead"], RequestQuery(words=TABLE, states=frozenset({request.state})))
    assert request.id in {one.id for one in found}
    exchange.withdraw(bureau["colleague"], request.id, "不再需要")


def test_a_provider_gives_a_grant_that_nobody_asked_for_but_nothing_sensitive(bureau: Bureau) -> None:
    exchange = bureau.exchange
    with pytest.raises(Denied):
        exchange.give(bureau["steward"], OTHER, bureau.draft(CAPITAL), "推送")
    with pytest.raises(Invalid) as error:
        exchange.give(bureau["lead"], OTHER, bureau.draft(ID), "推送")
    assert error.value.reason == "grade_too_high"
    made = exchange.give(bureau["lead"], OTHER, bureau.draft(CAPITAL), "按联席会议纪要推送")
    assert made.state is GrantState.ACTIVE
    assert CAPITAL in bureau.read("consumer")[0]
