"""What a governed table gives for a copy that stays in the platform and is handed out piece by piece: Delta Sharing.

A part of ``Governed``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.protection.service.changing import Changing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from beijiang.engine import Scan
    from beijiang.engine.port import View

__all__ = ["CHANGE", "Keeping"]

CHANGE: Final = "_change_type"
_ALIAS: Final = "governed"
_AFTER, _BEFORE = "after", "before"


class Keeping(Changing):
    """Rows and differences for a copy; what leaves of it is counted when it leaves."""

    _receipt: str

    def schema(self) -> pa.Schema:
        """Return the types of the rows as they are shown; no row is read."""
        names = list(self._types)
        return self._fetch(self._selection(names, ()).limit(0, copy=False), self._view(names, ())).schema

    def copy(self) -> Iterator[pa.RecordBatch]:
        """Stream all rows for a copy that stays in the platform, checked as ``batches`` checks; ``take`` counts what leaves.

        Raises:
            Denied: the right ended while the stream ran (``access_ended``).

        """
        names = list(self._types)
        return self._checked(self._selection(names, ()), {_ALIAS: self._view(names, ())})

    def differences(self, before: Keeping | None) -> Iterator[pa.RecordBatch]:
        """Stream what this version shows and ``before`` did not as inserts, the reverse as deletes; for a copy, as ``copy``.

        A row that enters what the reader may see is an insert, one that leaves it a delete, whatever was done to it.

        Raises:
            Denied: the right ended while the stream ran (``access_ended``).

        """
        query, scan = self.governed_query(_AFTER)
        if before is None:
            return self._checked(_told(query, "insert"), {_AFTER: scan})
        older, its_scan = before.governed_query(_BEFORE)
        come = exp.Except(this=query, expression=older, distinct=False)
        gone = exp.Except(this=older.copy(), expression=query.copy(), distinct=False)
        both = exp.Union(this=_told(gone, "delete"), expression=_told(come, "insert"), distinct=False)
        return self._checked(both, {_AFTER: scan, _BEFORE: its_scan})

    def take(self, rows: int) -> None:
        """Count rows of a copy against the quota of the grant, before they are handed over.

        Raises:
            Throttled: the grant does not cover so many rows today.

        """
        if self._take_rows is not None:
            self._take_rows(rows)

    def done(self, rows: int, size: int) -> None:
        """Add to the receipt what was handed over of a copy."""
        self._tools.evidence.close_read(self._receipt, rows, size)

    if TYPE_CHECKING:

        def governed_query(self, physical: str) -> tuple[exp.Query, Scan]: ...
        def _checked(self, query: exp.Query, scans: Mapping[str, View | Scan]) -> Iterator[pa.RecordBatch]: ...


def _told(query: exp.Query, change: str) -> exp.Select:
    """Return the rows of a query with a column that says what happened to them."""
    word = exp.alias_(exp.Literal.string(change), CHANGE, quoted=True)
    return exp.select(exp.Star(), word, copy=False).from_(query.subquery("changed", copy=False), copy=False)
