"""Random recipes and models over random changes: what is followed comes to the same as what is made of all rows.

No worker runs beside it: Hypothesis does not bear another thread that draws random numbers while it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from followed import CITIES, GROUPED, assert_as_whole, recipe_on, row, source_of
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
    yield Kitchen(built, built.settings.home / "staging", clock)
    built.close()


TEXT = st.sampled_from(["", " 甲 ", "Ａ1", "2024-1-5", "20240301", "不详", "50(万)", "3,000万美元", "N/A", "x,y"])
ROWS = st.lists(
    st.builds(
        lambda n, a, b, c, d: row(n, 企业名称=a, 成立日期=b, 注册资金=c, 盟市=d),
        st.integers(0, 25),
        TEXT | st.none(),
        TEXT | st.none(),
        TEXT | st.none(),
        st.sampled_from([*CITIES, " 包头市"]),
    ),
    max_size=6,
    unique_by=lambda one: one["编号"],
)
STEPS = st.lists(
    st.sampled_from(
        [
            step(StepKind.TRIM, "企业名称", "盟市"),
            step(StepKind.NARROW, "企业名称"),
            step(StepKind.BLANK, "注册资金"),
            step(StepKind.DATE, "成立日期", on_fault=OnFault.ASIDE),
            step(StepKind.MONEY, "注册资金", amount="金额", currency="币种"),
            step(StepKind.SPLIT, "企业名称", by=",", into="前,后"),
            step(StepKind.MERGE, "盟市", "企业名称", by="/", into="并"),
            step(StepKind.FILTER, expression="人数 > 4"),
            step(StepKind.DERIVE, into="倍", expression="人数 * 2"),
            step(StepKind.DEDUPE, "盟市", order="人数"),
            step(StepKind.DEDUPE, "编号"),
            step(StepKind.DROP, "注册地址"),
            step(StepKind.RENAME, "编号", into="号"),
        ]
    ),
    max_size=4,
    unique_by=lambda one: (one.kind, one.columns),
)
MODELS = st.sampled_from(
    [
        GROUPED,
        "SELECT 编号 AS 号, upper(企业名称) AS 名, 人数 + 1 AS 加 FROM {} WHERE 人数 > 3",
        "SELECT 盟市, 企业名称, COUNT(*) AS 数, AVG(人数) AS 均 FROM {} GROUP BY 盟市, 企业名称 HAVING COUNT(*) > 1",
        "SELECT * FROM {}",
    ]
)
CHANGES = st.lists(st.tuples(ROWS, st.sets(st.integers(0, 25), max_size=4), st.booleans()), min_size=1, max_size=2)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(first=ROWS, steps=STEPS, model=st.none() | MODELS, changes=CHANGES, history=st.booleans())
def test_following_changes_comes_to_the_same_as_working_everything(
    quiet: Kitchen,
    first: list[dict[str, Any]],
    steps: list[Step],
    model: str | None,
    changes: list[tuple[list[dict[str, Any]], set[int], bool]],
    *,
    history: bool,
) -> None:
    source = source_of(quiet, [*first, row(99)], mode=WriteMode.HISTORY if history else WriteMode.MERGE)
    try:
        recipe = recipe_on(quiet, source.name, *steps, sql=model or "")
    except Invalid:  # a step names a column that an earlier one took away
        return
    run = quiet.run(recipe)
    for rows, gone, compacts in changes:
        stay = {one["编号"] for one in rows}
        source.write(rows, gone=[f"{n:03d}" for n in gone if f"{n:03d}" not in stay])
        if compacts:
            quiet.platform.tables.compact(SYSTEM, source.name)
        run = quiet.run(recipe)
    assert_as_whole(quiet, recipe, run)
