"""Sharing over HTTP and at the terminal: the same verbs, the same words."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from exchange_bureau import AT, TABLE, Bureau, People
from pypdf import PdfReader
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.evidence import verifier as judge
from beijiang.exchange import GrantQuery, GrantState
from beijiang.exchange.commands import add_times, commands
from beijiang.kit import Language

CAPITAL, CITY, NAME = "注册资本", "盟市", "企业名称"


@pytest.fixture(scope="module")
def programs(region: Bureau) -> People:
    return People(region)


def order(bureau: Bureau, *columns: str, **words: Any) -> dict[str, Any]:
    return {
        "resource_id": bureau.resource.id,
        "items": [{"column": column, "handling": "as_is"} for column in columns],
        "ways": ["row_api"],
        "since": bureau.today.isoformat(),
        "until": (bureau.today + timedelta(days=60)).isoformat(),
        "purpose": "supervision",
        "use": "与医疗机构名单比对，核查超范围经营",
        "basis": "医疗机构管理条例第五条",
        **words,
    }


def test_programs_ask_decide_and_read(bureau: Bureau, programs: People) -> None:  # noqa: PLR0915 - one story
    consumer, rows = programs["consumer"], f"{AT}/tables/{TABLE}/rows"
    plan = consumer.post(f"{AT}/plan", json=order(bureau, CAPITAL, CITY)).json()
    assert (plan["ready"], [one["id"] for one in plan["stages"]]) == (
        True,
        ["formal_review", "provider_opinion", "provider_decision"],
    )
    wrong = consumer.post(f"{AT}/plan", json=order(bureau, "没有这项", purpose="")).json()
    assert {one["code"] for one in wrong["problems"]} == {"unknown_item", "purpose_needed"}
    assert consumer.post(f"{AT}/requests", json={**order(bureau, CITY), "where": ["盟市~包头"]}).status_code == 422
    kept = consumer.post(f"{AT}/requests", json=order(bureau, CAPITAL))
    assert (kept.status_code, kept.json()["state"]) == (201, "draft")
    number = kept.json()["id"]
    changed = consumer.put(f"{AT}/requests/{number}", json=order(bureau, CAPITAL, CITY, where=["盟市=包头市"]))
    assert [one["column"] for one in changed.json()["asked"]["items"]] == [CAPITAL, CITY]
    assert [one["id"] for one in consumer.get(f"{AT}/basket").json()["requests"]] == [number]
    assert programs["colleague"].get(f"{AT}/requests/{number}").status_code == 404
    done = consumer.post(f"{AT}/requests/submit", json={"requests": [number]}).json()["requests"][0]
    assert done["stage"] == "formal_review"
    here = f"{AT}/requests/{number}"

    def approve(login: str, **words: Any) -> Any:
        seen = consumer.get(here).json()["revision"]
        return programs[login].post(f"{here}/approve", json={"revision": seen, **words})

    assert programs["lead"].post(f"{here}/approve", json={}).status_code == 422, "which revision was looked at is said"
    assert approve("lead").status_code == 403
    stale = programs["reviewer"].post(f"{here}/approve", json={"revision": 1})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "exchange_changed")
    assert [one["id"] for one in programs["reviewer"].get(f"{AT}/requests/waiting").json()["requests"]] == [number]
    assert approve("reviewer", words="齐全").json()["stage"] == "provider_opinion"
    more = programs["steward"].post(f"{here}/ask-more", json={"words": "请写明条款"})
    assert more.json()["state"] == "supplement"
    supplied = consumer.post(f"{here}/supply", json={**order(bureau, CAPITAL, CITY), "words": "已补"})
    assert supplied.json()["state"] == "formal_review", "other rows than before are reviewed from the start"
    assert approve("reviewer").json()["state"] == "provider_review"
    late = programs["steward"].post(f"{here}/extend", json={"days": 2, "words": "经数据局同意"})
    assert late.status_code == 200
    assert consumer.get(here).json()["time_asked"]["detail"] == {"days": 2}
    yes = {"agree": True, "words": "口径须核对", "revision": consumer.get(here).json()["revision"]}
    stale = {**yes, "revision": 1}
    assert programs["publisher"].post(f"{here}/extension", json=stale).json()["error"]["code"] == "exchange_changed"
    assert programs["lead"].post(f"{here}/extension", json=yes).status_code == 403
    assert programs["publisher"].post(f"{here}/extension", json=yes).status_code == 200
    heard = {"reason": "third_party", "words": "征求企业意见"}
    assert programs["steward"].post(f"{here}/pause", json=heard).status_code == 200
    assert consumer.get(here).json()["deadline"]["state"] == "paused"
    assert programs["reviewer"].post(f"{here}/resume", json={"words": "意见已收到"}).status_code == 200
    assert consumer.get(here).json()["deadline"]["rule"] == "share.reply.conditional.809"
    less = {"words": "只给呼市", "where": ["盟市=呼和浩特市"], "rows_per_day": 50}
    assert approve("steward", **less).status_code == 200
    last = approve("lead", words="同意").json()
    assert last["state"] == "partly_approved"
    view = consumer.get(here).json()
    assert [step["move"] for step in view["steps"]] == [
        "submit", "approve", "ask_more", "supply", "approve", "ask_time", "extend", "suspend", "resume", "narrow", "approve",
    ]  # fmt: skip
    assert view["may"] == {"decide": False, "supply": False, "withdraw": False, "consent": False}
    minutes = consumer.get(f"{here}/minutes")
    assert minutes.headers["content-type"] == "application/pdf"
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(minutes.content)).pages)
    for expected in (
        number,
        "政务数据共享审批单",
        "医疗机构管理条例第五条",
        "请写明条款",
        "只给呼市",
        last["grant_id"],
        "50行/日",
    ):
        assert expected in printed
    assert programs["banner"].get(f"{here}/minutes").status_code == 404
    got = consumer.get(rows)
    assert got.status_code == 200
    assert {row[CITY] for row in got.json()["rows"]} == {"呼和浩特市"}
    assert got.headers["x-beijiang-receipt"] == got.json()["receipt"]
    proof = bureau.platform.receipts.receipt(bureau["consumer"], got.json()["receipt"])
    keys = tuple(judge.Key.parse(str(key)) for key in bureau.platform.receipts.keys(bureau["consumer"]))
    what = f"GET {got.request.url.raw_path.decode()}"
    assert judge.examine(proof, judge.Trust(keys=keys, request=what, response=got.content)).ok
    assert not judge.examine(proof, judge.Trust(keys=keys, request=what, response=got.content + b" ")).ok
    page = consumer.get(rows, params={"_size": 3, "注册资本__gte": "10", "_col": CAPITAL, "_sort": CAPITAL}).json()
    assert [float(row[CAPITAL]) for row in page["rows"]] == [12.5, 15.5, 18.5]
    assert [row[CAPITAL] for row in consumer.get(page["next_url"]).json()["rows"]][:1] == [21.5]
    assert consumer.get(rows, headers={"X-Beijiang-Purpose": "supervision"}).status_code == 200
    other = consumer.get(rows, headers={"X-Beijiang-Purpose": "statistics"})
    assert (other.status_code, other.json()["error"]["code"]) == (403, "other_purpose")
    assert consumer.get(f"{AT}/tables/{TABLE}/download").text.splitlines()[0].strip("\ufeff") == NAME, (
        "no file was granted"
    )
    grant = f"{AT}/grants/{last['grant_id']}"
    assert consumer.get(grant).json()["usage"][0]["rows"] == 26
    assert programs["banner"].get(grant).status_code == 404
    assert [one["id"] for one in consumer.get(f"{AT}/grants", params={"state": "active"}).json()["grants"]] == [
        last["grant_id"]
    ]
    assert programs["lead"].post(f"{grant}/suspend", json={"words": "核查"}).json()["state"] == "suspended"
    assert set(consumer.get(rows).json()["rows"][0]) == {NAME}
    assert programs["lead"].post(f"{grant}/resume", json={"words": "核查无误"}).json()["state"] == "active"
    assert programs["lead"].post(f"{grant}/narrow", json={"words": "减项", "without": [CAPITAL]}).status_code == 200
    assert set(consumer.get(rows).json()["rows"][0]) == {NAME, CITY}
    assert programs["lead"].post(f"{grant}/revoke", json={"words": ""}).status_code == 422
    assert programs["lead"].post(f"{grant}/revoke", json={"words": "用途结束"}).json()["state"] == "revoked"
    assert programs["lead"].post(f"{grant}/resume", json={"words": "x"}).status_code == 409
    given = programs["lead"].post(
        f"{AT}/grants", json={**order(bureau, CITY), "org_id": "health", "words": "按会议纪要"}
    )
    assert given.status_code == 201, given.text
    assert consumer.post(f"{AT}/grants/{given.json()['id']}/give-up", json={"words": "不需要"}).status_code == 200


def test_a_used_up_quota_is_said_with_429(bureau: Bureau, programs: People) -> None:
    bureau.granted(CAPITAL, calls_per_day=1)
    rows = f"{AT}/tables/{TABLE}/rows"
    assert programs["consumer"].get(rows).status_code == 200
    refused = programs["consumer"].get(rows)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "grant_calls")


def test_an_operator_does_the_same_at_the_terminal(bureau: Bureau, tmp_path: Path) -> None:  # noqa: PLR0915 - one story
    terminal.set_style(as_json=True, language=Language.ZH)
    group = commands(lambda: bureau.exchange, lambda: bureau.platform.access)
    add_times(group, lambda: bureau.exchange, lambda: bureau.platform.access)

    def run(login: str, *words: str) -> str:
        done = CliRunner().invoke(group, [*words, "--as", login] if login else list(words))
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    assert "supervision" in run("", "purposes")
    facts = ("--purpose", "supervision", "--use", "与医疗机构名单比对核查", "--basis", "医疗机构管理条例")
    assert "符合性审查" in run("consumer", "plan", bureau.resource.id, "--item", f"{CITY}:as_is", *facts)
    run("consumer", "ask", bureau.resource.id, "--item", f"{CITY}:as_is", *facts, "--basket")
    number = bureau.exchange.basket(bureau["consumer"])[0].id
    run("consumer", "basket")
    run("consumer", "submit", number)
    run("reviewer", "waiting")
    run("reviewer", "approve", number, "--words", "齐全")
    run("steward", "ask-more", number, "--words", "补条款")
    run("consumer", "supply", number, "--basis", "医疗机构管理条例第五条", "--words", "已补")
    run("steward", "extend", number, "--days", "2", "--words", "核对口径")
    run("publisher", "consent", number, "--words", "同意")
    run("steward", "pause-time", number, "--reason", "third_party", "--words", "征求企业意见")
    run("steward", "resume-time", number, "--words", "意见已收到")
    run("steward", "approve", number, "--words", "只给一年", "--where", "盟市=包头市")
    run("lead", "approve", number)
    view = bureau.exchange.request(bureau["consumer"], number)
    assert view.request.state == "partly_approved"
    run("consumer", "show", number)
    run("consumer", "show", number, "--minutes", str(tmp_path / "审批单.pdf"))
    assert (tmp_path / "审批单.pdf").read_bytes().startswith(b"%PDF")
    run("consumer", "requests", "--find", number)
    grant = view.request.grant_id
    run("consumer", "grants", "--state", "active")
    run("consumer", "grant", grant)
    assert "包头市" in run("consumer", "rows", TABLE, "--where", f"{CITY}=包头市", "--purpose", "supervision")
    run("consumer", "download", TABLE, str(tmp_path / "名录.csv"))
    assert (tmp_path / "名录.csv").read_text("utf-8").startswith(NAME)
    run("lead", "narrow", grant, "--calls", "3", "--words", "限次")
    run("lead", "suspend", grant, "--words", "核查")
    run("lead", "resume", grant, "--words", "无误")
    run("lead", "revoke", grant, "--words", "结束")
    assert bureau.exchange.grant(bureau["lead"], grant).grant.state == "revoked"
    today = bureau.today.isoformat()
    run("steward", "delegate", "deputy", "--since", today, "--until", today, "--words", "出差")
    made = bureau.exchange.delegations(bureau["steward"])[0]
    run("steward", "delegations")
    run("steward", "end-delegation", made.id)
    run(
        "lead",
        "give",
        "health",
        bureau.resource.id,
        "--item",
        f"{CITY}:as_is",
        *facts,
        "--words",
        "推送",
    )
    held = bureau.exchange.grants(bureau["consumer"], GrantQuery(state=GrantState.ACTIVE))[0][0]
    run("consumer", "give-up", held.id, "--words", "不需要")
    again = bureau.exchange.put(bureau["consumer"], bureau.draft(CITY))
    run("consumer", "discard", again.id)
    asked = bureau.asked(CITY)
    run("consumer", "withdraw", asked.id, "--words", "不需要")
    other = bureau.asked(CITY)
    run("reviewer", "refuse", other.id, "--words", "用途不明")
    assert bureau.exchange.request(bureau["consumer"], other.id).request.state == "refused"
