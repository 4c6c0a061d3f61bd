"""Several entries decided on together: a plan that says what follows and what cannot be, and each on record by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from beijiang.catalog import DECIDED_MOST, Action, Resource, State
from beijiang.catalog.commands import commands
from beijiang.catalog.routes import deciding_router
from beijiang.evidence import EvidenceQuery
from beijiang.kit import Actor, Invalid, Language
from beijiang.terminal import set_style

if TYPE_CHECKING:
    from conftest import Office


def submitted(office: Office, *tables: str) -> list[Resource]:
    """Hand in an entry for each table."""
    made = [office.complete(office.write(table)) for table in tables]
    return [office.catalog.submit(office.steward, one.id) for one in made]


def test_a_plan_says_what_follows_and_for_each_that_cannot_be_decided_why(office: Office) -> None:
    waiting, approved, draft = *submitted(office, "甲表", "乙表"), office.write("丙表")
    office.catalog.approve(office.reviewer, approved.id)
    ids = [waiting.id, approved.id, draft.id, waiting.id]
    of_reviewer = office.catalog.plan_decisions(office.reviewer, ids)
    assert [one.resource.id for one in of_reviewer] == ids[:3], "one that is named twice is decided on once"
    assert [one.action for one in of_reviewer] == [Action.APPROVE, Action.PUBLISH, None]
    assert of_reviewer[0].why is None
    assert "sent back" in of_reviewer[0].follows.en  # type: ignore[union-attr]
    assert "publisher" in of_reviewer[1].why.en  # type: ignore[union-attr]
    assert "Nothing waits" in of_reviewer[2].why.en  # type: ignore[union-attr]
    of_publisher = office.catalog.plan_decisions(office.publisher, ids[:2])
    assert [one.why is None for one in of_publisher] == [False, True]
    assert "readers see it at once" in of_publisher[1].follows.en  # type: ignore[union-attr]
    assert office.catalog.get(office.steward, waiting.id).state is State.PENDING_REGISTER, "a plan changes nothing"


def test_each_is_decided_by_its_own_rules_and_one_that_fails_does_not_hold_the_others(office: Office) -> None:
    first, second, third = submitted(office, "甲表", "乙表", "丙表")
    seen = {one.id: one.shown.token for one in (first, second, third)}
    office.catalog.return_for_mending(office.reviewer, second.id, ["补充说明"])
    done = office.catalog.decide_together(office.reviewer, seen)
    assert [one.state for one in done] == [State.PENDING_PUBLISH, None, State.PENDING_PUBLISH]
    assert done[1].code == "changed_since_seen"
    assert office.catalog.get(office.steward, second.id).state is State.RETURNED
    found = office.evidence.page(EvidenceQuery(action="catalog.approve", limit=10)).records
    assert {one.target for one in found} == {f"catalog:{first.id}", f"catalog:{third.id}"}
    again = office.catalog.decide_together(office.publisher, seen)
    assert {one.code for one in again} == {"changed_since_seen"}, "what was seen was to be registered, not published"
    now = {one.id: office.catalog.get(office.publisher, one.id).shown.token for one in (first, third)}
    assert {one.state for one in office.catalog.decide_together(office.publisher, now)} == {State.PUBLISHED}


def test_nobody_decides_on_the_own_entry_and_what_is_hidden_is_not_told(office: Office) -> None:
    (own,) = submitted(office, "甲表")
    plan = office.catalog.plan_decisions(office.steward, [own.id])
    assert plan[0].why is not None
    done = office.catalog.decide_together(office.steward, {own.id: own.shown.token})
    assert done[0].state is None
    assert office.catalog.get(office.steward, own.id).state is State.PENDING_REGISTER
    unseen = office.catalog.plan_decisions(office.neighbour, [own.id, "res_none"])
    assert [(one.resource, one.action, one.follows) for one in unseen] == [(None, None, None)] * 2
    assert unseen[0].why == unseen[1].why is not None, "hidden and unknown look the same"
    hidden = office.catalog.decide_together(office.neighbour, {own.id: own.shown.token, "res_none": "x"})
    assert [(one.name, one.state) for one in hidden] == [("", None), ("", None)]
    assert hidden[0].code == hidden[1].code
    with pytest.raises(Invalid, match=str(DECIDED_MOST)):
        office.catalog.decide_together(office.reviewer, dict.fromkeys(map(str, range(DECIDED_MOST + 1)), ""))


def test_the_api_plans_and_decides(office: Office, open_door: Any) -> None:
    door = open_door(office)
    door.app.include_router(deciding_router(office.catalog))
    first, second = submitted(office, "甲表", "乙表")
    plan = door.ask("GET", f"/decisions?entry={first.id}&entry={second.id}", office.reviewer).json()["decisions"]
    assert [(one["name"], one["action"], one["why"]) for one in plan] == [
        ("甲表", "approve", None),
        ("乙表", "approve", None),
    ]
    sent = [{"resource_id": one["resource_id"], "seen": one["seen"]} for one in plan]
    sent[1]["seen"] = ""
    told = door.ask("POST", "/decisions", json={"decisions": sent}).json()["decided"]
    assert [(one["state"], one["code"]) for one in told] == [("pending_publish", ""), (None, "changed_since_seen")]
    assert plan[0]["entry"]["items"], "what the seen stands for is there to be looked at"
    twice = door.ask("POST", "/decisions", json={"decisions": [sent[1], {**sent[1], "seen": plan[1]["seen"]}]})
    assert (twice.status_code, twice.json()["code"]) == (422, "named_twice")
    for bad in ("\x00", "a b", "甲"):
        unfit = [{"resource_id": second.id, "seen": plan[1]["seen"]}, {"resource_id": bad, "seen": ""}]
        assert door.ask("POST", "/decisions", json={"decisions": unfit}).status_code == 422
    assert office.catalog.get(office.steward, second.id).state is State.PENDING_REGISTER, "nothing of it was decided"
    assert door.ask("GET", "/decisions").status_code == 422
    assert door.ask("POST", "/decisions", json={"decisions": []}).status_code == 422


def test_the_terminal_shows_the_plan_and_asks_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = submitted(office, "甲表", "乙表")
    people = {"r": office.reviewer, "p": office.publisher}
    monkeypatch.setattr(office.access, "actor_for_person", people.__getitem__)
    app, run = commands(lambda: office.catalog, lambda: office.access), CliRunner()
    set_style(as_json=False, language=Language.EN)
    refused = run.invoke(app, ["decide", "--as", "r"], input="n\n")
    assert refused.exit_code == 1
    assert "甲表" in refused.output
    assert office.catalog.get(office.steward, first.id).state is State.PENDING_REGISTER
    done = run.invoke(app, ["decide", "--as", "r"], input="y\n")
    assert done.exit_code == 0, done.output
    assert office.catalog.get(office.steward, second.id).state is State.PENDING_PUBLISH
    set_style(as_json=True, language=Language.EN)
    try:
        blind = run.invoke(app, ["decide", first.id, "--as", "p"])
        assert blind.exit_code == 1, "a program says what it saw"
        plan = json.loads(run.invoke(app, ["decide", first.id, "--plan", "--as", "p"]).output)
        told = run.invoke(app, ["decide", "--seen", f"{first.id}={plan[0]['seen']}", "--as", "p"])
        assert (told.exit_code, json.loads(told.output)[0]["state"]) == (0, "published")
    finally:
        set_style(as_json=False, language=Language.ZH)
    assert office.catalog.get(office.steward, second.id).state is State.PENDING_PUBLISH


def test_seen_decides_and_goes_with_no_plan_and_no_other_entries(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = submitted(office, "甲表", "乙表")
    monkeypatch.setattr(office.access, "actor_for_person", {"r": office.reviewer}.__getitem__)
    app, run = commands(lambda: office.catalog, lambda: office.access), CliRunner()
    told = ["--seen", f"{first.id}={first.shown.token}", "--as", "r"]
    for more, code in (
        (["--plan"], "seen_and_plan"),
        ([second.id], "seen_and_plan"),
        (["--seen", f"{first.id}=x"], "named_twice"),
    ):
        refused = run.invoke(app, ["decide", *more, *told])
        assert isinstance(refused.exception, Invalid), refused.output
        assert refused.exception.reason == code
    assert {office.catalog.get(office.steward, one.id).state for one in (first, second)} == {State.PENDING_REGISTER}


def test_the_terminal_shows_all_of_what_is_agreed_to(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    (only,) = submitted(office, "甲表")
    monkeypatch.setattr(office.access, "actor_for_person", {"r": office.reviewer}.__getitem__)
    app = commands(lambda: office.catalog, lambda: office.access)
    shown = CliRunner().invoke(app, ["decide", only.id, "res_none", "--plan", "--as", "r"])
    assert shown.exit_code == 0, shown.output
    assert "res_none" in shown.output, "one that is gone does not hold the others"
    assert only.entry.contact in shown.output
    assert {item.column for item in only.entry.items} <= set(shown.output.split())


def test_a_fault_on_one_entry_is_told_with_what_was_done_to_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = submitted(office, "甲表", "乙表", "丙表")
    approve = office.catalog.approve

    def failing(actor: Actor, resource_id: str, *, seen: str | None = None) -> Resource:
        if resource_id == second.id:
            raise OSError("the disk went away")
        return approve(actor, resource_id, seen=seen)

    monkeypatch.setattr(office.catalog, "approve", failing)
    done = office.catalog.decide_together(office.reviewer, {one.id: one.shown.token for one in (first, second, third)})
    assert [(one.state, one.code) for one in done] == [
        (State.PENDING_PUBLISH, ""),
        (None, "internal"),
        (State.PENDING_PUBLISH, ""),
    ]
    assert "disk" not in f"{done[1].why}"
