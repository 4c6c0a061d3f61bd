"""What makes the value of an expression."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from sqlglot import exp

from beijiang.lineage.models.origins import NOTHING, Origins, Relation, lift, unknown
from beijiang.lineage.models.scopes import Scope
from beijiang.tables import Use

__all__ = ["Expressions", "TooMuch", "is_aggregate"]

MOST_STEPS: Final = 50_000
"""Expressions that one statement may make us look at; honest ones need a few hundred."""

_CARRYING: Final = (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)
"""Window functions that sqlglot counts among the aggregates, and that hand on one value unchanged."""

AGGREGATES: Final = frozenset(
    {
        "approx_top_k",
        "arbitrary",
        "arg_max_null",
        "arg_max_nulls_last",
        "arg_min_null",
        "arg_min_nulls_last",
        "bit_and",
        "bit_or",
        "bit_xor",
        "bitstring_agg",
        "bool_and",
        "bool_or",
        "combine_aggr",
        "corr",
        "count_if",
        "count_star",
        "countif",
        "covar_pop",
        "covar_samp",
        "decimal_average",
        "entropy",
        "favg",
        "fsum",
        "histogram",
        "histogram_exact",
        "kahan_sum",
        "kurtosis",
        "kurtosis_pop",
        "list",
        "lttb",
        "mad",
        "mean",
        "product",
        "quantile",
        "quantile_cont",
        "quantile_disc",
        "regr_avgx",
        "regr_avgy",
        "regr_count",
        "regr_intercept",
        "regr_r2",
        "regr_slope",
        "regr_sxx",
        "regr_sxy",
        "regr_syy",
        "reservoir_quantile",
        "sem",
        "skewness",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "sum_no_overflow",
        "sumkahan",
        "var_pop",
        "var_samp",
        "variance",
        "variant_group_object",
    }
)
"""Aggregates of DuckDB, among them those that sqlglot has no class for."""


class TooMuch(Exception):
    """The statement is too large to be followed."""


def is_aggregate(node: exp.Expr) -> bool:
    """Tell whether a function makes one value of many rows."""
    if isinstance(node, exp.AggFunc):
        return not isinstance(node, _CARRYING)
    if isinstance(node, exp.Func):
        return (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower() in AGGREGATES
    return False


class Expressions:
    """Follow expressions down to the columns that they read; ``query`` reads a query inside one."""

    def __init__(self, query: Callable[[exp.Expr, Scope], Relation]) -> None:
        self._query = query
        self._left = MOST_STEPS
        self.chosen: tuple[str, Origins] | None = None
        """The column that ``COLUMNS(...)`` stands for in this turn."""
        self._special: Final[tuple[tuple[type[exp.Expr], Callable[[exp.Expr, Scope], Origins]], ...]] = (
            (exp.Column, self._column),
            (exp.Alias, lambda node, scope: self.made(node.this, scope)),
            (exp.Paren, lambda node, scope: self.made(node.this, scope)),
            (exp.Exists, self._exists),
            (exp.Query, self._subquery),
            (exp.Case, self._case),
            (exp.If, self._if),
            (exp.Window, self._window),
            (exp.Filter, self._filter),
            (exp.WithinGroup, self._within_group),
            (exp.Order, self._order),
            (exp.Lambda, self._lambda),
            (exp.Comprehension, self._comprehension),
            (exp.PropertyEQ, lambda node, scope: self.made(node.expression, scope)),
            (exp.Kwarg, lambda node, scope: self.made(node.expression, scope)),
            (exp.Columns, self._columns),
            (exp.Explode, self._unnested),
            (exp.Star, lambda _node, _scope: NOTHING),
        )

    def step(self) -> None:
        """Count one step of work.

        Raises:
            TooMuch: there were too many.

        """
        self._left -= 1
        if self._left < 0:
            raise TooMuch

    def all_made(self, nodes: Iterable[object], scope: Scope, use: Use) -> Origins:
        """Return the origins of several expressions that serve alike."""
        return NOTHING.union(*(lift(self.made(node, scope), use) for node in nodes if isinstance(node, exp.Expr)))

    def made(self, node: exp.Expr, scope: Scope) -> Origins:
        """Return what makes the value of ``node``; long chains of operators are walked without recursion."""
        self.step()
        special = self._reader(node)
        if special is not None:
            return special(node, scope)
        use = Use.AGGREGATION if is_aggregate(node) else Use.TRANSFORMATION
        found: set[Origins] = set()
        waiting = list(node.iter_expressions())
        while waiting:
            part = waiting.pop()
            self.step()
            if self._reader(part) is not None or is_aggregate(part):
                found.add(lift(self.made(part, scope), use))
            else:
                waiting.extend(part.iter_expressions())
        return NOTHING.union(*found)

    def _reader(self, node: exp.Expr) -> Callable[[exp.Expr, Scope], Origins] | None:
        return next((reader for kind, reader in self._special if isinstance(node, kind)), None)

    def _column(self, node: exp.Expr, scope: Scope) -> Origins:
        if not isinstance(node, exp.Column):
            return NOTHING
        if isinstance(node.this, exp.Star):
            relation = scope.relation(node.table)
            return unknown("no_column") if relation is None else relation.everything()
        return scope.column(node)[1]

    def _exists(self, node: exp.Expr, scope: Scope) -> Origins:
        return self._query(node.this, scope).influences

    def _subquery(self, node: exp.Expr, scope: Scope) -> Origins:
        relation = self._query(node, scope)
        return relation.everything() | relation.influences

    def _case(self, node: exp.Expr, scope: Scope) -> Origins:
        branches = node.args.get("ifs") or []
        asked = [node.this, *(branch.this for branch in branches)]
        given = [*(branch.args.get("true") for branch in branches), node.args.get("default")]
        return self.all_made(asked, scope, Use.CONDITIONAL) | self.all_made(given, scope, Use.TRANSFORMATION)

    def _if(self, node: exp.Expr, scope: Scope) -> Origins:
        given = [node.args.get("true"), node.args.get("false")]
        return self.all_made([node.this], scope, Use.CONDITIONAL) | self.all_made(given, scope, Use.TRANSFORMATION)

    def _window(self, node: exp.Expr, scope: Scope) -> Origins:
        decided: list[object] = []
        window: exp.Expr | None = node
        seen: set[int] = set()
        while window is not None and id(window) not in seen:
            seen.add(id(window))
            decided += [*(window.args.get("partition_by") or []), window.args.get("order"), window.args.get("spec")]
            window = scope.window(window.alias) if window.alias else None
        return self.made(node.this, scope) | self.all_made(decided, scope, Use.WINDOW)

    def _filter(self, node: exp.Expr, scope: Scope) -> Origins:
        return self.made(node.this, scope) | self.all_made([node.expression], scope, Use.FILTER)

    def _within_group(self, node: exp.Expr, scope: Scope) -> Origins:
        ordered = node.expression.args.get("expressions") or []
        return self.all_made([node.this, *ordered], scope, Use.AGGREGATION)

    def _order(self, node: exp.Expr, scope: Scope) -> Origins:
        """Read ``string_agg(x ORDER BY y)``: the order inside an aggregate."""
        inside = NOTHING if node.this is None else self.made(node.this, scope)
        return inside | self.all_made(node.args.get("expressions") or [], scope, Use.SORT)

    def _lambda(self, node: exp.Expr, scope: Scope) -> Origins:
        names = frozenset(one.name.lower() for one in node.args.get("expressions") or [])
        return self.made(node.this, replace(scope, bound=scope.bound | names))

    def _comprehension(self, node: exp.Expr, scope: Scope) -> Origins:
        names = frozenset({node.expression.name.lower()})
        inside = replace(scope, bound=scope.bound | names)
        taken = self.all_made([node.args.get("iterator")], scope, Use.TRANSFORMATION)
        kept = self.all_made([node.args.get("condition")], inside, Use.FILTER)
        return taken | kept | lift(self.made(node.this, inside), Use.TRANSFORMATION)

    def _unnested(self, node: exp.Expr, scope: Scope) -> Origins:
        """Read ``unnest`` in a list: its length decides how often the whole row stands there."""
        lists = self.all_made(node.iter_expressions(), scope, Use.TRANSFORMATION)
        scope.influences |= lift(lists, Use.JOIN)
        return lists

    def _columns(self, _node: exp.Expr, scope: Scope) -> Origins:
        if self.chosen is not None:
            return self.chosen[1]
        return NOTHING.union(*(origins for _, origins in scope.shown))
