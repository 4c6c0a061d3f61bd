"""What the columns of a query are made from: ``WITH``, ``FROM``, ``SELECT`` and set operations, from the inside out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlglot import exp

from beijiang.lineage.models.expressions import Expressions
from beijiang.lineage.models.items import Items
from beijiang.lineage.models.origins import NOTHING, Origins, Relation, folded, lift, numbered, unknown
from beijiang.lineage.models.pivots import pivoted
from beijiang.lineage.models.scopes import Scope
from beijiang.tables import Origin, Use

__all__ = ["Queries"]

MOST_ROUNDS: Final = 100
"""Rounds that a recursive query may take to settle; each passes an origin on by one column."""


class Queries:
    """Read one statement over tables whose columns are known."""

    def __init__(self, tables: Mapping[str, Sequence[str]]) -> None:
        self._names = {folded(name): name for name in tables}
        self._used: dict[str, None] = {}
        self._tables = {
            folded(name): Relation(
                tuple((c, frozenset({Origin(name, c, Use.IDENTITY)})) for c in columns), name=name.rpartition(".")[2]
            )
            for name, columns in tables.items()
        }
        self._expressions = Expressions(self.read)
        self._items = Items(self._expressions)

    @property
    def used(self) -> tuple[str, ...]:
        """Return the tables that were read, in the order in which they were met."""
        return tuple(self._used)

    def read(self, node: exp.Expr, outer: Scope) -> Relation:
        """Return what a query gives, seen from ``outer``."""
        self._expressions.step()
        scope = self._with(node, outer)
        match node:
            case exp.Select():
                return self._select(node, scope)
            case exp.SetOperation():
                return self._set_operation(node, scope)
            case exp.Subquery():
                part = Scope(outer=scope)
                part.take(self._item(node, scope))
                return self._ordered(node, Relation(tuple(part.shown), part.influences, _rest(part)), part)
            case exp.Pivot():
                return pivoted(node, self._one(self._item(node.this, scope)), self._expressions)
            case _:
                return self._one(self._item(node, scope))

    def _with(self, node: exp.Expr, outer: Scope) -> Scope:
        clause = node.args.get("with_")
        if clause is None:
            return outer
        scope = Scope(outer=outer, ctes=outer.ctes)
        for cte in clause.expressions:
            name = folded(cte.alias)
            body = cte.this
            if clause.args.get("recursive") and isinstance(body, exp.SetOperation):
                relation = self._recursive(cte, name, body, scope)
            else:
                relation = _renamed(self.read(body, scope), cte)
            scope.ctes = {**scope.ctes, name: relation}
        return scope

    def _recursive(self, cte: exp.Expr, name: str, body: exp.SetOperation, scope: Scope) -> Relation:
        """Let a query feed on itself until it finds nothing new."""
        inside = self._with(body, scope)
        first = self.read(body.this, inside)
        relation = first
        for _ in range(MOST_ROUNDS):
            seen = Scope(outer=inside, ctes={**inside.ctes, name: _renamed(relation, cte)})
            grown = _together(body, first, self.read(body.expression, seen))
            if grown == relation:
                return _renamed(relation, cte)
            relation = grown
        return Relation(
            tuple((column, unknown("too_much")) for column, _ in _renamed(relation, cte).columns), relation.influences
        )

    def _set_operation(self, node: exp.SetOperation, scope: Scope) -> Relation:
        """Read a chain of set operations, however long, without recursion."""
        chain: list[tuple[exp.SetOperation, Scope]] = []
        left: exp.Expr = node
        while isinstance(left, exp.SetOperation) and (left is node or left.args.get("with_") is None):
            chain.append((left, scope))
            left = left.this
        relation = self.read(left, scope)
        for operation, inside in reversed(chain):
            relation = _together(operation, relation, self.read(operation.expression, inside))
            shown = Scope(outer=inside, ctes=inside.ctes)
            shown.add(relation)
            relation = self._ordered(operation, relation, shown)
        return relation

    def _select(self, node: exp.Select, outer: Scope) -> Relation:
        scope = Scope(outer=outer, ctes=outer.ctes)
        source = node.args.get("from_")
        if source is not None:
            self._from(source.this, scope)
        for join in node.args.get("joins") or []:
            self._join(join, scope)
        for lateral in node.args.get("laterals") or []:
            scope.take(self._item(lateral, scope))
        scope.windows = {folded(window.name): window for window in node.args.get("windows") or []}
        columns, rest = self._items.listed(node, scope)
        influences = scope.influences | self._deciding(node, scope, columns)
        result = Relation(numbered(columns), influences, rest)
        return self._ordered(node, result, scope)

    def _deciding(self, node: exp.Select, scope: Scope, columns: list[tuple[str, Origins]]) -> Origins:
        """Return what decides which rows a ``SELECT`` gives and how they are grouped."""
        filters = [node.args.get(clause) for clause in ("where", "having", "qualify")]
        found = self._expressions.all_made(filters, scope, Use.FILTER)
        found |= self._items.grouped(node, scope, columns)
        distinct = node.args.get("distinct")
        if distinct is not None:
            chosen = distinct.args.get("on")
            if chosen is not None:
                found |= self._items.by(chosen.expressions or [chosen], scope, columns, Use.GROUP_BY)
            else:
                found |= NOTHING.union(*(lift(origins, Use.GROUP_BY) for _, origins in columns))
        return found

    def _ordered(self, node: exp.Expr, result: Relation, scope: Scope) -> Relation:
        """Add what decides which rows are kept where only some are: the order, and queries that say how many."""
        kept = [node.args.get("limit"), node.args.get("offset")]
        distinct = node.args.get("distinct")
        chosen = distinct is not None and not isinstance(distinct, bool) and distinct.args.get("on") is not None
        if not any(kept) and not chosen:
            return result
        influences = self._expressions.all_made(kept, scope, Use.FILTER)
        order = node.args.get("order")
        if order is not None:
            scope = replace(scope, aliases={**scope.aliases, **{folded(name): (name, o) for name, o in result.columns}})
            influences |= self._items.by(order.expressions, scope, list(result.columns), Use.SORT)
        return replace(result, influences=result.influences | influences)

    def _from(self, node: exp.Expr, scope: Scope) -> None:
        scope.take(self._item(node, scope))
        for join in node.args.get("joins") or [] if isinstance(node, exp.Table) else []:
            self._join(join, scope)

    def _join(self, join: exp.Join, scope: Scope) -> None:
        right = self._item(join.this, scope)
        side, kind = (join.side or "").upper(), (join.kind or "").upper()
        names = [name.name for name in join.args.get("using") or []]
        if (join.method or "").upper() == "NATURAL":
            theirs = {folded(name) for name, _ in right.shown}
            names = [name for name, _ in scope.shown if folded(name) in theirs]
        both = Scope(outer=scope.outer, ctes=scope.ctes) if {side, kind} & {"SEMI", "ANTI"} else scope
        if both is not scope:
            both.take(scope)
        for name in names:
            both.merge(name, right, side)
        both.take(right)
        on = join.args.get("on")
        if on is not None:
            both.influences |= lift(self._expressions.made(on, both), Use.JOIN)
        scope.influences |= both.influences

    def _item(self, node: exp.Expr, scope: Scope) -> Scope:
        """Return what one item of a ``FROM`` brings; a bracket of joins may bring several relations."""
        self._expressions.step()
        part = Scope(outer=scope, ctes=scope.ctes)
        if isinstance(node, exp.Lateral):
            inner = self._item(node.this, scope)
            part.add(_renamed(self._one(inner), node)) if node.args.get("alias") else part.take(inner)
            return part
        if isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query | exp.Pivot | exp.Values):
            part.outer = scope
            self._from(node.this, part)
            if not node.alias:
                part.outer = scope
                return part
            relation = self._one(part)
            part = Scope(outer=scope, ctes=scope.ctes)
        else:
            relation = self._relation(node, scope)
        relation = _renamed(relation, node)
        for pivot in node.args.get("pivots") or []:
            relation = _renamed(pivoted(pivot, relation, self._expressions, scope), pivot)
        part.add(relation)
        for join in (node.args.get("joins") or []) if isinstance(node, exp.Subquery) else []:
            self._join(join, part)
        return part

    def _relation(self, node: exp.Expr, scope: Scope) -> Relation:  # noqa: PLR0911 - one line for each thing that rows come from
        match node:
            case exp.Subquery():
                inner = self._with(node, scope)
                result = self.read(node.this, Scope(outer=inner, ctes=inner.ctes))
                shown = Scope(outer=inner, ctes=inner.ctes)
                shown.add(result)
                return self._ordered(node, result, shown)
            case exp.Table() if isinstance(node.this, exp.Identifier):
                return self._named(node, scope)
            case exp.Table():
                return self._function(node.this, node, scope)
            case exp.Unnest():
                return self._unnested(node, scope)
            case exp.Values():
                return self._values(node, scope)
            case exp.Query() | exp.Pivot():
                return self.read(node, Scope(outer=scope, ctes=scope.ctes))
            case _:
                return self._function(node, node, scope)

    def _named(self, node: exp.Table, scope: Scope) -> Relation:
        parts = [part.name for part in node.parts]
        if len(parts) == 1 and (cte := scope.ctes.get(folded(parts[0]))) is not None:
            return replace(cte, name=parts[0])
        for count in range(len(parts)):
            key = folded(".".join(parts[count:]))
            if key in self._tables:
                self._used[self._names[key]] = None
                return self._tables[key]
        return Relation((), rest=unknown("no_table"), name=parts[-1])

    def _function(self, node: exp.Expr, item: exp.Expr, scope: Scope) -> Relation:
        """Read a table function: numbers have no origin, what others give cannot be known."""
        taken = self._expressions.all_made(list(node.iter_expressions()), scope, Use.TRANSFORMATION)
        if isinstance(node, exp.GenerateSeries):
            name = item.alias or ("range" if node.args.get("is_end_exclusive") else "generate_series")
            return Relation(((name, taken),), lift(taken, Use.JOIN), name=name)
        return Relation((), lift(taken, Use.JOIN), taken | unknown("table_function"))

    def _unnested(self, node: exp.Unnest, scope: Scope) -> Relation:
        columns = [
            (node.alias or "unnest", lift(self._expressions.made(one, scope), Use.TRANSFORMATION))
            for one in node.expressions
        ]
        if node.args.get("offset"):
            columns.append(("ordinality", NOTHING))
        influences = NOTHING.union(
            *(lift(origins, Use.JOIN) for _, origins in columns)
        )  # so many rows as there are elements
        return Relation(numbered(columns), influences)

    def _values(self, node: exp.Values, scope: Scope) -> Relation:
        rows = [
            [self._expressions.made(cell, scope) for cell in (row.expressions if isinstance(row, exp.Tuple) else [row])]
            for row in node.expressions
        ]
        width = max((len(row) for row in rows), default=0)
        return Relation(
            tuple((f"col{i}", NOTHING.union(*(row[i] for row in rows if i < len(row)))) for i in range(width))
        )

    def _one(self, part: Scope) -> Relation:
        return Relation(numbered(part.shown), part.influences, _rest(part))


def _rest(part: Scope) -> Origins | None:
    rests = [relation.rest for relation in part.relations if relation.rest is not None]
    return NOTHING.union(*rests) if rests else None


def _renamed(relation: Relation, node: exp.Expr) -> Relation:
    """Give a relation the name, and its columns the names, that an alias gives."""
    alias = node.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return replace(relation, name=alias.name) if isinstance(alias, exp.Identifier) else relation
    names = [column.name for column in alias.args.get("columns") or []]
    columns = tuple(
        (names[place] if place < len(names) else name, origins)
        for place, (name, origins) in enumerate(relation.columns)
    )
    if relation.rest is not None:
        columns += tuple((name, relation.rest) for name in names[len(columns) :])
    return replace(relation, columns=columns, name=alias.name or relation.name)


def _together(node: exp.SetOperation, left: Relation, right: Relation) -> Relation:
    """Return what a set operation gives: of ``UNION`` both sides, of the others the left where the right decides."""
    distinct = node.args.get("distinct") is not False
    influences = left.influences | right.influences
    if not isinstance(node, exp.Union):
        compared = lift(left.everything() | right.everything(), Use.FILTER)
        return Relation(left.columns, influences | compared, left.rest)
    columns = (_by_name if node.args.get("by_name") else _by_place)(left, right)
    rest = None if left.rest is None and right.rest is None else (left.rest or NOTHING) | (right.rest or NOTHING)
    if distinct:
        influences |= NOTHING.union(*(lift(origins, Use.GROUP_BY) for _, origins in columns))
    return Relation(tuple(columns), influences, rest)


def _by_place(left: Relation, right: Relation) -> list[tuple[str, Origins]]:
    given = [origins for _, origins in right.columns]
    return [
        (name, origins | (given[place] if place < len(given) else right.rest or NOTHING))
        for place, (name, origins) in enumerate(left.columns)
    ]


def _by_name(left: Relation, right: Relation) -> list[tuple[str, Origins]]:
    mine = {folded(name) for name, _ in left.columns}
    merged = [
        (name, origins | (found[1] if (found := right.find(name)) else NOTHING)) for name, origins in left.columns
    ]
    return merged + [one for one in right.columns if folded(one[0]) not in mine]
