"""What a push hands over of one governed table: all of its rows, or what changed since a version, and what it comes to.

A part of ``Governed``. Both versions are seen under the same masks and row filters, those of now; files that stand in both
need not be read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine import QueryLimits
from beijiang.engine.port import LAKE, Scan, View
from beijiang.protection.models.conditions import column_ref
from beijiang.tables import row_tallies

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from sqlglot import exp

    from beijiang.engine import Engine
    from beijiang.evidence import Evidence
    from beijiang.kit import Recent
    from beijiang.protection.models.sight import Sight
    from beijiang.protection.service.copies import CopyShelf
    from beijiang.protection.service.tokens import PageTokens
    from beijiang.tables import GovernedColumn, Lake, Snapshot

__all__ = ["GONE", "Changing", "Tools"]

GONE: Final = "_bj_gone"
"""Tells of a row of changes whether it went; of such a row only the key is handed over."""
_SECONDS: Final = 600.0
_NEW, _OLD = "fresh", "former"


@dataclass(frozen=True, slots=True)
class Tools:
    """What every governed read works with."""

    lake: Lake
    engine: Engine
    evidence: Evidence
    tokens: PageTokens
    seconds: float
    views: Recent[View]
    prints: Recent[str]
    answers: Recent[pa.Table]
    """Summaries, by the relation they are made of (which names version, masks and row filter) and what was asked."""
    copies: CopyShelf | None = None


class Changing:
    """Rows and changes of a governed table, as a push sends them."""

    _tools: Tools
    _snapshot: Snapshot
    _sight: Sight
    _columns: tuple[GovernedColumn, ...]
    _expressions: Mapping[str, exp.Expr]
    _types: dict[str, str]
    _take_rows: Callable[[int], None] | None
    _limited: bool

    @property
    def key(self) -> tuple[str, ...]:
        """Return the key of the table; empty where it has none, or where a part of it is not shown as it is."""
        raw = {column.name for column in self._columns if not column.masked}
        key = self._snapshot.key
        return key if set(key) <= raw else ()

    @property
    def shape(self) -> str:
        """Name columns, types, masks and row filter, whatever the version: changes are told between equal shapes only."""
        columns = [[o.column, o.treatment, o.mask, o.choice.id if o.choice else ""] for o in self._sight.obligations]
        types = [[f.name, str(f.type)] for f in self._snapshot.schema if f.name in self._types]
        filters = [[f.column, f.op, repr(f.value)] for f in self._sight.row_filters]
        body = json.dumps([columns, types, filters, self.key], ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()

    def tells_changes(self, before: int) -> bool:
        """Tell whether what changed since a version can be said row by row."""
        if not self.key or self._has_made_columns():
            return False
        former = self._tools.lake.snapshot(self._snapshot.table, before)
        wanted = {*self._types, *(f.column for f in self._sight.row_filters)}
        return former.key == self._snapshot.key and all(
            name in former.schema.names and former.schema.field(name).type == self._snapshot.schema.field(name).type
            for name in wanted
        )

    def changes(self, before: int) -> Iterator[pa.RecordBatch]:
        """Stream rows that are new or other than in a version, and the keys of those that went (``_bj_gone``).

        Raises:
            Denied: the right ended while the stream ran (``access_ended``).
            Throttled: the grant does not cover so many rows today; said before the first one.

        """
        query, views = self._changed(before)
        if self._limited and self._take_rows is not None:
            self._take_rows(self._count_of(query, views))
            return self._stream(query, views)
        return self._counted(self._stream(query, views))

    def tally(self) -> tuple[int, int]:
        """Return how many rows a reader may see, and the sum of their checksums, whatever their order."""
        from beijiang.tables import MINE

        query = row_tallies([(name, word) for name, word in self._types.items()])
        view = self._view([*self._types], ())
        found = self._tools.engine.fetch(query, {MINE: view}, QueryLimits(seconds=_SECONDS)).to_pylist()
        return sum(int(row["rows"]) for row in found), sum(int(row["checksum"] or 0) for row in found)

    def _has_made_columns(self) -> bool:
        """Tell whether a shown column comes from the files of masks under a key, which are kept for few versions."""
        return any(self._stored(name) != name for name in self._types)

    def _changed(self, before: int) -> tuple[exp.Select, Mapping[str, View]]:
        former = self._tools.lake.snapshot(self._snapshot.table, before)
        names = [*self._types]
        scan = self._scan(names, ())
        old = self._tools.lake.scan(former, [*scan.schema.names])
        both = set(scan.files) & set(old.files)
        views = {
            name: View(
                self._base(names, self._snapshot.table),
                {self._snapshot.table: replace(part, files=tuple(f for f in part.files if f not in both))},
            )
            for name, part in ((_NEW, scan), (_OLD, old))
        }
        return _difference(names, self.key), views

    def _count_of(self, query: exp.Select, views: Mapping[str, View]) -> int:
        from sqlglot import exp

        counted = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(query.copy().subquery("changed"))
        found: int = self._tools.engine.fetch(counted, views, QueryLimits(seconds=_SECONDS)).column(0)[0].as_py()
        return found

    def _counted(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if self._take_rows is not None:
                self._take_rows(batch.num_rows)
            yield batch

    if TYPE_CHECKING:

        def _selection(self, names: Sequence[str], filters: Sequence[Any], *, position: bool = False) -> exp.Select: ...
        def _view(self, names: Sequence[str], filters: Sequence[Any], scan: Scan | None = None) -> View: ...
        def _fetch(self, query: exp.Query | View, view: View | None = None) -> pa.Table: ...
        def _base(self, names: Sequence[str], physical: str, *, position: bool = False) -> exp.Select: ...
        def _scan(self, names: Sequence[str], filters: Sequence[Any], *, position: bool = False) -> Scan: ...
        def _stored(self, name: str) -> str: ...
        def _stream(self, query: exp.Query, view: View | Mapping[str, View]) -> Iterator[pa.RecordBatch]: ...


def _difference(names: Sequence[str], key: Sequence[str]) -> exp.Select:
    """Select rows of the new files that the former ones did not hold just so, then the keys that are in those only."""
    from sqlglot import exp

    def at(alias: str, name: str) -> exp.Column:
        return exp.column(exp.to_identifier(name, quoted=True), table=alias)

    def relation(name: str, alias: str) -> exp.Table:
        return exp.table_(name, db=LAKE, alias=alias)

    def lacks(name: str, same: exp.Expr) -> exp.Expr:
        return exp.not_(exp.Exists(this=exp.select("1").from_(relation(name, "o")).where(same)))

    same_key = [exp.EQ(this=at("n", name), expression=at("o", name)) for name in key]
    others = [name for name in names if name not in key]
    just_so = [exp.NullSafeEQ(this=at("n", name), expression=at("o", name)) for name in others]
    shown = [exp.alias_(at("n", name), name, quoted=True) for name in names]
    new = exp.select(*shown, exp.alias_(exp.false(), GONE)).from_(relation(_NEW, "n"))
    new = new.where(lacks(_OLD, exp.and_(*(one.copy() for one in (*same_key, *just_so)))))
    keys = [exp.alias_(at("n", name) if name in key else exp.null(), name, quoted=True) for name in names]
    gone = exp.select(*keys, exp.alias_(exp.true(), GONE)).from_(relation(_OLD, "n"))
    gone = gone.where(lacks(_NEW, exp.and_(*(one.copy() for one in same_key))))
    both = exp.union(new, gone, distinct=False).subquery("both")
    return exp.select(*(column_ref(name) for name in names), column_ref(GONE)).from_(both)
