"""Query trees of a run: the records of the sources, the names of subjects, and the golden values.

Every relation stands in the schema ``lake``: a table of a source under its own name, what an earlier query of the run wrote
under one of the names below. Values go in as literals of the tree. All trees run alike on DuckDB and on Spark.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from sqlglot import exp, parse_one

from beijiang.engine.checksums import CHECKSUMS, in_place
from beijiang.engine.port import AT, LAKE, PART
from beijiang.fusion.models.libraries import CHECKED, GOLDEN, Choosing, Element, Library, Link
from beijiang.tables import VALID_FROM, VALID_TO

__all__ = [
    "CONFLICTS",
    "CROSSWALK",
    "JOINS",
    "LINKABLE",
    "MEMBERS",
    "NODES",
    "PAIRS",
    "PROVENANCE",
    "RECORD",
    "RECORDS",
    "RECORD_COUNT",
    "SOURCE_COUNT",
    "crosswalk",
    "differences",
    "edges",
    "field_counts",
    "golden",
    "linkable",
    "marks",
    "members",
    "nodes",
    "nodes_of",
    "places",
    "records",
]

RECORDS: Final = "staged:records"
NODES: Final = "staged:nodes"
LINKABLE: Final = "staged:linkable"
PAIRS: Final = "staged:pairs"
JOINS: Final = "staged:joins"
MEMBERS: Final = "staged:members"

RECORD: Final = "记录标识"
SOURCE_COUNT: Final = "来源数"
RECORD_COUNT: Final = "记录数"
PROVENANCE: Final = "字段来源"
CONFLICTS: Final = "分歧字段"
CROSSWALK: Final = (RECORD, GOLDEN, "来源表", "归并依据")

_UNIT: Final = "\x1f"
_NULL: Final = "\x1e"
_WIDTH: Final = 20
_STEP: Final = 1_000_000
"""Records of one subject that are told apart when a value is chosen."""


def _column(name: str, table: str = "") -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=table or None)


def _table(name: str, alias: str = "") -> exp.Table:
    return exp.table_(exp.to_identifier(name, quoted=True), db=LAKE, alias=alias or None)


def _text(value: exp.Expr) -> exp.Expr:
    return exp.cast(value, "VARCHAR")


def _literal(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _joined(parts: Sequence[exp.Expr]) -> exp.Expr:
    """Return texts in one, each with a mark behind it that no text has, and another where there is none."""
    whole: exp.Expr = _literal("")
    for part in parts:
        known = exp.func("COALESCE", _text(part), _literal(_NULL))
        whole = exp.DPipe(this=exp.DPipe(this=whole, expression=known), expression=_literal(_UNIT))
    return whole


def _digest(secret: str, parts: Sequence[exp.Expr], width: int = _WIDTH) -> exp.Expr:
    """Return a name that tells nothing of the values to those who do not hold the secret."""
    whole = exp.DPipe(this=_literal(secret + _UNIT), expression=_joined(parts))
    return exp.Substring(this=exp.SHA2(this=whole, length=_number(256)), start=_number(1), length=_number(width))


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
    kind, found = sql_type(element), _column(column)
    text = exp.func("NULLIF", exp.Trim(this=_text(found)), _literal(""))
    if kind == "VARCHAR":
        return exp.Upper(this=text) if element.check in CHECKED else text
    if kind == "DATE":  # also as CCYYMMDD
        digits = exp.Substring(this=text.copy(), start=_number(1), length=_number(8))
        dashed = exp.func(
            "REGEXP_REPLACE", digits, _literal("^([0-9]{4})([0-9]{2})([0-9]{2})$"), _literal("\\1-\\2-\\3")
        )
        compact = exp.RegexpLike(this=text.copy(), expression=_literal("^[0-9]{8}$"))
        return exp.TryCast(this=exp.Case().when(compact, dashed).else_(text), to=exp.DataType.build(kind))
    return exp.TryCast(this=text, to=exp.DataType.build(kind))


def record_name(secret: str, link: Link, key: Sequence[str]) -> exp.Expr:
    """Return the name of a record: the same whenever the row comes, telling nothing of its key."""
    columns = key or sorted(set(link.columns.values()))
    return _digest(secret, [_literal(str(link.number)), *(_column(name) for name in columns)])


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
    seen = exp.TryCast(this=_column(link.seen) if link.seen else exp.null(), to=exp.DataType.build("TIMESTAMP"))
    values = [
        _value(one, link.columns[one.name]) if one.name in link.columns else exp.cast(exp.null(), sql_type(one))
        for one in library.elements
    ]
    inner = exp.select(
        exp.alias_(record_name(secret, link, key), "record"),
        exp.alias_(_number(link.number), "source"),
        exp.alias_(seen, "seen"),
        *(exp.alias_(value, f"e{n}") for n, value in enumerate(values)),
    ).from_(_table(link.table))
    if keeps_history:
        inner = inner.where(_column(VALID_TO).is_(exp.null()))
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


def _valid(element: Element, place: int) -> exp.Expr:
    value = exp.column(f"e{place}")
    there = exp.not_(value.is_(exp.null()))
    if element.check not in CHECKED:
        return there
    return exp.and_(there, exp.column(f"v{place}"))


def nodes(library: Library, secret: str, alone: Sequence[str]) -> exp.Query:
    """Return ``record``, ``source``, ``node``, ``keyed``: records with the same valid key are one node, others each their own.

    ``alone``: records that a person took out of what the key would put together.
    """
    places = {one.name: n for n, one in enumerate(library.elements)}
    keys = [(library.elements[places[name]], places[name]) for name in library.key]
    valid = exp.and_(*(_valid(one, n) for one, n in keys)) if keys else exp.false()
    if alone:
        valid = exp.and_(valid, exp.not_(exp.column("record").isin(*map(_literal, alone))))
    name = _digest(secret, [_literal("key"), *(exp.column(f"e{n}") for _, n in keys)])
    inner = exp.select("record", "source", exp.alias_(valid, "keyed"), exp.alias_(name, "key_name")).from_(
        _table(RECORDS)
    )
    return exp.select(
        "record", "source", "keyed", parse_one("CASE WHEN keyed THEN key_name ELSE record END AS node")
    ).from_(inner.subquery("named"))


def linkable(library: Library, fields: Mapping[str, str]) -> exp.Query:
    """Return what a linker compares: ``record``, ``source`` and a text for each field of a match model.

    ``fields``: by field, the data element that it is (the part behind the dot); without a value where the library has none.
    """
    places = {one.element.rpartition(".")[2]: n for n, one in enumerate(library.elements)}
    texts = [
        exp.alias_(exp.cast(exp.column(f"e{places[of]}") if of in places else exp.null(), "VARCHAR"), name)
        for name, of in fields.items()
    ]
    return exp.select("record", parse_one("CAST(source AS VARCHAR) AS source"), *texts).from_(_table(RECORDS))


def marks(fields: Collection[str], secret: str) -> exp.Query:
    """Return ``record`` and ``mark``, which changes when anything changes that a linker compares; it tells no value."""
    mark = _digest(secret, [_literal("mark"), *(exp.column(name) for name in ("source", *fields))])
    return exp.select("record", exp.alias_(mark, "mark")).from_(_table(LINKABLE))


def edges(least: float) -> exp.Query:
    """Return the pairs between nodes from a probability on: the surest pair of records of each, and what has a key."""
    return _filled(
        _fixed(
            """SELECT a.node AS a, b.node AS b, MAX(p.probability) AS probability,
                      ARG_MAX(p."left", p.probability) AS left_record, ARG_MAX(p."right", p.probability) AS right_record,
                      ARG_MAX(a.source, p.probability) AS left_source, ARG_MAX(b.source, p.probability) AS right_source,
                      MAX(CASE WHEN a.keyed THEN 1 ELSE 0 END) AS a_keyed,
                      MAX(CASE WHEN b.keyed THEN 1 ELSE 0 END) AS b_keyed
               FROM pairs AS p JOIN nodes AS a ON a.record = p."left" JOIN nodes AS b ON b.record = p."right"
               WHERE a.node <> b.node AND p.probability >= :least GROUP BY a.node, b.node""",
            pairs=PAIRS, nodes=NODES,
        ),
        least=least,
    )  # fmt: skip


def nodes_of(names: Sequence[str]) -> exp.Query:
    """Return ``record``, ``node`` and ``keyed`` of some records."""
    return (
        exp.select("record", "node", parse_one("CASE WHEN keyed THEN 1 ELSE 0 END AS keyed"))
        .from_(_table(NODES))
        .where(exp.column("record").isin(*map(_literal, names)))
    )


def members(library: Library, secret: str, alone: Sequence[str], *, first: bool) -> exp.Query:
    """Return which golden record each record belongs to.

    A cluster keeps the name under which most of its records were known (of equal ones, the older); where two claim one, the greater keeps it (of equal
    ones, that from which nothing was taken out), and the other gets a new one, which is the same whenever the same records
    part again. ``first``: there are no names yet.
    """
    before = (
        "SELECT CAST(NULL AS VARCHAR) AS record, CAST(NULL AS VARCHAR) AS golden, CAST(NULL AS TIMESTAMP) AS since WHERE 1 = 0"
        if first
        else f"""SELECT record, golden, since FROM (
                SELECT "{RECORD}" AS record, "{GOLDEN}" AS golden, "{VALID_TO}" AS until,
                       MIN("{VALID_FROM}") OVER (PARTITION BY "{GOLDEN}") AS since FROM crosswalk) AS known
            WHERE until IS NULL"""
    )
    tree = _fixed(
        f"""WITH before AS ({before}),
        grouped AS (
            SELECT n.record, n.source, n.keyed, COALESCE(j.root, n.node) AS cluster, j.how, TAKEN_OUT AS taken_out
            FROM nodes AS n LEFT JOIN joins AS j ON j.node = n.node),
        votes AS (
            SELECT g.cluster, b.golden, COUNT(*) AS votes, MIN(b.since) AS since, MAX(g.taken_out) AS taken_out
            FROM grouped AS g JOIN before AS b ON b.record = g.record GROUP BY g.cluster, b.golden),
        wished AS (
            SELECT cluster, golden, votes, taken_out,
                   ROW_NUMBER() OVER (PARTITION BY cluster ORDER BY votes DESC, since, golden) AS n FROM votes),
        kept AS (
            SELECT cluster, golden FROM (
                SELECT cluster, golden, ROW_NUMBER() OVER (
                    PARTITION BY golden ORDER BY votes DESC, taken_out, cluster) AS m
                FROM wished WHERE n = 1) AS ranked WHERE m = 1),
        parted AS (SELECT cluster, golden FROM wished WHERE n = 1),
        sizes AS (SELECT cluster, COUNT(*) AS size FROM grouped GROUP BY cluster)
        SELECT g.record, g.source,
               COALESCE(k.golden, :prefix || '-' || UPPER(SUBSTRING(NEW_NAME, 1, 12))) AS golden,
               CASE WHEN s.size = 1 THEN 'alone' WHEN g.how IS NOT NULL THEN g.how
                    WHEN g.keyed THEN 'key' ELSE 'alone' END AS how
        FROM grouped AS g
        JOIN sizes AS s ON s.cluster = g.cluster
        LEFT JOIN kept AS k ON k.cluster = g.cluster
        LEFT JOIN parted AS p ON p.cluster = g.cluster""",
        nodes=NODES, joins=JOINS, crosswalk=library.crosswalk,
    )  # fmt: skip
    new = _digest(secret, [_literal("golden"), exp.column("cluster", "g"), exp.column("golden", "p")], width=64)

    out = _if(exp.column("record", "n").isin(*map(_literal, alone))) if alone else _number(0)
    meant = {"NEW_NAME": new, "TAKEN_OUT": out}

    def named(node: exp.Expr) -> exp.Expr:
        return meant[node.name].copy() if isinstance(node, exp.Column) and node.name in meant else node

    return _filled(tree.transform(named), prefix=library.prefix)


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
    ).from_(_table(RECORDS, "r")).join(_table(MEMBERS, "m"), on="m.record = r.record")  # fmt: skip
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
        rank = rank.when(exp.column("source").eq(source), _number(value))
    by_source = rank.else_(_number(99)) if ranks else _number(99)
    first: exp.Expr = _number(0)
    if element.choosing is Choosing.SOURCE:
        first = by_source
    elif element.choosing is Choosing.LONGEST:
        first = exp.Sub(this=_number(10_000), expression=exp.Length(this=_text(exp.column(f"e{place}"))))
    elif element.choosing is Choosing.VOTE:
        votes = exp.Paren(this=exp.Sub(this=_number(10_000), expression=exp.column(f"votes{place}")))
        first = exp.Add(this=exp.Mul(this=votes, expression=_number(100)), expression=by_source)
    whole = exp.Add(
        this=exp.Mul(this=exp.Paren(this=exp.cast(first, "BIGINT")), expression=_number(_STEP)),
        expression=exp.column("nth"),
    )
    if element.check not in CHECKED:
        return whole
    wrong = exp.Case().when(exp.column(f"v{place}"), _number(0))
    return exp.Add(this=wrong.else_(_number(10**15)), expression=whole)


def _first(what: str, place: int) -> exp.Expr:
    """Return what stands in the record whose value of an element comes first."""
    there = exp.Where(this=exp.not_(exp.column(f"e{place}").is_(exp.null())))
    return exp.Filter(this=exp.ArgMin(this=exp.column(what), expression=exp.column(f"k{place}")), expression=there)


def _provenance(library: Library) -> exp.Expr:
    """Return ``{"姓名":"<record>",...}`` of the fields that have a value."""
    parts: exp.Expr = _literal("")
    for place, one in enumerate(library.elements):
        name = one.name.replace("\\", "\\\\").replace('"', '\\"')
        said = exp.DPipe(
            this=exp.DPipe(this=_literal(f',"{name}":"'), expression=_first("record", place)), expression=_literal('"')
        )
        parts = exp.DPipe(this=parts, expression=exp.func("COALESCE", said, _literal("")))
    inner = exp.Substring(this=exp.Paren(this=parts), start=_number(2))
    return exp.DPipe(this=exp.DPipe(this=_literal("{"), expression=inner), expression=_literal("}"))


def _conflicts(library: Library) -> exp.Expr:
    """Return the names of the elements for which the sources have different values, or NULL."""
    parts: exp.Expr = _literal("")
    for place, one in enumerate(library.elements):
        value = exp.column(f"e{place}")
        differ = exp.NEQ(this=exp.Min(this=value.copy()), expression=exp.Max(this=value.copy()))
        parts = exp.DPipe(this=parts, expression=exp.Case().when(differ, _literal(f"、{one.name}")).else_(_literal("")))
    return exp.func("NULLIF", exp.Substring(this=exp.Paren(this=parts), start=_number(2)), _literal(""))


def crosswalk(tables: Mapping[int, str], how: Mapping[str, str]) -> exp.Query:
    """Return the table of who belongs to whom, with the source's table and the reason in words."""
    source, reason = exp.Case(), exp.Case()
    for number, table in tables.items():
        source = source.when(exp.column("source").eq(number), _literal(table))
    for key, words in how.items():
        reason = reason.when(exp.column("how").eq(key), _literal(words))
    names = [exp.column("record"), exp.column("golden"), source, reason]
    return exp.select(
        *(exp.alias_(value, name, quoted=True) for value, name in zip(names, CROSSWALK, strict=True))
    ).from_(_table(MEMBERS))


def differences(library: Library, chosen: str) -> exp.Query:
    """Return, by source, its records and for each element how many have a value and how many another than the golden one."""
    counts = []
    for n, one in enumerate(library.elements):
        mine, theirs = exp.column(f"e{n}", "r"), exp.column(exp.to_identifier(one.name, quoted=True), "g")
        counts.append(exp.alias_(exp.Count(this=mine), f"f{n}"))
        counts.append(exp.alias_(exp.Sum(this=_if(exp.NEQ(this=mine.copy(), expression=theirs))), f"d{n}"))
    on = exp.column(exp.to_identifier(GOLDEN, quoted=True), "g").eq(exp.column("golden", "m"))
    return (
        exp.select(exp.alias_(exp.column("source", "r"), "source"), parse_one("COUNT(*) AS records"), *counts)
        .from_(_table(RECORDS, "r"))
        .join(_table(MEMBERS, "m"), on="m.record = r.record")
        .join(_table(chosen, "g"), on=on)
        .group_by("r.source")
    )


def field_counts(library: Library) -> exp.Query:
    """Return, over the golden records that hold now, how many have a value of each element and how many are disputed."""
    counts = []
    listed = exp.DPipe(this=exp.DPipe(this=_literal("、"), expression=_column(CONFLICTS)), expression=_literal("、"))
    for n, one in enumerate(library.elements):
        counts.append(exp.alias_(exp.Count(this=_column(one.name)), f"f{n}"))
        named = exp.GT(
            this=exp.StrPosition(this=listed.copy(), substr=_literal(f"、{one.name}、")), expression=_number(0)
        )
        counts.append(exp.alias_(exp.Sum(this=_if(named)), f"c{n}"))
    return exp.select(*counts).from_(_table(library.target)).where(_column(VALID_TO).is_(exp.null()))


def _if(condition: exp.Expr) -> exp.Expr:
    return exp.Case().when(condition, _number(1)).else_(_number(0))


def places(secret: str, link: Link, key: Sequence[str], names: Sequence[str]) -> exp.Query:
    """Return where in a source's table the records of some names lie, and which of the names it is (``n``, from 0)."""
    which = exp.Case()
    for n, name in enumerate(names):
        which = which.when(exp.column("name").eq(_literal(name)), _number(n))
    named = exp.select(PART, AT, exp.alias_(record_name(secret, link, key), "name")).from_(_table(link.table))
    found = exp.select(PART, AT, exp.alias_(which, "n")).from_(named.subquery("named"))
    return found.where(exp.column("name").isin(*map(_literal, names)))


def _filled(tree: exp.Expr, **values: str | float) -> exp.Query:
    """Return a tree with literals in the places of its ``:names``."""
    whole = exp.replace_placeholders(tree, **values)
    if not isinstance(whole, exp.Query):
        msg = "a query stays a query"
        raise TypeError(msg)
    return whole


def _fixed(sql: str, **relations: str) -> exp.Query:
    """Return a tree of our own writing whose relations stand for what a run calls them."""
    wanted: Callable[[exp.Expr], exp.Expr] = lambda node: (  # noqa: E731 - one look at each node
        _table(relations[node.name], node.alias_or_name)
        if isinstance(node, exp.Table) and not node.db and node.name in relations
        else node
    )
    tree: exp.Query = parse_one(sql).transform(wanted)  # type: ignore[assignment]
    return tree
