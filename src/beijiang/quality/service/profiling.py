"""Profiles: what a table looks like, counted in a few queries and shown as the gate allows it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import BeijiangError
from beijiang.quality.models.profiles import (
    QUANTILES,
    Bin,
    ColumnProfile,
    Profile,
    Share,
    as_in_column,
    edges,
    numbers_of,
    outliers_query,
    profile_query,
)
from beijiang.quality.service.base import Base
from beijiang.tables import Aggregate, DateUnit, Exit, Filter, FilterOp, GroupBy, Measure, MeasureFn, Quantile

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.quality.service.scoring import Quality
    from beijiang.tables import GovernedColumn, GovernedTable, Measured

__all__ = ["Profiles"]

log = logging.getLogger(__name__)

COLUMNS_AT_ONCE: Final = 60
QUANTILES_AT_ONCE: Final = 6
CELLS_MOST: Final = 20_000_000
"""Rows times columns of a page; beyond it quantiles are left out."""
TOP: Final = 10
YEARS_MOST: Final = 3
"""A longer span of days is shown by years, a shorter one by months."""
_NUMBERS: Final = {"integer", "decimal", "double"}
_DAYS: Final = {"date", "timestamp"}


@dataclass(frozen=True, slots=True)
class _Span:
    """What the gate says of a column of numbers or days."""

    least: Any = None
    greatest: Any = None
    mean: Any = None
    quantiles: Sequence[Any] = ()


class Profiles(Base):
    """What stands in the columns of a table."""

    def __init__(self, quality: Quality) -> None:
        q = quality
        super().__init__(q.db, q.tables, q.runner, q.access, q.evidence, q.jobs, q.alerts, q.clock)

    def profile(self, actor: Actor, table: str, page: int = 1) -> Profile:
        """Return the profile of the newest version that the actor may read: 60 columns of it, by pages.

        Counts are of the stored values; values themselves come from the gate, masked for this reader. Where a row rule
        keeps rows back, nothing is counted past the gate. A page behind the last one is the last one.

        Raises:
            NotFound: no such table, or it is hidden from this actor.

        """
        return next(iter(self.pages(actor, table, page)))

    def pages(self, actor: Actor, table: str, first: int = 1) -> Iterator[Profile]:
        """Return the pages of a profile from one on, all of one version, each counted when it is asked for.

        Raises:
            NotFound: no such table, or it is hidden from this actor.

        """
        info = self._table(actor, table)
        governed = self.tables.open(actor, info.name, "quality:profile", Exit.CHART)
        measured = self.runner.version(info.name, governed.version)
        now = (Filter("valid_to", FilterOp.ISNULL),) if measured.history else ()
        width, rows = len(governed.columns), governed.count(now)
        last = max(1, -(-width // COLUMNS_AT_ONCE))
        for page in range(min(max(first, 1), last), last + 1):
            shown = governed.columns[(page - 1) * COLUMNS_AT_ONCE : page * COLUMNS_AT_ONCE]
            spans = _spans(governed, shown, now, rows)
            profiles = [_begun(column, spans) for column in shown]
            if not governed.filtered:
                profiles = self._counted(measured, profiles)
            yield Profile(
                table=info.name,
                version=governed.version,
                rows=rows,
                columns=[_with_values(governed, one, now) for one in profiles],
                page=page,
                pages=last,
                width=width,
                filtered=governed.filtered,
                receipt=governed.receipt,
            )

    def _counted(self, table: Measured, profiles: Sequence[ColumnProfile]) -> list[ColumnProfile]:
        """Add what is counted of the stored values: whole numbers, whatever they are graded."""
        types = {column.name: column.type for column in table.columns}
        mine = {one.name: types[one.name] for one in profiles}
        bins = {
            one.name: edges(one.least, one.greatest)
            for one in profiles
            if one.type in _NUMBERS and not one.masked and one.least is not None
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
    governed: GovernedTable, columns: Sequence[GovernedColumn], now: tuple[Filter, ...], rows: int
) -> dict[str, _Span]:
    """Return least, greatest, mean and, unless the cells are too many, quantiles of each column of numbers or days that is shown as it is."""
    mine = [c for c in columns if c.type in _NUMBERS | _DAYS and not c.masked]
    if not mine:
        return {}
    measures = [Measure(fn, c.name) for c in mine for fn in (MeasureFn.MIN, MeasureFn.MAX)]
    numbers = [c for c in mine if c.type in _NUMBERS]
    measures += [Measure(MeasureFn.AVG, c.name) for c in numbers]
    values = list(governed.aggregate(Aggregate(measures=tuple(measures), filters=now)).to_pylist()[0].values())
    means = dict(zip([c.name for c in numbers], values[2 * len(mine) :], strict=True))
    spans = {c.name: _Span(values[2 * i], values[2 * i + 1], means.get(c.name)) for i, c in enumerate(mine)}
    return spans if rows * len(mine) > CELLS_MOST else _with_quantiles(governed, spans, now)


def _with_quantiles(governed: GovernedTable, spans: Mapping[str, _Span], now: tuple[Filter, ...]) -> dict[str, _Span]:
    """Add quantiles, which hold all values of a column in memory: a few columns a statement; one that fails leaves its own out."""
    names, made = [name for name, span in spans.items() if span.least is not None], dict(spans)
    for start in range(0, len(names), QUANTILES_AT_ONCE):
        part = names[start : start + QUANTILES_AT_ONCE]
        asked = tuple(Quantile(name, at) for name in part for at in QUANTILES)
        try:
            found = governed.aggregate(Aggregate(measures=(), quantiles=asked, filters=now)).to_pylist()[0]
        except BeijiangError as error:
            log.warning("quantiles were left out of a profile (%s)", type(error).__name__)
            continue
        values, each = list(found.values()), len(QUANTILES)
        for i, name in enumerate(part):
            made[name] = replace(
                spans[name], quantiles=as_in_column(values[each * i : each * (i + 1)], spans[name].least)
            )
    return made


def _begun(column: GovernedColumn, spans: Mapping[str, _Span]) -> ColumnProfile:
    span = spans.get(column.name, _Span())
    return ColumnProfile(
        name=column.name,
        type=column.type,
        comment=column.comment,
        grade=column.grade,
        masked=column.masked,
        least=span.least,
        greatest=span.greatest,
        mean=None if span.mean is None else float(span.mean),
        quantiles=() if span.least is None else span.quantiles,
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
