"""Models through their doors: the API, the console and the terminal, as people of two departments use them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))
from learning import FIRMS, Lab, firm_view, leaving, model_of, open_lab, visit_view

from beijiang import terminal
from beijiang.kit import Language
from beijiang.mining import commands
from beijiang.mining.models import Algorithm

API = "/api/v1/learning"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    opened = open_lab(tmp_path_factory.mktemp("doors"))
    yield opened
    opened.close()


def posted(lab: Lab, login: str, path: str, body: Any, status: int) -> Any:
    answer = lab.person(login).post(f"{API}{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def plain(draft: Any) -> Any:
    return draft.model_dump(mode="json")


@pytest.fixture(scope="module")
def ids(lab: Lab) -> dict[str, str]:
    """Return what is made over the API from the first view to the table of scores."""
    view = posted(lab, "steward", "/views", plain(firm_view()), 201)["id"]
    past = posted(lab, "steward", "/views", plain(visit_view()), 201)["id"]
    made = posted(lab, "steward", "/training-sets", plain(leaving(view, past)), 202)
    lab.platform.jobs.wait(made["job"], timeout=300)
    set_id = made["training_set"]["id"]
    trained = posted(lab, "steward", "/models", plain(model_of(set_id)), 202)
    lab.platform.jobs.wait(trained["job"], timeout=300)
    model = trained["model"]["id"]
    posted(lab, "steward", f"/models/{model}/submit", {}, 200)
    good = {"approve": True, "note": "可以"}
    posted(lab, "judge", f"/models/{model}/decide", good, 409)
    good["seen"] = lab.browser("judge").get(f"/api/v1/learning/models/{model}").json()["seen"]
    assert posted(lab, "judge", f"/models/{model}/decide", good, 200)["state"] == "approved"
    draft = {"model": model, "table": FIRMS, "keep": ["编号"], "target": "退出评分", "time": "观察日"}
    plan = posted(lab, "steward", "/scores", draft, 201)["id"]
    job = posted(lab, "steward", f"/scores/{plan}/run", {}, 202)["job"]
    lab.platform.jobs.wait(job, timeout=300)
    return {"view": view, "set": set_id, "model": model, "plan": plan}


def test_the_whole_way_over_the_api(lab: Lab, ids: dict[str, str]) -> None:
    steward = lab.person("steward")
    card = steward.get(f"{API}/models/{ids['model']}").json()
    assert card["figures"]["auc"] > 0.9
    assert [one["state"] for one in card["history"]] == ["draft", "review", "approved"]
    file = steward.get(f"{API}/models/{ids['model']}/file")
    assert (file.headers["x-beijiang-grade"], file.headers["x-beijiang-digest"]) == ("L1", card["digest"])
    runs = steward.get(f"{API}/scores/{ids['plan']}").json()["runs"]
    assert [(one["state"], one["rows"]) for one in runs] == [("done", 600)]
    compared = steward.get(f"{API}/training-sets/{ids['set']}/models").json()["models"]
    assert [one["id"] for one in compared] == [ids["model"]]
    assert {one["id"] for one in steward.get(f"{API}/algorithms").json()["algorithms"]} == {*Algorithm}


def test_another_department_finds_nothing_at_any_address(lab: Lab, ids: dict[str, str]) -> None:
    stranger = lab.person("stranger")
    addresses = {
        "view": ("/views/{}", "/views/{}/revisions"),
        "set": ("/training-sets/{}", "/training-sets/{}/models"),
        "model": ("/models/{}", "/models/{}/file"),
        "plan": ("/scores/{}",),
    }
    for kind, paths in addresses.items():
        for path in paths:
            answers = [stranger.get(API + path.format(one)) for one in (ids[kind], "x_00000000000000000000")]
            assert {one.status_code for one in answers} == {404}
            bodies = [{k: v for k, v in one.json()["error"].items() if k != "request_id"} for one in answers]
            assert bodies[0] == bodies[1]
    for path in ("views", "training-sets", "models", "scores"):
        assert not next(iter(stranger.get(f"{API}/{path}").json().values()))
    for path in ("models", "training-sets", "scores"):
        kind = {"models": "model", "training-sets": "set", "scores": "plan"}[path]
        assert stranger.get(f"/console/{path}/{ids[kind]}", headers={"Accept": "text/html"}).status_code == 404


def test_what_a_form_does_not_know_is_refused(lab: Lab) -> None:
    for body in ({**plain(firm_view()), "org_id": "health"}, {**plain(firm_view()), "features": []}):
        answer = lab.person("steward").post(f"{API}/views", json=body)
        assert answer.status_code == 422
    unfit = plain(firm_view())
    unfit["features"] = [{"name": "次数", "kind": "count"}]
    answer = lab.person("steward").post(f"{API}/views", json=unfit)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "learning_unfit")


def test_the_pages_show_the_card_the_drift_and_the_review(lab: Lab, ids: dict[str, str]) -> None:
    steward, judge = lab.browser("steward"), lab.browser("judge")
    for path in ("models", "training-sets", "feature-views", "scores", "feature-views-new", "training-sets-new"):
        assert steward.get(f"/console/{path}").status_code == 200, path
    card = steward.get(f"/console/models/{ids['model']}").text
    for words in ("提前走访可能退出的企业", "不得用于行政处罚", "哪些特征重要", "polyline", "呼和浩特市", "已批准"):
        assert words in card
    assert "群体稳定性指数" in steward.get(f"/console/scores/{ids['plan']}").text
    assert "退出预警" in judge.get(f"/console/training-sets/{ids['set']}").text
    english = steward.get(f"/console/models/{ids['model']}?lang=en").text
    assert "Which features matter" in english
    steward.get("/console/models?lang=zh-CN")


def test_a_model_is_made_in_the_console_alone(lab: Lab) -> None:
    steward, judge = lab.browser("steward"), lab.browser("judge")
    page = steward.get("/console/feature-views-new", params={"table": FIRMS}).text
    names = [part.split('"')[0] for part in page.split('" value="')[1:] if part.split('"')[0] in {"注册资本", "行业"}]
    assert set(names) == {"注册资本", "行业"}
    form = {
        "table": FIRMS,
        "name": "网页特征",
        "keys": "编号",
        "many": "3",
        "column_0": "注册资本",
        "kind_0": "log",
        "name_0": "资本对数",
        "column_1": "行业",
        "kind_1": "value",
        "column_2": "成立日期",
        "kind_2": "",
    }
    made = steward.post("/console/feature-views-new", data=form)
    view = made.headers["location"].rsplit("/", 1)[1]
    assert "资本对数" in steward.get(f"/console/feature-views/{view}").text
    form = {
        "table": FIRMS,
        "name": "网页训练集",
        "label": "状态",
        "positive": "注销，吊销",
        "time": "观察日",
        "purpose": "试",
        "view": view,
        f"on_{view}": "编号",
    }
    made = steward.post("/console/training-sets-new", data=form)
    set_id = made.headers["location"].rsplit("/", 1)[1]
    _all_done(lab)
    assert "网页训练集" in steward.get(f"/console/training-sets/{set_id}").text
    form = {
        "name": "网页模型",
        "algorithm": "logistic",
        "split": "folds",
        "purpose": "试",
        "seed": "3",
        "parameters": "strength=0.5",
    }
    made = steward.post(f"/console/training-sets/{set_id}/train", data=form)
    model = made.headers["location"].rsplit("/", 1)[1]
    _all_done(lab)
    steward.post(f"/console/models/{model}/submit")
    page = judge.get(f"/console/models/{model}").text
    assert "不能由您批准" not in page
    seen = page.split('name="seen" value="')[1].split('"')[0]
    judge.post(f"/console/models/{model}/decide", data={"do": "approve", "note": "可以"})
    assert lab.platform.learning.model(lab["judge"], model).state == "review", "nothing was seen"
    judge.post(f"/console/models/{model}/decide", data={"do": "approve", "note": "可以", "seen": seen})
    form = {"table": FIRMS, "target": "网页评分", "keep": "编号", "rhythm": "weekly"}
    made = steward.post(f"/console/models/{model}/scores", data=form)
    plan = made.headers["location"]
    assert plan.startswith("/console/scores/"), lab.browser("steward").cookies
    steward.post(f"{plan}/run")
    _all_done(lab)
    assert "每周一" in steward.get(plan).text
    assert steward.post(f"/console/models/{model}/retire", data={"note": "换新"}).headers["location"].endswith(model)
    assert "已退役" in steward.get(f"/console/models/{model}").text


def _all_done(lab: Lab) -> None:
    for job in lab.platform.jobs.jobs(lab["steward"]):
        lab.platform.jobs.wait(job.id, timeout=300)


def test_the_terminal_does_the_same(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "language", lambda: Language.ZH)
    group = commands.models(lambda: lab.platform.learning, lambda: lab.platform.access)
    run = CliRunner()

    def said(*words: str, code: int = 0) -> str:
        answer = run.invoke(group, [*words])
        assert answer.exit_code == code, (answer.output, answer.exception)
        return answer.output

    def file(name: str, draft: Any) -> str:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(plain(draft), ensure_ascii=False), encoding="utf-8")
        return str(path)

    assert "isolation" in said("algorithms")
    said("declare-view", file("view", firm_view(name="终端特征")), "--as", "steward")
    view = next(one.id for one in lab.platform.learning.views(lab["steward"]) if one.name == "终端特征")
    said("make-set", file("set", leaving(view, name="终端训练集")), "--as", "steward")
    set_id = next(
        one.id for one in lab.platform.learning.training_sets(lab["steward"]) if one.draft.name == "终端训练集"
    )
    assert "auc" in said(
        "train", file("model", model_of(set_id, Algorithm.LOGISTIC, name="终端模型")), "--as", "steward"
    )
    model = lab.platform.learning.compared(lab["steward"], set_id)[0].id
    said("submit", model, "--as", "steward")
    refused = run.invoke(group, ["approve", model, "--note", "可以", "--as", "judge"], input="n\n")
    assert (refused.exit_code, "终端模型" in refused.output) == (1, True), "it is shown before it is asked"
    agreed = run.invoke(group, ["approve", model, "--note", "可以", "--as", "judge"], input="y\n")
    assert agreed.exit_code == 0, agreed.output
    said("export", model, "--to", str(tmp_path / "model.json"), "--as", "steward")
    assert json.loads((tmp_path / "model.json").read_text("utf-8"))["format"] == 1
    plan = tmp_path / "plan.toml"
    plan.write_text(f'model = "{model}"\ntable = "{FIRMS}"\nkeep = ["编号"]\ntarget = "终端评分"\n', encoding="utf-8")
    said("plan-scores", str(plan), "--as", "steward")
    plan_id = next(one.id for one in lab.platform.learning.plans(lab["steward"]) if one.draft.target == "终端评分")
    assert "600" in said("score", plan_id, "--as", "steward")
    for words in (["list"], ["views"], ["sets"], ["plans"], ["runs", plan_id], ["show", model], ["compare", set_id]):
        said(*words, "--as", "steward")
    said("end-plan", plan_id, "--as", "steward")
    said("retire", model, "--note", "停用", "--as", "steward")
    said("retire-view", view, "--as", "steward")
