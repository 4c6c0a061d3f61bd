"""What each detector looks for, as expressions of the query tree: all columns are looked at in one pass.

Checksums follow GB 11643 (citizen number), GB 32100 (credit code) and ISO/IEC 7812 (cards), see `standards.md` 5.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from beijiang.protection.models.reference import words
from beijiang.tables import FILE_COLUMN, ROW_COLUMN

__all__ = ["CHECKS", "PATTERNS", "Counts", "Seen", "checks", "counts_of", "survey", "wanted_checks"]

USCC_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10X98765432"
_SHA256_LENGTH: Final = 64
_PLACE_ENDINGS: Final = "市区县旗盟镇乡村族路街站厂店局院校队馆园山河湖州省社部办处科室类型级等号"


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[a.copy() for a in arguments])


def _at(value: exp.Expr, start: int, length: int = 1) -> exp.Expr:
    return _call("SUBSTR", value, _number(start), _number(length))


def _digit(value: exp.Expr, position: int) -> exp.Expr:
    return exp.Paren(this=exp.Sub(this=_call("ASCII", _at(value, position)), expression=_number(48)))


def _sum(parts: Sequence[exp.Expr]) -> exp.Expr:
    total = parts[0]
    for part in parts[1:]:
        total = exp.Add(this=total, expression=part)
    return exp.Paren(this=total)


def _full(value: exp.Expr, pattern: str) -> exp.Expr:
    return _call("REGEXP_FULL_MATCH", value, _text(pattern))


def _long(value: exp.Expr, low: int, high: int) -> exp.Expr:
    return exp.Between(this=_call("LENGTH", value), low=_number(low), high=_number(high))


def _has_letters(value: exp.Expr) -> exp.Expr:
    """Tell whether a text is more than ASCII: bytes and characters are counted faster than any pattern is sought."""
    return exp.NEQ(this=_call("STRLEN", value), expression=_call("LENGTH", value))


def _both(first: exp.Expr, second: exp.Expr) -> exp.Expr:
    """Test ``second`` only where ``first`` holds: a CASE keeps the cheap test in front."""
    return exp.Case().when(first, second).else_(exp.false())


def _is_id(value: exp.Expr) -> exp.Expr:
    return _both(_long(value, 18, 18), _full(value, "[1-9][0-9]{16}[0-9Xx]"))


def _id_holds(value: exp.Expr) -> exp.Expr:
    weighed = [exp.Mul(this=_number(w), expression=_digit(value, i + 1)) for i, w in enumerate(_ID_WEIGHTS)]
    index = exp.Add(this=exp.Paren(this=exp.Mod(this=_sum(weighed), expression=_number(11))), expression=_number(1))
    check = exp.EQ(
        this=_call("SUBSTR", _text(_ID_CHECKS), index, _number(1)), expression=_call("UPPER", _at(value, 18))
    )
    day = _call("CONCAT", _at(value, 7, 4), _text("-"), _at(value, 11, 2), _text("-"), _at(value, 13, 2))
    real = exp.Not(this=exp.Is(this=exp.TryCast(this=day, to=exp.DataType.build("DATE")), expression=exp.null()))
    century = exp.In(this=_at(value, 7, 2), expressions=[_text("18"), _text("19"), _text("20")])
    return exp.and_(check, century, real)


def _is_uscc(value: exp.Expr) -> exp.Expr:
    letters = "[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]"
    return _both(_long(value, 18, 18), _full(value, f"{letters}{{2}}[0-9]{{6}}{letters}{{10}}"))


def _uscc_holds(value: exp.Expr) -> exp.Expr:
    upper = _call("UPPER", value)
    places = [
        exp.Mul(
            this=_number(pow(3, i, 31)),
            expression=exp.Paren(
                this=exp.Sub(this=_call("STRPOS", _text(USCC_LETTERS), _at(upper, i + 1)), expression=_number(1))
            ),
        )
        for i in range(17)
    ]
    rest = exp.Paren(this=exp.Mod(this=_sum(places), expression=_number(31)))
    index = exp.Mod(this=exp.Paren(this=exp.Sub(this=_number(31), expression=rest)), expression=_number(31))
    wanted = exp.Add(this=exp.Paren(this=index), expression=_number(1))
    return exp.EQ(this=_call("SUBSTR", _text(USCC_LETTERS), wanted, _number(1)), expression=_at(upper, 18))


def _is_card(value: exp.Expr) -> exp.Expr:
    return _both(_long(value, 15, 19), _full(value, "(?:62|4|5[1-5]|3[0-9]|6[0-9]|9)[0-9]+"))


def _card_holds(value: exp.Expr) -> exp.Expr:
    padded = _call("LPAD", value, _number(19), _text("0"))
    parts: list[exp.Expr] = []
    for position in range(1, 20):
        digit = _digit(padded, position)
        if position % 2 == 0:  # counted from the right the check digit is first; padding to 19 keeps the parity
            above = exp.GT(this=digit.copy(), expression=_number(4))
            minus = exp.Case().when(above, _number(9)).else_(_number(0))
            double = exp.Mul(this=digit, expression=_number(2))
            digit = exp.Paren(this=exp.Sub(this=double, expression=minus))
        parts.append(digit)
    return exp.EQ(this=exp.Mod(this=_sum(parts), expression=_number(10)), expression=_number(0))


def _is_name(value: exp.Expr) -> exp.Expr:
    surnames = "".join(words("surnames"))
    mongolian = "|".join(words("mongolian"))
    given = r"[\p{Han}]{1,2}"
    pattern = rf"[{surnames}]{given}|(?:[\p{{Han}}]{{1,6}}·)?[\p{{Han}}]{{0,4}}(?:{mongolian})[\p{{Han}}]{{0,3}}|欧阳{given}|[\p{{Han}}]{{1,8}}·[\p{{Han}}]{{1,8}}"
    ending = exp.Not(this=_call("REGEXP_MATCHES", value, _text(f"[{_PLACE_ENDINGS}]$")))
    likely = exp.And(this=_has_letters(value), expression=_long(value, 2, 16))
    return _both(likely, exp.And(this=_full(value, pattern), expression=ending))


def _embedded(value: exp.Expr) -> exp.Expr:
    longer = exp.GT(this=_call("LENGTH", value), expression=_number(18))
    pattern = r"(?:^|[^0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?:$|[^0-9A-Za-z])"
    return _both(longer, _call("REGEXP_MATCHES", value, _text(pattern)))


def _embedded_id(value: exp.Expr) -> exp.Expr:
    found = _call(
        "REGEXP_EXTRACT", value, _text(r"(?:^|[^0-9A-Za-z])([1-9][0-9]{16}[0-9Xx])(?:$|[^0-9A-Za-z])"), _number(1)
    )
    longer = exp.GT(this=_call("LENGTH", value), expression=_number(18))
    return _both(longer, _both(exp.NEQ(this=found, expression=_text("")), _id_holds(found)))


def _embedded_mobile(value: exp.Expr) -> exp.Expr:
    longer = exp.GT(this=_call("LENGTH", value), expression=_number(11))
    return _both(longer, _call("REGEXP_MATCHES", value, _text("(?:^|[^0-9A-Za-z.])1[3-9][0-9]{9}(?:$|[^0-9A-Za-z])")))


def _address(value: exp.Expr) -> exp.Expr:
    pattern = "(?:省|市|盟|旗|县|区|镇|乡|苏木).*(?:路|街|号|村|嘎查|小区|楼|室|单元|组|巷)"
    likely = exp.And(this=_has_letters(value), expression=_long(value, 6, 200))
    return _both(likely, _call("REGEXP_MATCHES", value, _text(pattern)))


PATTERNS: Final[dict[str, Callable[[exp.Expr], exp.Expr]]] = {
    "id": _is_id,
    "uscc": _is_uscc,
    "uscc_sole": lambda v: _both(_is_uscc(v), _call("STARTS_WITH", v, _text("92"))),
    "card": _is_card,
    "mobile": lambda v: _both(_long(v, 11, 11), _full(v, "1[3-9][0-9]{9}")),
    "email": lambda v: _both(_call("CONTAINS", v, _text("@")), _full(v, r"[^@\s]{1,64}@[^@\s]+\.[A-Za-z]{2,}")),
    "plate": lambda v: _both(_long(v, 7, 9), _full(v, r"[\p{Han}][A-HJ-NP-Z][·\- ]?[A-HJ-NP-Z0-9]{5,6}")),
    "passport": lambda v: _both(_long(v, 9, 9), _full(v, "[EGDSPHMegdsphm][A-Za-z]?[0-9]{7,8}")),
    "name": _is_name,
    "address": _address,
    "embedded": _embedded,
    "embedded_mobile": _embedded_mobile,
}
"""Counted in every column of text."""

OF_DIGITS: Final = ("id", "uscc", "uscc_sole", "card", "mobile")
"""Those that a whole number can match."""

CHECKS: Final[dict[str, tuple[str, Callable[[exp.Expr], exp.Expr]]]] = {
    "id_valid": ("id", lambda v: _both(_is_id(v), _id_holds(v))),
    "uscc_valid": ("uscc", lambda v: _both(_is_uscc(v), _uscc_holds(v))),
    "card_valid": ("card", lambda v: _both(_is_card(v), _card_holds(v))),
    "embedded_id": ("embedded", _embedded_id),
}
"""Checksums, counted only in columns where the pattern in front was seen: their expressions are long."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the pass counted in one column."""

    rows: int
    values: int
    distinct: int
    hits: Mapping[str, int]

    def share(self, metric: str) -> float:
        """Return the share of values that the detector hit."""
        return self.hits.get(metric, 0) / self.values if self.values else 0.0

    def ratio(self, metric: str, of: str) -> float:
        """Return one count over another, 0 when there is nothing."""
        return self.hits.get(metric, 0) / self.hits[of] if self.hits.get(of) else 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Which rows are looked at."""

    step: int = 1
    """Every n-th."""
    files: tuple[str, ...] = ()
    """Only those that came from these landed files (SHA-256), if any are named."""

    @property
    def columns(self) -> list[str]:
        """Return the technical columns that tell."""
        return [*([ROW_COLUMN] if self.step > 1 else []), *([FILE_COLUMN] if self.files else [])]


def survey(table: str, columns: Mapping[str, str], seen: Seen) -> exp.Select:
    """Return the one query that counts the patterns in all ``columns``, given with their types."""
    counted: list[exp.Expr] = [exp.alias_(exp.Count(this=exp.Star()), "rows")]
    for i, kind in enumerate(columns.values()):
        value = exp.column(f"c{i}")
        filled = exp.Nullif(this=value.copy(), expression=_text(""))
        distinct = exp.Anonymous(this="APPROX_COUNT_DISTINCT", expressions=[filled.copy()])
        counted.append(exp.alias_(exp.Count(this=filled), f"c{i}_values", copy=False))
        counted.append(exp.alias_(distinct, f"c{i}_distinct", copy=False))
        wanted = OF_DIGITS if kind == "integer" else PATTERNS
        counted += [_counted(PATTERNS[name](value), f"c{i}_{name}") for name in wanted]
    return exp.select(*counted, copy=False).from_(_values(table, list(columns), seen), copy=False)


def checks(table: str, wanted: Mapping[str, Sequence[str]], seen: Seen) -> exp.Select:
    """Return the query that counts the ``wanted`` checksums by column."""
    counted = [
        _counted(CHECKS[name][1](exp.column(f"c{i}")), f"c{i}_{name}")
        for i, names in enumerate(wanted.values())
        for name in names
    ]
    return exp.select(*counted, copy=False).from_(_values(table, list(wanted), seen), copy=False)


def _counted(condition: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(exp.Anonymous(this="COUNT_IF", expressions=[condition]), name, copy=False)


def _values(table: str, columns: Sequence[str], seen: Seen) -> exp.Subquery:
    """Return the values to look at, as trimmed text named c0, c1, ..."""
    values = [
        exp.alias_(_call("TRIM", exp.cast(exp.column(_quoted(name)), "VARCHAR", dialect="duckdb")), f"c{i}")
        for i, name in enumerate(columns)
    ]
    query = exp.select(*values).from_(exp.table_(_quoted(table), db="lake"))
    if seen.step > 1:
        row = exp.column(_quoted(ROW_COLUMN))
        query = query.where(exp.EQ(this=exp.Mod(this=row, expression=_number(seen.step)), expression=_number(0)))
    if seen.files:
        file = _call("SUBSTR", exp.column(_quoted(FILE_COLUMN)), _number(1), _number(_SHA256_LENGTH))
        query = query.where(exp.In(this=file, expressions=[_text(name) for name in seen.files]))
    return query.subquery("seen")


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def counts_of(row: Mapping[str, int], index: int) -> Counts:
    """Read the counts of one column out of the survey's single row; checksums are not counted yet."""
    return Counts(
        rows=row["rows"],
        values=row[f"c{index}_values"],
        distinct=row[f"c{index}_distinct"],
        hits={name: row.get(f"c{index}_{name}", 0) for name in PATTERNS} | dict.fromkeys(CHECKS, 0),
    )


def wanted_checks(counts: Counts) -> list[str]:
    """Return the checksums that are worth counting in a column."""
    return [name for name, (pattern, _) in CHECKS.items() if counts.hits[pattern]]
