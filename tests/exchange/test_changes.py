"""Plans of decisions: who loses what, before it is taken away; and what approving a request would give."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from exchange_bureau import OTHER, OWNER, TABLE, Bureau, People
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import KeyDraft, Permission
from beijiang.exchange import GrantState, Move, Narrowing, RequestState, Way
from beijiang.exchange.commands import add_changes, commands
from beijiang.kit import Conflict, Denied, Invalid, Language
from beijiang.protection import rowquery

NAME, CAPITAL, CITY = "企业名称", "注册资本", "盟市"
AT = "/api/v1/exchange"


@pytest.fixture
def grant(bureau: Bureau) -> Any:
    return bureau.granted(NAME, CAPITAL, CITY, as_is=(NAME, CAPITAL, CITY))


def test_a_narrowing_is_shown_before_it_takes_anything_away(bureau: Bureau, grant: Any) -> None:
    by = Narrowing(
        without=frozenset({CAPITAL}), masked=frozenset({CITY}), without_ways=frozenset({Way.PAGE}),
        until=bureau.today + timedelta(days=3), calls_per_day=5,
    )  # fmt: skip
    plan = bureau.exchange.plan_change(bureau["lead"], grant.id, Move.CUT, by)
    assert (plan.less.columns, plan.less.masked, plan.less.ways) == ((CAPITAL,), (CITY,), (Way.PAGE,))
    assert (plan.less.until, plan.less.calls_per_day) == (bureau.today + timedelta(days=3), 5)
    assert (plan.ends, plan.after, plan.kept) == (False, GrantState.ACTIVE, ())
    assert set(bureau.read("consumer")[0]) == {NAME, CAPITAL, CITY}, "nothing was changed"
    with pytest.raises(Invalid):
        bureau.exchange.plan_change(bureau["lead"], grant.id, Move.CUT, Narrowing(without=frozenset({"无此项"})))


def test_a_revocation_names_the_keys_the_use_and_what_stays_by_another_grant(bureau: Bureau, grant: Any) -> None:
    before = bureau.exchange.plan_change(bureau["lead"], grant.id, Move.REVOKE)
    assert (before.calls, before.last_used, before.kept) == (0, None, ())
    scopes = frozenset({Permission.PROTECTION_ROWS_READ_GRANTED.value})
    key, _ = bureau.platform.access.issue_key(bureau["consumer"], KeyDraft(name="取数", scopes=scopes, days=1))
    bureau.granted(NAME)
    bureau.exchange.rows(bureau["consumer"], TABLE, rowquery.RowQuery(size=1))
    plan = bureau.exchange.plan_change(bureau["lead"], grant.id, Move.REVOKE)
    assert (plan.ends, plan.after, plan.kept) == (True, GrantState.REVOKED, (NAME,))
    assert plan.keys == before.keys + 1
    bureau.platform.access.revoke_key(bureau["consumer"], key.id)
    assert bureau.exchange.plan_change(bureau["lead"], grant.id, Move.REVOKE).keys == before.keys, (
        "an ended key loses nothing"
    )
    assert bureau.exchange.grant(bureau["consumer"], grant.id).standing is GrantState.ACTIVE


def test_a_plan_is_for_whom_the_change_is(bureau: Bureau, grant: Any) -> None:
    with pytest.raises(Denied):
        bureau.exchange.plan_change(bureau["consumer"], grant.id, Move.REVOKE)
    assert bureau.exchange.plan_change(bureau["consumer"], grant.id, Move.GIVE_UP).ends
    for wrong in (Move.RESUME, Move.APPROVE):
        with pytest.raises(Conflict) as error:
            bureau.exchange.plan_change(bureau["lead"], grant.id, wrong)
        assert error.value.reason == "grant_state"


def test_approving_is_shown_stage_by_stage(bureau: Bureau) -> None:
    request = bureau.asked(NAME, CAPITAL)
    with pytest.raises(Denied):
        bureau.exchange.plan_decision(bureau["lead"], request.id)
    plan = bureau.exchange.plan_decision(bureau["reviewer"], request.id)
    assert [one.stage.id for one in plan.stages] == ["provider_opinion", "provider_decision"]
    assert {one.org_id for one in plan.stages} == {OWNER}
    assert all(one.due_on is not None and one.due_on > bureau.today for one in plan.stages)
    assert bureau.exchange.request(bureau["reviewer"], request.id).request.state is RequestState.FORMAL_REVIEW
    for login in ("reviewer", "steward"):
        bureau.exchange.approve(bureau[login], request.id, "同意")
    less = Narrowing(without=frozenset({CAPITAL}))
    last = bureau.exchange.plan_decision(bureau["lead"], request.id, less)
    assert (last.stages, last.leaves, last.less.columns, last.offered.columns) == ((), False, (CAPITAL,), (NAME,))
    done = bureau.exchange.approve(bureau["lead"], request.id, "只需名称", less)
    assert done.offered == last.offered, "it is what was shown"


def test_the_plans_are_told_by_the_api(bureau: Bureau, grant: Any) -> None:
    people = People(bureau)
    plan = people["lead"].post(f"{AT}/grants/{grant.id}/plan", json={"move": "revoke"}).json()
    assert (plan["after"], plan["ends"], plan["org_id"]) == ("revoked", True, OTHER)
    cut = people["lead"].post(f"{AT}/grants/{grant.id}/plan", json={"move": "cut", "without": [CAPITAL]}).json()
    assert cut["less"]["columns"] == [CAPITAL]
    assert people["banner"].post(f"{AT}/grants/{grant.id}/plan", json={"move": "revoke"}).status_code == 404
    request = bureau.asked(CAPITAL)
    found = people["reviewer"].post(f"{AT}/requests/{request.id}/plan", json={}).json()
    assert (found["ready"], found["grants"]) == (True, False)
    bureau.exchange.withdraw(bureau["consumer"], request.id, "不再需要")


def test_the_plans_are_told_at_the_terminal(bureau: Bureau, grant: Any) -> None:
    terminal.set_style(as_json=True, language=Language.ZH)
    group = commands(lambda: bureau.exchange, lambda: bureau.platform.access)
    add_changes(group, lambda: bureau.exchange, lambda: bureau.platform.access)
    done = CliRunner().invoke(group, ["plan-change", grant.id, "cut", "--without", CAPITAL, "--as", "lead"])
    assert done.exit_code == 0, done.output
    assert CAPITAL in done.output
    request = bureau.asked(CAPITAL)
    told = CliRunner().invoke(group, ["plan-decision", request.id, "--as", "reviewer"])
    assert told.exit_code == 0, told.output
    assert OWNER in told.output
    bureau.exchange.withdraw(bureau["consumer"], request.id, "不再需要")


def test_what_giving_a_grant_would_do_is_shown_before_and_changes_nothing(bureau: Bureau) -> None:
    exchange, people = bureau.exchange, People(bureau)
    held = bureau.granted(NAME)
    draft = bureau.draft(NAME, CITY)
    before = exchange.grants(bureau["lead"])[1]
    plan = exchange.plan_give(bureau["lead"], OTHER, draft)
    assert (plan.problems, plan.held) == ((), (NAME,))
    assert exchange.grants(bureau["lead"])[1] == before
    bad = exchange.plan_give(bureau["lead"], OTHER, bureau.draft("没有这一项", CITY, use="看"))
    assert len(bad.problems) >= 2, "all that stands against it is told at once"
    sensitive = exchange.plan_give(bureau["lead"], OTHER, bureau.draft("法定代表人电话"))
    assert "grade_too_high" in {one.code for one in sensitive.problems}
    with pytest.raises(Denied):
        exchange.plan_give(bureau["consumer"], OTHER, draft)
    order = {
        "org_id": OTHER,
        "resource_id": bureau.resource.id,
        "items": [{"column": NAME, "handling": "as_is"}],
        "ways": ["row_api"],
        "since": bureau.today.isoformat(),
        "until": (bureau.today + timedelta(days=30)).isoformat(),
        "purpose": draft.purpose,
        "use": draft.use,
        "basis": draft.basis,
    }
    told = people["lead"].post(f"{AT}/grants/plan-give", json=order)
    assert told.status_code == 200, told.text
    assert (told.json()["ready"], told.json()["held"]) == (True, [NAME])
    terminal.set_style(as_json=False, language=Language.ZH)
    group = commands(lambda: exchange, lambda: bureau.platform.access)
    words = ["give", OTHER, bureau.resource.id, "--item", NAME, "--way", "row_api", "--purpose", draft.purpose]
    words += ["--use", draft.use, "--basis", draft.basis, "--words", "推送", "--plan", "--as", "lead"]
    shown = CliRunner().invoke(group, words)
    assert shown.exit_code == 0, shown.output
    assert "什么都还没有改变" in shown.output
    assert exchange.grants(bureau["lead"])[1] == before
    exchange.revoke(bureau["lead"], held.id, "下一个测试")
