"""One search over the console: by name, pinyin and initials, only what the person may see, and never a refusal."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from beijiang.access import PersonDraft, Role
from beijiang.catalog import OpenType, ResourceEdit, ShareType
from beijiang.console.commands import find_command
from beijiang.evidence import EvidenceQuery
from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM, Actor, ActorKind, new_id
from beijiang.tables import CommitRequest, WriteMode

TABLE = "牧区校车"


@pytest.fixture(scope="module", autouse=True)
def table(office: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("search") / "校车.csv"
    path.write_text("编号,名称\n" + "".join(f"{n},第{n}号\n" for n in range(1, 30)), encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    run = office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=TABLE))
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()
    office.access.add_person(SYSTEM, PersonDraft(login="wu.yun", name="乌云", org_id="education"))
    return TABLE


@pytest.fixture(scope="module", autouse=True)
def theirs(office: Any) -> str:
    """A published entry of another department that has the word of ours in its name."""
    name = "医用校车目录"
    path = Path(office.settings.home) / "staging" / f"{new_id('f')}.parquet"
    schema = pa.schema([("名称", pa.string()), ("座位", pa.int64())])
    pq.write_table(pa.Table.from_pylist([{"名称": f"第{n}号", "座位": n} for n in range(40)], schema=schema), path)
    order = CommitRequest(
        table=name, org_id="health", staged=(path,), schema=schema, mode=WriteMode.APPEND, run_id=new_id("run")
    )
    office.tables.commit(SYSTEM, order)
    office.db.deliver_waiting()
    entry = office.catalog.resource_for_table(name)
    edit = ResourceEdit(
        share_type=ShareType.CONDITIONAL, share_condition="按项审批", open_type=OpenType.NOT_OPEN,
        open_condition="内部使用", update_cycle="2", categories=("207001",),
    )  # fmt: skip
    office.catalog.edit(actor("steward", "health"), entry.id, edit)
    office.catalog.submit(actor("steward", "health"), entry.id)
    office.catalog.approve(actor("bureau_reviewer", "bigdata"), entry.id)
    office.catalog.publish(actor("bureau_publisher", "bigdata"), entry.id)
    return str(entry.id)


def actor(role: str, org: str) -> Actor:
    return Actor(f"person_{role}_{org}", f"{org}的{role}", ActorKind.PERSON, org, frozenset({role}))


def test_an_entry_of_another_department_leads_to_its_public_page(desk: Callable[..., Any], theirs: str) -> None:
    assert ("resource", "医用校车目录", f"/datasets/{theirs}") in hits(desk("steward"), "医用校车")
    assert ("resource", "医用校车目录", f"/console/catalog/{theirs}") in hits(desk("bureau_reviewer"), "医用校车")


def hits(who: Any, words: str) -> list[tuple[str, str, str]]:
    answer = who.client.get("/api/v1/console/search", params={"q": words})
    assert answer.status_code == 200, answer.text
    return [(one["kind"], one["name"]["zh"], one["href"]) for one in answer.json()["found"]]


@pytest.mark.parametrize("words", [TABLE, "校车", "muquxiaoche", "mqxc", "xiaoche", "XC"])
def test_a_table_its_entry_and_its_run_are_found_by_word_sound_and_initials(
    desk: Callable[..., Any], words: str
) -> None:
    kinds = {kind for kind, name, _ in hits(desk("steward"), words) if name == TABLE}
    assert {"table", "run"} <= kinds
    assert "resource" in kinds or words.isascii()


@pytest.mark.parametrize("words", ["校车.csv", "校车.CSV", "校车．csv"])
def test_a_run_is_found_by_the_name_of_its_file(desk: Callable[..., Any], words: str) -> None:
    assert ("run", TABLE) in {(kind, name) for kind, name, _ in hits(desk("steward"), words)}


def test_pages_and_actions_are_found(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    assert ("action", "新建共享申请", "/console/sharing/find") in hits(steward, "新建")
    assert ("action", "交数据、注册资源", "/console/ingest") in hits(steward, "注册资源")
    assert ("page", "共享申请", "/console/sharing") in hits(steward, "gxsq")
    assert hits(steward, "没有这样的词") == []
    assert hits(desk("audit_admin"), "新建") == []
    assert ("person", "乌云", "/console/people?_find=wu.yun") in hits(desk("sys_admin"), "wuyun")
    assert not [hit for hit in hits(steward, "wuyun") if hit[0] == "person"]


def test_help_indicators_and_more_to_do_are_found(office: Any, desk: Callable[..., Any]) -> None:
    assert ("help", "帮助：数据表", "/help/console#tables") in hits(desk("steward"), "数据表")
    assert ("action", "审核目录", "/console/catalog?_only.turn=mine") in hits(desk("bureau_reviewer"), "审核目录")
    assert not [hit for hit in hits(desk("steward"), "审核目录") if hit[0] == "action"]


def test_without_words_the_newest_comes_first_and_then_what_can_be_done(desk: Callable[..., Any]) -> None:
    found = [kind for kind, _, _ in hits(desk("steward"), "")]
    assert found
    assert found[0] != "action"
    assert found == [kind for kind in found if kind != "action"] + [kind for kind in found if kind == "action"]


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_no_hit_leads_to_a_refusal_and_none_is_recorded(office: Any, desk: Callable[..., Any], role: str) -> None:
    def refusals() -> int:
        return len(office.evidence_reader.search(SYSTEM, EvidenceQuery(decision="deny", limit=1000)).records)

    before = refusals()
    found = {href for words in ("", "校车", "a", "1", "s") for _, _, href in hits(desk(role), words)}
    assert refusals() == before
    assert {href: desk(role).get(href).status_code for href in found} == dict.fromkeys(found, 200)


def test_another_department_s_table_is_not_found(office: Any, desk: Callable[..., Any]) -> None:
    office.access.add_person(
        SYSTEM, PersonDraft(login="health.steward", name="卫生", org_id="health", roles=frozenset({Role.STEWARD}))
    )
    other = next(p for p in office.access.people(SYSTEM) if p.login == "health.steward").as_actor("s")
    from beijiang.console import Console

    found = Console(office).find(other, TABLE)
    assert not [one for one in found if one.name.zh == TABLE and one.kind.value in {"run", "source", "request"}]


def test_the_page_works_without_a_script_and_a_stranger_signs_in_first(desk: Callable[..., Any]) -> None:
    page = desk("steward").get("/console/search?q=mqxc&lang=zh-CN").text
    assert re.search(rf'<a href="/console/tables/[^"]+">.*?<b>{TABLE}</b>', page, re.DOTALL)
    assert 'href="/console/search" data-palette' in page
    assert "Nothing found" in desk("steward").get("/console/search?q=zzzzzz&lang=en").text
    desk("steward").get("/console/search?lang=zh-CN")
    assert desk(None).get("/console/search?q=a").status_code == 401
    assert desk(None).client.get("/api/v1/console/search").status_code == 401
    assert desk("steward").get(f"/console/search?q={'x' * 101}").status_code == 422


def test_the_terminal_finds_the_same(office: Any) -> None:
    app = typer.Typer()
    app.command("find")(find_command(lambda: office))
    told = CliRunner().invoke(app, ["mqxc", "--as", "a.steward"])
    assert told.exit_code == 0, told.output
    assert TABLE in told.output
    assert "数据表" in told.output
