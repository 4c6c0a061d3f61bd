"""From a table's first version to a published entry, and what must not be possible on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from beijiang.catalog import (
    MOVES,
    Action,
    Entry,
    ItemEdit,
    Level,
    OpenType,
    PromiseState,
    ResourceEdit,
    ShareMethod,
    ShareType,
    State,
    TaskKind,
)
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ANONYMOUS, SYSTEM, BeijiangError, Conflict, Denied, Invalid, NotFound, Refused, Unauthenticated

if TYPE_CHECKING:
    from conftest import Office


def test_the_first_version_of_a_table_proposes_an_entry(office: Office) -> None:
    found = office.write()
    entry = found.entry
    assert found.state is State.DRAFT
    assert (entry.name, entry.provider_name, entry.provider_code) == (
        "空气质量小时数据",
        "生态环境厅",
        "111500000115123431",
    )
    assert entry.categories == ("211001",)
    assert entry.formats[:2] == ("csv", "xlsx")
    assert (entry.time_span, entry.region_code, entry.update_cycle) == ("2024-2025", "150000", "9")
    assert "生态环境厅提供的空气质量小时数据，共 100 条，时间范围 2024-2025 年" in entry.summary
    assert [item.type for item in entry.items] == ["C", "T", "N", "C"]
    assert (entry.items[3].code_set, entry.items[3].element_id) == ("sex", "population.sex_code")
    assert (entry.share_type, entry.open_type) == (None, None)
    assert not entry.open_items
    assert not entry.shared_items


def test_seeing_an_event_twice_or_late_changes_nothing(office: Office) -> None:
    office.write(version=1)
    second = office.write(version=2)
    assert office.write(version=1) == second
    assert office.write(version=2) == second
    assert second.facts.rows == 200


def test_a_compaction_is_no_fresh_data(office: Office) -> None:
    first = office.write()
    office.later(3)
    packed = office.write(version=2, mode="compact")
    assert packed.facts.version == 2
    assert packed.facts.data_at == first.facts.data_at


def test_new_columns_reach_a_draft_and_keep_what_the_steward_wrote(office: Office) -> None:
    found = office.write()
    edit = ItemEdit(column="PM2.5", name="细颗粒物浓度", description="微克每立方米")
    office.catalog.set_items(office.steward, found.id, [edit])
    again = office.write(version=2, columns=["站点名称", "PM2.5", "臭氧"], types=["text", "double", "double"])
    assert [(i.column, i.name, i.type) for i in again.entry.items] == [
        ("站点名称", "站点名称", "C"),
        ("PM2.5", "细颗粒物浓度", "B"),
        ("臭氧", "臭氧", "B"),
    ]


def test_what_is_missing_is_said_in_words_and_stops_the_submission(office: Office) -> None:
    found = office.write()
    gaps = office.catalog.missing(office.steward, found.id)
    assert {gap.field for gap in gaps if gap.blocking} == {"share_type", "open_type"}
    with pytest.raises(Invalid) as caught:
        office.catalog.submit(office.steward, found.id)
    assert caught.value.reason == "incomplete"
    assert "共享属性" in caught.value.text.zh
    assert len(caught.value.detail["missing"]) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"share_type": ShareType.CONDITIONAL}, "share_condition"),
        ({"share_type": ShareType.NOT_SHARED}, "no_share_basis"),
        ({"open_type": OpenType.CONDITIONAL}, "open_condition"),
        ({"open_type": OpenType.NOT_OPEN}, "open_condition"),
        ({"licence": ""}, "licence"),
        ({"licence": "agreement"}, "licence"),
        ({"formats": ("pdf",)}, "formats"),
        ({"categories": ()}, "categories"),
        ({"summary": " "}, "summary"),
        ({"summary": "长" * 257}, "summary"),
        ({"open_items": ()}, "open_items"),
        ({"secret_flag": True}, "secret_flag"),
        ({"items": (ItemEdit(column="PM2.5", share_type=ShareType.CONDITIONAL),)}, "share_condition"),
        ({"items": (ItemEdit(column="PM2.5", share_type=ShareType.NOT_SHARED),)}, "no_share_basis"),
        ({"items": (ItemEdit(column="PM2.5", open_type=OpenType.CONDITIONAL),)}, "open_condition"),
    ],
)
def test_each_rule_of_the_guide_is_checked(office: Office, edit: dict[str, object], field: str) -> None:
    found = office.complete(office.write(), **edit)
    assert field in {gap.field for gap in office.catalog.missing(office.steward, found.id) if gap.blocking}
    with pytest.raises(Invalid):
        office.catalog.submit(office.steward, found.id)


def test_an_entry_travels_to_publication(office: Office) -> None:
    found = office.complete(office.write())
    submitted = office.catalog.submit(office.steward, found.id)
    assert submitted.state is State.PENDING_REGISTER
    assert submitted.codes == ()
    approved = office.catalog.approve(office.reviewer, found.id)
    assert approved.state is State.PENDING_PUBLISH
    assert [str(code) for code in approved.codes] == ["211001/1"]
    published = office.catalog.publish(office.publisher, found.id)
    assert (published.state, published.version, published.released_table_version) == (State.PUBLISHED, 1, 1)
    steps = office.catalog.steps(office.steward, found.id)
    assert [step.action for step in steps] == [Action.SUBMIT, Action.APPROVE, Action.REQUEST_PUBLISH, Action.PUBLISH]
    assert [step.target.code for step in steps] == [10, 19, 20, 29]
    actions = [record.action for record in office.evidence.page(EvidenceQuery(action="catalog.", limit=100)).records]
    assert {"catalog.register", "catalog.edit", "catalog.submit", "catalog.approve", "catalog.publish"} <= set(actions)
    assert office.evidence.check().ok


def test_nobody_decides_about_the_own_submission(office: Office) -> None:
    both = replace(office.steward, roles=office.steward.roles | office.reviewer.roles | office.publisher.roles)
    found = office.complete(office.write())
    office.catalog.submit(both, found.id)
    with pytest.raises(Refused) as caught:
        office.catalog.approve(both, found.id)
    assert caught.value.reason == "self_approval"
    office.catalog.approve(office.reviewer, found.id)
    with pytest.raises(Refused):
        office.catalog.publish(both, found.id)
    assert office.catalog.get(office.reviewer, found.id).state is State.PENDING_PUBLISH


def test_reviewer_and_publisher_of_the_own_department_are_two_people(office: Office) -> None:
    found = office.complete(office.write())
    office.catalog.submit(office.steward, found.id)
    insider = replace(office.reviewer, org_id="environment", roles=office.reviewer.roles | office.publisher.roles)
    office.catalog.approve(insider, found.id)
    with pytest.raises(Refused) as caught:
        office.catalog.publish(insider, found.id)
    assert caught.value.reason == "same_person_twice"
    assert office.catalog.publish(office.publisher, found.id).state is State.PUBLISHED


def test_other_departments_visitors_and_administrators_have_no_say(office: Office) -> None:
    found = office.complete(office.write())
    for stranger, refusal in ((office.neighbour, NotFound), (office.reviewer, Denied), (office.security, Denied)):
        with pytest.raises(refusal):
            office.catalog.edit(stranger, found.id, ResourceEdit(name="别的名称"))
        with pytest.raises(refusal):
            office.catalog.submit(stranger, found.id)
    office.catalog.submit(office.steward, found.id)
    with pytest.raises(NotFound):
        office.catalog.approve(office.neighbour, found.id)
    for stranger in (office.steward, office.publisher, office.security):
        with pytest.raises(Denied):
            office.catalog.approve(stranger, found.id)
    with pytest.raises(Unauthenticated):
        office.catalog.approve(ANONYMOUS, found.id)
    for stranger in (office.neighbour, office.security, ANONYMOUS):
        with pytest.raises(NotFound):
            office.catalog.get(stranger, found.id)


def test_returning_needs_a_reason_and_comes_back_to_the_steward(office: Office) -> None:
    found = office.complete(office.write())
    office.catalog.submit(office.steward, found.id)
    with pytest.raises(Invalid):
        office.catalog.return_for_mending(office.reviewer, found.id, ["  "])
    back = office.catalog.return_for_mending(office.reviewer, found.id, ["请写明监测站的范围"])
    assert (back.state, back.reasons) == (State.RETURNED, ("请写明监测站的范围",))
    assert [task.kind for task in office.catalog.tasks_for(office.steward)] == [TaskKind.MEND]
    office.catalog.edit(office.steward, found.id, ResourceEdit(summary="全区 45 个监测站的逐小时空气质量。"))
    assert office.publish(back).state is State.PUBLISHED


def test_a_refused_publication_is_mended_and_submitted_again(office: Office) -> None:
    found = office.complete(office.write())
    office.catalog.submit(office.steward, found.id)
    office.catalog.approve(office.reviewer, found.id)
    refused = office.catalog.return_for_mending(office.publisher, found.id, ["许可不对"])
    assert refused.state is State.PUBLISH_REJECTED
    mended = office.catalog.edit(office.steward, found.id, ResourceEdit(licence="CC0-1.0"))
    assert mended.state is State.REGISTERED
    assert office.catalog.submit(office.steward, found.id).state is State.PENDING_PUBLISH
    assert office.catalog.publish(office.publisher, found.id).state is State.PUBLISHED


def test_every_state_allows_what_the_table_says_and_nothing_else(office: Office) -> None:
    targets = {move.target for move in MOVES} | {State.DRAFT}
    assert targets == set(State)
    found = office.published()
    with pytest.raises(Conflict) as caught:
        office.catalog.approve(office.reviewer, found.id)
    assert caught.value.reason == "wrong_state"
    assert "现在可以：修改、取消发布" in caught.value.text.zh
    with pytest.raises(Conflict):
        office.catalog.submit(office.steward, found.id)


def test_an_old_revision_is_refused(office: Office) -> None:
    found = office.write()
    office.catalog.edit(office.steward, found.id, ResourceEdit(summary="甲"), revision=found.revision)
    with pytest.raises(Conflict) as caught:
        office.catalog.edit(office.steward, found.id, ResourceEdit(summary="乙"), revision=found.revision)
    assert caught.value.reason == "stale_revision"


def test_names_are_unique_inside_a_provider(office: Office) -> None:
    first, second = office.write("甲表"), office.write("乙表")
    with pytest.raises(Conflict) as caught:
        office.catalog.edit(office.steward, second.id, ResourceEdit(name=first.entry.name))
    assert caught.value.reason == "name_taken"
    assert office.catalog.get(office.steward, second.id).entry.name == "乙表"


def test_unknown_items_and_codes_are_named(office: Office) -> None:
    found = office.write()
    with pytest.raises(Invalid) as caught:
        office.catalog.set_items(office.steward, found.id, [ItemEdit(column="没有的列", name="x")])
    assert caught.value.reason == "unknown_item"
    for edit in (ResourceEdit(categories=("999999",)), ResourceEdit(licence="x"), ResourceEdit(update_cycle="77")):
        with pytest.raises(NotFound):
            office.catalog.edit(office.steward, found.id, edit)
    with pytest.raises(Invalid):
        office.catalog.edit(office.steward, found.id, ResourceEdit(categories=("211",)))


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        (ResourceEdit(name="  "), Invalid),
        (ResourceEdit(name="名" * 201), Invalid),
        (ResourceEdit(region_code="999999"), NotFound),
        (ResourceEdit(formats=("exe",)), NotFound),
        (ResourceEdit(related_codes=("211001/77",)), Invalid),
        (ResourceEdit(related_codes=("no code",)), Invalid),
        (ResourceEdit(items=(ItemEdit(column="PM2.5", name=""),)), Invalid),
        (ResourceEdit(items=(ItemEdit(column="PM2.5", length=0),)), Invalid),
        (ResourceEdit(items=(ItemEdit(column="PM2.5", update_cycle="77"),)), NotFound),
        (ResourceEdit(items=(ItemEdit(column="PM2.5", code_set="none"),)), NotFound),
        (ResourceEdit(items=(ItemEdit(column="PM2.5", element_id="no.such"),)), NotFound),
        (ResourceEdit(items=(ItemEdit(column="PM2.5", source_org="nobody"),)), NotFound),
    ],
)
def test_values_that_no_standard_knows_are_not_saved(
    office: Office, edit: ResourceEdit, kind: type[BeijiangError]
) -> None:
    found = office.write()
    with pytest.raises(kind):
        office.catalog.edit(office.steward, found.id, edit)
    assert office.catalog.get(office.steward, found.id) == found


def test_what_is_registered_by_hand_is_checked_too(office: Office) -> None:
    for facts in ({"name": " "}, {"categories": ("nope",)}, {"formats": ("exe",)}, {"update_cycle": "77"}):
        with pytest.raises((Invalid, NotFound)):
            office.catalog.register(office.steward, Entry(**({"name": "甲", "provider_id": "environment"} | facts)))  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        office.catalog.register(SYSTEM, Entry(name="甲", provider_id="nobody"))


def test_items_are_mandatory_for_tables_and_services_not_for_documents(office: Office) -> None:
    decided = {
        "summary": "汇编",
        "categories": ("211001",),
        "share_type": ShareType.UNCONDITIONAL,
        "share_method": ShareMethod.FILE,
        "open_type": OpenType.NOT_OPEN,
        "open_condition": "尚在评估",
    }
    for format_, wanted in (("pdf", False), ("png", False), ("xlsx", True), ("rest_json", True)):
        entry = Entry(name=f"资料{format_}", provider_id="environment", formats=(format_,), **decided)  # type: ignore[arg-type]
        found = office.catalog.register(office.steward, entry)
        fields = {gap.field for gap in office.catalog.missing(office.steward, found.id) if gap.blocking}
        assert fields == ({"items"} if wanted else set())


def test_a_relation_is_seen_from_both_ends(office: Office) -> None:
    first = office.published("空气甲")
    second = office.published("空气乙", related_codes=("211001/1",))
    draft = office.complete(office.write("空气丙"), related_codes=("211001/1",))
    for own in (first.entry.name, "211001/9"):
        with pytest.raises(Invalid):
            office.catalog.edit(office.steward, second.id, ResourceEdit(related_codes=(own,)))
    assert office.catalog.referring(ANONYMOUS, ["211001/1"]) == (second.id,)
    assert office.catalog.referring(office.steward, ["211001/1"]) == (second.id, draft.id)
    assert office.catalog.referring(ANONYMOUS, ["211001/2"]) == office.catalog.referring(ANONYMOUS, []) == ()
    office.catalog.edit(office.steward, second.id, ResourceEdit(related_codes=()))
    office.publish(second)
    assert office.catalog.referring(ANONYMOUS, ["211001/1"]) == ()


def test_a_category_chosen_after_the_review_gets_its_code_at_publication(office: Office) -> None:
    found = office.complete(office.write())
    office.catalog.submit(office.steward, found.id)
    office.catalog.approve(office.reviewer, found.id)
    office.catalog.return_for_mending(office.publisher, found.id, ["分类有误"])
    office.catalog.edit(office.steward, found.id, ResourceEdit(categories=("201003", "211001", "201003")))
    office.catalog.submit(office.steward, found.id)
    published = office.catalog.publish(office.publisher, found.id)
    assert [(str(c), c.is_primary) for c in published.codes] == [("201003/1", True), ("211001/1", False)]
    assert office.catalog.versions(ANONYMOUS, found.id)[0].codes == ("201003/1", "211001/1")


def test_who_approved_is_remembered_until_the_next_review(office: Office) -> None:
    found = office.complete(office.write())
    insider = replace(office.reviewer, org_id="environment", roles=office.reviewer.roles | office.publisher.roles)
    office.catalog.submit(office.steward, found.id)
    office.catalog.approve(insider, found.id)
    office.catalog.return_for_mending(office.publisher, found.id, ["摘要有误"])
    office.catalog.edit(office.steward, found.id, ResourceEdit(summary="改过的摘要"))
    office.catalog.submit(office.steward, found.id)
    with pytest.raises(Refused) as caught:
        office.catalog.publish(insider, found.id)
    assert caught.value.reason == "same_person_twice"
    assert office.catalog.publish(office.publisher, found.id).state is State.PUBLISHED


def test_the_published_version_serves_while_a_new_one_is_compiled(office: Office) -> None:
    found = office.published()
    office.catalog.edit(office.steward, found.id, ResourceEdit(summary="新的摘要", open_items=("PM2.5",)))
    draft = office.catalog.get(office.steward, found.id)
    assert (draft.state, draft.version) == (State.DRAFT, 1)
    proposed = office.catalog.changes(office.steward, found.id)
    assert ("summary", "新的摘要") in {(c.field, c.after) for c in proposed if c.column is None}
    assert {c.column for c in proposed if c.field == "open_type"} == {"站点名称", "监测时间", "性别代码"}
    release = office.catalog.released("空气质量小时数据")
    assert release is not None
    assert release.open_items == {"站点名称", "监测时间", "PM2.5", "性别代码"}
    assert office.catalog.published(ANONYMOUS, found.id).version.entry.summary != "新的摘要"
    office.publish(draft)
    again = office.catalog.released("空气质量小时数据")
    assert again is not None
    assert (again.version_no, again.open_items) == (2, {"PM2.5"})
    assert office.catalog.changes(office.steward, found.id) == ()
    changes = office.catalog.compare(ANONYMOUS, found.id, 1, 2).changes
    assert ("summary", "新的摘要") in {(c.field, c.after) for c in changes if c.field == "summary"}
    assert {c.column for c in changes if c.field == "open_type"} == {"站点名称", "监测时间", "性别代码"}
    assert [str(code) for code in office.catalog.get(office.steward, found.id).codes] == ["211001/1"]


def test_a_version_that_was_tampered_with_is_not_served(office: Office) -> None:
    found = office.published()
    (version,) = office.catalog.versions(ANONYMOUS, found.id)
    assert version.intact
    assert json.loads(version.document)["codes"] == ["211001/1"]
    with office.db.begin() as tx:
        tx.execute(
            text("UPDATE catalog_version SET document = :d"),
            {"d": version.document.replace("不", "可").replace("L3", "L1") + " "},
        )
    (changed,) = office.catalog.versions(ANONYMOUS, found.id)
    assert not changed.intact
    assert office.catalog.released("空气质量小时数据") is None


def test_withdrawing_holds_at_once_and_can_be_undone(office: Office) -> None:
    found = office.published()
    with pytest.raises(Invalid):
        office.catalog.withdraw(office.steward, found.id, "")
    gone = office.catalog.withdraw(office.steward, found.id, "数据有误")
    assert gone.state is State.UNPUBLISHED
    assert office.catalog.released("空气质量小时数据") is None
    with pytest.raises(NotFound):
        office.catalog.published(ANONYMOUS, found.id)
    assert office.catalog.submit(office.steward, found.id).state is State.PENDING_PUBLISH
    assert office.catalog.publish(office.publisher, found.id).version == 2
    assert office.catalog.released("空气质量小时数据") is not None


def test_withdrawing_during_a_new_version_restores_the_published_content(office: Office) -> None:
    found = office.published()
    office.catalog.edit(office.steward, found.id, ResourceEdit(summary="写了一半"))
    gone = office.catalog.withdraw(office.publisher, found.id, "停止提供")
    assert gone.state is State.UNPUBLISHED
    assert gone.entry.summary == found.entry.summary


def test_codes_rise_per_category_and_are_never_used_again(office: Office) -> None:
    first = office.published("空气甲")
    second = office.published("空气乙")
    assert [str(c) for c in second.codes] == ["211001/2"]
    office.catalog.withdraw(office.publisher, second.id, "重复", for_good=True)
    assert office.catalog.get(office.steward, second.id).state is State.WITHDRAWN
    third = office.published("空气丙", categories=("211001", "201003"))
    assert [str(c) for c in third.codes] == ["211001/3", "201003/1"]
    office.catalog.edit(office.steward, first.id, ResourceEdit(categories=("211002",)))
    moved = office.publish(first)
    assert [str(c) for c in moved.codes] == ["211002/1"]
    office.catalog.edit(office.steward, first.id, ResourceEdit(categories=("211001",)))
    assert [str(c) for c in office.publish(first).codes] == ["211001/1"]


def test_tasks_have_due_dates_by_the_working_day_calendar(office: Office) -> None:
    found = office.complete(office.write())
    (task,) = office.catalog.tasks_for(office.steward)
    assert (task.kind, task.due_on, task.provisional) == (TaskKind.COMPLETE, date(2025, 10, 16), False)
    assert task.days_left == 10
    assert office.catalog.tasks_for(office.neighbour) == office.catalog.tasks_for(office.reviewer) == ()
    office.catalog.submit(office.steward, found.id)
    assert office.catalog.tasks_for(office.steward) == ()
    (review,) = office.catalog.tasks_for(office.reviewer)
    assert (review.kind, review.due_on, review.verified) == (TaskKind.REVIEW, date(2025, 9, 29), False)
    office.later(10)
    assert office.catalog.tasks_for(office.reviewer)[0].days_left == -1
    office.catalog.approve(office.reviewer, found.id)
    assert [t.kind for t in office.catalog.tasks_for(office.publisher)] == [TaskKind.PUBLISH]
    with pytest.raises(Unauthenticated):
        office.catalog.tasks_for(ANONYMOUS)


def test_changed_columns_of_a_published_table_call_for_an_update(office: Office) -> None:
    found = office.published()
    drifted = office.write(version=2, columns=["站点名称", "PM2.5", "臭氧"], types=["text", "double", "double"])
    assert drifted.drift.added == ("臭氧",)
    assert drifted.drift.removed == ("监测时间", "性别代码")
    assert [task.kind for task in office.catalog.tasks_for(office.steward)] == [TaskKind.UPDATE]
    release = office.catalog.released("空气质量小时数据")
    assert release is not None
    assert (release.table_version, "臭氧" in release.items) == (1, False)
    office.catalog.take_columns(office.steward, found.id)
    assert not office.publish(found).drift
    assert office.catalog.tasks_for(office.steward) == ()


def test_grades_close_what_is_too_sensitive_now_and_in_what_is_published(office: Office) -> None:
    found = office.published()
    office.catalog.apply_grades("空气质量小时数据", {"性别代码": ("L3", "sex", "P"), "PM2.5": ("L1", None, False)})
    release = office.catalog.released("空气质量小时数据")
    assert release is not None
    assert "性别代码" not in release.open_items
    assert release.level is Level.L3
    working = office.catalog.get(office.steward, found.id)
    item = working.entry.item("性别代码")
    assert item is not None
    assert (item.level, item.open_type) == (Level.L3, OpenType.NOT_OPEN)
    edit = ItemEdit(column="性别代码", open_type=OpenType.UNCONDITIONAL)
    office.catalog.set_items(office.steward, found.id, [edit])
    with pytest.raises(Invalid) as caught:
        office.catalog.submit(office.steward, found.id)
    assert "性别代码" in caught.value.text.zh


def test_a_release_only_moves_forward(office: Office) -> None:
    office.published()
    office.write(version=2)
    office.write(version=3)
    assert not office.catalog.advance_release("空气质量小时数据", 4)
    assert office.catalog.advance_release("空气质量小时数据", 3)
    assert not office.catalog.advance_release("空气质量小时数据", 2)
    release = office.catalog.released("空气质量小时数据")
    assert release is not None
    assert (release.version_no, release.table_version) == (1, 3)
    assert not office.catalog.advance_release("没有的表", 1)


def test_the_update_promise_is_held_against_the_fact(office: Office) -> None:
    found = office.published()
    assert office.catalog.promise(ANONYMOUS, found.id).state is PromiseState.ON_TIME
    office.later(1.9)
    assert office.catalog.promise(ANONYMOUS, found.id).state is PromiseState.ON_TIME
    office.later(1.2)
    late = office.catalog.promise(ANONYMOUS, found.id)
    assert (late.state, late.days_late, late.text.zh) == (PromiseState.LATE, 2, "每日 · 迟 2 天")
    office.write(version=2)
    assert office.catalog.promise(ANONYMOUS, found.id).state is PromiseState.ON_TIME


def test_items_override_and_inherit(office: Office) -> None:
    found = office.complete(office.write(), share_type=ShareType.CONDITIONAL, share_condition="仅限统计")
    edit = ItemEdit(column="PM2.5", share_type=ShareType.UNCONDITIONAL)
    changed = office.catalog.set_items(office.steward, found.id, [edit])
    assert changed.entry.shared_items == {"PM2.5"}
    assert changed.entry.shares_mixed == {ShareType.CONDITIONAL: 3, ShareType.UNCONDITIONAL: 1}
    back = office.catalog.set_items(office.steward, found.id, [ItemEdit(column="PM2.5", inherit=("share_type",))])
    assert back.entry.shared_items == frozenset()


def test_choosing_open_items_opens_nothing_that_is_open_on_conditions(office: Office) -> None:
    found = office.complete(office.write(), open_condition="实名申请")
    office.catalog.set_items(office.steward, found.id, [ItemEdit(column="PM2.5", open_type=OpenType.CONDITIONAL)])
    edit = ResourceEdit(open_items=("PM2.5", "站点名称"))
    changed = office.catalog.edit(office.steward, found.id, edit)
    assert changed.entry.open_items == {"站点名称"}


def test_an_item_never_opens_more_than_its_entry(office: Office) -> None:
    found = office.complete(office.write(), open_type=OpenType.NOT_OPEN, open_condition="尚未评估")
    edit = ItemEdit(column="PM2.5", open_type=OpenType.UNCONDITIONAL)
    assert office.catalog.set_items(office.steward, found.id, [edit]).entry.open_items == frozenset()


def test_an_entry_is_registered_by_hand_by_its_own_provider_only(office: Office) -> None:
    entry = Entry(name="生态环境数据接口", summary="接口", provider_id="environment")
    with pytest.raises(Denied):
        office.catalog.register(office.neighbour, entry)
    found = office.catalog.register(office.steward, entry)
    assert (found.table, found.entry.provider_name) == (None, "生态环境厅")
    assert found in office.catalog.list(office.steward)
    assert office.catalog.list(office.neighbour) == ()
    assert found in office.catalog.list(office.reviewer, states=[State.DRAFT])


def test_an_endorsement_is_undone_by_an_edit(office: Office) -> None:
    found = office.complete(office.write())
    assert office.catalog.endorse(office.org_reviewer, found.id).endorsed_by == office.org_reviewer.id
    with pytest.raises(Denied):
        office.catalog.endorse(office.steward, found.id)
    changed = office.catalog.edit(office.steward, found.id, ResourceEdit(summary="改了"))
    assert changed.endorsed_by is None


def test_two_tables_of_one_name_get_two_entries(office: Office) -> None:
    office.catalog.register(office.steward, Entry(name="水质监测", summary="x", provider_id="environment"))
    found = office.write("水质监测")
    assert found.entry.name.startswith("水质监测（")
