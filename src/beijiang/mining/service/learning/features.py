"""Features of cases at their points in time: of the row itself, or of what another table knew before.

A value that became known at the very moment of a case is not seen by it. A day without a time of day becomes known when it is over;
a case that has a day only is seen as that day begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beijiang.mining.errors.learning import unfit_draft
from beijiang.mining.models.learning import Feature, FeatureKind, FeatureView

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["BEGINNING", "DAY", "Cases", "History", "features_of_rows", "keys_of", "seconds_of"]

DAY: Final = 86_400
BEGINNING: Final = -12_000_000_000
"""Seconds from 1970 to before the year 1600, where time begins here."""
_BITS: Final = 35
"""Of the seconds since then; the entity's number stands above them."""
_LAST: Final = (1 << _BITS) - 1

Values: TypeAlias = "npt.NDArray[np.float64]"
Places: TypeAlias = "npt.NDArray[np.int64]"
Rows: TypeAlias = "pa.Table | pa.RecordBatch"


def seconds_of(column: Any, zone: str, *, ends: bool) -> Places:
    """Return moments as seconds since 1970, days by their beginning or their last second; what is missing is the beginning of time.

    Raises:
        Invalid: the column holds neither days nor moments.

    """
    kind = column.type
    if pa.types.is_date(kind):
        moments = pc.assume_timezone(pc.cast(column, pa.timestamp("s")), zone)
    elif pa.types.is_timestamp(kind):
        moments = column
    else:
        raise unfit_draft(
            "时间列必须是日期或时间类型（脱敏后的时间不能用作时间列）。",
            "A column of time holds dates or moments; one that is shown masked does not serve.",
        )
    whole = pc.cast(pc.cast(moments, pa.timestamp("s", tz="UTC"), safe=False), pa.int64())
    found = np.asarray(pc.fill_null(whole, BEGINNING), dtype=np.int64)
    if ends and pa.types.is_date(kind):
        found = np.where(found > BEGINNING, found + DAY - 1, found)
    return found


def keys_of(rows: Rows, columns: tuple[str, ...]) -> Any:
    """Return what names the entity of each row as one text; nothing where a part is missing."""
    parts = [pc.cast(_flat(rows.column(name)), pa.string()) for name in columns]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "\x1f")


class Cases:
    """What a feature is computed for: rows with the moment at which each is looked at."""

    def __init__(self, rows: Rows, at: Places) -> None:
        self.rows = rows
        self.at = at


def features_of_rows(view: FeatureView, cases: Cases, zone: str) -> dict[str, Any]:
    """Return the features of a view over the cases' own rows."""
    found = {}
    for feature in view.features:
        found[feature.name] = _of_row(feature, cases.rows, cases.at, zone)
    return found


class History:
    """The rows of a view by entity and time, so that the past of any case is one stretch of them."""

    def __init__(self, view: FeatureView, rows: pa.Table, zone: str) -> None:
        self._view = view
        self._zone = zone
        names = pc.dictionary_encode(keys_of(rows, view.keys))
        self._names = names.dictionary
        codes = np.asarray(pc.fill_null(names.indices, -1), dtype=np.int64)
        at = (
            seconds_of(_flat(rows.column(view.event_time)), zone, ends=True)
            if view.event_time
            else np.zeros_like(codes)
        )
        known = np.flatnonzero((codes >= 0) & (at > BEGINNING))
        order = known[np.argsort(_placed(codes[known], at[known]), kind="stable")]
        self._at = at[order]
        self._placed = _placed(codes[order], self._at)
        self._rows = rows.take(pa.array(order))
        self._sums: dict[str, tuple[Values, Values]] = {}

    def of(self, cases: Cases, on: tuple[str, ...]) -> dict[str, Any]:
        """Return the features of cases whose entities are named by some of their columns."""
        codes = np.asarray(
            pc.fill_null(pc.index_in(keys_of(cases.rows, on), value_set=self._names), -1), dtype=np.int64
        )
        till = self._till(codes, cases.at)
        found: dict[str, Any] = {}
        for feature in self._view.features:
            since = self._since(codes, cases.at, feature.days)
            low = np.where(codes < 0, till, np.minimum(since, till))
            if feature.kind.looks_back:
                found[feature.name] = pa.array(self._over(feature, low, till, cases.at), from_pandas=True)
            else:
                last = self._rows.select([*dict.fromkeys(feature.columns)]).take(pa.array(till - 1, mask=till <= low))
                found[feature.name] = _of_row(feature, last, cases.at, self._zone)
        return found

    def _column(self, name: str) -> Any:
        return _flat(self._rows.column(name))

    def _till(self, codes: Places, at: Places) -> Places:
        """Return the end of each case's past; facts that do not change are known at any time."""
        edge = _placed(codes, at) if self._view.event_time else _placed(codes + 1, np.full_like(at, BEGINNING))
        found: Places = np.searchsorted(self._placed, edge, side="left").astype(np.int64)
        return np.where(codes < 0, 0, found)

    def _since(self, codes: Places, at: Places, days: int) -> Places:
        begin = at - days * DAY if days and self._view.event_time else np.full_like(at, BEGINNING)
        return np.searchsorted(self._placed, _placed(codes, begin), side="left").astype(np.int64)

    def _over(self, feature: Feature, low: Places, high: Places, at: Places) -> Values:
        many = (high - low).astype(np.float64)
        if feature.kind is FeatureKind.COUNT:
            return many
        if feature.kind is FeatureKind.SINCE:
            last = np.append(self._at, 0)[np.maximum(high - 1, 0)]
            return np.where(many > 0, (at - last) / DAY, np.nan)
        if feature.kind in {FeatureKind.MIN, FeatureKind.MAX}:
            return self._extreme(feature, low, high)
        totals, counts = self._running(feature.column)
        total, count = totals[high] - totals[low], counts[high] - counts[low]
        if feature.kind is FeatureKind.SUM:
            return total
        return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)

    def _running(self, column: str) -> tuple[Values, Values]:
        if column not in self._sums:
            values = _numbers(self._column(column), column)
            there = ~np.isnan(values)
            totals = np.concatenate([[0.0], np.cumsum(np.where(there, values, 0.0))])
            self._sums[column] = totals, np.concatenate([[0.0], np.cumsum(there)])
        return self._sums[column]

    def _extreme(self, feature: Feature, low: Places, high: Places) -> Values:
        over = np.fmin if feature.kind is FeatureKind.MIN else np.fmax
        values = np.append(_numbers(self._column(feature.column), feature.column), np.nan)
        if not len(low):
            return np.zeros(0)
        found = over.reduceat(values, np.stack([low, high], axis=1).ravel())[::2]
        return np.where(high > low, found, np.nan)


def _placed(codes: Places, at: Places) -> Places:
    """Return one number that orders by entity, then by time."""
    return (codes << _BITS) + np.clip(at - BEGINNING, 0, _LAST)


def _flat(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _numbers(values: Any, name: str) -> Values:
    """Return numbers, not-a-number where there is none.

    Raises:
        Invalid: the column holds something else, or is shown masked.

    """
    if pa.types.is_boolean(values.type):
        values = pc.cast(values, pa.int8())
    if not _is_number(values.type):
        raise unfit_draft(
            f"列“{name[:60]}”不是数值（或对您是脱敏的），这个特征需要数值。",
            f'Column "{name[:60]}" holds no numbers, or you see it masked; this feature needs numbers.',
        )
    found: Values = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return found


def _of_row(feature: Feature, rows: Rows, at: Places, zone: str) -> Any:
    values = _flat(rows.column(feature.column))
    made = _MADE.get(feature.kind)
    if made is not None:
        return made(feature, values)
    if feature.kind is FeatureKind.AGE:
        then = seconds_of(values, zone, ends=False)
        return pa.array(np.where(then > BEGINNING, (at - then) / DAY, np.nan), from_pandas=True)
    over, under = _numbers(values, feature.column), _numbers(_flat(rows.column(feature.other)), feature.other)
    share = np.divide(over, under, out=np.full_like(over, np.nan), where=under != 0)
    return pa.array(share, from_pandas=True)


def _value(feature: Feature, values: Any) -> Any:
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        raise unfit_draft(
            f"特征“{feature.name}”的列是时间，请用年份、月份或距今天数。",
            f'The column of feature "{feature.name}" is a time; take its year, its month or the days until then.',
        )
    if _is_number(values.type) or pa.types.is_boolean(values.type):
        return pa.array(_numbers(values, feature.column), from_pandas=True)
    return pc.cast(values, pa.string())


def _part(feature: Feature, values: Any, take: Callable[[Any], Any]) -> Any:
    if not (pa.types.is_date(values.type) or pa.types.is_timestamp(values.type)):
        raise unfit_draft(f"特征“{feature.name}”的列不是日期。", f'The column of feature "{feature.name}" is no date.')
    return pc.cast(take(values), pa.float64())


def _length(feature: Feature, values: Any) -> Any:
    del feature
    return pc.cast(pc.utf8_length(pc.cast(values, pa.string())), pa.float64())


def _missing(feature: Feature, values: Any) -> Any:
    del feature
    return pc.cast(pc.is_null(values), pa.float64())


def _log(feature: Feature, values: Any) -> Any:
    found = _numbers(values, feature.column)
    return pa.array(np.log1p(np.where(found > -1, found, np.nan)), from_pandas=True)


_MADE: Final[Mapping[FeatureKind, Callable[[Feature, Any], Any]]] = {
    FeatureKind.VALUE: _value,
    FeatureKind.YEAR: lambda feature, values: _part(feature, values, pc.year),
    FeatureKind.MONTH: lambda feature, values: _part(feature, values, pc.month),
    FeatureKind.LENGTH: _length,
    FeatureKind.MISSING: _missing,
    FeatureKind.LOG: _log,
}
