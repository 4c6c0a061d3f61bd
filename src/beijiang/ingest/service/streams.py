"""The verbs of streams: receive messages, keep each of them, and count each of them once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import IntegrityError

from beijiang.access import Permission
from beijiang.evidence import Decision
from beijiang.ingest.models import (
    SEALED_FOR_STREAMS,
    Receipt,
    Signature,
    Stream,
    StreamDraft,
    StreamKind,
    StreamState,
)
from beijiang.ingest.service.sealing import Seals
from beijiang.ingest.service.signing import Refusals, checked_signature
from beijiang.ingest.service.stream_proving import StreamProving
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import BeijiangError, Conflict, Invalid, NotFound, TooLarge, Unauthenticated, Unavailable, new_id
from beijiang.outbound import Use
from beijiang.tables import check_spec

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.crypto import Vault
    from beijiang.evidence import Evidence
    from beijiang.ingest.connectors.stream_options import StreamOptions
    from beijiang.ingest.service.attending import Attendant, Receiver, Served
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.ingest.service.promising import Promise
    from beijiang.jobs import JobRun
    from beijiang.kit import Actor, Part, Wanted
    from beijiang.kit.errors import JsonValue
    from beijiang.outbound import Outbound
    from beijiang.tables import Tables, WindowSpec

__all__ = ["Streams"]

_NAME: Final = 100
_KEY: Final = 128


class Streams(StreamProving):
    """Messages that keep coming: each is on disk before its sender is told, and in its table once."""

    def __init__(
        self,
        ingest: Ingest,
        tables: Tables,
        vault: Vault,
        access: Access,
        evidence: Evidence,
        outbound: Outbound,
    ) -> None:
        self.db = ingest.db
        self.clock = ingest.clock
        self.ingest = ingest
        self.tables = tables
        self._seals = Seals(vault, SEALED_FOR_STREAMS)
        self.access = access
        self.evidence = evidence
        self.outbound = outbound
        self._attendant: Attendant | None = None
        self._refusals = Refusals()

    # Streams

    def kinds(self, actor: Actor) -> list[dict[str, JsonValue]]:
        """Return the kinds of stream with their options as JSON schemas."""
        self.access.require(actor, Permission.INGEST_SOURCE_READ, actor.org_id)
        found: list[dict[str, JsonValue]] = []
        for kind in StreamKind:
            model = _model(kind)
            text: dict[str, JsonValue] = {"zh": kind.text.zh, "en": kind.text.en}
            secret: list[JsonValue] = [*sorted(model.secret_names())]
            found.append({"kind": kind.value, "text": text, "options": model.model_json_schema(), "secrets": secret})
        return found

    def streams(self, actor: Actor) -> list[Stream]:
        """Return the streams of the actor's department (the platform sees all), by name."""
        self.access.require(actor, Permission.INGEST_SOURCE_READ, actor.org_id)
        with self.db.read() as connection:
            return StreamStore(connection).streams(actor.org_id)

    def stream_part(self, actor: Actor, wanted: Wanted) -> Part[Stream]:
        """Return a part of the streams that ``streams`` lists, narrowed, counted and sorted."""
        self.access.require(actor, Permission.INGEST_SOURCE_READ, actor.org_id)
        with self.db.read() as connection:
            return StreamStore(connection).part(wanted, actor.org_id)

    def stream(self, actor: Actor, words: str) -> Stream:
        """Return one stream by id, name or table.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        with self.db.read() as connection:
            found = StreamStore(connection).stream(words, actor.org_id)
        if found is None or not self.access.allows(actor, Permission.INGEST_SOURCE_READ, found.org_id):
            self.access.require(actor, Permission.INGEST_SOURCE_READ)
            raise _no_stream(words)
        return found

    def add(self, actor: Actor, draft: StreamDraft) -> Stream:
        """Set up a stream; it begins to receive when it is started.

        Raises:
            Invalid: options that do not fit the kind, a key that is no column.
            Conflict: the name is taken, or the table is filled from elsewhere or another department's.

        """
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, draft.org_id)
        name, table = draft.name.strip(), draft.table.strip()
        if not table or not name or len(name) > _NAME or not name.isprintable():
            raise Invalid(
                f"请填写目标表，以及 1 至 {_NAME} 个字符的名称。",
                f"A stream needs a table, and a name of 1 to {_NAME} characters.",
                code="bad_name",
            )
        stream_id = new_id("stm")
        options, secrets = self._seals.first(stream_id, _model(draft.kind), draft.options)
        _check_key(draft.key, options)
        if self.ingest.owner(actor, table) not in {None, draft.org_id}:
            raise Conflict("目标表属于其他部门。", "The table is another department's.", code="other_organisation")
        self.ingest.require_free(actor, table, draft.org_id)
        values = {
            "id": stream_id,
            "org_id": draft.org_id,
            "name": name,
            "kind": draft.kind.value,
            "table_name": table,
            "key": list(draft.key),
            "options": options,
            "secrets": secrets,
            "state": StreamState.PAUSED.value,
            "created_at": self.clock.now(),
            "created_by": actor.name,
        }
        try:
            with self.db.begin() as tx:
                if SourceStore(tx.connection).sync(table) is not None:
                    raise _has_source(table)
                StreamStore(tx.connection).require_free(table)
                StreamStore(tx.connection).add(values, actor)
                detail: dict[str, JsonValue] = {"name": name, "kind": draft.kind.value, "table": table}
                self.evidence.record(tx, actor, "ingest.stream_add", target=stream_id, detail=detail)
        except IntegrityError as error:
            with self.db.read() as connection:
                taken = StreamStore(connection).stream(table)
            if taken is not None and taken.table == table:
                raise _has_source(table) from error
            raise Conflict(
                f"本部门已有名为“{name}”的数据流。", f'The department has a stream "{name}".', code="stream_exists"
            ) from error
        return self.stream(actor, stream_id)

    def change(self, actor: Actor, words: str, options: Mapping[str, Any]) -> Stream:
        """Change some options of a stream; secrets that are not given stay as they are, unless it moves (``secrets_needed``)."""
        stream = self.stream(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, stream.org_id)
        before = (dict(stream.options), dict(stream.secrets))
        plain, secrets = self._seals.changed(stream.id, _model(stream.kind), before, options)
        _check_key(stream.key, plain)
        with self.db.begin() as tx:
            StreamStore(tx.connection).change(stream.id, options=plain, secrets=secrets)
            changed: list[JsonValue] = [*sorted(options)]
            self.evidence.record(tx, actor, "ingest.stream_change", target=stream.id, detail={"options": changed})
        return replace(stream, options=plain, secrets=secrets)

    def remove(self, actor: Actor, words: str) -> None:
        """Forget a paused stream of which nothing waits; its table and landed files stay.

        Raises:
            Conflict: it is running (``stream_running``), or messages wait to be taken in (``messages_wait``).

        """
        stream = self.stream(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, stream.org_id)
        if stream.state is StreamState.RUNNING:
            raise Conflict("请先暂停数据流。", "Pause the stream first.", code="stream_running")
        with self.db.begin() as tx:
            store = StreamStore(tx.connection)
            spool = self.ingest.settings.home / "spool" / stream.id
            if (
                store.segments(stream.id, stream.position, 1)
                or any(spool.glob("*.ndjson"))
                or any(spool.glob("*.open"))
            ):
                raise Conflict(
                    "还有已接收的消息没有入表，请稍后再删除。",
                    "Received messages wait to be taken in; remove it when they are.",
                    code="messages_wait",
                )
            store.forget(stream.id)
            self.evidence.record(tx, actor, "ingest.stream_remove", target=stream.id, detail={"name": stream.name})

    def start(self, actor: Actor, words: str) -> Stream:
        """Begin to receive, or go on; batches are taken in under the name of whoever started it.

        Raises:
            Conflict: something else fills its table by now.

        """
        stream = self.stream(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, stream.org_id)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, stream.org_id)
        self.ingest.require_free(actor, stream.table, stream.org_id)
        position: Any = self.tables.positions(actor, stream.table).get(stream.id, 0)
        return self._set(actor, stream, StreamState.RUNNING, owner=actor, trouble=None, position=position)

    def pause(self, actor: Actor, words: str) -> Stream:
        """Receive no more; what was received still goes into the table, and a broker keeps what comes meanwhile."""
        stream = self.stream(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, stream.org_id)
        return self._set(actor, stream, StreamState.PAUSED)

    def _set(self, actor: Actor, stream: Stream, state: StreamState, **values: Any) -> Stream:
        with self.db.begin() as tx:
            StreamStore(tx.connection).change(stream.id, state=state.value, **values)
            self.evidence.record(
                tx, actor, f"ingest.stream_{state.value}", target=stream.id, detail={"table": stream.table}
            )
        return self.stream(actor, stream.id)

    def check_windows(self, stream: Stream, spec: WindowSpec) -> None:
        """Return if the columns of a stream fit a window.

        Raises:
            Invalid: one is missing, or of a type that does not fit.

        """
        from beijiang.ingest.typing import TypedSchema

        check_spec(spec, TypedSchema(tuple(c.spec for c in self._opened(stream).columns)).to_arrow())

    # Receiving

    def receive(
        self, actor: Actor, stream_id: str, body: bytes, *, key: str = "", signature: Signature | None = None
    ) -> Receipt:
        """Take one request of a sender as ``accept`` does; when this returns, it is on disk and will be in the table once."""
        return self.accept(actor, stream_id, body, key=key, signature=signature).wait()

    def serves(self, stream_id: str) -> bool:
        """Tell whether this process receives for a stream, so that ``accept`` of a signed request asks nobody else."""
        return self._attendant is not None and self._attendant.served(stream_id) is not None

    def accept(
        self, actor: Actor, stream_id: str, body: bytes, *, key: str = "", signature: Signature | None = None
    ) -> Promise:
        """Take one request of a sender; when its receipt is there, it is on disk and will be in the table once.

        ``key`` is the sender's name for the request: sent again within a day under the same key, it counts once.

        Raises:
            Unauthenticated, Denied: neither a key with the right scope nor a good signature.
            Invalid, TooLarge, Throttled: it cannot be taken as it is; nothing of it was received.
            Conflict, Unavailable: the stream is paused or not served now.

        """
        from beijiang.ingest.connectors.messages import Delivery, count_of
        from beijiang.ingest.connectors.stream_options import WebhookOptions

        served = self._attendant.served(stream_id) if self._attendant is not None else None
        stream = served.stream if served is not None else self._known(stream_id)
        if signature is not None:
            options = served.options if served is not None else self._opened(stream) if stream is not None else None
            secret = options.signing_key.get_secret_value() if isinstance(options, WebhookOptions) else ""
            self._check_signature(actor, stream, secret, signature, body=body, key=key)
            key = key or signature.value
        elif stream is None or not self.access.allows(actor, Permission.INGEST_MESSAGE_SEND, stream.org_id):
            self.access.require(actor, Permission.INGEST_MESSAGE_SEND)
            raise _no_stream(stream_id)
        else:
            self.access.require(actor, Permission.INGEST_MESSAGE_SEND, stream.org_id)
        assert stream is not None  # noqa: S101  # both ways above have seen to it
        served = _ready(served, stream)
        options = served.options
        assert isinstance(options, WebhookOptions)  # noqa: S101  # its kind was looked at
        served.pace.take()
        _check_size(body, key, options.max_kib << 10)
        delivery = Delivery(
            id=new_id("msg"),
            at=self.clock.now(),
            body=body,
            key=key,
            sender=actor.session_id or actor.id,
            messages=count_of(body, options.rows) if options.payload == "json" else 1,
        )
        return served.take(delivery)

    def _check_signature(
        self, actor: Actor, stream: Stream | None, secret: str, signature: Signature, *, body: bytes, key: str
    ) -> None:
        """Return if a request was signed with a stream's key; an unknown stream answers as one with another key does."""
        told = {"timestamp": signature.timestamp, "idempotency_key": key}
        try:
            checked_signature(secret, signature.value, **told, body=body, now=self.clock.now())
        except Unauthenticated as error:
            count = self._refusals.due()
            if count:
                detail: dict[str, JsonValue] = {"code": error.reason, "refused_since_last_note": count}
                target = "-" if stream is None else stream.id
                self.evidence.note(actor, "ingest.stream_refuse", target=target, decision=Decision.DENY, detail=detail)
            raise

    def _known(self, stream_id: str) -> Stream | None:
        with self.db.read() as connection:
            found = StreamStore(connection).stream(stream_id)
        return found if found is not None and found.id == stream_id else None

    # What build.py starts and stops, and what jobs do

    def attend(self) -> None:
        """Begin to look after the streams; for the process that holds the home."""
        from beijiang.ingest.service.attending import Attendant

        if self._attendant is None:
            self._attendant = Attendant(self.ingest, self.tables, self.access, self._opened, self._receiver)
            self._attendant.start()

    def stop(self) -> None:
        """Receive no more; everything that was told to senders is on disk."""
        if self._attendant is not None:
            self._attendant.stop()
            self._attendant = None

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Do the micro-batch that a job stands for; registered in build.py as the work of ``STREAM_JOB``."""
        from beijiang.ingest.service.streaming import StreamWork

        del arguments
        run_id, request = self.ingest.request_of(job.id)
        with self.db.read() as connection:
            stream = StreamStore(connection).stream(request.sync)
        if stream is None:
            raise _no_stream(request.sync)
        spool = self.ingest.settings.home / "spool" / stream.id
        StreamWork(self.ingest.shop, job, run_id, stream, options=self._opened(stream), spool=spool).do()
        return {"run": run_id}

    def locked_out(self) -> list[str]:
        """Return the names of streams whose secrets do not open; asked by the examination of the installation."""
        with self.db.read() as connection:
            every = StreamStore(connection).streams()
        lost = []
        for stream in every:
            try:
                self._secrets(stream)
            except BeijiangError:
                lost.append(stream.name)
        return lost

    # Inside

    def _receiver(self, served: Served) -> Receiver:
        from beijiang.ingest.connectors.mqtt import Subscription

        return Subscription(served, self.outbound.bound(Use.READ, served.stream.org_id), self.clock, served.tail)

    def _secrets(self, stream: Stream) -> dict[str, str]:
        return self._seals.opened(stream.id, stream.secrets)

    def _opened(self, stream: Stream) -> StreamOptions:
        return _model(stream.kind).model_validate({**stream.options, **self._secrets(stream)})


def _model(kind: StreamKind) -> type[StreamOptions]:
    from beijiang.ingest.connectors.stream_options import MqttOptions, WebhookOptions

    return WebhookOptions if kind is StreamKind.WEBHOOK else MqttOptions


def _ready(served: Served | None, stream: Stream) -> Served:
    if stream.kind is not StreamKind.WEBHOOK:
        raise Conflict("这个数据流不接收推送。", "This stream takes no posted messages.", code="not_a_webhook")
    if stream.state is not StreamState.RUNNING:
        raise Conflict(
            "数据流已暂停，没有接收。请联系数据专员重新启动后再发。",
            "The stream is paused; nothing was received. Ask the data steward to start it, then send again.",
            code="stream_paused",
        )
    if served is None:
        raise Unavailable(
            "数据流正在启动，没有接收。请稍后重发。",
            "The stream is being started; nothing was received. Send again in a moment.",
            code="stream_not_served",
        )
    return served


def _check_size(body: bytes, key: str, limit: int) -> None:
    if len(key) > _KEY or not key.isprintable():
        raise Invalid(
            f"Idempotency-Key 最多 {_KEY} 个可见字符。",
            f"An Idempotency-Key has {_KEY} printable characters at most.",
            code="bad_idempotency_key",
        )
    if len(body) > limit:
        raise TooLarge(
            f"请求体超过 {limit >> 10} KiB，没有接收。请拆成几个请求。",
            f"The body is over {limit >> 10} KiB; nothing was received. Split it into several requests.",
            code="body_too_large",
            detail={"limit_bytes": limit},
        )


def _check_key(key: tuple[str, ...], options: Mapping[str, Any]) -> None:
    names = [c["name"] for c in options["columns"]]
    strange = [k for k in key if k not in names]
    if strange:
        raise Invalid(
            f"主键列不在数据流的列中：{'、'.join(strange)}。",
            f"The stream has no column {', '.join(strange)} for its key.",
            code="unknown_column",
        )


def _has_source(table: str) -> Conflict:
    return Conflict(
        f"表“{table}”已有数据来源（一数一源）。请换一张表。",
        f'Table "{table}" is filled from a source already (one source per item). Choose another.',
        code="table_has_source",
    )


def _no_stream(words: str) -> NotFound:
    return NotFound(
        f"没有数据流“{words[:60]}”。beijiang streams list 列出全部。",
        f'There is no stream "{words[:60]}". beijiang streams list shows all.',
        code="stream_not_found",
    )
