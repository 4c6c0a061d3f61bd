"""How one rule judges the readings of one sensor: levels, hysteresis, trends, order of time, and what is remembered."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beijiang.kit import BeijiangError
from beijiang.mining import KeyState, RuleDraft, RuleKind, Severity, Side, TrendMeasure, judge, silent
from beijiang.mining.models.judging import PARTS

NOW = 1_900_000_000.0
BASE = 1_800_000_000.0


def draft(kind: RuleKind = RuleKind.THRESHOLD, **words: Any) -> RuleDraft:
    return RuleDraft(name="规则", kind=kind, key="传感器", time="时间", **{"value": "温度", **words}).checked()


def turns(
    rule: RuleDraft, *readings: tuple[float, float | None], state: KeyState | None = None
) -> list[tuple[bool, float]]:
    state = KeyState() if state is None else state
    return [(t.raised, t.at - BASE) for t in judge(rule, state, [(BASE + at, value) for at, value in readings], NOW)]


def test_a_level_is_raised_at_and_cleared_past_the_lower_one() -> None:
    rule = draft(level=30, clear=28)
    assert turns(rule, (0, 29.9), (1, 30), (2, 29), (3, 28), (4, 27.9), (5, 29.9), (6, 31)) == [
        (True, 1), (False, 4), (True, 6),
    ]  # fmt: skip


def test_low_values_are_the_mirror_of_high_ones() -> None:
    rule = draft(level=5, clear=8, side=Side.BELOW)
    assert turns(rule, (0, 6), (1, 5), (2, 8), (3, 8.1)) == [(True, 1), (False, 3)]


def test_every_reading_must_be_beyond_for_the_time_of_hold() -> None:
    rule = draft(level=30, hold=60)
    assert turns(rule, (0, 31), (30, 29), (40, 31), (99, 31), (100, 31)) == [(True, 100)]


def test_an_alert_ends_after_settling_and_not_before_its_least_time() -> None:
    rule = draft(level=30, clear=28, settle=20, least=100)
    assert turns(rule, (0, 31), (10, 20), (25, 29), (40, 20), (70, 20), (99, 20), (101, 20)) == [
        (True, 0),
        (False, 101),
    ]


def test_a_late_reading_decides_nothing_and_is_counted() -> None:
    state = KeyState()
    rule = draft(level=30)
    assert turns(rule, (10, 20), state=state) == []
    assert turns(rule, (5, 99), (10, 99), (11, 20), state=state) == []
    assert state.late == 2
    assert state.at == BASE + 11


def test_a_reading_from_the_future_does_not_silence_its_sensor() -> None:
    state = KeyState()
    rule = draft(level=30)
    assert judge(rule, state, [(NOW + 86_400, 99.0)], NOW) == []
    assert state.late == 1
    assert [t.at for t in judge(rule, state, [(NOW, 99.0)], NOW)] == [NOW]


def test_a_missing_value_decides_nothing_but_the_sensor_was_heard() -> None:
    state = KeyState()
    assert judge(draft(level=30), state, [(BASE, None), (BASE + 1, math.nan)], NOW) == []
    assert (state.at, state.heard) == (None, NOW)


def test_the_worst_figure_is_kept_until_the_end() -> None:
    found = judge(draft(level=30, clear=28), KeyState(), [(BASE, 31.0), (BASE + 1, 39.0), (BASE + 2, 27.0)], NOW)
    assert [(t.raised, t.peak) for t in found] == [(True, 31.0), (False, 39.0)]


def test_a_jump_against_the_mean_of_the_window_is_a_break() -> None:
    rule = draft(RuleKind.TREND, level=5, window=600, readings=5)
    flat = [(float(at), 20.0) for at in range(0, 300, 30)]
    assert turns(rule, *flat, (300, 26)) == [(True, 300)]
    assert turns(rule, *flat[:4], (300, 26)) == []


def test_a_slope_is_per_hour_and_exact() -> None:
    rule = draft(RuleKind.TREND, measure=TrendMeasure.SLOPE, level=11.9, window=3600, readings=5)
    climbing = [(at * 60.0, 10 + at * 0.2) for at in range(30)]  # 12 an hour
    found = judge(rule, KeyState(), [(BASE + at, v) for at, v in climbing], NOW)
    assert len(found) == 1
    assert found[0].figure == pytest.approx(12.0, rel=1e-6)


def test_what_left_the_window_is_forgotten() -> None:
    rule = draft(RuleKind.TREND, level=5, window=600, readings=2)
    state = KeyState()
    turns(rule, *((float(at), 100.0) for at in range(0, 60, 10)), state=state)
    turns(rule, *((float(at), 20.0) for at in range(2000, 2060, 10)), state=state)
    assert turns(rule, (2060, 26), state=state) == [(True, 2060)]
    assert len(state.parts) <= PARTS


@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(-50, 50)), min_size=1, max_size=60, unique_by=lambda r: r[0]))
def test_batches_of_any_size_come_to_the_same(readings: list[tuple[int, float]]) -> None:
    """The state goes through JSON between batches, as it does in the database."""
    ordered = sorted((BASE + at, value) for at, value in readings)
    for rule in (draft(level=20, clear=10, hold=30), draft(RuleKind.TREND, level=10, window=600, readings=3)):
        whole = judge(rule, KeyState(), ordered, NOW)
        state, parts = KeyState(), []
        for one in ordered:
            parts += judge(rule, state, [one], NOW)
            state = KeyState.from_json(state.to_json())
        assert parts == whole


@given(st.lists(st.tuples(st.integers(0, 590), st.floats(-50, 50)), min_size=6, max_size=40, unique_by=lambda r: r[0]))
def test_a_window_counts_late_readings_too(readings: list[tuple[int, float]]) -> None:
    """In whatever order readings come, the window holds the same sums."""
    rule = draft(RuleKind.TREND, level=1e9, window=7200)
    one, other = KeyState(), KeyState()
    for at, value in readings:
        judge(rule, one, [(BASE + at, value)], NOW)
    for at, value in sorted(readings):
        judge(rule, other, [(BASE + at, value)], NOW)
    assert one.parts.keys() == other.parts.keys()
    for name, part in one.parts.items():
        assert part == pytest.approx(other.parts[name], rel=1e-9, abs=1e-6)


def test_silence_counts_from_the_last_reading_or_from_when_somebody_listens() -> None:
    rule = draft(RuleKind.MISSING, value="", silence=60)
    state = KeyState()
    judge(rule, state, [(BASE, None)], NOW)
    assert silent(rule, state, 0.0, NOW + 59) is None
    assert silent(rule, state, NOW + 30, NOW + 60) is None
    missed = silent(rule, state, 0.0, NOW + 60)
    assert missed is not None
    assert missed.since == BASE
    assert silent(rule, state, 0.0, NOW + 90) is None
    assert [t.raised for t in judge(rule, state, [(BASE + 5, None)], NOW + 100)] == [False]


def test_quiet_hours_go_over_midnight_and_spare_nothing_critical() -> None:
    from datetime import datetime, timedelta

    rule = draft(quiet="22:00-06:00")
    day = datetime.fromisoformat("2026-11-27T00:00+08:00")
    assert [rule.is_quiet(day + timedelta(hours=h)) for h in (0, 5.9, 6, 21.9, 22)] == [True, True, False, False, True]
    assert not draft(quiet="22:00-06:00", severity=Severity.CRITICAL).is_quiet(day)


def test_a_text_fills_its_places_and_runs_nothing() -> None:
    rule = draft(zh="{sensor} 到了 {value}", en="{sensor} at {value} of {level}")
    told = {"sensor": "{value}", "value": "31", "level": "30", "time": "", "rule": ""}
    assert rule.says(told).zh == "{value} 到了 31"
    assert rule.says(told).en == "{value} at 31 of 30"


@pytest.mark.parametrize(
    "words",
    [
        {"name": " "},
        {"level": 30, "clear": 31},
        {"level": 30, "clear": 29, "side": "below"},
        {"hold": -1},
        {"window": 5},
        {"quiet": "25:00-06:00"},
        {"zh": "{sensor.__class__}"},
        {"value": ""},
        {"level": "nan"},
        {"kind": "guess"},
        {"unknown": 1},
        {"silence": "soon"},
    ],
)
def test_a_rule_that_does_not_fit_is_refused(words: dict[str, Any]) -> None:
    said = {"name": "规则", "kind": "threshold", "key": "传感器", "time": "时间", "value": "温度", **words}
    with pytest.raises(BeijiangError) as refused:
        RuleDraft.from_json(said)
    assert refused.value.reason == "stream_rule_unfit"


def test_a_rule_comes_back_from_json_as_it_went() -> None:
    rule = draft(RuleKind.TREND, level=5.5, clear=3, sensors=("a", "b"), quiet="22:00-06:00", zh="{sensor}")
    assert RuleDraft.from_json(rule.to_json()) == rule
