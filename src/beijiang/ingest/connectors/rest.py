"""Web services that answer JSON: pages of rows, by any of the usual ways of paging and of showing who asks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any, ClassVar, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from beijiang.ingest.connectors import rest_troubles as troubles
from beijiang.ingest.connectors.contract import (
    Connector,
    ConnectorOptions,
    Feed,
    FeedColumn,
    Position,
    Reading,
    Wanted,
    Window,
)
from beijiang.ingest.connectors.documents import MISSING, find, steps
from beijiang.ingest.connectors.rest_auth import Auth
from beijiang.ingest.connectors.rest_calls import Calls, pages
from beijiang.ingest.connectors.rest_cells import cell, since_text
from beijiang.ingest.connectors.rest_options import Endpoint, RestColumn, RestOptions
from beijiang.ingest.connectors.rows import Bounds, Top
from beijiang.ingest.connectors.sql import is_ordered
from beijiang.ingest.connectors.troubles import feed_missing
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.outbound import Outbound

__all__ = ["Rest", "RestOptions"]

_ROWS: Final = 10_000
_BYTES: Final = 16 * 1024 * 1024
"""Pages are gathered until they come to so many rows or bytes."""


class Rest(Connector):
    """Read lists of rows from a web service."""

    text: ClassVar[Text] = Text("网络接口（REST/JSON）", "Web service (REST, JSON)")
    options_model: ClassVar[type[ConnectorOptions]] = RestOptions
    options: RestOptions

    def __init__(self, options: ConnectorOptions, outbound: Outbound) -> None:
        super().__init__(options, outbound)
        self._auth = Auth(self.options)
        self._members: dict[str, tuple[RestColumn, ...]] = {}

    def discover(self) -> list[Feed]:
        with self._calls() as calls:  # the first answers for all: they share address and account
            next(pages(calls, self.options.base_url, self.options.endpoints[0], {}))
        return [Feed(name=e.name, comment=e.comment, key=e.key) for e in self.options.endpoints]

    def describe(self, name: str) -> Feed:
        endpoint = self._endpoint(name)
        columns = endpoint.columns or self._found(endpoint)
        described = tuple(
            FeedColumn(c.spec, "json" if not endpoint.columns else c.type.value, c.comment, is_ordered(c.spec))
            for c in columns
        )
        return Feed(name=endpoint.name, comment=endpoint.comment, columns=described, key=endpoint.key)

    @contextmanager
    def open(self, wanted: Wanted) -> Iterator[Reading]:
        endpoint = self._endpoint(wanted.feed.name)
        columns = endpoint.columns or self._members.get(endpoint.name) or self._found(endpoint)
        spool = _Spool()
        try:
            with self._calls() as calls:
                yield _Look(_Service(calls, self.options, endpoint, columns), wanted, spool)
        finally:
            if spool.file is not None:
                spool.file.close()

    def _calls(self) -> Calls:
        return Calls(self.options, self.outbound, self._auth)

    def _endpoint(self, name: str) -> Endpoint:
        found = next((e for e in self.options.endpoints if e.name == name), None)
        if found is None:
            raise feed_missing(name)
        return found

    def _found(self, endpoint: Endpoint) -> tuple[RestColumn, ...]:
        """Return the members of the first page's rows, as text: a type guessed from a page would not hold for all."""
        with self._calls() as calls:
            rows = next(pages(calls, self.options.base_url, endpoint, {})).rows
        names = dict.fromkeys(str(name) for row in rows if isinstance(row, dict) for name in row if name)
        if not names:
            raise troubles.columns_unknown(endpoint.name)
        found = tuple(RestColumn(name=name, path=_pointer(name), optional=True) for name in names)
        self._members[endpoint.name] = found
        return found


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


@dataclass(frozen=True, slots=True)
class _Service:
    """One end-point that can be asked, and what its rows hold."""

    calls: Calls
    options: RestOptions
    endpoint: Endpoint
    columns: tuple[RestColumn, ...]


@dataclass(slots=True)
class _Spool:
    """The rows of the pass that found the position, until they are read; in a file without a name."""

    file: IO[bytes] | None = None
    top: Position = None
    looked: bool = False


class _Look(Reading):
    """One look at an end-point; each pass asks the service anew, so nothing makes two of them equal but comparison."""

    consistent = False

    def __init__(self, service: _Service, wanted: Wanted, spool: _Spool) -> None:
        self._service = service
        self._wanted = wanted
        self._spool = spool
        self._zone = ZoneInfo(service.options.time_zone)
        self.schema = pa.schema([pa.field(c.name, pa.string()) for c in wanted.feed.columns])

    def position(self) -> Position:
        """Return the highest cursor: the service cannot be asked for it, so the rows are read now and kept for ``batches``."""
        window, spool = self._wanted.window, self._spool
        if window is None:
            return None
        if not spool.looked:
            spool.file = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the look
            top = Top(window, self._wanted.feed)
            with pa.ipc.new_stream(spool.file, self.schema) as writer:
                for batch in self._asked(self._wanted.feed, window):
                    top.see(batch.column(window.column).to_pylist())
                    writer.write_batch(batch)
            spool.top, spool.looked = top.text, True
        return spool.top

    def until(self, end: Position) -> Reading:
        window = self._wanted.window
        bounded = self._wanted if window is None else replace(self._wanted, window=replace(window, end=end))
        return _Look(self._service, bounded, self._spool)

    def batches(self) -> Iterator[pa.RecordBatch]:
        spooled, self._spool.file = self._spool.file, None
        if spooled is None:
            yield from self._asked(self._wanted.feed, self._wanted.window)
            return
        with spooled:
            spooled.seek(0)
            with pa.ipc.open_stream(spooled) as reader:
                yield from reader

    def keys(self) -> Iterator[pa.RecordBatch]:
        return self._asked(self._wanted.feed.only(self._wanted.key), None, self._wanted.key)

    def _asked(self, feed: Feed, window: Window | None, order: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """Read all pages, and yield the rows of a window.

        Raises:
            Conflict: rows have members beyond the discovered columns, or a declared column is in none of them.

        """
        service = self._service
        names = [*order] or [c.name for c in feed.columns]
        declared = {c.name: c for c in service.columns}
        taken = [(declared[n], steps(declared[n].path) or (n,)) for n in names]
        strict = None if service.endpoint.columns or len(names) < len(declared) else set(declared)
        bounds = Bounds(window, feed)
        at = names.index(bounds.column) if bounds.column else 0
        absent = {c.name for c, _ in taken if not c.optional}
        cells: list[list[str | None]] = [[] for _ in names]
        size = seen = 0
        for page in pages(service.calls, service.options.base_url, service.endpoint, self._query(window, feed)):
            for row in page.rows:
                seen += 1
                if strict is not None:
                    _check_members(row, strict)
                values = [find(row, path) for _, path in taken]
                if absent:
                    absent -= {c.name for (c, _), v in zip(taken, values, strict=True) if v is not MISSING}
                texts = [cell(v, c, self._zone) for (c, _), v in zip(taken, values, strict=True)]
                if bounds.admit(texts[at]):
                    for column, text in zip(cells, texts, strict=True):
                        column.append(text)
            size += page.size
            if len(cells[0]) >= _ROWS or size >= _BYTES:
                yield _batch(cells, names)
                cells, size = [[] for _ in names], 0
        if seen and absent:
            raise troubles.columns_absent(sorted(absent))
        if cells[0]:
            yield _batch(cells, names)

    def _query(self, window: Window | None, feed: Feed) -> dict[str, str]:
        parameter = self._service.endpoint.since
        column = feed.column(window.column) if window is not None else None
        if window is None or window.start is None or column is None or not parameter:
            return {}
        wanted = self._service.endpoint.since_format
        return {parameter: since_text(str(window.start), column.spec, wanted, self._zone)}


def _batch(cells: list[list[str | None]], names: Sequence[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in cells], names=[*names])


def _check_members(row: Any, known: set[str]) -> None:
    if isinstance(row, dict) and not row.keys() <= known:
        raise troubles.columns_new(sorted(str(name) for name in row.keys() - known))
