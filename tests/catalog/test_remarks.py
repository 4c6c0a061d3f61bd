"""What provider and reviewers say about an entry: on items, answered, settled, kept with what was looked at; hidden from others."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from beijiang.access import Role
from beijiang.catalog import ItemEdit, ResourceEdit, word_marks
from beijiang.catalog.commands import commands
from beijiang.catalog.models.remarks import REMARKS_MOST
from beijiang.evidence import EvidenceQuery
from beijiang.evidence.store import EvidenceStore
from beijiang.kit import Conflict, Denied, Invalid, NotFound

if TYPE_CHECKING:
    from conftest import Office


def test_a_comment_on_an_item_is_answered_mended_and_settled(office: Office) -> None:
    catalog = office.catalog
    found = office.complete(office.write())
    catalog.submit(office.steward, found.id)
    said = catalog.remark(office.reviewer, found.id, " 单位请写明 ", column="PM2.5")
    assert (said.subject, said.version, said.is_open, said.since) == ("PM2.5", 1, True, ())
    assert said.remarks[0].text == "单位请写明"
    assert catalog.open_threads(office.steward) == {found.id: 1}
    catalog.return_for_mending(office.reviewer, found.id, ["见批注"])
    catalog.set_items(office.steward, found.id, [ItemEdit(column="PM2.5", description="微克每立方米")])
    answered = catalog.reply(office.steward, said.id, "已补充")
    assert [one.actor_name for one in answered.remarks] == ["reviewer", "steward"]
    assert [(c.field, c.before, c.after) for c in answered.since] == [("description", "", "微克每立方米")]
    assert json.loads(answered.seen)["items"][0]["description"] == "", "what was looked at stays as it was"
    office.later(1)
    settled = catalog.resolve(office.reviewer, said.id)
    assert (settled.is_open, settled.resolved_name) == (False, "reviewer")
    assert catalog.open_threads(office.reviewer) == {}
    assert catalog.resolve(office.steward, said.id).resolved_at == settled.resolved_at
    assert catalog.reply(office.steward, said.id, "再问一句").is_open, "an answer opens it again"


def test_a_comment_on_the_entry_tells_what_changed_there_and_one_on_a_gone_item_says_so(office: Office) -> None:
    catalog = office.catalog
    found = office.write()
    catalog.remark(office.steward, found.id, "摘要待补")
    catalog.remark(office.org_reviewer, found.id, "这一列要吗", column="性别代码")
    catalog.edit(office.steward, found.id, ResourceEdit(summary="每小时的空气质量。"))
    office.write(version=2, columns=["站点名称", "监测时间", "PM2.5"], types=["text", "timestamp", "decimal"])
    whole, gone = catalog.threads(office.reviewer, found.id)
    assert [c.field for c in whole.since] == ["summary"]
    assert (gone.gone, gone.subject) == (True, "性别代码")


def test_nobody_else_reads_or_writes_comments(office: Office) -> None:
    catalog = office.catalog
    found = office.write()
    said = catalog.remark(office.steward, found.id, "请看")
    for verb in (
        lambda who: catalog.threads(who, found.id),
        lambda who: catalog.remark(who, found.id, "我也说"),
        lambda who: catalog.reply(who, said.id, "我也说"),
        lambda who: catalog.resolve(who, said.id),
    ):
        with pytest.raises(NotFound) as hidden:
            verb(office.neighbour)
        assert hidden.value.status == 404
    with pytest.raises(NotFound) as made_up:
        catalog.reply(office.neighbour, "thr_none", "x")
    with pytest.raises(NotFound) as real:
        catalog.reply(office.neighbour, said.id, "x")
    assert made_up.value.text == real.value.text
    assert catalog.open_threads(office.neighbour) == {}
    analyst = replace(office.steward, id="person_analyst", roles=frozenset({str(Role.ANALYST)}))
    assert catalog.get(analyst, found.id) == found, "who may see the entry need not see what is said about it"
    with pytest.raises(Denied):
        catalog.threads(analyst, found.id)


def test_a_comment_says_something_short_about_something_that_is_there(office: Office) -> None:
    found = office.write()
    for text, column, code in (
        ("  ", None, "remark_empty"),
        ("长" * 1001, None, "remark_too_long"),
        ("x", "没有", "unknown_item"),
    ):
        with pytest.raises(Invalid) as refused:
            office.catalog.remark(office.steward, found.id, text, column=column)
        assert refused.value.reason == code
    said = office.catalog.remark(office.steward, found.id, "一")
    for number in range(REMARKS_MOST - 1):
        office.catalog.reply(office.steward, said.id, f"第 {number} 句")
    with pytest.raises(Conflict):
        office.catalog.reply(office.steward, said.id, "一句太多")


def test_evidence_holds_that_something_was_said_and_its_digest_not_the_words(office: Office) -> None:
    found = office.write()
    said = office.catalog.remark(office.steward, found.id, "这里写着谁都能猜的话", column="PM2.5")
    office.catalog.resolve(office.steward, said.id)
    with office.db.read() as connection:
        kept = EvidenceStore(connection).search(EvidenceQuery(target=f"catalog:{found.id}"))
    records = [one for one in kept if one.action.startswith("catalog.remark")]
    assert [one.action for one in records] == ["catalog.remark_resolve", "catalog.remark"]
    assert records[1].detail["thread"] == said.id
    assert len(records[1].detail["sha256"]) == 64
    assert "谁都能猜" not in json.dumps(records[1].detail, ensure_ascii=False)


def test_through_the_api_and_at_the_terminal(
    office: Office, open_door: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    door = open_door(office)
    found = office.write()
    here = f"/resources/{found.id}"
    made = door.ask("POST", f"{here}/threads", office.reviewer, json={"text": "请补", "column": "PM2.5"})
    assert made.status_code == 201
    thread = made.json()["id"]
    assert (
        door.ask("POST", f"/threads/{thread}/replies", office.steward, json={"text": "好"}).json()["remarks"][1]["text"]
        == "好"
    )
    assert door.ask("POST", f"/threads/{thread}/resolve").json()["is_open"] is False
    assert door.ask("GET", f"{here}/threads").json()["threads"][0]["seen"]["items"][0]["column"] == "PM2.5"
    assert door.ask("GET", f"{here}/threads", office.neighbour).status_code == 404
    told = terminal(office, capsys, "remark", found.id, "终端也能说", "--item", "PM2.5")
    assert "终端也能说" in told
    assert "终端也能说" in terminal(office, capsys, "remarks", found.id)


def terminal(office: Office, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    app = commands(lambda: office.catalog, lambda: office.access)
    app([*words], standalone_mode=False)
    return capsys.readouterr().out


def test_two_versions_and_the_entry_being_compiled_are_compared(
    office: Office, open_door: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    found = office.published()
    office.catalog.edit(office.steward, found.id, ResourceEdit(summary="改过的摘要"))
    door = open_door(office)
    changed = door.ask("GET", f"/resources/{found.id}/compare?before=1", office.steward).json()
    assert changed["after"] is None
    assert [c["field"] for c in changed["changes"]] == ["summary"]
    assert door.ask("GET", f"/resources/{found.id}/compare?before=2").status_code == 404
    assert door.ask("GET", f"/resources/{found.id}/compare?before=1", office.neighbour).status_code == 404
    assert "改过的摘要" in terminal(office, capsys, "compare", found.id, "1")


def shown(spans: Any) -> str:
    return "".join(f"[{one.text}]" if one.hit else one.text for one in spans)


def test_words_that_differ_are_marked_in_both_languages() -> None:
    before, after = word_marks("每月更新的学校名单 v1.2", "每周更新的学校名录 v1.3")
    assert (shown(before), shown(after)) == ("每[月]更新的学校名[单] [v1.2]", "每[周]更新的学校名[录] [v1.3]")
    before, after = word_marks("shared with all", "shared with every department")
    assert (shown(before), shown(after)) == ("shared with [all]", "shared with [every department]")
    assert [shown(side) for side in word_marks("", "新")] == ["", "[新]"]
    assert [shown(side) for side in word_marks("同", "同")] == ["同", "同"]
    long = "字" * 3000
    assert shown(word_marks(long, long + "尾")[0]) == f"[{long}]"
