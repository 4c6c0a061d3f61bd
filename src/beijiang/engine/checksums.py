"""The check algorithms of identifiers as expressions of the query tree, for whoever judges values where they lie.

GB 11643 (citizen number), GB 32100 (credit code), GB 11714 (organisation code), ISO/IEC 7812 (cards): `standards.md` 5.2. The same
algorithms for single values are ``beijiang.standards``'. Only nodes that sqlglot knows are used, so that each engine gets them
in its own words. An engine computes what stands in several places of a test again at each: the parts of a value are therefore
columns of a query below, where speed matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from sqlglot import exp

__all__ = [
    "CHECKSUMS",
    "HOLDS",
    "PARTS",
    "Parts",
    "both",
    "citizen_check",
    "full_match",
    "id_holds",
    "in_place",
    "is_card",
    "is_id",
    "is_uscc",
    "long",
]

Parts: TypeAlias = Callable[[str], exp.Expr]
"""Gives a part of a value by its name in ``PARTS``: computed beforehand, so that an engine does it once, or in place."""

USCC_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_BASE36: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10X98765432"
_ORG_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_ORG_CHECKS: Final = "0X987654321"
"""By the sum modulo 11: 11 less the rest, with X for ten and 0 for eleven."""

_HALF: Final = 10
"""Digits of a card number that are read as one number; two of such halves hold the longest."""


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _at(value: exp.Expr, start: int, length: int = 1) -> exp.Expr:
    return exp.Substring(this=value.copy(), start=_number(start), length=_number(length))


def _picked(letters: str, index: exp.Expr) -> exp.Expr:
    """Return the letter at a zero-based index."""
    place = exp.Add(this=exp.Paren(this=index), expression=_number(1))
    return exp.Substring(this=_text(letters), start=place, length=_number(1))


def _index(letters: str, value: exp.Expr, position: int) -> exp.Expr:
    place = exp.StrPosition(this=_text(letters), substr=_at(value, position))
    return exp.Paren(this=exp.Sub(this=place, expression=_number(1)))


def _decimal_places(number: exp.Expr, behind: int, width: int) -> exp.Expr:
    """Return ``width`` decimal digits of a whole number, with ``behind`` digits after them."""
    front = exp.IntDiv(this=number.copy(), expression=_number(10**behind)) if behind else number.copy()
    return _modulo(front, 10**width)


def _sum(parts: Sequence[exp.Expr]) -> exp.Expr:
    total = parts[0]
    for part in parts[1:]:
        total = exp.Add(this=total, expression=part)
    return exp.Paren(this=total)


def _modulo(value: exp.Expr, by: int) -> exp.Expr:
    return exp.Paren(this=exp.Mod(this=value, expression=_number(by)))


def full_match(value: exp.Expr, pattern: str) -> exp.Expr:
    r"""Test whether a whole text matches a pattern; ``\z``, because to some engines ``$`` stands before a last line break too."""
    return exp.RegexpLike(this=value.copy(), expression=_text(rf"^(?:{pattern})\z"))


def long(value: exp.Expr, low: int, high: int) -> exp.Expr:
    """Test how many characters a text has."""
    return exp.Between(this=exp.Length(this=value.copy()), low=_number(low), high=_number(high))


def both(first: exp.Expr, second: exp.Expr) -> exp.Expr:
    """Test ``second`` only where ``first`` holds: a CASE keeps the cheap test in front."""
    return exp.Case(ifs=[exp.If(this=_own(first), true=_own(second))], default=exp.false())


def _own(node: exp.Expr) -> exp.Expr:
    """Return a node for one tree: a copy of what stands in another. Tests stand in tests, so copies of all would be many."""
    return node if node.parent is None else node.copy()


def _whole(value: exp.Expr) -> exp.Expr:
    """Return a text of digits as a whole number, null where it is something else."""
    return exp.TryCast(this=value, to=exp.DataType.build("BIGINT"))


def _padded(value: exp.Expr) -> exp.Expr:
    return exp.Pad(this=value.copy(), expression=_number(2 * _HALF), fill_pattern=_text("0"), is_left=True)


PARTS: Final[dict[str, Callable[[exp.Expr], exp.Expr]]] = {
    "text": lambda value: value.copy(),
    "upper": lambda value: exp.Upper(this=value.copy()),
    "digits": lambda value: _whole(_at(value, 1, 17)),
    "head": lambda value: _whole(_at(_padded(value), 1, _HALF)),
    "tail": lambda value: _whole(_at(_padded(value), _HALF + 1, _HALF)),
}
"""What of a trimmed text the tests look at."""


def in_place(value: exp.Expr) -> Parts:
    """Return the parts of a trimmed text, computed wherever they are named."""
    return lambda name: PARTS[name](value)


def is_id(value: exp.Expr) -> exp.Expr:
    """Test for the shape of a citizen number of 18 characters."""
    return both(long(value, 18, 18), full_match(value, "[1-9][0-9]{16}[0-9Xx]"))


def id_holds(part: Parts) -> exp.Expr:
    """Test check character and birth date of a text that has the shape of a citizen number.

    Its seventeen digits are one whole number: arithmetic on it is several times faster than cutting the text.
    """
    digits = part("digits")
    check = exp.EQ(this=_id_check(digits), expression=_at(part("upper"), 18))
    year, month, day = (_decimal_places(digits, *place) for place in ((7, 4), (5, 2), (3, 2)))
    return exp.and_(check, _is_day(year, month, day), copy=False)


def citizen_check(body: exp.Expr) -> exp.Expr:
    """Return the check character that belongs to the first seventeen digits of a citizen number (GB 11643)."""
    return _id_check(PARTS["digits"](body))


def _id_check(digits: exp.Expr) -> exp.Expr:
    weighed = [
        exp.Mul(this=_decimal_places(digits, 16 - i, 1), expression=_number(w)) for i, w in enumerate(_ID_WEIGHTS)
    ]
    return _picked(_ID_CHECKS, _modulo(_sum(weighed), 11))


def _is_day(year: exp.Expr, month: exp.Expr, day: exp.Expr) -> exp.Expr:
    """Test whether a day existed or may come: of the years 1800 to 2099."""

    def is_none(by: int) -> exp.Expr:
        return exp.EQ(this=_modulo(year.copy(), by), expression=_number(0))

    leap = exp.and_(is_none(4), exp.or_(exp.not_(is_none(100), copy=False), is_none(400), copy=False), copy=False)
    february = exp.Case().when(leap, _number(29), copy=False).else_(_number(28), copy=False)
    short = exp.In(this=month.copy(), expressions=[_number(m) for m in (4, 6, 9, 11)])
    is_february = exp.EQ(this=month.copy(), expression=_number(2))
    longest = exp.Case().when(is_february, february, copy=False).when(short, _number(30), copy=False)
    longest = longest.else_(_number(31), copy=False)
    return exp.and_(
        exp.Between(this=year.copy(), low=_number(1800), high=_number(2099)),
        exp.Between(this=month.copy(), low=_number(1), high=_number(12)),
        exp.GTE(this=day.copy(), expression=_number(1)),
        exp.LTE(this=day.copy(), expression=longest),
        copy=False,
    )


def is_uscc(value: exp.Expr) -> exp.Expr:
    """Test for the shape of a unified social credit code."""
    letters = "[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]"
    return both(long(value, 18, 18), full_match(value, f"{letters}{{2}}[0-9]{{6}}{letters}{{10}}"))


def _uscc_holds(part: Parts) -> exp.Expr:
    upper = part("upper")
    places = [exp.Mul(this=_number(pow(3, i, 31)), expression=_index(USCC_LETTERS, upper, i + 1)) for i in range(17)]
    index = _modulo(exp.Paren(this=exp.Sub(this=_number(31), expression=_modulo(_sum(places), 31))), 31)
    return exp.EQ(this=_picked(USCC_LETTERS, index), expression=_at(upper, 18))


def is_card(value: exp.Expr) -> exp.Expr:
    """Test for the shape of a bank card number."""
    return both(long(value, 15, 19), full_match(value, "(?:62|4|5[1-5]|3[0-9]|6[0-9]|9)[0-9]+"))


def _luhn_holds(part: Parts) -> exp.Expr:
    """Test the check digit of a text of at most 20 digits, read as two numbers of ten: `tail` and, in front of it, `head`.

    Ten is even, so that a digit is doubled in its half where it is doubled in the whole. Arithmetic on two whole numbers is many times
    faster than cutting the text into its digits.
    """
    return exp.EQ(this=_modulo(_sum([_luhn_of(part("head")), _luhn_of(part("tail"))]), 10), expression=_number(0))


def _luhn_of(number: exp.Expr) -> exp.Expr:
    """Return a whole number of at most ten digits as one that is, modulo ten, the sum of Luhn's digits.

    With q_j for the number without its last j digits, a digit is q_j modulo ten. One that is doubled counts 2 q_j, and one more where it is
    five or above: that is what ``number // (5 x 10^j)`` has more than twice q_(j+1), in which the next digit is, too, that counts once.
    """

    def without(by: int) -> exp.Expr:
        return exp.IntDiv(this=number.copy(), expression=_number(by))

    doubled = [exp.Mul(this=without(10**place), expression=_number(2)) for place in range(1, _HALF, 2)]
    carried = [without(5 * 10**place) for place in range(1, _HALF, 2)]
    single = [without(10**place) for place in range(2, _HALF, 2)]
    return exp.Paren(this=exp.Sub(this=_sum([number.copy(), *doubled, *carried]), expression=_sum(single)))


def _is_org(value: exp.Expr) -> exp.Expr:
    return both(long(value, 9, 10), full_match(value, "[0-9A-Za-z]{8}-?[0-9Xx]"))


def _org_holds(part: Parts) -> exp.Expr:
    upper = part("upper")
    places = [exp.Mul(this=_number(w), expression=_index(_BASE36, upper, i + 1)) for i, w in enumerate(_ORG_WEIGHTS)]
    last = exp.Substring(this=upper.copy(), start=exp.Length(this=upper.copy()), length=_number(1))
    return exp.EQ(this=_picked(_ORG_CHECKS, _modulo(_sum(places), 11)), expression=last)


HOLDS: Final[dict[str, Callable[[Parts], exp.Expr]]] = {
    "citizen_id": id_holds,
    "uscc": _uscc_holds,
    "org_code": _org_holds,
    "luhn": _luhn_holds,
    "bank_card": _luhn_holds,
}
"""The check of each algorithm alone, for values that were seen to have its shape."""

_SHAPES: Final[dict[str, Callable[[exp.Expr], exp.Expr]]] = {
    "citizen_id": is_id,
    "uscc": is_uscc,
    "org_code": _is_org,
    "luhn": lambda value: both(long(value, 8, 19), full_match(value, "[0-9]+")),
    "bank_card": is_card,
}


def _checksum(shape: Callable[[exp.Expr], exp.Expr], holds: Callable[[Parts], exp.Expr]) -> Callable[[Parts], exp.Expr]:
    return lambda part: both(shape(part("text")), holds(part))


CHECKSUMS: Final[dict[str, Callable[[Parts], exp.Expr]]] = {
    name: _checksum(_SHAPES[name], holds) for name, holds in HOLDS.items()
}
"""Each algorithm as a test of one value: shape and check."""
