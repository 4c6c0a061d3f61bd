"""Texts read as what they mean: days, numbers, amounts of money, identifiers. What cannot be read is NULL.

Each gives an expression of the query tree for one value. An engine computes again what stands in several places of an
expression, so each hands what it needs twice to ``keep``, which gives back a reference (or the expression itself).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, TypeAlias

from sqlglot import exp

from beijiang.engine.checksums import CHECKSUMS, PARTS, Parts, citizen_check, full_match
from beijiang.quality import iso_day
from beijiang.recipes.models.frame import literal, number
from beijiang.recipes.models.texts import any_of, narrowed, replaced, swapped, trimmed, without_blanks

__all__ = ["Keep", "citizen_number", "credit_code", "currencies", "day", "money", "numeric"]

Keep: TypeAlias = Callable[[exp.Expr], exp.Expr]
"""Computes an expression beforehand and returns what stands for it."""

_UNITS: Final = {"十": 1, "百": 2, "千": 3, "万": 4, "十万": 5, "百万": 6, "千万": 7, "亿": 8, "十亿": 9, "百亿": 10}
"""Units of amounts, as powers of ten."""
_NUMBER: Final = r"[0-9]{1,15}(?:\.[0-9]{0,8})?"
_SEPARATORS: Final = ",，'"
_ALIKE: Final = {"O": "0", "I": "1", "Z": "2", "S": "5"}
"""Letters that credit codes do not have (GB 32100), and the digits for which they are mistaken; V is like none."""


@cache
def currencies() -> Mapping[str, str]:
    """Return words for currencies with their codes (GB/T 12406, ISO 4217)."""
    text = (files("beijiang.recipes") / "reference" / "currencies.csv").read_text("utf-8")
    return {row["word"]: row["code"] for row in csv.DictReader(text.splitlines())}


def day(value: exp.Expr, order: str, month_only: str, keep: Keep) -> exp.Expr:
    """Read a day: 2024-03-01, 2024/3/1, 2024.3.1, 2024年3月1日, 20240301, with or without a time of day behind it.

    ``order`` is ``ymd``, ``dmy`` or ``mdy``; ``month_only`` is ``first`` where a month alone is its first day.
    """
    fields = {"y": "([0-9]{4})", "m": "([0-9]{1,2})", "d": "([0-9]{1,2})"}
    time = r"(?:[T ]?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    places = {letter: place for place, letter in enumerate(order, 1)}
    patterns = ["[-/.年月]".join(fields[letter] for letter in order) + "日?" + time]
    if order == "ymd":
        patterns.append("([0-9]{4})([0-9]{2})([0-9]{2})" + time)
    text = keep(trimmed(narrowed(value), "keep"))
    case = exp.Case()
    for pattern in patterns:
        parts = [_group(text, pattern, places[letter]) for letter in "ymd"]
        case = case.when(full_match(text, pattern), _joined(parts))
    if month_only == "first":
        pattern = "([0-9]{4})[-/.年]([0-9]{1,2})月?"
        parts = [_group(text, pattern, 1), _group(text, pattern, 2), literal("1")]
        case = case.when(full_match(text, pattern), _joined(parts))
    return iso_day(keep(case))


def numeric(value: exp.Expr, decimals: int, *, units: bool, keep: Keep) -> exp.Expr:
    """Read a number, with separators of thousands; with ``units`` also percent signs, 万 and 亿."""
    text = keep(replaced(without_blanks(narrowed(value)), f"[{_SEPARATORS}]", ""))
    powers = {"%": -2, "‰": -3, **_UNITS} if units else {}
    pattern = f"([-+]?{_NUMBER})({any_of(list(powers))})?" if units else f"([-+]?{_NUMBER})()"
    scaled = _scaled(_group(text, pattern, 1), keep(_group(text, pattern, 2)), powers, decimals)
    return exp.Case().when(full_match(text, pattern), scaled)


def money(value: exp.Expr, default: str, keep: Keep) -> tuple[exp.Expr, exp.Expr]:
    """Read an amount of money in whole units of its currency, and the currency: 50(万), 660(万人民币元), 3,000万美元.

    Returns the amount with two decimals and the code (ISO 4217), ``default`` where no currency is written.
    """
    words, unit = any_of(list(currencies())), any_of(list(_UNITS))
    pattern = f"({words})?([-+]?{_NUMBER})\\(?({unit})?元?({words})?元?整?\\)?"
    text = keep(exp.Upper(this=replaced(without_blanks(narrowed(value)), f"[{_SEPARATORS}]", "")))
    holds = keep(full_match(text, pattern))
    amount = _scaled(_group(text, pattern, 2), keep(_group(text, pattern, 3)), _UNITS, 2)
    behind = _group(text, pattern, 4)
    spoken = exp.Coalesce(this=exp.Nullif(this=behind, expression=literal("")), expressions=[_group(text, pattern, 1)])
    return (
        exp.Case().when(holds.copy(), amount, copy=False),
        exp.Case().when(holds.copy(), _currency(keep(spoken), default), copy=False),
    )


def _currency(word: exp.Expr, default: str) -> exp.Expr:
    by_code: dict[str, list[str]] = {}
    for one, code in currencies().items():
        by_code.setdefault(code, []).append(one.upper())
    case = exp.Case().when(exp.EQ(this=word.copy(), expression=literal("")), literal(default))
    for code, words in by_code.items():
        known = exp.In(this=word.copy(), expressions=[literal(one) for one in words])
        case.when(known, literal(code), copy=False)  # a copy for each currency would make a hundred of the whole
    return case


def citizen_number(value: exp.Expr, keep: Keep) -> exp.Expr:
    """Read a citizen number (GB 11643): of 18 characters as it is, of 15 with century and check character added."""
    text = keep(_code_text(value))
    longer = keep(exp.Concat(expressions=[_cut(text, 1, 6), literal("19"), _cut(text, 7, 9)], safe=True))
    checked = exp.Concat(expressions=[longer.copy(), citizen_check(longer)], safe=True)
    whole = keep(exp.Case().when(full_match(text, "[1-9][0-9]{14}"), checked).else_(text.copy()))
    return exp.Case().when(CHECKSUMS["citizen_id"](_parts(whole, keep)), whole.copy())


def credit_code(value: exp.Expr, keep: Keep) -> exp.Expr:
    """Read a credit code (GB 32100); letters that it cannot have are digits where the check character then holds."""
    text = keep(_code_text(value))
    guessed = keep(swapped(text, "".join(_ALIKE), "".join(_ALIKE.values())))
    return (
        exp.Case()
        .when(CHECKSUMS["uscc"](_parts(text, keep)), text.copy())
        .when(CHECKSUMS["uscc"](_parts(guessed, keep)), guessed.copy())
    )


def _code_text(value: exp.Expr) -> exp.Expr:
    return exp.Upper(this=replaced(without_blanks(narrowed(value)), "[-]", ""))


def _parts(text: exp.Expr, keep: Keep) -> Parts:
    """Return what the test of a check character looks at, each computed once."""
    return cache(lambda name: keep(PARTS[name](text)) if name != "text" else text)


def _group(value: exp.Expr, pattern: str, place: int) -> exp.Expr:
    return exp.RegexpExtract(this=value.copy(), expression=literal(f"^(?:{pattern})$"), group=number(place))


def _joined(parts: list[exp.Expr]) -> exp.Expr:
    year, month, day_ = parts
    return exp.Concat(expressions=[year, literal("-"), month, literal("-"), day_], safe=True)


def _cut(value: exp.Expr, start: int, length: int) -> exp.Expr:
    return exp.Substring(this=value.copy(), start=number(start), length=number(length))


def _scaled(digits: exp.Expr, unit: exp.Expr, powers: Mapping[str, int], decimals: int) -> exp.Expr:
    """Return a number times the power of ten of its unit, exactly: both factors are decimals."""
    size: exp.Expr = exp.TryCast(this=digits, to=exp.DataType.build("DECIMAL(23, 8)"))
    if powers:
        case = exp.Case()
        for word, power in powers.items():
            factor = exp.Literal.number(f"{10**power}" if power >= 0 else f"{10**power:.{-power}f}")
            case.when(exp.EQ(this=unit.copy(), expression=literal(word)), factor, copy=False)
        size = exp.Mul(this=size, expression=exp.cast(case.else_(number(1), copy=False), "DECIMAL(14, 3)"))
    return exp.TryCast(this=size, to=exp.DataType.build(f"DECIMAL(38, {decimals})"))
