"""The model card of a forecast: described by one, approved by another on what was shown, and for one revision only."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from forecasting import ORIGIN, OWNER, PASSWORD, Bureau, draft, monthly
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import KeyDraft, Permission, PersonDraft, Role
from beijiang.app import create_app
from beijiang.console.tiles import tiles
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, Language, NotFound
from beijiang.mining import CardState, Forecast, ForecastRun, RunCause, found_limits
from beijiang.mining.commands import forecast_commands

PURPOSE, LIMITS = "研判月度走势", "不作为考核依据"


def made(bureau: Bureau, table: str, *, runs: bool = True) -> Forecast:
    bureau.write(monthly(60), table)
    found = bureau.save(table, on_write=False)
    if runs:
        bureau.run(found)
    return found


def decided(bureau: Bureau) -> list[object]:
    bureau.platform.evidence.flush()
    page = bureau.platform.evidence.page(EvidenceQuery(action="mining.forecast_card"))
    return [one.detail["approved"] for one in page.records]


def test_a_card_is_described_by_one_and_approved_by_another(bureau: Bureau) -> None:
    forecasts, steward, approver = bureau.platform.forecasts, bureau["steward"], bureau["approver"]
    found = made(bureau, "有卡的表")
    card = forecasts.card(steward, found.id)
    assert (card.entries, card.holds, card.approved) == ([], False, None)
    assert card.run is not None
    with pytest.raises(Conflict) as nothing:
        forecasts.decide_card(approver, found.id, approve=True, note="好", seen=card.shown.token)
    assert nothing.value.reason == "card_state"
    with pytest.raises(Invalid):
        forecasts.describe(steward, found.id, PURPOSE, " ")
    with pytest.raises(NotFound):
        forecasts.describe(bureau["stranger"], found.id, PURPOSE, LIMITS)
    card = forecasts.describe(steward, found.id, PURPOSE, LIMITS)
    assert card.waiting is not None
    assert (card.waiting.purpose, card.waiting.limits, card.waiting.revision) == (PURPOSE, LIMITS, 1)
    told = card.to_json()
    assert told["data_version"] == card.run.data_version if card.run else False
    assert told["mase"] is not None
    assert told["naive_mase"] is not None

    for person in ("steward", "analyst"):
        with pytest.raises(Denied):
            forecasts.decide_card(bureau[person], found.id, approve=True, note="好", seen=card.shown.token)
    with pytest.raises(Invalid):
        forecasts.decide_card(approver, found.id, approve=True, note=" ", seen=card.shown.token)
    newer = forecasts.describe(steward, found.id, "另有用途", LIMITS)
    with pytest.raises(Conflict) as changed:
        forecasts.decide_card(approver, found.id, approve=True, note="好", seen=card.shown.token)
    assert changed.value.reason == "changed_since_seen"
    held = forecasts.decide_card(approver, found.id, approve=True, note="回测良好", seen=newer.shown.token)
    assert held.holds
    assert held.approved is not None
    assert (held.approved.purpose, held.approved.decided_by) == ("另有用途", "approver某")
    assert [one.state for one in held.entries] == [CardState.RETURNED, CardState.APPROVED]
    with pytest.raises(Conflict):
        forecasts.decide_card(approver, found.id, approve=False, note="再退")
    assert decided(bureau)[:1] == [True]

    # Another revision is another forecast: what was approved is the one before.
    forecasts.change(steward, found.id, draft("有卡的表", horizon=3), "只看一季")
    later = forecasts.card(steward, found.id)
    assert (later.holds, later.approved is not None) == (False, True)
    again = forecasts.describe(steward, found.id, PURPOSE, LIMITS)
    back = forecasts.decide_card(approver, found.id, approve=False, note="请写清限制")
    assert (back.waiting, back.holds, back.entries[-1].note) == (None, False, "请写清限制")
    assert again.waiting is not None


def test_who_declared_an_earlier_revision_approves_none(bureau: Bureau) -> None:
    forecasts, steward, access = bureau.platform.forecasts, bureau["steward"], bureau.platform.access
    both = PersonDraft(login="both", name="both某", org_id=OWNER, roles=frozenset({Role.STEWARD, Role.ORG_REVIEWER}))
    access.add_person(SYSTEM, both)
    declarer = access.actor_for_person("both")
    bureau.write(monthly(60), "两人的表")
    found = forecasts.save(declarer, draft("两人的表"))
    bureau.run(found)
    forecasts.change(steward, found.id, draft("两人的表", name="改名"), "只改了名称")
    card = forecasts.describe(steward, found.id, PURPOSE, LIMITS)
    with pytest.raises(Denied) as own:
        forecasts.decide_card(declarer, found.id, approve=True, note="好", seen=card.shown.token)
    assert own.value.reason == "model_self_approval"
    assert forecasts.decide_card(bureau["approver"], found.id, approve=True, note="好", seen=card.shown.token).holds


def test_what_waits_for_whom_is_counted_at_home_and_listed(bureau: Bureau) -> None:
    forecasts, steward, approver = bureau.platform.forecasts, bureau["steward"], bureau["approver"]
    before = [one.id for one in forecasts.to_approve(approver)]
    found = made(bureau, "待批的表", runs=False)
    assert [one.id for one in forecasts.to_approve(approver)] == before, "nothing was said of it yet"
    forecasts.describe(steward, found.id, PURPOSE, LIMITS)
    waiting = forecasts.to_approve(approver)
    assert {one.id for one in waiting} - {*before} == {found.id}
    with pytest.raises(Denied):
        forecasts.to_approve(steward)
    bureau.platform.access.add_person(
        SYSTEM,
        PersonDraft(login="twice", name="twice某", org_id=OWNER, roles=frozenset({Role.STEWARD, Role.ORG_REVIEWER})),
    )
    twice = bureau.platform.access.actor_for_person("twice")
    assert found.id in {one.id for one in forecasts.to_approve(twice)}
    forecasts.describe(twice, found.id, "另有用途", LIMITS)
    assert found.id not in {one.id for one in forecasts.to_approve(twice)}, "his own words wait for another"

    href = "/console/forecasts?show=waiting"
    (tile,) = [one for one in tiles(bureau.platform, approver) if one.href == href]
    assert tile.count == len(waiting)
    needed = {Permission.MINING_FORECAST_READ, Permission.MINING_MODEL_APPROVE}
    for scopes in (needed, needed - {Permission.MINING_FORECAST_READ} | {Permission.MINING_MODEL_READ}):
        key = replace(approver, scopes=frozenset(map(str, scopes)))
        led = {one.href for one in tiles(bureau.platform, key)}
        assert (href in led, "/console/models?show=waiting" in led) == (scopes == needed, scopes != needed)
    app = create_app(bureau.platform)
    opened = TestClient(app, base_url=ORIGIN, follow_redirects=False, headers={"Origin": ORIGIN})
    opened.post("/console/sign-in", data={"login": "approver", "password": PASSWORD})
    shown = opened.get(href).text
    assert f'data-found="{len(waiting)}"' in shown
    assert f"/console/forecasts/{found.id}" in shown
    told = opened.get("/api/v1/forecasts?waiting=true").json()["forecasts"]
    assert [one["id"] for one in told] == [one.id for one in waiting]
    group = forecast_commands(lambda: bureau.platform.forecasts, lambda: bureau.platform.access)
    terminal.set_style(as_json=True, language=Language.EN)
    try:
        answer = CliRunner().invoke(group, ["list", "--waiting", "--as", "approver"], catch_exceptions=False)
    finally:
        terminal.set_style(as_json=False, language=Language.ZH)
    assert [one["id"] for one in json.loads(answer.stdout)] == [one.id for one in waiting]
    forecasts.decide_card(approver, found.id, approve=False, note="不清楚")
    assert [one.id for one in forecasts.to_approve(approver)] == before


def test_nothing_is_approved_without_a_back_test(bureau: Bureau) -> None:
    forecasts = bureau.platform.forecasts
    found = made(bureau, "没有运行的表", runs=False)
    card = forecasts.describe(bureau["steward"], found.id, PURPOSE, LIMITS)
    assert "no back-test" in card.limits[0].en
    with pytest.raises(Invalid) as early:
        forecasts.decide_card(bureau["approver"], found.id, approve=True, note="好", seen=card.shown.token)
    assert early.value.reason == "card_run"


def test_a_run_says_itself_where_it_ends(bureau: Bureau) -> None:
    words: dict[str, Any] = {
        "id": "r", "forecast_id": "f", "number": 1, "revision": 1, "at": bureau.clock.now(),
        "cause": RunCause.ASKED, "by": "x", "seconds": 1.0, "series": 3,
    }  # fmt: skip
    good = ForecastRun(**words, mase=0.7, naive_mase=1.0, cover80=0.78)
    assert found_limits(good) == ()
    bad = ForecastRun(**words, mase=1.0, naive_mase=1.0, cover80=0.6, without={"short": 1})
    zh = "".join(one.zh for one in found_limits(bad))
    assert "未优于朴素方法" in zh
    assert "60%" in zh
    assert "3 条序列中有 1 条没有预测" in zh


def test_by_api_console_and_terminal(bureau: Bureau) -> None:
    found = made(bureau, "各门的表")
    app = create_app(bureau.platform)
    scopes = frozenset(str(p) for p in Permission if p.startswith("mining:"))

    def program(login: str) -> TestClient:
        _, secret = bureau.platform.access.issue_key(bureau.signed[login], KeyDraft(name="卡", scopes=scopes, days=1))
        return TestClient(app, headers={"Authorization": f"Bearer {secret}"})

    at = f"/api/v1/forecasts/{found.id}/card"
    steward, approver = program("steward"), program("approver")
    assert steward.put(at, json={"purpose": PURPOSE, "limits": ""}).status_code == 422
    card = steward.put(at, json={"purpose": PURPOSE, "limits": LIMITS}).json()
    assert (card["waiting"]["purpose"], card["holds"]) == (PURPOSE, False)
    own = steward.post(f"{at}/decide", json={"approve": True, "note": "好", "seen": card["seen"]})
    assert own.status_code == 403
    unseen = approver.post(f"{at}/decide", json={"approve": True, "note": "好"})
    assert (unseen.status_code, unseen.json()["error"]["code"]) == (409, "changed_since_seen")
    done = approver.post(f"{at}/decide", json={"approve": True, "note": "好", "seen": card["seen"]})
    assert done.json()["holds"] is True
    assert approver.get(at).json()["approved"]["decided_by"] == "approver某"

    def browser(login: str) -> TestClient:
        opened = TestClient(app, base_url=ORIGIN, follow_redirects=False, headers={"Origin": ORIGIN})
        opened.post("/console/sign-in", data={"login": login, "password": PASSWORD})
        return opened

    page = f"/console/forecasts/{found.id}"
    keeper, reviewer = browser("steward"), browser("approver")
    shown = keeper.get(page).text
    for words in ("模型卡", PURPOSE, LIMITS, "approver某", "现行修订已批准"):
        assert words in shown, words
    csrf = {"_csrf": re.findall(r'name="_csrf" value="([^"]+)"', shown)[0]}
    sent = keeper.post(f"{page}/card", data={**csrf, "purpose": "第二种用途", "limits": LIMITS})
    assert sent.status_code == 303
    shown = reviewer.get(f"{page}?lang=en").text
    assert "waits for review" in shown
    form = {"_csrf": re.findall(r'name="_csrf" value="([^"]+)"', shown)[0], "note": "同意", "do": "approve"}
    seen = re.findall(r'name="seen" value="([^"]+)"', shown)
    assert reviewer.post(f"{page}/card-decide", data={**form, "seen": seen[0]}).status_code == 303
    held = bureau.platform.forecasts.card(bureau["steward"], found.id)
    assert held.approved is not None
    assert held.approved.purpose == "第二种用途"

    group = forecast_commands(lambda: bureau.platform.forecasts, lambda: bureau.platform.access)

    def run(*words: str) -> dict[str, Any]:
        terminal.set_style(as_json=True, language=Language.EN)
        try:
            answer = CliRunner().invoke(group, [*words], catch_exceptions=False)
        finally:
            terminal.set_style(as_json=False, language=Language.ZH)
        assert answer.exit_code == 0, answer.output
        (row,) = json.loads([line for line in answer.stdout.splitlines() if line.startswith("[")][-1])
        return dict(row)

    assert run("describe", found.target, "--purpose", "第三种", "--limits", LIMITS, "--as", "steward")["holds"] is True
    assert run("card", found.target)["state"] == "waits for review"
    assert run("return", found.target, "--note", "不清楚", "--as", "approver")["purpose"] == "第二种用途"
    seen = run("describe", found.target, "--purpose", "第四种", "--limits", LIMITS, "--as", "steward")["seen"]
    assert (
        run("approve", found.target, "--note", "清楚", "--seen", seen, "--as", "approver")["approver"] == "approver某"
    )
