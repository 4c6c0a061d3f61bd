"""Answers that leave as a stream: the walls, masks and child of the gateway, and nothing of the answer is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from beijiang.engine import QueryLimits
from beijiang.kit import BeijiangError, Refused, TooLarge
from beijiang.protection.models.rechecks import Recheck
from beijiang.protection.models.results import AnswerColumn, export_rows, label, labelled
from beijiang.protection.models.types import type_word

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.engine import Engine, Streamed
    from beijiang.kit import Actor, Clock
    from beijiang.protection.models.governing import QueryOrder
    from beijiang.protection.models.parameters import Spoken
    from beijiang.protection.models.results import QueryLineage
    from beijiang.protection.service.binding import Binder, Bound
    from beijiang.protection.service.governor import Governor, Ticket
    from beijiang.settings import Settings

__all__ = ["SqlStream", "Streaming"]

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlStream:
    """An answer on its way; whoever does not read it to its end closes ``batches``."""

    id: str
    schema: pa.Schema
    receipt: str
    shown: tuple[AnswerColumn, ...]
    batches: Generator[pa.RecordBatch, None, None]
    note_sent: Callable[[str, int], None] = field(repr=False, compare=False)
    """Adds to the receipts the SHA-256 of the whole answer as it was sent, and how many bytes it had."""

    @property
    def grade(self) -> str:
        """Return the highest grade of what the answer is made of."""
        return label(self.shown)

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Return the columns of the answer that rest on values that are being looked into."""
        return tuple(one.name for one in self.shown if one.in_doubt)


class Streaming:
    """Runs bound queries in children that hand their rows over in parts. For the gateway alone, which asks for access."""

    def __init__(self, engine: Engine, binder: Binder, governor: Governor, settings: Settings, clock: Clock) -> None:
        self._engine = engine
        self._binder = binder
        self._governor = governor
        self._settings = settings
        self._clock = clock

    def shape(self, bound: Bound, ticket: Ticket) -> pa.Schema:
        """Return the columns of an answer; the query is planned, and gives no row."""
        limits = QueryLimits(seconds=self._settings.query_seconds, memory_mb=self._settings.query_memory_mb, rows=-1)
        with ticket.turn():
            return self._engine.run_untrusted(bound.tree, bound.scans, limits, ticket.stop).schema

    def begin(
        self,
        actor: Actor,
        sql: str,
        purpose: str,
        order: QueryOrder,
        spoken: Spoken,
        lineage_of: Callable[[Bound], QueryLineage | None],
    ) -> SqlStream:
        """Return the answer once its first part is there; it is admitted, has a place and is under way then."""
        parts = self._parts(actor, sql, purpose, order, spoken, lineage_of)
        head = next(parts)
        if not isinstance(head, _Head):
            raise TypeError
        return SqlStream(
            id=head.id,
            schema=head.schema,
            receipt=head.receipt,
            shown=head.shown,
            batches=parts,
            note_sent=partial(self._binder.sent, head.bound, sql),
        )

    def _parts(
        self,
        actor: Actor,
        sql: str,
        purpose: str,
        order: QueryOrder,
        spoken: Spoken,
        lineage_of: Callable[[Bound], QueryLineage | None],
    ) -> Generator[_Head | pa.RecordBatch, None, None]:
        with self._governor.admit(actor, order) as ticket:
            bound = self._binder.bind(actor, sql, purpose, order.exit, spoken)
            sent = _Sent()
            try:
                yield from self._governed(bound, ticket, lineage_of(bound), sent)
            except BeijiangError as error:
                if error.reason == "query_failed":
                    ticket.note_failure()
                raise
            finally:
                self._binder.close(bound, sent.rows, sent.bytes)
                for governed in bound.reads:
                    governed.take_after(sent.rows)

    def _governed(
        self, bound: Bound, ticket: Ticket, lineage: QueryLineage | None, sent: _Sent
    ) -> Generator[_Head | pa.RecordBatch, None, None]:
        decided = time.monotonic()
        most = self._most(bound, lineage)
        limits = QueryLimits(
            seconds=self._settings.flight_seconds,
            memory_mb=self._settings.query_memory_mb,
            rows=most,
            bytes=self._settings.flight_mb * MIB,
            pause=self._settings.flight_pause_seconds,
        )
        for governed in bound.reads:
            governed.take_ahead()
        with ticket.turn():
            streamed = self._engine.stream_untrusted(bound.tree, bound.scans, limits, ticket.stop)
            with closing(streamed.batches):
                with ticket.rest():
                    yield self._head(bound, ticket, streamed, lineage)
                yield from _checked(bound, ticket, streamed, most, sent, decided)

    def _head(self, bound: Bound, ticket: Ticket, streamed: Streamed, lineage: QueryLineage | None) -> _Head:
        types = {field.name: type_word(field) for field in streamed.schema}
        origins = None if lineage is None else lineage.of(list(types))
        return _Head(ticket.id, streamed.schema, bound.receipt, labelled(origins, types, bound.columns), bound)

    def _most(self, bound: Bound, lineage: QueryLineage | None) -> int:
        """Return how many rows may leave: as many as in a file, and of what may be in no file those of a page of SQL."""
        origins = None if lineage is None else lineage.columns
        grade = label(labelled(origins, dict.fromkeys(origins or ("",), ""), bound.columns))
        most = self._settings.flight_rows
        try:
            return export_rows(grade, self._clock.now().date(), most)
        except Refused:
            return min(most, self._settings.query_rows)


@dataclass(frozen=True, slots=True)
class _Head:
    id: str
    schema: pa.Schema
    receipt: str
    shown: tuple[AnswerColumn, ...]
    bound: Bound


@dataclass(slots=True)
class _Sent:
    rows: int = 0
    bytes: int = 0


def _checked(
    bound: Bound, ticket: Ticket, streamed: Streamed, most: int, sent: _Sent, decided: float
) -> Generator[pa.RecordBatch, None, None]:
    """Hand the parts on; the decision is repeated every 5 s or 8 MiB, and others may run while the reader is busy."""
    recheck = Recheck(decided)

    def confirm() -> None:
        for governed in bound.reads:
            governed.confirm()

    for batch in streamed.batches:
        recheck.before(batch.nbytes, confirm)
        if sent.rows + batch.num_rows > most:
            raise _too_many(most)
        for governed in bound.reads:
            governed.check_part(batch)
        sent.rows, sent.bytes = sent.rows + batch.num_rows, sent.bytes + batch.nbytes
        with ticket.rest():
            yield batch


def _too_many(most: int) -> TooLarge:
    return TooLarge(
        f"结果超过 {most} 行，这是此级别的数据一次最多能取的行数，已停止。请增加筛选条件、先汇总，或分批查询。",
        f"The answer has more than {most} rows, which is all that data of this grade may leave with at once, and was stopped. "
        "Narrow it, aggregate first, or fetch it in parts.",
        code="query_too_large",
        detail={"rows": most},
    )
