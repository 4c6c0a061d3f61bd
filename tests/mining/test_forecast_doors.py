"""Forecasts over HTTP, at the terminal and on the console's pages: the same verbs, the same words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from forecasting import ORIGIN, PASSWORD, Bureau, monthly
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.kit import Language
from beijiang.mining import Band, forecast_drawn
from beijiang.mining.commands import forecast_commands
from waiting import until

API = "/api/v1/forecasts"


@pytest.fixture(scope="module")
def app(bureau: Bureau) -> Any:
    return create_app(bureau.platform)


@pytest.fixture(scope="module")
def client(bureau: Bureau, app: Any) -> TestClient:
    scopes = frozenset(
        str(p)
        for p in Permission
        if p.startswith(("mining:", "jobs:", "tables:", "protection:rows:", "assess:figure:"))
    )
    _, secret = bureau.platform.access.issue_key(bureau.signed["steward"], KeyDraft(name="预测", scopes=scopes, days=1))
    return TestClient(app, headers={"Authorization": f"Bearer {secret}"})


def browser(app: Any, login: str) -> TestClient:
    made = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    made.post("/console/sign-in", data={"login": login, "password": PASSWORD}, headers={"Origin": ORIGIN})
    return made


def post(client: TestClient, path: str, **form: Any) -> Any:
    token = re.search(r'name="_csrf" value="([^"]+)"', client.get("/console/forecasts-new").text)
    csrf = token[1] if token else ""
    return client.post(path, data={**form, "_csrf": csrf}, headers={"Origin": ORIGIN})


def test_a_program_declares_makes_and_reads_a_forecast(bureau: Bureau, client: TestClient) -> None:
    table = "程序预测的表"
    bureau.write(monthly(60), table)
    order = {"source": table, "series": ["地区"], "period": "月份", "value": "零售额", "effort": "quick"}
    tried = client.post(f"{API}/check", json=order).json()
    assert (tried["series"], tried["ready"], tried["frequency"]) == (3, 2, "month")
    assert tried["without"][0]["why"] == "short"
    assert tried["without"][0]["next"]["en"]
    made = client.post(API, json=order)
    assert made.status_code == 201, made.text
    forecast = made.json()["id"]
    assert made.json()["target"] == f"{table}_预测"
    job = client.post(f"{API}/{forecast}/run").json()["job"]
    assert bureau.platform.jobs.wait(job).error is None
    assert client.get(f"{API}/{forecast}/runs").json()["runs"][0]["done"] == 2
    series = client.get(f"{API}/{forecast}/series").json()["series"]
    assert {one["key"][0]: one["method"] for one in series}["赤峰市"] is None
    one = client.get(f"{API}/{forecast}/values", params={"key": "包头市"}).json()
    assert len(one["forecast"]) == 6
    assert {"naive", "seasonal_naive", "theta"} == set(one["scores"])
    assert one["past"][-1]["period"] == "2022-12"
    assert client.get(f"{API}/{forecast}/values", params={"key": "没有"}).json()["error"]["code"] == "series_not_found"
    changed = client.put(f"{API}/{forecast}", json={**order, "horizon": 3, "reason": "只看一季"})
    assert (changed.json()["revision"], changed.json()["horizon"]) == (2, 3)
    assert len(client.get(f"{API}/{forecast}/history").json()["history"]) == 2
    assert forecast in {found["id"] for found in client.get(API).json()["forecasts"]}
    assert client.delete(f"{API}/{forecast}", params={"reason": "完"}).status_code == 204
    gone, never = client.get(f"{API}/{forecast}"), client.get(f"{API}/fct_0123456789")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "forecast_not_found")
    assert gone.json()["error"]["code"] == never.json()["error"]["code"]


def test_an_operator_declares_makes_and_reads_a_forecast(bureau: Bureau, tmp_path: Path) -> None:
    table = "终端预测的表"
    bureau.write(monthly(60), table)
    runner = CliRunner()
    group = forecast_commands(lambda: bureau.platform.forecasts, lambda: bureau.platform.access)

    def ask(*words: str, fails: bool = False) -> Any:
        terminal.set_style(as_json=True, language=Language.EN)
        answer = runner.invoke(group, [*words])
        assert (answer.exception is not None) is fails, answer.output
        return answer.exception if fails else answer.stdout

    file = tmp_path / "forecast.toml"
    file.write_text(
        f'source = "{table}"\nseries = ["地区"]\nperiod = "月份"\nvalue = "零售额"\neffort = "quick"\n', "utf-8"
    )
    assert json.loads(ask("check", str(file)))[0]["why"].startswith("too short")
    run = json.loads(ask("save", str(file), "--as", "steward"))[0]
    assert (run["number"], run["series"], run["done"]) == (1, 3, 2)
    target = f"{table}_预测"
    assert target in {one["target"] for one in json.loads(ask("list"))}
    assert len(json.loads(ask("series", target, "--as", "steward"))) == 3
    assert "2023-01" in ask("show", target, "包头市", "--as", "steward")
    assert "too short" in ask("show", target, "赤峰市", "--as", "steward")
    assert json.loads(ask("run", target, "--as", "steward"))[0]["number"] == 2
    file.write_text(file.read_text("utf-8") + "horizon = 2\n", "utf-8")
    assert json.loads(ask("change", target, str(file), "--reason", "短些", "--as", "steward"))[0]["number"] == 3
    assert len(json.loads(ask("runs", target))) == 3
    file.write_text("sauce = 1\n", "utf-8")
    assert ask("check", str(file), fails=True).reason == "forecast_unfit"
    ask("retire", target, "--reason", "完", "--as", "steward")
    assert target not in {one["target"] for one in json.loads(ask("list"))}


def test_a_steward_makes_a_forecast_on_the_pages(bureau: Bureau, app: Any) -> None:
    table = "页面预测的表"
    bureau.write(monthly(60), table)
    steward = browser(app, "steward")
    assert table in steward.get("/console/forecasts-new").text
    form = steward.get("/console/forecasts-new", params={"source": table}).text
    assert 'value="地区" checked' in form
    assert re.search(r'<option value="月份"[^>]*selected', form)
    said = {
        "source": table,
        "kind": "table",
        "target": f"{table}_预测",
        "name": "页面上的预测",
        "series": "地区",
        "period": "月份",
        "value": "零售额",
        "effort": "quick",
    }
    tried = post(steward, "/console/forecasts-new", **said, do="check").text
    assert "共 3 条序列，2 条可以预测" in tried
    assert "有 24 期，需要 36 期" in tried
    wrong = post(steward, "/console/forecasts-new", **{**said, "period": "地区", "series": ""}, do="save")
    assert "不是期间" in wrong.text
    saved = post(steward, "/console/forecasts-new", **said, do="save")
    assert saved.status_code == 303, saved.text
    here = saved.headers["location"]
    runs = until(lambda: bureau.platform.forecasts.runs(bureau["steward"], here.rsplit("/", 1)[1]))
    assert runs[0].done == 2
    page = steward.get(here).text
    assert "包头市" in page
    assert "没有预测：太短" in page
    shown = steward.get(f"{here}/series", params={"key": "包头市"}).text
    assert "<svg" in shown
    assert "回测" in shown
    assert "采用" in shown
    assert "为什么没有预测" in steward.get(f"{here}/series", params={"key": "赤峰市"}).text
    english = steward.get(f"{here}/series", params={"key": "包头市"}, headers={"Accept-Language": "en"}).text
    assert "Earlier forecasts and what came true" in english or "以前的预测" in english
    analyst = browser(app, "analyst")
    assert "页面上的预测" in analyst.get("/console/forecasts").text
    assert "/change" not in analyst.get(here).text
    stranger = browser(app, "stranger")
    assert stranger.get(here).status_code == 404
    assert stranger.get(f"{here}/series", params={"key": "包头市"}).status_code == 404
    changed = post(steward, f"{here}/change", horizon="3", effort="quick", reason="只看一季")
    assert changed.headers["location"] == here
    ended = post(steward, f"{here}/retire", reason="完")
    assert ended.headers["location"] == "/console/forecasts"
    assert steward.get(here).status_code == 404


def test_the_drawing_escapes_words_and_keeps_within_its_frame() -> None:
    bands = [Band("<b>", 12.0, 11.0, 13.0, 10.0, 14.0)]
    drawn = forecast_drawn([("2025-01", 10.0), ("2025-02", None), ("2025-03", 11.0)], bands, '"><script>')
    assert "<script>" not in drawn
    assert "<b>" not in drawn
    assert "style=" not in drawn
    numbers = [float(y) for y in re.findall(r"[\d.]+,([\d.]+)", " ".join(re.findall(r'points="([^"]+)"', drawn)))]
    assert all(0 <= y <= 300 for y in numbers)
    assert forecast_drawn([], [], "") == ""
