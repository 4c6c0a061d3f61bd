"""The list of a ``SELECT``: stars, ``COLUMNS``, names given and names taken, and what refers to them by place or name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from beijiang.lineage.models.expressions import Expressions, is_aggregate
from beijiang.lineage.models.origins import NOTHING, Origins, folded, lift, unknown
from beijiang.lineage.models.scopes import Scope
from beijiang.tables import Use

__all__ = ["Items"]

Listed = list[tuple[str, Origins]]

LONGEST_NAME: Final = 200


class Items:
    """Read the list of a ``SELECT`` into named columns."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions

    def listed(self, node: exp.Select, scope: Scope) -> tuple[Listed, Origins | None]:
        """Return the columns that a list names, and the origins of those whose names cannot be known, if there are any."""
        columns: Listed = []
        rest: Origins | None = None
        for item in node.expressions:
            found, more = self._item(item, scope)
            columns += found
            rest = rest if more is None else (rest or NOTHING) | more
            if isinstance(item, exp.Alias):
                scope.aliases.setdefault(folded(item.alias), found[0] if found else (item.alias, more or NOTHING))
        return columns, rest

    def _item(self, item: exp.Expr, scope: Scope) -> tuple[Listed, Origins | None]:
        if isinstance(item, exp.Star):
            return self._star(item, scope.shown, scope, scope)
        if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            return self._star_of(item, scope)
        chosen = _star_inside(item)
        if chosen is not None:
            return self._by_pattern(item, chosen, scope)
        if isinstance(item, exp.Column):
            name, origins = scope.column(item)
            return [(name, origins)], None
        return [(_name(item), self._expressions.made(item, scope))], None

    def _star_of(self, item: exp.Column, scope: Scope) -> tuple[Listed, Origins | None]:
        relation = scope.relation(item.table)
        if relation is None:  # the fields of a column, of which only the engine knows how many there are
            _, origins = scope.column(exp.column(item.args["table"].copy()))
            return [], lift(origins, Use.TRANSFORMATION)
        found, rest = self._star(item.this, list(relation.columns), scope, None)
        return found, relation.rest if rest is None else rest

    def _star(
        self, star: exp.Star, shown: Sequence[tuple[str, Origins]], scope: Scope, of: Scope | None
    ) -> tuple[Listed, Origins | None]:
        left_out = {folded(one.name) for one in star.args.get("except_") or []}
        replaced = {
            folded(one.alias): self._expressions.made(one.this, scope) for one in star.args.get("replace") or []
        }
        renamed = {folded(one.this.name): one.alias for one in star.args.get("rename") or []}
        columns = [
            (renamed.get(folded(name), name), replaced.get(folded(name), origins))
            for name, origins in shown
            if folded(name) not in left_out
        ]
        rests = [relation.rest for relation in (of.relations if of is not None else []) if relation.rest is not None]
        return columns, NOTHING.union(*rests) if rests else None

    def _by_pattern(self, item: exp.Expr, chosen: exp.Expr, scope: Scope) -> tuple[Listed, Origins | None]:
        """Read an item once for each column that ``COLUMNS(...)`` or ``* LIKE`` stands for."""
        picked = _picked(chosen, scope)
        everything = NOTHING.union(*(origins for _, origins in scope.shown))
        if picked is None:
            return [], lift(everything, Use.TRANSFORMATION)
        columns: Listed = []
        for name, origins in picked:
            if item is chosen:
                columns.append((name, origins))
                continue
            self._expressions.chosen = (name, origins)
            columns.append((item.alias or name, self._expressions.made(item, scope)))
        self._expressions.chosen = None
        return columns, None

    def grouped(self, node: exp.Select, scope: Scope, columns: Listed) -> Origins:
        """Return what the rows are grouped by."""
        group = node.args.get("group")
        if group is None:
            return NOTHING
        if group.args.get("all"):
            if len(node.expressions) != len(columns):
                return lift(NOTHING.union(*(o for _, o in columns if not _aggregated(o))), Use.GROUP_BY)
            plain = [o for item, (_, o) in zip(node.expressions, columns, strict=True) if not _has_aggregate(item)]
            return lift(NOTHING.union(*plain), Use.GROUP_BY)
        parts: list[exp.Expr] = list(group.expressions)
        for kind in ("grouping_sets", "cube", "rollup"):
            parts += group.args.get(kind) or []
        return self.by(parts, scope, columns, Use.GROUP_BY, alias_first=False)

    def by(
        self, parts: Sequence[exp.Expr], scope: Scope, columns: Listed, use: Use, *, alias_first: bool = True
    ) -> Origins:
        """Return the origins of what is named by place, by a name of the list, or as an expression."""
        found = NOTHING
        for part in parts:
            bare = part.this if isinstance(part, exp.Ordered) else part
            if isinstance(bare, exp.Literal) and not bare.is_string:
                place = int(bare.name) - 1 if bare.name.isdecimal() else -1
                found |= lift(columns[place][1], use) if 0 <= place < len(columns) else unknown("no_column")
            elif isinstance(bare, exp.Var | exp.Column) and bare.name.upper() == "ALL" and isinstance(bare, exp.Var):
                found |= lift(NOTHING.union(*(origins for _, origins in columns)), use)
            elif isinstance(bare, exp.Column):
                found |= lift(scope.column(bare, alias_first=alias_first)[1], use)
            else:
                found |= lift(self._expressions.made(bare, scope), use)
        return found


def _name(item: exp.Expr) -> str:
    """Return the name that DuckDB gives where none was given, as nearly as its words can be written again."""
    if item.alias:
        return item.alias
    if isinstance(item, exp.Count) and isinstance(item.this, exp.Star):
        return "count_star()"
    return item.sql("duckdb")[:LONGEST_NAME]


def _star_inside(item: exp.Expr) -> exp.Expr | None:
    """Return the ``COLUMNS`` or ``* LIKE`` of an item, if it has one of its own."""
    inside = item.unalias()
    if isinstance(inside, exp.Like | exp.ILike | exp.Not) and inside.find(exp.Star) is not None:
        bare = inside.this if isinstance(inside, exp.Not) else inside
        if isinstance(bare, exp.Like | exp.ILike) and isinstance(bare.this, exp.Star):
            return item
    found = next((n for n in item.walk(prune=lambda n: isinstance(n, exp.Query)) if isinstance(n, exp.Columns)), None)
    return None if found is None or found.args.get("unpack") else item if found is inside else found


def _picked(chosen: exp.Expr, scope: Scope) -> Listed | None:
    """Return the columns that a pattern stands for; none where only the engine can tell."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pa.array([name for name, _ in scope.shown], pa.string())
    chosen = chosen.unalias()
    negated = isinstance(chosen, exp.Not)
    pattern = chosen.this if negated or isinstance(chosen, exp.Columns) else chosen
    if any(relation.rest is not None for relation in scope.relations):
        return None
    if isinstance(pattern, exp.Star):
        return list(scope.shown)
    if isinstance(pattern, exp.Array):
        wanted = {folded(one.name) for one in pattern.expressions}
        return [one for one in scope.shown if folded(one[0]) in wanted]
    try:
        if isinstance(pattern, exp.Literal):
            kept = pc.match_substring_regex(names, pattern.name)
        elif isinstance(pattern, exp.Like | exp.ILike) and isinstance(pattern.expression, exp.Literal):
            kept = pc.match_like(names, pattern.expression.name, ignore_case=isinstance(pattern, exp.ILike))
        else:
            return None
    except pa.ArrowInvalid:
        return None
    return [one for one, keep in zip(scope.shown, kept.to_pylist(), strict=True) if keep is not negated]


def _has_aggregate(item: exp.Expr) -> bool:
    parts = item.walk(prune=lambda node: isinstance(node, exp.Query | exp.Window))
    return any(is_aggregate(part) for part in parts)


def _aggregated(origins: Origins) -> bool:
    return any(origin.use is Use.AGGREGATION for origin in origins)
