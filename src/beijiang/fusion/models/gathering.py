"""Query trees of a run: the records of the sources, the golden values, and what a run counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlglot import exp, parse_one

from beijiang.engine.checksums import CHECKSUMS, in_place
from beijiang.engine.port import AT, PART
from beijiang.fusion.models.libraries import CHECKED, GOLDEN, Choosing, Element, Library, Link
from beijiang.fusion.models.trees import (
    CONFLICTS,
    CROSSWALK,
    MEMBERS,
    PROVENANCE,
    RECORD_COUNT,
    RECORDS,
    SOURCE_COUNT,
    as_text,
    digest,
    literal,
    numeral,
    one_if,
    quoted,
    relation,
)
from beijiang.recipes import day
from beijiang.tables import VALID_TO

__all__ = ["crosswalk", "differences", "field_counts", "golden", "places", "record_name", "records"]

_STEP: Final = 1_000_000
"""Records of one subject that are told apart when a value is chosen."""


def sql_type(element: Element) -> str:
    """Return the type of a column of the library's table (``standards.md`` 2.3)."""
    if element.type in {"N", "Y"}:
        precision, _, scale = element.length.partition(",")
        return f"DECIMAL({precision},{scale})" if precision.isdigit() and scale.isdigit() else "DECIMAL(24,6)"
    return {"D": "DATE", "T": "TIMESTAMPTZ", "L": "BOOLEAN", "B": "DOUBLE", "F": "DOUBLE", "I": "BIGINT"}.get(
        element.type, "VARCHAR"
    )


def _value(element: Element, column: str) -> exp.Expr:
    """Return a column of a source as a value of an element; what cannot be one is NULL."""
    kind, found = sql_type(element), quoted(column)
    text = exp.func("NULLIF", exp.Trim(this=as_text(found)), literal(""))
    if kind == "VARCHAR":
        return exp.Upper(this=text) if element.check in CHECKED else text
    if kind == "DATE":
        return day(text, "ymd", "fault", lambda part: part.copy())
    return exp.TryCast(this=text, to=exp.DataType.build(kind))


def record_name(secret: str, link: Link, key: Sequence[str]) -> exp.Expr:
    """Return the name of a record: the same whenever the row comes, telling nothing of its key."""
    columns = key or sorted(set(link.columns.values()))
    return digest(secret, [literal(str(link.number)), *(quoted(name) for name in columns)])


def records(library: Library, links: Sequence[tuple[Link, Sequence[str], bool]], secret: str) -> exp.Query:
    """Return the records of all sources in the library's own columns: ``record``, ``source``, ``seen``, ``e0``, ``e1``, ...

    Where an element has a check algorithm, ``v0`` and so on tell whether its value meets it.
    With each link go the columns that name its rows and whether its table keeps history (then what holds now is taken).
    Of rows with one name the newest is taken.
    """
    parts = [_records_of(library, link, key, secret, keeps_history=history) for link, key, history in links]
    whole: exp.Query = parts[0]
    for part in parts[1:]:
        whole = exp.union(whole, part, distinct=False)
    return whole


def _records_of(library: Library, link: Link, key: Sequence[str], secret: str, *, keeps_history: bool) -> exp.Select:
    seen = exp.TryCast(this=quoted(link.seen) if link.seen else exp.null(), to=exp.DataType.build("TIMESTAMPTZ"))
    values = [
        _value(one, link.columns[one.name]) if one.name in link.columns else exp.cast(exp.null(), sql_type(one))
        for one in library.elements
    ]
    inner = exp.select(
        exp.alias_(record_name(secret, link, key), "record"),
        exp.alias_(numeral(link.number), "source"),
        exp.alias_(seen, "seen"),
        *(exp.alias_(value, f"e{n}") for n, value in enumerate(values)),
    ).from_(relation(link.table))
    if keeps_history:
        inner = inner.where(quoted(VALID_TO).is_(exp.null()))
    names = ["record", "source", "seen", *(f"e{n}" for n in range(len(values)))]
    order = ", ".join(f"{name} DESC NULLS LAST" for name in names[2:])
    ranked = exp.select(*names, parse_one(f"ROW_NUMBER() OVER (PARTITION BY record ORDER BY {order}) AS n")).from_(
        inner.subquery("rows_of")
    )
    checked = [
        exp.alias_(CHECKSUMS[one.check](in_place(exp.column(f"e{n}"))), f"v{n}")
        for n, one in enumerate(library.elements)
        if one.check in CHECKED
    ]
    return exp.select(*names, *checked).from_(ranked.subquery("ranked")).where("n = 1")


def golden(library: Library, ranks: Mapping[str, Mapping[int, int]]) -> exp.Query:
    """Return the golden records: every element's chosen value, from which record it is, and where sources disagree.

    ``ranks``: by element, the rank of each source's number; 0 is the declared source (一数一源), lower wins.
    """
    base = exp.select(
        exp.alias_(exp.column("golden", "m"), "golden"), "r.*",
        parse_one("ROW_NUMBER() OVER (PARTITION BY m.golden ORDER BY r.seen DESC NULLS LAST, r.source, r.record) AS nth"),
        *(
            parse_one(f"COUNT(*) OVER (PARTITION BY m.golden, r.e{n}) AS votes{n}")
            for n, one in enumerate(library.elements)
            if one.choosing is Choosing.VOTE
        ),
    ).from_(relation(RECORDS, "r")).join(relation(MEMBERS, "m"), on="m.record = r.record")  # fmt: skip
    orders = [exp.alias_(_order(one, n, ranks.get(one.name, {})), f"k{n}") for n, one in enumerate(library.elements)]
    ordered = exp.select("*", *orders).from_(base.subquery("known"))
    chosen = [exp.alias_(_first(f"e{n}", n), one.name, quoted=True) for n, one in enumerate(library.elements)]
    return (
        exp.select(
            exp.alias_(exp.column("golden"), GOLDEN, quoted=True),
            *chosen,
            parse_one(f'COUNT(DISTINCT source) AS "{SOURCE_COUNT}"'),
            parse_one(f'COUNT(*) AS "{RECORD_COUNT}"'),
            exp.alias_(_provenance(library), PROVENANCE, quoted=True),
            exp.alias_(_conflicts(library), CONFLICTS, quoted=True),
        )
        .from_(ordered.subquery("ordered"))
        .group_by("golden")
    )


def _order(element: Element, place: int, ranks: Mapping[int, int]) -> exp.Expr:
    """Return a whole number by which the values of an element are ordered, the least first."""
    rank = exp.Case()
    for source, value in sorted(ranks.items()):
        rank = rank.when(exp.column("source").eq(source), numeral(value))
    by_source = rank.else_(numeral(99)) if ranks else numeral(99)
    first: exp.Expr = numeral(0)
    if element.choosing is Choosing.SOURCE:
        first = by_source
    elif element.choosing is Choosing.LONGEST:
        first = exp.Sub(this=numeral(10_000), expression=exp.Length(this=as_text(exp.column(f"e{place}"))))
    elif element.choosing is Choosing.VOTE:
        votes = exp.Paren(this=exp.Sub(this=numeral(10_000), expression=exp.column(f"votes{place}")))
        first = exp.Add(this=exp.Mul(this=votes, expression=numeral(100)), expression=by_source)
    whole = exp.Add(
        this=exp.Mul(this=exp.Paren(this=exp.cast(first, "BIGINT")), expression=numeral(_STEP)),
        expression=exp.column("nth"),
    )
    if element.check not in CHECKED:
        return whole
    wrong = exp.Case().when(exp.column(f"v{place}"), numeral(0))
    return exp.Add(this=wrong.else_(numeral(10**15)), expression=whole)


def _first(what: str, place: int) -> exp.Expr:
    """Return what stands in the record whose value of an element comes first."""
    there = exp.Where(this=exp.not_(exp.column(f"e{place}").is_(exp.null())))
    return exp.Filter(this=exp.ArgMin(this=exp.column(what), expression=exp.column(f"k{place}")), expression=there)


def _provenance(library: Library) -> exp.Expr:
    """Return ``{"姓名":"<record>",...}`` of the fields that have a value."""
    parts: exp.Expr = literal("")
    for place, one in enumerate(library.elements):
        name = one.name.replace("\\", "\\\\").replace('"', '\\"')
        said = exp.DPipe(
            this=exp.DPipe(this=literal(f',"{name}":"'), expression=_first("record", place)), expression=literal('"')
        )
        parts = exp.DPipe(this=parts, expression=exp.func("COALESCE", said, literal("")))
    inner = exp.Substring(this=exp.Paren(this=parts), start=numeral(2))
    return exp.DPipe(this=exp.DPipe(this=literal("{"), expression=inner), expression=literal("}"))


def _conflicts(library: Library) -> exp.Expr:
    """Return the names of the elements for which the sources have different values, or NULL."""
    parts: exp.Expr = literal("")
    for place, one in enumerate(library.elements):
        value = exp.column(f"e{place}")
        differ = exp.NEQ(this=exp.Min(this=value.copy()), expression=exp.Max(this=value.copy()))
        parts = exp.DPipe(this=parts, expression=exp.Case().when(differ, literal(f"、{one.name}")).else_(literal("")))
    return exp.func("NULLIF", exp.Substring(this=exp.Paren(this=parts), start=numeral(2)), literal(""))


def crosswalk(tables: Mapping[int, str], how: Mapping[str, str]) -> exp.Query:
    """Return the table of who belongs to whom, with the source's table and the reason in words."""
    source, reason = exp.Case(), exp.Case()
    for number, table in tables.items():
        source = source.when(exp.column("source").eq(number), literal(table))
    for key, words in how.items():
        reason = reason.when(exp.column("how").eq(key), literal(words))
    names = [exp.column("record"), exp.column("golden"), source, reason]
    return exp.select(
        *(exp.alias_(value, name, quoted=True) for value, name in zip(names, CROSSWALK, strict=True))
    ).from_(relation(MEMBERS))


def differences(library: Library, chosen: str) -> exp.Query:
    """Return, by source, its records and for each element how many have a value and how many another than the golden one."""
    counts = []
    for n, one in enumerate(library.elements):
        mine, theirs = exp.column(f"e{n}", "r"), exp.column(exp.to_identifier(one.name, quoted=True), "g")
        counts.append(exp.alias_(exp.Count(this=mine), f"f{n}"))
        counts.append(exp.alias_(exp.Sum(this=one_if(exp.NEQ(this=mine.copy(), expression=theirs))), f"d{n}"))
    on = exp.column(exp.to_identifier(GOLDEN, quoted=True), "g").eq(exp.column("golden", "m"))
    return (
        exp.select(exp.alias_(exp.column("source", "r"), "source"), parse_one("COUNT(*) AS records"), *counts)
        .from_(relation(RECORDS, "r"))
        .join(relation(MEMBERS, "m"), on="m.record = r.record")
        .join(relation(chosen, "g"), on=on)
        .group_by("r.source")
    )


def field_counts(library: Library) -> exp.Query:
    """Return, over the golden records that hold now, how many have a value of each element and how many are disputed."""
    counts = []
    listed = exp.DPipe(this=exp.DPipe(this=literal("、"), expression=quoted(CONFLICTS)), expression=literal("、"))
    for n, one in enumerate(library.elements):
        counts.append(exp.alias_(exp.Count(this=quoted(one.name)), f"f{n}"))
        named = exp.GT(
            this=exp.StrPosition(this=listed.copy(), substr=literal(f"、{one.name}、")), expression=numeral(0)
        )
        counts.append(exp.alias_(exp.Sum(this=one_if(named)), f"c{n}"))
    return exp.select(*counts).from_(relation(library.target)).where(quoted(VALID_TO).is_(exp.null()))


def places(secret: str, link: Link, key: Sequence[str], names: Sequence[str]) -> exp.Query:
    """Return where in a source's table the records of some names lie, and which of the names it is (``n``, from 0)."""
    which = exp.Case()
    for n, name in enumerate(names):
        which = which.when(exp.column("name").eq(literal(name)), numeral(n))
    named = exp.select(PART, AT, exp.alias_(record_name(secret, link, key), "name")).from_(relation(link.table))
    found = exp.select(PART, AT, exp.alias_(which, "n")).from_(named.subquery("named"))
    return found.where(exp.column("name").isin(*map(literal, names)))
