"""Random recipes and models over random changes: what is followed comes to the same as what is made of all rows.

No worker runs beside it: Hypothesis does not bear another thread that draws random numbers while it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from followed import CITIES, GROUPED, KEYED, assert_as_whole, recipe_on, row, source_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recipe_bureau import Kitchen, step

from beijiang.build import build
from beijiang.kit import SYSTEM, FixedClock, Invalid
from beijiang.recipes import OnFault, Step, StepKind
from beijiang.settings import Settings
from beijiang.tables import WriteMode


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kitchen]:
    clock = FixedClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    built = build(Settings.for_tests(tmp_path_factory.mktemp("quiet")), clock)
    built.first_start()
    house = Kitchen(built, built.settings.home / "staging", clock)
    house.write([row(n) for n in range(3)], OTHER, KEYED)
    yield house
    built.close()


OTHER = "对照"
ITSELF = "itself"
WIDE = KEYED.append(pa.field("比值", pa.float64()))
TEXT = st.sampled_from(
    ["003", "", " 甲 ", "Ａ1", "2024-1-5", "20240301", "不详", "50(万)", "3,000万美元", "N/A", "x,y", "001"]
)
ROWS = st.lists(
    st.builds(
        lambda n, a, b, c, d, e: row(n, 企业名称=a, 成立日期=b, 注册资金=c, 盟市=d, 比值=e),
        st.integers(0, 25),
        TEXT | st.none(),
        TEXT | st.none(),
        TEXT | st.none(),
        st.sampled_from([*CITIES, " 包头市"]),
        st.sampled_from([0.5, -2.25, 1e300, float("nan"), None]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one["编号"],
)
PLAIN = [
    step(StepKind.TRIM, "企业名称", "盟市"),
    step(StepKind.NARROW, "企业名称"),
    step(StepKind.BLANK, "注册资金"),
    step(StepKind.DATE, "成立日期", on_fault=OnFault.ASIDE),
    step(StepKind.MONEY, "注册资金", amount="金额", currency="币种"),
    step(StepKind.SPLIT, "企业名称", by=",", into="前,后"),
    step(StepKind.MERGE, "盟市", "企业名称", by="/", into="并"),
    step(StepKind.FILTER, expression="人数 > 4"),
    step(StepKind.DERIVE, into="倍", expression="人数 * 2"),
    step(StepKind.DERIVE, into="半", expression="比值 / 2"),
    step(StepKind.DEDUPE, "盟市", order="人数"),
    step(StepKind.DEDUPE, "编号"),
    step(StepKind.DROP, "注册地址"),
    step(StepKind.RENAME, "编号", into="号"),
]
LOOKUPS = [
    step(StepKind.LOOKUP, "企业名称", table=ITSELF, key="编号", take="人数", prefix="上"),
    step(StepKind.LOOKUP, "盟市", table=OTHER, key="盟市", take="注册地址", prefix="另"),
]
FOLLOWED = [
    GROUPED,
    "SELECT 编号 AS 号, upper(企业名称) AS 名, 人数 + 1 AS 加 FROM {} WHERE 人数 > 3",
    "SELECT 盟市, 企业名称, COUNT(*) AS 数, AVG(人数) AS 均 FROM {} GROUP BY 盟市, 企业名称 HAVING COUNT(*) > 1",
    "SELECT x.盟市 AS 市, MIN(x.比值) AS 小, MAX(比值) FILTER (WHERE 人数 > 3) AS 大 FROM {} AS x GROUP BY 市",
    "SELECT 编号, 比值 * 2 AS 倍, 人数 || '人' AS 人 FROM {} WHERE 倍 > 0 OR 倍 IS NULL",
    "SELECT * FROM {}",
]
NAMED = [
    "SELECT 编号, CAST(x AS VARCHAR) AS 行 FROM {} x",
    "SELECT 编号 FROM {} x WHERE concat(x) LIKE '%包头%'",
    "SELECT 盟市, MAX(concat(x)) AS 行 FROM {} x GROUP BY 盟市",
    "SELECT a, g FROM {} AS x(a, b, c, d, e, f, g)",
]
THEN = [((), "SELECT * FROM {}"), ((step(StepKind.TRIM, "盟市"),), "")]
CHANGES = st.lists(
    st.tuples(
        ROWS, st.sets(st.integers(0, 25), max_size=4), st.sampled_from(["written", "compacted", "rolled back", "other"])
    ),
    min_size=1,
    max_size=2,
)


def _few(*of: list[Step], least: int) -> st.SearchStrategy[list[Step]]:
    parts = [st.lists(st.sampled_from(one), min_size=least, max_size=3, unique_by=_kind) for one in of]
    return st.tuples(*parts).map(lambda found: [one for part in found for one in part])


def _kind(one: Step) -> object:
    return one.kind, one.columns, one.params.get("into")


STEPS, MODEL = st.just([]), st.just("")
FAMILIES = {
    "steps": (_few(PLAIN, least=1), MODEL),
    "look-ups": (st.tuples(_few(LOOKUPS, least=1), _few(PLAIN, least=0)).map(lambda found: found[0] + found[1]), MODEL),
    "models": (STEPS, st.sampled_from(FOLLOWED)),
    "names": (STEPS, st.sampled_from(NAMED)),
}


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(data=st.data(), first=ROWS, changes=CHANGES, then=st.none() | st.sampled_from(THEN))
def test_following_changes_comes_to_the_same_as_working_everything(
    quiet: Kitchen,
    family: str,
    data: st.DataObject,
    first: list[dict[str, Any]],
    changes: list[tuple[list[dict[str, Any]], set[int], str]],
    then: tuple[tuple[Step, ...], str] | None,
) -> None:
    drawn, model = (data.draw(one) for one in FAMILIES[family])
    mode = data.draw(st.sampled_from([WriteMode.MERGE, WriteMode.HISTORY, WriteMode.APPEND]))
    key = () if mode is WriteMode.APPEND else ("编号",)
    source = source_of(quiet, [*first, row(99)], mode=mode, key=key, schema=WIDE)
    steps = [
        replace(one, params={**one.params, "table": source.name}) if one.params.get("table") == ITSELF else one
        for one in drawn
    ]
    try:
        made = [recipe_on(quiet, source.name, *steps, sql=model)]
    except Invalid:  # a step names a column that an earlier one took away
        return
    runs = [quiet.run(made[0])]
    if then is not None:
        with suppress(Invalid):  # the column is not in the result
            made.append(recipe_on(quiet, made[0].target, *then[0], sql=then[1]))
            runs.append(quiet.run(made[1]))
    for rows, gone, what in changes:
        stay = {one["编号"] for one in rows}
        source.write(rows, gone=[f"{n:03d}" for n in gone if key and f"{n:03d}" not in stay])
        if what == "compacted":
            quiet.platform.tables.compact(SYSTEM, source.name)
        if what == "rolled back":
            quiet.platform.tables.rollback(SYSTEM, source.name, 1, "试")
        if what == "other":
            quiet.write(rows[:1], OTHER, KEYED)
        runs = [quiet.run(one) for one in made]
    for recipe, run in zip(made, runs, strict=True):
        assert_as_whole(quiet, recipe, run)
