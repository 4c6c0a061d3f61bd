"""Values of a query's parameters as typed literals of its tree; none of them ever becomes text of SQL."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from beijiang.kit import Invalid

if TYPE_CHECKING:
    from beijiang.protection.models.walls import Belongs

__all__ = ["Spoken", "numbered", "parameter"]

TEXT_LIMIT: Final = 20_000
DIGITS: Final = 38


@dataclass(frozen=True, slots=True)
class Spoken:
    """What belongs to the text of a query: the values of its parameters, and the names that may stand before a table's."""

    values: Sequence[Any] = ()
    belongs: Belongs | None = None

    @property
    def literals(self) -> Sequence[exp.Expr]:
        """Return the values as literals.

        Raises:
            Invalid: one cannot be used (``parameter_value``).

        """
        return [parameter(value, place) for place, value in enumerate(self.values, 1)]


def parameter(value: Any, place: int) -> exp.Expr:
    """Return a value as a literal of its type.

    Raises:
        Invalid: a value of a type that queries do not take, or too long (``parameter_value``); it is not repeated.

    """
    if value is None:
        return exp.null()
    for kind, make in _MAKERS:
        if isinstance(value, kind):
            made = make(value)
            if made is not None:
                return made
            break
    raise Invalid(
        f"第 {place} 个参数不能用：只接受空值、是否、整数、小数（至多 {DIGITS} 位）、文本（至多 {TEXT_LIMIT} 字）、日期和时间。",
        f"Parameter {place} cannot be used: it is nothing, yes or no, a whole or decimal number (of at most {DIGITS} digits), "
        f"text (of at most {TEXT_LIMIT} characters), a date or a moment.",
        code="parameter_value",
        detail={"parameter": place},
    )


def _typed(words: str, kind: str) -> exp.Expr:
    return exp.cast(exp.Literal.string(words), kind)


def _whole(value: int) -> exp.Expr | None:
    return _typed(str(value), "BIGINT") if -(1 << 63) <= value < 1 << 63 else None


def _real(value: float) -> exp.Expr | None:
    return _typed(repr(value), "DOUBLE") if math.isfinite(value) else None


def _decimal(value: Decimal) -> exp.Expr | None:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return None
    scale = max(0, -exponent)
    size = max(len(digits) + max(0, exponent), scale)
    return _typed(f"{value:f}", f"DECIMAL({size}, {scale})") if size <= DIGITS else None


def _text(value: str) -> exp.Expr | None:
    return exp.Literal.string(value) if len(value) <= TEXT_LIMIT and "\x00" not in value else None


def _moment(value: datetime) -> exp.Expr:
    return _typed(value.isoformat(" "), "TIMESTAMP" if value.tzinfo is None else "TIMESTAMPTZ")


def _day(value: date) -> exp.Expr:
    return _typed(value.isoformat(), "DATE")


_MAKERS: Final[tuple[tuple[type, Callable[[Any], exp.Expr | None]], ...]] = (
    (bool, lambda value: exp.Boolean(this=value)),
    (int, _whole),
    (float, _real),
    (Decimal, _decimal),
    (str, _text),
    (datetime, _moment),
    (date, _day),
)
"""In this order: a bool is an int, and a moment a day."""


def numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a query with its ``$name`` as ``$1``, ``$2``, and the names in that order; no value is near it.

    Raises:
        sqlglot.errors.SqlglotError: the text cannot be read.

    """
    from sqlglot import Dialect
    from sqlglot.tokenizer_core import TokenType

    tokens = Dialect.get_or_raise("duckdb").tokenize(text)
    names: list[str] = []
    parts: list[str] = []
    after = 0
    for mark, word in pairwise(tokens):
        if mark.token_type is not TokenType.PARAMETER or word.start != mark.end + 1 or not word.text.isidentifier():
            continue
        if word.text not in names:
            names.append(word.text)
        parts += [text[after : mark.start], f"${names.index(word.text) + 1}"]
        after = word.end + 1
    return "".join([*parts, text[after:]]), tuple(names)
