"""Profiles: what a table looks like, counted in two queries and shown as the gate allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from beijiang.quality.models.profiles import (
    Bin,
    ColumnProfile,
    Profile,
    Share,
    edges,
    numbers_of,
    outliers_query,
    profile_query,
)
from beijiang.quality.service.base import Base
from beijiang.tables import Aggregate, DateUnit, Exit, Filter, FilterOp, GroupBy, Measure, MeasureFn

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.quality.service.scoring import Quality
    from beijiang.tables import GovernedColumn, GovernedTable, Measured

__all__ = ["Profiles"]

COLUMNS_MOST: Final = 60
TOP: Final = 10
YEARS_MOST: Final = 3
"""A longer span of days is shown by years, a shorter one by months."""
_NUMBERS: Final = {"integer", "decimal", "double"}
_DAYS: Final = {"date", "timestamp"}


class Profiles(Base):
    """What stands in the columns of a table."""

    def __init__(self, quality: Quality) -> None:
        q = quality
        super().__init__(q.db, q.tables, q.runner, q.access, q.evidence, q.jobs, q.alerts, q.clock)

    def profile(self, actor: Actor, table: str) -> Profile:
        """Return the profile of the newest version that the actor may read, its first 60 columns.

        Counts are of the stored values; values themselves come from the gate, masked for this reader. Where a row rule
        keeps rows back, nothing is counted past the gate.

        Raises:
            NotFound: no such table, or it is hidden from this actor.

        """
        info = self._table(actor, table)
        governed = self.tables.open(actor, info.name, "quality:profile", Exit.CHART)
        measured = self.runner.version(info.name, governed.version)
        shown = governed.columns[:COLUMNS_MOST]
        now = (Filter("valid_to", FilterOp.ISNULL),) if measured.history else ()
        spans = _spans(governed, shown, now)
        profiles = [_begun(column, spans) for column in shown]
        if not governed.filtered:
            profiles = self._counted(measured, profiles, spans)
        profiles = [_with_values(governed, one, now) for one in profiles]
        return Profile(
            table=info.name,
            version=governed.version,
            rows=governed.count(now),
            columns=profiles,
            filtered=governed.filtered,
            receipt=governed.receipt,
        )

    def _counted(
        self, table: Measured, profiles: Sequence[ColumnProfile], spans: Mapping[str, tuple[Any, Any, Any]]
    ) -> list[ColumnProfile]:
        """Add what is counted of the stored values: whole numbers, whatever they are graded."""
        types = {column.name: column.type for column in table.columns}
        mine = {one.name: types[one.name] for one in profiles}
        bins = {
            one.name: edges(*spans[one.name][:2])
            for one in profiles
            if one.type in _NUMBERS and not one.masked and spans.get(one.name, (None,))[0] is not None
        }
        query = profile_query(table.table, mine, bins, history=table.history)
        found = self.runner.measures.count(query, {table.table: table.version})
        far: dict[str, int] = {}
        if bins:
            asked = outliers_query(table.table, list(bins), history=table.history)
            counted = self.runner.measures.count(asked, {table.table: table.version})
            far = {name: counted[f"o{n}"] for n, name in enumerate(bins)}
        made = []
        for n, one in enumerate(profiles):
            steps = bins.get(one.name, [])
            spread = [Bin(low, high, found[f"h{i}_{n}"]) for i, (low, high) in enumerate(pairwise(steps))]
            numbers = numbers_of(found, n, mine[one.name])
            made.append(replace(one, **numbers, bins=spread, outliers=far.get(one.name)))
        return made


def _spans(
    governed: GovernedTable, columns: Sequence[GovernedColumn], now: tuple[Filter, ...]
) -> dict[str, tuple[Any, Any, Any]]:
    """Return least, greatest and mean of each column of numbers or days that is shown as it is."""
    mine = [c for c in columns if c.type in _NUMBERS | _DAYS and not c.masked]
    if not mine:
        return {}
    measures = [Measure(fn, c.name) for c in mine for fn in (MeasureFn.MIN, MeasureFn.MAX)]
    numbers = [c for c in mine if c.type in _NUMBERS]
    measures += [Measure(MeasureFn.AVG, c.name) for c in numbers]
    row = governed.aggregate(Aggregate(measures=tuple(measures), filters=now)).to_pylist()[0]
    values = list(row.values())
    means = dict(zip([c.name for c in numbers], values[2 * len(mine) :], strict=True))
    return {c.name: (values[2 * i], values[2 * i + 1], means.get(c.name)) for i, c in enumerate(mine)}


def _begun(column: GovernedColumn, spans: Mapping[str, tuple[Any, Any, Any]]) -> ColumnProfile:
    least, greatest, mean = spans.get(column.name, (None, None, None))
    return ColumnProfile(
        name=column.name,
        type=column.type,
        comment=column.comment,
        grade=column.grade,
        masked=column.masked,
        least=least,
        greatest=greatest,
        mean=None if mean is None else float(mean),
    )


def _with_values(governed: GovernedTable, one: ColumnProfile, now: tuple[Filter, ...]) -> ColumnProfile:
    """Add what stands most often, and for days how they are spread; both as this reader may see them."""
    if one.type in _DAYS and one.least is not None:
        unit = DateUnit.YEAR if one.greatest.year - one.least.year >= YEARS_MOST else DateUnit.MONTH
        filters = (*now, Filter(one.name, FilterOp.NOTNULL))
        spread = governed.aggregate(Aggregate(group=(GroupBy(one.name, unit),), filters=filters, order=((0, False),)))
        rows = [tuple(row.values()) for row in spread.to_pylist()]
        return replace(one, bins=[Bin(day, None, count) for day, count in rows])
    if one.is_key or one.bins:
        return one
    spec = Aggregate(group=(GroupBy(one.name),), filters=now, order=((1, True), (0, False)), limit=TOP + 1)
    found = [Share(*row.values()) for row in governed.aggregate(spec).to_pylist()]
    return replace(one, top=[share for share in found if share.value is not None][:TOP])
