"""Which columns of its tables a query can look at; a relation of only these gives the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from beijiang.protection.models.walls import fold, governed_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Words", "chosen", "words_of"]

Words = frozenset[str] | None
"""Every name in a query, folded; None where it takes whole rows, so that all columns of its tables matter."""


def words_of(tree: exp.Query) -> Words:
    """Return the names in a query.

    Every identifier counts, whatever it names: too many columns cost time, and too few would change the answer. What takes
    columns without naming them (``*``, a natural join, a whole row by its table's name, new names for them in order) needs
    them all.
    """
    if any(_takes_all(node) for node in tree.walk()):
        return None
    relations = {fold(one) for one in _relations(tree)}
    if any(not column.table and fold(column.name) in relations for column in tree.find_all(exp.Column)):
        return None
    return frozenset(fold(one.name) for one in tree.find_all(exp.Identifier))


def chosen(words: Words, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a table that a query can look at, in the table's order."""
    return tuple(one for one in columns if words is None or fold(one) in words)


def _takes_all(node: exp.Expr) -> bool:
    if isinstance(node, exp.Star):
        return not isinstance(node.parent, exp.Count)
    if isinstance(node, exp.Join):
        return str(node.args.get("method") or "").upper() == "NATURAL"
    if isinstance(node, exp.TableAlias):  # ``FROM people AS p(a, b)`` takes columns by their place
        return bool(node.args.get("columns"))
    return isinstance(node, exp.Columns | exp.Pivot)


def _relations(tree: exp.Query) -> Iterator[str]:
    yield from (table.name for table in governed_tables(tree))
    yield from (
        one.alias for one in tree.find_all(exp.Table, exp.Subquery, exp.CTE, exp.Lateral, exp.Values) if one.alias
    )
