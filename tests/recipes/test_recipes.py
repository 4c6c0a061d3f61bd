"""A department cleans its own tables: tried before it is saved, made anew with the source, and never more than it was."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound, Refused
from beijiang.recipes import OnFault, RecipeDraft, RunTrigger, StepKind
from beijiang.standards import Action, EntryKind
from beijiang.tables import Exit, Origin, Use, WriteMode
from waiting import until

sys.path.insert(0, str(Path(__file__).parent))
from recipe_bureau import CLEAN, DIRT, RAW, Kitchen, step


def test_a_recipe_is_tried_saved_and_run(house: Kitchen) -> None:
    source = house.raw()
    recipes = house.platform.recipes
    draft = RecipeDraft(target="企业净表", source=source, steps=CLEAN)
    tried = recipes.preview(house.steward, draft)
    assert tried.columns["成立日期"] == "date"
    assert (tried.rows, tried.aside) == (3, 0)
    assert [(c.changed, c.faulty) for c in tried.counts] == [(1, None), (1, None), (2, 1), (2, 0)]
    first = next(one for one in tried.samples if one.after["企业名称"] == "内蒙古甲公司（北京）")
    assert first.before["企业名称"] == " 内蒙古甲公司(北京)"
    assert first.changed("企业名称")
    assert "企业净表" not in house.platform.tables.names(SYSTEM), "a trial keeps nothing"

    made = recipes.save(house.steward, draft)
    run = house.run(made)
    assert (run.version, run.rows, run.sources, run.trigger) == (1, 3, {source: 1}, RunTrigger.ASKED)
    assert run.counts[2].faulty == 1
    rows = {row["企业名称"]: row for row in house.rows("企业净表")}
    assert rows["内蒙古甲公司（北京）"] == {
        "企业名称": "内蒙古甲公司（北京）",
        "成立日期": date(2024, 3, 1),
        "注册资金": "50(万)",
        "注册地址": "呼和浩特市新城区",
        "金额": Decimal("500000.00"),
        "币种": "CNY",
    }
    assert rows["乙公司"]["成立日期"] is None
    assert rows["丙公司"]["币种"] == "USD"
    assert [row["企业名称"] for row in house.rows(source)] == [row["企业名称"] for row in DIRT], "the source stays"


def test_it_runs_whenever_its_source_is_written_and_chains(house: Kitchen) -> None:
    source = house.raw()
    first = house.save(source, target=f"{source}一")
    house.save(f"{source}", step(StepKind.SELECT, "企业名称"), target=f"{source}二")
    house.run(first)
    house.save(f"{source}一", step(StepKind.DERIVE, into="有金额", expression="金额 IS NOT NULL"), target=f"{source}三")
    house.raw([*DIRT, {**DIRT[0], "企业名称": "丁公司"}], source)
    for name, version in ((f"{source}一", 2), (f"{source}二", 1), (f"{source}三", 1)):
        house.until_version(name, version)
    assert len(house.rows(f"{source}三")) == 4
    runs = until(lambda: (r := house.platform.recipes.runs(house.steward, first.id)) and len(r) > 1 and r)
    assert [(run.trigger, run.version) for run in runs] == [(RunTrigger.WRITTEN, 2), (RunTrigger.ASKED, 1)]
    off = house.save(source, step(StepKind.SELECT, "企业名称"), target=f"{source}四", on_write=False)
    house.raw(DIRT, source)
    house.until_version(f"{source}二", 2)
    assert house.platform.recipes.runs(house.steward, off.id) == []


def test_what_cannot_be_read_is_left_empty_kept_back_or_stops(house: Kitchen) -> None:
    source = house.raw()
    aside = house.run(house.save(source, step(StepKind.DATE, "成立日期", on_fault=OnFault.ASIDE), target=f"{source}甲"))
    assert (aside.rows, aside.aside) == (2, 1)
    found = house.platform.recipes.faulty(house.steward, aside.id, 0)
    assert (found.found, found.rows["企业名称"].to_pylist()) == (1, ["乙公司"])
    strict = house.save(source, step(StepKind.DATE, "成立日期", on_fault=OnFault.STOP), target=f"{source}乙")
    with pytest.raises(Conflict, match="cannot read 1 rows"):
        house.run(strict)
    failed = house.platform.recipes.runs(house.steward, strict.id)[0]
    assert failed.version is None
    assert failed.error is not None
    assert f"{source}乙" not in house.platform.tables.names(SYSTEM)
    plain = house.run(house.save(source, step(StepKind.TRIM, "企业名称"), target=f"{source}丙"))
    with pytest.raises(Invalid, match="nothing that this step could not read"):
        house.platform.recipes.faulty(house.steward, plain.id, 0)


def test_revisions_are_kept_and_change_the_columns_they_were_seen_with(house: Kitchen) -> None:
    source = house.raw()
    recipes = house.platform.recipes
    made = house.save(source)
    house.run(made)
    with pytest.raises(Invalid, match="reason"):
        recipes.change(house.steward, made.id, replace(made, steps=CLEAN[:1]), " ")
    narrower = recipes.change(
        house.steward, made.target, RecipeDraft(target="别的", source=source, steps=CLEAN[:1]), "只要原列"
    )
    assert (narrower.target, narrower.revision) == (made.target, 2)
    assert house.run(narrower).version == 2
    assert set(house.rows(made.target)[0]) == set(RAW.names)
    assert [(r.revision, r.reason, r.owner.id) for r in recipes.history(house.steward, made.id)] == [
        (1, "", house.steward.id),
        (2, "只要原列", house.steward.id),
    ]
    wide = pa.schema([*RAW, ("备注", pa.string())])
    house.raw([{**row, "备注": "x"} for row in DIRT], source, schema=wide)
    until(lambda: recipes.runs(house.steward, made.id)[0].version == 3)
    with pytest.raises(Invalid, match="reason"):
        recipes.retire(house.steward, made.id, "")
    recipes.retire(house.steward, made.id, "不再需要")
    with pytest.raises(NotFound):
        recipes.recipe(house.steward, made.id)
    assert made.target in house.platform.tables.names(SYSTEM), "its table stays"
    again = house.save(source, target=made.target)
    assert house.run(again).version == 4, "and another recipe may fill it"


def test_a_source_that_loses_a_column_stops_what_is_made_of_it(house: Kitchen) -> None:
    source = house.raw()
    made = house.save(source, step(StepKind.TRIM, "企业名称"))
    house.run(made)
    less = [{k: v for k, v in row.items() if k != "注册地址"} for row in DIRT]
    schema = pa.schema([f for f in RAW if f.name != "注册地址"])
    with pytest.raises(Conflict) as caught:
        house.raw(less, source, schema=schema)
    token = str(caught.value.detail["plan"]["token"])
    house.raw(less, source, schema=schema, accept_plan=token)
    with pytest.raises(Conflict) as caught:
        house.run(made)
    assert caught.value.reason == "schema_change_stops"
    changed = house.platform.recipes.change(house.steward, made.id, replace(made), "来源不再有地址")
    assert house.run(changed).version == 2


def test_a_table_has_one_maker_and_recipes_go_in_no_circle(house: Kitchen) -> None:
    source = house.raw()
    made = house.save(source, target=f"{source}环")
    house.run(made)
    for target in (source, made.target, ""):
        with pytest.raises(Conflict) as caught:
            house.save(source, target=target) if target else house.platform.recipes.save(
                house.steward, RecipeDraft(target="", source=source, steps=CLEAN)
            )
        assert caught.value.reason == "table_has_source"
    after = house.save(made.target, step(StepKind.SELECT, "企业名称"), target=f"{source}环二")
    house.run(after)
    draft = RecipeDraft(target="", source=after.target, steps=(step(StepKind.SELECT, "企业名称"),))
    with pytest.raises(Conflict) as caught:
        house.platform.recipes.change(house.steward, made.id, draft, "绕回去")
    assert caught.value.reason == "recipe_circle"


def test_recipes_are_their_departments_own(house: Kitchen) -> None:
    source = house.raw()
    made = house.save(source)
    recipes = house.platform.recipes
    draft = RecipeDraft(target="抄来的", source=source, steps=CLEAN)
    for verb in (
        lambda: recipes.preview(house.stranger, draft),
        lambda: recipes.save(house.stranger, draft),
        lambda: recipes.suggest(house.stranger, source),
        lambda: recipes.recipe(house.stranger, made.id),
        lambda: recipes.run(house.stranger, made.id),
        lambda: recipes.runs(house.stranger, made.target),
        lambda: recipes.change(house.stranger, made.id, draft, "x"),
        lambda: recipes.retire(house.stranger, made.id, "x"),
    ):
        with pytest.raises((NotFound, Denied)):
            verb()
    assert all(one.org_id != "health" for one in recipes.recipes(house.steward))
    assert made.id not in {one.id for one in recipes.recipes(house.stranger)}
    with pytest.raises(Denied):
        recipes.save(house.sysadmin, draft)
    with pytest.raises(Denied):
        recipes.run(house.reviewer, made.id)
    sql = RecipeDraft(target="偷看", sql=f'SELECT * FROM "{source}"')
    with pytest.raises((NotFound, Denied, Refused)):
        recipes.save(house.stranger, sql)


def test_what_is_made_of_sensitive_columns_is_as_sensitive(house: Kitchen) -> None:
    schema = pa.schema([("姓名", pa.string()), ("身份证号", pa.string()), ("盟市", pa.string())])
    rows = [{"姓名": "王娜春", "身份证号": "150102199001011230", "盟市": "包头市"} for _ in range(30)]
    source = house.raw(rows, schema=schema)
    parts = step(StepKind.MERGE, "盟市", "身份证号", by="|", into="合并")
    made = house.save(source, parts, step(StepKind.DERIVE, into="前缀", expression="left(身份证号, 6)"))
    tried = house.platform.recipes.preview(house.steward, made)
    assert tried.masked
    assert "150102199001011230" not in str([one.after for one in tried.samples])
    house.run(made)
    grades = house.platform.protection.grades_of(made.target)
    source_level = house.platform.protection.grades_of(source)["身份证号"].level
    assert {grades[name].level for name in ("合并", "前缀", "身份证号")} == {source_level}
    shown = house.platform.tables.open(house.steward, made.target, "", Exit.PAGE).page().rows
    assert "150102199001011230" not in str(shown.to_pylist())
    facts = house.platform.protection.view_of(made.target).facts
    assert facts is not None
    assert Origin(source, "身份证号", Use.TRANSFORMATION) in facts.origins["前缀"]


def test_looking_up_and_removing_repeats_tell_nothing_of_other_columns(house: Kitchen) -> None:
    schema = pa.schema([("姓名", pa.string()), ("身份证号", pa.string()), ("地址", pa.string()), ("等级", pa.string())])
    person = {"姓名": "王娜春", "身份证号": "150102199001011230", "地址": "包头市东河区", "等级": "甲"}
    source = house.raw([person for _ in range(30)], schema=schema)
    other = house.raw(
        [{"号": "150102199001011230", "备注": "x"}], schema=pa.schema([("号", pa.string()), ("备注", pa.string())])
    )
    made = house.save(
        source,
        step(StepKind.DEDUPE, "身份证号"),
        step(StepKind.REGION, "地址"),
        step(StepKind.LOOKUP, "身份证号", table=other, key="号", take="备注"),
        step(StepKind.CODES, "等级", pairs="甲=1"),
    )
    assert house.run(made).rows == 1
    facts = house.platform.protection.view_of(made.target).facts
    assert facts is not None
    origins = {name: {(o.table, o.column) for o in found} for name, found in facts.origins.items()}
    assert origins["等级"] == {(source, "等级")}
    assert origins["姓名"] == {(source, "姓名")}
    assert origins["区划代码"] == {(source, "地址")}
    assert origins["备注"] == {(source, "身份证号"), (other, "号"), (other, "备注")}
    grades = house.platform.protection.grades_of(made.target)
    assert grades["等级"].level.rank < grades["身份证号"].level.rank
    kept = house.save(source, step(StepKind.FILTER, expression="身份证号 LIKE '15%'"), target=f"{source}筛")
    house.run(kept)
    facts = house.platform.protection.view_of(kept.target).facts
    assert facts is not None
    assert (source, "身份证号") in {(o.table, o.column) for o in facts.origins["等级"]}, (
        "a filter tells of every column"
    )


def test_one_select_makes_a_table(house: Kitchen) -> None:
    source = house.raw()
    recipes = house.platform.recipes
    sql = f'SELECT 注册地址 AS 地址, count(*) AS 户数, avg(length(企业名称)) AS 均长 FROM "{source}" AS s GROUP BY 1'
    draft = RecipeDraft(target=f"{source}统计", sql=sql)
    tried = recipes.preview(house.steward, draft)
    assert set(tried.columns) == {"地址", "户数", "均长"}
    made = recipes.save(house.steward, draft)
    assert made.sources == (source,)
    run = house.run(made)
    assert run.rows == 3
    assert {row["地址"]: row["户数"] for row in house.rows(made.target)} == {
        "呼和浩特市新城区": 1,
        "包头市东河区": 1,
        None: 1,
    }
    facts = house.platform.protection.view_of(made.target).facts
    assert facts is not None
    assert {o.column for o in facts.origins["户数"]} >= {"注册地址"}
    for wrong in ("SELECT 1; SELECT 2", "DROP TABLE x", f"SELECT * FROM read_csv('{source}')"):
        with pytest.raises(Refused):
            recipes.save(house.steward, RecipeDraft(target="不行", sql=wrong))
    with pytest.raises((NotFound, Refused)):
        recipes.save(house.steward, RecipeDraft(target="不行", sql="SELECT * FROM 没有这表"))


def test_a_run_repeated_after_a_crash_writes_once(house: Kitchen) -> None:
    source = house.raw()
    made = house.save(source, on_write=False)
    run = house.run(made)
    recipes, jobs = house.platform.recipes, house.platform.jobs
    job = jobs.job(house.steward, run.id.removeprefix("recipe-"))

    class Again:
        id, actor = job.id, job.actor

        def progress(self, *_: object) -> None:
            """Tell nobody."""

    recipes.work(Again(), {"recipe": made.id, "trigger": "asked"})  # type: ignore[arg-type]
    assert house.platform.tables.get(SYSTEM, made.target).version == 1
    assert len(recipes.runs(house.steward, made.id)) == 1


def test_a_history_table_gives_what_holds_now(house: Kitchen) -> None:
    source = house.raw(mode=WriteMode.HISTORY, key=("企业名称",))
    house.raw([{**DIRT[1], "注册资金": "7万"}], source, mode=WriteMode.HISTORY, key=("企业名称",))
    run = house.run(house.save(source))
    assert run.rows == 3
    rows = {row["企业名称"]: row for row in house.rows(f"{source}净")}
    assert rows["乙公司"]["金额"] == Decimal("70000.00")
    assert "valid_from" not in rows["乙公司"]


def test_steps_are_suggested_from_what_is_there(house: Kitchen) -> None:
    rows = [{**row, "企业名称": f"{row['企业名称']}{n}"} for n in range(20) for row in (DIRT[0], DIRT[2])]
    rows += [{**DIRT[0], "注册资金": "N/A", "企业名称": "Ａ公司 "}]
    source = house.raw(rows)
    found = {(one.step.kind, one.step.columns): one for one in house.platform.recipes.suggest(house.steward, source)}
    assert set(found) == {
        (StepKind.BLANK, ("注册资金",)),
        (StepKind.NARROW, ("企业名称",)),
        (StepKind.TRIM, ("企业名称",)),
        (StepKind.DATE, ("成立日期",)),
        (StepKind.MONEY, ("注册资金",)),
        (StepKind.NAME, ("企业名称",)),
        (StepKind.REGION, ("注册地址",)),
    }
    assert found[StepKind.TRIM, ("企业名称",)].values == 21
    steps = [one.step for one in found.values()]
    tried = house.platform.recipes.preview(house.steward, RecipeDraft(target="建议", source=source, steps=tuple(steps)))
    assert tried.rows == 41
    assert not any(count.faulty for count in tried.counts)


def test_former_codes_become_those_that_hold_and_splits_are_faults_with_their_candidates(house: Kitchen) -> None:
    reviewer = house.platform.access.actor_for_person("reviewer")
    head = {"code_set": "grassland", "set_name_zh": "草场", "set_name_en": "Grassland"}
    codes = [
        {"code": "A", "name_zh": "东草场", "name_en": "East"},
        {"code": "B", "name_zh": "西草场", "name_en": "West"},
        {"code": "X", "name_zh": "老草场", "name_en": "Old", "valid_to": "2015-01-01", "replaced_by": "A;B"},
        {"code": "Y", "name_zh": "旧东草场", "name_en": "Old east", "valid_to": "2015-01-01", "replaced_by": "A"},
    ]
    registry = house.platform.registry
    change = registry.change_of(house.steward, Action.ADD, EntryKind.CODE_SET, head, codes)
    registry.approve(reviewer, registry.propose(house.steward, [change], "试").id)
    source = house.raw([{**DIRT[0], "企业名称": code} for code in ("Y", "X", "B", "Q")], "草场表")
    steps = (step(StepKind.CODES, "企业名称", code_set="grassland", to="successor"),)
    draft = RecipeDraft(target="草场净表", source=source, steps=steps)
    tried = house.platform.recipes.preview(house.steward, draft)
    assert [(c.changed, c.faulty) for c in tried.counts] == [(3, 2)]
    run = house.run(house.platform.recipes.save(house.steward, draft))
    assert run.counts[0].faulty == 2
    rows = sorted(((row["企业名称"], row["企业名称候选"]) for row in house.rows("草场净表")), key=repr)
    assert rows == sorted([("A", None), (None, "A 东草场、B 西草场"), ("B", None), (None, None)], key=repr)
