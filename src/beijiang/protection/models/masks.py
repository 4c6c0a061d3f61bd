"""Default masks (`standards.md` 7.6) as expressions of the query tree, so that filters and sorts act on the mask.

A mask must hold for dirt too: a value that has not the shape of its kind is hidden whole. Masks are display masks and
never count as de-identification for a release.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from sqlglot import exp

__all__ = ["MASKS", "Masker"]

STARS: Final = "****"
_USCC: Final = "[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}"
_PERSON: Final = "[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]{4}[0-9Xx]"
"""A citizen number has the shape of a credit code too; a natural person's stands in many columns of codes."""
_PLATE: Final = r"[\p{Han}][A-Z][·\- ]?[A-Z0-9]{5,6}"
_EMAIL: Final = r"[^@\s]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9\-]+)+"
_NAME_LIMIT: Final = 20


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _matches(value: exp.Expr, pattern: str) -> exp.Expr:
    return _call("REGEXP_FULL_MATCH", value.copy(), _text(pattern))


def _glue(*parts: exp.Expr) -> exp.Expr:
    glued = parts[0]
    for part in parts[1:]:
        glued = exp.DPipe(this=glued, expression=part)
    return glued


def _otherwise_stars(value: exp.Expr, when: exp.Expr, then: exp.Expr) -> exp.Expr:
    """Show ``then`` where the value has the expected shape, stars elsewhere, and leave an empty cell empty."""
    is_null = exp.Is(this=value.copy(), expression=exp.null())
    return exp.Case().when(is_null, exp.null()).when(when, then).else_(_text(STARS))


def _keep(value: exp.Expr, prefix: int, suffix: int) -> exp.Expr:
    length = _call("LENGTH", value.copy())
    hidden = exp.Sub(this=length, expression=_number(prefix + suffix))
    parts = [_call("LEFT", value.copy(), _number(prefix))] if prefix else []
    parts += [_call("REPEAT", _text("*"), hidden), _call("RIGHT", value.copy(), _number(suffix))]
    return _glue(*parts)


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
            return exp.cast(exp.null(), _SQL_TYPES.get(kind, "VARCHAR"), dialect="duckdb"), _plain(kind)
        if mask == "year" and kind in {"date", "timestamp"}:
            return exp.cast(exp.Extract(this=exp.var("YEAR"), expression=column), "BIGINT"), "integer"
        if mask == "round" and kind in {"double", "decimal"}:
            return exp.Round(this=exp.cast(column, "DOUBLE"), decimals=_number(2)), "double"
        value = column if kind == "text" else exp.cast(column, "VARCHAR", dialect="duckdb")
        if mask == "address":
            return self._address(value), "text"
        return MASKS[mask](value), "text"

    def _address(self, value: exp.Expr) -> exp.Expr:
        place = _call("REGEXP_EXTRACT", value.copy(), _text(self._place))
        return _glue(place, _text("***"))


def _identity(value: exp.Expr) -> exp.Expr:
    return _otherwise_stars(value, _matches(value, "[0-9]{14,17}[0-9Xx]"), _keep(value, 6, 4))


def _sole_trader(value: exp.Expr) -> exp.Expr:
    """Show the code of a legal entity; hide the middle of a sole trader's, and anything that is no credit code."""
    is_null = exp.Is(this=value.copy(), expression=exp.null())
    sole = _call("STARTS_WITH", value.copy(), _text("92"))
    shown = exp.and_(_matches(value, _USCC), exp.not_(sole), exp.not_(_matches(value, _PERSON)))
    length = exp.Between(this=_call("LENGTH", value.copy()), low=_number(15), high=_number(18))
    hidden = exp.Case().when(length, _keep(value, 6, 4)).else_(_text(STARS))
    return exp.Case().when(is_null, exp.null()).when(shown, value.copy()).else_(hidden)


def _phone(value: exp.Expr) -> exp.Expr:
    mobile = _matches(value, r"1[0-9]{10}")
    fixed = _matches(value, r"[0-9(][0-9()\- ]{8,16}[0-9]")
    shown = exp.Case().when(mobile, _keep(value, 3, 4)).else_(_keep(value, 4, 2))
    return _otherwise_stars(value, exp.Or(this=mobile.copy(), expression=fixed), shown)


def _card(value: exp.Expr) -> exp.Expr:
    return _otherwise_stars(value, _matches(value, "[0-9]{12,19}"), _keep(value, 0, 4))


def _name(value: exp.Expr) -> exp.Expr:
    hidden = exp.Sub(this=_call("LENGTH", value.copy()), expression=_number(1))
    short = exp.Between(this=_call("LENGTH", value.copy()), low=_number(2), high=_number(_NAME_LIMIT))
    shown = _glue(_call("LEFT", value.copy(), _number(1)), _call("REPEAT", _text("*"), hidden))
    return _otherwise_stars(value, short, shown)


def _email(value: exp.Expr) -> exp.Expr:
    domain = _call("SPLIT_PART", value.copy(), _text("@"), _number(2))
    shown = _glue(_call("LEFT", value.copy(), _number(1)), _text("***@"), domain)
    return _otherwise_stars(value, _matches(value, _EMAIL), shown)


def _plate(value: exp.Expr) -> exp.Expr:
    kept = exp.Sub(this=_call("LENGTH", value.copy()), expression=_number(1))
    return _otherwise_stars(value, _matches(value, _PLATE), _glue(_call("LEFT", value.copy(), kept), _text("*")))


def _passport(value: exp.Expr) -> exp.Expr:
    return _otherwise_stars(value, _matches(value, "[A-Za-z]{1,2}[0-9]{7,8}"), _keep(value, 2, 2))


def _year(value: exp.Expr) -> exp.Expr:
    pattern = r"^((?:18|19|20)[0-9]{2})(?:[^0-9]|[0-9]{2})"
    year = _call("REGEXP_EXTRACT", value.copy(), _text(pattern), _number(1))
    return _otherwise_stars(value, _call("REGEXP_MATCHES", value.copy(), _text(pattern)), year)


def _round(value: exp.Expr) -> exp.Expr:
    pattern = r"^-?[0-9]{1,3}(?:\.[0-9]{0,2})?"
    return _otherwise_stars(
        value,
        _matches(value, r"-?[0-9]{1,3}(?:\.[0-9]+)?"),
        _call("REGEXP_EXTRACT", value.copy(), _text(pattern)),
    )


def _full(value: exp.Expr) -> exp.Expr:
    return exp.Case().when(exp.Is(this=value.copy(), expression=exp.null()), exp.null()).else_(_text(STARS))


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

_SQL_TYPES: Final = {
    "integer": "BIGINT",
    "decimal": "DOUBLE",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}


def _plain(kind: str) -> str:
    return "double" if kind == "decimal" else kind
