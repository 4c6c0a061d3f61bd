"""For sources that can only tell their rows: the rest of a look (position, window, keys) is worked out while rows go by.

A connector of a file, a device or a service that cannot search writes one generator of rows and hands it to ``RowsReading``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest.connectors.contract import Feed, Position, Reading, Wanted, Window
from beijiang.ingest.connectors.rest_cells import comparable

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Bounds", "RowsReading", "Top"]

_ROWS: Final = 16_384


class RowsReading(Reading):
    """A look at rows that the source cannot search.

    Args:
        wanted: what ``Connector.open`` was asked for.
        rows: begins to tell all rows of the feed, from the first, each time it is called; a row maps names of columns to text
            (canonical: ``1.50``, ``2026-01-31``, ``2026-01-31 08:00:00.000000`` in UTC) or None. What a column's type cannot
            hold is set aside with its reason; a name that is missing is None.
        consistent: every call tells the same rows, because they were all read at the beginning.

    """

    def __init__(
        self, wanted: Wanted, rows: Callable[[], Iterable[Mapping[str, str | None]]], *, consistent: bool = False
    ) -> None:
        import pyarrow as pa

        self._wanted = wanted
        self._rows = rows
        self.consistent = consistent
        self.schema = pa.schema([pa.field(c.name, pa.string()) for c in wanted.feed.columns])

    def position(self) -> Position:
        window = self._wanted.window
        if window is None:
            return None
        top = Top(window, self._wanted.feed)
        for row in self._rows():
            top.see([row.get(window.column)])
        return top.text

    def until(self, end: Position) -> Reading:
        window = self._wanted.window
        wanted = self._wanted if window is None else replace(self._wanted, window=replace(window, end=end))
        return RowsReading(wanted, self._rows, consistent=self.consistent)

    def batches(self) -> Iterator[pa.RecordBatch]:
        bounds = Bounds(self._wanted.window, self._wanted.feed)
        names = [c.name for c in self._wanted.feed.columns]
        at = names.index(bounds.column) if bounds.column else 0
        return _batched((r for r in self._cells(names) if not bounds.column or bounds.admit(r[at])), names)

    def keys(self) -> Iterator[pa.RecordBatch]:
        return _batched(self._cells(self._wanted.key), self._wanted.key)

    def _cells(self, names: Sequence[str]) -> Iterator[list[str | None]]:
        for row in self._rows():
            yield [row.get(name) for name in names]


def _batched(rows: Iterator[list[str | None]], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    from itertools import islice

    import pyarrow as pa

    while some := [*islice(rows, _ROWS)]:
        columns = [pa.array(column, pa.string()) for column in zip(*some, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, names=[*names])


class Bounds:
    """Which rows belong to a window; a source may not know of it, or mean it a little differently."""

    def __init__(self, window: Window | None, feed: Feed) -> None:
        found = None if window is None else feed.column(window.column)
        self._found = found
        self.column = "" if found is None else found.name
        if found is not None and window is not None:
            self._low = comparable(None if window.start is None else str(window.start), found.spec)
            self._high = comparable(None if window.end is None else str(window.end), found.spec)

    def admit(self, text: str | None) -> bool:
        """Tell whether a row with this cursor belongs to the window; one without a cursor that could be kept always does."""
        if self._found is None:
            return True
        value = comparable(text, self._found.spec)
        if value is None:
            return True
        return (self._low is None or value >= self._low) and (self._high is None or value <= self._high)


class Top:
    """The highest cursor value that went by."""

    def __init__(self, window: Window, feed: Feed) -> None:
        self._column = feed.column(window.column)
        self._value: Any = None

    def see(self, texts: Iterable[str | None]) -> None:
        """Look at some values of the cursor."""
        if self._column is None:
            return
        for text in texts:
            value = comparable(text, self._column.spec)
            if value is not None and (self._value is None or value > self._value):
                self._value = value

    @property
    def text(self) -> str | None:
        """Return it as canonical text."""
        return None if self._value is None else self._value if isinstance(self._value, str) else f"{self._value:f}"
