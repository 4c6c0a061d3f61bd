"""What each detector looks for, as expressions of the query tree: all columns are looked at in one pass.

Checksums are those of ``beijiang.engine.checksums``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from beijiang.engine.checksums import CHECKSUMS, PARTS, Parts, both, in_place, is_card, is_id, is_uscc, long
from beijiang.protection.models.reference import words
from beijiang.tables import FILE_COLUMN, ROW_COLUMN

__all__ = ["CHECKS", "PATTERNS", "Counts", "Seen", "checks", "counts_of", "survey", "wanted_checks"]

_SHA256_LENGTH: Final = 64
_PLACE_ENDINGS: Final = "市区县旗盟镇乡村族路街站厂店局院校队馆园山河湖州省社部办处科室类型级等号"


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[a.copy() for a in arguments])


def _full(value: exp.Expr, pattern: str) -> exp.Expr:
    return _call("REGEXP_FULL_MATCH", value, _text(pattern))


def _has_letters(value: exp.Expr) -> exp.Expr:
    """Tell whether a text is more than ASCII: bytes and characters are counted faster than any pattern is sought."""
    return exp.NEQ(this=_call("STRLEN", value), expression=_call("LENGTH", value))


def _is_name(value: exp.Expr) -> exp.Expr:
    surnames = "".join(words("surnames"))
    mongolian = "|".join(words("mongolian"))
    given = r"[\p{Han}]{1,2}"
    pattern = rf"[{surnames}]{given}|(?:[\p{{Han}}]{{1,6}}·)?[\p{{Han}}]{{0,4}}(?:{mongolian})[\p{{Han}}]{{0,3}}|欧阳{given}|[\p{{Han}}]{{1,8}}·[\p{{Han}}]{{1,8}}"
    ending = exp.Not(this=_call("REGEXP_MATCHES", value, _text(f"[{_PLACE_ENDINGS}]$")))
    likely = exp.And(this=_has_letters(value), expression=long(value, 2, 16))
    return both(likely, exp.And(this=_full(value, pattern), expression=ending))


def _embedded(value: exp.Expr) -> exp.Expr:
    longer = exp.GT(this=_call("LENGTH", value), expression=_number(18))
    pattern = r"(?:^|[^0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?:$|[^0-9A-Za-z])"
    return both(longer, _call("REGEXP_MATCHES", value, _text(pattern)))


def _embedded_id(value: exp.Expr) -> exp.Expr:
    found = _call(
        "REGEXP_EXTRACT", value, _text(r"(?:^|[^0-9A-Za-z])([1-9][0-9]{16}[0-9Xx])(?:$|[^0-9A-Za-z])"), _number(1)
    )
    longer = exp.GT(this=_call("LENGTH", value), expression=_number(18))
    return both(longer, both(exp.NEQ(this=found, expression=_text("")), CHECKSUMS["citizen_id"](in_place(found))))


def _embedded_mobile(value: exp.Expr) -> exp.Expr:
    longer = exp.GT(this=_call("LENGTH", value), expression=_number(11))
    return both(longer, _call("REGEXP_MATCHES", value, _text("(?:^|[^0-9A-Za-z.])1[3-9][0-9]{9}(?:$|[^0-9A-Za-z])")))


def _address(value: exp.Expr) -> exp.Expr:
    pattern = "(?:省|市|盟|旗|县|区|镇|乡|苏木).*(?:路|街|号|村|嘎查|小区|楼|室|单元|组|巷)"
    likely = exp.And(this=_has_letters(value), expression=long(value, 6, 200))
    return both(likely, _call("REGEXP_MATCHES", value, _text(pattern)))


PATTERNS: Final[dict[str, Callable[[exp.Expr], exp.Expr]]] = {
    "id": is_id,
    "uscc": is_uscc,
    "uscc_sole": lambda v: both(is_uscc(v), _call("STARTS_WITH", v, _text("92"))),
    "card": is_card,
    "mobile": lambda v: both(long(v, 11, 11), _full(v, "1[3-9][0-9]{9}")),
    "email": lambda v: both(_call("CONTAINS", v, _text("@")), _full(v, r"[^@\s]{1,64}@[^@\s]+\.[A-Za-z]{2,}")),
    "plate": lambda v: both(long(v, 7, 9), _full(v, r"[\p{Han}][A-HJ-NP-Z][·\- ]?[A-HJ-NP-Z0-9]{5,6}")),
    "passport": lambda v: both(long(v, 9, 9), _full(v, "[EGDSPHMegdsphm][A-Za-z]?[0-9]{7,8}")),
    "name": _is_name,
    "address": _address,
    "embedded": _embedded,
    "embedded_mobile": _embedded_mobile,
}
"""Counted in every column of text."""

OF_DIGITS: Final = ("id", "uscc", "uscc_sole", "card", "mobile")
"""Those that a whole number can match."""

CHECKS: Final[dict[str, tuple[str, Callable[[Parts], exp.Expr]]]] = {
    "id_valid": ("id", CHECKSUMS["citizen_id"]),
    "uscc_valid": ("uscc", CHECKSUMS["uscc"]),
    "card_valid": ("card", CHECKSUMS["bank_card"]),
    "embedded_id": ("embedded", lambda part: _embedded_id(part("text"))),
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
        _counted(CHECKS[name][1](_part_of(i)), f"c{i}_{name}")
        for i, names in enumerate(wanted.values())
        for name in names
    ]
    parts = [
        exp.alias_(make(exp.column(f"c{i}")), f"c{i}_{part}")
        for i in range(len(wanted))
        for part, make in PARTS.items()
    ]
    values = exp.select(*parts).from_(_values(table, list(wanted), seen)).subquery("parts")
    return exp.select(*counted, copy=False).from_(values, copy=False)


def _part_of(index: int) -> Parts:
    return lambda part: exp.column(f"c{index}_{part}")


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
