"""The documents and notebooks of the demo region: kept once, however often a build goes on, and good to look into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.access import PersonDraft, Role
from beijiang.assess import LineVerdict
from beijiang.build import build
from beijiang.demo.papers import PLAN_2018, add_papers
from beijiang.demo.people import BUREAU
from beijiang.kit import SYSTEM
from beijiang.mining import CellKind
from beijiang.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from beijiang.kit import Actor


def test_papers_are_kept_once_and_say_what_their_pages_show(tmp_path: Path) -> None:
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    actors: dict[str, Actor] = {}
    for login, role in (("reviewer", Role.BUREAU_REVIEWER), ("analyst", Role.ANALYST)):
        draft = PersonDraft(login=login, name=login, org_id=BUREAU, roles=frozenset({role}))
        platform.access.add_person(SYSTEM, draft)
        actors[login] = platform.access.actor_for_person(login)
    for _ in range(2):
        add_papers(platform, actors.__getitem__)
    texts, keeper = platform.texts, actors["reviewer"]
    found = {one.title: one for one in texts.documents(keeper)}
    assert len(found) == 15
    assert {one.label for one in found.values()} == {"工作要点", "情况简报", "会议通知", ""}
    learned = texts.classes(keeper)
    assert learned.accuracy > learned.baseline
    near = texts.alike(keeper, found["数据应用情况简报第 5 期（修改稿）"].id)
    assert near[0].document.title == "数据应用情况简报第 5 期"
    assert near[0].share > 0.8
    assert len(texts.tasks(keeper, found["2026 年政务数据工作要点"].id).tasks) == 8
    (draft,) = platform.plan_drafts.drafts(keeper)
    whole = platform.plan_drafts.draft(keeper, draft.id)
    assert (whole.document, whole.plan, len(whole.lines), whole.waiting) == (PLAN_2018, "2018", 27, 24)
    assert [one.verdict for one in whole.lines[:3]] == [LineVerdict.ACCEPTED] * 2 + [LineVerdict.REJECTED]
    assert whole.lines[0].said.title == "总体目标"
    assert whole.lines[0].said.leads == ("bigdata",)
    assert [one.changed for one in whole.lines[:2]] == [False, True]
    assert not platform.plan.tasks(keeper), "a draft is no plan"
    by_title = {one.said.title: one.said for one in whole.lines}
    for row in platform.standards.table("plan_2018"):
        if row["section_no"] != "0":
            assert set(by_title[row["title_zh"]].leads) == set(row["lead_departments"].split(";")), row["section_no"]
    books = platform.notebooks.notebooks(actors["analyst"])
    assert [one.name for one in books] == ["大气污染源排放分析", "月度指标走势"]
    assert {cell.kind for one in books for cell in one.cells} == set(CellKind)
    platform.close()
