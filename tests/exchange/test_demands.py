"""Demands: what is not there yet is asked for, finds its source, becomes a duty, is supplied and judged."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from exchange_bureau import AT, BUREAU, OTHER, OWNER, Bureau, People
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import (
    Answer,
    Demand,
    DemandDraft,
    DemandMove,
    DemandQuery,
    DemandState,
    Evaluation,
    Fulfilment,
)
from beijiang.exchange.commands import demands as commands
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, Language, NotFound, Wanted
from statements import asked

M = DemandMove


def draft(**words: Any) -> DemandDraft:
    facts: dict[str, Any] = {
        "title": "医疗机构注销信息",
        "items": "机构名称、注销日期、注销原因",
        "purpose": "supervision",
        "use": "及时停止已注销机构的医保结算",
        "basis": "医疗机构管理条例",
    }
    return DemandDraft(**{**facts, **words})


def raised(bureau: Bureau, **words: Any) -> Demand:
    made: Demand = bureau.platform.demands.raise_(bureau["consumer"], draft(**words))
    return made


def test_a_demand_becomes_a_duty_and_is_judged_when_it_is_met(bureau: Bureau) -> None:
    demands = bureau.platform.demands
    with pytest.raises(Invalid) as error:
        demands.raise_(bureau["consumer"], draft(title="数", items=" "))
    assert error.value.detail == {"missing": ["title", "items"]}
    made = raised(bureau)
    assert made.case is not None
    assert made.case.rule_id == "demand.pre_audit.default"
    with pytest.raises(Denied):
        demands.move(bureau["consumer"], made.id, M.PASS)
    with pytest.raises(Conflict) as conflict:
        demands.move(bureau["reviewer"], made.id, M.DISPATCH, "", Answer(org_id=OWNER))
    assert conflict.value.detail["possible"] == ["pass", "return", "reject", "withdraw"]
    assert made.id in {one.id for one in demands.waiting(bureau["reviewer"])}
    demands.move(bureau["reviewer"], made.id, M.PASS, "属实")
    with pytest.raises(NotFound):
        demands.demand(bureau["steward"], made.id)
    with pytest.raises(Invalid):
        demands.move(bureau["reviewer"], made.id, M.DISPATCH, "", Answer(org_id="没有"))
    sent = demands.move(bureau["reviewer"], made.id, M.DISPATCH, "", Answer(org_id="education"))
    assert sent.source_org == "education"
    assert M.CONFIRM not in demands.demand(bureau["reviewer"], made.id).moves
    with pytest.raises(Denied):
        demands.move(bureau["reviewer"], made.id, M.DENY, "不是", Answer(org_id=OWNER))


def test_who_is_asked_names_another_and_that_one_confirms(bureau: Bureau) -> None:
    demands = bureau.platform.demands
    made = raised(bureau)
    demands.move(bureau["reviewer"], made.id, M.PASS)
    demands.move(bureau["reviewer"], made.id, M.DISPATCH, "", Answer(org_id=OWNER))
    with pytest.raises(Invalid):
        demands.move(bureau["steward"], made.id, M.DENY, "", Answer(org_id="education"))
    with pytest.raises(Invalid):
        demands.move(bureau["steward"], made.id, M.DENY, "不掌握", Answer(org_id=OWNER))
    denied = demands.move(bureau["steward"], made.id, M.DENY, "注销由教育部门掌握", Answer(org_id="education"))
    assert (denied.state, denied.named_org) == (DemandState.CORRECTION, "education")
    demands.move(bureau["reviewer"], made.id, M.DISPATCH, "仍由你单位", Answer(org_id=OWNER))
    with pytest.raises(Invalid):
        demands.move(bureau["steward"], made.id, M.CONFIRM)
    day = bureau.today + timedelta(days=20)
    duty = demands.move(bureau["steward"], made.id, M.CONFIRM, "", Answer(supply_by=day))
    assert (duty.state, duty.fulfilment, duty.supply_by) == (DemandState.CONFIRMED, Fulfilment.COLLECT, day)
    assert [one.id for one in demands.demands(bureau["steward"], DemandQuery(duties=True))[0]] == [made.id]
    with pytest.raises(Invalid):
        demands.move(bureau["steward"], made.id, M.COMPLETE)
    done = demands.move(bureau["steward"], made.id, M.COMPLETE, "", Answer(resource_id=bureau.resource.id))
    assert (done.state, done.case.rule_id if done.case else "") == (DemandState.COMPLETED, "demand.evaluate.default")
    assert made.id in {one.id for one in demands.waiting(bureau["consumer"])}
    judged = demands.move(bureau["consumer"], made.id, M.EVALUATE, "", Answer(evaluation=Evaluation.PARTIAL))
    assert judged.evaluation is Evaluation.PARTIAL
    with pytest.raises(Conflict):
        demands.move(bureau["consumer"], made.id, M.EVALUATE, "", Answer(evaluation=Evaluation.MATCHED))
    view = demands.demand(bureau["consumer"], made.id)
    assert [step.move.value for step in view.steps] == [
        "raise", "pass", "dispatch", "deny", "dispatch", "confirm", "complete", "evaluate",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        demands.demand(bureau["banner"], made.id)


def dispatched(bureau: Bureau) -> Demand:
    demands = bureau.platform.demands
    made = raised(bureau)
    demands.move(bureau["reviewer"], made.id, M.PASS)
    sent: Demand = demands.move(bureau["reviewer"], made.id, M.DISPATCH, "", Answer(org_id=OWNER))
    return sent


def test_a_duty_has_a_clock_that_ends_with_the_promise_and_within_the_law(bureau: Bureau) -> None:
    demands, alerts, due = bureau.platform.demands, bureau.platform.alerts, bureau.platform.standards.due
    sent = dispatched(bureau)
    assert sent.case is not None
    assert sent.case.rule_id == "share.uncatalogued.default", "who is asked has a time to answer"
    with pytest.raises(Invalid) as error:
        demands.move(bureau["steward"], sent.id, M.CONFIRM, "", Answer(supply_by=date(2099, 1, 1)))
    assert error.value.reason == "supply_day"
    far = bureau.today + timedelta(days=200)
    demands.move(bureau["steward"], sent.id, M.CONFIRM, "", Answer(supply_by=far))
    assert demands.demand(bureau["steward"], sent.id).deadline.last_day == due(bureau.today, 20).on
    soon = dispatched(bureau)
    day = due(bureau.today, 2).on
    demands.move(bureau["steward"], soon.id, M.CONFIRM, "", Answer(supply_by=day))
    assert demands.demand(bureau["steward"], soon.id).deadline.last_day == day
    bureau.clock.advance(timedelta(days=(day - bureau.today).days + 1))
    demands.watch()
    assert alerts.open()[AlertKind.REQUEST_OVERDUE, soon.id].org_id == OWNER
    bureau.clock.advance(due(day, 3).on - bureau.today)
    demands.watch()
    assert alerts.open()[AlertKind.REQUEST_OVERDUE, soon.id].org_id == BUREAU, "and then the data authority"
    with pytest.raises(Denied):
        demands.move(bureau["steward"], soon.id, M.POSTPONE, "来不及", Answer(supply_by=far))
    with pytest.raises(Invalid):
        demands.move(bureau["reviewer"], soon.id, M.POSTPONE, "系统改造", Answer(supply_by=day))
    later = due(bureau.today, 30).on
    moved = demands.move(bureau["reviewer"], soon.id, M.POSTPONE, "系统改造", Answer(supply_by=later))
    assert (moved.supply_by, demands.demand(bureau["steward"], soon.id).deadline.last_day) == (later, later)
    assert (AlertKind.REQUEST_OVERDUE, soon.id) not in alerts.open()
    back = demands.move(bureau["steward"], soon.id, M.GIVE_BACK, "系统已停用")
    assert (back.state, back.supply_by, back.case.rule_id) == (DemandState.CORRECTION, None, "dispute.mediate.default")
    assert soon.id in {one.id for one in demands.waiting(bureau["reviewer"])}
    ended = demands.move(bureau["consumer"], sent.id, M.WITHDRAW, "不再需要")
    assert (ended.state, ended.case.answered is not None) == (DemandState.WITHDRAWN, True)


def test_who_needs_what_the_catalog_has_says_that_it_came(bureau: Bureau) -> None:
    demands = bureau.platform.demands
    made = raised(bureau)
    demands.move(bureau["reviewer"], made.id, M.PASS)
    found = demands.move(bureau["reviewer"], made.id, M.MATCH, "", Answer(resource_id=bureau.resource.id))
    assert found.case is not None
    assert found.case.rule_id == "share.deliver.809"
    bureau.clock.advance(timedelta(days=40))
    demands.watch()
    alert = bureau.platform.alerts.open()[AlertKind.REQUEST_OVERDUE, made.id]
    assert alert.org_id != OWNER, "who needs it has to ask; the source is not late"
    assert M.POSTPONE not in demands.demand(bureau["reviewer"], made.id).moves
    done = demands.move(bureau["consumer"], made.id, M.RECEIVE, "已获授权并取得")
    assert (done.state, done.resource_id) == (DemandState.COMPLETED, bureau.resource.id)
    mine = demands.demand_part(bureau["consumer"], DemandQuery(mine=True), Wanted(limit=None)).rows
    assert {one.id for one in mine} == {one.id for one in demands.waiting(bureau["consumer"])}


def test_a_returned_demand_comes_again_and_a_late_one_is_urged(bureau: Bureau) -> None:
    demands, alerts = bureau.platform.demands, bureau.platform.alerts
    made = raised(bureau)
    demands.move(bureau["reviewer"], made.id, M.RETURN, "请写明条款")
    again = demands.revise(bureau["consumer"], made.id, draft(basis="条例第二十条"), "已写明")
    assert again.state is DemandState.SUBMITTED
    bureau.clock.advance(timedelta(days=8))
    demands.watch()
    demands.watch()
    assert (AlertKind.REQUEST_OVERDUE, made.id) in alerts.open()
    assert [s.move.value for s in demands.demand(bureau["consumer"], made.id).steps].count("escalate") == 1
    demands.move(bureau["reviewer"], made.id, M.PASS)
    assert (AlertKind.REQUEST_OVERDUE, made.id) not in alerts.open()
    matched = demands.move(bureau["reviewer"], made.id, M.MATCH, "", Answer(resource_id=bureau.resource.id))
    assert (matched.fulfilment, matched.source_org) == (Fulfilment.EXISTING, OWNER)
    assert "企业登记信息" in {hit.title for hit in demands.similar(bureau["consumer"], "企业登记")}


def test_what_a_dispatch_would_do_is_shown_before_and_changes_nothing(bureau: Bureau) -> None:
    demands = bureau.platform.demands
    busy = raised(bureau, title="歇业登记企业")
    demands.move(bureau["reviewer"], busy.id, M.PASS)
    demands.move(bureau["reviewer"], busy.id, M.DISPATCH, "", Answer(org_id=OWNER))
    made = raised(bureau, title="个体工商户名录")
    demands.move(bureau["reviewer"], made.id, M.PASS)
    to = Answer(org_id=OWNER)
    plan = demands.plan_move(bureau["reviewer"], made.id, M.DISPATCH, to)
    assert plan.org_id == OWNER
    assert busy.id in {one.id for one in plan.has}
    assert demands.demand(bureau["reviewer"], made.id).demand.state is DemandState.ANALYZING, "nothing was changed"
    with pytest.raises(Denied):
        demands.plan_move(bureau["consumer"], made.id, M.DISPATCH, to)
    with pytest.raises(Invalid):
        demands.plan_move(bureau["reviewer"], made.id, M.DISPATCH, Answer(org_id="nobody"))
    told = People(bureau)["reviewer"].post(f"{AT}/demands/{made.id}/plan", json={"move": "dispatch", "org_id": OWNER})
    assert told.status_code == 200, told.text
    group = commands(lambda: demands, lambda: bureau.platform.access)
    words = ["move", made.id, "dispatch", "--org", OWNER, "--plan", "--as", "reviewer"]
    shown = CliRunner().invoke(group, words)
    assert shown.exit_code == 0, shown.output
    assert busy.id in shown.output
    done = demands.move(bureau["reviewer"], made.id, M.DISPATCH, "", to)
    standing = demands.due(done)
    assert (done.state, done.source_org) == (plan.after, plan.org_id)
    assert (standing and standing.last_day) == (plan.deadline and plan.deadline.last_day)
    assert told.json()["due_on"] == (None if standing is None else standing.last_day.isoformat())


def test_who_is_away_is_stood_in_for_and_the_record_says_for_whom(bureau: Bureau) -> None:
    demands, exchange = bureau.platform.demands, bureau.exchange
    made = raised(bureau, title="停业整顿企业名单")
    demands.move(bureau["reviewer"], made.id, M.PASS)
    demands.move(bureau["reviewer"], made.id, M.DISPATCH, "", Answer(org_id=OWNER))
    day = Answer(supply_by=bureau.today + timedelta(days=9))
    with pytest.raises(NotFound):
        demands.move(bureau["deputy"], made.id, M.CONFIRM, "", day)
    given = exchange.delegate(bureau["steward"], "deputy", bureau.today, bureau.today, "出差")
    view = demands.demand(bureau["deputy"], made.id)
    assert M.CONFIRM in view.moves
    assert M.WITHDRAW not in view.moves, "what is needed is said by who needs it"
    hints = demands.hints(bureau["deputy"], made.id)
    assert hints.not_shared == (), "a member reads no department's negative list, and is shown the rest"
    assert made.id in {one.id for one in demands.waiting(bureau["deputy"])}
    listed = demands.demand_part(bureau["deputy"], DemandQuery(mine=True), Wanted())
    assert made.id in {one.id for one in listed.rows}
    demands.move(bureau["deputy"], made.id, M.CONFIRM, "", day)
    step = demands.demand(bureau["steward"], made.id).steps[-1]
    assert (step.name, step.behalf) == ("deputy", "steward")
    log = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=made.id)).records
    assert log[0].detail["behalf"] == "steward"
    exchange.end_delegation(bureau["steward"], given.id)
    with pytest.raises(NotFound):
        demands.move(bureau["deputy"], made.id, M.POSTPONE, "再等等", day)


def test_nobody_stands_in_where_they_asked_themselves(bureau: Bureau) -> None:
    demands, exchange = bureau.platform.demands, bureau.exchange
    made = raised(bureau, title="门诊人次统计")
    demands.move(bureau["reviewer"], made.id, M.PASS)
    demands.move(bureau["reviewer"], made.id, M.DISPATCH, "", Answer(org_id=OTHER))
    day = Answer(supply_by=bureau.today + timedelta(days=9))
    given = exchange.delegate(bureau["colleague"], "consumer", bureau.today, bureau.today, "出差")
    for step in (demands.plan_move, lambda *words: demands.move(*words[:3], "", words[3])):
        with pytest.raises(Denied) as denied:
            step(bureau["consumer"], made.id, M.CONFIRM, day)
        assert denied.value.reason == "own_demand"
    assert demands.demand(bureau["consumer"], made.id).moves == (M.WITHDRAW,)
    assert made.id not in {one.id for one in demands.waiting(bureau["consumer"])}
    listed = demands.demand_part(bureau["consumer"], DemandQuery(mine=True), Wanted())
    assert made.id not in {one.id for one in listed.rows}
    exchange.end_delegation(bureau["colleague"], given.id)
    assert demands.move(bureau["colleague"], made.id, M.CONFIRM, "", day).supply_by == day.supply_by


def test_what_is_shown_before_a_dispatch_asks_no_more_of_the_database_for_more_demands(bureau: Bureau) -> None:
    demands = bureau.platform.demands

    def ready(title: str) -> Demand:
        made = raised(bureau, title=title)
        demands.move(bureau["reviewer"], made.id, M.PASS)
        return made

    def dispatched_to_owner(title: str) -> None:
        demands.move(bureau["reviewer"], ready(title).id, M.DISPATCH, "", Answer(org_id=OWNER))

    made = ready("供热管网图")
    dispatched_to_owner("供热价格")
    before = asked_for(bureau, made.id)
    for n in range(4):
        dispatched_to_owner(f"供热价格第{n}档")
    assert asked_for(bureau, made.id) == before


def asked_for(bureau: Bureau, demand: str) -> int:
    """Return how many statements it takes to show what a dispatch would do."""
    with asked(bureau.platform.db) as statements:
        bureau.platform.demands.plan_move(bureau["reviewer"], demand, M.DISPATCH, Answer(org_id=OWNER))
    return len(statements)


def test_whoever_matches_a_demand_sees_what_may_be_it_who_owes_the_same_and_what_is_not_shared(bureau: Bureau) -> None:
    demands = bureau.platform.demands
    owed = raised(bureau, title="企业法人通讯录", items="企业名称、法定代表人电话")
    demands.move(bureau["reviewer"], owed.id, M.PASS)
    demands.move(bureau["reviewer"], owed.id, M.DISPATCH, "", Answer(org_id=OWNER))
    demands.move(bureau["steward"], owed.id, M.CONFIRM, "", Answer(supply_by=bureau.today + timedelta(days=9)))
    made = raised(bureau, title="联络名单核查", items="法定代表人电话、注册资本")
    hints = demands.hints(bureau["reviewer"], made.id)
    assert bureau.resource.id in {hit.id for hit in hints.entries}, "its title says nothing, its items do"
    assert [one.id for one in hints.duties] == [owed.id]
    kept = {(one.item, one.basis) for one in hints.not_shared if one.resource_id == bureau.resource.id}
    assert kept == {("法定代表人电话", "个人信息保护法第13条")}
    unlike = demands.hints(bureau["reviewer"], raised(bureau, title="天气预报产品", items="降水量").id)
    assert unlike.duties == ()
    with pytest.raises(NotFound):
        demands.hints(bureau["banner"], made.id)
    with pytest.raises(Denied):
        demands.similar(bureau["deputy"], "企业")

    programs = People(bureau)
    told = programs["reviewer"].get(f"{AT}/demands/{made.id}/hints").json()
    assert [one["id"] for one in told["duties"]] == [owed.id]
    assert told["not_shared"][0]["basis"] == "个人信息保护法第13条"
    terminal.set_style(as_json=False, language=Language.ZH)
    group = commands(lambda: demands, lambda: bureau.platform.access)
    shown = CliRunner().invoke(group, ["hints", made.id, "--as", "reviewer"])
    assert shown.exit_code == 0, shown.output
    assert owed.id in shown.output
    demands.move(bureau["reviewer"], made.id, M.RETURN, "请写用途")
    words = ["revise", made.id, "--words", "已写", "--title", "企业联络名单核查", "--as", "consumer"]
    again = CliRunner().invoke(group, words)
    assert again.exit_code == 0, again.output
    after = demands.demand(bureau["consumer"], made.id).demand
    assert (after.draft.title, after.draft.items) == ("企业联络名单核查", "法定代表人电话、注册资本")
    assert after.state is DemandState.SUBMITTED


def test_what_was_supplied_is_no_duty_any_more(bureau: Bureau) -> None:
    demands, facts = bureau.platform.demands, {"items": "厂房面积、厂房地址"}
    owed = raised(bureau, title="厂房面积清册", **facts)
    demands.move(bureau["reviewer"], owed.id, M.PASS)
    demands.move(bureau["reviewer"], owed.id, M.DISPATCH, "", Answer(org_id=OWNER))
    demands.move(bureau["steward"], owed.id, M.CONFIRM, "", Answer(supply_by=bureau.today + timedelta(days=9)))
    made = raised(bureau, title="厂房核查", **facts)
    assert [one.id for one in demands.hints(bureau["reviewer"], made.id).duties] == [owed.id]
    demands.move(bureau["steward"], owed.id, M.COMPLETE, "", Answer(resource_id=bureau.resource.id))
    assert demands.hints(bureau["reviewer"], made.id).duties == ()


def test_programs_and_operators_do_the_same(bureau: Bureau, tmp_path: Path) -> None:
    programs, at = People(bureau), f"{AT}/demands"
    order = {"title": "企业用电信息", "items": "企业名称、月用电量", "purpose": "decision", "use": "监测运行情况"}
    made = programs["consumer"].post(at, json=order)
    assert made.status_code == 201
    here = f"{at}/{made.json()['id']}"
    assert programs["reviewer"].get(f"{at}/waiting").json()["demands"][-1]["id"] == made.json()["id"]
    assert programs["reviewer"].post(f"{here}/move", json={"move": "return", "words": "请写依据"}).status_code == 200
    again = programs["consumer"].put(here, json={**order, "basis": "条例", "words": "已写"})
    assert again.json()["state"] == "submitted"
    assert programs["reviewer"].post(f"{here}/move", json={"move": "pass"}).json()["state"] == "analyzing"
    assert programs["consumer"].get(here).json()["moves"] == ["withdraw"]
    assert programs["consumer"].get(f"{at}/similar", params={"q": "企业登记"}).json()["entries"]
    assert programs["consumer"].get(at, params={"q": "用电"}).json()["count"] >= 1
    ledger = programs["consumer"].get(f"{at}/ledger", params={"form": "csv"})
    assert "企业用电信息" in ledger.text
    terminal.set_style(as_json=False, language=Language.ZH)
    group = commands(lambda: bureau.platform.demands, lambda: bureau.platform.access)

    def run(login: str, *words: str) -> str:
        done = CliRunner().invoke(group, [*words, "--as", login])
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    run("consumer", "raise", "车辆登记信息", "--items", "号牌", "--purpose", "service", "--use", "核对补贴")
    number = bureau.platform.demands.demands(bureau["consumer"], DemandQuery(words="车辆"))[0][0].id
    assert "企业登记信息" in run("consumer", "similar", "企业登记")
    assert number in run("reviewer", "list", "--waiting")
    run("reviewer", "move", number, "pass")
    run("reviewer", "move", number, "dispatch", "--org", OWNER)
    run("steward", "move", number, "confirm", "--supply-by", (bureau.today + timedelta(days=9)).isoformat())
    assert "已确认" in run("steward", "show", number)
    assert number in run("steward", "list", "--duties")
    run("steward", "ledger", str(tmp_path / "台账.xlsx"))
    assert (tmp_path / "台账.xlsx").read_bytes()[:2] == b"PK"
