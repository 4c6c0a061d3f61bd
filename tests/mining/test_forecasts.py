"""Forecasts through the front door: declared, made, kept, shown through the gate, and made anew when a source is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from forecasting import MONTHLY, OWNER, PLACES, Bureau, draft, month, monthly

from beijiang.assess import Better, FigureDraft, Period, PeriodKind, ValueDraft, ValueKind
from beijiang.kit import Conflict, Denied, Invalid, NotFound
from beijiang.mining import (
    BENCHMARKS,
    Forecast,
    ForecastRun,
    Frequency,
    Method,
    RunCause,
    SourceKind,
    WhyNot,
)
from waiting import until


def until_run(bureau: Bureau, forecast_id: str, count: int) -> list[ForecastRun]:
    def runs() -> list[ForecastRun]:
        found = list(bureau.platform.forecasts.runs(bureau["steward"], forecast_id))
        return found if len(found) >= count else []

    return until(runs)


@pytest.fixture(scope="module")
def source(bureau: Bureau) -> str:
    bureau.write(monthly())
    return MONTHLY


@pytest.fixture(scope="module")
def ran(bureau: Bureau, source: str) -> tuple[Forecast, ForecastRun]:
    """Return the forecast over the source, and its first run."""
    made = bureau.save(source, on_write=False)
    return made, bureau.run(made)


def test_a_declaration_is_tried_before_it_is_kept(bureau: Bureau) -> None:
    bureau.write(monthly(), "先试一试")
    found = bureau.platform.forecasts.check(bureau["steward"], draft("先试一试"))
    assert (found.frequency, found.series, found.ready) == (Frequency.MONTH, 3, 2)
    assert found.last_period == "2024-12"
    ((key, reason),) = found.without
    assert (key, reason.why) == (("赤峰市",), WhyNot.SHORT)


def test_a_forecast_is_made_shown_beside_its_back_test_and_kept(
    bureau: Bureau, ran: tuple[Forecast, ForecastRun]
) -> None:
    forecasts, steward = bureau.platform.forecasts, bureau["steward"]
    made, run = ran
    for table in (made.target, made.tests):
        with pytest.raises(Conflict) as taken:
            bureau.platform.ingest.require_free(steward, table, OWNER)
        assert taken.value.detail["id"] == made.id
    assert (run.number, run.series, run.done, run.version) == (1, 3, 2, 1)
    assert (run.cause, run.data_version, run.last_period) == (RunCause.ASKED, "1", "2024-12")
    assert run.model.startswith("statsforecast ")
    assert run.calendar == forecasts.seasons.digest
    assert run.without == {"short": 1}
    _, lines = forecasts.series(steward, made.id)
    assert [line.key[0] for line in lines] == sorted(PLACES)
    by_place = {line.key[0]: line for line in lines}
    none = by_place["赤峰市"].without
    assert none is not None
    assert (none.why, none.facts.zh) == (WhyNot.SHORT, "有 24 期，需要 36 期。")
    view = forecasts.one_series(steward, made.id, ["包头市"])
    assert [one.period for one in view.expected] == [f"2025-{n:02}" for n in range(1, 7)]
    assert set(view.line.scores) == {*BENCHMARKS, Method.THETA}
    assert view.line.beats_naive
    assert view.past[-1][0] == "2024-12"
    assert view.kept == []

    rows = monthly(87)
    bureau.write(rows)
    bureau.clock.advance(timedelta(days=1))
    second = bureau.run(made)
    assert (second.number, second.data_version, second.last_period) == (2, "2", "2025-03")
    later = forecasts.one_series(steward, made.id, ["包头市"])
    came = {row["月份"]: row["零售额"] for row in rows if row["地区"] == "包头市"}
    assert [(one.forecast.run, one.forecast.period) for one in later.kept] == [(1, f"2025-{n:02}") for n in (1, 2, 3)]
    for one in later.kept:
        assert one.actual == came[one.forecast.period]
        assert one.error is not None
        assert abs(one.error) < 0.1
    before = forecasts.one_series(steward, made.id, ["包头市"], number=1)
    assert before.expected == view.expected


def test_the_results_are_tables_as_sensitive_as_their_source(bureau: Bureau, ran: tuple[Forecast, ForecastRun]) -> None:
    made = ran[0]
    grades = bureau.platform.protection.grades_of
    for table in (made.target, made.tests):
        info = bureau.platform.tables.get(bureau["steward"], table)
        assert info.org_id == OWNER
        with pytest.raises(NotFound):
            bureau.platform.tables.get(bureau["stranger"], table)
    source = {name: str(grade) for name, grade in grades(MONTHLY).items()}
    target = {name: str(grade) for name, grade in grades(made.target).items()}
    assert target["预测值"] >= source["零售额"]
    assert target["地区"] >= source["地区"]


def test_others_see_nothing_and_may_do_nothing(bureau: Bureau, ran: tuple[Forecast, ForecastRun]) -> None:
    forecasts = bureau.platform.forecasts
    made = forecasts.forecast(bureau["steward"], ran[0].target)
    seen = [one.id for one in forecasts.forecasts(bureau["analyst"])]
    assert made.id in seen
    assert seen == [one.id for one in forecasts.forecasts(bureau["steward"])]
    assert forecasts.forecasts(bureau["stranger"]) == []
    for name in (made.id, made.target, "fct_made_up"):
        with pytest.raises(NotFound) as hidden:
            forecasts.forecast(bureau["stranger"], name)
        assert hidden.value.reason == "forecast_not_found"
    with pytest.raises(NotFound):
        forecasts.one_series(bureau["stranger"], made.id, ["包头市"])
    with pytest.raises((Denied, NotFound)):
        forecasts.check(bureau["stranger"], draft())
    with pytest.raises(Denied):
        forecasts.run(bureau["analyst"], made.id)
    with pytest.raises(Denied):
        forecasts.save(bureau["analyst"], draft(target="别的"))


def test_a_source_of_many_rows_is_read_whole(bureau: Bureau) -> None:
    """Some exits hand over a few thousand rows and no more; what is computed must be of all of them."""
    rows = [{**row, "地区": f"{row['地区']}{n}"} for n in range(30) for row in monthly(100)]
    assert len(rows) > 5_000
    bureau.write(rows, "很多行")
    found = bureau.platform.forecasts.check(bureau["steward"], draft("很多行"))
    assert (found.series, found.ready) == (90, 60)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"period": "没有"}, "forecast_column"),
        ({"period": "地区", "series": ()}, "forecast_periods"),
        ({"value": ""}, "forecast_unfit"),
        ({"horizon": 99}, "forecast_unfit"),
        ({"series": ("月份",)}, "forecast_unfit"),
        ({"target": " "}, "forecast_unfit"),
        ({"target": MONTHLY}, "forecast_target_taken"),
    ],
)
@pytest.mark.usefixtures("source")
def test_what_cannot_be_used_is_refused(bureau: Bureau, changes: dict[str, Any], code: str) -> None:
    with pytest.raises((Invalid, Conflict)) as refused:
        bureau.platform.forecasts.save(bureau["steward"], draft(**{"target": "新的预测", **changes}))
    assert refused.value.reason == code
    assert refused.value.text.zh
    assert refused.value.text.en


def test_a_written_source_makes_the_forecast_anew_once(bureau: Bureau) -> None:
    table = "随写随做"
    bureau.write(monthly(60), table)
    made = bureau.save(table)
    bureau.run(made)
    bureau.write(monthly(61), table)
    runs = until_run(bureau, made.id, 2)
    assert (runs[0].cause, runs[0].number, runs[0].last_period) == (RunCause.WRITTEN, 2, "2023-01")
    event_again = bureau.platform.forecasts
    job = event_again._submit(made.owner, made, RunCause.WRITTEN, "again")
    assert bureau.platform.jobs.wait(job).result == {"nothing": True}


def test_a_forecast_that_cannot_be_made_says_so_and_writes_nothing(bureau: Bureau) -> None:
    table = "坏了的来源"
    bureau.write(monthly(60), table)
    made = bureau.save(table, on_write=False)
    bureau.write([{**row, "月份": "合计"} for row in monthly(60)[:5]] + monthly(60), table)
    with pytest.raises(Conflict):
        bureau.run(made)
    (run,) = bureau.platform.forecasts.runs(bureau["steward"], made.id)
    assert run.version is None
    assert run.error is not None
    assert "1 种" in run.error.zh
    assert "合计" not in run.error.zh, "what stands in the table is shown by the gate alone"
    assert bureau.platform.forecasts.series(bureau["steward"], made.id) == (None, [])


def test_doubles_and_a_changed_definition_are_named(bureau: Bureau) -> None:
    table = "毛病"
    rows = monthly(60)
    twice = next(row for row in rows if row["地区"] == "包头市")
    rows.append({**twice, "零售额": 1.0})
    for row in rows:
        if row["地区"] == "呼和浩特市" and row["月份"] >= "2021-06":
            row["口径"] = "二"
    bureau.write(rows, table)
    found = bureau.platform.forecasts.check(bureau["steward"], draft(table, definition="口径"))
    said = {key[0]: (reason.why, reason.facts.zh) for key, reason in found.without}
    assert said["包头市"] == (WhyNot.DOUBLED, "重复的期间：2018-01。")
    assert said["呼和浩特市"][0] is WhyNot.REDEFINED
    assert "2021-06" in said["呼和浩特市"][1]


def test_a_value_that_was_corrected_since_is_no_second_value_of_its_period(bureau: Bureau) -> None:
    table = "留历史的表"
    rows = monthly(60)
    bureau.write(rows, table, key=("月份", "地区"))
    corrected = next(row for row in rows if row["地区"] == "包头市" and row["月份"] == "2022-12")
    corrected["零售额"] *= 1.5
    bureau.write(rows, table, key=("月份", "地区"))
    found = bureau.platform.forecasts.check(bureau["steward"], draft(table))
    assert WhyNot.DOUBLED not in {reason.why for _, reason in found.without}
    made = bureau.save(table, on_write=False)
    bureau.run(made)
    view = bureau.platform.forecasts.one_series(bureau["steward"], made.id, ["包头市"])
    assert dict(view.past)["2022-12"] == corrected["零售额"]


def test_a_source_with_one_figure_at_a_time_has_its_series_in_its_history(bureau: Bureau) -> None:
    """The bureau overwrites the figure of last year; a corrected one, and a slip of the pen, are not told twice."""
    table = "只有当年的表"
    years = [[{"月份": f"{2010 + n}年", "地区": "包头市", "零售额": 50.0 + n + n % 3, "口径": "一"}] for n in range(12)]
    slip, wrong = [{**years[3][0], "月份": "2013年28月"}], [{**years[6][0], "零售额": 1.0}]
    for rows in [*years[:3], slip, *years[3:6], wrong, *years[6:]]:
        bureau.write(rows, table, key=("地区",))
    found = bureau.platform.forecasts.check(bureau["steward"], draft(table))
    assert (found.frequency, found.series, found.ready, found.last_period) == (Frequency.YEAR, 1, 1, "2021")
    made = bureau.save(table, on_write=False)
    bureau.run(made)
    past = bureau.platform.forecasts.one_series(bureau["steward"], made.id, ["包头市"]).past
    assert past == [(str(2010 + n), rows[0]["零售额"]) for n, rows in enumerate(years)]


def test_who_is_not_shown_when_states_ended_reads_those_that_hold_now(bureau: Bureau) -> None:
    table, rows = "不见截止时刻的表", [row for row in monthly(60) if row["地区"] == "包头市"]
    bureau.write([{**rows[0], "零售额": 1.0}, *rows[1:]], table, key=("月份", "地区"))
    bureau.write(rows, table, key=("月份", "地区"))
    made = bureau.save(table, on_write=False)
    bureau.run(made)
    bureau.platform.protection.correct(bureau["steward"], table, "valid_to", level="L4", reason="不对外")
    view = bureau.platform.forecasts.one_series(bureau["steward"], made.id, ["包头市"])
    assert view.past == [(row["月份"], row["零售额"]) for row in rows]


def test_revisions_are_kept_and_a_retired_forecast_is_gone_but_its_tables_stay(bureau: Bureau) -> None:
    forecasts, steward, table = bureau.platform.forecasts, bureau["steward"], "改与停"
    bureau.write(monthly(60), table)
    made = bureau.save(table, on_write=False)
    bureau.run(made)
    with pytest.raises(Invalid):
        forecasts.change(steward, made.id, draft(table, horizon=3), " ")
    changed = forecasts.change(steward, made.id, draft(table, horizon=3, series=()), "只看一个季度")
    assert (changed.revision, changed.horizon, changed.series) == (2, 3, ("地区",))
    assert [one.revision for one in forecasts.history(steward, made.id)] == [1, 2]
    run = bureau.run(replace(made, revision=2))
    assert run.revision == 2
    assert len(forecasts.one_series(steward, made.id, ["包头市"]).expected) == 3
    forecasts.retire(steward, made.id, "不再需要")
    with pytest.raises(NotFound):
        forecasts.forecast(steward, made.id)
    assert bureau.platform.tables.get(steward, made.target).version == 2


def test_an_indicator_is_forecast_from_what_was_released(bureau: Bureau) -> None:
    figures, forecasts = bureau.platform.figures, bureau.platform.forecasts
    steward, approver = bureau["steward"], bureau["approver"]
    figures.define(
        steward,
        FigureDraft(
            code="retail_sales",
            name_zh="零售额",
            name_en="Retail sales",
            definition="限额以上",
            unit_zh="亿元",
            unit_en="100 million yuan",
            period_kind=PeriodKind.MONTH,
            value_kind=ValueKind.LEVEL,
            better=Better.HIGHER,
            org_id=OWNER,
        ),
        "新指标",
    )
    rows = [row for row in monthly(60) if row["地区"] == "包头市"]

    def report(some: list[dict[str, Any]]) -> None:
        drafts = [ValueDraft(code="retail_sales", period=Period.parse(r["月份"]), value=str(r["零售额"])) for r in some]
        made = figures.report(steward, drafts)
        figures.decide(approver, [one.id for one in made], approve=True)

    report(rows[:-1])
    assert [one.code for one in forecasts.known_indicators(steward)] == ["retail_sales"]
    wanted = draft("retail_sales", kind=SourceKind.INDICATOR, target="零售额指标_预测", series=(), period="", value="")
    made = forecasts.save(steward, wanted)
    first = bureau.run(made)
    assert (first.frequency, first.series, first.done) == (Frequency.MONTH, 1, 1)
    view = forecasts.one_series(steward, made.id, ["150000", ""])
    assert view.past[-1] == (month(58), rows[58]["零售额"])
    assert len(view.expected) == 6
    assert [one.id for one in forecasts.of_indicator(bureau["analyst"], "retail_sales")] == [made.id]
    report(rows[-1:])
    runs = until_run(bureau, made.id, 2)
    assert runs[0].data_version != first.data_version
    assert runs[0].last_period == month(59)
    kept = forecasts.one_series(steward, made.id, ["150000", ""]).kept
    assert [(one.forecast.run, one.forecast.period) for one in kept] == [(1, month(59))]
