"""Degrees of likeness of two values of a field, from the most alike to the least, as tests on their forms.

An engine's distances count bytes, three to a Chinese character: they are asked of digits, letters and pinyin only. Where
characters themselves are compared, they are cut out one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from sqlglot import exp

from beijiang.engine.linking import LEFT, RIGHT, Comparison, Level
from beijiang.fusion.models.layers import cut, long, number
from beijiang.fusion.models.matching import FORMS, Likeness, MatchField, form

__all__ = ["comparison"]

_Levels: TypeAlias = tuple[Level, ...]
_CONTRADICTIONS: Final = {Likeness.CITIZEN_ID: 1e-7, Likeness.CREDIT_CODE: 1e-6}
"""How often records of one have two valid identifiers. Such a pair needs all else to agree, and then a person looks at it."""
_COMPARED: Final = 10
"""Characters of two names that are compared one by one."""


def comparison(field: MatchField, fields: Mapping[str, MatchField]) -> Comparison:
    """Return how a field is compared; ``fields`` are all, by name."""
    whole, levels = _LEVELS[field.likeness](_Sides(field.name))
    silent = [_is_null(side) for side in whole]
    if field.unless:
        other = _Sides(field.unless)
        same = other.equal(FORMS[fields[field.unless].likeness][0])
        silent.append(exp.Coalesce(this=same, expressions=[exp.false()]))
    return Comparison(field.name, exp.or_(*silent), levels, _CONTRADICTIONS.get(field.likeness))


class _Sides:
    """The forms of one field in both records."""

    def __init__(self, field: str) -> None:
        self._field = field

    def __call__(self, shape: str) -> tuple[exp.Expr, exp.Expr]:
        """Return a form of the one record and of the other."""
        name = self.name(shape)
        left, right = (exp.column(exp.to_identifier(f"{name}{end}", quoted=True)) for end in (LEFT, RIGHT))
        return left, right

    def name(self, shape: str) -> str:
        """Return the column of a form."""
        return form(f"{self._field}.{shape}")

    def equal(self, shape: str) -> exp.Expr:
        """Test whether both have the same."""
        left, right = self(shape)
        return exp.EQ(this=left, expression=right)

    def one_end(self) -> exp.Expr:
        """Test whether both begin or end in the same way: quick, and true of all that are one slip apart."""
        return exp.paren(exp.or_(self.equal("head"), self.equal("rear")))

    def agree(self, shape: str) -> exp.Expr:
        """Test whether both have the same, or one does not tell."""
        left, right = self(shape)
        return exp.or_(self.equal(shape), _is_null(left), _is_null(right))


_Made: TypeAlias = tuple[tuple[exp.Expr, exp.Expr], _Levels]


def _is_null(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=value.copy(), expression=exp.null())


def _distance(sides: tuple[exp.Expr, exp.Expr], most: int) -> exp.Expr:
    """Test whether texts of ASCII are at most so many edits apart; the lengths are looked at first."""
    left, right = sides
    gap = exp.Abs(this=exp.Sub(this=long(left), expression=long(right)))
    edits = exp.Levenshtein(this=left.copy(), expression=right.copy())
    return exp.and_(exp.LTE(this=gap, expression=number(most)), exp.LTE(this=edits, expression=number(most)))


def _one_character(of: _Sides, shape: str, least: int, most: int = _COMPARED) -> exp.Expr:
    """Test whether texts of the same length differ in just one character; their halves are looked at first."""
    left, right = of(shape)
    length = exp.EQ(this=long(left), expression=long(right))
    usual = exp.Between(this=long(left), low=number(least), high=number(most))
    differ = [_bit(exp.NEQ(this=cut(left, place, 1), expression=cut(right, place, 1))) for place in range(1, most + 1)]
    return exp.and_(of.one_end(), length, usual, exp.EQ(this=_sum(differ), expression=number(1)))


def _swapped_neighbours(sides: tuple[exp.Expr, exp.Expr], longest: int) -> exp.Expr:
    """Test whether two neighbours of one text stand the other way round in the other."""
    left, right = sides
    ways = [
        exp.and_(
            exp.EQ(this=cut(left, place, 1), expression=cut(right, place + 1, 1)),
            exp.EQ(this=cut(left, place + 1, 1), expression=cut(right, place, 1)),
            exp.EQ(this=cut(left, 1, place - 1), expression=cut(right, 1, place - 1)),
            exp.EQ(this=cut(left, place + 2), expression=cut(right, place + 2)),
        )
        for place in range(1, longest)
    ]
    length = exp.EQ(this=long(left), expression=long(right))
    two = exp.EQ(this=exp.Levenshtein(this=left.copy(), expression=right.copy()), expression=number(2))
    return exp.and_(length, two, exp.or_(*ways))


def _mistyped(of: _Sides, shape: str, longest: int) -> exp.Expr:
    """Test whether one digit is another, missing or too many, or two neighbours are swapped."""
    return exp.and_(of.one_end(), exp.or_(_distance(of(shape), 1), _swapped_neighbours(of(shape), longest)))


def _bit(test: exp.Expr) -> exp.Expr:
    return exp.Case().when(test, number(1)).else_(number(0))


def _sum(parts: Sequence[exp.Expr]) -> exp.Expr:
    total = parts[0]
    for part in parts[1:]:
        total = exp.Add(this=total, expression=part)
    return total


def _at_least(sides: tuple[exp.Expr, exp.Expr], least: int) -> exp.Expr:
    return exp.GTE(this=exp.Least(this=long(sides[0]), expressions=[long(sides[1])]), expression=number(least))


def _person_name(of: _Sides) -> _Made:
    alike = exp.and_(_at_least(of("plain"), 4), _distance(of("sound"), 3))
    return of("plain"), (
        Level("exact", of.equal("plain"), 0.8, 1e-4, rarity=of.name("plain")),
        Level("same_sound", of.equal("sound"), 0.06, 2e-4),
        Level("same_transcription", of.equal("fold"), 0.01, 1e-5),
        Level("same_given", exp.and_(of.equal("given"), _at_least(of("given"), 2)), 0.01, 5e-4),
        Level("one_character", _one_character(of, "plain", 3), 0.05, 1e-3),
        Level("near_sound", alike, 0.01, 1e-5),
    )


def _company_name(of: _Sides) -> _Made:
    here = of.agree("city")
    return of("plain"), (
        Level("exact", of.equal("plain"), 0.6, 1e-5, rarity=of.name("plain")),
        Level("same_core", exp.and_(of.equal("core"), here), 0.2, 2e-5),
        Level("same_sound", exp.and_(of.equal("sound"), here.copy()), 0.04, 1e-5),
        Level("same_trade", exp.and_(of.equal("trade"), here.copy()), 0.04, 1e-4),
        Level("one_character", exp.and_(_one_character(of, "core", 4), here.copy()), 0.05, 1e-4),
        Level("near_sound", exp.and_(_at_least(of("core"), 4), _distance(of("sound"), 3), here.copy()), 0.03, 1e-4),
        Level("same_core_elsewhere", of.equal("core"), 0.01, 1e-4),
    )


def _address(of: _Sides) -> _Made:
    road, numbers = of.equal("road"), of.equal("numbers")
    return of("plain"), (
        Level("exact", of.equal("plain"), 0.5, 1e-6),
        Level("same_door", exp.and_(road, numbers, of.agree("county")), 0.2, 1e-6),
        Level("same_numbers", exp.and_(numbers.copy(), of.equal("county")), 0.05, 1e-5),
        Level("same_road", exp.and_(road.copy(), of.agree("county")), 0.05, 1e-3),
        Level("same_county", of.equal("county"), 0.1, 0.02),
    )


def _identifier(of: _Sides, longest: int) -> tuple[exp.Expr, exp.Expr, exp.Expr]:
    """Return whether both are valid, one of both is not and they are a slip apart, and whether one is not."""
    both = exp.and_(*of("valid"))
    slip = exp.and_(exp.not_(both.copy()), _mistyped(of, "full", longest))
    return both, slip, exp.not_(both.copy())


def _citizen_id(of: _Sides) -> _Made:
    both, slip, unsure = _identifier(of, 18)
    return of("full"), (
        Level("exact", exp.and_(of.equal("full"), both), 0.8, 1e-7),
        Level("exact_invalid", of.equal("full"), 0.01, 1e-6),
        Level("mistyped", slip, 0.12, 1e-7),
        Level("not_valid", unsure, 0.05, 0.1),
    )


def _credit_code(of: _Sides) -> _Made:
    both, slip, unsure = _identifier(of, 18)
    return of("full"), (
        Level("exact", exp.and_(of.equal("full"), both), 0.85, 1e-7),
        Level("exact_invalid", of.equal("full"), 0.01, 1e-6),
        Level("mistyped", slip, 0.06, 1e-7),
        Level("same_organ", of.equal("organ"), 0.03, 1e-7),
        Level("not_valid", unsure, 0.03, 0.1),
    )


def _phone(of: _Sides) -> _Made:
    return of("digits"), (
        Level("exact", of.equal("digits"), 0.7, 1e-6),
        Level("same_tail", of.equal("tail"), 0.02, 1e-7),
        Level("mistyped", _mistyped(of, "digits", 11), 0.08, 1e-6),
    )


def _date(of: _Sides) -> _Made:
    left, right = of("day")
    turned = exp.and_(
        of.equal("year"),
        exp.EQ(this=cut(left, 5, 2), expression=cut(right, 7, 2)),
        exp.EQ(this=cut(left, 7, 2), expression=cut(right, 5, 2)),
    )
    years = [exp.TryCast(this=cut(side, 1, 4), to=exp.DataType.build("INT")) for side in (left, right)]
    close = exp.LTE(this=exp.Abs(this=exp.Sub(this=years[0], expression=years[1])), expression=number(1))
    return of("day"), (
        Level("exact", of.equal("day"), 0.85, 1e-4),
        Level("day_and_month_turned", turned, 0.02, 5e-5),
        Level("mistyped", _mistyped(of, "day", 8), 0.08, 1e-3),
        Level("same_month", of.equal("month"), 0.02, 1e-3),
        Level("within_a_year", close, 0.029, 0.05),
    )


def _code(of: _Sides) -> _Made:
    return of("plain"), (Level("exact", of.equal("plain"), 0.9, 0.3),)


def _text(of: _Sides) -> _Made:
    wide = exp.and_(_at_least(of("letters"), 6), _distance(of("letters"), 3))
    near = exp.and_(_at_least(of("letters"), 3), _distance(of("letters"), 1))
    close = exp.and_(_at_least(of("letters"), 4), _distance(of("letters"), 2))
    return of("plain"), (
        Level("exact", of.equal("plain"), 0.8, 1e-3, rarity=of.name("plain")),
        Level("one_character", exp.or_(near, _one_character(of, "plain", 3)), 0.08, 1e-3),
        Level("two_characters", close, 0.02, 1e-3),
        Level("three_characters", wide, 0.02, 1e-3),
        Level("same_start", of.equal("start"), 0.02, 1e-2),
    )


_LEVELS: Final[Mapping[Likeness, Callable[[_Sides], _Made]]] = {
    Likeness.PERSON_NAME: _person_name,
    Likeness.COMPANY_NAME: _company_name,
    Likeness.ADDRESS: _address,
    Likeness.CITIZEN_ID: _citizen_id,
    Likeness.CREDIT_CODE: _credit_code,
    Likeness.PHONE: _phone,
    Likeness.DATE: _date,
    Likeness.CODE: _code,
    Likeness.TEXT: _text,
}
