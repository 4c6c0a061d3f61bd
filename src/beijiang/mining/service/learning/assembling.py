"""Putting cases and features together, all of it read through the gate as one person sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from beijiang.kit import TooLarge
from beijiang.mining.errors.learning import bad_column, unfit_draft
from beijiang.mining.models.learning import Reading, SetColumn
from beijiang.mining.service.learning.features import BEGINNING, Cases, History, features_of_rows, seconds_of
from beijiang.protection import read_where
from beijiang.tables import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.kit import Actor
    from beijiang.mining.models.learning import FeatureView
    from beijiang.protection import Gate
    from beijiang.tables import GovernedColumn, GovernedTable

__all__ = ["Assembly", "Joined", "Wanted", "check_names", "too_many"]

GATHERED: Final = 131_072
"""Rows that are taken together, so that what is done once a batch is done seldom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A feature view, and the columns of the cases that name its entities."""

    view: FeatureView
    on: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases, with what beside the features, and as of when."""

    table: str
    joined: tuple[Joined, ...]
    extra: tuple[str, ...]
    """Columns of the cases that are kept beside the features."""
    time: str
    at: int
    """Seconds since 1970: nothing later is looked at, and cases without a time of their own are seen as of it."""
    where: tuple[str, ...]
    purpose: str
    version: int | None = None


@dataclass(slots=True)
class Assembly:
    """Reads for one actor; what was read, and how, is noted beside it."""

    gate: Gate
    actor: Actor
    wanted: Wanted
    zone: str
    most: int
    exit: Exit = Exit.TRAINING
    readings: dict[str, Reading] = field(default_factory=dict)
    left_out: int = 0
    _cases: GovernedTable | None = None
    _own: list[FeatureView] = field(default_factory=list)
    _past: list[tuple[Joined, History]] = field(default_factory=list)
    _known: dict[str, Mapping[str, GovernedColumn]] = field(default_factory=dict)

    def open(self) -> None:
        """Ask for all tables, and read those whose past is looked at.

        Raises:
            NotFound: a table is unknown or hidden.
            Invalid: a column is unknown or withheld, or a filter does not fit.
            TooLarge: there is more of the past than is kept in memory.

        """
        wanted = self.wanted
        self._cases = self._governed(wanted.table, wanted.version)
        for name in self._case_columns():
            self.column(wanted.table, name)
        for one in wanted.joined:
            if one.view.table == wanted.table and not one.view.event_time and one.on == one.view.keys:
                self._own.append(one.view)
            else:
                self._past.append((one, self._history(one.view)))

    def column(self, table: str, name: str) -> GovernedColumn:
        """Return a column as the actor sees it.

        Raises:
            Invalid: there is none that may be used (``training_column``).

        """
        found = self._known[table].get(name)
        if found is None:
            raise bad_column(name, table)
        return found

    def batches(self) -> Iterator[tuple[pa.RecordBatch, dict[str, Any]]]:
        """Yield cases in parts, with their features; a case without a time, or with a later one, is left out."""
        cases, wanted = self._cases, self.wanted
        if cases is None:
            return
        names = self._case_columns()
        stream = cases.batches([read_where(one) for one in wanted.where], names)
        for batch in _gathered(stream):
            kept, at = self._timed(batch)
            if not kept.num_rows:
                continue
            found: dict[str, Any] = {}
            for view in self._own:
                found |= features_of_rows(view, Cases(kept, at), self.zone)
            for one, past in self._past:
                found |= past.of(Cases(kept, at), one.on)
            yield kept, {name: found[name] for name in self.names}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the features in the order of the views."""
        return tuple(feature.name for one in self.wanted.joined for feature in one.view.features)

    def columns(self, numeric: Mapping[str, bool]) -> tuple[SetColumn, ...]:
        """Return of each feature what it is made of, and the highest grade of that."""
        made = []
        for one in self.wanted.joined:
            view = one.view
            for feature in view.features:
                used = tuple(dict.fromkeys([*feature.columns, *([view.event_time] if view.event_time else [])]))
                made.append(self.described(feature.name, view.table, used or view.keys, numeric=numeric[feature.name]))
        return tuple(made)

    def described(self, name: str, table: str, columns: tuple[str, ...], *, numeric: bool) -> SetColumn:
        """Return what something is made of."""
        seen = [self.column(table, one) for one in columns]
        return SetColumn(
            name=name,
            numeric=numeric,
            table=table,
            columns=columns,
            grade=max((one.grade for one in seen), default="L1"),
            masked=any(one.masked for one in seen),
        )

    def grade(self) -> str:
        """Return the highest grade of all columns that are read, those that choose the cases among them."""
        used = [self.column(self.wanted.table, read_where(one).column).grade for one in self.wanted.where]
        used += [self.column(self.wanted.table, name).grade for name in self._case_columns()]
        used += [self.column(one.view.table, name).grade for one in self.wanted.joined for name in one.view.columns]
        return max(used, default="L1")

    def _case_columns(self) -> list[str]:
        wanted = self.wanted
        listed = [*wanted.extra, *([wanted.time] if wanted.time else [])]
        for one in wanted.joined:
            own = one.view.table == wanted.table and not one.view.event_time and one.on == one.view.keys
            listed += [*one.on, *(one.view.columns if own else ())]
        return [*dict.fromkeys(listed)]

    def _governed(self, table: str, version: int | None = None) -> GovernedTable:
        version = self.readings[table].version if table in self.readings else version
        found = self.gate.open(self.actor, table, self.wanted.purpose, self.exit, version)
        self._known[table] = {one.name: one for one in found.columns}
        self.readings[table] = Reading(
            version=found.version, obligations=found.obligations, receipt=found.receipt, filtered=found.filtered
        )
        return found

    def _history(self, view: FeatureView) -> History:
        governed = self._governed(view.table)
        for name in view.columns:
            self.column(view.table, name)
        parts: list[pa.RecordBatch] = []
        rows = 0
        for batch in governed.batches((), list(view.columns)):
            rows += batch.num_rows
            if rows > self.most:
                raise _too_large(view.table, self.most)
            parts.append(batch)
        types = {one.name: one.type for one in governed.columns}
        table = pa.Table.from_batches(parts) if parts else _empty(view.columns, types)
        return History(view, table, self.zone)

    def _timed(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Any]:
        wanted = self.wanted
        if not wanted.time:
            return batch, np.full(batch.num_rows, wanted.at, dtype=np.int64)
        at = seconds_of(batch.column(wanted.time), self.zone, ends=False)
        good = (at > BEGINNING) & (at <= wanted.at)
        self.left_out += int((~good).sum())
        return (batch, at) if good.all() else (batch.filter(pa.array(good)), at[good])


def _empty(columns: Sequence[str], types: Mapping[str, str]) -> pa.Table:
    kinds = {"date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"), "text": pa.string(), "boolean": pa.bool_()}
    return pa.schema([(name, kinds.get(types[name], pa.float64())) for name in columns]).empty_table()


def _gathered(stream: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield larger parts of the same rows in the same order."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in stream:
        held.append(batch)
        rows += batch.num_rows
        if rows >= GATHERED:
            yield pa.Table.from_batches(held).combine_chunks().to_batches()[0]
            held, rows = [], 0
    if rows:
        yield pa.Table.from_batches(held).combine_chunks().to_batches()[0]


def _too_large(table: str, most: int) -> TooLarge:
    return TooLarge(
        f"表“{table}”超过 {most:,} 行，超出一次训练可读的行数。请加筛选条件，或请管理员调大 learning_rows。",
        f'Table "{table}" has more than {most:,} rows, which is all that is read for learning at once. Narrow it, or have '
        "learning_rows raised.",
        code="training_too_large",
    )


def too_many(most: int) -> TooLarge:
    """Return the error for more cases than a training set may have."""
    return TooLarge(
        f"样本超过 {most:,} 行。请加筛选条件，或请管理员调大 learning_rows。",
        f"There are more than {most:,} cases. Narrow them, or have learning_rows raised.",
        code="training_too_large",
    )


def check_names(joined: Sequence[Joined]) -> None:
    """Return if no two features of all views have one name, and each view has as many columns to join on as keys.

    Raises:
        Invalid: they do not fit.

    """
    names = [feature.name for one in joined for feature in one.view.features]
    if len(set(names)) < len(names):
        raise unfit_draft("不同特征视图中的特征重名。", "Two of the views have a feature of one name.")
    for one in joined:
        if len(one.on) != len(one.view.keys):
            raise unfit_draft(
                f"特征视图“{one.view.name}”有 {len(one.view.keys)} 个主体键，请按顺序给出同样多的列。",
                f'Feature view "{one.view.title.en}" has {len(one.view.keys)} key columns; name as many, in their order.',
            )
