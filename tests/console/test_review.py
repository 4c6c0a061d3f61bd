"""The page of a review: comments on items by both sides, and two versions side by side with their words marked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from beijiang.catalog import Entry, Item, ItemEdit, OpenType, Resource, ResourceEdit, ShareMethod, ShareType
from beijiang.kit import SYSTEM


@pytest.fixture(scope="module")
def entry(office: Any) -> Resource:
    """Return an entry that is published once and mended since."""
    items = (
        Item(column="name", name="学校名称", description="学校的全称"),
        Item(column="score", name="得分", type="N"),
    )
    return office.catalog.register(
        SYSTEM,
        Entry(
            name="食堂评分接口",
            summary="每月更新的食堂评分。",
            provider_id="education",
            provider_code="11150000011512343X",
            categories=("201003",),
            formats=("rest_json",),
            items=items,
            share_type=ShareType.UNCONDITIONAL,
            share_method=ShareMethod.SERVICE,
            open_type=OpenType.NOT_OPEN,
            open_condition="内部工作数据",
            update_cycle="4",
        ),
    )


def test_both_sides_talk_on_the_page_and_the_return_is_filled_in(
    office: Any, desk: Callable[..., Any], entry: Resource
) -> None:
    here = f"/console/catalog/{entry.id}"
    reviewer, steward = desk("bureau_reviewer"), desk("steward")
    made = reviewer.post(f"{here}/remarks", {"text": "得分的<b>满分</b>是多少？", "column": "score"})
    assert made.headers["location"].startswith(f"{here}/review#thr_")
    thread = made.headers["location"].split("#")[1]
    page = steward.get(f"{here}/review").text
    assert "得分的&lt;b&gt;满分&lt;/b&gt;是多少？" in page
    assert "1 条批注未了结" in page
    assert f'href="{here}/review">1</a>' in steward.get("/console/catalog?_find=食堂评分接口").text
    office.catalog.set_items(SYSTEM, entry.id, [ItemEdit(column="score", description="百分制")])
    steward.post(f"{here}/threads/{thread}/replies", {"text": "百分制，已补"})
    page = reviewer.get(f"{here}/review").text
    assert "百分制，已补" in page
    assert "批注之后改了 1 处" in page
    reviewer.post(f"{here}/threads/{thread}/resolve")
    page = reviewer.get(f"{here}/review").text
    assert "已了结" in page
    assert "条批注未了结" not in page
    assert desk("analyst").get(f"{here}/review").status_code == 403
    assert desk("sys_admin").get(f"{here}/review").status_code == 404
    assert steward.post(f"{here}/remarks", {"text": " ", "column": ""}).status_code == 303


def test_open_comments_are_the_reasons_of_a_return(office: Any, desk: Callable[..., Any]) -> None:
    made = office.catalog.register(
        SYSTEM,
        Entry(
            name="待审接口",
            summary="待审。",
            provider_id="education",
            provider_code="11150000011512343X",
            categories=("201003",),
            formats=("rest_json",),
            items=(Item(column="a", name="甲"),),
            share_type=ShareType.UNCONDITIONAL,
            share_method=ShareMethod.SERVICE,
            open_type=OpenType.NOT_OPEN,
            open_condition="内部工作数据",
        ),
    )
    here = f"/console/catalog/{made.id}"
    missing = [gap.field for gap in office.catalog.missing(SYSTEM, made.id) if gap.blocking]
    assert missing == []
    office.catalog.submit(SYSTEM, made.id)
    reviewer = desk("bureau_reviewer")
    reviewer.post(f"{here}/remarks", {"text": "摘要太短"})
    page = reviewer.get(f"{here}/review").text
    filled = re.search(r'<textarea id="f-reasons"[^>]*>([^<]*)<', page)
    assert filled is not None
    assert filled[1].strip() == "待审接口：摘要太短"
    reviewer.post(f"{here}/return", {"reasons": filled[1]})
    assert office.catalog.get(SYSTEM, made.id).reasons == ("待审接口：摘要太短",)


def test_two_states_stand_side_by_side_with_their_words_marked(
    office: Any, desk: Callable[..., Any], entry: Resource
) -> None:
    office.catalog.submit(SYSTEM, entry.id)
    steps = (office.access.actor_for_person("a.bureau_reviewer"), office.access.actor_for_person("a.bureau_publisher"))
    office.catalog.approve(steps[0], entry.id)
    office.catalog.publish(steps[1], entry.id)
    office.catalog.edit(SYSTEM, entry.id, ResourceEdit(summary="每周更新的食堂评分。", update_cycle="3"))
    page = desk("bureau_reviewer").get(f"/console/catalog/{entry.id}/compare").text
    text = re.sub(r'<span class="visually-hidden">[^<]*</span>', "", page)
    assert "每<del>月</del>更新的食堂评分。" in text
    assert '每<ins class="mark">周</ins>更新的食堂评分。' in text
    assert "每<del>月</del>" in text
    assert "删去：" in page, "a screen reader hears what a line through it tells"
    same = desk("bureau_reviewer").get(f"/console/catalog/{entry.id}/compare?before=1&after=1").text
    assert "两者完全相同" in same
    assert desk("bureau_reviewer").get(f"/console/catalog/{entry.id}/compare?before=7").status_code == 404
    english = desk("bureau_reviewer").get(f"/console/catalog/{entry.id}/compare?lang=en").text
    assert "The entry itself" in english


def test_entries_are_decided_on_together_after_one_page_says_what_follows(
    office: Any, desk: Callable[..., Any]
) -> None:
    made = [
        office.catalog.register(
            SYSTEM,
            Entry(
                name=f"一起审的{n}",
                summary="每月更新的名单。",
                provider_id="education",
                provider_code="11150000011512343X",
                categories=("201003",),
                formats=("rest_json",),
                items=(Item(column="name", name="学校名称", description="学校的全称"),),
                share_type=ShareType.UNCONDITIONAL,
                share_method=ShareMethod.SERVICE,
                open_type=OpenType.NOT_OPEN,
                open_condition="内部工作数据",
                update_cycle="4",
            ),
        )
        for n in range(3)
    ]
    steward = office.access.actor_for_person("a.steward")
    for one in made[:2]:
        office.catalog.submit(steward, one.id)
    ids, reviewer, here = [one.id for one in made], desk("bureau_reviewer"), "/console/catalog-decisions"
    assert 'action="/console/catalog-decisions"' in reviewer.get("/console/catalog").text
    assert 'action="/console/catalog-decisions"' not in desk("steward").get("/console/catalog").text
    page = reviewer.post(f"{here}?lang=zh-CN", {"one": ids}).text
    assert "一起办理 2 条目录" in page
    assert "现在没有要决定的" in page
    assert "发布前仍可退回" in page
    assert page.count("学校的全称") == 2, "the items that the seen stands for are there to be opened"
    with_gone = reviewer.post(f"{here}?lang=zh-CN", {"one": [*ids, "res_gone"]})
    assert (with_gone.status_code, "一起办理 2 条目录" in with_gone.text) == (200, True)
    assert "<code>res_gone</code>" in with_gone.text
    seen = re.findall(r'name="seen" value="([^"]+)"', page)
    assert len(seen) == 2
    own = desk("steward").post(f"{here}?lang=zh-CN", {"one": ids, "sure": "yes", "seen": [*seen, seen[0]]}).text
    assert "已办理 0 件，未通过 3 件" in own
    done = reviewer.post(f"{here}?lang=zh-CN", {"one": ids[:2], "sure": "yes", "seen": [seen[0], "x"]}).text
    assert "已办理 1 件，未通过 1 件" in done
    assert f'href="/console/catalog/{ids[1]}"' in done
    states = [office.catalog.get(steward, one).state.value for one in ids]
    assert states == ["pending_publish", "pending_register", "draft"]
    assert reviewer.post("/console/catalog-decisions", {}).status_code == 303
