"""Values of statistical indicators from a query over governed tables: its text with the period put in, its rows read."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from beijiang.assess.models import REGION, ValueDraft, read_number
from beijiang.kit import Invalid, Refused
from beijiang.protection import ControlRule, asks

if TYPE_CHECKING:
    from beijiang.assess.models import Figure, Period, Stage
    from beijiang.protection import SqlResult

__all__ = ["drafts_of", "with_period"]

ROWS_MOST: Final = 5_000


def with_period(sql: str, period: Period) -> str:
    """Return a query with ``:first``, ``:last`` (days) and ``:period`` (text) put in as literals of its tree.

    Raises:
        Invalid: there is no query, it cannot be read, or it has another parameter (``bad_formula``).

    """
    import sqlglot
    from sqlglot import exp

    values = {
        "first": exp.cast(exp.Literal.string(period.first.isoformat()), "date"),
        "last": exp.cast(exp.Literal.string(period.last.isoformat()), "date"),
        "period": exp.Literal.string(str(period)),
    }

    def put(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Placeholder):
            return node
        name = str(node.this or "").lower()
        if name not in values:
            raise _bad(f"参数 :{name[:40]} 不认识", f"the parameter :{name[:40]} is unknown")
        return values[name].copy()

    try:
        trees = sqlglot.parse(sql, read="duckdb") if sql.strip() else []
    except sqlglot.errors.SqlglotError:
        trees = []
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise _bad("须是一条 SELECT 查询", "it is one SELECT")
    return str(trees[0].transform(put).sql(dialect="duckdb"))


def drafts_of(answer: SqlResult, figure: Figure, period: Period, stage: Stage, day: date) -> list[ValueDraft]:
    """Return the rows of an answer as values: a column ``value``, and ``region`` and ``dimension`` if there are some.

    Sums and counts that tell of nobody are graded lower than what they were made of, so that they pass on the ``day``.

    Raises:
        Refused: the answer is of a grade that gives no statistic (``figure_graded``).
        Invalid: no row, too many, no column ``value``, or an empty or unfit one (``bad_formula``).

    """
    if asks(ControlRule.NO_FIGURE, answer.grade, day):
        raise Refused(
            f"查询结果为 {answer.grade} 级，不能作为统计指标发布。请改为不涉及个人的计数或汇总。",
            f"The answer is graded {answer.grade} and is not released as a statistic. Count or sum what tells of nobody.",
            code="figure_graded",
        )
    if "value" not in answer.columns or answer.truncated or not 0 < answer.rows.num_rows <= ROWS_MOST:
        raise _bad(
            f"结果须有 1 到 {ROWS_MOST} 行和一列 value（可另有 region、dimension）",
            f"it gives 1 to {ROWS_MOST} rows with a column value, and region and dimension if wanted",
        )
    return [
        ValueDraft(
            code=figure.code,
            period=period,
            region=_word(row.get("region")) or REGION,
            dimension=_word(row.get("dimension")),
            stage=stage,
            value=_number(row["value"]),
            source=f"查询 / query {', '.join(answer.tables)} ({answer.receipt})"[:1000],
        )
        for row in answer.rows.to_pylist()
    ]


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _bad("value 须为数值且不为空", "value is a number and not empty")
    return read_number(repr(value) if isinstance(value, float) else str(value))


def _word(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return "" if value is None else str(value).strip()


def _bad(zh: str, en: str) -> Invalid:
    return Invalid(f"指标的查询不能用：{zh}。", f"The indicator's query cannot be used: {en}.", code="bad_formula")
