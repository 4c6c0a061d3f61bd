"""The SQL gateway: a person's SQL, taken apart, bound to governed relations and run in a limited child (security.md 3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.access import Permission
from beijiang.engine import QueryLimits
from beijiang.engine.port import LAKE, View
from beijiang.kit import BeijiangError, SystemClock
from beijiang.protection.models.governing import QueryClass, QueryOrder, Queued
from beijiang.protection.models.rechecks import SECONDS
from beijiang.protection.models.results import (
    AnswerColumn,
    Described,
    Seen,
    SqlResult,
    export_rows,
    label,
    labelled,
    told,
)
from beijiang.protection.models.types import type_word
from beijiang.protection.models.walls import parameters, parse, place_of, refusal
from beijiang.protection.service.answers import Answers
from beijiang.protection.service.binding import Binder, Bound, LineageOf, named, put_lists
from beijiang.protection.service.governor import Governor, Ticket
from beijiang.protection.service.streaming import SqlStream, Streaming
from beijiang.protection.service.together import ANSWER_BYTES, Together, origins_of
from beijiang.tables import Column, Exit

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.access import Access
    from beijiang.engine import Engine, Scan
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.granting import OwnGrant
    from beijiang.protection.models.parameters import Spoken
    from beijiang.protection.models.results import QueryLineage
    from beijiang.protection.service.gate import Gate
    from beijiang.protection.service.relation import Governed
    from beijiang.protection.service.together import Ready
    from beijiang.settings import Settings
    from beijiang.tables import GovernedColumn, Origin

__all__ = ["Rehearsed", "SqlGateway"]

EXPORT_BYTES: Final = 48 << 20
"""How many bytes an answer may have that leaves as a file."""
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Rows of a trial, and the columns that this reader sees masked or empty in them."""

    rows: pa.Table
    masked: tuple[str, ...]


class SqlGateway:
    """Answer SQL over the tables that a person may use, on masked rows only."""

    def __init__(
        self,
        gate: Gate,
        engine: Engine,
        access: Access,
        evidence: Evidence,
        settings: Settings,
        clock: Clock | None = None,
    ) -> None:
        self._gate = gate
        self._engine = engine
        self._access = access
        self._evidence = evidence
        self._settings = settings
        self._clock = clock or SystemClock()
        self._binder = Binder(gate, access, evidence)
        self._answers: Answers[pa.Table] = Answers(settings.query_cache_mb * MIB)
        self.governor = Governor(settings, self._clock)
        self._together = Together(gate, engine, access, evidence, settings, self._answers)
        self._streaming = Streaming(engine, self._binder, self.governor, settings, self._clock)
        self.lineage_of: LineageOf | None = None
        """Tells columns apart when answers are graded; without it each is as sensitive as all that was read."""

    def run(
        self,
        actor: Actor,
        sql: str,
        purpose: str = "",
        order: QueryOrder | None = None,
        spoken: Spoken | None = None,
    ) -> SqlResult:
        """Run one SELECT; tables go by their names in the catalog. It waits for its turn.

        ``spoken`` holds the values of its parameters (``$1``), which never become text of it.

        Raises:
            Denied: the actor may not use SQL at all, asked before the text is looked at; or the right ended meanwhile.
            Refused: the text is not a query that is allowed, or names a table that is unknown or hidden
                (``sql_not_allowed``), a limit was passed (``query_timeout``, ``query_memory``), or the answer may not
                leave as a file (``export_graded``).
            Invalid: names or types do not fit (``query_unbound``), or it failed while it ran (``query_failed``); no
                value is ever quoted.
            Throttled: too many queries at once, or too many failed ones.
            Unavailable: its turn did not come in time (``query_busy``).
            Conflict: it was stopped (``query_cancelled``).

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        return self._run(actor, sql, purpose, order or QueryOrder(), spoken)

    def run_open(self, actor: Actor, sql: str, purpose: str, order: QueryOrder) -> SqlResult:
        """Run one SELECT over what is open to all, for anybody; offices and grants count for nothing.

        Raises:
            BeijiangError: as ``run`` does.

        """
        self._access.require(actor, Permission.PROTECTION_ROWS_READ_OPEN)
        return self._run(_as_public(actor), sql, purpose, order, None)

    def answer(self, actor: Actor, sql: str, purpose: str, order: QueryOrder, spoken: Spoken) -> SqlResult:
        """Run a query that was reviewed as part of a hosted application, as its reader, at the exit ``app``.

        The text is the application's and never the reader's, who may lack the right to write SQL; of the tables in it he
        sees what he sees everywhere.

        Raises:
            BeijiangError: as ``run`` does.

        """
        found: list[SqlResult | BeijiangError] = []
        self.answer_all(actor, {"": (sql, spoken)}, purpose, order, lambda _, one: found.append(one))
        if isinstance(found[0], BeijiangError):
            raise found[0]
        return found[0]

    def answer_all(
        self, actor: Actor, asked: Mapping[str, tuple[str, Spoken]], purpose: str, order: QueryOrder, ready: Ready
    ) -> None:
        """Answer the queries of one page as ``answer`` does, read in as few scans as they allow.

        ``ready`` is told of each by its name, with its answer or the error that it came to; first those that are kept.

        Raises:
            Throttled, Unavailable: none of them may be asked now, as ``run`` says.
            Conflict: they were stopped (``query_cancelled``).

        """
        self._access.require(actor, Permission.APPS_APP_OPEN)
        order = replace(order, exit=Exit.APP)
        with self.governor.admit(actor, order) as ticket:
            self._together.answer(actor, asked, purpose, ticket, ready, self._lineage, order)

    def describe(
        self, actor: Actor, sql: str, spoken: Spoken, own: Mapping[str, OwnGrant] = MappingProxyType({})
    ) -> Described:
        """Return what a query of a hosted application would read as somebody; it is planned, and no row is read.

        Raises:
            BeijiangError: as ``run`` does; ``query_unbound`` too where a column is withheld from this reader.

        """
        self._access.require(actor, Permission.APPS_APP_OPEN)
        order = QueryOrder(door=QueryClass.API, exit=Exit.APP, own=own)
        with self.governor.admit(actor, order) as ticket:
            bound = self._binder.bind(actor, sql, "", Exit.APP, spoken, sketch=True, order=order)
            try:
                shape = self._streaming.shape(bound, ticket)
            except BeijiangError as error:
                raise self._told(error, bound, sql, ticket) from None
        described = self._described(actor, sql, order, spoken, Exit.APP)
        types = {one.name: str(one.type) for one in shape}
        return replace(
            described, columns=tuple(replace(one, type=types.get(one.name, "")) for one in described.columns)
        )

    def _run(self, actor: Actor, sql: str, purpose: str, order: QueryOrder, spoken: Spoken | None) -> SqlResult:
        with self.governor.admit(actor, order) as ticket:
            bound = self._binder.bind(actor, sql, purpose, order.exit, spoken, order=order)
            decided = time.monotonic()
            try:
                answer, shown, origins, cached = self._answered(bound, order, ticket)
                if time.monotonic() - decided > SECONDS:
                    for governed in bound.reads:
                        governed.confirm()
            except BeijiangError as error:
                self._binder.close(bound, 0, 0)
                raise self._told(error, bound, sql, ticket) from None
            took = time.monotonic() - decided
            handed = self._handed_over(answer, shown, bound, sql, order, cached=cached, seconds=took)
            return replace(handed, origins=origins)

    def shape(self, actor: Actor, sql: str, purpose: str, way_out: Exit, spoken: Spoken) -> pa.Schema:
        """Return the columns of the answer of a query; no row is read, and no access counted.

        Parameters that have no value yet are taken for nothing (NULL).

        Raises:
            BeijiangError: as ``run`` does.

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        given = [*spoken.values, *[None] * (parameters(sql) - len(spoken.values))]
        with self.governor.admit(actor, QueryOrder(door=QueryClass.API, exit=way_out)) as ticket:
            bound = self._binder.bind(actor, sql, purpose, way_out, replace(spoken, values=given), sketch=True)
            try:
                return self._streaming.shape(bound, ticket)
            except BeijiangError as error:
                raise self._told(error, bound, sql, ticket) from None

    def stream(self, actor: Actor, sql: str, purpose: str, order: QueryOrder, spoken: Spoken) -> SqlStream:
        """Run one SELECT whose answer is handed over in parts, in constant memory.

        Every part is looked at, and the decision is repeated every 5 s or 8 MiB. The query holds its place among others
        only while a part is made. What is over the limit of rows or bytes is an error and no shorter answer.

        Raises:
            BeijiangError: as ``run`` does, here or from the iterator; ``access_ended`` when the right ended meanwhile,
                ``query_too_large`` over the limits.

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        return self._streaming.begin(
            actor, sql, purpose, order, spoken, lambda bound: self._lineage(bound.written, bound.columns)
        )

    def rehearse(
        self,
        actor: Actor,
        tables: Sequence[str],
        build: Callable[[Mapping[str, Sequence[Column]]], exp.Query],
        purpose: str,
        rows: int,
    ) -> Rehearsed:
        """Answer a query of the platform's own making on what the actor may see of some tables, at the exit ``preview``.

        ``build`` gets the columns of each table as they are shown, masked ones as text and withheld ones empty, and
        returns a query over ``lake.<table>``.

        Raises:
            NotFound: a table is unknown or hidden.

        """
        opened = {name: self._gate.admit(actor, name, purpose, Exit.PREVIEW, None, {}) for name in tables}
        shown = {name: _as_shown(governed) for name, governed in opened.items()}
        queries: dict[str, exp.Query] = {}
        scans: dict[str, Scan | View] = {}
        for name, governed in opened.items():
            relation, scan = governed.governed_query(name)
            missing = [exp.alias_(exp.cast(exp.null(), "VARCHAR"), c, quoted=True) for c in governed.withheld]
            queries[name] = exp.select("*", *missing).from_(relation.subquery("shown")) if missing else relation
            scans[name] = scan
        views: dict[str, Scan | View] = {name: View(query, scans) for name, query in queries.items()}
        limits = QueryLimits(seconds=self._settings.query_seconds, rows=rows)
        answer = self._engine.fetch(build(shown), views, limits)
        kept = answer.slice(0, rows)
        for governed in opened.values():
            governed.check_output(kept)
            self._evidence.close_read(governed.receipt, kept.num_rows, kept.nbytes)
        masked = tuple(c.name for governed in opened.values() for c in governed.columns if c.masked)
        return Rehearsed(kept, (*masked, *(c for governed in opened.values() for c in governed.withheld)))

    def bound(self, sql: str) -> tuple[exp.Query, tuple[str, ...]]:
        """Return the tree of a person's query with its tables as ``lake.<table>``, and their names; nothing is run.

        Raises:
            Refused: the text is not a query that is allowed (``sql_not_allowed``).

        """
        tree = parse(sql)
        places, stored = self._binder.spelled(tree, sql)
        for place in places:
            alias = place.args.get("alias") or exp.TableAlias(this=exp.to_identifier(place.name, quoted=True))
            table = exp.table_(exp.to_identifier(stored[place.name], quoted=True), db=LAKE)
            table.set("alias", alias)
            if place.args.get("joins"):
                table.set("joins", place.args["joins"])
            place.replace(table)
        return tree, tuple(dict.fromkeys(stored.values()))

    def explain(
        self, actor: Actor, sql: str, order: QueryOrder | None = None, spoken: Spoken | None = None
    ) -> Described:
        """Return what a query would read and what would come of it, without reading a row.

        Raises:
            Refused: as ``run`` does.

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        return self._described(actor, sql, order or QueryOrder(), spoken, None)

    def explain_open(self, actor: Actor, sql: str, order: QueryOrder) -> Described:
        """Return what a query over what is open to all would read, without reading a row.

        Raises:
            Refused: as ``run`` does.

        """
        self._access.require(actor, Permission.PROTECTION_ROWS_READ_OPEN)
        return self._described(_as_public(actor), sql, order, None, order.exit)

    def _described(
        self, actor: Actor, sql: str, order: QueryOrder, spoken: Spoken | None, way_out: Exit | None
    ) -> Described:
        tree = parse(sql) if spoken is None else parse(sql, spoken.literals)
        put_lists(tree, order.listed)
        places, stored = self._binder.spelled(tree, sql, order.names)
        reads: dict[str, Seen] = {}
        for place in places:
            name = stored[place.name]
            seen = reads.get(name) or self._gate.seen(actor, name, way_out, order.own.get(name))
            if seen is None:
                raise refusal(sql, place_of(place))
            reads[name] = seen
        columns = {name: seen.columns for name, seen in reads.items()}
        lineage = self._lineage(named(tree, stored), columns)
        types = dict.fromkeys(lineage.columns, "") if lineage is not None else {}
        shown = labelled(None if lineage is None else lineage.columns, types, columns)
        made_of = origins_of(None if lineage is None else lineage.columns, types, columns)
        origins = frozenset((one.table, one.column) for found in made_of.values() for one in found)
        return Described(tuple(reads.values()), shown, label(shown), origins)

    def queue(self, actor: Actor) -> Sequence[Queued]:
        """Return the queries that have not ended, oldest first: one's own, or everybody's for who keeps the queue."""
        if self._access.allows(actor, Permission.PROTECTION_QUEUE_MANAGE):
            return self.governor.open()
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        return [one for one in self.governor.open() if one.person_id == actor.id]

    def stop(self, actor: Actor, query_id: str) -> bool:
        """End a query of one's own, or anybody's for who keeps the queue; False if none of this id is open here."""
        found = next((one for one in self.queue(actor) if one.id == query_id), None)
        if found is None:
            return False
        detail: dict[str, JsonValue] = {"person": found.person_id, "state": str(found.state)}
        self._evidence.note(actor, "protection.query_stop", target=query_id, detail=detail)
        return self.governor.stop(query_id)

    def _lineage(self, tree: exp.Query, columns: Mapping[str, Sequence[GovernedColumn]]) -> QueryLineage | None:
        if self.lineage_of is None:
            return None
        return self.lineage_of(tree, {name: [one.name for one in found] for name, found in columns.items()})

    def _answered(
        self, bound: Bound, order: QueryOrder, ticket: Ticket
    ) -> tuple[pa.Table, tuple[AnswerColumn, ...], Mapping[str, tuple[Origin, ...]], bool]:
        """Return the answer with the labels and origins of its columns, from those that are kept where the very same was asked before."""
        lineage = self._lineage(bound.written, bound.columns)
        limits = self._limits(order, bound, lineage)

        def make() -> pa.Table:
            with ticket.turn():
                return self._engine.run_untrusted(bound.tree, bound.scans, limits, ticket.stop)

        if order.exit is not Exit.SQL or not bound.timeless:
            rows, cached = make(), False
        else:
            key = (bound.key, self._access.policy, limits.rows, limits.bytes)
            rows, cached = self._answers.get(key, make, ticket.stop)
        types = {field.name: type_word(field) for field in rows.schema}
        origins = None if lineage is None else lineage.of(list(types))
        return rows, labelled(origins, types, bound.columns), origins_of(origins, types, bound.columns), cached

    def _told(self, error: BeijiangError, bound: Bound, sql: str, ticket: Ticket) -> BeijiangError:
        """Return the error for the person; an error of names is told by them, one of values is counted."""
        if error.reason == "query_failed":
            ticket.note_failure()
        return told(error, bound.written, sql, bound.columns)

    def _handed_over(
        self,
        answer: pa.Table,
        shown: tuple[AnswerColumn, ...],
        bound: Bound,
        sql: str,
        order: QueryOrder,
        *,
        cached: bool,
        seconds: float,
    ) -> SqlResult:
        most = order.rows or self._settings.query_rows
        if order.exit is Exit.EXPORT:
            most = export_rows(label(shown), self._clock.now().date(), self._settings.query_export_rows)
        rows = answer.slice(0, most)
        for governed in bound.reads:
            governed.check_output(rows)
        self._binder.close(bound, rows.num_rows, rows.nbytes)
        return SqlResult(
            rows=rows,
            receipt=bound.receipt,
            truncated=answer.num_rows > rows.num_rows,
            shown=shown,
            tables=tuple(bound.columns),
            cached=cached,
            seconds=seconds,
            note_sent=partial(self._binder.sent, bound, sql),
            as_of=min((governed.written_at for governed in bound.reads), default=None),
        )

    def _limits(self, order: QueryOrder, bound: Bound, lineage: QueryLineage | None) -> QueryLimits:
        """Return what a query may use; of an export that may hold nothing not even a row is made."""
        if order.exit is Exit.EXPORT:
            origins = None if lineage is None else lineage.columns
            grade = label(labelled(origins, dict.fromkeys(origins or ("",), ""), bound.columns))
            rows = export_rows(grade, self._clock.now().date(), self._settings.query_export_rows)
            return QueryLimits(
                seconds=self._settings.query_export_seconds,
                memory_mb=self._settings.query_memory_mb,
                rows=rows,
                bytes=EXPORT_BYTES,
            )
        return QueryLimits(
            seconds=order.seconds or self._settings.query_seconds,
            memory_mb=self._settings.query_memory_mb,
            rows=order.rows or self._settings.query_rows,
            bytes=EXPORT_BYTES if order.rows else ANSWER_BYTES,
        )


def _as_public(actor: Actor) -> Actor:
    """Return the reader without office, under the same name."""
    return replace(actor, roles=frozenset(), org_id=None)


def _as_shown(governed: Governed) -> Sequence[Column]:
    """Return the columns of a table as this reader sees them."""
    shown = [Column(column.name, column.type) for column in governed.columns]
    return [*shown, *(Column(name, "text") for name in governed.withheld)]
