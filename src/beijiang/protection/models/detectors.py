"""What each detector looks for, as expressions of the query tree: all columns are looked at in one pass.

Checksums are those of ``beijiang.engine.checksums``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from beijiang.engine.checksums import HOLDS, PARTS, Parts, both, is_card, is_id, is_uscc, long
from beijiang.engine.trimming import trimmed
from beijiang.protection.models.reference import words
from beijiang.tables import FILE_COLUMN, ROW_COLUMN

__all__ = [
    "BY_TYPE",
    "CHECKS",
    "METRICS",
    "PATTERNS",
    "PLACE_ENDINGS",
    "Counts",
    "Seen",
    "checks",
    "counts_of",
    "one_under_the_other",
    "survey",
    "wanted_checks",
]

_SHA256_LENGTH: Final = 64
WRITTEN: Final = ("text", "integer")
"""The kinds that are looked at as they are written."""
PLACE_ENDINGS: Final = "市区县旗盟镇乡村族路街站厂店局院校队馆园山河湖州省社部办处科室类型级等号"


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
    return exp.NEQ(this=_call("STRLEN", value), expression=exp.Length(this=value.copy()))


def _is_name(value: exp.Expr) -> exp.Expr:
    surnames = "".join(words("surnames"))
    mongolian = "|".join(words("mongolian"))
    given = r"[\p{Han}]{1,2}"
    pattern = rf"[{surnames}]{given}|(?:[\p{{Han}}]{{1,6}}·)?[\p{{Han}}]{{0,4}}(?:{mongolian})[\p{{Han}}]{{0,3}}|欧阳{given}|[\p{{Han}}]{{1,8}}·[\p{{Han}}]{{1,8}}"
    ending = exp.Not(this=_call("REGEXP_MATCHES", value, _text(f"[{PLACE_ENDINGS}]$")))
    likely = exp.And(this=_has_letters(value), expression=long(value, 2, 16))
    return both(likely, exp.And(this=_full(value, pattern), expression=ending))


def _embedded(value: exp.Expr) -> exp.Expr:
    longer = exp.GT(this=exp.Length(this=value.copy()), expression=_number(18))
    pattern = r"(?:^|[^0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?:$|[^0-9A-Za-z])"
    return both(longer, _call("REGEXP_MATCHES", value, _text(pattern)))


def _found_id(value: exp.Expr) -> exp.Expr:
    """Return the citizen number inside a text, as ``_embedded`` sees it."""
    pattern = r"(?:^|[^0-9A-Za-z])([1-9][0-9]{16}[0-9Xx])(?:$|[^0-9A-Za-z])"
    return _call("REGEXP_EXTRACT", value, _text(pattern), _number(1))


def _embedded_mobile(value: exp.Expr) -> exp.Expr:
    longer = exp.GT(this=exp.Length(this=value.copy()), expression=_number(11))
    return both(longer, _call("REGEXP_MATCHES", value, _text("(?:^|[^0-9A-Za-z.])1[3-9][0-9]{9}(?:$|[^0-9A-Za-z])")))


def _address(value: exp.Expr) -> exp.Expr:
    pattern = "(?:省|市|盟|旗|县|区|镇|乡|苏木).*(?:路|街|号|村|嘎查|小区|楼|室|单元|组|巷)"
    likely = exp.And(this=_has_letters(value), expression=long(value, 6, 200))
    return both(likely, _call("REGEXP_MATCHES", value, _text(pattern)))


_MOBILE: Final = r"(?:(?:\+?86|0086)[- ]?)?1[3-9][0-9](?:[- ]?[0-9]{4}){2}"
_LANDLINE: Final = r"\(?0(?:10|2[0-57-9]|[3-9][0-9]{2})\)?[- ]?[2-8][0-9]{6,7}(?:[- ][0-9]{1,6})?"
_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_IP: Final = rf"(?:{_OCTET}\.){{3}}{_OCTET}|(?:[0-9A-Fa-f]{{0,4}}:){{3,7}}[0-9A-Fa-f]{{0,4}}"
_OLD_ID: Final = (
    "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])[0-9]{6}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}"
)
"""The citizen number of before 1999 (GB 11643-1989): 15 digits, without century and check character."""
_DATE: Final = "(?:19|20)[0-9]{2}(?:[-/.年]?(?:0?[1-9]|1[0-2])[-/.月]?(?:0[1-9]|[12][0-9]|3[01]|[1-9])日?|[-/.年](?:0?[1-9]|1[0-2])月?)"


def _short_of(pattern: str, low: int, high: int) -> Callable[[exp.Expr], exp.Expr]:
    return lambda value: both(long(value, low, high), _full(value, pattern))


def _begins(value: exp.Expr, *letters: str) -> exp.Expr:
    """Test how a text begins: this is a tenth of the cost of a pattern."""
    return exp.or_(*(_call("STARTS_WITH", value, _text(letter)) for letter in letters), copy=False)


def _is_ip(value: exp.Expr) -> exp.Expr:
    dotted = exp.or_(_call("CONTAINS", value, _text(".")), _call("CONTAINS", value, _text(":")), copy=False)
    return both(long(value, 7, 39), both(dotted, _full(value, _IP)))


PATTERNS: Final[dict[str, Callable[[exp.Expr], exp.Expr]]] = {
    "id": is_id,
    "uscc": is_uscc,
    "uscc_sole": lambda v: both(_call("STARTS_WITH", v, _text("92")), is_uscc(v)),
    "card": is_card,
    "old_id": _short_of(_OLD_ID, 15, 15),
    "mobile": lambda v: both(_begins(v, "1", "+", "8", "0"), _short_of(_MOBILE, 11, 18)(v)),
    "landline": lambda v: both(_begins(v, "0", "("), _short_of(_LANDLINE, 10, 20)(v)),
    "ip": _is_ip,
    "date": _short_of(_DATE, 6, 11),
    "email": lambda v: both(_call("CONTAINS", v, _text("@")), _full(v, r"[^@\s]{1,64}@[^@\s]+\.[A-Za-z]{2,}")),
    "plate": lambda v: both(long(v, 7, 9), _full(v, r"[\p{Han}][A-HJ-NP-Z][·\- ]?[A-HJ-NP-Z0-9]{5,6}")),
    "passport": lambda v: both(long(v, 9, 9), _full(v, "[EGDSPHMegdsphm][A-Za-z]?[0-9]{7,8}")),
    "name": _is_name,
    "address": _address,
    "embedded": _embedded,
    "embedded_mobile": _embedded_mobile,
}
"""Counted in every column of text."""

OF_DIGITS: Final = ("id", "uscc", "uscc_sole", "card", "old_id", "mobile", "date")
"""Those that a whole number can match."""

_LONGEST_EAST, _LONGEST_NORTH = (73, 136), (18, 54)
"""Where China lies."""


def _is_degree(low: int, high: int) -> Callable[[exp.Expr], exp.Expr]:
    """Test for a number in a range with more than three decimals, as positions have."""

    def test(value: exp.Expr) -> exp.Expr:
        fine = exp.Paren(this=exp.Mul(this=exp.cast(value.copy(), "DOUBLE"), expression=_number(1000)))
        finer = exp.GT(
            this=exp.Abs(this=exp.Sub(this=fine, expression=exp.Round(this=fine.copy()))),
            expression=exp.Literal.number("1e-6"),
        )
        return both(exp.Between(this=value.copy(), low=_number(low), high=_number(high)), finer)

    return test


def _is_any_day(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=value.copy(), expression=exp.null()))


def _is_old_day(value: exp.Expr) -> exp.Expr:
    return exp.LT(this=value.copy(), expression=exp.cast(_text("1986-01-01"), "DATE"))


BY_TYPE: Final[dict[str, dict[str, Callable[[exp.Expr], exp.Expr]]]] = {
    "text": PATTERNS,
    "integer": {name: PATTERNS[name] for name in OF_DIGITS},
    "double": {"east": _is_degree(*_LONGEST_EAST), "north": _is_degree(*_LONGEST_NORTH)},
    "decimal": {"east": _is_degree(*_LONGEST_EAST), "north": _is_degree(*_LONGEST_NORTH)},
    "date": {"date": _is_any_day, "date_old": _is_old_day},
}
"""What is counted in the first look at a column, by its type; columns of other types are not looked at."""
METRICS: Final = tuple(dict.fromkeys(name for wanted in BY_TYPE.values() for name in wanted))

CHECKS: Final[dict[str, tuple[str, Callable[[Parts], exp.Expr]]]] = {
    "id_valid": ("id", HOLDS["citizen_id"]),
    "uscc_valid": ("uscc", HOLDS["uscc"]),
    "card_valid": ("card", HOLDS["bank_card"]),
    "embedded_id": ("embedded", lambda part: HOLDS["citizen_id"](lambda name: part(f"found_{name}"))),
    "old_id_born": ("old_id", lambda part: _full(part("text"), "[0-9]{6}(?:2[6-9]|[3-9][0-9])[0-9]{7}")),
    "mobile_round": ("mobile", lambda part: _full(part("text"), "1[3-9][0-9]{7}00")),
    "mobile_odd": ("mobile", lambda part: _full(part("text"), "1(?:4[0-4]|54|6[013489]|7[49]|94)[0-9]{8}")),
    "mobile_coded": ("mobile", lambda part: _full(part("text"), "15(?:0[1-9]|2[0-9])[0-9]{7}")),
    "passport_dated": (
        "passport",
        lambda part: _full(part("text"), "[A-Za-z]{1,2}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-9]{1,2}"),
    ),
    "passport_counted": ("passport", lambda part: _full(part("text"), "[A-Za-z]{1,2}000[0-9]+")),
    "ip_wide": (
        "ip",
        lambda part: _call(
            "REGEXP_MATCHES", part("text"), _text(r":|(?:^|\.)(?:3[2-9]|[4-9][0-9]|[12][0-9]{2})(?:\.|$)")
        ),
    ),
    "date_old": ("date", lambda part: _call("REGEXP_MATCHES", part("text"), _text("^19(?:[0-7]|8[0-5])"))),
}
"""Checksums and second thoughts about values that have the pattern in front.

What looks like a kind and is none gives itself away: amounts that look like telephones are round, codes of the region's places begin with
150 to 152, batch numbers hold a date, versions small numbers. Days of birth go further back than those of permits.
"""

_PARTS: Final = PARTS | {
    "found_upper": lambda value: PARTS["upper"](_found_id(value)),
    "found_digits": lambda value: PARTS["digits"](_found_id(value)),
}
"""What of a text the checks look at."""


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
    counted: list[exp.Expr] = [exp.alias_(exp.Count(this=exp.Star()), "rows", copy=False)]
    for i, kind in enumerate(columns.values()):
        counted += _looked_for(i, kind)
    lengths = [
        exp.alias_(exp.Length(this=exp.column(f"c{i}")), f"c{i}_length", copy=False)
        for i, kind in enumerate(columns.values())
        if kind in WRITTEN
    ]
    values = (
        exp.select("*", *lengths, copy=False)
        .from_(_values(table, columns, seen), copy=False)
        .subquery("measured", copy=False)
    )
    return exp.select(*counted, copy=False).from_(values, copy=False)


def stacked(table: str, columns: Sequence[str], kind: str, seen: Seen) -> exp.Select:
    """Return the query that counts patterns and checks in columns of one written ``kind``, a row for each ``place`` among them.

    The columns stand one under the other, so that each pattern is made ready once and not for each column: where rows are few,
    that is most of the work. What a pattern said of a value is kept beside it for the checks behind it.
    """
    under = one_under_the_other(table, dict.fromkeys(columns, kind), seen)
    length = exp.alias_(exp.Length(this=exp.column("c0")), "c0_length", copy=False)
    measured = _above(under, "under", "*", length)
    tests = {name: _measured(test(exp.column("c0")), 0) for name, test in BY_TYPE[kind].items()}
    tested = _above(measured, "measured", "place", "c0", *(exp.alias_(t, f"c0_{n}") for n, t in tests.items()))
    behind = {n: (pattern, check(_kept)) for n, (pattern, check) in CHECKS.items() if pattern in tests}
    parted = _above(tested, "tested", "*", *_kept_parts(behind.values()))
    query = _above(
        parted,
        "parted",
        "place",
        exp.alias_(exp.Count(this=exp.Star()), "rows", copy=False),
        *_filled(0, kind),
        *(_counted(exp.column(f"c0_{name}"), f"c0_{name}") for name in tests),
        *(_counted(both(exp.column(f"c0_{pattern}"), check), f"c0_{n}") for n, (pattern, check) in behind.items()),
    )
    return query.group_by("place", copy=False)


def _above(query: exp.Select, name: str, *shown: exp.Expr | str) -> exp.Select:
    return exp.select(*shown, copy=False).from_(query.subquery(name, copy=False), copy=False)


def _kept(part: str) -> exp.Expr:
    return exp.column("c0" if part == "text" else f"part_{part}")


def _kept_parts(behind: Iterable[tuple[str, exp.Expr]]) -> list[exp.Expr]:
    """Return the parts that checks look at, each computed only for values with the pattern of one of them."""
    wanted: dict[str, dict[str, None]] = {}
    for pattern, check in behind:
        for node in check.find_all(exp.Column):
            if node.name != "c0":
                wanted.setdefault(node.name.removeprefix("part_"), {})[pattern] = None
    return [
        exp.alias_(
            exp.Case(
                ifs=[
                    exp.If(
                        this=exp.or_(*(exp.column(f"c0_{one}") for one in patterns), copy=False),
                        true=_PARTS[part](exp.column("c0")),
                    )
                ]
            ),
            f"part_{part}",
            copy=False,
        )
        for part, patterns in wanted.items()
    ]


def one_under_the_other(table: str, columns: Mapping[str, str], seen: Seen) -> exp.Select:
    """Return the values of ``columns``, given with their types, as ``c0``, and the ``place`` of each column among them."""
    places = range(len(columns))
    return exp.select(
        exp.alias_(_call("UNNEST", exp.Array(expressions=[_number(place) for place in places])), "place", copy=False),
        exp.alias_(
            _call("UNNEST", exp.Array(expressions=[exp.column(f"c{place}") for place in places])), "c0", copy=False
        ),
        copy=False,
    ).from_(_values(table, columns, seen), copy=False)


def _looked_for(i: int, kind: str) -> list[exp.Expr]:
    """Return what is counted in a column of this kind."""
    value = exp.column(f"c{i}")
    tests = {name: test(value) for name, test in BY_TYPE[kind].items()}
    written = kind in WRITTEN
    return [
        *_filled(i, kind),
        *(_counted(_measured(test, i) if written else test, f"c{i}_{name}") for name, test in tests.items()),
    ]


def _filled(i: int, kind: str) -> list[exp.Expr]:
    """Return how many values there are in a column, and about how many different ones."""
    value = exp.column(f"c{i}")
    filled = exp.Nullif(this=value, expression=_text("")) if kind in WRITTEN else value
    distinct = exp.Anonymous(this="APPROX_COUNT_DISTINCT", expressions=[filled.copy()])
    return [
        exp.alias_(exp.Count(this=filled), f"c{i}_values", copy=False),
        exp.alias_(distinct, f"c{i}_distinct", copy=False),
    ]


def checks(table: str, wanted: Mapping[str, Sequence[str]], seen: Seen) -> exp.Select:
    """Return the query that counts the ``wanted`` checksums by column."""
    counted = [
        _counted(_behind(name, _part_of(i)), f"c{i}_{name}")
        for i, names in enumerate(wanted.values())
        for name in names
    ]
    used = {node.name for condition in counted for node in condition.find_all(exp.Column)}
    parts = [
        exp.alias_(make(exp.column(f"c{i}")), f"c{i}_{part}", copy=False)
        for i in range(len(wanted))
        for part, make in _PARTS.items()
        if f"c{i}_{part}" in used
    ]
    seen_values = _values(table, dict.fromkeys(wanted, "text"), seen)
    values = exp.select(*parts, copy=False).from_(seen_values, copy=False).subquery("parts", copy=False)
    return exp.select(*counted, copy=False).from_(values, copy=False)


def _behind(name: str, part: Parts) -> exp.Expr:
    pattern, check = CHECKS[name]
    return both(PATTERNS[pattern](part("text")), check(part))


def _measured(test: exp.Expr, index: int) -> exp.Expr:
    """Return a test with the length of the value taken from beside it, where it is computed once for all tests."""
    for node in list(test.find_all(exp.Length)):
        node.replace(exp.column(f"c{index}_length"))
    return test


def _part_of(index: int) -> Parts:
    return lambda part: exp.column(f"c{index}_{part}")


def _counted(condition: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(exp.Anonymous(this="COUNT_IF", expressions=[condition]), name, copy=False)


def _values(table: str, columns: Mapping[str, str], seen: Seen) -> exp.Subquery:
    """Return the values to look at, named c0, c1, ...: what is written as trimmed text, measures and days as they are."""
    values = []
    for i, (name, kind) in enumerate(columns.items()):
        value: exp.Expr = exp.column(_quoted(name))
        if kind in WRITTEN:
            value = exp.cast(value, "VARCHAR", dialect="duckdb")
        values.append(exp.alias_(trimmed(value) if kind == "text" else value, f"c{i}", copy=False))
    query = exp.select(*values, copy=False).from_(exp.table_(_quoted(table), db="lake"), copy=False)
    if seen.step > 1:
        row = exp.column(_quoted(ROW_COLUMN))
        nth = exp.EQ(this=exp.Mod(this=row, expression=_number(seen.step)), expression=_number(0))
        query = query.where(nth, copy=False)
    if seen.files:
        file = _call("SUBSTR", exp.column(_quoted(FILE_COLUMN)), _number(1), _number(_SHA256_LENGTH))
        query = query.where(exp.In(this=file, expressions=[_text(name) for name in seen.files]), copy=False)
    return query.subquery("seen", copy=False)


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def counts_of(row: Mapping[str, int], index: int) -> Counts:
    """Read the counts of one column out of the survey's single row; checksums are not counted yet."""
    return Counts(
        rows=row["rows"],
        values=row[f"c{index}_values"],
        distinct=row[f"c{index}_distinct"],
        hits={name: row.get(f"c{index}_{name}", 0) for name in (*CHECKS, *METRICS)},
    )


def wanted_checks(counts: Counts) -> list[str]:
    """Return the checks that are worth counting in a column."""
    return [name for name, (pattern, _) in CHECKS.items() if counts.hits[pattern] and not counts.hits[name]]
