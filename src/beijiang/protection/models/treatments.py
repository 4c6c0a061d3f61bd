"""Chosen masks as expressions of the query tree; every engine gets the same numbers and texts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from sqlglot import exp

from beijiang.engine.checksums import full_match, long
from beijiang.protection.models.choices import MaskFunction, Parameter, number_of, plain
from beijiang.protection.models.masks import SQL_TYPES, STARS, rounded, shape_of

__all__ = ["treated"]

_EXACT: Final = "9e15"
"""Below it a double holds every whole number, and floors fit an integer of 64 bits."""
_TIERS: Final = {"province": 2, "prefecture": 4, "county": 6}


def treated(
    function: MaskFunction, parameters: Mapping[str, Parameter], column: exp.Expr, kind: str, mask: str
) -> tuple[exp.Expr, str]:
    """Return the expression of a chosen mask without a key, and the type of its values.

    ``mask`` is the default mask of the column: where that hides values of another shape whole, a chosen one does too.
    """
    number = _NUMBERS.get(function)
    if number is not None:
        return number(column, parameters, kind)
    value = column if kind == "text" else exp.cast(column, "VARCHAR", dialect="duckdb")
    if function is MaskFunction.REGION_UP:
        return _region_up(value, _TIERS[str(parameters["tier"])]), "text"
    front, back = ("length", "") if function is MaskFunction.TRUNCATE else ("prefix", "suffix")
    kept = _ends(value, int(number_of(parameters, front)), int(number_of(parameters, back)) if back else 0)
    return _shaped(value, mask, kept), "text"


def suppressed(kind: str) -> tuple[exp.Expr, str]:
    """Return no value, in the type that the column has."""
    word = kind if kind in SQL_TYPES else "text"
    return exp.cast(
        exp.null(), SQL_TYPES.get(kind, "VARCHAR"), dialect="duckdb"
    ), "double" if word == "decimal" else word


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _whole(value: int) -> exp.Expr:
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))


def _double(number: float | str) -> exp.Expr:
    return exp.cast(_text(str(number)), "DOUBLE")


def _glue(parts: Sequence[exp.Expr]) -> exp.Expr:
    glued = parts[0]
    for part in parts[1:]:
        glued = exp.DPipe(this=glued, expression=part)
    return glued


def _unless_null(value: exp.Expr, case: exp.Case) -> exp.Expr:
    is_null = exp.If(this=exp.Is(this=value.copy(), expression=exp.null()), true=exp.null())
    case.set("ifs", [is_null, *case.args["ifs"]])
    return case


def _shaped(value: exp.Expr, mask: str, shown: exp.Expr) -> exp.Expr:
    """Show values of the column's own shape; whatever else stands there is hidden whole, as by the default mask."""
    shape = shape_of(mask, value)
    return shown if shape is None else _unless_null(value, exp.Case().when(shape, shown).else_(_text(STARS)))


def _ends(value: exp.Expr, prefix: int, suffix: int) -> exp.Expr:
    """Keep both ends of values that are longer than what is kept; the length of the rest is not told."""
    parts: list[exp.Expr] = [_text(STARS)]
    if prefix:
        parts.insert(0, exp.Left(this=value.copy(), expression=_whole(prefix)))
    if suffix:
        parts.append(exp.Right(this=value.copy(), expression=_whole(suffix)))
    longer = exp.GT(this=exp.Length(this=value.copy()), expression=_whole(prefix + suffix))
    return _unless_null(value, exp.Case().when(longer, _glue(parts)).else_(_text(STARS)))


def _region_up(value: exp.Expr, digits: int) -> exp.Expr:
    """Keep the digits of a tier of an administrative division code (GB/T 2260), zeros behind; other values are hidden."""
    code = exp.and_(long(value, 6, 12), full_match(value, "[1-9][0-9]{5}(?:[0-9]{3}(?:[0-9]{3})?)?"))
    up = exp.Left(this=value.copy(), expression=_whole(digits))
    shown = up if digits == _TIERS["county"] else _glue([up, _text("0" * (6 - digits))])
    return _unless_null(value, exp.Case().when(code, shown).else_(_text(STARS)))


def _date_trunc(column: exp.Expr, parameters: Mapping[str, Parameter], _: str) -> tuple[exp.Expr, str]:
    """Return the first day of the year, quarter or month; made of parts, as truncating overflows in some engines."""
    day = exp.cast(column, "DATE")
    year, month = (
        exp.cast(exp.Extract(this=exp.var(part), expression=day.copy()), "INT") for part in ("YEAR", "MONTH")
    )
    quarter = exp.IntDiv(this=exp.Paren(this=exp.Sub(this=month, expression=_whole(1))), expression=_whole(3))
    first = exp.Add(this=exp.Mul(this=quarter, expression=_whole(3)), expression=_whole(1))
    months: dict[str, exp.Expr] = {"year": _whole(1), "quarter": exp.cast(first, "INT"), "month": month.copy()}
    made = exp.DateFromParts(year=year, month=months[str(parameters["unit"])], day=_whole(1))
    return exp.Case().when(exp.Is(this=day, expression=exp.null()), exp.null()).else_(made), "date"


def _round(column: exp.Expr, parameters: Mapping[str, Parameter], kind: str) -> tuple[exp.Expr, str]:
    value, step = exp.cast(column, "DOUBLE"), number_of(parameters, "step")
    if step < 1:
        return rounded(value, round(1 / step)), "double"
    parts = exp.Div(this=exp.Abs(this=value.copy()), expression=_double(step))
    floor = exp.Floor(this=exp.Add(this=parts.copy(), expression=_double("0.5")))
    size = exp.Mul(this=exp.Mul(this=exp.Sign(this=value.copy()), expression=floor), expression=_double(step))
    near = exp.Case().when(exp.LT(this=parts, expression=_double(_EXACT)), size).else_(value)
    return (exp.cast(near, "BIGINT"), "integer") if kind == "integer" else (near, "double")


def _clamp(column: exp.Expr, parameters: Mapping[str, Parameter], kind: str) -> tuple[exp.Expr, str]:
    low, high = number_of(parameters, "low"), number_of(parameters, "high")
    whole = kind == "integer" and low == int(low) and high == int(high)
    value = column if whole else exp.cast(column, "DOUBLE")
    bottom, top = (_whole(int(low)), _whole(int(high))) if whole else (_double(low), _double(high))
    below, above = exp.LT(this=value.copy(), expression=bottom), exp.GT(this=value.copy(), expression=top)
    case = exp.Case().when(below, bottom.copy()).when(above, top.copy()).else_(value.copy())
    return (exp.cast(case, "BIGINT"), "integer") if whole else (case, "double")


def _bucket(column: exp.Expr, parameters: Mapping[str, Parameter], _: str) -> tuple[exp.Expr, str]:
    """Say in which interval a number lies, the lower edge included: ``[30,40)``."""
    value = exp.cast(column, "DOUBLE")
    edges = parameters.get("edges")
    return (
        _between(value, edges) if isinstance(edges, tuple) else _wide(value, int(number_of(parameters, "width")))
    ), "text"


def _between(value: exp.Expr, edges: tuple[float, ...]) -> exp.Expr:
    case = exp.Case().when(exp.LT(this=value.copy(), expression=_double(edges[0])), _text(f"<{plain(edges[0])}"))
    for low, high in itertools.pairwise(edges):
        label = _text(f"[{plain(low)},{plain(high)})")
        case = case.when(exp.LT(this=value.copy(), expression=_double(high)), label)
    return _unless_null(value, case.else_(_text(f"≥{plain(edges[-1])}")))


def _wide(value: exp.Expr, width: int) -> exp.Expr:
    number = exp.Floor(this=exp.Div(this=value.copy(), expression=_double(width)))
    low = exp.Paren(this=exp.Mul(this=exp.cast(number, "BIGINT"), expression=_whole(width)))
    high = exp.Add(this=low.copy(), expression=_whole(width))
    words = [exp.cast(bound, "VARCHAR", dialect="duckdb") for bound in (low, high)]
    exact = exp.LT(this=exp.Abs(this=value.copy()), expression=_double(_EXACT))
    label = _glue([_text("["), words[0], _text(","), words[1], _text(")")])
    return _unless_null(value, exp.Case().when(exact, label).else_(_text(STARS)))


_Maker: TypeAlias = Callable[[exp.Expr, Mapping[str, Parameter], str], tuple[exp.Expr, str]]
_NUMBERS: Final[Mapping[MaskFunction, _Maker]] = {
    MaskFunction.BUCKET: _bucket,
    MaskFunction.CLAMP: _clamp,
    MaskFunction.DATE_TRUNC: _date_trunc,
    MaskFunction.ROUND_TO: _round,
    MaskFunction.SUPPRESS: lambda _, __, kind: suppressed(kind),
}
