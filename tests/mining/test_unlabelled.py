"""Models without a label explain themselves: which features move their answers, what each group is like, how groups of people fare."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from learning import FIRMS, Lab, model_of, open_lab

from beijiang.mining.models import Algorithm, LearnedModel, SetDraft, ViewUse
from beijiang.mining.models.learning import GROUP_LEAST, ModelDraft, Task
from beijiang.mining.service.learning.encoding import Encoder
from beijiang.mining.service.learning.judging import group_errors, weights_of
from beijiang.mining.service.learning.learners import fit
from beijiang.mining.service.learning.profiling import profiles_of

SIZES = (60, 40, 5)
"""Rows of three heaps: one of them holds too few to be told of."""


def heaps() -> pa.Table:
    """Return three heaps that lie apart in one number and one text; a second number says nothing."""
    dice = np.random.default_rng(7)
    middle = (0.0, 50.0, 200.0)
    high = np.concatenate([dice.normal(at, 1.0, n) for at, n in zip(middle, SIZES, strict=True)])
    trade = [word for word, n in zip(("零售", "矿业", "航天"), SIZES, strict=True) for _ in range(n)]
    return pa.table({"高": high, "行业": trade, "噪声": dice.normal(0.0, 1e-3, len(high))})


def fitted(algorithm: Algorithm, **parameters: float) -> tuple[Any, Encoder, Any]:
    table = heaps()
    encoder = Encoder.learned(table, table.column_names)
    rows = encoder.plain({name: table.column(name).combine_chunks() for name in table.column_names})
    draft = ModelDraft(
        name="x", training_set="s", algorithm=algorithm, purpose="试", limits="试", parameters=parameters, seed=3
    )
    return fit(draft, encoder, rows, np.zeros(len(rows)), 0, 1), encoder, rows


def test_groups_move_with_the_features_that_part_them_and_are_described_by_them() -> None:
    model, encoder, rows = fitted(Algorithm.K_MEANS, groups=3)
    weights = {one.name: one.mean for one in weights_of(model, encoder, Task.GROUPS, rows, np.zeros(len(rows)), 1)}
    assert weights["高"] > weights["噪声"]
    assert 0.0 <= weights["噪声"] < weights["高"] <= 1.0
    said = model.predict(rows)
    found = profiles_of(encoder, rows, said)
    assert sum(one.rows for one in found) <= len(rows)
    assert all(one.rows >= GROUP_LEAST for one in found)
    first = next(one for one in found if one.group == int(said[0]))
    traits = {one.name: one for one in first.traits}
    mine = said == said[0]
    assert float(traits["高"].words) == pytest.approx(float(rows[mine, 0].mean()), rel=1e-4)
    assert traits["高"].off == pytest.approx((rows[mine, 0].mean() - rows[:, 0].mean()) / rows[:, 0].std())
    assert traits["行业"].words == "零售"
    assert traits["行业"].share is not None
    assert traits["行业"].off == pytest.approx(traits["行业"].share - 60 / 105)
    offs = [abs(one.off) for one in first.traits]
    assert offs == sorted(offs, reverse=True)


def test_a_group_of_few_rows_is_not_told_of() -> None:
    _, encoder, rows = fitted(Algorithm.K_MEANS, groups=3)
    said = np.repeat((0.0, 1.0, 2.0), SIZES)
    found = profiles_of(encoder, rows, said)
    assert [(one.group, one.rows) for one in found] == [(0, 60), (1, 40)]
    assert "航天" not in {trait.words for one in found for trait in one.traits}


def test_scores_of_outliers_move_with_what_is_odd() -> None:
    model, encoder, rows = fitted(Algorithm.ISOLATION, trees=50)
    label = np.zeros(len(rows))
    weights = weights_of(model, encoder, Task.OUTLIERS, rows, label, 1)
    assert {one.name for one in weights} == {"高", "行业", "噪声"}
    assert all(one.mean > 0 for one in weights), "each shuffle changes some scores"
    assert weights == weights_of(model, encoder, Task.OUTLIERS, rows, label, 1), "the seed decides"
    said = model.predict(rows)
    groups = np.repeat(("甲", "乙", "丙"), SIZES)
    found = {one.group: one for one in group_errors(Task.OUTLIERS, groups, label, said)}
    assert set(found) == {"甲", "乙"}, "five rows are too few even together"
    assert found["甲"].figures["mean"] == pytest.approx(float(said[:60].mean()))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    opened = open_lab(tmp_path_factory.mktemp("unlabelled"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def models(lab: Lab) -> dict[Algorithm, LearnedModel]:
    draft = SetDraft(name="分群", table=FIRMS, views=(ViewUse(view=lab.view()),), purpose="分群", group="盟市")
    made = lab.learn("steward", draft)
    wishes = {Algorithm.K_MEANS: {"groups": 3}, Algorithm.ISOLATION: {"trees": 20}}
    train = lab.platform.learning.train_now
    return {one: train(lab["steward"], model_of(made.id, one, parameters=more)) for one, more in wishes.items()}


def test_the_card_shows_them_in_the_console_the_api_and_to_those_alone_who_see_the_rows(
    lab: Lab, models: dict[Algorithm, LearnedModel]
) -> None:
    groups, odd = models[Algorithm.K_MEANS], models[Algorithm.ISOLATION]
    assert groups.weights
    assert groups.profiles
    assert {one.group for one in groups.groups} == {"呼和浩特市", "包头市", "赤峰市", "通辽市"}
    assert odd.weights
    assert odd.curves
    assert not odd.profiles
    page = lab.browser("steward").get(f"/console/models/{groups.id}").text
    assert "各组是什么样的" in page
    assert "换组的行的比例" in page
    assert "曲线与分组只给" not in page
    told = lab.browser("steward").get(f"/api/v1/learning/models/{groups.id}").json()
    assert told["profiles"][0]["traits"]
    page = lab.browser("steward").get(f"/console/models/{odd.id}").text
    assert "没有标签，不分对错" in page
    assert "各组是什么样的" not in page
