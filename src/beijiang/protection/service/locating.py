"""Rows of a governed table by their places in the version: looked for by a test, named to the reader, and found again.

A part of ``Governed``. A place tells how many rows a row filter keeps back, so a reader is given its name and never the place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine import QueryLimits
from beijiang.engine.port import AT, PART
from beijiang.kit import Invalid
from beijiang.protection.models.conditions import column_ref, unknown_column
from beijiang.protection.service.copied import Copied
from beijiang.protection.store.copies import FILE_ROWS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    from sqlglot import exp

    from beijiang.engine import Scan
    from beijiang.protection.models.reference import ExitCaps
    from beijiang.tables import Filter, Sort

__all__ = ["Locating"]

_ALIAS: Final = "governed"
_SPARSE: Final = 8
"""Rows read for one that is wanted, at most, when neighbours are read in one go."""


class Locating(Copied):
    """Look for rows, name them, and find them by their names."""

    _caps: ExitCaps

    def places(
        self,
        columns: Sequence[str],
        fits: Callable[[pa.RecordBatch], npt.NDArray[np.bool_]],
        filters: Sequence[Filter] = (),
    ) -> npt.NDArray[np.int64]:
        """Return the places, ascending, of the rows that match the filters and pass a test of some columns as they are shown.

        Nothing is handed over, so no row is counted.

        Raises:
            Invalid: unknown column, or a value that does not fit its column.

        """
        import numpy as np

        names = list(dict.fromkeys(columns))
        unknown = next((name for name in names if name not in self._types), None)
        if unknown is not None:
            raise unknown_column(unknown, self._types)
        needed = list(dict.fromkeys([*names, *(one.column for one in filters)]))
        query = self._selection(names, filters, position=True)
        scan = self._scan(needed, filters, position=True)
        starts = np.asarray(self._parts(scan), dtype=np.int64) * FILE_ROWS
        found = [np.zeros(0, dtype=np.int64)]
        limits = QueryLimits(seconds=self._tools.seconds)
        for batch in self._tools.engine.stream(query, {_ALIAS: self._view(names, filters, scan)}, limits):
            parts, at = (batch.column(name).to_numpy(zero_copy_only=False) for name in (PART, AT))
            found.append((starts[parts.astype(np.int64)] + at.astype(np.int64))[fits(batch)])
        self._tools.evidence.close_read(self._receipt, 0, 0)
        return np.sort(np.concatenate(found))

    def rows_of(self, places: Sequence[int]) -> pa.Table:
        """Return the rows at ascending places, in their order, at most as many as a page of the exit has.

        A row that a filter keeps back stays away.
        """
        import numpy as np
        import pyarrow as pa

        wanted = np.asarray(places[: self._caps.page_rows], dtype=np.int64)
        names = list(self._types)
        scan = self._scan(names, (), position=True)
        parts = np.asarray(self._parts(scan), dtype=np.int64)
        kept = [i for i, part in enumerate(parts) if np.any(wanted // FILE_ROWS == part)]
        if not kept:
            return self._fetch(self._selection(names, ()).limit(0, copy=False), self._view(names, ()))
        scan, parts = replace(scan, files=tuple(scan.files[i] for i in kept)), parts[kept]
        here = np.searchsorted(parts, wanted // FILE_ROWS) * FILE_ROWS + wanted % FILE_ROWS
        query = self._selection(names, (), position=True).where(_at(here), copy=False)
        rows = self._fetch(query, self._view(names, (), scan))
        place = rows.column(PART).to_numpy() * np.int64(FILE_ROWS) + rows.column(AT).to_numpy()
        order = np.argsort(place, kind="stable")
        rows = rows.take(pa.array(order[np.isin(place[order], here)])).select(names)
        self._hand_over(rows)
        return rows

    def names_of(self, places: Sequence[int]) -> list[str]:
        """Return a name for each place, always the same while version, masks and row filters are; it tells nothing."""
        bound = self._binding((), None)
        return [self._tools.tokens.seal([f"{place:019d}"], bound, same=True) for place in places]

    def place_of(self, name: str) -> int | None:
        """Return the place that a name was given to; None where it is none of this version as this reader sees it."""
        with suppress(Invalid):
            (place,) = self._tools.tokens.open(name, self._binding((), None))
            return int(place)
        return None

    if TYPE_CHECKING:

        def _parts(self, scan: Scan) -> Sequence[int]: ...
        def _binding(self, filters: Sequence[Filter], sort: Sort | None) -> str: ...
        def _hand_over(self, rows: pa.Table) -> None: ...


def _at(places: npt.NDArray[np.int64]) -> exp.Expr:
    """Return the condition that a row stands at one of the places, or between the first and the last where they are dense."""
    from sqlglot import exp

    place = exp.Add(
        this=exp.Mul(this=column_ref(PART), expression=exp.Literal.number(FILE_ROWS)), expression=column_ref(AT)
    )
    first, last = int(places[0]), int(places[-1])
    if last - first < _SPARSE * len(places):
        low = exp.GTE(this=place, expression=exp.Literal.number(first))
        return exp.and_(low, exp.LTE(this=place.copy(), expression=exp.Literal.number(last)))
    numbers: list[Any] = [exp.Literal.number(int(one)) for one in places]
    return exp.In(this=place, expressions=numbers)
