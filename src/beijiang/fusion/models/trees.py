"""What the query trees of a run share: the names of its relations, and small pieces of trees.

Every relation stands in the schema ``lake``: a table of a source under its own name, what an earlier query of the run wrote
under one of the names below. Values go in as literals of the tree. All trees run alike on DuckDB and on Spark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp, parse_one

from beijiang.engine.port import LAKE
from beijiang.fusion.models.libraries import GOLDEN

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
    "as_text",
    "digest",
    "filled",
    "fixed",
    "literal",
    "numeral",
    "one_if",
    "quoted",
    "relation",
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


def quoted(name: str, table: str = "") -> exp.Column:
    """Return a column by its name, whatever its letters."""
    return exp.column(exp.to_identifier(name, quoted=True), table=table or None)


def relation(name: str, alias: str = "") -> exp.Table:
    """Return a relation of the run or a table of a source."""
    return exp.table_(exp.to_identifier(name, quoted=True), db=LAKE, alias=alias or None)


def as_text(value: exp.Expr) -> exp.Expr:
    """Return a value as text."""
    return exp.cast(value, "VARCHAR")


def literal(value: str) -> exp.Expr:
    """Return a text as a literal."""
    return exp.Literal.string(value)


def numeral(value: int) -> exp.Expr:
    """Return a number as a literal."""
    return exp.Literal.number(value)


def joined(parts: Sequence[exp.Expr]) -> exp.Expr:
    """Return texts in one, each with a mark behind it that no text has, and another where there is none."""
    whole: exp.Expr = literal("")
    for part in parts:
        known = exp.func("COALESCE", as_text(part), literal(_NULL))
        whole = exp.DPipe(this=exp.DPipe(this=whole, expression=known), expression=literal(_UNIT))
    return whole


def digest(secret: str, parts: Sequence[exp.Expr], width: int = _WIDTH) -> exp.Expr:
    """Return a name that tells nothing of the values to those who do not hold the secret."""
    whole = exp.DPipe(this=literal(secret + _UNIT), expression=joined(parts))
    return exp.Substring(this=exp.SHA2(this=whole, length=numeral(256)), start=numeral(1), length=numeral(width))


def one_if(condition: exp.Expr) -> exp.Expr:
    """Return 1 where a condition holds, else 0."""
    return exp.Case().when(condition, numeral(1)).else_(numeral(0))


def filled(tree: exp.Expr, **values: str | float) -> exp.Query:
    """Return a tree with literals in the places of its ``:names``."""
    whole = exp.replace_placeholders(tree, **values)
    if not isinstance(whole, exp.Query):
        msg = "a query stays a query"
        raise TypeError(msg)
    return whole


def fixed(sql: str, **relations: str | exp.Query) -> exp.Query:
    """Return a tree of our own writing whose relations stand for what a run calls them, or for queries."""

    def bound(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Table) or node.db or node.name not in relations:
            return node
        found = relations[node.name]
        return relation(found, node.alias_or_name) if isinstance(found, str) else found.subquery(node.alias_or_name)

    tree: exp.Query = parse_one(sql).transform(bound)  # type: ignore[assignment]
    return tree
