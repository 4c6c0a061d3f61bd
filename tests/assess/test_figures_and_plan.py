"""Statistical indicators with released values and targets; the work plan with lights, proofs and reminders."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
from quality_bureau import OWNER, Bureau, firm

from beijiang.access import Role
from beijiang.assess import (
    LIGHT_RULE,
    REGION,
    Better,
    FigureDraft,
    Light,
    Operator,
    Period,
    PeriodKind,
    Proof,
    Stage,
    Target,
    TaskState,
    ValueDraft,
    ValueKind,
    ValueState,
    read_number,
)
from beijiang.build import build
from beijiang.evidence import EvidenceQuery
from beijiang.ingest import AlertKind
from beijiang.kit import Conflict, Denied, FixedClock, Invalid, Language, NotFound, Refused
from beijiang.settings import Settings
from beijiang.standards import SheetFormat

START = datetime(2026, 1, 5, 2, tzinfo=UTC)
GROWTH = "bigdata_industry_output_growth"
YEAR = Period.parse("2018")


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    clock = FixedClock(START)
    built = build(Settings.for_tests(tmp_path_factory.mktemp("figures")), clock)
    built.first_start()
    made = Bureau(built, built.settings.home / "staging", clock)
    yield made
    built.close()


def told(bureau: Bureau, action: str) -> int:
    bureau.platform.evidence.flush()
    return len(bureau.platform.evidence.page(EvidenceQuery(action=action)).records)


def test_the_plan_of_2018_is_measured_released_revised_and_carried_as_a_file(bureau: Bureau) -> None:  # noqa: PLR0915 - one story
    figures, reviewer, publisher = bureau.platform.figures, bureau.reviewer, bureau.publisher
    assert len(figures.load_plan(reviewer)) == 7
    assert figures.load_plan(reviewer) == []
    row = next(r for r in figures.figures(bureau.steward) if r.figure.code == GROWTH)
    assert (row.value, row.met, row.target and row.target.operator) == (None, None, Operator.AT_LEAST)

    # Reported by one, released by another; what waits is not shown to other departments.
    draft = ValueDraft(code=GROWTH, period=YEAR, value="26.40 %", stage=Stage.FLASH, source="统计快报")
    (first,) = figures.report(reviewer, [draft])
    assert (first.value, first.revision, first.state) == ("26.4", 1, ValueState.PROPOSED)
    with pytest.raises(Refused):
        figures.decide(reviewer, [first.id], approve=True)
    with pytest.raises(NotFound):
        figures.decide(bureau.steward, [first.id], approve=True)
    assert figures.figure(bureau.steward, GROWTH).revisions == []
    with pytest.raises(Invalid):
        figures.decide(publisher, [first.id], approve=False)
    seen = figures.figure(publisher, GROWTH).seen
    (corrected,) = figures.report(reviewer, [replace(draft, value="26.1 %")])
    with pytest.raises(Conflict) as stale:
        figures.decide(publisher, [first.id], approve=True, seen=seen)
    assert stale.value.detail["changed"] == ["newest revision of this value"]
    figures.decide(publisher, [corrected.id], approve=False, words="原数为准")
    seen = figures.figure(publisher, GROWTH).seen
    figures.decide(publisher, [first.id], approve=True, seen=seen)
    row = next(r for r in figures.figures(bureau.steward) if r.figure.code == GROWTH)
    assert (row.met, row.value and row.value.value) == (True, "26.4")

    # A revision needs a reason and release; the old one stays in the record.
    with pytest.raises(Invalid):
        figures.report(reviewer, [replace(draft, value="24.9", stage=Stage.FINAL)])
    (second,) = figures.report(reviewer, [replace(draft, value="24.9", stage=Stage.FINAL)], "年报核实")
    assert [v.value for v in figures.figure(reviewer, GROWTH).values] == ["26.4"]
    figures.decide(publisher, [second.id], approve=True, words="同意")
    view = figures.figure(bureau.steward, GROWTH)
    assert [v.value for v in view.values] == ["24.9"]
    assert [(v.revision, v.value) for v in view.revisions] == [(3, "24.9"), (1, "26.4")]
    with pytest.raises(Conflict):
        figures.decide(publisher, [second.id], approve=True)
    assert next(r for r in figures.figures(reviewer) if r.figure.code == GROWTH).met is False

    # Periods and regions are checked; a target needs a basis.
    for wrong in (
        replace(draft, period=Period.parse("2018-06")),
        replace(draft, value="很多"),
        replace(draft, value="1e99"),
    ):
        with pytest.raises(Invalid):
            figures.report(reviewer, [wrong], "x")
    with pytest.raises(NotFound):
        figures.report(reviewer, [replace(draft, region="999999")], "x")
    with pytest.raises(Denied):
        figures.report(bureau.steward, [draft], "x")
    target = Target(
        code=GROWTH,
        region=REGION,
        period=Period.parse("2019"),
        operator=Operator.AT_LEAST,
        value="30",
        basis="",
        org_id="",
    )
    with pytest.raises(Invalid):
        figures.set_target(reviewer, target)
    assert figures.set_target(reviewer, replace(target, basis="2019 年工作要点")).org_id == "bigdata"

    # By region, in and out of a file; a bad line is told and nothing is taken in.
    lines = "指标代码,地区,期间,数值,来源\n" + "".join(
        f"{GROWTH},{code},2018,{value},盟市统计\n" for code, value in (("150100", "31.2"), ("150200", "22"))
    )
    with pytest.raises(Invalid) as refused:
        figures.import_values(reviewer, "v.csv", (lines + f"{GROWTH},150300,2018,无,\n").encode())
    assert refused.value.detail["lines"][0]["line"] == 4  # type: ignore[index, call-overload]
    made = figures.import_values(reviewer, "v.csv", lines.encode("gb18030"))
    figures.decide(publisher, [v.id for v in made], approve=True)
    assert {v.region for v in figures.figure(reviewer, GROWTH).values} == {REGION, "150100", "150200"}
    assert figures.export(bureau.steward, SheetFormat.PDF, Language.ZH).content.startswith(b"%PDF")
    for form in (SheetFormat.CSV, SheetFormat.XLSX):
        file = figures.export(bureau.steward, form, Language.ZH)
        again = figures.import_values(reviewer, file.name, file.content, "原样")
        assert [v.revision for v in again] == ([4, 2, 2] if form is SheetFormat.CSV else [5, 3, 3])
        figures.decide(publisher, [v.id for v in again], approve=False, words="没有变化")

    # A definition has versions; one that did not change is none.
    now = view.figure
    plain = {name: getattr(now, name) for name in FigureDraft.__dataclass_fields__}
    with pytest.raises(Conflict):
        figures.define(reviewer, FigureDraft(**plain), "没变")
    changed = figures.define(reviewer, FigureDraft(**{**plain, "definition": "规模以上企业"}), "口径调整")
    assert changed.version == 2
    with pytest.raises(Invalid):
        figures.define(reviewer, FigureDraft(**{**plain, "code": "大数据"}), "x")
    figures.retire(reviewer, "three_level_linkage", "已完成")
    assert len(figures.figures(reviewer)) == 6
    assert told(bureau, "assess.figure_define") == 9
    assert told(bureau, "assess.figure_target") == 8


def test_reaching_a_target_goes_by_what_is_better(bureau: Bureau) -> None:
    figures, code = bureau.platform.figures, "infrastructure_investment"
    for value, reached in (("71.4", False), ("71.5", True), ("80", True)):
        (made,) = figures.report(bureau.reviewer, [ValueDraft(code=code, period=YEAR, value=value)], "核实")
        figures.decide(bureau.publisher, [made.id], approve=True)
        assert next(r for r in figures.figures(bureau.steward) if r.figure.code == code).met is reached


def test_a_value_comes_from_a_governed_query(bureau: Bureau) -> None:
    platform, steward = bureau.platform, bureau.steward
    bureau.write([firm(n) for n in range(6)])
    platform.db.deliver_waiting()
    sql = "SELECT count(*) AS value, CASE 盟市 WHEN '赤峰市' THEN '150400' ELSE '150100' END AS region FROM 企业登记信息 WHERE 成立日期 <= :last GROUP BY ALL"
    draft = FigureDraft(
        code="firms", name_zh="企业数", name_en="Firms", definition="", unit_zh="家", unit_en="firms", formula=sql,
        period_kind=PeriodKind.YEAR, value_kind=ValueKind.LEVEL, better=Better.NONE, org_id=OWNER,
    )  # fmt: skip
    platform.figures.define(steward, draft, "新增")
    made = platform.figures.compute(steward, "firms", Period.parse("2003"))
    assert {v.region: v.value for v in made} == {"150100": "2", "150400": "1"}
    assert "企业登记信息" in made[0].source
    assert made[0].state is ValueState.PROPOSED
    with pytest.raises(Denied):
        platform.figures.compute(bureau.stranger, "firms", Period.parse("2003"))
    for wrong in ("", "DROP TABLE 企业登记信息", sql.replace(":last", ":day"), "SELECT 1 AS number"):
        platform.figures.define(steward, replace(draft, formula=wrong), "试")
        with pytest.raises(Invalid):
            platform.figures.compute(steward, "firms", Period.parse("2003"))


def test_numbers_are_exact() -> None:
    assert [read_number(w) for w in ("1,234.50", "0", "-3.0", "100", "71.5%")] == ["1234.5", "0", "-3", "100", "71.5"]
    for wrong in ("", "NaN", "Infinity", "1_000x"):
        with pytest.raises(Invalid):
            read_number(wrong)


def test_a_task_from_green_to_done_with_reminders(bureau: Bureau) -> None:  # noqa: PLR0915 - one story
    plan, clock, reviewer = bureau.platform.plan, bureau.clock, bureau.reviewer
    clock.at = START
    steward = bureau._person("lead", "bigdata", Role.STEWARD)
    with pytest.raises(Denied):
        plan.load(steward)
    assert plan.load(reviewer, plan="2026", since=date(2026, 1, 1), due_on=date(2026, 12, 31)) == 27
    assert plan.load(reviewer, plan="2026", since=date(2026, 1, 1), due_on=date(2026, 12, 31)) == 0
    lit = next(one for one in plan.tasks(bureau.stranger) if one.task.number == "4.3")
    assert (lit.light, lit.task.leads, lit.task.measures) == (Light.GREEN, ("bigdata",), "78-88")
    assert lit.task.summary.zh.startswith("以平台对接")
    joint = next(one.task for one in plan.tasks(reviewer) if one.task.number == "4.1")
    assert (joint.joint, joint.joint_words) == ((), "league and city departments")

    # Time goes by without a word: yellow, then red; those who lead are told, once, and only while it lasts.
    def alerts(light: str) -> list[str]:
        plan.watch()
        open_ = bureau.platform.alerts.open()
        return [s for k, s in open_ if k is AlertKind.PLAN_TASK and s.startswith(f"{lit.task.id}:{light}")]

    assert alerts("") == []
    clock.at = START + timedelta(days=100)
    assert (len(alerts("yellow")), len(alerts("yellow")), alerts("red")) == (1, 1, [])
    clock.at = START + timedelta(days=160)
    assert (alerts("yellow"), len(alerts("red"))) == ([], 1)

    with pytest.raises(Denied):
        plan.report(bureau.stranger, lit.task.id, 50, "不是我的")
    with pytest.raises(NotFound):
        plan.report(steward, lit.task.id, 50, "已接入", ["table:没有"])
    with pytest.raises(Invalid):
        plan.report(steward, lit.task.id, 50, "已接入", ["photo:1"])
    plan.report(steward, lit.task.id, 60, "已接入三类来源", [f"figure:{GROWTH}", "https://example.org/notice"])
    assert plan.task(steward, lit.task.id).lit.light is Light.GREEN
    assert alerts("red") == []
    plan.urge(reviewer, lit.task.id, "请加快")
    assert len(alerts("urge")) == 1

    with pytest.raises(Invalid):
        plan.report(steward, lit.task.id, 100, "完成")
    assert plan.report(steward, lit.task.id, 100, "完成", [f"figure:{GROWTH}"]).state is TaskState.REPORTED
    with pytest.raises(Denied):
        plan.confirm(steward, lit.task.id, accept=True)
    assert plan.confirm(reviewer, lit.task.id, "缺验收", accept=False).state is TaskState.OPEN
    with pytest.raises(Conflict):
        plan.confirm(reviewer, lit.task.id, accept=True)
    plan.report(steward, lit.task.id, 100, "已补验收", ["https://example.org/acceptance"])
    assert plan.confirm(reviewer, lit.task.id, accept=True).state is TaskState.DONE
    view = plan.task(steward, lit.task.id)
    assert view.lit.light is Light.DONE
    assert Proof.parse(f"figure:{GROWTH}") in {p for one in view.progress for p in one.proofs}
    assert alerts("urge") == []
    with pytest.raises(Conflict):
        plan.report(steward, lit.task.id, 100, "再报", ["https://example.org/x"])

    other = next(one.task for one in plan.tasks(reviewer) if one.task.number == "2.2")
    clock.at = datetime(2027, 1, 20, tzinfo=UTC)
    assert plan.task(reviewer, other.id).lit.light is Light.RED
    plan.move_deadline(reviewer, other.id, date(2027, 12, 31), "项目顺延")
    assert plan.task(reviewer, other.id).lit.why.en == "0% done, 53% of the time gone"
    file = plan.export(bureau.stranger, SheetFormat.CSV, Language.ZH).content.decode("utf-8-sig")
    assert "已办结" in file
    assert "红灯" in LIGHT_RULE.zh
    assert told(bureau, "assess.plan_report") == 3
