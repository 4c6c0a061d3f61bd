"""What forecasts refuse."""

from __future__ import annotations

from collections.abc import Sequence

from beijiang.kit import Conflict, Invalid, NotFound, Refused

__all__ = [
    "column_missing",
    "masked",
    "no_forecast",
    "no_periods",
    "no_series",
    "reserved",
    "target_taken",
    "too_many_series",
    "unfit_forecast",
]


def no_forecast() -> NotFound:
    """Return the error for a forecast that is unknown, retired or somebody else's."""
    return NotFound(
        "没有这项预测，或者您无权查看。",
        "There is no such forecast, or you may not see it.",
        code="forecast_not_found",
    )


def no_series() -> NotFound:
    """Return the error for a series that a run does not have."""
    return NotFound(
        "这次运行中没有这条序列。请从序列列表中选择。",
        "This run has no such series. Choose one of its list.",
        code="series_not_found",
    )


def unfit_forecast(zh: str, en: str) -> Invalid:
    """Return the error for a declaration that cannot be used."""
    return Invalid(zh, en, code="forecast_unfit")


def column_missing(table: str, column: str) -> Invalid:
    """Return the error for a column that a source does not have."""
    return Invalid(
        f"表“{table}”中没有列“{column}”。请从该表的列中选择。",
        f'The table "{table}" has no column "{column}". Choose one of its columns.',
        code="forecast_column",
        detail={"table": table, "column": column},
    )


def reserved(column: str) -> Invalid:
    """Return the error for a series column whose name the results need."""
    return Invalid(
        f"序列列“{column}”与结果表的列同名。请先用加工配方改名。",
        f'The series column "{column}" has the name of a column of the results. Rename it by a recipe first.',
        code="forecast_column",
        detail={"column": column},
    )


def masked(table: str, columns: Sequence[str]) -> Refused:
    """Return the error for columns that a reader sees masked: nothing can be computed of them."""
    named = "、".join(columns)
    return Refused(
        f"表“{table}”的列“{named}”对您是脱敏的，不能据以预测。请由能看原值的人设定，或换用其他列。",
        f'The columns {named} of "{table}" are masked for you, so nothing can be forecast from them. Have it declared by somebody who sees them, or use other columns.',
        code="forecast_masked",
    )


def no_periods(table: str, column: str) -> Invalid:
    """Return the error for a column that holds no periods."""
    return Invalid(
        f"“{table}”的列“{column}”不是期间：月度写作 2026-10 或 2026年10月，季度 2026Q3，年度 2026，或用日期。",
        f'The column "{column}" of "{table}" holds no periods: write a month as 2026-10, a quarter as 2026Q3, a year as 2026, or use dates.',
        code="forecast_periods",
    )


def target_taken(table: str) -> Conflict:
    """Return the error for a table that is filled from elsewhere."""
    return Conflict(
        f"表“{table}”已由别处写入。请为预测结果另取表名。",
        f'The table "{table}" is filled from elsewhere. Choose another name for the results.',
        code="forecast_target_taken",
    )


def too_many_series(found: int, most: int) -> Invalid:
    """Return the error for a source of too many series."""
    return Invalid(
        f"共有 {found:,} 条序列，一次最多预测 {most:,} 条。请先汇总或筛选，或检查序列列。",
        f"There are {found:,} series, and at most {most:,} are forecast at once. Sum or filter first, or look at the series columns.",
        code="forecast_too_many",
    )
