"""Rules have revisions, are tried before they count, and are their department's own."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound
from beijiang.quality import Kind, Outcome, RuleDraft, Severity
from beijiang.tables import WriteMode

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import GOOD_CODES, Bureau, firm

T = "企业登记信息"


def test_a_rule_gets_a_name_an_indicator_and_is_kept_once(bureau: Bureau) -> None:
    bureau.write([firm(0)])
    rule = bureau.add(Kind.NOT_NULL, "盟市", "盟市")
    assert (rule.name, rule.indicator, rule.revision, rule.columns) == ("盟市 非空", "0201", 1, ("盟市",))
    with pytest.raises(Conflict, match="this rule already"):
        bureau.add(Kind.NOT_NULL, "盟市")
    assert bureau.add(Kind.NOT_NULL, "盟市", indicator="0102").indicator == "0102"


UNUSABLE = (
    (RuleDraft(kind=Kind.NOT_NULL), "rule_columns"),
    (RuleDraft(kind=Kind.RANGE, columns=("盟市", "企业名称")), "rule_columns"),
    (RuleDraft(kind=Kind.NOT_NULL, columns=("没有",)), "unknown_column"),
    (RuleDraft(kind=Kind.CHECK, columns=("盟市",)), "rule_parameter"),
    (RuleDraft(kind=Kind.CHECK, columns=("盟市",), params={"algorithm": "sha1"}), "rule_parameter"),
    (RuleDraft(kind=Kind.NOT_NULL, columns=("盟市",), params={"low": 1}), "rule_parameter"),
    (RuleDraft(kind=Kind.RANGE, columns=("注册资本",), params={"low": "很多"}), "rule_parameter"),
    (RuleDraft(kind=Kind.RANGE, columns=("注册资本",)), "rule_parameter"),
    (RuleDraft(kind=Kind.FORMAT, columns=("盟市",), params={"pattern": "(?=x)"}), "rule_parameter"),
    (RuleDraft(kind=Kind.FORMAT, columns=("盟市",), params={"shortest": "-1"}), "rule_parameter"),
    (RuleDraft(kind=Kind.CODE_SET, columns=("盟市",), params={"code_set": "没有"}), "unknown_code"),
    (RuleDraft(kind=Kind.ORDER, columns=("盟市", "注册资本")), "rule_parameter"),
    (RuleDraft(kind=Kind.NOT_NULL, columns=("盟市",), indicator="0601"), "rule_indicator"),
    (RuleDraft(kind=Kind.NOT_NULL, columns=("盟市",), threshold=1.5), "rule_threshold"),
    (RuleDraft(kind=Kind.NOT_NULL, columns=("盟市",), where="盟市 = (SELECT 1)"), "condition_not_allowed"),
    (RuleDraft(kind=Kind.UNIQUE, columns=("盟市",), where="注册资本 > 0"), "rule_takes_no_condition"),
    (RuleDraft(kind=Kind.EXPRESSION, params={"expression": "注册资本 LIKE 'a'"}), "rule_not_computable"),
    (RuleDraft(kind=Kind.REFERENCE, columns=("盟市",), params={"table": "没有", "key": "x"}), "table_not_found"),
)


def test_what_cannot_be_counted_is_refused_when_it_is_written(bureau: Bureau) -> None:
    bureau.write([firm(0)])
    for draft, code in UNUSABLE:
        with pytest.raises((Invalid, NotFound)) as caught:
            bureau.platform.quality.add(bureau.steward, T, draft)
        assert caught.value.reason == code, draft
        assert caught.value.text.zh != caught.value.text.en
    assert bureau.platform.quality.rules(bureau.steward, T) == []


def test_a_change_is_a_revision_and_old_runs_keep_theirs(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    bureau.write([firm(0), firm(1, 盟市=None)])
    rule = bureau.add(Kind.NOT_NULL, "盟市")
    first = bureau.check()
    changed = quality.change(bureau.steward, rule.id, replace(rule, threshold=0.5), "允许半数为空")
    assert changed.revision == 2
    assert [f.outcome for f in first.facts if f.rule_id] == [Outcome.FAILED]
    assert [(f.outcome, f.revision) for f in bureau.check().facts if f.rule_id] == [(Outcome.PASSED, 2)]
    assert [(r.revision, r.reason) for r in quality.history(bureau.steward, rule.id)] == [(1, ""), (2, "允许半数为空")]
    with pytest.raises(Invalid, match="reason"):
        quality.retire(bureau.steward, rule.id, " ")
    quality.retire(bureau.steward, rule.id, "不再需要")
    assert quality.rules(bureau.steward, T) == []
    with pytest.raises(NotFound):
        quality.change(bureau.steward, rule.id, rule, "again")
    assert [f.revision for f in quality.run(bureau.steward, first.id).facts if f.rule_id] == [1]


def test_other_departments_and_administrators_have_no_say(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    bureau.write([firm(0, 盟市=None)])
    rule = bureau.add(Kind.NOT_NULL, "盟市")
    run = bureau.check()
    draft = RuleDraft(kind=Kind.NOT_NULL, columns=("企业名称",))
    for who in (bureau.stranger, bureau.reviewer, bureau.sysadmin):
        with pytest.raises((Denied, NotFound)):
            quality.add(who, T, draft)
        with pytest.raises((Denied, NotFound)):
            quality.suggest(who, T)
        with pytest.raises((Denied, NotFound)):
            quality.retire(who, rule.id, "x")
        with pytest.raises((Denied, NotFound)):
            quality.check(who, T)
    for who in (bureau.stranger, bureau.sysadmin):
        with pytest.raises((Denied, NotFound)):
            quality.failing(who, run.id, rule.id)
    with pytest.raises(NotFound):
        quality.report(bureau.stranger, T)
    assert [one.table for one in quality.board(bureau.stranger)] == []
    shown = quality.failing(bureau.reviewer, run.id, rule.id)
    masked = {c.name for c in shown.governed.columns if c.masked}
    assert "联系电话" in masked
    assert "13800000000" not in str(shown.rows.to_pylist())


def test_a_rule_may_not_ask_the_tables_of_others(bureau: Bureau) -> None:
    bureau.write([firm(0)])
    bureau.write([firm(0)], "别人的表", org_id="health")
    params = {"table": "别人的表", "key": "盟市"}
    with pytest.raises((Denied, NotFound)):
        bureau.add(Kind.REFERENCE, "盟市", params=params)


def test_a_column_that_goes_makes_an_error_and_the_others_are_counted(bureau: Bureau) -> None:
    bureau.write([firm(0)])
    bureau.add(Kind.NOT_NULL, "盟市")
    kept = bureau.add(Kind.NOT_NULL, "企业名称")
    import pyarrow as pa
    from quality_bureau import FIRMS

    from beijiang.tables import CommitRequest

    smaller = pa.schema([field for field in FIRMS if field.name != "盟市"])
    rows = [{k: v for k, v in firm(0).items() if k != "盟市"}]
    request = {
        "table": T,
        "org_id": "education",
        "staged": (),
        "schema": smaller,
        "mode": WriteMode.REPLACE,
        "run_id": "x",
    }
    plan = bureau.platform.tables.plan(bureau.steward, CommitRequest(**request))
    bureau.write(rows, schema=smaller, accept_plan=plan.token)
    run = bureau.check()
    found = {f.name: f for f in run.facts if f.rule_id}
    assert found["盟市 非空"].outcome is Outcome.ERROR
    assert found["盟市 非空"].error is not None
    assert found[kept.name].outcome is Outcome.PASSED


def test_suggestions_come_from_names_standards_and_counts(bureau: Bureau) -> None:
    rows = [firm(n, 统一社会信用代码=GOOD_CODES[n % 4]) for n in range(40)]
    rows[7]["统一社会信用代码"] = "91350100M000100Y4X"
    bureau.write(rows)
    found = bureau.platform.quality.suggest(bureau.steward, T)
    by = {(s.draft.kind, s.draft.columns): s for s in found}
    check = by[Kind.CHECK, ("统一社会信用代码",)]
    assert (check.b, check.failing) == (40, 1)
    assert by[Kind.NOT_NULL, ("企业名称",)].share == 1
    assert (Kind.UNIQUE, ("企业名称",)) in by
    assert (Kind.UNIQUE, ("盟市",)) not in by
    assert by[Kind.ORDER, ("成立日期", "注销日期")].b == 0
    assert all(s.why.zh and s.why.en for s in found)
    later = {s.draft.params["expression"] for s in found if s.draft.kind is Kind.EXPRESSION}
    assert later == {'"成立日期" <= current_date', '"注销日期" <= current_date'}, "one for each date"
    with pytest.raises(Conflict, match="changed"):
        bureau.platform.quality.accept(bureau.steward, T, [found[0].key, "gone"])
    assert len(bureau.platform.quality.accept(bureau.steward, T, [found[0].key])) == 1
    assert len(bureau.platform.quality.accept(bureau.steward, T)) == len(found) - 1
    assert bureau.platform.quality.suggest(bureau.steward, T) == []
    run = bureau.check()
    assert {f.name for f in run.failed if f.rule_id} == {"统一社会信用代码 校验码", "统一社会信用代码 数据元标准"}


def test_every_write_of_a_table_with_rules_is_judged(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    bureau.write([firm(0)])
    assert quality.runs(bureau.steward, T) == []
    bureau.add(Kind.NOT_NULL, "盟市", severity=Severity.MINOR)
    bureau.clock.advance(timedelta(minutes=1))
    bureau.write([firm(0, 盟市=None), firm(1)])
    runs = quality.runs(bureau.steward, T)
    assert [(run.version, run.trigger.value) for run in runs] == [(2, "written")]
    fact = next(f for f in runs[0].facts if f.rule_id)
    assert (fact.a, fact.b, fact.outcome) == (1, 2, Outcome.FAILED)
    known = {f.indicator for f in runs[0].facts if f.rule_id is None}
    assert known == {"0103", "0106", "0601"}


def test_who_changed_a_rule_and_asks_again_is_judged_by_it(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that is under way, or comes to its end, was by the rules before."""
    quality, jobs = bureau.platform.quality, bureau.platform.jobs
    bureau.write([firm(0)])
    bureau.add(Kind.NOT_NULL, "盟市")
    jobs.stop()
    first = quality.check(bureau.steward, T)
    assert quality.check(bureau.steward, T) == first
    bureau.add(Kind.NOT_NULL, "企业名称")
    second = quality.check(bureau.steward, T)
    assert second != first
    for one in (first, second):
        jobs.cancel(SYSTEM, one)
    judge, judged = quality.runner.judge, list[int]()

    def changed_meanwhile(measured: Any, rules: Any) -> Any:
        judged.append(len(rules))
        if len(judged) == 1:
            bureau.add(Kind.NOT_NULL, "注册资本")
        return judge(measured, rules)

    monkeypatch.setattr(quality.runner, "judge", changed_meanwhile)
    run = bureau.check()
    assert judged == [2, 3]
    assert len([fact for fact in run.facts if fact.rule_id]) == 3
