"""All rules of a table in one query: B and what fails of each, in one row of numbers; and where failing rows are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from beijiang.engine.checksums import PARTS
from beijiang.engine.port import AT, LAKE, PART
from beijiang.engine.trimming import trimmed
from beijiang.quality.models.grammar import PART_MARK, ROWS, cell, holding_now
from beijiang.quality.models.judging import BASE, Judged

if TYPE_CHECKING:
    from beijiang.tables import Measured

__all__ = ["failing_places", "measure", "tables_of"]

ROW_COUNT = "rows"
FEW = 8
"""Values that an engine compares as fast as it looks them up."""
SOUGHT_MARK = "_bj_among:"
_TEXT_MARK = f"{PART_MARK}text:"


def measure(table: Measured, rules: Sequence[Judged]) -> exp.Select:
    """Return the query whose one row has ``rows``, and ``b0``, ``f0``, ``b1``, ... by the order of the rules."""
    counted: list[exp.Expr] = [exp.alias_(exp.Count(this=exp.Star()), ROW_COUNT)]
    query = exp.select(copy=False)
    for number, rule in enumerate(rules):
        joined, alias = rule.joined, f"j{number}"
        if joined is not None:
            query = query.join(
                joined.query.copy().subquery(alias), on=_renamed(joined.on, joined.name, alias), join_type="left"
            )
        assessed, failed = _counts(rule)
        if joined is not None:
            assessed, failed = (_renamed(value, joined.name, alias) for value in (assessed, failed))
        counted += [exp.alias_(assessed, f"b{number}"), exp.alias_(failed, f"f{number}")]
    query = query.select(*counted, copy=False).from_(exp.alias_(exp.table_(BASE), ROWS, table=True), copy=False)
    # Written out, each of the few references reads only the columns it needs; kept, all of them would be copied first.
    return query.with_(BASE, as_=_base(table, query), materialized=False, copy=False)


def failing_places(table: Measured, rule: Judged, limit: int) -> exp.Select | None:
    """Return the query for the places of rows that fail a rule, in their order; None where no row is to blame."""
    places = [exp.column(name, table=ROWS) for name in (PART, AT)]
    query = exp.select(*places).from_(exp.alias_(exp.table_(BASE), ROWS, table=True))
    if rule.places is not None:
        same = [
            exp.NullSafeEQ(this=cell(name), expression=exp.column(f"k{i}", table="g"))
            for i, name in enumerate(rule.group)
        ]
        query = query.join(rule.places.copy().subquery("g"), on=exp.and_(*same, copy=False), join_type="inner")
    elif rule.failed is None:
        return None
    else:
        if rule.joined is not None:
            joined = rule.joined
            query = query.join(joined.query.copy().subquery(joined.name), on=joined.on.copy(), join_type="left")
        query = query.where(_both(rule))
    ordered = [exp.Ordered(this=place.copy(), nulls_first=False) for place in places]
    query = query.order_by(*ordered).limit(limit)
    return query.with_(BASE, as_=_base(table, query, position=True), materialized=False)


def tables_of(table: Measured, rules: Sequence[Judged]) -> Mapping[str, int | None]:
    """Return the tables that a measure names, with their versions: this one as it is judged, the others as they are now."""
    others: dict[str, int | None] = {rule.joined.table: None for rule in rules if rule.joined is not None}
    others |= dict.fromkeys(name for rule in rules for name in rule.others)
    return {**others, table.table: table.version}


def _base(table: Measured, asked: exp.Query, *, position: bool = False) -> exp.Select:
    """Return the rows to judge, with the parts of cells that are asked for, each computed once.

    They are all rows, or those that hold now of a table that keeps history.
    """
    types = {column.name: column.type for column in table.columns}
    shown: list[exp.Expr] = [exp.column(exp.to_identifier(name, quoted=True)) for name in types]
    if position:
        shown += [exp.column(PART), exp.column(AT)]
    rows = exp.select(*shown).from_(exp.table_(exp.to_identifier(table.table, quoted=True), db=LAKE))
    if table.history:
        rows = rows.where(holding_now())
    wanted = dict.fromkeys(c.name for c in asked.find_all(exp.Column) if c.name.startswith(PART_MARK))
    if not wanted:
        return rows
    pairs = [name.removeprefix(PART_MARK).split(":", 1) for name in wanted]
    texts = {name: _trimmed(name, types[name]) for _, name in pairs}
    trims = [exp.alias_(value, f"{_TEXT_MARK}{name}", quoted=True) for name, value in texts.items()]
    below = exp.select("*", *trims).from_(rows.subquery("rows"))
    others = [
        exp.alias_(PARTS[part](exp.column(exp.to_identifier(f"{_TEXT_MARK}{name}", quoted=True))), word, quoted=True)
        for word, (part, name) in zip(wanted, pairs, strict=True)
        if part != "text"
    ]
    return exp.select("*", *others).from_(below.subquery("trimmed")) if others else below


def _trimmed(name: str, kind: str) -> exp.Expr:
    column = exp.column(exp.to_identifier(name, quoted=True))
    return trimmed(column) if kind == "text" else exp.Trim(this=exp.cast(column, "VARCHAR", dialect="duckdb"))


def _counts(rule: Judged) -> tuple[exp.Expr, exp.Expr]:
    if rule.counted is not None:
        return rule.counted[0].copy(), rule.counted[1].copy()
    whole: exp.Expr = exp.Count(this=exp.Star())
    assessed = whole if rule.assessed is None else exp.CountIf(this=rule.assessed.copy())
    return assessed, _looked_up(exp.CountIf(this=_both(rule)), rule)


def _looked_up(failing: exp.Expr, rule: Judged) -> exp.Expr:
    """Count a search among many values in a query of its own, where an engine looks them up; elsewhere it compares with each."""
    if rule.joined is not None:
        return failing
    shown: list[exp.Expr] = []
    for test in list(failing.find_all(exp.In)):
        if len(test.expressions) > FEW and isinstance(test.this, exp.Column) and test.this.name.startswith(_TEXT_MARK):
            word = f"{SOUGHT_MARK}{len(shown)}"
            shown.append(exp.alias_(test.copy(), word, quoted=True))
            test.replace(exp.column(exp.to_identifier(word, quoted=True), table=exp.to_identifier(ROWS)))
    if not shown:
        return failing
    star = exp.Column(this=exp.Star(), table=exp.to_identifier(ROWS))
    rows = exp.select(star, *shown).from_(exp.alias_(exp.table_(BASE), ROWS, table=True), copy=False)
    return exp.select(failing).from_(rows.subquery(ROWS), copy=False).subquery()


def _both(rule: Judged) -> exp.Expr:
    """Test whether a row counts and fails; a CASE keeps the first test in front."""
    if rule.failed is None:
        return exp.false()
    if rule.assessed is None:
        return rule.failed.copy()
    return exp.Case().when(rule.assessed.copy(), rule.failed.copy()).else_(exp.false())


def _renamed(tree: exp.Expr, name: str, alias: str) -> exp.Expr:
    """Give the other table of a rule an alias of its own among all rules."""

    def step(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.table == name:
            return exp.column(node.this.copy(), table=alias)
        return node

    return tree.copy().transform(step)
