"""Rows of a governed table by number, for programs that page so and ask for several columns at once.

A part of ``Governed``. A number counts the rows that this reader may see: where a filter keeps rows back, no gap tells of them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.port import View
from beijiang.protection.models.sifting import after, asked_columns, number_of, numbered, sifted, tallied
from beijiang.protection.service.copied import Copied
from beijiang.tables import NUMBER, Sift, Sifted, Tallied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from beijiang.engine import Scan
    from beijiang.protection.models.reference import ExitCaps

__all__ = ["Sifting"]

_ALIAS: Final = "governed"


class Sifting(Copied):
    """Find, number, page and count."""

    _caps: ExitCaps

    def sift(self, asked: Sift) -> Sifted:
        """Return a part of the rows that fit; as many as a page of the exit has at most.

        Raises:
            Invalid: an unknown column, or a value that does not fit its column.

        """
        size = max(0, min(asked.size, self._caps.page_rows))
        known = self._place_known(asked)
        query, view = self._sifted(replace(asked, size=size))
        query = query.limit(size + 1, copy=False)
        if asked.start and not known:
            query = query.offset(asked.start, copy=False)
        if asked.is_plain and not asked.start:
            key = (view, asked.columns, size, NUMBER)
            found = self._fetch(self._tools.views.get(key, lambda: View(query, {_ALIAS: view})))
        else:
            found = self._fetch(query, view)
        rows = found.slice(0, size)
        self._hand_over(rows)
        return Sifted(rows, found.num_rows > size)

    def sift_all(self, asked: Sift) -> Iterator[pa.RecordBatch]:
        """Stream all rows that fit; the decision is repeated while it runs, and ends the stream when it changes.

        Raises:
            Denied: the right ended while the stream ran (``access_ended``).
            Invalid: an unknown column, or a value that does not fit its column.
            Throttled: the grant does not cover so many rows today; said before the first one.

        """
        query, view = self._sifted(asked)
        if asked.size:
            query = query.limit(asked.size, copy=False)
        if asked.start and not self._place_known(asked):
            query = query.offset(asked.start, copy=False)
        if self._take_rows is not None:
            found = max(0, self._tallied(asked, None).rows - asked.start)
            self._take_rows(min(found, asked.size) if asked.size else found)
        return self._stream(query, view)

    def sift_count(self, asked: Sift, most: int) -> Tallied:
        """Return how many rows fit, ``start`` and ``size`` aside; where rows are held back it is counted to the end.

        Raises:
            Invalid: an unknown column, or a value that does not fit its column.

        """
        if asked.is_plain and not self._sight.row_filters:
            return Tallied(self._snapshot.rows)
        return self._tallied(asked, None if self._sight.row_filters else most)

    def _tallied(self, asked: Sift, most: int | None) -> Tallied:
        whole = replace(asked, start=0)
        shown, source, view = self._numbered(whole)
        row = self._fetch(tallied(whole, shown, source, self._types, most), view).to_pylist()[0]
        rows = int(row["n"])
        if most is None or rows <= most:
            return Tallied(rows)
        spread = rows if row["highest"] is None else rows * self._snapshot.rows // int(row["highest"])
        return Tallied(max(rows, spread), estimated=True)

    def _place_known(self, asked: Sift) -> bool:
        """Tell whether the row with which a part begins is known by its number."""
        return asked.is_plain and not self._sight.row_filters

    def _sifted(self, asked: Sift) -> tuple[exp.Select, View]:
        shown, source, view = self._numbered(asked)
        return sifted(asked, shown, source, self._types), view

    def _numbered(self, asked: Sift) -> tuple[list[str], exp.Select, View]:
        """Return the shown columns, the relation with numbers, and what it is made of; files in front of it are left out."""
        types = {name: kind for name, kind in self._types.items() if name != NUMBER}
        shown, needed = asked_columns(asked, types)
        scan = self._scan(needed, asked.filters, position=True)
        if self._sight.row_filters:
            return shown, numbered(needed, _ALIAS, number_of(None)), self._view(needed, (), scan)
        starts = [0, *accumulate(self._snapshot.file_rows)]
        parts = self._parts(scan)
        low = after(asked)
        here = bisect_right([starts[part + 1] for part in parts], low)
        scan, parts = replace(scan, files=scan.files[here:]), parts[here:]
        skipped = max(0, low - starts[parts[0]]) if len(parts) == 1 and not asked.order else 0
        source = numbered(needed, _ALIAS, number_of([starts[part] for part in parts]), skipped)
        if low and len(parts) > 1 and asked.is_plain:
            source = self._beyond_number(source, low)
        return shown, source, self._view(needed, (), scan)

    def _beyond_number(self, source: exp.Select, low: int) -> exp.Select:
        """Leave out the rows in front of a number, where several files remain."""
        names = [one.alias_or_name for one in source.selects]
        shown = [exp.column(exp.to_identifier(name, quoted=True)) for name in names]
        later = exp.GT(this=exp.column(exp.to_identifier(NUMBER, quoted=True)), expression=exp.Literal.number(low))
        outer = exp.select(*shown, copy=False).from_(source.subquery("placed", copy=False), copy=False)
        return outer.where(later, copy=False)

    if TYPE_CHECKING:

        def _hand_over(self, rows: pa.Table) -> None: ...
        def _parts(self, scan: Scan) -> Sequence[int]: ...
