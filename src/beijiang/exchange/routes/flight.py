"""The Flight SQL server: reads the commands of clients, and answers with what ``FlightSql`` gives. It only ever reads.

Nothing but errors of ``pyarrow.flight`` leaves a method: any other would reach the client with its trace and our paths.
"""

from __future__ import annotations

import base64
import binascii
import logging
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.flight as fl

from beijiang.exchange.models.wire import Message, read_any, read_fields, written, written_any
from beijiang.exchange.routes.flight_shapes import Shapes
from beijiang.kit import BeijiangError, Busy, Invalid, Unauthenticated, new_id

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.service import FlightSql
    from beijiang.kit import Actor
    from beijiang.settings import Settings
    from beijiang.web import CallWatch

__all__ = ["FlightServer"]

log = logging.getLogger(__name__)
T = TypeVar("T")

LOOK_SECONDS: Final = 0.2
"""How often it is looked whether clients went away."""
LEAVE_SECONDS: Final = 5.0
PURPOSE: Final = "x-beijiang-purpose"
WHO: Final = "who"
ADDRESS: Final = "/flight"
"""Under which applications subscribe to it and are counted."""
CANCELLED: Final = 1
NOT_CANCELLABLE: Final = 3
UNSPECIFIED: Final = 0
PARTS_OF_INFO: Final = 3
"""Field of the endpoints in a ``FlightInfo``; field 1 of an endpoint is its ticket, and field 1 of that its bytes."""
ACTIONS: Final = (
    ("CreatePreparedStatement", "Prepare one SELECT"),
    ("ClosePreparedStatement", "Forget a prepared statement"),
    ("CancelFlightInfo", "Stop a query"),
    ("CancelQuery", "Stop a query, as older clients ask for it"),
    ("CloseSession", "Leave"),
)
_TIMED_OUT: Final = frozenset({"query_timeout"})
_STOPPED: Final = frozenset({"query_cancelled"})


_COUNTED_AS: Final = (
    (fl.FlightUnauthorizedError, 403),
    (fl.FlightUnavailableError, 429),
    (fl.FlightInternalError, 500),
    (Exception, 400),
)
"""How errors of Flight stand in the statistics of applications, which know the status of HTTP."""


class _NoHandshake(fl.ServerAuthHandler):  # type: ignore[misc]  # pyarrow has no types
    """Let handshakes through: the header that comes with them is looked at like that of every call."""

    def authenticate(self, outgoing: Any, incoming: Any) -> None:
        del outgoing, incoming

    def is_valid(self, token: bytes) -> bytes:
        del token
        return b""


class _Who(fl.ServerMiddleware):  # type: ignore[misc]
    """Who calls and for what; a password is answered with the header that later calls shall bring."""

    def __init__(self, actor: Actor, purpose: str, answer: str, watch: CallWatch | None) -> None:
        self.actor = actor
        self.purpose = purpose
        self._answer = answer
        self._watch = watch
        self._began = time.monotonic()

    def call_completed(self, exception: Any) -> None:
        """Count the call where applications are counted."""
        if self._watch is not None:
            status = next((at for kind, at in _COUNTED_AS if isinstance(exception, kind)), 200)
            self._watch.done(self.actor, ADDRESS, status, time.monotonic() - self._began)

    def sending_headers(self) -> dict[str, str]:
        return {"authorization": self._answer} if self._answer else {}


class _Door(fl.ServerMiddlewareFactory):  # type: ignore[misc]
    """Ask at every call whose key it is."""

    def __init__(self, access: Access, watch: CallWatch | None) -> None:
        self._access = access
        self._watch = watch

    def start_call(self, info: Any, headers: Mapping[str, list[str]]) -> _Who:
        del info
        with _errors():
            sent = _first(headers, "authorization")
            authorization, login = _proof(sent)
            actor = self._access.actor_for({}, authorization)
            if login and self._access.person(actor, actor.id).login.casefold() != login.strip().casefold():
                raise _unproven()
            self._admit(actor)
            answer = authorization if login is not None else ""
            return _Who(actor, unquote(_first(headers, PURPOSE))[:500], answer, self._watch)

    def _admit(self, actor: Actor) -> None:
        """Hold applications to their plans, as the door of the web does."""
        if self._watch is None:
            return
        try:
            self._watch.admit(actor, ADDRESS)
        except BeijiangError as error:
            self._watch.done(actor, ADDRESS, error.status, 0.0)
            raise


def _first(headers: Mapping[str, list[str]], name: str) -> str:
    return next((str(values[0]) for key, values in headers.items() if key.lower() == name and values), "")


def _proof(sent: str) -> tuple[str, str | None]:
    """Return the bearer header and, where a login and a key were sent as name and password, the login."""
    kind, _, word = sent.partition(" ")
    if kind.lower() == "bearer" and word.strip():
        return f"Bearer {word.strip()}", None
    if kind.lower() != "basic":
        raise _unproven()
    try:
        padded = word.strip() + "=" * (-len(word.strip()) % 4)  # drivers in Go leave the padding out
        login, _, key = base64.b64decode(padded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _unproven() from None
    if not key:
        raise _unproven()
    return f"Bearer {key}", login


def _unproven() -> Unauthenticated:
    return Unauthenticated(
        "请用 API 密钥连接：在请求头 authorization 中写 “Bearer 密钥”，或以登录名和密钥作为用户名和密码。",
        'Connect with an API key: "Bearer KEY" in the header authorization, or login and key as name and password.',
    )


def told(error: BeijiangError) -> fl.FlightError:
    """Return an error as clients of Flight know it, with both of its texts and its code."""
    words = f"{error.text.zh} {error.text.en} [{error.reason}]"
    if error.reason in _TIMED_OUT:
        return fl.FlightTimedOutError(words)
    if error.reason in _STOPPED:
        return fl.FlightCancelledError(words)
    kinds: dict[int, Callable[[str], fl.FlightError]] = {
        401: fl.FlightUnauthenticatedError,
        403: fl.FlightUnauthorizedError,
        404: lambda said: fl.FlightServerError(f"not_found: {said}"),
        409: lambda said: fl.FlightServerError(f"conflict: {said}"),
        413: lambda said: fl.FlightServerError(f"too_large: {said}"),
        422: lambda said: fl.FlightServerError(f"invalid_sql: {said}"),
        429: fl.FlightUnavailableError,
        503: fl.FlightUnavailableError,
    }
    make = kinds.get(error.status)
    return fl.FlightInternalError(words) if make is None else make(words)


@contextmanager
def _errors() -> Iterator[None]:
    """Turn whatever is raised into an error of Flight; what nobody foresaw is logged under a number and told by that alone."""
    try:
        yield
    except fl.FlightError:
        raise
    except BeijiangError as error:
        raise told(error) from None
    except Exception:
        number = new_id("req")
        log.exception("Flight SQL call %s failed", number)
        raise fl.FlightInternalError(
            f"服务器内部错误，请把编号 {number} 告诉管理员。 An error inside the server; tell an administrator the number {number}."
        ) from None


def _guarded(method: Callable[..., T]) -> Callable[..., T]:
    @wraps(method)
    def inner(*arguments: Any) -> T:
        with _errors():
            return method(*arguments)

    return inner


class FlightServer(fl.FlightServerBase):  # type: ignore[misc]
    """Listens from its making until ``close``."""

    def __init__(self, service: FlightSql, access: Access, settings: Settings, watch: CallWatch | None = None) -> None:
        tls = _certificates(settings)
        host = settings.flight_host
        shown = f"[{host}]" if ":" in host else host
        self._service = service
        self._shapes = Shapes(service, settings.region_name)
        self._watch = _Watch(service, settings.flight_pause_seconds)
        try:
            super().__init__(
                location=f"{'grpc+tls' if tls else 'grpc'}://{shown}:{settings.flight_port}",
                auth_handler=_NoHandshake(),
                tls_certificates=tls,
                middleware={WHO: _Door(access, watch)},
            )
        except (pa.ArrowException, OSError):
            raise Busy(
                f"Flight SQL 无法在 {shown}:{settings.flight_port} 监听，请检查 flight_host、flight_port 和证书。",
                f"Flight SQL cannot listen on {shown}:{settings.flight_port}; look at flight_host, flight_port and the certificate.",
                code="flight_not_listening",
            ) from None
        self.address = f"{'grpc+tls' if tls else 'grpc'}://{shown}:{self.port}"
        service.listens(self.address)
        self._watch.start()

    def close(self) -> None:
        """End what is being read, and listen no more."""
        self._service.leaves(self.address)
        self._watch.end()
        leaving = threading.Thread(target=self.shutdown, name="flight-shutdown", daemon=True)
        leaving.start()
        leaving.join(LEAVE_SECONDS)  # a client that takes nothing keeps its call open, and nobody waits for it

    # What the library calls

    @_guarded
    def get_flight_info(self, context: Any, descriptor: Any) -> Any:
        who, command = _who(context), read_any(descriptor.command or b"")
        ticket, schema = self._planned(who, command)
        if ticket is None:
            schema = self._shapes.schema(command)
            ticket = descriptor.command
        return fl.FlightInfo(schema, descriptor, [fl.FlightEndpoint(ticket, [])], -1, -1)

    @_guarded
    def get_schema(self, context: Any, descriptor: Any) -> Any:
        who, command = _who(context), read_any(descriptor.command or b"")
        ticket, schema = self._planned(who, command)
        return fl.SchemaResult(self._shapes.schema(command) if ticket is None else schema)

    @_guarded
    def do_get(self, context: Any, ticket: Any) -> Any:
        who, command = _who(context), read_any(ticket.ticket)
        if command.name != "TicketStatementQuery":
            return fl.RecordBatchStream(self._shapes.table(who.actor, command))
        answer = _Answer()
        answer.parts = self._parts(context, who.actor, command.octets("handle") or b"", weakref.ref(answer))
        return fl.GeneratorStream(next(answer), answer)

    @_guarded
    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        who, command = _who(context), read_any(descriptor.command or b"")
        if command.name != "CommandPreparedStatementQuery":
            raise _read_only()
        handle = command.octets("handle") or b""
        self._service.give(who.actor, handle, _one_row(reader))
        writer.write(pa.py_buffer(written({1: handle})))

    @_guarded
    def do_action(self, context: Any, action: Any) -> list[Any]:
        who, body = _who(context), action.body.to_pybytes()
        acts: dict[str, Callable[[_Who, bytes], bytes | None]] = {
            "CreatePreparedStatement": self._prepare,
            "ClosePreparedStatement": self._close_statement,
            "CancelFlightInfo": self._cancel_info,
            "CancelQuery": self._cancel_query,
            "CloseSession": lambda _, __: written({1: CANCELLED}),
        }
        act = acts.get(action.type)
        if act is None:
            raise Invalid(
                f"不支持操作“{action.type[:60]}”。这里只提供只读查询，没有事务。",
                f'The action "{action.type[:60]}" is not served. There are read-only queries here, and no transactions.',
                code="flight_command",
            )
        answer = act(who, body)
        return [] if answer is None else [fl.Result(pa.py_buffer(answer))]

    @_guarded
    def list_actions(self, context: Any) -> list[tuple[str, str]]:
        _who(context)
        return list(ACTIONS)

    @_guarded
    def list_flights(self, context: Any, criteria: bytes) -> list[Any]:
        del criteria
        _who(context)
        return []

    @_guarded
    def do_exchange(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        del descriptor, reader, writer
        _who(context)
        raise _read_only()

    # Queries

    def _planned(self, who: _Who, command: Message) -> tuple[bytes | None, Any]:
        """Return ticket and columns of a query; without a ticket for commands that ask for metadata."""
        if command.name == "CommandStatementQuery":
            ticket, schema = self._service.ask(who.actor, command.text("query") or "", who.purpose)
        elif command.name == "CommandPreparedStatementQuery":
            ticket, schema = self._service.plan(who.actor, command.octets("handle") or b"")
        elif command.name in {"CommandStatementUpdate", "CommandPreparedStatementUpdate", "CommandStatementIngest"}:
            raise _read_only()
        else:
            return None, None
        return written_any("TicketStatementQuery", {1: ticket}), schema

    def _parts(
        self, context: Any, actor: Actor, ticket: bytes, answer: weakref.ref[_Answer]
    ) -> Generator[Any, None, None]:
        """Yield the schema and then the rows; the watch ends the query when the client goes away or takes nothing more."""
        with _errors(), self._watch.over(_Call(context, actor, ticket, answer)) as handed:
            stream = self._service.fetch(actor, ticket)
            try:
                yield stream.schema
                for batch in stream.batches:
                    handed()
                    yield batch
            finally:
                stream.batches.close()

    def _prepare(self, who: _Who, body: bytes) -> bytes:
        request = read_any(body)
        made = self._service.prepare(who.actor, request.text("query") or "", who.purpose)
        asked = pa.schema([pa.field(str(place), pa.null()) for place in range(made.parameters)])
        fields: dict[int, int | bytes] = {1: made.handle}
        if made.order.schema is not None:
            fields[2] = made.order.schema.serialize().to_pybytes()
        fields[3] = asked.serialize().to_pybytes()
        return written_any("ActionCreatePreparedStatementResult", fields)

    def _close_statement(self, who: _Who, body: bytes) -> None:
        self._service.close(who.actor, read_any(body).octets("handle") or b"")

    def _cancel_info(self, who: _Who, body: bytes) -> bytes:
        info = dict(read_fields(body)).get(1, b"")
        return written({1: CANCELLED if self._cancel(who, info) else NOT_CANCELLABLE})

    def _cancel_query(self, who: _Who, body: bytes) -> bytes:
        info = read_any(body).octets("info") or b""
        return written_any("ActionCancelQueryResult", {1: CANCELLED if self._cancel(who, info) else NOT_CANCELLABLE})

    def _cancel(self, who: _Who, info: int | bytes) -> bool:
        """Stop the queries of all tickets in a ``FlightInfo``."""
        stopped = False
        for number, endpoint in read_fields(info) if isinstance(info, bytes) else ():
            if number != PARTS_OF_INFO or not isinstance(endpoint, bytes):
                continue
            ticket = dict(read_fields(endpoint)).get(1, b"")
            inner = dict(read_fields(ticket)).get(1, b"") if isinstance(ticket, bytes) else b""
            message = read_any(inner) if isinstance(inner, bytes) and inner else None
            if message is not None and message.name == "TicketStatementQuery":
                stopped |= self._service.cancel(who.actor, message.octets("handle") or b"")
        return stopped


class _Answer:
    """The parts of an answer, which the library asks for one by one, and which somebody else may end in between.

    A client that takes nothing holds the library back, but neither a place nor a child of ours; it gets an error if it goes on.
    """

    def __init__(self) -> None:
        self.parts: Generator[Any, None, None] | None = None
        self._lock = threading.Lock()
        self._ended = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self._lock:
            if self._ended or self.parts is None:
                raise fl.FlightCancelledError(
                    "太久没有读取结果，或服务正在停止，传输已停止。 Nothing was taken for long, or the server is ending; the stream was stopped. [query_cancelled]"
                )
            return next(self.parts)

    def end(self) -> bool:
        """End it between two parts; False while one is being made."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._ended = True
            if self.parts is not None:
                self.parts.close()
        finally:
            self._lock.release()
        return True


@dataclass(slots=True)
class _Call:
    """An answer that is being read; the library alone keeps it alive."""

    context: Any
    actor: Actor
    ticket: bytes
    answer: weakref.ref[_Answer]
    at: float = field(default_factory=time.monotonic)
    """When the client last took a part."""


class _Watch:
    """Looks after the answers that are being read: of clients that went away, and of those that take nothing for long."""

    def __init__(self, service: FlightSql, pause: float) -> None:
        self._service = service
        self._pause = pause
        self._lock = threading.Lock()
        self._calls: dict[int, _Call] = {}
        self._ended = threading.Event()
        self._numbers = 0

    def start(self) -> None:
        threading.Thread(target=self._look, name="flight-watch", daemon=True).start()

    def end(self) -> None:
        """Stop looking, and end everything that is being read; what was just making a part is asked again."""
        self._ended.set()
        deadline = time.monotonic() + LEAVE_SECONDS
        while time.monotonic() < deadline:
            with self._lock:
                calls = [*self._calls.values()]
            if not calls:
                return
            for call in calls:
                self._stop(call)
            time.sleep(LOOK_SECONDS / 4)

    @contextmanager
    def over(self, call: _Call) -> Iterator[Callable[[], None]]:
        """Look after one answer; what is yielded notes that the client got a part."""
        with self._lock:
            self._numbers += 1
            number = self._numbers
            self._calls[number] = call

        def handed() -> None:
            call.at = time.monotonic()

        try:
            yield handed
        finally:
            with self._lock:
                del self._calls[number]

    def _look(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            with self._lock:  # a call that ends has to wait until nobody asks its context any more
                now = time.monotonic()
                calls = [
                    one for one in self._calls.values() if one.context.is_cancelled() or now - one.at > self._pause
                ]
            for call in calls:
                self._stop(call)

    def _stop(self, call: _Call) -> None:
        answer = call.answer()
        if answer is not None and answer.end():
            return
        try:
            self._service.cancel(call.actor, call.ticket)
        except BeijiangError as error:
            log.warning("a Flight SQL answer could not be stopped (%s)", error.reason)


def _who(context: Any) -> _Who:
    found = context.get_middleware(WHO)
    if not isinstance(found, _Who):
        raise _unproven()
    return found


def _one_row(reader: Any) -> list[Any]:
    """Return the values of the parameters: one row, by the order of its columns."""
    rows: list[Any] = []
    for chunk in reader:
        if chunk.data is not None and chunk.data.num_rows:
            rows += chunk.data.slice(0, 2).to_pylist() if chunk.data.num_columns else []
        if len(rows) > 1:
            raise Invalid(
                "一次只能绑定一行参数，请逐次执行。",
                "Parameters are bound one row at a time; execute one after another.",
                code="parameter_rows",
            )
    return list(rows[0].values()) if rows else []


def _read_only() -> BeijiangError:
    return Invalid(
        "这里只读：不能写入、修改或批量执行。请用 SELECT 查询，数据由汇聚流程写入。",
        "This is read-only: nothing can be written, changed or executed in lots. Use SELECT; data come in by ingestion.",
        code="flight_read_only",
    )


def _certificates(settings: Settings) -> list[tuple[bytes, bytes]] | None:
    """Return certificate and key, or None where only this machine itself is served.

    Raises:
        Invalid: other machines would be served without TLS, or a file cannot be read.

    """
    cert, key = settings.flight_tls_cert, settings.flight_tls_key
    if cert is None and key is None:
        if not _is_local(settings.flight_host):
            raise Invalid(
                f"flight_host 是 {settings.flight_host}，其他机器可以连接，因此必须设置 flight_tls_cert 和 flight_tls_key。",
                f"flight_host is {settings.flight_host}, which other machines reach; set flight_tls_cert and flight_tls_key.",
                code="flight_needs_tls",
            )
        return None
    try:
        if cert is None or key is None:
            raise FileNotFoundError
        return [(cert.read_bytes(), key.read_bytes())]
    except OSError:
        raise Invalid(
            "读不到 Flight SQL 的证书或私钥。请检查 flight_tls_cert 和 flight_tls_key，两者要一起设置。",
            "The certificate or key of Flight SQL cannot be read. Look at flight_tls_cert and flight_tls_key; they go together.",
            code="flight_tls_files",
        ) from None


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
