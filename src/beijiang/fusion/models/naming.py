"""Query trees of a run that say who is who: nodes by key, what a linker compares, pairs between nodes, members of subjects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlglot import exp, parse_one

from beijiang.fusion.models.libraries import CHECKED, GOLDEN, Element, Library
from beijiang.fusion.models.trees import (
    JOINS,
    LINKABLE,
    NODES,
    PAIRS,
    RECORD,
    RECORDS,
    digest,
    filled,
    fixed,
    literal,
    numeral,
    one_if,
    quoted,
    relation,
)
from beijiang.tables import VALID_FROM, VALID_TO

__all__ = ["edges", "linkable", "marks", "members", "nodes", "nodes_of"]


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
        valid = exp.and_(valid, exp.not_(exp.column("record").isin(*map(literal, alone))))
    name = digest(secret, [literal("key"), *(exp.column(f"e{n}") for _, n in keys)])
    inner = exp.select("record", "source", exp.alias_(valid, "keyed"), exp.alias_(name, "key_name")).from_(
        relation(RECORDS)
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
    return exp.select("record", parse_one("CAST(source AS VARCHAR) AS source"), *texts).from_(relation(RECORDS))


def marks(fields: Collection[str], secret: str) -> exp.Query:
    """Return ``record`` and ``mark``, which changes when anything changes that a linker compares; it tells no value."""
    mark = digest(secret, [literal("mark"), *(exp.column(name) for name in ("source", *fields))])
    return exp.select("record", exp.alias_(mark, "mark")).from_(relation(LINKABLE))


def edges(least: float) -> exp.Query:
    """Return the pairs between nodes from a probability on: the surest pair of records of each, and what has a key."""
    return filled(
        fixed(
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
        .from_(relation(NODES))
        .where(exp.column("record").isin(*map(literal, names)))
    )


def members(library: Library, secret: str, alone: Sequence[str], *, first: bool) -> exp.Query:
    """Return which golden record each record belongs to.

    A cluster keeps the name under which most of its records were known (of equal ones, the older); where two claim one, the
    greater keeps it (of equal ones, that from which nothing was taken out), and the other gets a new one, which is the same
    whenever the same records part again. ``first``: there are no names yet.
    """
    tree = fixed(
        """WITH grouped AS (
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
        nodes=NODES, joins=JOINS, before=_no_names() if first else _names(library.crosswalk),
    )  # fmt: skip
    new = digest(secret, [literal("golden"), exp.column("cluster", "g"), exp.column("golden", "p")], width=64)
    out = one_if(exp.column("record", "n").isin(*map(literal, alone))) if alone else numeral(0)
    meant = {"NEW_NAME": new, "TAKEN_OUT": out}

    def named(node: exp.Expr) -> exp.Expr:
        return meant[node.name].copy() if isinstance(node, exp.Column) and node.name in meant else node

    return filled(tree.transform(named), prefix=library.prefix)


def _names(crosswalk: str) -> exp.Query:
    """Return the golden record that each record belongs to now, and since when there is one of that name."""
    born = exp.Window(this=exp.Min(this=quoted(VALID_FROM)), partition_by=[quoted(GOLDEN)])
    known = exp.select(
        exp.alias_(quoted(RECORD), "record"),
        exp.alias_(quoted(GOLDEN), "golden"),
        exp.alias_(quoted(VALID_TO), "until"),
        exp.alias_(born, "since"),
    ).from_(relation(crosswalk))
    return exp.select("record", "golden", "since").from_(known.subquery("known")).where("until IS NULL")


def _no_names() -> exp.Query:
    columns = (("record", "VARCHAR"), ("golden", "VARCHAR"), ("since", "TIMESTAMP"))
    return exp.select(*(exp.alias_(exp.cast(exp.null(), kind), name) for name, kind in columns)).where("1 = 0")
