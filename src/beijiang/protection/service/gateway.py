"""The SQL gateway: a person's SQL, taken apart, bound to governed relations and run in a limited child (security.md 3)."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.access import Permission
from beijiang.engine import QueryLimits
from beijiang.engine.port import LAKE, View
from beijiang.kit import BeijiangError, NotFound, Throttled
from beijiang.protection.models.walls import governed_tables, parse, refusal
from beijiang.tables import Column, Exit

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.access import Access
    from beijiang.engine import Engine, Scan
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.service.gate import Gate
    from beijiang.protection.service.relation import Governed
    from beijiang.settings import Settings

__all__ = ["SqlGateway", "SqlResult"]

ANSWER_BYTES: Final = 8 << 20
AT_ONCE: Final = 2
FAILURES: Final = 20
FAILURES_SECONDS: Final = 3600.0
TABLES_LIMIT: Final = 20
PLACES_LIMIT: Final = 50
"""How often tables may be named in one query, each time with all its masks: a long tree costs this process, not the child."""


@dataclass(frozen=True, slots=True)
class SqlResult:
    """The answer of one query; ``truncated`` tells that there were more rows than may be handed over."""

    columns: tuple[str, ...]
    rows: pa.Table
    receipt: str
    truncated: bool


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Rows of a trial, and the columns that this reader sees masked or empty in them."""

    rows: pa.Table
    masked: tuple[str, ...]


class SqlGateway:
    """Answer SQL over the tables that a person may use, on masked rows only."""

    def __init__(self, gate: Gate, engine: Engine, access: Access, evidence: Evidence, settings: Settings) -> None:
        self._gate = gate
        self._engine = engine
        self._access = access
        self._evidence = evidence
        self._settings = settings
        self._admission = _Admission()

    def run(self, actor: Actor, sql: str, purpose: str = "") -> SqlResult:
        """Run one SELECT; tables go by their names in the catalog.

        Raises:
            Denied: the actor may not use SQL at all; asked before the text is looked at.
            Refused: the text is not a query that is allowed, or names a table that is unknown or hidden
                (``sql_not_allowed``), or a limit was passed (``query_timeout``, ``query_memory``).
            Invalid: the query failed while it ran (``query_failed``); no value is ever quoted.
            Throttled: too many queries at once, or too many failed ones.

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        with self._admission.enter(actor.id):
            tree = parse(sql)
            bound = self._bind(actor, tree, sql, purpose)
            try:
                answer = self._engine.run_untrusted(tree, bound.scans, self._limits())
            except BeijiangError as error:
                if error.reason == "query_failed":
                    self._admission.note_failure(actor.id)
                self._close(bound, 0, 0)
                raise
        return self._handed_over(answer, bound)

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
        places = governed_tables(tree)
        if len(places) > PLACES_LIMIT:
            raise refusal()
        stored = {spelling: self._gate.find(spelling) for spelling in dict.fromkeys(place.name for place in places)}
        for place in places:
            alias = place.args.get("alias") or exp.TableAlias(this=exp.to_identifier(place.name, quoted=True))
            table = exp.table_(exp.to_identifier(stored[place.name], quoted=True), db=LAKE)
            table.set("alias", alias)
            if place.args.get("joins"):
                table.set("joins", place.args["joins"])
            place.replace(table)
        return tree, tuple(dict.fromkeys(stored.values()))

    def _bind(self, actor: Actor, tree: exp.Query, sql: str, purpose: str) -> _Bound:
        """Open every table that the query names and put its masked relation in the place of its name (walls 2 and 3)."""
        detail: dict[str, JsonValue] = {"sql_sha256": hashlib.sha256(sql.encode()).hexdigest()}
        places = governed_tables(tree)
        if len(places) > PLACES_LIMIT:
            raise refusal()
        stored = {spelling: self._gate.find(spelling) for spelling in dict.fromkeys(place.name for place in places)}
        opened: dict[str, tuple[str, Governed]] = {}
        for name in dict.fromkeys(stored.values()):
            if len(opened) >= TABLES_LIMIT:
                raise refusal()
            with suppress(NotFound):
                opened[name] = f"t{len(opened)}", self._gate.admit(actor, name, purpose, Exit.SQL, None, detail)
            if name not in opened:
                raise refusal()
        scans: dict[str, Scan] = {}
        queries: dict[str, exp.Query] = {}
        for name, (physical, governed) in opened.items():
            queries[name], scans[physical] = governed.governed_query(physical)
        for place in places:
            _substitute(place, queries[stored[place.name]].copy())
        reads = tuple(governed for _, governed in opened.values())
        receipt = reads[0].receipt if reads else self._constant(actor, purpose, detail)
        return _Bound(scans, reads, receipt)

    def _constant(self, actor: Actor, purpose: str, detail: dict[str, JsonValue]) -> str:
        return self._evidence.record_read(
            actor,
            exit=str(Exit.SQL),
            target="",
            version=None,
            policy=self._access.policy,
            columns=(),
            rows=None,
            grade="L1",
            purpose=purpose,
            detail=detail,
        )

    def _handed_over(self, answer: pa.Table, bound: _Bound) -> SqlResult:
        shown = answer.slice(0, self._settings.query_rows)
        for governed in bound.reads:
            governed.check_output(shown)
        self._close(bound, shown.num_rows, shown.nbytes)
        return SqlResult(tuple(shown.column_names), shown, bound.receipt, answer.num_rows > shown.num_rows)

    def _close(self, bound: _Bound, rows: int, size: int) -> None:
        for receipt in dict.fromkeys([bound.receipt, *(governed.receipt for governed in bound.reads)]):
            self._evidence.close_read(receipt, rows, size)

    def _limits(self) -> QueryLimits:
        return QueryLimits(
            seconds=self._settings.query_seconds,
            memory_mb=self._settings.query_memory_mb,
            rows=self._settings.query_rows,
            bytes=ANSWER_BYTES,
        )


@dataclass(frozen=True, slots=True)
class _Bound:
    """What a query was bound to."""

    scans: dict[str, Scan]
    reads: tuple[Governed, ...]
    receipt: str


def _as_shown(governed: Governed) -> Sequence[Column]:
    """Return the columns of a table as this reader sees them."""
    shown = [Column(column.name, column.type) for column in governed.columns]
    return [*shown, *(Column(name, "text") for name in governed.withheld)]


def _substitute(place: exp.Table, query: exp.Query) -> None:
    """Put the masked relation where a table's name stood; alias and joins stay with it."""
    for table in query.find_all(exp.Table):
        if table.db != LAKE:
            raise refusal()
    alias = place.args.get("alias") or exp.TableAlias(this=exp.to_identifier(place.name, quoted=True))
    relation = exp.Subquery(this=query, alias=alias)
    joins = place.args.get("joins")
    if joins:
        relation.set("joins", joins)
    place.replace(relation)


class _Admission:
    """Who runs how many queries at once, and who fails too often: an error is an answer of one bit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: defaultdict[str, int] = defaultdict(int)
        self._failed: defaultdict[str, deque[float]] = defaultdict(deque)

    @contextmanager
    def enter(self, actor_id: str) -> Iterator[None]:
        """Count a query while it runs.

        Raises:
            Throttled: two run already, or twenty failed within the hour.

        """
        with self._lock:
            self._forget(actor_id)
            if len(self._failed[actor_id]) >= FAILURES:
                raise Throttled(
                    "一小时内失败的查询太多，请稍后再试。",
                    "Too many queries failed within the hour; try again later.",
                    code="sql_failures",
                )
            if self._running[actor_id] >= AT_ONCE:
                raise Throttled(
                    "您同时运行的查询太多，请等前面的查询完成。",
                    "Too many of your queries run at once; wait for the others to end.",
                    code="sql_concurrency",
                )
            self._running[actor_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[actor_id] -= 1
                if not self._running[actor_id]:
                    del self._running[actor_id]

    def note_failure(self, actor_id: str) -> None:
        """Remember that a query failed inside the engine."""
        with self._lock:
            self._failed[actor_id].append(time.monotonic())

    def _forget(self, actor_id: str) -> None:
        since = time.monotonic() - FAILURES_SECONDS
        while self._failed[actor_id] and self._failed[actor_id][0] < since:
            self._failed[actor_id].popleft()
