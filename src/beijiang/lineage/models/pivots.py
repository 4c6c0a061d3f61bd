"""``PIVOT`` and ``UNPIVOT``: columns made of values, and values made of columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from sqlglot import exp

from beijiang.lineage.models.expressions import Expressions
from beijiang.lineage.models.origins import NOTHING, Origins, Relation, folded, lift, numbered
from beijiang.lineage.models.scopes import Scope
from beijiang.tables import Use

__all__ = ["pivoted"]


def pivoted(node: exp.Expr, source: Relation, expressions: Expressions, outer: Scope | None = None) -> Relation:
    """Return what a ``PIVOT`` or ``UNPIVOT`` makes of ``source``, as a statement of its own or behind a table."""
    scope = Scope(outer=outer)
    scope.add(source)
    return _unpivot(node, source, scope) if node.args.get("unpivot") else _pivot(node, source, scope, expressions)


def _pivot(node: exp.Expr, source: Relation, scope: Scope, expressions: Expressions) -> Relation:
    fields, aggregates = node.args.get("fields") or [], node.expressions
    if not fields:  # the statement: PIVOT ... ON fields USING aggregates
        fields, aggregates = node.expressions, node.args.get("using") or []
    of_fields = [expressions.made(_field(one), scope) for one in fields]
    shown = [(one.alias_or_name or one.sql("duckdb"), expressions.made(one, scope), one) for one in aggregates]
    used = {folded(column.name) for one in [*fields, *aggregates] for column in one.find_all(exp.Column)}
    group = node.args.get("group")
    if group is not None:
        keys = [scope.column(one) for one in group.expressions if isinstance(one, exp.Column)]
    else:
        keys = [one for one in source.columns if folded(one[0]) not in used]
    decided = lift(NOTHING.union(*of_fields), Use.CONDITIONAL)
    influences = source.influences | NOTHING.union(*(lift(o, Use.GROUP_BY) for _, o in keys))
    if not all(isinstance(one, exp.In) and one.expressions for one in fields):
        every = NOTHING.union(*(origins for _, origins, _ in shown))
        return Relation(tuple(keys), influences, every | decided, source.name)
    named = len(shown) > 1 or any(isinstance(one, exp.Alias) for _, _, one in shown)
    columns: list[tuple[str, Origins]] = []
    for values in product(*([_value(v) for v in one.expressions] for one in fields)):
        word = "_".join(values)
        columns += [(f"{word}_{_short(one, name)}" if named else word, o | decided) for name, o, one in shown]
    return Relation(numbered([*keys, *columns]), influences, name=source.name)


def _short(one: exp.Expr, name: str) -> str:
    return "count_star()" if isinstance(one, exp.Count) and isinstance(one.this, exp.Star) else name


def _field(one: exp.Expr) -> exp.Expr:
    return one.this if isinstance(one, exp.In) else one


def _value(one: exp.Expr) -> str:
    return one.alias or one.name or one.sql("duckdb")


def _unpivot(node: exp.Expr, source: Relation, scope: Scope) -> Relation:
    into = node.args.get("into")
    fields = node.args.get("fields") or []
    if fields:
        names = [fields[0].this.name]
        values = [one.name for one in node.expressions]
        taken = _columns(fields[0].expressions, scope)
    else:
        names = [into.this.name if into is not None else "name"]
        values = [one.name for one in into.expressions] if into is not None else ["value"]
        taken = _columns(node.expressions, scope)
    gone = {folded(name) for name, _ in taken}
    made = NOTHING.union(*(origins for _, origins in taken))
    kept = [one for one in source.columns if folded(one[0]) not in gone]
    influences = source.influences
    if not node.args.get("include_nulls"):  # an empty value makes no row
        influences |= lift(made, Use.FILTER)
    columns = [*kept, *((name, NOTHING) for name in names), *((value, made) for value in values)]
    return Relation(numbered(columns), influences, source.rest, source.name)


def _columns(nodes: Sequence[exp.Expr], scope: Scope) -> list[tuple[str, Origins]]:
    found: list[tuple[str, Origins]] = []
    for node in nodes:
        if isinstance(node, exp.Columns | exp.Star):
            found += scope.shown
        else:
            found += [scope.column(column) for column in node.find_all(exp.Column)]
    return found
