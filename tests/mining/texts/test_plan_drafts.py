"""From a plan's document to supervised tasks: read, gone through line by line, taken over."""

from __future__ import annotations

import io
import json
from datetime import date

import pytest
import typer
from asking import Office
from plan_writer import Written
from test_plan_reading import _written
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.assess import DraftState, LineVerdict
from beijiang.assess.commands import add_drafts
from beijiang.kit import BeijiangError, Conflict, Invalid, Refused
from beijiang.mining import DocumentDraft


def _kept(office: Office, made: Written, name: str, grade: str = "") -> str:
    who = office["reviewer"]
    draft = DocumentDraft(name=name, grade=grade)
    return office.platform.texts.add(who, "bigdata", draft, io.BytesIO(made.text.encode())).id


def test_a_plan_goes_from_document_to_tasks_by_a_persons_word_alone(office: Office) -> None:
    platform, who = office.platform, office["reviewer"]
    made = _written(platform.standards, "labels", 3)
    document = _kept(office, made, "要点.txt")
    drafts = platform.plan_drafts
    for login in ("steward", "colleague", "chief"):
        with pytest.raises(BeijiangError) as denied:
            drafts.read(office[login], document)
        assert denied.value.status == 403, login
    draft = drafts.read(who, document, plan="试读2018")
    assert (draft.plan, draft.waiting) == ("试读2018", len(made.truth))
    for line, truth in zip(draft.lines, made.truth, strict=True):
        assert line.said.title in "".join(line.sentences)
        assert set(line.said.leads) == truth.leads
    assert all(one.task.plan != "试读2018" for one in platform.plan.tasks(who)), "a draft is no plan"
    with pytest.raises(Conflict) as open_lines:
        drafts.take(who, draft.id)
    assert open_lines.value.reason == "lines_open"
    with pytest.raises(Invalid):
        drafts.decide(who, draft.id, 0, {"leads": ["nobody"]}, accept=True)
    with pytest.raises(Invalid):
        drafts.decide(who, draft.id, 0, {"targets": ["很多"]}, accept=True)
    changed = drafts.decide(who, draft.id, 1, {"due_on": "2018-08-31"}, "期限以会议纪要为准", accept=True)
    assert changed.changed
    assert changed.found.due_on == made.truth[1].due
    drafts.decide(who, draft.id, 2, None, "与 1.1 重复", accept=False)
    for line in drafts.draft(who, draft.id).lines:
        if line.verdict is LineVerdict.OPEN:
            drafts.decide(who, draft.id, line.place, None, accept=True)
    assert drafts.take(who, draft.id) == len(made.truth) - 1
    tasks = {one.task.number: one.task for one in platform.plan.tasks(who) if one.task.plan == "试读2018"}
    assert set(tasks) == {t.number for t in made.truth} - {made.truth[2].number}
    assert tasks["1.1"].due_on == date(2018, 8, 31)
    assert platform.plan.task(who, tasks["1.1"].id).progress[0].words.endswith("要点")
    for truth in made.truth:
        if truth.number in tasks:
            assert set(tasks[truth.number].leads) == truth.leads
            assert set(tasks[truth.number].joint) == truth.joint
            assert all(f"{name} " in tasks[truth.number].summary.zh for name, _, _ in truth.targets)
    assert drafts.draft(who, draft.id).state is DraftState.TAKEN
    with pytest.raises(Conflict):
        drafts.take(who, draft.id)


def test_targets_that_are_indicators_are_linked_to_them(office: Office) -> None:
    platform, who = office.platform, office["reviewer"]
    platform.figures.load_plan(who)
    text = "一、网络\n（一）宽带。到2019年底，固定宽带家庭普及率达到65%，新增基站300个（通信管理局牵头）。\n2019年工作安排\n"
    document = platform.texts.add(who, "bigdata", DocumentDraft(name="网.txt"), io.BytesIO(text.encode())).id
    draft = platform.plan_drafts.read(who, document)
    assert (draft.plan, draft.lines[0].said.due_on) == ("2019", date(2019, 12, 31))
    platform.plan_drafts.decide(who, draft.id, 0, None, accept=True)
    platform.plan_drafts.take(who, draft.id)
    task = next(one.task for one in platform.plan.tasks(who) if one.task.plan == "2019")
    assert task.figures == ("fixed_broadband_household_penetration",)
    assert "新增基站 = 300 个" in task.summary.zh
    again = platform.plan_drafts.read(who, document)
    platform.plan_drafts.decide(who, again.id, 0, None, accept=True)
    with pytest.raises(Conflict) as twice:
        platform.plan_drafts.take(who, again.id)
    assert twice.value.reason == "numbers_taken"


def test_a_name_that_means_several_is_left_to_the_person_and_high_grades_stay_out(office: Office) -> None:
    platform, who = office.platform, office["reviewer"]
    text = "2018年安排\n（一）统一监管。由市场监督管理局牵头，财政厅配合，10月底前完成。\n"
    document = platform.texts.add(
        who, "bigdata", DocumentDraft(name="监.txt", grade="L3"), io.BytesIO(text.encode())
    ).id
    draft = platform.plan_drafts.read(who, document, plan="监管")
    line = draft.lines[0]
    assert line.said.leads == ()
    assert set(line.doubts[0]["ids"]) >= {"commerce_admin", "quality", "food_drug"}
    with pytest.raises(Invalid):
        platform.plan_drafts.decide(who, draft.id, 0, None, accept=True)
    platform.plan_drafts.decide(who, draft.id, 0, {"leads": ["commerce_admin"]}, accept=True)
    with pytest.raises(Refused) as graded:
        platform.plan_drafts.take(who, draft.id)
    assert graded.value.reason == "draft_grade"


def test_the_same_by_api(office: Office) -> None:
    made = _written(office.platform.standards, "prose", 4)
    document = _kept(office, made, "接口要点.txt")
    client = office.browser_json("reviewer")
    draft = client.post("/api/v1/plan/drafts", json={"document": document, "plan": "接口"}).json()
    assert draft["waiting"] == len(draft["lines"]) == len(made.truth)
    here = f"/api/v1/plan/drafts/{draft['id']}"
    for line in draft["lines"]:
        order = {"accept": True, "seen": line["seen"]}
        assert client.post(f"{here}/lines/{line['place']}", json=order).status_code == 200
        stale = client.post(f"{here}/lines/{line['place']}", json={**order, "accept": False})
        assert (stale.status_code, stale.json()["error"]["code"]) == (409, "changed_since_seen")
    assert client.post(f"{here}/taken").json() == {"tasks": len(made.truth)}
    assert client.get(here).json()["state"] == "taken"
    assert client.post(f"{here}/lines/0", json={"accept": False}).status_code == 409
    assert office.browser_json("steward").get(here).status_code == 403
    assert client.get("/api/v1/plan/drafts").json()["drafts"][0]["id"] == draft["id"]


def test_the_same_at_the_terminal(office: Office) -> None:
    document = _kept(office, _written(office.platform.standards, "lines", 2), "终端要点.txt")
    group = typer.Typer()
    add_drafts(group, lambda: office.platform.plan_drafts, lambda: office.platform.access)
    terminal.set_style(as_json=True, language=terminal.language())
    read = CliRunner().invoke(group, ["draft", "read", document, "--plan", "终端", "--as", "reviewer"])
    assert read.exit_code == 0, read.output
    assert json.loads(read.output.splitlines()[0])[1]["number"] == "1.1"
    draft = office.platform.plan_drafts.drafts(office["reviewer"])[0].id
    words = ["draft", "decide", draft, "1", "--accept", "--set", "leads=science;ndrc", "--as", "reviewer"]
    assert CliRunner().invoke(group, words).exit_code != 0, "nothing was seen"
    words += ["--seen", json.loads(read.output.splitlines()[0])[1]["seen"]]
    decided = CliRunner().invoke(group, words)
    assert decided.exit_code == 0, decided.output
    assert office.platform.plan_drafts.draft(office["reviewer"], draft).lines[1].said.leads == ("science", "ndrc")
    assert CliRunner().invoke(group, ["draft", "drop", draft, "--as", "reviewer"]).exit_code == 0
    assert office.platform.plan_drafts.draft(office["reviewer"], draft).state is DraftState.DROPPED
