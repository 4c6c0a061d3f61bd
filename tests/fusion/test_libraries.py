"""Libraries: sources that both sides agreed on, one record for each subject, values chosen by rule, names that stay."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from library_bureau import COLUMNS, ELEMENTS, KEEPER, OTHER, OWNER, Archive, person

from beijiang.fusion import Choosing, LinkDraft, LinkState, Verdict
from beijiang.kit import Actor, BeijiangError, Conflict, Invalid
from beijiang.notices import NoticeKind, NoticeQuery
from beijiang.recipes import RecipeDraft, Step, StepKind
from beijiang.tables import Exit

A, B, C = "11010519491231002X", "150102199001011230", "152101197810045517"


def told(archive: Archive, who: Actor, thing: str) -> list[Any]:
    """Return what somebody hears about a thing, once all facts were looked at."""
    notices = archive.platform.notices
    while notices.take():
        pass
    found = notices.notices(who, NoticeQuery(unread_only=True))
    return [one for one in found if one.notice.thing == thing and one.seen is not None]


def test_records_with_the_same_valid_number_are_one_and_values_are_chosen_by_source(archive: Archive) -> None:
    police = archive.table(
        [
            person(A, "张伟", 联系电话="13800000001", 户籍地址="新城区"),
            person(B.lower(), "巴特尔", 出生日期=date(1990, 1, 1)),
            person("150102199001011239", "错号"),
            person(None, "无号"),
        ]
    )
    insured = archive.table(
        [person(A, "张玮", 联系电话="13900000002"), person(B, "巴特尔", 联系电话="13700000003"), person(C, "乌兰")],
        org_id=OTHER,
    )
    library = archive.declare()
    archive.link(library, police, priority=1)
    archive.link(library, insured, priority=2)

    run = archive.run(library)

    assert (run.records, run.subjects, run.merged) == (7, 5, 2)
    golden = archive.golden(library)
    assert golden[A]["姓名"] == "张伟"
    assert golden[A]["联系电话"] == "13800000001"
    assert golden[A]["来源数"] == 2
    assert golden[A]["分歧字段"] == "姓名、联系电话"
    assert golden[B]["联系电话"] == "13700000003"
    assert golden[B]["分歧字段"] is None
    assert set(golden) == {A, B, C, "150102199001011239", "无号"}
    by_name = {one.name: one for one in run.fields}
    assert (by_name["姓名"].filled, by_name["姓名"].conflicting) == (5, 1)
    assert run.sources[1].differing["姓名"] == 1


def test_values_are_chosen_by_recency_completeness_and_vote_and_a_declared_source_comes_first(archive: Archive) -> None:
    fusion = archive.platform.fusion
    old, new = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    first = archive.table(
        [
            person(A, "张伟", 联系电话="13800000001", 户籍地址="新城区海东路", 更新时间=old),
            person(A, "张 伟", 联系电话="13800000001", 户籍地址="新城", 更新时间=old),
        ]
    )
    second = archive.table([person(A, "张伟", 联系电话="13900000002", 户籍地址="回民区", 更新时间=new)], org_id=OTHER)
    ways = {"姓名": Choosing.VOTE, "联系电话": Choosing.RECENT, "户籍地址": Choosing.LONGEST}
    library = archive.declare(elements=tuple(replace(e, choosing=ways.get(e.name, Choosing.SOURCE)) for e in ELEMENTS))
    archive.link(library, first, priority=1, seen="更新时间")
    archive.link(library, second, priority=2, seen="更新时间")
    archive.run(library)
    row = archive.golden(library)[A]
    assert (row["姓名"], row["联系电话"], row["户籍地址"]) == ("张伟", "13900000002", "新城区海东路")

    draft = replace(library, elements=tuple(replace(e, choosing=Choosing.SOURCE) for e in ELEMENTS))
    fusion.change(archive.keeper, library.id, draft, "都按来源")
    archive.run(library)
    assert archive.golden(library)[A]["联系电话"] == "13800000001"
    claim = fusion.declare_source(archive.stranger, library.id, "联系电话", "社会保险法第五十七条")
    fusion.confirm_source(archive.reviewer, claim.id, "职责所在", accept=True)
    archive.run(library)
    assert archive.golden(library)[A]["联系电话"] == "13900000002"
    assert str(archive.golden(library)[A]["户籍地址"]).startswith("新城")


def test_a_subject_keeps_its_name_and_its_history_while_records_come_change_and_go(archive: Archive) -> None:
    table = archive.table([person(A, "张伟"), person(B, "巴特尔")])
    library = archive.declare()
    link = archive.link(library, table, key=("身份证号",))
    archive.run(library)
    before = {name: row["主体标识"] for name, row in archive.golden(library).items()}
    assert all(name.startswith("P-") for name in before.values())

    archive.table([person(A, "张伟", 联系电话="13800000009"), person(C, "乌兰")], name=table)
    archive.run(library)
    now = archive.golden(library)
    assert set(now) == {A, C}
    assert now[A]["主体标识"] == before[A]
    states = [row for row in archive.rows(library.target, holding=False) if row["主体标识"] == before[A]]
    assert sorted(str(row["联系电话"]) for row in states) == ["13800000009", "None"]
    gone = archive.platform.fusion.subject(archive.keeper, library.id, before[B])
    assert gone.now is None
    assert len(gone.states) == 1

    archive.table([person(A, "张伟"), person(B, "巴特尔")], name=table)
    archive.run(library)
    archive.platform.fusion.end(archive.steward, link.id, "协议到期")
    with pytest.raises(BeijiangError) as failure:
        archive.run(library)
    assert failure.value.reason == "library_without_source"


def test_persons_put_subjects_together_and_take_records_out_and_can_undo_both(archive: Archive) -> None:
    fusion, keeper = archive.platform.fusion, archive.keeper
    police = archive.table([person(A, "张伟"), person(B, "巴特尔")])
    insured = archive.table(
        [person(A, "李四", 联系电话="13900000002"), person(None, "巴特尔", 户籍地址="新城区")], org_id=OTHER
    )
    library = archive.declare()
    archive.link(library, police)
    archive.link(library, insured)
    archive.run(library)
    assert len(archive.rows(library.target)) == 3
    one, without = archive.golden(library)[A], archive.golden(library)["巴特尔"]["主体标识"]
    other = archive.golden(library)[B]["主体标识"]

    # Two people used one number: the second is taken out, and what is left keeps the name.
    subject = fusion.subject(keeper, library.id, one["主体标识"])
    assert subject.records == 2
    assert {member.how for member in subject.members} == {"主键相同"}
    out = next(member for member in subject.members if member.table == insured)
    fusion.take_out(keeper, library.id, subject.id, [out.record], "同号不同人")
    # One person has no number in the second table.
    fusion.merge(keeper, library.id, [other, without], "本人到场核实")
    assert fusion.unapplied(keeper, library.id) == 2
    archive.run(library)
    assert fusion.unapplied(keeper, library.id) == 0
    rows = {row["主体标识"]: row for row in archive.rows(library.target)}
    assert len(rows) == 3
    assert rows[one["主体标识"]]["姓名"] == "张伟"
    assert {row["姓名"]: row["记录数"] for row in rows.values()} == {"张伟": 1, "李四": 1, "巴特尔": 2}
    alone = next(row["主体标识"] for row in rows.values() if row["姓名"] == "李四")
    merged = next(row for row in rows.values() if row["姓名"] == "巴特尔")
    assert merged["户籍地址"] == "新城区"
    assert merged["主体标识"] in {other, without}
    former = fusion.subject(keeper, library.id, ({other, without} - {merged["主体标识"]}).pop())
    assert former.now is None
    assert list(former.went_to) == [merged["主体标识"]]

    # Undone, everything is as it was; taken out again, the same name comes back.
    for decision in [d for d in fusion.decisions(keeper, library.id) if d.revoked_at is None]:
        if decision.left == out.record:
            fusion.revoke(keeper, decision.id, "核实有误")
    archive.run(library)
    assert archive.golden(library)[A]["记录数"] == 2
    assert archive.golden(library)[A]["主体标识"] == one["主体标识"]
    fusion.take_out(keeper, library.id, one["主体标识"], [out.record], "再次核实")
    archive.run(library)
    assert next(r["主体标识"] for r in archive.rows(library.target) if r["姓名"] == "李四") == alone


def test_what_is_merged_or_taken_out_is_what_was_shown(archive: Archive) -> None:
    fusion, keeper = archive.platform.fusion, archive.keeper
    police = archive.table([person(A, "张伟"), person(B, "巴特尔")])
    insured = archive.table([person(A, "张伟"), person(None, "巴图")], org_id=OTHER)
    library = archive.declare()
    for table in (police, insured):
        archive.link(library, table)
    archive.run(library)
    one, two = (archive.golden(library)[name]["主体标识"] for name in (B, "巴图"))
    both = fusion.together(keeper, library.id, [one, two])
    subject = fusion.subject(keeper, library.id, archive.golden(library)[A]["主体标识"])
    out = [subject.members[0].record]
    archive.run(library)
    assert fusion.together(keeper, library.id, [two, one]).shown.token == both.shown.token, "another run, and the same"
    archive.table([person(A, "张伟", 联系电话="13900000009"), person(None, "巴图", 户籍地址="新城区")], OTHER, insured)
    archive.run(library)
    for seen in (both.shown.token, ""):
        with pytest.raises(Conflict) as refused:
            fusion.merge(keeper, library.id, [one, two], "同一人", seen=seen)
        assert refused.value.reason == "changed_since_seen"
    with pytest.raises(Conflict) as refused:
        fusion.merge(keeper, library.id, [one, two], "同一人", seen=both.shown.token)
    assert refused.value.detail["changed"] == [f"subject {two}"]
    with pytest.raises(Conflict) as refused:
        fusion.take_out(keeper, library.id, subject.id, out, "同号", seen=subject.shown.token)
    assert refused.value.reason == "changed_since_seen"
    assert fusion.decisions(keeper, library.id) == []
    with pytest.raises(Invalid):
        fusion.together(keeper, library.id, [f"P-{n}" for n in range(21)])
    now = fusion.together(keeper, library.id, [one, two]).shown.token
    assert len(fusion.merge(keeper, library.id, [one, two], "同一人", seen=now)) == 1
    again = fusion.subject(keeper, library.id, subject.id).shown.token
    assert fusion.take_out(keeper, library.id, subject.id, out, "同号", seen=again)


def test_both_sides_agree_before_a_row_is_read_and_what_is_made_is_as_sensitive(archive: Archive) -> None:
    fusion, platform = archive.platform.fusion, archive.platform
    table = archive.table([person(A, "张伟", 联系电话="13800000001")], org_id=OTHER)
    library = archive.declare()
    draft = LinkDraft(table=table, columns=COLUMNS)
    with pytest.raises(BeijiangError):  # the keeper does not even see the table
        fusion.propose(archive.keeper, library.id, draft)
    with pytest.raises(BeijiangError):  # nor may a department offer another's
        fusion.propose(archive.steward, library.id, draft)
    offered = fusion.propose(archive.stranger, library.id, draft)
    assert offered.state is LinkState.OFFERED
    with pytest.raises(BeijiangError) as failure:
        archive.run(library)
    assert failure.value.reason == "library_without_source"
    with pytest.raises(BeijiangError):  # the giver cannot take for the keeper
        fusion.agree(archive.stranger, offered.id)
    fusion.agree(archive.keeper, offered.id)
    archive.run(library)

    grades = {c.name: c.grade for c in platform.tables.open(archive.keeper, library.target, "t", Exit.PAGE).columns}
    assert grades["公民身份号码"] in {"L3", "L4"}
    assert grades["联系电话"] in {"L3", "L4"}
    came = platform.lineage.columns(archive.keeper, library.target) if hasattr(platform.lineage, "columns") else None
    assert came is None or came
    with pytest.raises(BeijiangError):
        fusion.subjects(archive.stranger, library.id)
    shown = fusion.subjects(archive.keeper, library.id)
    assert shown.rows.num_rows == 1

    more = fusion.remap(archive.keeper, offered.id, replace(draft, columns={"公民身份号码": "身份证号"}), "少取")
    assert more.state is LinkState.IN_FORCE
    more = fusion.remap(archive.keeper, offered.id, draft, "多取")
    assert more.state is LinkState.ASKED
    shown = more.shown.token
    again = fusion.remap(archive.keeper, more.id, draft, "改了理由")
    with pytest.raises(Conflict) as stale:
        fusion.agree(archive.stranger, more.id, seen=shown)
    assert (stale.value.reason, stale.value.detail["changed"]) == ("changed_since_seen", ["who asks, and why"])
    fusion.agree(archive.stranger, more.id, seen=again.shown.token)


def test_a_library_never_feeds_itself_however_long_the_way(archive: Archive) -> None:
    fusion, keeper = archive.platform.fusion, archive.keeper
    table = archive.table([person(A, "张伟")], KEEPER)
    library = archive.declare()
    fusion.propose(keeper, library.id, LinkDraft(table=table, columns={"公民身份号码": "身份证号", "姓名": "姓名"}))
    archive.run(library)
    columns = {"公民身份号码": "公民身份号码", "姓名": "姓名"}
    with pytest.raises(BeijiangError) as failure:
        fusion.propose(keeper, library.id, LinkDraft(table=library.target, columns=columns))
    assert failure.value.reason == "library_circle"
    step = Step(kind=StepKind.TRIM, columns=("姓名",))
    recipe = archive.platform.recipes.save(
        keeper, RecipeDraft(target=f"{library.target}净", source=library.target, steps=(step,))
    )
    archive.platform.recipes.run_now(keeper, recipe.id)
    archive.platform.db.deliver_waiting()
    with pytest.raises(BeijiangError) as failure:
        fusion.propose(keeper, library.id, LinkDraft(table=recipe.target, columns=columns))
    assert failure.value.reason == "library_circle"
    # A recipe that begins to read the library later than its table serves it stops the next run.
    other = archive.table([person(B, "巴特尔")], KEEPER)
    later = archive.platform.recipes.save(keeper, RecipeDraft(target=f"{other}净", source=other, steps=(step,)))
    archive.platform.recipes.run_now(keeper, later.id)
    fusion.propose(
        keeper, library.id, LinkDraft(table=later.target, columns={"公民身份号码": "身份证号", "姓名": "姓名"})
    )
    lookup = Step(
        kind=StepKind.LOOKUP,
        columns=("身份证号",),
        params={"table": library.target, "key": "公民身份号码", "take": "来源数"},
    )
    archive.platform.recipes.change(
        keeper, later.id, RecipeDraft(target=later.target, source=other, steps=(step, lookup)), "取来源数"
    )
    archive.platform.recipes.run_now(keeper, later.id)
    archive.platform.db.deliver_waiting()
    with pytest.raises(BeijiangError) as failure:
        archive.run(library)
    assert failure.value.reason == "library_circle"


def test_one_source_for_each_field_with_objections_and_rulings(archive: Archive) -> None:
    fusion = archive.platform.fusion
    library = archive.declare()
    claim = fusion.declare_source(archive.steward, library.id, "姓名", "户口登记条例")
    with pytest.raises(BeijiangError):
        fusion.confirm_source(archive.steward, claim.id, "我说了算", accept=True)
    fusion.confirm_source(archive.reviewer, claim.id, "职责清单", accept=True)
    rival = fusion.declare_source(archive.stranger, library.id, "姓名", "也有")
    with pytest.raises(BeijiangError) as failure:
        fusion.confirm_source(archive.reviewer, rival.id, "可以", accept=True)
    assert failure.value.reason == "element_has_source"
    with pytest.raises(BeijiangError):
        fusion.object_to(archive.steward, claim.id, "反对自己")
    first = fusion.object_to(archive.stranger, claim.id, "我部门更准")
    fusion.withdraw(archive.stranger, first.id)
    second = fusion.object_to(archive.stranger, claim.id, "抽查 500 条，我部门更准")
    (turn,) = told(archive, archive.reviewer, second.id)
    assert (turn.notice.action, turn.seen.href) == ("fusion.dispute_raise", f"/console/libraries/{library.id}/claims")
    assert told(archive, archive.stranger, second.id) == []
    fusion.rule(archive.reviewer, second.id, "成立", uphold=True)
    (ruled,) = told(archive, archive.stranger, second.id)
    assert (ruled.notice.action, ruled.notice.kind) == ("fusion.dispute_rule", NoticeKind.PROGRESS)
    fusion.confirm_source(archive.reviewer, rival.id, "改由社保", accept=True)
    claims, disputes = fusion.claims(archive.keeper, library.id)
    assert {(c.org_id, c.state.value) for c in claims} == {(OWNER, "ended"), (OTHER, "in_force")}
    assert {d.state.value for d in disputes} == {"withdrawn", "upheld"}


def test_what_has_no_key_in_common_is_matched_and_what_is_unsure_waits_for_a_person(archive: Archive) -> None:
    fusion, keeper = archive.platform.fusion, archive.keeper
    born = date(1990, 1, 1)
    police = archive.table(
        [
            person(B, "巴特尔", 出生日期=born, 联系电话="13700000003", 户籍地址="呼和浩特市新城区海东路18号"),
            person(
                A, "张伟", 出生日期=date(1949, 12, 31), 联系电话="13800000001", 户籍地址="包头市昆都仑区钢铁大街7号"
            ),
        ]
    )
    other = archive.table(
        [
            person(None, "巴特尔", 出生日期=born, 联系电话="13700000003", 户籍地址="呼和浩特市新城区海东路18号"),
            person(None, "张玮", 出生日期=date(1949, 12, 31), 户籍地址="包头市东河区"),
            person(C, "乌兰", 出生日期=date(1978, 10, 4)),
        ],
        org_id=OTHER,
    )
    library = archive.declare(matching="population", certain=0.99, grey=0.05)
    archive.link(library, police)
    archive.link(library, other, key=())

    run = archive.run(library)

    assert (run.records, run.subjects, run.matched) == (5, 4, 1)
    assert archive.golden(library)[B]["记录数"] == 2
    pairs, waiting = fusion.queue(keeper, library.id)
    assert waiting == len(pairs) == run.waiting == 1
    archive.run(library)
    (one,) = told(archive, keeper, library.id)
    assert (one.notice.action, one.notice.kind) == ("fusion.queue_grow", NoticeKind.TASK)
    assert one.seen.href == f"/console/libraries/{library.id}/pairs", "told once, though the queue was made twice"
    assert told(archive, archive.steward, library.id) == [], "another department's steward has no say"
    shown = fusion.compare(keeper, pairs[0].id)
    assert shown.left is not None
    assert shown.right is not None
    assert {shown.left.now["姓名"], shown.right.now["姓名"]} == {"张伟", "张玮"}  # type: ignore[index]
    assert shown.bars[-1].probability == pytest.approx(pairs[0].probability, abs=0.01)
    with pytest.raises(BeijiangError):
        fusion.decide(archive.steward, pairs[0].id, Verdict.SAME, "不是本库的人")
    with pytest.raises(Conflict) as blind:
        fusion.decide(keeper, pairs[0].id, Verdict.SAME, "电话核实", seen="")
    assert blind.value.reason == "changed_since_seen"
    seen = fusion.compare(keeper, pairs[0].id).shown.token
    fusion.decide(keeper, pairs[0].id, Verdict.SAME, "电话核实", seen=seen)
    assert told(archive, keeper, library.id) == [], "the last pair is decided, and the to-do with it"
    run = archive.run(library)
    assert (run.subjects, run.waiting) == (3, 0)
    assert archive.golden(library)[A]["记录数"] == 2


def test_a_second_run_compares_what_is_new_and_comes_to_the_same_as_a_whole_one(archive: Archive) -> None:
    def rows(numbers: range) -> list[dict[str, Any]]:
        return [
            person(
                None, f"巴特{chr(0x4E00 + n)}", 出生日期=date(1980, 1 + n % 12, 1 + n % 28), 联系电话=f"1380000{n:04}"
            )
            for n in numbers
        ]

    first, second = archive.table(rows(range(60))), archive.table(rows(range(40)), org_id=OTHER)
    library = archive.declare(matching="population")
    archive.link(library, first, key=())
    archive.link(library, second, key=())
    whole = archive.run(library)
    archive.table(rows(range(45)), name=second, org_id=OTHER)
    more = archive.run(library)
    assert (whole.subjects, more.subjects, more.records) == (60, 60, 105)
    assert int(str(more.matching["compared"])) < int(str(whole.matching["compared"]))
    before = {row["姓名"]: (row["主体标识"], row["记录数"]) for row in archive.rows(library.target)}

    shutil.rmtree(archive.platform.settings.home / "fusion" / library.id)
    again = archive.run(library)
    assert int(str(again.matching["compared"])) > int(str(more.matching["compared"]))
    assert {row["姓名"]: (row["主体标识"], row["记录数"]) for row in archive.rows(library.target)} == before
