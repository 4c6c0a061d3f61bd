r"""Default masks (`standards.md` 7.6) as expressions of the query tree, so that filters and sorts act on the mask.

A mask must hold for dirt too: a value that has not the shape of its kind is hidden whole. Masks are display masks and
never count as de-identification for a release.

Only nodes that sqlglot knows are used, and patterns without the classes that engines read differently (``\s``, ``\p{Han}``,
``$``), so that every engine hides the same characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from sqlglot import exp

from beijiang.engine.checksums import full_match, long

__all__ = ["MASKS", "SQL_TYPES", "STARS", "Masker", "rounded", "shape_of"]

STARS: Final = "****"
_IDENTITY: Final = "[0-9]{14,17}[0-9Xx]"
_MOBILE: Final = "1[0-9]{10}"
_FIXED: Final = r"[0-9(][0-9()\- ]{8,16}[0-9]"
_CARD: Final = "[0-9]{12,19}"
_PASSPORT: Final = "[A-Za-z]{1,2}[0-9]{7,8}"
_USCC: Final = "[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}"
_PERSON: Final = "[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]{4}[0-9Xx]"
"""A citizen number has the shape of a credit code too; a natural person's stands in many columns of codes."""
_HAN: Final = (
    "\u2e80-\u2fd5\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufad9\U00020000-\U000323af"
)
_PLATE: Final = rf"[{_HAN}][A-Z][·\- ]?[A-Z0-9]{{5,6}}"
_EMAIL: Final = r"[^@ \t\n\f\r]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9\-]+)+"
_NAME_LIMIT: Final = 20


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _length(value: exp.Expr) -> exp.Expr:
    return exp.Length(this=value.copy())


def _less_one(value: exp.Expr) -> exp.Expr:
    return exp.Sub(this=_length(value), expression=_number(1))


def _left(value: exp.Expr, count: exp.Expr) -> exp.Expr:
    return exp.Left(this=value.copy(), expression=count)


def _right(value: exp.Expr, count: int) -> exp.Expr:
    return exp.Right(this=value.copy(), expression=_number(count))


def _stars(count: exp.Expr) -> exp.Expr:
    return exp.Repeat(this=_text("*"), times=count)


def _is_null(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=value.copy(), expression=exp.null())


def _glue(*parts: exp.Expr) -> exp.Expr:
    glued = parts[0]
    for part in parts[1:]:
        glued = exp.DPipe(this=glued, expression=part)
    return glued


def _otherwise_stars(value: exp.Expr, when: exp.Expr, then: exp.Expr) -> exp.Expr:
    """Show ``then`` where the value has the expected shape, stars elsewhere, and leave an empty cell empty."""
    return exp.Case().when(_is_null(value), exp.null()).when(when, then).else_(_text(STARS))


def _keep(value: exp.Expr, prefix: int, suffix: int) -> exp.Expr:
    hidden = _stars(exp.Sub(this=_length(value), expression=_number(prefix + suffix)))
    front = [_left(value, _number(prefix))] if prefix else []
    return _glue(*front, hidden, _right(value, suffix))


class Masker:
    """Build mask expressions; knows the names of leagues, cities, banners and counties for addresses."""

    def __init__(self, places: Sequence[str] = ()) -> None:
        longest_first = sorted({place for place in places if place}, key=len, reverse=True)
        names = "|".join(re.escape(place) for place in longest_first) or "内蒙古自治区"
        self._place = f"^(?:{names})(?:{names})?(?:{names})?"

    def apply(self, mask: str, column: exp.Expr, kind: str) -> tuple[exp.Expr, str]:
        """Return the masked expression of a column and the type of its values (``text``, ``integer``, ...).

        Raises:
            KeyError: no mask of that name; the reference table is wrong.

        """
        if mask == "null" or (mask == "full" and kind != "text"):
            return exp.cast(exp.null(), SQL_TYPES.get(kind, "VARCHAR"), dialect="duckdb"), _plain(kind)
        if mask == "year" and kind in {"date", "timestamp"}:
            return exp.cast(exp.Extract(this=exp.var("YEAR"), expression=column), "BIGINT"), "integer"
        if mask == "round" and kind in {"double", "decimal"}:
            return rounded(exp.cast(column, "DOUBLE"), 100), "double"
        if kind in _OWN_WORDS:
            return _full(column), "text"
        value = column if kind == "text" else exp.cast(column, "VARCHAR", dialect="duckdb")
        if mask == "address":
            return self._address(value), "text"
        return MASKS[mask](value), "text"

    def _address(self, value: exp.Expr) -> exp.Expr:
        place = exp.RegexpExtract(this=value.copy(), expression=_text(self._place), group=_number(0))
        return _glue(place, _text("***"))


def _keep_of(value: exp.Expr, length: int, prefix: int, suffix: int) -> exp.Expr:
    """Keep the ends of a text that has just this length: an engine glues known pieces in half the time."""
    front, back = (
        exp.Substring(this=value.copy(), start=_number(start), length=_number(count))
        for start, count in ((1, prefix), (length - suffix + 1, suffix))
    )
    hidden = _text("*" * (length - prefix - suffix))
    return exp.Concat(expressions=[front, hidden, back], coalesce=True)  # as a function: sooner than operators


def _identity(value: exp.Expr) -> exp.Expr:
    """Show both ends; nearly all numbers are of 18 characters, so these come first."""
    shape = full_match(value, _IDENTITY)
    usual = exp.and_(exp.EQ(this=_length(value), expression=_number(18)), shape.copy(), copy=False)
    shown = exp.Case().when(_is_null(value), exp.null()).when(usual, _keep_of(value, 18, 6, 4))
    return shown.when(shape, _keep(value, 6, 4)).else_(_text(STARS))


def _sole_trader(value: exp.Expr) -> exp.Expr:
    """Show the code of a legal entity; hide the middle of a sole trader's, and anything that is no credit code."""
    sole = exp.StartsWith(this=value.copy(), expression=_text("92"))
    shown = exp.and_(full_match(value, _USCC), exp.not_(sole), exp.not_(full_match(value, _PERSON)))
    hidden = exp.Case().when(long(value, 15, 18), _keep(value, 6, 4)).else_(_text(STARS))
    return exp.Case().when(_is_null(value), exp.null()).when(shown, value.copy()).else_(hidden)


def _phone(value: exp.Expr) -> exp.Expr:
    shown = exp.Case().when(_is_null(value), exp.null())
    shown = shown.when(full_match(value, _MOBILE), _keep_of(value, 11, 3, 4))
    return shown.when(full_match(value, _FIXED), _keep(value, 4, 2)).else_(_text(STARS))


def _card(value: exp.Expr) -> exp.Expr:
    return _otherwise_stars(value, full_match(value, _CARD), _keep(value, 0, 4))


def _name(value: exp.Expr) -> exp.Expr:
    shown = _glue(_left(value, _number(1)), _stars(_less_one(value)))
    return _otherwise_stars(value, long(value, 2, _NAME_LIMIT), shown)


def _email(value: exp.Expr) -> exp.Expr:
    domain = exp.SplitPart(this=value.copy(), delimiter=_text("@"), part_index=_number(2))
    shown = _glue(_left(value, _number(1)), _text("***@"), domain)
    return _otherwise_stars(value, full_match(value, _EMAIL), shown)


def _plate(value: exp.Expr) -> exp.Expr:
    return _otherwise_stars(value, full_match(value, _PLATE), _glue(_left(value, _less_one(value)), _text("*")))


def _passport(value: exp.Expr) -> exp.Expr:
    return _otherwise_stars(value, full_match(value, _PASSPORT), _keep(value, 2, 2))


def _year(value: exp.Expr) -> exp.Expr:
    starts = exp.RegexpLike(this=value.copy(), expression=_text("^(?:18|19|20)[0-9]{2}(?:[^0-9]|[0-9]{2})"))
    return _otherwise_stars(value, starts, _left(value, _number(4)))


def _round(value: exp.Expr) -> exp.Expr:
    """Cut a coordinate written as text after two decimals, about a kilometre."""
    point = exp.StrPosition(this=value.copy(), substr=_text("."))
    two = exp.Add(this=point.copy(), expression=_number(2))
    cut = exp.Case().when(exp.GT(this=point, expression=_number(0)), _left(value, two)).else_(value.copy())
    return _otherwise_stars(value, full_match(value, r"-?[0-9]{1,3}(?:\.[0-9]+)?"), cut)


def rounded(value: exp.Expr, parts: int) -> exp.Expr:
    """Round a number of type double to whole ``parts`` of one, halves away from zero: one arithmetic for all engines.

    A number so large that a double has no such parts stays as it is; some engines floor to integers of 64 bits.
    """
    size = exp.Mul(this=exp.Abs(this=value.copy()), expression=_number(parts))
    whole = exp.Floor(this=exp.Add(this=size.copy(), expression=_double("0.5")))
    signed = exp.Mul(this=exp.Sign(this=value.copy()), expression=whole)
    near = exp.Div(this=exp.Paren(this=signed), expression=_double(str(parts)))
    return exp.Case().when(exp.LT(this=size, expression=_double("9e15")), near).else_(value.copy())


def _double(number: str) -> exp.Expr:
    return exp.cast(_text(number), "DOUBLE")


def _full(value: exp.Expr) -> exp.Expr:
    return exp.Case().when(_is_null(value), exp.null()).else_(_text(STARS))


MASKS: Final[dict[str, Callable[[exp.Expr], exp.Expr]]] = {
    "card": _card,
    "email": _email,
    "full": _full,
    "identity": _identity,
    "name": _name,
    "passport": _passport,
    "phone": _phone,
    "plate": _plate,
    "round": _round,
    "sole_trader": _sole_trader,
    "year": _year,
}
"""Masks of text; ``address`` and ``null`` need more than the value and live in ``Masker``."""

_OWN_WORDS: Final = frozenset({"double", "boolean", "timestamp"})
"""Types that each engine writes as text in its own way; no mask of text has their shape, so they are hidden whole."""

_SHAPES: Final = {
    "identity": _IDENTITY,
    "phone": f"{_MOBILE}|{_FIXED}",
    "card": _CARD,
    "passport": _PASSPORT,
    "plate": _PLATE,
    "email": _EMAIL,
}


def shape_of(mask: str, value: exp.Expr) -> exp.Expr | None:
    """Return the test whether a value has the shape that a default mask expects, None for one that expects none."""
    if mask == "name":
        return long(value, 2, _NAME_LIMIT)
    return full_match(value, _SHAPES[mask]) if mask in _SHAPES else None


SQL_TYPES: Final = {
    "integer": "BIGINT",
    "decimal": "DOUBLE",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}


def _plain(kind: str) -> str:
    return "double" if kind == "decimal" else kind
