"""Flight SQL: statements and tickets of clients, and their answers, which come from the SQL gateway and from nowhere else."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.exchange.models.flight import FlightState, FlightTable, Order, Prepared, like
from beijiang.kit import Conflict, Denied, Invalid, NotFound, Throttled, Unauthenticated, new_id
from beijiang.protection import Asked, QueryClass, QueryOrder, Recheck, Spoken, SqlStream, parameters
from beijiang.tables import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import pyarrow as pa

    from beijiang.access import Access
    from beijiang.kit import Actor, Clock
    from beijiang.protection import Gate, Protection, SqlGateway
    from beijiang.settings import Settings

__all__ = ["FlightSql"]

HANDLES_EACH: Final = 100
_NAMELESS: Final = "flight"
"""What a refused ticket is recorded about: whatever it was for is not looked up."""
MARK: Final = b"ARROW:FLIGHT:SQL:"
IN_DOUBT: Final = b"beijiang.in_doubt"
"""In the metadata of a schema: the columns in doubt, as a JSON list."""


class FlightSql:
    """What clients of Flight SQL may do: prepare, plan, fetch, cancel, and see which tables they may ask."""

    def __init__(
        self,
        sql: SqlGateway,
        gate: Gate,
        protection: Protection,
        access: Access,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._sql = sql
        self._gate = gate
        self._protection = protection
        self._access = access
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._prepared: dict[bytes, Prepared] = {}
        self._tickets: dict[bytes, tuple[Order, datetime]] = {}
        self._reading: dict[str, tuple[bytes, tuple[str, str]]] = {}
        self._addresses: list[str] = []

    def prepare(self, actor: Actor, sql: str, purpose: str = "") -> Prepared:
        """Keep a statement; its columns are known at once unless it has parameters.

        Raises:
            BeijiangError: as ``SqlGateway.run`` does.
            Throttled: too many statements are open (``flight_handles``).

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        count = parameters(sql)
        schema = self._shape(actor, sql, purpose)
        order = Order(owner=_owner(actor), sql=sql, purpose=purpose, schema=None if count else schema)
        made = Prepared(handle=_secret(), order=order, parameters=count, used_at=self._clock.now())
        with self._lock:
            self._sweep()
            if sum(one.order.owner == order.owner for one in self._prepared.values()) >= HANDLES_EACH:
                raise Throttled(
                    f"打开的语句已达 {HANDLES_EACH} 条，请先关闭不用的语句（cursor.close）。",
                    f"{HANDLES_EACH} statements are open; close those that are not used any more (cursor.close).",
                    code="flight_handles",
                )
            self._prepared[made.handle] = made
        return made

    def give(self, actor: Actor, handle: bytes, values: Sequence[Any]) -> None:
        """Set the values of a statement's parameters.

        Raises:
            NotFound: no such statement, or another's.
            Invalid: more or fewer values than parameters (``parameter_count``).

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        found = self._own(actor, handle)
        if len(values) != found.parameters:
            raise Invalid(
                f"语句有 {found.parameters} 个参数，给出了 {len(values)} 个值。",
                f"The statement has {found.parameters} parameters, and {len(values)} values were given.",
                code="parameter_count",
            )
        order = replace(found.order, values=tuple(values), schema=None)
        with self._lock:
            if handle in self._prepared:
                self._prepared[handle] = replace(found, order=order)

    def plan(self, actor: Actor, handle: bytes) -> tuple[bytes, pa.Schema]:
        """Return a ticket for a statement with the values it has now, and the columns of the answer.

        Raises:
            NotFound: no such statement, or another's.
            BeijiangError: as ``SqlGateway.run`` does.

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        found = self._own(actor, handle)
        if found.parameters and not found.order.values:
            raise Invalid(
                "语句的参数还没有值。", "The parameters of the statement have no values.", code="parameter_count"
            )
        order = found.order
        if order.schema is None:
            order = replace(order, schema=self._shape(actor, order.sql, order.purpose, order.values))
            with self._lock:
                if handle in self._prepared:
                    self._prepared[handle] = replace(found, order=order, used_at=self._clock.now())
        return self._ticket(order), order.schema

    def ask(self, actor: Actor, sql: str, purpose: str = "") -> tuple[bytes, pa.Schema]:
        """Return a ticket for a query that was not prepared, and the columns of the answer.

        Raises:
            BeijiangError: as ``SqlGateway.run`` does.

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        schema = self._shape(actor, sql, purpose)
        return self._ticket(Order(owner=_owner(actor), sql=sql, purpose=purpose, schema=schema)), schema

    def fetch(self, actor: Actor, ticket: bytes) -> SqlStream:
        """Return the answer of a ticket; grants, masks and quotas are asked now and while it is read.

        Raises:
            NotFound: no such ticket, an old one, or another's; they look the same.
            Throttled: too many answers are being read (``flight_busy``).
            BeijiangError: as ``SqlGateway.stream`` does, here or from the iterator.

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        with self._lock:
            self._sweep()
            order, _ = self._tickets.get(ticket, (None, None))
        if order is None or order.owner != _owner(actor):
            raise self._no_handle(actor)
        parts = self._parts(actor, ticket, order)
        stream = next(parts)
        if not isinstance(stream, SqlStream):
            raise TypeError
        return replace(stream, schema=_promised(order, stream), batches=parts)

    def _parts(self, actor: Actor, ticket: bytes, order: Order) -> Generator[Any, None, None]:
        """Yield the stream itself and then its rows, in the columns that were promised."""
        import pyarrow as pa

        recheck = Recheck()
        with self._place(order.owner, ticket) as query_id:
            run = QueryOrder(door=QueryClass.API, exit=Exit.FLIGHT, id=query_id)
            stream = self._sql.stream(actor, order.sql, order.purpose, run, self._spoken(actor, order.values))
            try:
                if stream.schema.names != order.schema.names or stream.schema.types != order.schema.types:
                    raise Conflict(
                        "表的列在准备之后改变了，请重新执行查询。",
                        "The columns of a table changed after the query was planned; run it again.",
                        code="flight_changed",
                    )
                yield stream
                # The digest is over the columns as they were planned: drivers hand those on, without what is in doubt today.
                sent, schema = _Fingerprint(), _promised(order, stream)
                with pa.ipc.new_stream(pa.PythonFile(sent, mode="w"), order.schema) as copy:
                    for batch in stream.batches:
                        recheck.before(batch.nbytes, partial(self._confirm, actor))
                        promised = pa.RecordBatch.from_arrays(batch.columns, schema=schema)
                        copy.write_batch(promised)
                        yield promised
                stream.note_sent(sent.sha256.hexdigest(), sent.size)
            finally:
                stream.batches.close()
        with self._lock:
            self._tickets.pop(ticket, None)

    @contextmanager
    def _place(self, owner: tuple[str, str], ticket: bytes) -> Iterator[str]:
        query_id = new_id("query")
        with self._lock:
            each = Counter(one for _, one in self._reading.values())[owner]
            if each >= self._settings.flight_person_at_once or len(self._reading) >= self._settings.flight_at_once:
                raise Throttled(
                    "同时读取的结果太多，请先读完或关闭前面的结果。",
                    "Too many answers are being read at once; read the others to their end or close them.",
                    code="flight_busy",
                )
            self._reading[query_id] = ticket, owner
        try:
            yield query_id
        finally:
            with self._lock:
                self._reading.pop(query_id, None)

    def _confirm(self, actor: Actor) -> None:
        """Return if key and roles are what they were; the gateway itself asks for grants and grades."""
        try:
            same = self._access.current(actor) == actor
        except Unauthenticated as error:
            self._gate.refused(actor, Asked(table=_NAMELESS, exit=Exit.FLIGHT), error.reason)
            raise
        if not same:
            self._gate.refused(actor, Asked(table=_NAMELESS, exit=Exit.FLIGHT), "access_ended")
            raise Denied(
                "访问权限在传输过程中已改变，传输已停止。",
                "The right to read ended while the data were being sent; the stream was stopped.",
                code="access_ended",
            )

    def cancel(self, actor: Actor, ticket: bytes) -> bool:
        """End the queries of a ticket and forget it; False if it is not known, or another's."""
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        owner = _owner(actor)
        with self._lock:
            order, _ = self._tickets.get(ticket, (None, None))
            running = [one for one, held in self._reading.items() if held == (ticket, owner)]
            if order is not None and order.owner == owner:
                del self._tickets[ticket]
            elif not running:
                return False
        for query_id in running:
            self._sql.stop(actor, query_id)
        return True

    def close(self, actor: Actor, handle: bytes) -> None:
        """Forget a statement.

        Raises:
            NotFound: no such statement, or another's.

        """
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        self._own(actor, handle)
        with self._lock:
            self._prepared.pop(handle, None)

    def tables(self, actor: Actor, schema: str | None = None, name: str | None = None) -> Sequence[FlightTable]:
        """Return the tables that the actor may ask by this exit, whose department and name fit patterns of ``%`` and ``_``."""
        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        departments = {one.id: one.name_zh for one in self._access.organisations()}
        found = []
        for facts in self._protection.all_facts():
            department = departments.get(facts.org_id, facts.org_id)
            if not like(schema, department) or not like(name, facts.name):
                continue
            seen = self._gate.seen(actor, facts.name, Exit.FLIGHT)
            if seen is not None:
                found.append(FlightTable(schema=department, name=facts.name))
        return sorted(found, key=lambda one: (one.schema, one.name))

    def columns(self, actor: Actor, table: str) -> pa.Schema:
        """Return the columns of a table as the actor sees them, with the types that a query gives.

        Raises:
            Refused: unknown or hidden.

        """
        from sqlglot import exp

        self._access.require(actor, Permission.PROTECTION_SQL_RUN)
        whole = exp.select("*").from_(exp.table_(exp.to_identifier(table, quoted=True)))
        return self._shape(actor, whole.sql("duckdb"), "")

    def offer(self, actor: Actor) -> tuple[FlightState, Sequence[FlightTable]]:
        """Return where the server is and what the actor may read by it."""
        tables = self.tables(actor)
        return self.state(), tables

    def listens(self, address: str) -> None:
        """Note where a server listens."""
        self._addresses.append(address)

    def leaves(self, address: str) -> None:
        """Note that a server listens no more."""
        if address in self._addresses:
            self._addresses.remove(address)

    def state(self) -> FlightState:
        """Return how the server does; numbers only."""
        with self._lock:
            return FlightState(
                address=self._addresses[-1] if self._addresses else self._promised(),
                running=bool(self._addresses),
                tls=self._settings.flight_tls_cert is not None,
                reading=len(self._reading),
                handles=len(self._prepared) + len(self._tickets),
            )

    def _promised(self) -> str:
        """Return where another process serves by the settings; empty where none does."""
        settings = self._settings
        if not settings.flight:
            return ""
        host = f"[{settings.flight_host}]" if ":" in settings.flight_host else settings.flight_host
        return f"grpc{'+tls' if settings.flight_tls_cert else ''}://{host}:{settings.flight_port}"

    def _shape(self, actor: Actor, sql: str, purpose: str, values: Sequence[Any] = ()) -> pa.Schema:
        return named(self._sql.shape(actor, sql, purpose, Exit.FLIGHT, self._spoken(actor, values)))

    def _spoken(self, actor: Actor, values: Sequence[Any]) -> Spoken:
        """Return values with the names that the lists of clients put before a table: site and department."""

        def belongs(site: str, department: str, table: str) -> bool:
            """Hidden and unknown tables belong nowhere, so that they cannot be told apart."""
            facts = self._protection.facts(self._gate.find(table))
            if site not in {"", self._settings.region_name} or facts is None:
                return False
            seen = self._gate.seen(actor, facts.name, Exit.FLIGHT)
            return seen is not None and self._access.organisation(facts.org_id).name_zh == department

        return Spoken(values, belongs)

    def _own(self, actor: Actor, handle: bytes) -> Prepared:
        owner = _owner(actor)
        with self._lock:
            self._sweep()
            found = self._prepared.get(handle)
            if found is not None and found.order.owner == owner:
                found = self._prepared[handle] = replace(found, used_at=self._clock.now())
                return found
        raise self._no_handle(actor)

    def _no_handle(self, actor: Actor) -> NotFound:
        """Record that a ticket or statement was refused, and return the refusal."""
        error = _no_handle()
        self._gate.refused(actor, Asked(table=_NAMELESS, exit=Exit.FLIGHT), error.reason)
        return error

    def _ticket(self, order: Order) -> bytes:
        ticket = _secret()
        with self._lock:
            self._sweep()
            mine = [one for one, (known, _) in self._tickets.items() if known.owner == order.owner]
            for old in mine[: max(0, len(mine) - HANDLES_EACH + 1)]:
                del self._tickets[old]
            self._tickets[ticket] = order, self._clock.now()
        return ticket

    def _sweep(self) -> None:
        """Forget what has not been used for long; of everybody, so that nothing stays of those who went."""
        horizon = self._clock.now() - timedelta(minutes=self._settings.flight_idle_minutes)
        for handle in [one for one, held in self._prepared.items() if held.used_at < horizon]:
            del self._prepared[handle]
        for ticket in [one for one, (_, made_at) in self._tickets.items() if made_at < horizon]:
            del self._tickets[ticket]


def _promised(order: Order, stream: SqlStream) -> pa.Schema:
    """Return the columns that were promised; the schema says which of them rest on values that are being looked into."""
    assert order.schema is not None  # noqa: S101 - a ticket is given for what was planned
    if not stream.in_doubt:
        return order.schema
    said = json.dumps(stream.in_doubt, ensure_ascii=False)
    return order.schema.with_metadata({**(order.schema.metadata or {}), IN_DOUBT: said.encode()})


def named(schema: pa.Schema) -> pa.Schema:
    """Return the columns as they are promised and sent: each may be empty, and says the name of its type in SQL."""
    import pyarrow as pa

    fields = []
    for field in schema:
        metadata = {**(field.metadata or {}), **_described(field.type)}
        fields.append(pa.field(field.name, field.type, nullable=True, metadata=metadata))
    return pa.schema(fields)


def _described(kind: pa.DataType) -> dict[bytes, bytes]:
    """Return what tools such as Power BI look for in the metadata of a column."""
    import pyarrow as pa

    found = {MARK + b"TYPE_NAME": _sql_name(kind).encode()}
    if pa.types.is_decimal(kind):
        found |= {MARK + b"PRECISION": str(kind.precision).encode(), MARK + b"SCALE": str(kind.scale).encode()}
    return found


def _sql_name(kind: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
    return _SQL_NAMES.get(str(kind), "VARCHAR")


_SQL_NAMES: Final = {
    "bool": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint8": "UTINYINT",
    "uint16": "USMALLINT",
    "uint32": "UINTEGER",
    "uint64": "UBIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date32[day]": "DATE",
    "time64[us]": "TIME",
    "binary": "BLOB",
}


class _Fingerprint:
    """A file that keeps of what is written the SHA-256 and the size only."""

    closed = False

    def __init__(self) -> None:
        self.sha256, self.size = hashlib.sha256(), 0

    def write(self, part: bytes | pa.Buffer) -> None:
        """Take a part of an Arrow stream."""
        self.sha256.update(part)
        self.size += memoryview(part).nbytes

    def flush(self) -> None:
        """Have nothing to flush."""


def _owner(actor: Actor) -> tuple[str, str]:
    return actor.id, actor.session_id or ""


def _secret() -> bytes:
    return secrets.token_urlsafe(24).encode()


def _no_handle() -> NotFound:
    return NotFound(
        "没有这个语句或取数凭据，或者已经过期。请重新执行查询。",
        "There is no such statement or ticket, or it is too old. Run the query again.",
        code="flight_handle",
    )
