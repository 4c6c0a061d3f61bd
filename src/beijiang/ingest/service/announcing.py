"""Readings told to those who listen as soon as their segment is closed, and not only when a batch gets to them.

A closed segment is on disk and will be in the table; its number is what listeners remember. The batch tells them again, and
they know by the number. Segments are told without a gap or not at all, so that nobody takes a later one for all before it.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from beijiang.ingest.models import ArrivedBatch, Segment
from beijiang.ingest.service.segments import Reader
from beijiang.ingest.store.streams import StreamStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.ingest.connectors.stream_options import StreamOptions
    from beijiang.ingest.models import BatchWatch, Stream
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.ingest.store.spool import Spool

__all__ = ["Announcer"]

log = logging.getLogger(__name__)

_ASK_EVERY: Final = 2.0
_AT_ONCE: Final = 64


class _Spooled:
    """The closed files of a spool in the place of the landing: a segment goes by its number."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files

    def path(self, name: str, /) -> Path:
        return self._files[name]


class Announcer:
    """Tell the listeners of one stream."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._asked_at = 0.0
        self._heard: int | None = None

    def look(self, stream: Stream, options: StreamOptions, spool: Spool) -> None:
        """Tell of segments that were closed since; what cannot be told now the batch will tell."""
        if not self._ingest.watches or (self._heard is None and time.monotonic() - self._asked_at < _ASK_EVERY):
            return
        try:
            for watch in self._ingest.watches:
                self._tell(watch, stream, options, spool)
        except FileNotFoundError:
            return  # a batch has landed it meanwhile, and tells of it
        except Exception:  # receiving goes on whatever becomes of those who listen; the batch tells them again
            log.exception("telling of the readings of stream %s failed; its batch will tell of them", stream.id)

    def _tell(self, watch: BatchWatch, stream: Stream, options: StreamOptions, spool: Spool) -> None:
        closed = spool.closed()[:_AT_ONCE]
        if self._heard is not None and not any(seq > self._heard for seq, _ in closed):
            return
        self._asked_at = time.monotonic()
        self._heard = watch.heard(stream.id)
        if self._heard is None:
            return
        heard = self._heard
        with self._ingest.db.read() as connection:
            landed = StreamStore(connection).segments(stream.id, heard, _AT_ONCE)
        # What a batch has landed it has removed from the spool; what is in neither is not closed yet, for landing is noted first.
        kept = {seq: path for seq, path in closed if seq > heard}
        kept |= {one.seq: self._ingest.landing.path(one.sha256) for one in landed}
        new = sorted(kept.items())[:_AT_ONCE]
        if not new:
            return
        reader = Reader(_Spooled({str(seq): path for seq, path in new}), stream.name, stream.key, options)
        typed = {seq: _typed(reader, seq, path) for seq, path in new}
        last = new[-1][0]
        watch.hear(
            ArrivedBatch(
                stream_id=stream.id, table=stream.table, last=last, rows=lambda c, after: _rows(typed, c, after)
            )
        )
        self._heard = last


def _typed(reader: Reader, seq: int, path: Path) -> list[pa.RecordBatch]:
    plan = reader.plan([Segment(seq, str(seq), 0, path.stat().st_size)])
    return [batch.rows for _, batch, _ in reader.typed(plan.sources[0])]


def _rows(typed: dict[int, list[pa.RecordBatch]], columns: Sequence[str], after: int) -> pa.Table:
    found = [batch.select(list(columns)) for seq, batches in typed.items() if seq > after for batch in batches]
    return pa.Table.from_batches(found) if found else pa.table({name: pa.array([], pa.null()) for name in columns})
