"""Queries of one page, asked together: each table is opened once, and what is not kept is read in one scan of its files.

Every query is read, checked and bound as if it came alone. Those that nobody has answered go to the child as one statement: a
materialised relation for each table, with only the columns that any of them can look at, and each query over it as one value.
Where that cannot be had (memory, a name that comes twice, a failing value) they go one by one, and each has its own error.

Readers share an answer where the SQL over their masked relations of just those columns, and the files, are the same.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from beijiang.engine import QueryLimits
from beijiang.engine.port import Scan, View
from beijiang.kit import BeijiangError, NotFound, Recent, new_id
from beijiang.protection.models.needed import Words, chosen, words_of
from beijiang.protection.models.rechecks import SECONDS
from beijiang.protection.models.results import ReadingCost, SqlResult, labelled, told
from beijiang.protection.models.standing import Asked
from beijiang.protection.models.types import type_word
from beijiang.protection.models.walls import governed_tables, parse, place_of, refusal, timeless
from beijiang.protection.service.binding import PLACES_LIMIT, TABLES_LIMIT, named, put
from beijiang.tables import Exit, Origin

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.access import Access
    from beijiang.engine import Engine
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.governing import QueryOrder
    from beijiang.protection.models.granting import OwnGrant
    from beijiang.protection.models.parameters import Spoken
    from beijiang.protection.models.results import QueryLineage
    from beijiang.protection.service.answers import Answers
    from beijiang.protection.service.gate import Gate
    from beijiang.protection.service.governor import Ticket
    from beijiang.protection.service.relation import Governed
    from beijiang.settings import Settings

__all__ = ["ANSWER_BYTES", "Ready", "Together", "origins_of"]

ANSWER_BYTES: Final = 8 << 20
TOGETHER_BYTES: Final = 48 << 20
"""How many bytes one answer, and those of one statement, may have."""
TOGETHER: Final = 24
"""Queries of one statement at most."""
READ: Final = 1024
OWN: Final = "_bj_"
"""How names begin that only the platform makes; a text in which it stands is asked alone."""
NUMBER_BYTES, TEXT_BYTES, ROOM = 8, 24, 0.75
"""What a value takes in memory, and the part of a query's memory in which a relation is kept."""
APART: Final = frozenset({"query_failed", "query_memory", "query_too_large", "query_unbound", "tables_differ"})
"""Errors of one statement after which its queries are asked one by one."""

Ready = Callable[[str, SqlResult | BeijiangError], None]
LineageIn = Callable[[exp.Query, Mapping[str, Sequence[Any]]], "QueryLineage | None"]


@dataclass(frozen=True, eq=False)
class _Read:
    """A query as it was written, with the values of its parameters: read and checked once for everybody."""

    tree: exp.Query
    """Nobody changes it."""
    names: tuple[str, ...]
    """The tables, as they are spelled."""
    words: Words
    timeless: bool
    alone: bool
    digest: str


@dataclass(frozen=True, slots=True)
class _Made:
    """What is kept: an answer, when and in which run it was made."""

    rows: pa.Table
    at: float
    reading: str
    cost: ReadingCost

    @property
    def nbytes(self) -> int:
        return int(self.rows.nbytes)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query and what its reader sees of its tables."""

    text: str
    read: _Read
    stored: Mapping[str, str]
    reads: Mapping[str, Governed]
    """By the stored names of the tables."""
    most: int
    """Rows that are handed over."""

    @property
    def columns(self) -> Mapping[str, Sequence[Any]]:
        return {name: governed.columns for name, governed in self.reads.items()}

    def needs(self, table: str) -> tuple[str, ...]:
        return chosen(self.read.words, [one.name for one in self.reads[table].columns])


@dataclass(slots=True)
class _Page:
    """One asking: whose it is, and what was opened for it."""

    actor: Actor
    purpose: str
    detail: Mapping[str, JsonValue]
    own: Mapping[str, OwnGrant]
    most: int
    opened: dict[str, Governed | None] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    handed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Rows and bytes by receipt."""


class Together:
    """Answer the queries of pages. Who calls has asked for access and was admitted by the governor."""

    def __init__(
        self, gate: Gate, engine: Engine, access: Access, evidence: Evidence, settings: Settings, answers: Answers[Any]
    ) -> None:
        self._gate = gate
        self._engine = engine
        self._access = access
        self._evidence = evidence
        self._settings = settings
        self._answers: Answers[_Made] = answers
        self._known: Recent[_Read] = Recent(READ)
        self._written: Recent[exp.Query] = Recent(READ)
        self._traced: Recent[QueryLineage | None] = Recent(READ)
        self._prints: Recent[str] = Recent(READ)
        self._apart: Recent[bool] = Recent(READ)
        """Statements that could not be had together."""

    def answer(
        self,
        actor: Actor,
        asked: Mapping[str, tuple[str, Spoken]],
        purpose: str,
        ticket: Ticket,
        ready: Ready,
        lineage: LineageIn,
        order: QueryOrder,
    ) -> None:
        """Tell ``ready`` the answer of every query, or its error; see ``SqlGateway.answer_all``."""
        began = time.monotonic()
        digests = sorted({hashlib.sha256(text.encode()).hexdigest() for text, _ in asked.values()})
        detail: Mapping[str, JsonValue] = {"sql_sha256": digests[0] if len(digests) == 1 else [*digests]}
        page = _Page(actor, purpose, detail, order.own, order.rows or self._settings.query_rows)
        bound: dict[str, _Asked] = {}
        for name, (text, spoken) in asked.items():
            try:
                bound[name] = self._bound(page, text, spoken)
            except BeijiangError as error:
                ready(name, error)
        keys = {name: self._key(one) for name, one in bound.items()}

        def hand(name: str, made: _Made | BeijiangError, cached: bool) -> None:
            one = bound[name]
            try:
                if isinstance(made, BeijiangError):
                    raise made
                if time.monotonic() - began > SECONDS:
                    for governed in one.reads.values():
                        governed.confirm()
                found = self._result(page, one, made, lineage)
            except BeijiangError as error:
                ready(name, told(error, self._tree(one), one.text, one.columns))
            else:
                ready(name, replace(found, cached=cached, seconds=time.monotonic() - began))

        try:
            self._answers.get_all(
                keys, lambda names: self._made({n: bound[n] for n in names}, ticket), ticket.stop, hand
            )
        finally:
            for receipt, (rows, size) in page.handed.items():
                self._evidence.close_read(receipt, rows, size)

    # Read and bind

    def _bound(self, page: _Page, text: str, spoken: Spoken) -> _Asked:
        key = (text, tuple((type(value), value) for value in spoken.values))
        read = self._known.get(key, lambda: self._read(text, spoken))
        if len(read.names) > TABLES_LIMIT:
            raise refusal(text)
        reads: dict[str, Governed] = {}
        for name in read.names:
            stored = page.stored.get(name)
            if stored is None:
                stored = page.stored[name] = self._gate.find(name)
            governed = self._opened(page, stored)
            if governed is None:
                raise refusal(text, next(place_of(one) for one in governed_tables(read.tree) if one.name == name))
            reads[stored] = governed
        if not reads:
            self._constant(page)
        return _Asked(text, read, {name: page.stored[name] for name in read.names}, reads, page.most)

    def _read(self, text: str, spoken: Spoken) -> _Read:
        tree = parse(text, spoken.literals, spoken.belongs)
        places = governed_tables(tree)
        if len(places) > PLACES_LIMIT:
            raise refusal(text, place_of(places[PLACES_LIMIT]))
        said = "\0".join([text, *(f"{type(value).__name__} {value!r}" for value in spoken.values)])
        return _Read(
            tree=tree,
            names=tuple(dict.fromkeys(one.name for one in places)),
            words=words_of(tree),
            timeless=timeless(tree),
            alone=OWN in said.casefold(),
            digest=hashlib.sha256(said.encode()).hexdigest(),
        )

    def _opened(self, page: _Page, table: str) -> Governed | None:
        """Open a table once for the whole page; the receipt is durable before any row is read."""
        if table not in page.opened:
            page.opened[table] = None
            with suppress(NotFound):
                asked = Asked(table=table, exit=Exit.APP, purpose=page.purpose, own=page.own.get(table))
                found = self._gate.admit_asked(page.actor, asked, page.detail)
                page.opened[table] = found
                page.handed[found.receipt] = 0, 0
        return page.opened[table]

    def _constant(self, page: _Page) -> None:
        """Record what reads no table, once."""
        if "" not in page.stored:
            page.stored[""] = self._evidence.record_read(
                page.actor,
                exit=str(Exit.APP),
                target="",
                version=None,
                policy=self._access.policy,
                columns=(),
                rows=None,
                grade="L1",
                purpose=page.purpose,
                detail=page.detail,
            )
            page.handed[page.stored[""]] = 0, 0

    def _key(self, one: _Asked) -> str | None:
        """Name everything that the answer depends on; see ``Bound.key``. None for what time decides too."""
        if not one.read.timeless:
            return None
        parts = [one.read.digest, self._access.policy, str(one.most)]
        for spelled, stored in one.stored.items():
            view = one.reads[stored].governed_part(one.needs(stored), _physical(stored))
            parts += [one.reads[stored].own_grant] if one.reads[stored].own_grant else []
            parts += [spelled, stored, self._prints.get(view, partial(_print, view))]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _tree(self, one: _Asked) -> exp.Query:
        """Return the tree with its tables under their stored names."""
        key = (one.read.digest, *one.stored.items())
        return self._written.get(key, lambda: named(one.read.tree, one.stored))

    # Make

    def _made(self, asked: Mapping[str, _Asked], ticket: Ticket) -> Mapping[str, _Made | BeijiangError]:
        """Make answers that nobody has, in one turn."""
        names = [name for name, one in asked.items() if not one.read.alone]
        groups = [names[n : n + TOGETHER] for n in range(0, len(names), TOGETHER)]
        found: dict[str, _Made | BeijiangError] = {}
        with ticket.turn():
            for group in groups:
                if len(group) > 1:
                    found |= self._in_one({name: asked[name] for name in group}, ticket)
            for name, one in asked.items():
                if name not in found:
                    found[name] = self._alone(one, ticket)
        return found

    def _alone(self, one: _Asked, ticket: Ticket) -> _Made | BeijiangError:
        tree = one.read.tree.copy()
        scans: dict[str, Scan] = {}
        views = {
            stored: governed.governed_part(one.needs(stored), _physical(stored))
            for stored, governed in one.reads.items()
        }
        for place in governed_tables(tree):
            stored = one.stored[place.name]
            put(place, views[stored].query.copy())
            scans |= _scans(views[stored])
        began = time.monotonic()
        try:
            rows = self._engine.run_untrusted(tree, scans, self._limits([one]), ticket.stop)
        except BeijiangError as error:
            if error.reason == "query_failed":
                ticket.note_failure()
            return error
        return _Made(rows, time.time(), new_id("read"), _cost(time.monotonic() - began, [one]))

    def _in_one(self, asked: Mapping[str, _Asked], ticket: Ticket) -> Mapping[str, _Made | BeijiangError]:
        """Run queries as one statement; nothing is returned of those that are to be asked one by one."""
        mark = tuple(sorted(one.read.digest for one in asked.values()))
        if self._apart.peek(mark):
            return {}
        tree, scans = self._statement(asked)
        began = time.monotonic()
        try:
            whole = self._engine.run_untrusted(tree, scans, self._limits(list(asked.values())), ticket.stop)
            answers = [_taken_out(whole.column(n)) for n in range(len(asked))]
        except BeijiangError as error:
            if error.reason in APART:
                self._apart.get(mark, lambda: True)
                return {}
            return dict.fromkeys(asked, error)
        at, reading = time.time(), new_id("read")
        cost = _cost(time.monotonic() - began, list(asked.values()))
        found = zip(asked, answers, strict=True)
        return {name: _Made(rows, at, reading, cost) for name, rows in found if rows is not None}

    def _statement(self, asked: Mapping[str, _Asked]) -> tuple[exp.Select, Mapping[str, Scan]]:
        """Return one query with a value for each of several, over relations that are read once."""
        tables: dict[str, Governed] = {}
        needed: dict[str, set[str]] = {}
        for one in asked.values():
            tables |= one.reads
            for stored in one.reads:
                needed.setdefault(stored, set()).update(one.needs(stored))
        scans: dict[str, Scan] = {}
        shared: dict[str, exp.Query] = {}
        kept: list[exp.CTE] = []
        for stored, governed in tables.items():
            columns = [one for one in governed.columns if one.name in needed[stored]]
            view = governed.governed_part([one.name for one in columns], _physical(stored))
            scans |= _scans(view)
            shared[stored] = view.query
            width = sum(TEXT_BYTES if one.type == "text" else NUMBER_BYTES for one in columns)
            if governed.rows_stored * width <= self._settings.query_memory_mb * (1 << 20) * ROOM:
                name = exp.to_identifier(f"{OWN}{_physical(stored)}", quoted=True)
                kept.append(exp.CTE(this=view.query.copy(), alias=exp.TableAlias(this=name), materialized=True))
                shared[stored] = exp.select("*").from_(exp.Table(this=name.copy()), copy=False)
        values = [self._value(place, one, shared) for place, one in enumerate(asked.values())]
        tree = exp.select(*values, copy=False)
        if kept:
            tree.set("with_", exp.With(expressions=kept))
        return tree, scans

    def _value(self, number: int, one: _Asked, shared: Mapping[str, exp.Query]) -> exp.Expr:
        """Return a query as one value, the list of its rows in their order."""
        tree = one.read.tree.copy()
        for place in governed_tables(tree):
            put(place, shared[one.stored[place.name]].copy())
        capped = exp.select("*").from_(tree.subquery("answer", copy=False), copy=False)
        capped = capped.limit(one.most + 1, copy=False)
        row = exp.to_identifier(f"{OWN}row", quoted=True)
        listed = exp.select(exp.Anonymous(this="list", expressions=[exp.Column(this=row)]), copy=False)
        listed = listed.from_(capped.subquery(row.copy(), copy=False), copy=False)
        return exp.alias_(listed.subquery(copy=False), f"{OWN}{number}", quoted=True)

    def _limits(self, asked: Sequence[_Asked]) -> QueryLimits:
        """Return what a reading may use; whoever is given more rows than a page shows is given the room for them."""
        answers = sum(math.ceil(one.most / self._settings.query_rows) for one in asked)
        return QueryLimits(
            seconds=self._settings.query_seconds,
            memory_mb=self._settings.query_memory_mb,
            rows=max(one.most for one in asked),
            bytes=min(TOGETHER_BYTES, ANSWER_BYTES * answers),
        )

    # Hand over

    def _result(self, page: _Page, one: _Asked, made: _Made, lineage: LineageIn) -> SqlResult:
        from datetime import UTC, datetime

        rows = made.rows.slice(0, one.most)
        reads = tuple(one.reads.values())
        for governed in reads:
            governed.check_output(rows)
        columns = one.columns
        seen = (one.read.digest, *((table, *(c.name for c in found)) for table, found in columns.items()))
        traced = self._traced.get(seen, lambda: lineage(self._tree(one), columns))
        types = {field.name: type_word(field) for field in made.rows.schema}
        receipts = [governed.receipt for governed in reads] or [page.stored[""]]
        for receipt in receipts:
            before = page.handed[receipt]
            page.handed[receipt] = before[0] + rows.num_rows, before[1] + rows.nbytes
        return SqlResult(
            rows=rows,
            receipt=receipts[0],
            truncated=made.rows.num_rows > rows.num_rows,
            shown=labelled(None if traced is None else traced.of(list(types)), types, columns),
            tables=tuple(columns),
            cached=True,
            seconds=0.0,
            note_sent=partial(self._note_sent, receipts, one.text),
            origins=origins_of(None if traced is None else traced.of(list(types)), types, columns),
            made_at=datetime.fromtimestamp(made.at, UTC),
            reading=made.reading,
            cost=made.cost,
            as_of=min((governed.written_at for governed in reads), default=None),
        )

    def _note_sent(self, receipts: Sequence[str], text: str, response: str, size: int) -> None:
        said = {"request": hashlib.sha256(text.encode()).hexdigest(), "response": response}
        for receipt in receipts:
            self._evidence.note_sent(receipt, said, size)


def _cost(seconds: float, asked: Sequence[_Asked]) -> ReadingCost:
    tables = {name: governed.rows_stored for one in asked for name, governed in one.reads.items()}
    return ReadingCost(seconds, sum(tables.values()), len(asked))


def origins_of(
    traced: Mapping[str, Sequence[Origin]] | None, types: Mapping[str, str], columns: Mapping[str, Sequence[Any]]
) -> Mapping[str, tuple[Origin, ...]]:
    """Return the origins of each column; without lineage each comes from everything that was read."""
    if traced is not None:
        return {name: tuple(traced.get(name, ())) for name in types}
    everything = tuple(Origin(table, one.name) for table, found in columns.items() for one in found)
    return dict.fromkeys(types, everything)


def _physical(table: str) -> str:
    """Return the name of a table inside the engine, the same on every page."""
    return f"t{hashlib.sha256(table.encode()).hexdigest()[:16]}"


def _scans(view: View) -> dict[str, Scan]:
    return {name: scan for name, scan in view.scans.items() if isinstance(scan, Scan)}


def _print(view: View) -> str:
    """Return a digest of a relation as it will run, and of its files."""
    parts = [view.query.sql("duckdb")]
    for name, scan in _scans(view).items():
        parts += [name, str(scan.schema), *scan.files]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _taken_out(value: pa.ChunkedArray) -> pa.Table | None:
    """Return the rows of one value; None where they cannot be told from it."""
    import pyarrow as pa

    kind = value.type
    if not pa.types.is_list(kind) or not pa.types.is_struct(kind.value_type) or len(value) != 1:
        return None
    rows = value.combine_chunks().flatten()
    return pa.Table.from_batches([pa.RecordBatch.from_struct_array(rows)])
