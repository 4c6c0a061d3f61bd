"""The verbs behind the first look at a data set: its quality, its arrivals, and what changed between two versions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beijiang.kit import SYSTEM, Invalid, NotFound, Text
from beijiang.opendata.charts import UNDRAWABLE
from beijiang.opendata.glance.arrivals import calendar
from beijiang.opendata.glance.gaps import Gap, GapCode, gaps_of
from beijiang.opendata.glance.goodness import goodness
from beijiang.opendata.glance.models import Changes, ColumnChange, ColumnChangeKind, Glimpse, LastChange, SampleRow
from beijiang.opendata.views import type_names
from beijiang.tables import Exit, WriteMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.kit import Actor, Clock
    from beijiang.opendata.glance.goodness import Goodness
    from beijiang.opendata.models import Dataset, DataVersion
    from beijiang.opendata.service import OpenData, Reading
    from beijiang.quality import Quality
    from beijiang.standards import Standards
    from beijiang.tables import Between, Measures, Tables, TableVersion

__all__ = ["Glance"]

RECENT: Final = 400
"""Versions looked at for the calendar of a year."""
SAMPLE: Final = 5
"""New rows, and changed rows, that are shown."""
MOST_ROWS: Final = 1_000_000
"""Rows of the larger version that are compared one by one while somebody waits."""
REMEMBERED: Final = 256


class Glance:
    """What the public is told of a data set besides its rows."""

    def __init__(
        self,
        opendata: OpenData,
        quality: Quality,
        tables: Tables,
        measures: Measures,
        standards: Standards,
        clock: Clock,
    ) -> None:
        self._opendata = opendata
        self._quality = quality
        self._tables = tables
        self._measures = measures
        self._standards = standards
        self._clock = clock
        self._histories: dict[tuple[str, int], Sequence[TableVersion]] = {}  # up to a version, which never changes
        self._compared: dict[tuple[str, int, int, tuple[str, ...]], Between] = {}  # versions never change
        self._comparing = threading.Lock()

    def glimpse(self, dataset: Dataset, *, whole: bool = False) -> Glimpse:
        """Return what stands on top of the page of a data set that its reader holds already; ``whole`` with the calendar."""
        drawable = any(field.type not in UNDRAWABLE for field in dataset.open_fields)
        good = self._goodness(dataset)
        gaps = gaps_of(dataset, drawable=drawable, scored=good is not None)
        if dataset.table is None or dataset.table_version is None or not dataset.readable:
            return Glimpse(gaps=gaps)
        history = self._history(dataset.table, dataset.table_version)
        zone = ZoneInfo(self._opendata.zone)
        return Glimpse(
            goodness=good,
            last=None if dataset.rows_held else _last(history),
            calendar=calendar(
                history,
                self._standards.update_cycle(dataset.promise.cycle),
                self._clock.now().astimezone(zone).date(),
                zone,
            )
            if whole
            else None,
            gaps=gaps,
        )

    def changes(self, actor: Actor, dataset_id: str, before: int | None, after: int | None) -> Changes:
        """Return what changed between two versions, by default the released one and the one before it.

        Raises:
            NotFound: no such data set, its rows are not open, or no such version.
            Invalid: the earlier version is not earlier.

        """
        reading = self._opendata.read(actor, dataset_id, Exit.PREVIEW)
        dataset = reading.dataset
        if dataset.rows_held:
            raise NotFound(GapCode.ROWS_HELD.text.zh, GapCode.ROWS_HELD.text.en, code=GapCode.ROWS_HELD.value)
        versions = {one.number: one for one in self._opendata.versions(actor, dataset_id)}
        then, now = _chosen(versions, before, after)
        return self._told(
            reading, dataset, [one for one in versions.values() if then.number < one.number <= now.number], then, now
        )

    def _told(
        self, reading: Reading, dataset: Dataset, passed: Sequence[DataVersion], then: DataVersion, now: DataVersion
    ) -> Changes:
        table = dataset.table or ""
        shapes = [{c.name: c.type for c in self._measures.version(table, one.number).columns} for one in (then, now)]
        key = self._tables.get(SYSTEM, table).subject
        codes: list[GapCode] = []
        found: Between | None = None
        same = tuple(
            c.name
            for c in reading.columns
            if not c.masked and c.name not in key and shapes[0].get(c.name) == shapes[1].get(c.name) is not None
        )
        if not key or any(shapes[0].get(name) != shapes[1].get(name) for name in key):
            codes.append(GapCode.NO_KEY)
        elif max(then.rows, now.rows) > MOST_ROWS:
            codes.append(GapCode.TOO_LARGE)
        else:
            found = self._between(table, then.number, now.number, same)
            codes.append(GapCode.EARLIER_VALUES if now.current else GapCode.NOT_CURRENT)
        counts = (
            (found.added, found.changed, found.removed)
            if found
            else tuple(
                sum(getattr(one, name) for one in passed) for name in ("rows_added", "rows_changed", "rows_removed")
            )
        )
        visible = {f.column for f in dataset.open_fields}
        return Changes(
            dataset_id=dataset.id,
            title=dataset.title,
            before=then.number,
            after=now.number,
            before_at=then.at,
            after_at=now.at,
            rows=(then.rows, now.rows),
            added=counts[0],
            changed=counts[1],
            removed=counts[2],
            key=tuple(name for name in key if name in visible),
            columns=(*_shape_changes(shapes[0], shapes[1], visible), *_value_changes(found)),
            heads=reading.columns,
            sample=_sample(reading, found) if found and now.current else (),
            gaps=tuple(Gap.of(code, dataset.id) for code in codes),
        )

    def _between(self, table: str, before: int, after: int, columns: tuple[str, ...]) -> Between:
        key = (table, before, after, columns)
        with self._comparing:  # one at a time: a full join of two versions takes the whole machine
            if key not in self._compared:
                if len(self._compared) >= REMEMBERED:
                    self._compared.clear()
                self._compared[key] = self._measures.between(table, (before, after), columns, SAMPLE)
            return self._compared[key]

    def _goodness(self, dataset: Dataset) -> Goodness | None:
        if dataset.table is None or dataset.table_version is None or not dataset.readable:
            return None
        found = self._quality.published_score(dataset.table, dataset.table_version)
        if found is None:
            return None
        return goodness(*found, self._standards.quality_indicators(), counted=not dataset.rows_held)

    def _history(self, table: str, released: int) -> Sequence[TableVersion]:
        known = self._histories.get((table, released))
        if known is None:
            known = [one for one in self._tables.history(SYSTEM, table, RECENT) if one.version <= released]
            if len(self._histories) >= REMEMBERED:
                self._histories.clear()
            self._histories[table, released] = known
        return known


def _last(history: Sequence[TableVersion]) -> LastChange | None:
    real = [one for one in history if one.mode is not WriteMode.COMPACT]
    if not real:
        return None
    newest, before = real[0], real[1].version if len(real) > 1 else None
    return LastChange(newest.version, before, newest.at, newest.rows_added, newest.rows_changed, newest.rows_removed)


def _chosen(versions: dict[int, DataVersion], before: int | None, after: int | None) -> tuple[DataVersion, DataVersion]:
    numbers = sorted(versions)
    if after is None and numbers:
        after = numbers[-1]
    if before is None:
        before = max((n for n in numbers if after is not None and n < after), default=None)
    if before not in versions or after not in versions:
        raise NotFound(
            "没有可以比较的两个公开版本。请在版本页选择两个列出的版本。",
            "There are no two such public versions. Choose two of those on the page of versions.",
            code="no_such_versions",
        )
    if before >= after:
        raise Invalid(
            f"起始版本 {before} 应早于结束版本 {after}。请调换两者。",
            f"Version {before} should be earlier than version {after}; swap the two.",
            code="versions_swapped",
        )
    return versions[before], versions[after]


def _shape_changes(then: dict[str, str], now: dict[str, str], visible: set[str]) -> tuple[ColumnChange, ...]:
    names = type_names()
    found: list[ColumnChange] = []
    for column in sorted(visible, key=lambda name: [*now, *then].index(name) if name in {*now, *then} else 0):
        was, is_ = then.get(column), now.get(column)
        if was is None and is_ is not None:
            kind = names.get(is_, Text(is_, is_))
            words = Text(f"新增了“{column}”列（{kind.zh}）。", f"The column “{column}” ({kind.en}) is new.")
            found.append(ColumnChange(column, ColumnChangeKind.ADDED, words))
        elif was is not None and is_ is None:
            words = Text(f"去掉了“{column}”列。", f"The column “{column}” is gone.")
            found.append(ColumnChange(column, ColumnChangeKind.REMOVED, words))
        elif was != is_ and was is not None and is_ is not None:
            old, new = names.get(was, Text(was, was)), names.get(is_, Text(is_, is_))
            words = Text(
                f"“{column}”列由{old.zh}改为{new.zh}。", f"The column “{column}” was {old.en} and is {new.en} now."
            )
            found.append(ColumnChange(column, ColumnChangeKind.TYPE, words))
    return tuple(found)


def _value_changes(found: Between | None) -> tuple[ColumnChange, ...]:
    """Return the columns whose values differ in rows that both versions have, the most changed first."""
    counted = sorted(((rows, name) for name, rows in (found.columns if found else ()) if rows), reverse=True)
    return tuple(
        ColumnChange(
            name,
            ColumnChangeKind.VALUES,
            Text(
                f"“{name}”列有 {rows:,} 行的值变了。",
                f"“{name}” differs in {rows:,} {'row' if rows == 1 else 'rows'}.",
            ),
            rows,
        )
        for rows, name in counted
    )


def _sample(reading: Reading, found: Between) -> tuple[SampleRow, ...]:
    """Return the rows as the gate gives them now; one that it keeps back is not among them."""
    shown: list[SampleRow] = []
    for one in found.moved:
        values = reading.at([one.place])
        shown += [SampleRow(one.new, row, one.columns) for row in values]
    return tuple(shown)
