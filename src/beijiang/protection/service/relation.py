"""One governed read: masked columns, literal row filter and caps, compiled into every query it makes."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from sqlglot import exp

from beijiang.engine import QueryLimits
from beijiang.engine.port import AT, LAKE, PART, View
from beijiang.kit import Denied, Invalid
from beijiang.protection.models.conditions import column_ref, conditions, literal, unknown_column
from beijiang.protection.models.grades import Level
from beijiang.protection.models.marking import scattered
from beijiang.protection.models.output import refuse_identifiers
from beijiang.protection.models.rechecks import Recheck
from beijiang.protection.models.sight import OUTSIDERS, Audience
from beijiang.protection.models.summary import summary_query
from beijiang.protection.service.changing import Tools
from beijiang.protection.service.locating import Locating
from beijiang.protection.service.sifting import Sifting
from beijiang.protection.store.copies import FILE_ROWS
from beijiang.tables import VALID_TO, Aggregate, Filter, FilterOp, GovernedColumn, Page, Sort

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.engine import Scan
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.reference import ExitCaps
    from beijiang.protection.models.sight import Sight
    from beijiang.protection.service.quotas import RowCounter
    from beijiang.tables import Snapshot

__all__ = ["Governed", "Tools", "access_ended"]

SORT_TEXT: Final = 1000
STREAM_SECONDS: Final = 600.0
_ALIAS: Final = "governed"


class Governed(Locating, Sifting):
    """A table as one actor may see it now. Kept for one request only; long streams ask again while they run."""

    def __init__(  # noqa: PLR0913 - made by the gate alone, all named
        self,
        *,
        tools: Tools,
        snapshot: Snapshot,
        sight: Sight,
        columns: tuple[GovernedColumn, ...],
        expressions: Mapping[str, exp.Expr],
        caps: ExitCaps,
        receipt: str,
        still_allowed: Callable[[], bool],
        contract: str = "",
        take_rows: RowCounter | None = None,
    ) -> None:
        self._tools = tools
        self._snapshot = snapshot
        self._sight = sight
        self._digest = sight.digest
        self._columns = columns
        self._expressions = expressions
        self._caps = caps
        self._receipt = receipt
        self._contract = contract
        self._still_allowed = still_allowed
        self._take_rows = take_rows
        self._take_late = None if take_rows is None else take_rows.after
        self._limited = any(one.rows_limited for one in sight.grants)
        self._types = {column.name: column.type for column in columns}
        guarded = [c for c in columns if c.type == "text" and not c.masked]
        self._given_raw = sight.audience is Audience.GRANTED and any(c.grade >= Level.L3 for c in guarded)
        self._text_shown = tuple(c.name for c in guarded if not self._given_raw or c.grade < Level.L3)

    @property
    def table(self) -> str:
        """Return the name of the table."""
        return self._snapshot.table

    @property
    def version(self) -> int:
        """Return the version that is read."""
        return self._snapshot.version

    @property
    def written_at(self) -> datetime:
        """Return when the version was written."""
        return self._snapshot.written_at

    @property
    def rows_stored(self) -> int:
        """Return how many rows the version has before any row filter; for planning, and told to nobody."""
        return self._snapshot.rows

    @property
    def history(self) -> bool:
        """Tell whether rows are states, of which some may have ended (``valid_to``)."""
        return self._snapshot.history

    def of_now(self) -> Self:
        """Return the rows that hold now, of a table that keeps history; the same of any other.

        It is asked of the stored moments, below the masks: a reader may be shown another moment than that, or none.
        """
        if not self.history:
            return self
        now = copy.copy(self)
        now._sight = replace(  # noqa: SLF001 - one of its own kind
            self._sight, row_filters=(*self._sight.row_filters, Filter(VALID_TO, FilterOp.ISNULL))
        )
        now._digest = now._sight.digest  # noqa: SLF001
        return now

    @property
    def columns(self) -> tuple[GovernedColumn, ...]:
        """Return the visible columns in order."""
        return self._columns

    @property
    def withheld(self) -> tuple[str, ...]:
        """Return the columns that exist and are not shown."""
        return self._sight.withheld

    @property
    def receipt(self) -> str:
        """Return the id of the evidence record of this access."""
        return self._receipt

    @property
    def obligations(self) -> str:
        """Return the digest of audience, version, columns, masks and row filter."""
        return self._digest

    @property
    def contract(self) -> str:
        """Return the contract that this delivery is under."""
        return self._contract

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Return the visible columns whose values are being looked into (校核) now."""
        return tuple(column.name for column in self._columns if column.in_doubt)

    @property
    def grant(self) -> str:
        """Return the id of the grant that is read under, empty where there is none."""
        return self._sight.grant.id if self._sight.grant else ""

    @property
    def own_grant(self) -> str:
        """Return the grant of the application that asks for the reader, empty where there is none."""
        return self._sight.own.id if self._sight.own else ""

    @property
    def filtered(self) -> bool:
        """Tell whether a row filter keeps rows back."""
        return bool(self._sight.row_filters)

    def delivered(self, digests: Mapping[str, JsonValue], size: int) -> None:
        """Add to the receipt what was asked and what was sent, when the last byte is out."""
        self._tools.evidence.note_sent(self._receipt, digests, size)

    def page(
        self,
        *,
        filters: Sequence[Filter] = (),
        sort: Sort | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page:
        """Return one page in the order asked for; ties keep the order of the snapshot.

        Raises:
            Invalid: unknown column, unfit value, or a page token of something else (``page_token``).

        """
        if sort is not None and sort.column not in self._types:
            raise unknown_column(sort.column, self._types)
        size = max(1, min(limit, self._caps.page_rows))
        bound, tokens = self._binding(filters, sort), self._tools.tokens
        mark = None if after is None else tokens.open(after, bound)
        found, parts = self._copied(filters, sort, size, mark), self._all_parts
        if found is None and mark is None and not filters:
            found = self._fetch(self._first_page(sort, size))
        elif found is None:
            found, parts = self._later_page(filters, sort, size, mark)
        rows = found.slice(0, size)
        more = found.num_rows > size and self._caps.total_rows is None
        token = self._token(rows, sort, bound, parts) if more else None
        rows = rows.select(list(self._types))
        self._hand_over(rows)
        return Page(rows, token)

    def count(self, filters: Sequence[Filter] = ()) -> int:
        """Return how many rows match; without any filter the snapshot knows it."""
        if not filters and not self._sight.row_filters:
            return self._snapshot.rows
        found = self._matching(filters)
        self._tools.evidence.close_read(self._receipt, 0, 0)
        return found

    def spoken(self) -> Iterator[tuple[str, ...]]:
        """Say every different row in which nothing is missing, each value as text: to be compared, and shown to nobody."""
        names = list(self._types)
        shown = [exp.cast(column_ref(name), "text") for name in names]
        there = [exp.Not(this=exp.Is(this=column_ref(name), expression=exp.null())) for name in names]
        query = self._from(exp.select(*shown, copy=False).distinct(copy=False), ()).where(*there, copy=False)
        scans = {_ALIAS: self._view(names, ())}
        for batch in self._tools.engine.stream(query, scans, QueryLimits(seconds=STREAM_SECONDS)):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
        self._tools.evidence.close_read(self._receipt, 0, 0)

    def aggregate(self, spec: Aggregate) -> pa.Table:
        """Return a grouped summary of masked columns; one that was made of the same version under the same obligations is kept.

        Raises:
            Invalid: unknown column, or a measure or unit that does not fit the type.

        """
        size = min(spec.limit, self._caps.groups)
        query, named = summary_query(spec, self._types, size)
        query = self._from(query, spec.filters)  # which knows the columns of filters, before they are looked up
        view = self._view(named, spec.filters)
        answer = self._tools.answers.get((view, size, repr(spec)), lambda: self._fetch(query, view))
        self._hand_over(answer)
        return answer

    def rows_at(self, places: Sequence[tuple[int, int]]) -> pa.Table:
        """Return the rows at some places of the version (as of ``Measures.places``), as far as this reader may see them.

        A row that a filter keeps back stays away. At most as many as a page of the exit has.
        """
        names = list(self._types)
        wanted = [exp.Literal.number(part * FILE_ROWS + at) for part, at in places[: self._caps.page_rows]]
        here = exp.In(this=_place(), expressions=wanted) if wanted else exp.false()
        query = self._selection(names, (), position=True).where(here, copy=False)
        view = self._view(names, (), self._scan(names, (), position=True))
        rows = self._fetch(query, view).select(names)
        self._hand_over(rows)
        return rows

    def batches(
        self,
        filters: Sequence[Filter] = (),
        columns: Sequence[str] | None = None,
        *,
        seed: bytes | None = None,
        places: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """Stream all matching rows; the decision is repeated every 5 s or 8 MiB and ends the stream when it changes.

        With ``seed`` rows stand in the order of that mark; with ``places`` each has its file's number and its own beside it.

        Raises:
            Denied: the right ended while the stream ran (``access_ended``).
            Throttled: the grant does not cover so many rows today; said before the first one.

        """
        names = list(self._types) if columns is None else list(columns)
        for name in names:
            if name not in self._types:
                raise unknown_column(name, self._types)
        marked = seed is not None or places
        query = self._selection(names, filters, position=marked)
        needed = dict.fromkeys([*names, *(f.column for f in filters)])
        scan = self._scan([*needed], filters, position=marked)
        if self._caps.total_rows is not None:
            query = query.limit(self._caps.total_rows, copy=False)
        if self._take_rows is not None:
            most = self._caps.total_rows
            found = self._matching(filters)
            self._take_rows(found if most is None else min(found, most))
        stream = self._stream(query, self._view(names, filters, scan))
        return stream if seed is None else scattered(stream, seed, self._parts(scan))

    def governed_query(self, physical: str) -> tuple[exp.Query, Scan]:
        """Return the masked relation over ``lake.<physical>`` and its files, for substitution into a user's query."""
        names = list(self._types)
        return self._base(names, physical), self._scan(names, ())

    def governed_part(self, names: Sequence[str], physical: str) -> View:
        """Return the masked relation of some columns over ``lake.<physical>``, made once for all readers to whom it is the same."""
        scan, shot = self._scan(names, ()), self._snapshot
        key = (shot.table_id, shot.delta_version, self._digest, tuple(names), scan.files, physical)
        return self._tools.views.get(key, lambda: View(self._base(names, physical), {physical: scan}))

    def confirm(self) -> None:
        """Return if the decision would be the same now.

        Raises:
            Denied: the right ended or changed meanwhile (``access_ended``); added to the receipt.

        """
        if not self._still_allowed():
            ended = access_ended()
            self.refused(ended.reason)
            raise ended

    def refused(self, reason: str) -> None:
        """Add to the receipt that the access was refused after all, or not gone on with."""
        self._tools.evidence.refuse_read(self._receipt, reason)

    def check_output(self, answer: pa.Table) -> None:
        """Refuse an answer in which a checksum-valid identity number stands (security.md 2.1 step 7); count its rows.

        Under a quota of rows it costs those that it was made of: a single row of an answer can hold a whole table.

        Raises:
            Denied: it stands there, and no grant gives such a column as it is.
            Throttled: the grant does not cover so many rows today.

        """
        self.check_part(answer)
        if self._take_rows is not None:
            self._take_rows(self._matching(()) if self._limited else answer.num_rows)

    def check_part(self, part: pa.Table | pa.RecordBatch) -> None:
        """Refuse part of an answer as ``check_output`` does; its rows are counted by ``take_ahead`` and ``take_after``."""
        if self._sight.audience in OUTSIDERS and not self._given_raw:
            refuse_identifiers(part, part.schema.names)

    def take_ahead(self) -> None:
        """Take from a quota of rows what an answer costs that comes in parts; said before the first one.

        Raises:
            Throttled: the grant does not cover so many rows today.

        """
        if self._take_rows is not None and self._limited:
            self._take_rows(self._matching(()))

    def take_after(self, rows: int) -> None:
        """Note how many rows were handed over where no quota counted them ahead; a grant that ended is no matter now."""
        if self._take_late is not None and not self._limited:
            self._take_late(rows)

    def _matching(self, filters: Sequence[Filter]) -> int:
        named = list(dict.fromkeys(f.column for f in filters))
        query = self._from(exp.select(exp.alias_(exp.Count(this=exp.Star()), "n"), copy=False), filters)
        found: int = self._fetch(query, self._view(named, filters)).column(0)[0].as_py()
        return found

    def _first_page(self, sort: Sort | None, size: int) -> View:
        """Return the whole query of a first page; there is nothing of a reader's own in it but column and size."""
        names = list(self._types)
        view = self._view(names, (), self._scan(names, (), position=True))

        def make() -> View:
            query = self._ordered(self._selection(names, (), position=True), sort)
            return View(query.limit(size + 1, copy=False), {_ALIAS: view})

        return self._tools.views.get((view, sort, size), make)

    def _later_page(
        self, filters: Sequence[Filter], sort: Sort | None, size: int, after: Sequence[Any] | None
    ) -> tuple[pa.Table, Sequence[int]]:
        """Return the rows of a page that is filtered or follows another, and which files of the version were read."""
        query = self._selection(list(self._types), filters, position=True)
        scan = self._scan(list(self._types), filters, position=True)
        parts = self._parts(scan)
        if after is not None:
            value, part, at = after
            here = bisect_left(parts, int(part))
            at = int(at) if here < len(parts) and parts[here] == int(part) else -1
            if sort is None:
                # The scan keeps the order of files and rows, so whole files in front need not be read again.
                scan, parts, here = replace(scan, files=scan.files[here:]), parts[here:], 0
            query = query.where(self._beyond(value, here, at, sort), copy=False)
        query = self._ordered(query, sort).limit(size + 1, copy=False)
        return self._fetch(query, self._view(list(self._types), filters, scan)), parts

    @property
    def _all_parts(self) -> Sequence[int]:
        return range(len(self._snapshot.files))

    def _parts(self, scan: Scan) -> Sequence[int]:
        """Return the places of a scan's files among those of the version: marks name these, whatever a filter left out."""
        if len(scan.files) == len(self._snapshot.files):
            return self._all_parts
        places = {name: place for place, name in enumerate(self._snapshot.files)}
        return [places[name] for name in scan.files]

    def _stream(self, query: exp.Query, view: View | Mapping[str, View]) -> Iterator[pa.RecordBatch]:
        rows = size = 0
        try:
            for batch in self._checked(query, {_ALIAS: view} if isinstance(view, View) else view):
                rows, size = rows + batch.num_rows, size + batch.nbytes
                yield batch
        finally:
            self._tools.evidence.close_read(self._receipt, rows, size)

    def _checked(self, query: exp.Query, scans: Mapping[str, View | Scan]) -> Iterator[pa.RecordBatch]:
        """Stream rows, asking again whether they may be had, and looking for what must not leave."""
        recheck = Recheck()
        for batch in self._tools.engine.stream(query, scans, QueryLimits(seconds=STREAM_SECONDS)):
            recheck.before(batch.nbytes, self.confirm)
            self._classify(batch)
            yield batch

    def _classify(self, rows: pa.Table | pa.RecordBatch) -> None:
        if self._sight.audience in OUTSIDERS:
            refuse_identifiers(rows, self._text_shown)

    def _hand_over(self, rows: pa.Table) -> None:
        self._classify(rows)
        if self._take_rows is not None:
            self._take_rows(rows.num_rows)
        self._tools.evidence.close_read(self._receipt, rows.num_rows, rows.nbytes)

    def _fetch(self, query: exp.Query | View, view: View | None = None) -> pa.Table:
        scans = {} if view is None else {_ALIAS: view}
        return self._tools.engine.fetch(query, scans, QueryLimits(seconds=self._tools.seconds))

    def _selection(self, names: Sequence[str], filters: Sequence[Filter], *, position: bool = False) -> exp.Select:
        shown = [column_ref(name) for name in names]
        if position:
            shown += [column_ref(PART), column_ref(AT)]
        return self._from(exp.select(*shown, copy=False), filters)

    def _from(self, query: exp.Select, filters: Sequence[Filter]) -> exp.Select:
        condition = conditions(filters, self._types)
        query = query.from_(exp.table_(exp.to_identifier(_ALIAS), db=LAKE), copy=False)
        return query if condition is None else query.where(condition, copy=False)

    def _view(self, names: Sequence[str], filters: Sequence[Filter], scan: Scan | None = None) -> View:
        """Return the masked relation of these columns and those of the filters; without any value of the reader."""
        needed = tuple(dict.fromkeys([*names, *(f.column for f in filters)]))
        scan = self._scan(needed, filters) if scan is None else scan
        shot = self._snapshot
        key = (shot.table_id, shot.delta_version, self._digest, needed, scan.files, scan.position)
        return self._tools.views.get(
            key, lambda: View(self._base(needed, self.table, position=scan.position), {self.table: scan})
        )

    def _base(self, names: Sequence[str], physical: str, *, position: bool = False) -> exp.Select:
        """Return the masked columns over the filtered rows; nothing of a reader's own stands below the masks."""
        source: exp.Expr = exp.table_(exp.to_identifier(physical, quoted=True), db=LAKE)
        hidden = conditions(self._sight.row_filters, self._raw_types())
        if hidden is not None:
            kept = exp.select("*", copy=False).from_(source, copy=False).where(hidden, copy=False)
            source = kept.subquery("kept", copy=False)
        shown: list[exp.Expr] = [
            exp.alias_(self._expressions[name].copy(), name, quoted=True, copy=False) for name in names
        ]
        if position:
            shown += [column_ref(PART), column_ref(AT)]
        return exp.select(*(shown or [exp.alias_(exp.Literal.number(1), "one")]), copy=False).from_(source, copy=False)

    def _raw_types(self) -> dict[str, str]:
        from beijiang.protection.models.types import type_word

        return {field.name: type_word(field) for field in self._snapshot.schema}

    def _scan(self, names: Sequence[str], filters: Sequence[Filter], *, position: bool = False) -> Scan:
        wanted = dict.fromkeys([*map(self._stored, names), *(f.column for f in self._sight.row_filters)])
        if not wanted:  # only rows are counted; any column will do
            wanted = dict.fromkeys(self._snapshot.schema.names[:1])
        raw = {c.name for c in self._columns if not c.masked and c.type == "text"}
        prune = [f for f in filters if f.op is FilterOp.EQ and f.column in raw and isinstance(f.value, str)]
        scan = self._tools.lake.scan(self._snapshot, list(wanted), prune)
        return replace(scan, position=True) if position else scan

    def _stored(self, name: str) -> str:
        """Return the stored column behind a shown one: for a mask under a key that of its results."""
        shown = self._expressions[name]
        return shown.name if isinstance(shown, exp.Column) else name

    def _binding(self, filters: Sequence[Filter], sort: Sort | None) -> str:
        spoken = [[f.column, str(f.op), repr(f.value)] for f in filters]
        order = None if sort is None else [sort.column, sort.descending]
        body = json.dumps([self.table, self.version, self._digest, spoken, order], ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()

    def _ordered(self, query: exp.Select, sort: Sort | None) -> exp.Select:
        if sort is None:
            return query
        place: list[exp.Expr] = [exp.Ordered(this=column_ref(name), nulls_first=False) for name in (PART, AT)]
        first = exp.Ordered(this=column_ref(sort.column), desc=sort.descending, nulls_first=False)
        return query.order_by(first, *place, copy=False)

    def _beyond(self, value: Any, part: int, at: int, sort: Sort | None) -> exp.Expr:
        later = exp.GT(this=_place(), expression=exp.Literal.number(part * FILE_ROWS + at))
        if sort is None:
            return later
        column = column_ref(sort.column)
        is_null = exp.Is(this=column.copy(), expression=exp.null())
        if value is None:
            return exp.and_(is_null, later)
        known = self._key(sort, value)
        further = (exp.LT if sort.descending else exp.GT)(this=column.copy(), expression=known)
        same = exp.and_(exp.EQ(this=column.copy(), expression=known.copy()), later)
        return exp.or_(further, same, is_null)

    def _key(self, sort: Sort, value: Any) -> exp.Expr:
        if value in {"nan", "inf", "-inf"} and self._types[sort.column] == "double":
            return exp.cast(exp.Literal.string(value), "DOUBLE")
        return literal(value, self._types[sort.column], Filter(sort.column, FilterOp.EQ, value))

    def _token(self, rows: pa.Table, sort: Sort | None, bound: str, parts: Sequence[int]) -> str:
        last = rows.slice(rows.num_rows - 1).to_pylist()[0]
        value: Any = None if sort is None else last[sort.column]
        if isinstance(value, str) and len(value) > SORT_TEXT:
            raise Invalid(
                f"列“{sort.column if sort else ''}”的内容太长，不能按它翻页排序。请换一列排序。",
                "The values of this column are too long to sort pages by. Sort by another column.",
                code="sort_too_long",
            )
        if isinstance(value, float) and not math.isfinite(value):
            value = str(value)
        elif isinstance(value, date):
            value = value.isoformat()
        elif value is not None and not isinstance(value, str | int | float | bool):
            value = str(value)
        with suppress(TypeError):
            return self._tools.tokens.seal([value, parts[last[PART]], last[AT]], bound)
        raise Invalid("不能按这一列翻页。", "Pages cannot be ordered by this column.", code="sort_type")


def access_ended() -> Denied:
    """Return the error for a right that ended while something was read under it."""
    return Denied(
        "访问权限在传输过程中已改变，传输已停止。",
        "The right to read ended while the data were being sent; the stream was stopped.",
        code="access_ended",
    )


def _place() -> exp.Expr:
    """Return the place of a row as one number; the engine (2.0) breaks on an OR over its own row positions in the scan."""
    start = exp.Mul(this=column_ref(PART), expression=exp.Literal.number(FILE_ROWS))
    return exp.Add(this=start, expression=column_ref(AT))
