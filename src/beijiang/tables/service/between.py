"""What happened to rows between two versions of a table, found by their key: numbers and places, no value of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine.port import AT, LAKE, PART, QueryLimits, Scan
from beijiang.tables.models import VALID_TO

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

    from beijiang.engine import Engine
    from beijiang.tables.models import Snapshot

__all__ = ["Between", "Moved", "between"]

_THEN: Final = "bj_then"
_NOW: Final = "bj_now"
_MOST_COLUMNS: Final = 60
"""Columns told one by one of a changed row: they are the bits of a whole number."""
_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Moved:
    """A row of the later version that is new or changed: where it stands, and which columns differ."""

    place: tuple[int, int]
    new: bool
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Rows of the later version that the earlier had not, the other way round, and those that differ."""

    added: int
    removed: int
    changed: int
    columns: tuple[tuple[str, int], ...]
    """How many rows differ in each column."""
    moved: tuple[Moved, ...]
    """The first new rows and the first changed ones."""


def between(
    engine: Engine, then: Snapshot, now: Snapshot, key: Sequence[str], columns: Sequence[str], sample: int
) -> Between:
    """Compare ``columns`` of two versions by a key that both have; of a history table, the rows that hold in each."""
    others = [name for name in columns if name not in key][:_MOST_COLUMNS]
    scans = {_THEN: Scan(then.files, then.schema), _NOW: Scan(now.files, now.schema, position=True)}
    parts = (_Parts(key, others, history=now.history), QueryLimits(seconds=_SECONDS))
    row = engine.fetch(parts[0].counts(), scans, parts[1]).to_pylist()[0]
    moved = [
        Moved((int(r[PART]), int(r[AT])), new, _named(others, int(r["mask"] or 0)))
        for new in (True, False)
        for r in _rows(engine.fetch(parts[0].places(sample, new=new), scans, parts[1]))
    ]
    return Between(
        added=int(row["added"] or 0),
        removed=int(row["removed"] or 0),
        changed=int(row["changed"] or 0),
        columns=tuple((name, int(row[f"c{i}"] or 0)) for i, name in enumerate(others)),
        moved=tuple(moved),
    )


def _rows(found: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _named(names: Sequence[str], mask: int) -> tuple[str, ...]:
    return tuple(name for i, name in enumerate(names) if mask >> i & 1)


class _Parts:
    """The query trees of one comparison."""

    def __init__(self, key: Sequence[str], others: Sequence[str], *, history: bool) -> None:
        self._key = key
        self._others = others
        self._history = history

    def counts(self) -> exp.Select:
        """Select how many rows are new, gone and changed, and per column."""
        from sqlglot import exp

        sums = [("added", self._new()), ("removed", self._gone()), ("changed", exp.and_(self._both(), self._any()))]
        sums += [(f"c{i}", exp.and_(self._both(), self._flag(name))) for i, name in enumerate(self._others)]
        return self._joined("full", [exp.alias_(exp.CountIf(this=test), name) for name, test in sums])

    def places(self, limit: int, *, new: bool) -> exp.Select:
        """Select where new rows stand, or changed ones with the columns in which they differ."""
        from sqlglot import exp

        mask: exp.Expr = exp.cast(exp.Literal.number(0), "BIGINT")
        for i, name in enumerate(() if new else self._others):
            bit = exp.If(this=self._flag(name), true=exp.Literal.number(1 << i), false=exp.Literal.number(0))
            mask = exp.Add(this=mask, expression=bit)
        at = [exp.column(PART, table="n"), exp.column(AT, table="n")]
        shown = [*at, exp.alias_(mask, "mask")]
        test = self._new() if new else exp.and_(self._both(), self._any())
        found = self._joined("left" if new else "inner", shown).where(test)
        return found.order_by(*(exp.Ordered(this=one.copy(), nulls_first=False) for one in at)).limit(limit)

    def _joined(self, kind: str, shown: Sequence[exp.Expr]) -> exp.Select:
        from sqlglot import exp

        same = exp.and_(*(exp.EQ(this=_cell("n", name), expression=_cell("t", name)) for name in self._key))
        return (
            exp.select(*shown)
            .from_(self._side(_NOW, "n", position=True))
            .join(self._side(_THEN, "t", position=False), on=same, join_type=kind)
        )

    def _side(self, relation: str, alias: str, *, position: bool) -> exp.Subquery:
        from sqlglot import exp

        shown: list[exp.Expr] = [_cell(None, name) for name in (*self._key, *self._others)]
        if position:
            shown += [exp.column(PART), exp.column(AT)]
        query = exp.select(*shown).from_(exp.table_(relation, db=LAKE))
        if self._history:
            query = query.where(exp.Is(this=_cell(None, VALID_TO), expression=exp.null()))
        return query.subquery(alias)

    def _there(self, side: str) -> exp.Expr:
        from sqlglot import exp

        return exp.Is(this=_cell(side, self._key[0]), expression=exp.null()).not_()

    def _new(self) -> exp.Expr:
        from sqlglot import exp

        return exp.and_(self._there("n"), exp.not_(self._there("t")))

    def _gone(self) -> exp.Expr:
        from sqlglot import exp

        return exp.and_(self._there("t"), exp.not_(self._there("n")))

    def _both(self) -> exp.Expr:
        from sqlglot import exp

        return exp.and_(self._there("n"), self._there("t"))

    @staticmethod
    def _flag(name: str) -> exp.Expr:
        from sqlglot import exp

        return exp.NullSafeNEQ(this=_cell("n", name), expression=_cell("t", name))

    def _any(self) -> exp.Expr:
        from sqlglot import exp

        return exp.or_(*(self._flag(name) for name in self._others)) if self._others else exp.false()


def _cell(relation: str | None, name: str) -> exp.Column:
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True), table=relation)
