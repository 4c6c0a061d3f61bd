"""The catalog through its JSON API and its commands."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from beijiang.catalog.commands import commands
from beijiang.catalog.models import ItemEdit, OpenType, ResourceEdit
from beijiang.kit import ANONYMOUS, BeijiangError, Language
from beijiang.terminal import set_style

if TYPE_CHECKING:
    from conftest import Office


def test_an_entry_travels_through_the_api(office: Office, open_door: Any) -> None:
    door = open_door(office)
    found = office.write()
    here = f"/resources/{found.id}"
    assert door.ask("GET", here, office.neighbour).status_code == 404
    shown = door.ask("GET", here, office.steward).json()
    assert (shown["state"], shown["state_code"], shown["actions"]) == ("draft", 0, ["edit", "submit"])
    missing = door.ask("GET", f"{here}/missing").json()["missing"]
    assert missing[0]["text"]["en"].startswith("Decide how it is shared")
    assert door.ask("POST", f"{here}/submit").json()["code"] == "incomplete"
    change = {
        "share_type": "unconditional",
        "open_type": "unconditional_open",
        "licence": "CC-BY-4.0",
        "update_cycle": "2",
    }
    items = [{"column": "PM2.5", "name": "细颗粒物"}]
    edited = door.ask("PATCH", f"{here}?revision=1", json={**change, "items": items})
    assert edited.json()["entry"]["items"][2]["name"] == "细颗粒物"
    assert door.ask("PATCH", f"{here}?revision=1", json={"summary": "x"}).json()["code"] == "stale_revision"
    assert door.ask("POST", f"{here}/submit").status_code == 200
    assert (
        door.ask("POST", f"{here}/return", office.reviewer, json={"reasons": ["补充说明"]}).json()["state"]
        == "returned"
    )
    assert door.ask("POST", f"{here}/submit", office.steward).status_code == 200
    assert door.ask("GET", "/tasks", office.reviewer).json()["tasks"][0]["kind"] == "review"
    blind = door.ask("POST", f"{here}/approve")
    assert (blind.status_code, blind.json()["code"]) == (409, "changed_since_seen"), "what was looked at is said"
    seen = door.ask("GET", here, office.reviewer).json()["seen"]
    assert door.ask("POST", f"{here}/approve?seen={seen}").json()["codes"] == ["211001/1"]
    stale = door.ask("POST", f"{here}/publish?seen={seen}", office.publisher)
    assert (stale.status_code, stale.json()["code"]) == (409, "changed_since_seen")
    seen = door.ask("GET", here, office.publisher).json()["seen"]
    assert door.ask("POST", f"{here}/publish?seen={seen}").json()["version"] == 1
    versions = door.ask("GET", f"{here}/versions", ANONYMOUS).json()["versions"]
    assert (versions[0]["number"], versions[0]["intact"], versions[0]["entry"]["licence"]) == (1, True, "CC-BY-4.0")
    hit = door.ask("GET", "/search?q=空气&open_type=unconditional_open&theme=211").json()
    assert (hit["total"], hit["hits"][0]["name"][0]) == (1, ["空气", True])
    assert door.ask("GET", f"{here}/promise").json()["state"] == "on_time"
    steps = door.ask("GET", f"{here}/steps", office.steward).json()["steps"]
    assert [step["action"] for step in steps][-1] == "publish"
    gone = door.ask("POST", f"{here}/withdraw", json={"reason": "有误"})
    assert gone.json()["state"] == "unpublished"
    assert door.ask("GET", f"{here}/versions", ANONYMOUS).status_code == 404
    assert len(door.ask("GET", "/resources?state=unpublished", office.reviewer).json()["resources"]) == 1


@pytest.mark.threat("TM-12")
@pytest.mark.parametrize(
    "field",
    ["id", "state", "version", "codes", "provider_id", "released_table_version", "published_at", "submitted_by"],
)
def test_server_owned_fields_are_refused(office: Office, open_door: Any, field: str) -> None:
    door = open_door(office)
    found = office.write()
    answer = door.ask("PATCH", f"/resources/{found.id}", json={"summary": "x", field: "published"})
    assert answer.status_code == 422
    item = {"items": [{"column": "PM2.5", "level": "L1"}]}
    assert door.ask("PATCH", f"/resources/{found.id}", json=item).status_code == 422
    assert office.catalog.get(office.steward, found.id) == found


def test_an_entry_is_registered_through_the_api(office: Office, open_door: Any) -> None:
    door = open_door(office)
    body = {
        "name": "水质接口",
        "provider_id": "environment",
        "items": [{"column": "ph", "name": "酸碱度", "type": "B"}],
    }
    assert door.ask("POST", "/resources", office.neighbour, json=body).status_code == 403
    assert door.ask("POST", "/resources", ANONYMOUS, json=body).status_code == 401
    made = door.ask("POST", "/resources", office.steward, json=body)
    assert (made.status_code, made.json()["entry"]["items"][0]["type"]) == (201, "B")


def test_an_entry_is_endorsed_as_it_was_seen_through_the_api(office: Office, open_door: Any) -> None:
    door = open_door(office)
    found = office.complete(office.write())
    here = f"/resources/{found.id}"
    seen = door.ask("GET", here, office.org_reviewer).json()["seen"]
    assert door.ask("PATCH", here, office.steward, json={"summary": "改过的摘要"}).status_code == 200
    for given in ("", f"?seen={seen}"):
        refusal = door.ask("POST", f"{here}/endorse{given}", office.org_reviewer)
        assert (refusal.status_code, refusal.json()["code"]) == (409, "changed_since_seen")
    shown = door.ask("GET", here).json()
    assert shown["endorsed_by"] is None
    endorsed = door.ask("POST", f"{here}/endorse?seen={shown['seen']}").json()
    assert endorsed["endorsed_by"] == office.org_reviewer.id


class Terminal:
    """The commands, with people found by login."""

    def __init__(self, office: Office) -> None:
        self.people = {a.name: a for a in (office.steward, office.reviewer, office.publisher, office.neighbour)}
        self.app = commands(lambda: office.catalog, lambda: self)  # type: ignore[arg-type,return-value]
        set_style(as_json=True, language=Language.ZH)

    def actor_for_person(self, login: str) -> Any:
        return self.people[login]

    def run(self, *words: str, code: int = 0) -> Any:
        result = CliRunner().invoke(self.app, list(words))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


def test_an_entry_travels_through_the_terminal(office: Office, tmp_path: Path) -> None:
    terminal = Terminal(office)
    office.write()
    name = "空气质量小时数据"
    assert [row["state"] for row in terminal.run("list")] == ["draft"]
    assert {gap["field"] for gap in terminal.run("show", name)["missing"] if gap["blocking"]} == {
        "share_type",
        "open_type",
    }
    options = ["--share-type", "unconditional", "--open-type", "unconditional_open", "--licence", "CC-BY-4.0"]
    edited = terminal.run("edit", name, *options, "--open-item", "PM2.5", "--update-cycle", "2", "--as", "steward")
    assert edited["open_items"] == ["PM2.5"]
    waiting = terminal.run("release", name, "--as", "steward", code=1)
    assert waiting["state"] == "pending_register"
    assert terminal.run("release", name, "--as", "steward", code=1)["state"] == "pending_register"
    done = terminal.run("release", name, "--as", "steward", "--as", "reviewer", "--as", "publisher")
    assert (done["state"], done["codes"]) == ("published", ["211001/1"])
    assert terminal.run("search", "kongqi")["hits"][0]["title"] == name
    assert terminal.run("withdraw", name, "--reason", "有误", "--as", "publisher")["state"] == "unpublished"
    assert terminal.run("tasks", "--as", "steward") == []


def test_the_terminal_shows_all_that_is_decided_on_before_it_asks(office: Office) -> None:
    terminal = Terminal(office)
    found = office.complete(office.write())
    column = found.entry.items[0].column
    item = ItemEdit(column=column, open_condition="只给气象用户", open_type=OpenType.CONDITIONAL)
    office.catalog.edit(
        office.steward, found.id, ResourceEdit(items=(item,), share_condition="须说明用途", keywords=("空气",))
    )
    terminal.run("submit", found.id, "--as", "steward")
    now = office.catalog.get(office.reviewer, found.id)
    with pytest.raises(BeijiangError) as blind:
        terminal.run("approve", found.id, "--as", "reviewer")
    assert "--json" in blind.value.text.zh
    assert "show" in blind.value.text.en
    set_style(as_json=False, language=Language.ZH)
    for answer, code in (("n", 1), ("y", 0)):
        asked = CliRunner().invoke(terminal.app, ["approve", found.id, "--as", "reviewer"], input=f"{answer}\n")
        assert asked.exit_code == code, asked.output
        said = "".join(asked.output.split("以上就是")[0].split())
        for one in (now.entry, *now.entry.items):
            for field in fields(one):
                value = getattr(one, field.name)
                if isinstance(value, str) and value:
                    assert field.name in said
                    assert "".join(value.split()) in said, f"{field.name} was decided on and not shown"
        assert all(words in said for words in ("只给气象用户", "须说明用途", "空气"))
    set_style(as_json=True, language=Language.ZH)


def test_the_terminal_returns_and_approves_step_by_step(office: Office) -> None:
    terminal = Terminal(office)
    found = office.complete(office.write())
    terminal.run("submit", found.id, "--as", "steward")
    assert terminal.run("return", found.id, "--reason", "补充", "--as", "reviewer")["reasons"] == ["补充"]
    terminal.run("submit", found.id, "--as", "steward")
    with pytest.raises(BeijiangError) as blind:
        terminal.run("approve", found.id, "--as", "reviewer")
    assert blind.value.reason == "changed_since_seen"
    seen = terminal.run("show", found.id, "--as", "reviewer")["seen"]
    assert terminal.run("approve", found.id, "--seen", seen, "--as", "reviewer")["state"] == "pending_publish"
    assert terminal.run("tasks", "--as", "publisher")[0]["what"] == "发布审核"
    with pytest.raises(BeijiangError):
        terminal.run("show", "没有的目录")


def test_people_get_tables_and_hints(office: Office) -> None:
    terminal = Terminal(office)
    office.write()
    set_style(as_json=False, language=Language.EN)
    shown = CliRunner().invoke(terminal.app, ["show", "空气质量小时数据"])
    assert shown.exit_code == 0
    assert "Decide how it is shared" in shown.output
    found = CliRunner().invoke(terminal.app, ["search", "空汽质量"])
    assert "these come closest" in found.output
    assert isinstance(terminal.app, typer.Typer)
