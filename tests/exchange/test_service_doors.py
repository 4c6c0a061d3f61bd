"""Services over HTTP and at the terminal: the same verbs, the same words, and never the address."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from exchange_bureau import AT, Bureau, People
from service_bureau import entry_of, granted, offered, spec_of
from typer.testing import CliRunner
from unruly import SECRET, Unruly

from beijiang import terminal
from beijiang.exchange import ServiceState
from beijiang.exchange.commands import services
from beijiang.kit import Language


@pytest.fixture(scope="module")
def programs(region: Bureau) -> People:
    return People(region)


def order(bureau: Bureau, unruly: Unruly, **words: Any) -> dict[str, Any]:
    spec = spec_of(unruly, auth="bearer").model_dump(mode="json")
    return {"resource_id": entry_of(bureau), "name": "企业查询", "spec": spec, "secret": SECRET, **words}


def test_a_program_registers_and_another_calls(bureau: Bureau, unruly: Unruly, programs: People) -> None:
    steward, consumer, here = programs["steward"], programs["consumer"], f"{AT}/services"
    unruly.guard = "bearer"
    sent = order(bureau, unruly)
    assert consumer.post(here, json=sent).status_code in {403, 404}
    wrong = steward.post(here, json={**sent, "spec": {**sent["spec"], "path": "x"}})
    assert wrong.status_code == 422
    assert SECRET not in wrong.text
    made = steward.post(here, json=sent)
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    one = f"{here}/{made.json()['id']}"
    assert SECRET not in steward.get(one).text
    assert steward.get(one).json()["versions"][0]["has_secret"] is True
    plan = steward.get(f"{one}/plan?move=service_offer").json()
    assert (plan["possible"], {p["code"] for p in plan["problems"]}) == (False, {"not_tested", "service_state"})
    assert steward.post(f"{one}/move", json={"move": "service_offer"}).status_code == 409
    proof = steward.post(f"{one}/test", json={"parameters": {"city": "包头市"}}).json()
    assert (proof["ok"], proof["records"], proof["filled"]["企业名称"]) == (True, 3, 3)
    assert steward.post(f"{one}/move", json={"move": "service_offer"}).json()["state"] == "offered"
    assert consumer.post(f"{one}/call", json={"parameters": {}}).status_code == 404
    service = bureau.platform.offered.view(bureau["steward"], made.json()["id"]).service
    granted(bureau, service, "企业名称", "法定代表人证件号码")
    assert made.json()["id"] in {s["id"] for s in consumer.get(here).json()["services"]}
    seen = consumer.get(one)
    assert "versions" not in seen.json()
    purpose = {"X-Beijiang-Purpose": "supervision"}
    answer = consumer.post(f"{one}/call", json={"parameters": {"city": "包头市"}}, headers=purpose)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found["receipt"] == answer.headers["x-beijiang-receipt"]
    assert all(row["法定代表人证件号码"][6:14] == "*" * 8 for row in found["rows"])
    assert [c["masked"] for c in found["columns"]] == [False, True]
    plain = json.dumps(found["rows"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.new("sm3", f"{found['salt']}\n{plain}".encode()).hexdigest() == found["response_sm3"]
    other = consumer.post(f"{one}/call", json={"parameters": {}}, headers={"X-Beijiang-Purpose": "statistics"})
    assert (other.status_code, other.json()["error"]["code"]) == (403, "other_purpose")
    unruly.mode = "errors"
    failed = consumer.post(f"{one}/call", json={"parameters": {}})
    assert (failed.status_code, failed.json()["error"]["code"]) == (503, "service_failed")
    for text in (seen.text, answer.text, failed.text, other.text):
        assert "127.0.0.1" not in text
        assert str(unruly.port) not in text
    unruly.mode = "well"
    changed = steward.put(one, json={**sent, "secret": None, "name": "企业登记查询"})
    assert (changed.json()["version"], changed.json()["newest"]) == (1, 2)
    assert steward.post(f"{one}/move", json={"move": "service_test"}).status_code == 422
    paused = steward.post(f"{one}/move", json={"move": "service_pause", "words": "检修"})
    assert paused.json()["state"] == "paused"
    assert consumer.post(f"{one}/call", json={"parameters": {}}).json()["error"]["code"] == "service_paused"


def test_a_key_without_the_right_to_read_calls_nothing(bureau: Bureau, unruly: Unruly, programs: People) -> None:
    from beijiang.access import KeyDraft, Permission

    service = offered(bureau, unruly)
    granted(bureau, service, "企业名称")
    scopes = frozenset({str(Permission.EXCHANGE_SERVICE_READ)})
    _, secret = bureau.platform.access.issue_key(bureau["consumer"], KeyDraft(name="只看", scopes=scopes, days=1))
    headers = {"Authorization": f"Bearer {secret}"}
    asked = len(unruly.seen)
    answer = programs["consumer"].post(f"{AT}/services/{service.id}/call", json={"parameters": {}}, headers=headers)
    assert answer.status_code == 403
    assert len(unruly.seen) == asked
    scopes = frozenset({str(Permission.PROTECTION_ROWS_READ_GRANTED)})
    _, secret = bureau.platform.access.issue_key(bureau["consumer"], KeyDraft(name="只调用", scopes=scopes, days=1))
    headers = {"Authorization": f"Bearer {secret}"}
    here = f"{AT}/services/{service.id}"
    assert programs["consumer"].post(f"{here}/call", json={"parameters": {}}, headers=headers).status_code == 200
    assert programs["consumer"].get(here, headers=headers).status_code == 403


def test_the_terminal_has_the_same_verbs(bureau: Bureau, unruly: Unruly, tmp_path: Path) -> None:
    terminal.set_style(as_json=False, language=Language.ZH)
    platform, runner = bureau.platform, CliRunner()
    group = services(lambda: platform.offered, lambda: platform.access)

    def run(*words: str, code: int = 0) -> str:
        done = runner.invoke(group, [*words], env={"BEIJIANG_SERVICE_SECRET": SECRET})
        assert done.exit_code == code, (words, done.output, done.exception)
        return done.output

    unruly.guard = "bearer"
    file = tmp_path / "firms.json"
    file.write_text(spec_of(unruly, auth="bearer").model_dump_json(), "utf-8")
    run("register", entry_of(bureau), "--name", "终端登记", "--spec", str(file), "--as", "steward")
    found = next(s for s in platform.offered.services(bureau["steward"])[0] if s.name == "终端登记")
    assert SECRET not in run("show", found.id, "--as", "steward")
    unruly.mode = "two_wrong"
    assert "未通过" in run("test", found.id, "--as", "steward", code=1)
    unruly.mode = "well"
    assert "通过：3 条记录" in run("test", found.id, "--parameter", "city=包头市", "--as", "steward")
    assert "possible" in run("move", found.id, "service_offer", "--plan", "--as", "steward")
    run("move", found.id, "service_offer", "--as", "steward")
    assert found.id in run("list", "--find", "终端登记", "--as", "consumer")
    granted(bureau, found, "企业名称")
    called = run("call", found.id, "--parameter", "city=包头市", "--as", "consumer")
    assert "内蒙古第1商贸有限公司" in called
    assert "回执" in called
    run("change", found.id, "--spec", str(file), "--name", "终端登记二", "--as", "steward")
    run("move", found.id, "service_pause", "--words", "检修", "--as", "steward")
    run("move", found.id, "service_resume", "--as", "steward")
    run("move", found.id, "service_retire", "--words", "停用", "--as", "steward")
    assert platform.offered.view(bureau["steward"], found.id).service.state is ServiceState.RETIRED
    file.write_text('{"base_url": 1}', "utf-8")
    wrong = runner.invoke(group, ["register", "res_x", "--name", "x", "--spec", str(file), "--as", "steward"])
    assert getattr(wrong.exception, "reason", "") == "bad_declaration"
