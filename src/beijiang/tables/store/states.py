"""Query trees of history tables: what holds now, which states end with a commit, and which begin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.engine.port import PART, Scan, View
from beijiang.tables.models import STATE_COLUMNS, VALID_FROM, VALID_TO
from beijiang.tables.store import merge
from beijiang.tables.store.merge import STAGED, TARGET

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

__all__ = ["Ending", "as_of", "beginnings", "closed", "ended_by_file", "holding", "moment_after", "newest"]

_STATES: Final = "states"


def holding(scan: Scan, columns: Sequence[str]) -> View:
    """Return the rows of a history table that hold now; the scan has to offer ``valid_to``, whatever ``columns`` says."""
    from sqlglot import exp

    names = [*columns, PART] if scan.position else columns
    query = exp.select(*merge.columns_of(None, names)).from_(merge.relation(_STATES)).where(_open(None))
    return View(query, {_STATES: scan})


def moment_after(now: datetime, past: Iterable[datetime | None]) -> datetime:
    """Return the moment of a commit: now, or just after the table's newest one where the clock has gone back."""
    after = (moment.astimezone(UTC) + timedelta(microseconds=1) for moment in past if moment is not None)
    return max([now.astimezone(UTC), *after])


def newest() -> exp.Query:
    """Select the newest moments at which a state of ``target`` began and at which one ended."""
    from sqlglot import exp

    tops = [exp.Max(this=merge.column(None, name)).as_(name) for name in STATE_COLUMNS]
    return exp.select(*tops).from_(merge.relation(TARGET))


@dataclass(frozen=True, slots=True)
class Ending:
    """When a state that holds comes to its end: its row was changed, was removed, or is not among all rows."""

    key: Sequence[str]
    compared: Sequence[str]
    removing: bool
    """There are keys that leave, in ``removed``."""
    complete: bool
    """What ``staged`` does not hold is gone."""

    @property
    def goes(self) -> exp.Expr:
        """Return whether the row of a state of ``target`` is gone."""
        from sqlglot import exp

        ways = [merge.leaves(self.key)] if self.removing else []
        ways += [_missing(merge.S, self.key)] if self.complete else []
        return exp.paren(exp.or_(*ways)) if ways else exp.false()

    @property
    def ends(self) -> exp.Expr:
        """Return whether a state of ``target`` ends, since its row is gone or is another now, in ``staged``."""
        from sqlglot import exp

        changed = exp.and_(exp.not_(_missing(merge.S, self.key)), merge.differs(self.compared))
        return exp.paren(exp.or_(self.goes, changed))

    @property
    def begins(self) -> exp.Expr:
        """Return whether a row of ``staged`` begins a state: ``target`` has none, or another, of a row that stays."""
        from sqlglot import exp

        stays = exp.not_(merge.leaves(self.key)) if self.removing else exp.true()
        return exp.paren(exp.or_(_missing(merge.T, self.key), exp.and_(merge.differs(self.compared), stays)))


def ended_by_file(ending: Ending) -> exp.Query:
    """Count per file of the target (``part``), which has only what holds, how many states end, and of how many the row is gone."""
    from sqlglot import exp

    ends = (
        exp.select(merge.column(merge.T, PART).as_("part"), ending.goes.as_("gone"))
        .from_(merge.relation(TARGET, merge.T))
        .join(merge.relation(STAGED, merge.S), on=merge.same_key(ending.key), join_type="left")
        .where(ending.ends)
    )
    counts = [exp.Count(this=exp.Star()).as_("ended"), exp.CountIf(this=exp.column("gone")).as_("gone")]
    return exp.select(exp.column("part"), *counts).from_(ends.subquery("e")).group_by(exp.column("part"))


def closed(schema: pa.Schema, ending: Ending, moment: datetime) -> exp.Query:
    """Return all states of the target, those that end with their end."""
    from sqlglot import exp

    stored = {name: merge.column(merge.T, name) for name in schema.names}
    end = exp.Case().when(exp.and_(_open(merge.T), ending.ends), _literal(moment)).else_(stored[VALID_TO])
    picked = [value.as_(name, quoted=True) for name, value in {**stored, VALID_TO: end}.items()]
    return (
        exp.select(*picked)
        .from_(merge.relation(TARGET, merge.T))
        .join(merge.relation(STAGED, merge.S), on=merge.same_key(ending.key), join_type="left")
    )


def beginnings(schema: pa.Schema, incoming: Sequence[str], ending: Ending, moment: datetime) -> exp.Query:
    """Return the states that begin: staged rows that the target, which has only what holds, has not or has otherwise."""
    from sqlglot import exp

    values: dict[str, exp.Expr] = {f.name: merge.typed_null(f) for f in schema}
    values |= {VALID_FROM: _literal(moment), **{name: merge.column(merge.S, name) for name in incoming}}
    return (
        exp.select(*(values[name].as_(name, quoted=True) for name in schema.names))
        .from_(merge.relation(STAGED, merge.S))
        .join(merge.relation(TARGET, merge.T), on=merge.same_key(ending.key), join_type="left")
        .where(ending.begins)
    )


def as_of(table: str, moment: datetime) -> exp.Query:
    """Return what a person asks for to see a history table as it was at a moment."""
    from sqlglot import exp

    begun = exp.LTE(this=merge.column(None, VALID_FROM), expression=_literal(moment))
    not_ended = exp.or_(_open(None), exp.GT(this=merge.column(None, VALID_TO), expression=_literal(moment)))
    source = exp.to_identifier(table, quoted=True)
    return exp.select("*").from_(exp.Table(this=source)).where(begun, exp.paren(not_ended))


def _missing(side: str, key: Sequence[str]) -> exp.Expr:
    """Return whether an outer join found no row on a side; keys are never empty."""
    from sqlglot import exp

    return merge.column(side, key[0]).is_(exp.null())


def _open(relation: str | None) -> exp.Expr:
    from sqlglot import exp

    return merge.column(relation, VALID_TO).is_(exp.null())


def _literal(moment: datetime) -> exp.Expr:
    from sqlglot import exp

    return exp.cast(exp.Literal.string(moment.isoformat()), "TIMESTAMPTZ")
