"""Scores are computed from raw counts, by weights that are data, and say what they rest on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from beijiang.kit import Denied, Invalid, Text
from beijiang.quality import Fact, Kind, Outcome, Scorecard, Severity, score

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import Bureau, firm

CODES = tuple(
    f"{d:02}{n:02}" for d, most in ((1, 6), (2, 2), (3, 5), (4, 2), (5, 3), (6, 2)) for n in range(1, most + 1)
)
CARD = Scorecard(version=1, name=Text("默认", "default"))


def fact(indicator: str, a: int, b: int, **words: object) -> Fact:
    return Fact(indicator=indicator, a=a, b=b, **{"outcome": Outcome.PASSED, "rule_id": "r", **words})  # type: ignore[arg-type]


def test_what_falls_counts_the_other_way_and_what_was_not_assessed_not_at_all() -> None:
    mark = score([fact("0301", 90, 100), fact("0303", 10, 100), fact("0201", 0, 0)], CODES, CARD)
    by = {i.code: i.score for d in mark.dimensions for i in d.indicators}
    assert (by["0301"], by["0303"], by["0201"]) == (90.0, 90.0, None)
    assert (mark.total, mark.assessed) == (90.0, 2)
    assert [d.code for d in mark.dimensions if d.score is not None] == ["03"]
    assert score([], CODES, CARD).total is None


def test_rules_of_one_indicator_are_added_up_before_they_are_divided() -> None:
    mark = score([fact("0201", 1, 1), fact("0201", 0, 99)], CODES, CARD)
    assert mark.total == pytest.approx(1.0)


def test_weights_and_the_cap_of_a_failing_critical_rule() -> None:
    facts = [
        fact("0201", 100, 100),
        fact("0301", 99, 100, severity=Severity.CRITICAL, outcome=Outcome.FAILED),
        fact("0302", 100, 100),
    ]
    card = Scorecard(
        version=2, name=CARD.name, dimensions={"02": 1, "03": 3}, indicators={"0301": 2, "0302": 1}, critical_cap=60
    )
    mark = score(facts, CODES, card)
    accuracy = next(d for d in mark.dimensions if d.code == "03")
    assert (accuracy.score, accuracy.capped) == (60, True)
    assert mark.total == pytest.approx((100 + 3 * 60) / 4)
    free = score(facts, CODES, Scorecard(version=3, name=CARD.name, indicators={"0301": 2}))
    assert next(d.score for d in free.dimensions if d.code == "03") == pytest.approx((2 * 99 + 100) / 3)


def test_a_rule_that_ended_in_an_error_is_left_out_or_counts_as_nothing() -> None:
    facts = [fact("0201", 80, 100), fact("0201", 0, 0, outcome=Outcome.ERROR)]
    assert score(facts, CODES, CARD).total == 80
    strict = Scorecard(version=2, name=CARD.name, failed_runs_count=True)
    assert score(facts, CODES, strict).total == 40


def test_another_scorecard_computes_old_runs_anew(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    bureau.write([firm(0, 盟市=None), firm(1)])
    bureau.add(Kind.NOT_NULL, "盟市")
    bureau.check()
    before = quality.report(bureau.steward, "企业登记信息")
    assert before.score is not None
    assert before.score.scorecard == 1
    weights = {d.code: 1.0 if d.code == "02" else 0.0 for d in before.score.dimensions}
    card = Scorecard(version=0, name=Text("只看完整性", "completeness only"), dimensions=weights)
    with pytest.raises(Denied):
        quality.set_scorecard(bureau.steward, card, "x")
    with pytest.raises(Invalid):
        quality.set_scorecard(bureau.reviewer, Scorecard(version=0, name=CARD.name, indicators={"0701": 1}), "x")
    assert quality.set_scorecard(bureau.reviewer, card, "专项检查").version == 2
    after = quality.report(bureau.steward, "企业登记信息")
    assert after.score is not None
    assert (after.score.total, after.score.scorecard) == (50.0, 2)
    assert [total for _, _, total in after.trend][-1] == 50.0
    assert [c.version for c in quality.scorecards(bureau.steward)] == [2, 1]
    assert len(quality.presets()) == 3
