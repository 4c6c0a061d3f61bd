"""Texts without the blanks around them, at a fraction of the price: nearly all texts have none, and an engine copies each all the same."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

__all__ = ["trimmed"]

_FIRST: Final = "!"
_BEHIND_ASCII: Final = "\u00a0"
_BEHIND_BLANKS: Final = "\u3001"
"""The character behind the full-width space, which is the last of all blanks."""


def trimmed(text: exp.Expr) -> exp.Expr:
    """Return a text, best a column, as ``TRIM`` would, which only those go through that may have something to trim.

    A text of ASCII that neither begins nor ends with a blank, and one that begins and ends with a Han character, is what it is.
    Texts compare by their bytes in every engine.
    """
    eight = exp.Literal.number(8)
    ascii_only = exp.EQ(
        this=exp.BitLength(this=text.copy()),
        expression=exp.Mul(this=eight, expression=exp.Length(this=text.copy())),
    )
    plain = exp.and_(
        exp.GTE(this=text.copy(), expression=exp.Literal.string(_FIRST)),
        exp.LT(this=text.copy(), expression=exp.Literal.string(_BEHIND_ASCII)),
        exp.not_(exp.EndsWith(this=text.copy(), expression=exp.Literal.string(" ")), copy=False),
        ascii_only,
        copy=False,
    )
    last = exp.Right(this=text.copy(), expression=exp.Literal.number(1))
    han = exp.and_(
        exp.GTE(this=text.copy(), expression=exp.Literal.string(_BEHIND_BLANKS)),
        exp.GTE(this=last, expression=exp.Literal.string(_BEHIND_BLANKS)),
        copy=False,
    )
    whole = [exp.If(this=shape, true=text.copy()) for shape in (plain, han)]
    return exp.Case(ifs=whole, default=exp.Trim(this=text.copy()))
