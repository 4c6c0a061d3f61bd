"""A derived table follows its source by what changed, and comes to the same as if all were worked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from followed import GROUPED, assert_as_whole, recipe_on, row, source_of
from recipe_bureau import CLEAN, DIRT, Kitchen, step

from beijiang.jobs import Job, JobRun
from beijiang.kit import SYSTEM, Conflict, Text
from beijiang.recipes import Making, OnFault, RecipeRun, RunTrigger, StepKind
from beijiang.tables import WriteMode


def test_only_changed_rows_are_worked_updates_and_deletions_too(house: Kitchen) -> None:
    source = source_of(house, [row(n) for n in range(40)])
    recipe = recipe_on(house, source.name, *CLEAN, step(StepKind.FILTER, expression="人数 <> 7"))
    assert house.platform.recipes.way(house.steward, recipe.id).making is Making.ROWS
    first = house.run(recipe)
    assert first.making is Making.WHOLE
    assert first.why is not None
    assert "no version yet" in first.why.en
    source.write([row(3, 成立日期="2020-02-30"), row(41), row(5, 人数=7)], gone=["008", "007"])
    run = house.run(recipe)
    assert (run.making, run.why, run.worked) == (Making.ROWS, None, 4 + 3)
    assert run.rows == 39 - 2 + 1  # 007 was never among them; 005 and 008 left, 041 came
    assert_as_whole(house, recipe, run)
    version = house.platform.tables.history(SYSTEM, recipe.target)[0]
    assert (version.mode, version.rows_added, version.rows_changed, version.rows_removed) == (WriteMode.MERGE, 1, 1, 2)


def test_rows_appended_to_a_source_without_a_key_are_appended(house: Kitchen) -> None:
    source = source_of(house, [row(n) for n in range(5)], key=(), mode=WriteMode.APPEND)
    recipe = recipe_on(house, source.name, *CLEAN)
    house.run(recipe)
    source.write([row(1), row(9)])
    run = house.run(recipe)
    assert (run.making, run.worked, run.rows) == (Making.ROWS, 2, 7)
    assert_as_whole(house, recipe, run)
    house.platform.tables.compact(SYSTEM, source.name)
    again = house.run(recipe)
    assert again.making is Making.WHOLE
    assert again.why is not None
    assert "rewritten" in again.why.en
    assert_as_whole(house, recipe, again)


def test_groups_that_changed_rows_have_or_had_are_made_anew(house: Kitchen) -> None:
    source = source_of(house, [row(n) for n in range(30)])
    model = recipe_on(house, source.name, sql=GROUPED)
    last = recipe_on(house, source.name, step(StepKind.DEDUPE, "盟市", order="人数"), CLEAN[2])
    for one in (model, last):
        assert house.platform.recipes.way(house.steward, one.id).making is Making.GROUPS
        house.run(one)
    source.write([row(3, 盟市="通辽市"), row(29, 人数=1)], gone=["006"])
    for one in (model, last):
        run = house.run(one)
        assert (run.making, run.why) == (Making.GROUPS, None)
        assert_as_whole(house, one, run)
    source.write([row(3)])  # the only one of its group leaves it
    for one in (model, last):
        run = house.run(one)
        assert run.making is Making.GROUPS
        assert run.rows == 3
        assert_as_whole(house, one, run)
    source.write([row(4, 盟市=None)])
    for one in (model, last):
        run = house.run(one)
        assert run.why is not None
        assert "no value" in run.why.en
        assert_as_whole(house, one, run)


def test_states_that_hold_are_followed(house: Kitchen) -> None:
    source = source_of(house, [row(n) for n in range(12)], mode=WriteMode.HISTORY)
    recipe = recipe_on(house, source.name, *CLEAN)
    model = recipe_on(house, source.name, sql="SELECT 编号, valid_from, valid_to, upper(企业名称) AS 名 FROM {}")
    for one in (recipe, model):
        house.run(one)
    source.write([row(3, 人数=99), row(50)], gone=["004"])
    for one in (recipe, model):
        run = house.run(one)
        assert (run.making, run.why) == (Making.ROWS, None)
        assert_as_whole(house, one, run)


def test_what_is_made_of_a_made_table_follows_too(house: Kitchen) -> None:
    source = source_of(house, [row(n) for n in range(12)])
    first = recipe_on(house, source.name, *CLEAN, step(StepKind.RENAME, "编号", into="号"))
    house.run(first)
    second = recipe_on(house, first.target, step(StepKind.TRIM, "盟市"))
    third = recipe_on(house, first.target, sql="SELECT 盟市, SUM(金额) AS 金额 FROM {} GROUP BY 1")
    for one in (second, third):
        house.run(one)
    source.write([row(2, 注册资金="7(万)"), row(20)], gone=["005"])
    for one, making in ((first, Making.ROWS), (second, Making.ROWS), (third, Making.GROUPS)):
        run = house.run(one)
        assert (run.making, run.why) == (making, None)
        assert_as_whole(house, one, run)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT 盟市, row_number() OVER (ORDER BY 编号) AS n FROM {}", "across rows"),
        ("SELECT DISTINCT 盟市 FROM {}", "across rows"),
        ("SELECT 编号 FROM {} ORDER BY 编号 LIMIT 3", "across rows"),
        ("SELECT COUNT(*) AS n FROM {}", "across rows"),
        ("SELECT 编号, current_date AS d FROM {}", "function"),
        ("SELECT 盟市, string_agg(编号, ',') AS s FROM {} GROUP BY 盟市", "function"),
        ("SELECT left(盟市, 2) AS 市, COUNT(*) AS n FROM {} GROUP BY left(盟市, 2)", "no plain column"),
        ("SELECT COUNT(*) AS n FROM {} GROUP BY 盟市", "no plain column"),
        ("SELECT a.编号 FROM {} a JOIN {} b ON a.编号 = b.编号", "several tables"),
        ("SELECT 编号, CAST(x AS VARCHAR) AS v FROM {} x", "takes a row"),
        ("SELECT 编号 FROM {} x WHERE concat(x) LIKE '%通辽%'", "takes a row"),
        ("SELECT 人数, MAX(concat(x)) AS m FROM {} x GROUP BY 人数", "takes a row"),
        ("SELECT 编号, 1 AS x FROM {} x WHERE concat(x) LIKE '%通辽%'", "takes a row"),
        ("SELECT a, f FROM {} AS x(a, b, c, d, e, f, g)", "names columns anew"),
        ("WITH x AS (SELECT 编号 FROM {}) SELECT 编号 FROM x", ""),
    ],
)
def test_what_works_across_rows_is_made_as_a_whole_and_says_why(house: Kitchen, sql: str, says: str) -> None:
    source = source_of(house, [row(n) for n in range(6)])
    model = recipe_on(house, source.name, sql=sql)
    way = house.platform.recipes.way(house.steward, model.id)
    assert way.making is Making.WHOLE
    assert says in way.why.en
    house.run(model)
    source.write([row(2, 盟市="通辽市")])
    run = house.run(model)
    assert (run.making, run.why) == (Making.WHOLE, way.why)
    assert_as_whole(house, model, run)


@pytest.mark.parametrize(
    ("sql", "making"),
    [
        ("SELECT x.编号, x.人数 + 1 AS 加 FROM {} x WHERE x.人数 BETWEEN 1 AND 9 AND 盟市 IN ('包头市', '赤峰市')", Making.ROWS),
        ("SELECT x.* FROM {} AS x WHERE NOT 盟市 IS NULL AND 企业名称 LIKE '%公司%'", Making.ROWS),
        ("SELECT 编号, (CASE WHEN 人数 > 2 THEN '多' ELSE '少' END) || 盟市 AS 档 FROM {} WHERE 档 <> '无'", Making.ROWS),
        ("SELECT 盟市 AS 市, COUNT(DISTINCT 企业名称) AS 数, MAX(-人数) FILTER (WHERE 人数 > 1) AS m FROM {} GROUP BY 市", Making.GROUPS),
    ],
)  # fmt: skip
def test_qualified_names_and_names_of_the_result_are_followed(house: Kitchen, sql: str, making: Making) -> None:
    source = source_of(house, [row(n) for n in range(6)])
    model = recipe_on(house, source.name, sql=sql)
    house.run(model)
    source.write([row(2, 盟市="包头市"), row(4, 人数=0)])
    run = house.run(model)
    assert (run.making, run.why) == (making, None)
    assert_as_whole(house, model, run)


def test_a_new_revision_a_look_up_a_rollback_and_a_replacement_make_the_whole(house: Kitchen) -> None:
    source = source_of(house, [row(n) for n in range(6)])
    other = house.raw()
    recipe = recipe_on(
        house, source.name, step(StepKind.LOOKUP, "企业名称", table=other, key="企业名称", take="注册地址", prefix="另")
    )

    def why() -> str:
        run = house.run(recipe)
        assert run.making is Making.WHOLE
        assert run.why is not None
        assert_as_whole(house, recipe, run)
        return run.why.en

    assert "no version yet" in why()
    assert "did not change" in why()
    house.raw(DIRT[:2], other)
    source.write([row(1, 人数=5)])
    assert "looked up" in why()
    source.write([row(1, 人数=6)])
    assert house.run(recipe).making is Making.ROWS
    recipe = house.platform.recipes.change(house.steward, recipe.id, recipe, "再来一次")
    source.write([row(1, 人数=7)])
    assert "revision" in why()
    house.platform.tables.rollback(SYSTEM, recipe.target, 1, "试")
    source.write([row(1, 人数=8)])
    assert house.run(recipe).making is Making.WHOLE
    source.write([row(n) for n in range(3)], mode=WriteMode.REPLACE)
    assert "replaced" in why()


class Beside(JobRun):
    """A run at whose first sign of progress another process writes."""

    def __init__(self, house: Kitchen, job: Job, meanwhile: Callable[[], None]) -> None:
        super().__init__(job, house.platform.db, Event())
        self.todo = [meanwhile]

    def progress(self, done: int, total: int | None, note: Text) -> None:
        del done, total, note
        if self.todo:
            self.todo.pop()()


@pytest.mark.parametrize("first", [False, True])
def test_what_another_process_made_of_newer_rows_is_not_written_over(house: Kitchen, *, first: bool) -> None:
    source = source_of(house, [row(n) for n in range(6)])
    recipe, other = recipe_on(house, source.name, *CLEAN), recipe_on(house, source.name, *CLEAN)
    job = house.platform.jobs.job(house.steward, house.run(other).id.removeprefix("recipe-"))
    if not first:
        house.run(recipe)
        source.write([row(1, 人数=111)])
    recipes = house.platform.recipes
    mine, theirs = (house.folder / f"{recipe.id}-{n}" for n in range(2))
    landed = []

    def meanwhile() -> None:
        source.write([row(2, 人数=222)])
        order = recipes._order(house.steward, "recipe-other", recipe, theirs)
        made, _ = recipes._landed(order, recipes._noted(house.steward, recipe), lambda: None)
        landed.append(made.spot.sources)

    for folder in (mine, theirs):
        folder.mkdir()
    run = recipes._made(Beside(house, job, meanwhile), recipe, RunTrigger.ASKED, mine)
    assert landed == [run.sources] == [{source.name: house.platform.tables.get(SYSTEM, source.name).version}]
    assert {one["编号"]: one["人数"] for one in house.rows(recipe.target)}["002"] == 222
    assert_as_whole(house, recipe, run)


def test_a_source_rolled_back_to_before_it_had_a_key_makes_the_whole(house: Kitchen) -> None:
    repeated = [*(row(n) for n in range(6)), row(2), row(4, 人数=20)]
    source = source_of(house, repeated, key=(), mode=WriteMode.APPEND)
    source.write([row(n) for n in range(6)], mode=WriteMode.REPLACE, key=("编号",))
    recipe, model = recipe_on(house, source.name, *CLEAN), recipe_on(house, source.name, sql=GROUPED)
    for one in (recipe, model):
        house.run(one)
    house.platform.tables.rollback(SYSTEM, source.name, 1, "试")
    for one in (recipe, model):
        run = house.run(one)
        assert run.making is Making.WHOLE
        assert run.why is not None
        assert "rolled back" in run.why.en
        assert_as_whole(house, one, run)
    source.write([row(9)], mode=WriteMode.APPEND, key=())
    run = house.run(recipe)
    assert run.why is not None
    assert "not unique" in run.why.en
    assert_as_whole(house, recipe, run)


def test_a_look_up_in_the_source_itself_makes_the_whole(house: Kitchen) -> None:
    source = source_of(house, [row(n, 企业名称=f"{n + 1:03d}", 注册地址=f"址{n}") for n in range(6)])
    above = step(StepKind.LOOKUP, "企业名称", table=source.name, key="编号", take="注册地址", prefix="上级")
    recipe = recipe_on(house, source.name, above)
    house.run(recipe)
    source.write([row(3, 企业名称="004", 注册地址="新址")])
    run = house.run(recipe)
    assert run.making is Making.WHOLE
    assert run.why is not None
    assert "its own source" in run.why.en
    found = {one["编号"]: one["上级注册地址"] for one in house.rows(recipe.target)}
    assert (found["002"], found["003"]) == ("新址", "址4")
    assert_as_whole(house, recipe, run)


def test_a_source_whose_old_files_are_gone_makes_the_whole(house: Kitchen) -> None:
    source = source_of(house, [row(n) for n in range(6)])
    recipe = recipe_on(house, source.name, *CLEAN)
    house.run(recipe)
    lake = house.platform.gate._lake
    old = set(lake.snapshot(source.name).files)
    source.write([row(1, 人数=50)])
    for file in old - set(lake.snapshot(source.name).files):
        Path(file).unlink()
    run = house.run(recipe)
    assert run.making is Making.WHOLE
    assert run.why is not None
    assert "can no longer be read" in run.why.en
    assert_as_whole(house, recipe, run)


def test_a_step_that_must_read_everything_stops_a_run_over_changes_too(house: Kitchen) -> None:
    source = source_of(house, [row(n, 成立日期="20240101") for n in range(6)])
    recipe = recipe_on(house, source.name, step(StepKind.DATE, "成立日期", on_fault=OnFault.STOP))
    house.run(recipe)
    source.write([row(2, 成立日期="不详")])
    with pytest.raises(Conflict) as stopped:
        house.run(recipe)
    assert stopped.value.reason == "step_stops"
    source.write([row(2, 成立日期="20240102")])
    run = house.run(recipe)
    assert run.making is Making.ROWS
    assert_as_whole(house, recipe, run)


def test_a_grouping_statement_follows_only_where_little_is_concerned(house: Kitchen) -> None:
    """Finding what is touched costs more than one pass over everything, as soon as it lies all over the table."""

    def spread(number: int, **changes: object) -> dict[str, object]:
        return row(number, 盟市=f"区{number % 400}", **changes)

    def why(run: RecipeRun) -> str:
        return "" if run.why is None else run.why.en

    source = source_of(house, [spread(n) for n in range(10_000)])
    source.write([spread(n) for n in range(10_000, 12_500)])
    model = recipe_on(house, source.name, sql=GROUPED)
    house.run(model)
    source.write([spread(12_400, 人数=0)])
    near = house.run(model)
    assert (near.making, near.why, near.worked) == (Making.GROUPS, None, len(range(0, 12_500, 400)))
    assert_as_whole(house, model, near)
    source.write([spread(1, 人数=0)])
    apart = house.run(model)
    assert apart.making is Making.WHOLE, "its file holds most of the table"
    assert "many files or groups" in why(apart)
    assert_as_whole(house, model, apart)
    broad = source_of(house, [row(n) for n in range(10_000)])
    broad.write([row(n) for n in range(10_000, 12_500)])
    cities = recipe_on(house, broad.name, sql=GROUPED)
    house.run(cities)
    broad.write([row(12_400, 人数=0)])
    wide = house.run(cities)
    assert wide.making is Making.WHOLE, "its group is a third of the table"
    assert "many files or groups" in why(wide)
    assert_as_whole(house, cities, wide)
