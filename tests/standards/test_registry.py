"""The registry: versions with dates, codes and their successors, proposals and decisions, files in and out."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from beijiang.build import build
from beijiang.evidence import EvidenceQuery
from beijiang.kit import (
    ANONYMOUS,
    SYSTEM,
    Conflict,
    Denied,
    Invalid,
    Language,
    NotFound,
    Text,
    TooLarge,
    Unauthenticated,
)
from beijiang.settings import Settings
from beijiang.standards import (
    Action,
    Change,
    CodeSet,
    CodeValue,
    DataElement,
    ElementQuery,
    EntryKind,
    ProposalState,
    SheetFormat,
    Status,
)


def element(identifier: str, **words: Any) -> DataElement:
    values: dict[str, Any] = {
        "name": Text("学籍号", "Student number"),
        "type": "C",
        "length": "19",
        "source": "JY/T 1006",
    }
    return DataElement(id=identifier, **{**values, **words})


def codes(set_id: str, *values: CodeValue) -> CodeSet:
    return CodeSet(id=set_id, name=Text("学段代码", "School stages"), standard="JY/T 1001", values=values)


def code(word: str, **words: Any) -> CodeValue:
    return CodeValue(word, Text(f"值{word}", f"value {word}"), **words)


def put(office: Any, *changes: Change, valid_from: date | None = None) -> str:
    proposal = office.registry.propose(office.steward, changes, "业务需要", valid_from)
    office.registry.approve(office.reviewer, proposal.id, "同意")
    return str(proposal.id)


def actions(office: Any, target: str) -> list[str]:
    return [r.action for r in office.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=target)).records]


def test_what_is_packaged_is_version_one_of_the_registry_and_seeding_again_adds_nothing(office: Any) -> None:
    status, versions = office.registry.element(ANONYMOUS, "population.citizen_id")
    assert (status, len(versions), versions[0].check, versions[0].source) == (
        Status.IN_FORCE,
        1,
        "citizen_id",
        "GB 11643",
    )
    assert not versions[0].edition.verified
    sex = office.registry.element(ANONYMOUS, "population.sex_code")[1][0]
    assert (sex.code_set, sex.level, sex.personal) == ("sex", "L2", "P")
    assert office.registry.element(ANONYMOUS, "population.mobile")[1][0].pattern == r"^1[3-9]\d{9}$"
    before = len(office.registry.elements(ANONYMOUS))
    office.platform.registry.books.seed()
    assert len(office.registry.elements(ANONYMOUS)) == before > 100
    assert office.platform.standards.code_set("ethnic").value("02").name.zh == "蒙古族"


def test_elements_are_found_by_words_and_filters(office: Any) -> None:
    def ids(**words: Any) -> list[str]:
        return [one.entry.id for one in office.registry.elements(ANONYMOUS, ElementQuery(**words))]

    assert "population.citizen_id" in ids(q="身份 GB 11643")
    assert ids(q="Ethnic", library="population") == ["population.ethnic_code"]
    assert set(ids(code_set="sex")) == {"population.sex_code"}
    assert all(one.startswith("geography.") for one in ids(library="geography", type="G"))
    assert ids(q="没有这样的词") == []


def test_what_became_of_a_former_region_code(office: Any) -> None:
    found = office.registry.became(ANONYMOUS, "region", "152701")
    assert [(v.code, v.name.zh) for v in found.now] == [("150602", "东胜区")]
    assert found.steps[0].ended == date(2001, 2, 26)
    then = office.registry.became(ANONYMOUS, "region", "152701", date(1995, 1, 1))
    assert ([v.code for v in then.now], then.steps) == (["152701"], ())
    assert [v.code for v in office.registry.became(ANONYMOUS, "region", "150602").before] == ["152701"]
    today = office.registry.code_set(ANONYMOUS, "region")[1]
    then_set = office.registry.code_set(ANONYMOUS, "region", date(1990, 1, 1))[1]
    assert today.value("152701") is None
    assert then_set.value("152701") is not None
    assert office.platform.standards.code_set("region").value("152701") is None
    with pytest.raises(NotFound):
        office.registry.became(ANONYMOUS, "region", "999999")
    with pytest.raises(NotFound):
        office.registry.code_set(ANONYMOUS, "nothing")


def test_successors_over_several_steps_splits_mergers_ends_and_circles(office: Any) -> None:
    day = date(2020, 1, 1)
    first = codes(
        "stage",
        code("1", valid_to=date(2010, 1, 1), replaced_by=("2",)),
        code("2", valid_to=day, replaced_by=("3", "4")),
        code("3"),
        code("4", valid_to=date(2022, 1, 1), replaced_by=("5",)),
        code("5"),
        code("6", valid_to=day, replaced_by=("5",)),
        code("7", valid_to=day),
        code("8", valid_to=day, replaced_by=("9",)),
        code("9", valid_to=day, replaced_by=("8",)),
        code("10", valid_from=date(2030, 1, 1)),
    )
    put(office, Change(Action.ADD, first, 0))

    def now(word: str, on: date | None = None) -> tuple[list[str], list[str]]:
        found = office.registry.became(ANONYMOUS, "stage", word, on)
        return [v.code for v in found.now], [v.code for v in found.lost]

    assert now("1") == (["3", "5"], [])
    assert now("1", date(2021, 1, 1)) == (["3", "4"], [])
    assert now("6") == (["5"], [])
    assert now("7") == ([], ["7"])
    assert now("8") == ([], [])
    assert now("10") == ([], [])
    assert len(office.registry.became(ANONYMOUS, "stage", "1").steps) == 3
    assert {v.code for v in office.registry.became(ANONYMOUS, "stage", "5").before} == {"4", "6"}
    second = replace(first, values=(code("3", valid_to=date(2026, 6, 1), replaced_by=("5",)), code("5")))
    put(office, Change(Action.CHANGE, second, 1), valid_from=date(2026, 3, 10))
    assert now("1") == (["3", "5"], [])
    assert now("1", date(2026, 7, 1)) == (["5"], [])
    assert now("7", date(2026, 7, 1)) == ([], ["7"])
    versions = office.registry.code_set_versions(ANONYMOUS, "stage")
    assert [(v.edition.version, v.edition.valid_from, v.edition.valid_to) for v in versions] == [
        (2, date(2026, 3, 10), None),
        (1, date(2026, 3, 10), date(2026, 3, 10)),
    ]


def test_a_proposal_counts_when_another_person_approves_it(office: Any) -> None:
    registry = office.registry
    new = element("school.student_no", pattern="[GL][0-9]{18}", code_set="")
    proposal = registry.propose(office.steward, [Change(Action.ADD, new, 0)], "学籍管理需要")
    assert (proposal.org_id, proposal.state) == ("education", ProposalState.OPEN)
    with pytest.raises(NotFound):
        registry.element(ANONYMOUS, "school.student_no")
    with pytest.raises(Denied):
        registry.approve(office.steward, proposal.id)
    for person in (office.analyst, office.chief):
        with pytest.raises(Denied):
            registry.propose(person, [Change(Action.ADD, new, 0)], "x")
    assert proposal.id in [p.id for p in registry.proposals(office.other, ProposalState.OPEN)]
    with pytest.raises(Unauthenticated):
        registry.proposals(ANONYMOUS)
    approved = registry.approve(office.reviewer, proposal.id, "同意")
    assert (approved.state, approved.decided_by) == (ProposalState.APPROVED, office.reviewer.id)
    found = registry.element(ANONYMOUS, "school.student_no")[1][0]
    assert (found.edition.version, found.edition.reason, found.edition.by) == (1, "学籍管理需要", office.steward.id)
    assert office.platform.standards.element("school.student_no").pattern == "[GL][0-9]{18}"
    for step in (registry.approve, registry.send_back):
        with pytest.raises(Conflict):
            step(office.second, proposal.id, "再来")
    assert {"standards.propose", "standards.approve"} <= set(actions(office, proposal.id))


def test_a_change_is_a_new_version_with_a_day_and_a_retired_entry_keeps_its_words(office: Any) -> None:
    registry, standards = office.registry, office.platform.standards
    put(office, Change(Action.ADD, element("school.class_no", length="4"), 0), valid_from=date(2026, 1, 1))
    longer = element("school.class_no", length="6")
    proposal = registry.propose(office.steward, [Change(Action.CHANGE, longer, 1)], "加长", date(2026, 9, 1))
    ((_, shown),) = registry.differences(office.reviewer, proposal)
    assert [(d.what.en, d.before, d.after) for d in shown] == [("length", "4", "6")]
    with pytest.raises(Invalid):
        registry.send_back(office.reviewer, proposal.id, " ")
    registry.approve(office.reviewer, proposal.id)
    assert standards.element("school.class_no").length == "4"
    versions = registry.element(ANONYMOUS, "school.class_no")[1]
    assert [(v.edition.version, v.edition.valid_to) for v in versions] == [(2, None), (1, date(2026, 9, 1))]
    with pytest.raises(Invalid, match="newest version"):
        registry.propose(office.steward, [Change(Action.RETIRE, longer, 2)], "不用", date(2026, 5, 1))
    put(office, Change(Action.RETIRE, longer, 2), valid_from=date(2026, 10, 1))
    office.clock.advance(timedelta(days=245))
    try:
        assert registry.element(ANONYMOUS, "school.class_no")[0] is Status.RETIRED
        assert "school.class_no" not in [e.id for e in standards.data_elements("school")]
        assert standards.element("school.class_no").length == "6"
    finally:
        office.clock.advance(timedelta(days=-245))


def test_proposals_that_cannot_be_are_refused_with_what_would_do(office: Any) -> None:
    registry, steward = office.registry, office.steward

    def refused(*changes: Change, reason: str = "x") -> str:
        with pytest.raises((Invalid, Conflict)) as refusal:
            registry.propose(steward, changes, reason)
        return refusal.value.reason

    assert refused(Change(Action.ADD, element("a.b"), 0), reason=" ") == "reason_needed"
    assert refused() == "proposal_size"
    assert refused(Change(Action.ADD, element("a.b", type="Z"), 0)) == "registry_field"
    assert refused(Change(Action.ADD, element("a.b", code_set="none"), 0)) == "registry_field"
    assert refused(Change(Action.ADD, element("a.b", check="none"), 0)) == "registry_field"
    assert refused(Change(Action.ADD, element("a.b", pattern="(?=x)"), 0)) == "rule_parameter"
    assert refused(Change(Action.ADD, element("a.b"), 0), Change(Action.ADD, element("a.b"), 0)) == "entry_twice"
    assert refused(Change(Action.ADD, element("population.sex_code"), 0)) == "entry_exists"
    assert refused(Change(Action.CHANGE, element("population.sex_code"), 7)) == "entry_changed"
    same = registry.element(steward, "population.sex_code")[1][0]
    assert refused(Change(Action.CHANGE, same, 1)) == "nothing_changes"
    sex = registry.code_set_versions(steward, "sex")[0]
    assert refused(Change(Action.RETIRE, sex, 1)) == "code_set_in_use"


def test_two_changes_of_one_entry_and_a_proposal_of_ones_own(office: Any) -> None:
    registry = office.registry
    put(office, Change(Action.ADD, element("school.seat"), 0))
    one = registry.propose(office.steward, [Change(Action.CHANGE, element("school.seat", length="5"), 1)], "甲")
    other = registry.propose(office.other, [Change(Action.CHANGE, element("school.seat", length="6"), 1)], "乙")
    registry.approve(office.reviewer, one.id)
    with pytest.raises(Conflict) as refusal:
        registry.approve(office.reviewer, other.id)
    assert refusal.value.reason == "entry_changed"
    assert registry.send_back(office.reviewer, other.id, "按第 2 版重提").state is ProposalState.RETURNED
    own = registry.propose(office.reviewer, [Change(Action.CHANGE, element("school.seat", length="7"), 2)], "丙")
    for step in (registry.approve, registry.send_back):
        with pytest.raises(Denied) as denied:
            step(office.reviewer, own.id, "我自己")
        assert denied.value.reason == "own_proposal"
    with pytest.raises(Denied):
        registry.withdraw(office.steward, own.id)
    assert registry.withdraw(office.reviewer, own.id).state is ProposalState.WITHDRAWN
    with pytest.raises(NotFound):
        registry.proposal(office.steward, "sp_none")


@pytest.mark.parametrize("form", [SheetFormat.CSV, SheetFormat.XLSX])
@pytest.mark.parametrize("kind", list(EntryKind))
@pytest.mark.parametrize("language", list(Language))
def test_what_is_exported_is_imported_unchanged(
    office: Any, form: SheetFormat, kind: EntryKind, language: Language
) -> None:
    if "school.sign" not in [e.id for e in office.platform.standards.data_elements("school")]:
        put(office, Change(Action.ADD, element("school.sign", note="=1+1\n第二行, 有逗号", pattern="[+-]?[0-9]+"), 0))
    content = office.registry.export(ANONYMOUS, kind, form, language)
    planned = office.registry.plan(office.steward, "x", content)
    assert {one.outcome for one in planned} == {"unchanged"}
    assert len(planned) > (1 if kind is EntryKind.CALENDAR else 5)
    with pytest.raises(Conflict):
        office.registry.propose_import(office.steward, "x", content, "再导一次")
    assert office.registry.export(ANONYMOUS, kind, form, language) == content


def test_a_file_is_planned_row_by_row_and_comes_in_whole_or_not_at_all(office: Any, tmp_path_factory: Any) -> None:
    registry = office.registry
    rows = list(csv.reader(io.StringIO(registry.export(ANONYMOUS, EntryKind.ELEMENT).decode("utf-8-sig"))))
    place = {name: n for n, name in enumerate(rows[0])}
    sex = next(row for row in rows if row[0] == "population.sex_code")
    sex[place["定义"]] = "自然人的生理性别"
    new = ["school.stage", "学段", "Stage", "", "C", "1", "", "stages", "", "", "L1", "N", "教育部", "", "学段代码"]
    bad = ["School Stage", "坏", "bad", *new[3:]]

    def file(*lines: list[str], encoding: str = "gb18030") -> bytes:
        out = io.StringIO()
        csv.writer(out).writerows([rows[0], *lines])
        return out.getvalue().encode(encoding)

    planned = registry.plan(office.steward, "数据元.csv", file(sex, new, bad))
    assert [(p.outcome, p.row, p.id) for p in planned] == [
        ("changed", 2, "population.sex_code"),
        ("refused", 3, "school.stage"),
        ("refused", 4, "School Stage"),
    ]
    assert [(d.what.zh, d.before, d.after) for d in planned[0].differences] == [("定义", "", "自然人的生理性别")]
    assert "没有“stages”" in str(planned[1].reason)
    with pytest.raises(Invalid) as refusal:
        registry.propose_import(office.steward, "数据元.csv", file(sex, new, bad), "导入")
    assert (refusal.value.reason, refusal.value.detail) == ("rows_refused", {"rows": [3, 4]})
    head = ["代码集", "代码集中文名称", "代码集英文名称", "来源标准", "代码", "中文名称", "英文名称"]
    lines = [["stages", "学段", "Stages", "教育部", str(n), f"第{n}段", f"stage {n}"] for n in range(1, 5)]
    text = "\n".join(",".join(line) for line in [head, *lines]).encode("utf-8-sig")
    proposal = registry.propose_import(office.steward, "学段.csv", text, "导入学段", date(2026, 3, 1))
    registry.approve(office.reviewer, proposal.id)
    both = registry.propose_import(office.steward, "数据元.csv", file(sex, new, encoding="utf-8-sig"), "导入")
    assert (both.size, both.about) == (2, ("change element population.sex_code", "add element school.stage"))
    registry.approve(office.reviewer, both.id)
    assert registry.element(ANONYMOUS, "school.stage")[1][0].code_set == "stages"
    assert office.platform.standards.element_for_column("学段").id == "school.stage"
    folder = tmp_path_factory.mktemp("second")
    second = build(Settings.for_tests(folder), office.clock)
    try:
        for kind in (EntryKind.CODE_SET, EntryKind.ELEMENT):
            content = registry.export(ANONYMOUS, kind, SheetFormat.XLSX)
            taken = second.registry.propose_import(SYSTEM, "全部.xlsx", content, "迁移", date(2026, 3, 1))
            second.registry.approve(office.reviewer, taken.id)
            assert second.registry.export(ANONYMOUS, kind, SheetFormat.XLSX) == content
    finally:
        second.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("列甲,列乙\n1,2\n".encode(), "no table"),
        (b"", "no table"),
        (b"PK\x03\x04 no workbook", "opened"),
        (b"\xff\xfe\x00\x81", "UTF-8"),
        (b'code_set,code\n"open', "broken"),
    ],
)
def test_files_that_are_none_are_refused(office: Any, content: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        office.registry.plan(office.steward, "x.csv", content)
    with pytest.raises(TooLarge):
        office.registry.plan(office.steward, "x.csv", b"x" * (9 << 20))


def test_a_set_with_a_bad_row_is_refused_as_a_whole(office: Any) -> None:
    head = "code_set,set_name_zh,set_name_en,code,name_zh,parent,valid_from,valid_to,replaced_by\n"

    def reasons(*rows: str) -> list[tuple[int, str]]:
        planned = office.registry.plan(office.steward, "x", (head + "\n".join(rows)).encode())
        return [(one.row, one.reason.en) for one in planned if one.reason]

    assert reasons("x,甲,a,1,一,,,,", "x,甲,a,1,二,,,,")[0] == (2, 'code: "1" is there twice.')
    assert reasons("x,甲,a,1,一,,,2020-01-01,9") == [(2, 'replaced by: "1" names "9", which is not there.')]
    assert reasons("x,甲,a,1,一,8,,,")[0][1].startswith("code above")
    assert reasons("x,甲,a,1,一,,2020-01-02,2020-01-01,")[0][1].startswith("ended on")
    assert reasons("x,甲,a,1,一,,2020年,,")[0][1].startswith("valid from")
    assert reasons("x,甲,a,1,一,,,,", "x,乙,a,2,二,,,,")[0][0] == 3
    assert reasons("x,甲,a,1,一,,,,", "y,甲,a,,二,,,,")[0][0] == 3
