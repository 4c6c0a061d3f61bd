"""What the process that serves a home does for its streams: hold their spools, receive, and have batches taken in."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import platform
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from beijiang.ingest.connectors.messages import Delivery, line_of
from beijiang.ingest.connectors.stream_options import WebhookOptions
from beijiang.ingest.models import (
    STREAM_JOB,
    IngestRequest,
    Receipt,
    RunMode,
    RunState,
    Stream,
    StreamKind,
    StreamState,
)
from beijiang.ingest.service.announcing import Announcer
from beijiang.ingest.service.promising import WAIT, Promise
from beijiang.ingest.service.signing import Pace
from beijiang.ingest.store.spool import Spool, lines_of
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import SYSTEM, BeijiangError, Busy, Text

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.ingest.connectors.stream_options import StreamOptions
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Tables

__all__ = ["Attendant", "Served"]

log = logging.getLogger(__name__)

_EVERY: Final = 0.25
_TELL_EVERY: Final = 2.0
_ROUND: Final = 0.4
"""Seconds from one telling of closed segments to the next, at the least."""
_LEASE: Final = timedelta(seconds=30)
_KEYS_FOR: Final = timedelta(hours=24)
_TAIL: Final = 200
_PAUSES: Final = (5.0, 300.0)


class Receiver(Protocol):
    """What brings messages by itself."""

    def start(self) -> None:
        """Begin to receive, and keep at it."""
        ...

    def stop(self) -> None:
        """Receive no more; the other side keeps what comes meanwhile."""
        ...

    def live(self) -> dict[str, JsonValue]:
        """Return what people want to know of it."""
        ...


@dataclass
class Served:
    """One stream in the hands of this process."""

    stream: Stream
    options: StreamOptions
    spool: Spool
    pace: Pace
    tail: Callable[[], Sequence[Path]] = tuple
    """Lists the files of what came last, in order, from which repetitions are known."""
    receiver: Receiver | None = None
    keys: dict[str, tuple[Future[Receipt], float]] = field(default_factory=dict)
    """What answers for a key, and since when it is on disk; until then, since when it waits."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    received: int = 0
    last_at: str | None = None
    told_at: float = 0.0
    told_received: int = 0
    told: dict[str, JsonValue] = field(default_factory=dict)
    run_id: str | None = None
    again_at: float = 0.0
    pause: float = _PAUSES[0]
    renewed_at: float = 0.0
    looked_at: float = 0.0
    announcer: Announcer | None = None
    """Who tells listeners of closed segments."""

    def take(self, delivery: Delivery) -> Promise:
        """Hand a delivery to the spool and return what its receipt is had from; one received before is not put there again."""
        receipt = Receipt(delivery.id, delivery.messages, again=False)
        future: Future[Receipt] = Future()
        if delivery.key:
            with self.lock:
                there = self.keys.get(delivery.key)
                if there is None:
                    self.keys[delivery.key] = (future, time.monotonic())
            if there is not None:
                return Promise(there[0], again=True)
        try:
            self.spool.put(line_of(delivery), partial(self._told, future, receipt, delivery), delivery.key)
        except BeijiangError as error:
            self._told(future, receipt, delivery, error)
        return Promise(future)

    def before(self, keys: Sequence[str], receipts: Callable[[Sequence[str]], Mapping[str, Receipt]]) -> set[str]:
        """Tell those whose keys were received before this process or long ago; return their keys."""
        found = receipts(keys)
        for key, receipt in found.items():
            with self.lock:
                there = self.keys.get(key)
            if there is not None:
                there[0].set_result(receipt)
        return set(found)

    def _told(
        self, future: Future[Receipt], receipt: Receipt, delivery: Delivery, trouble: BaseException | None
    ) -> None:
        if trouble is None:
            self.received += 1
            self.last_at = delivery.at.isoformat(timespec="seconds")
            if delivery.key:
                with self.lock:
                    self.keys[delivery.key] = (future, time.monotonic())
            future.set_result(receipt)
            return
        with self.lock:
            self.keys.pop(delivery.key, None)
        future.set_exception(trouble)

    def sweep(self, seconds: float) -> None:
        """Forget keys that are in the database by now."""
        before = time.monotonic() - seconds
        with self.lock:
            for key in [k for k, (told, at) in self.keys.items() if told.done() and at < before]:
                del self.keys[key]


class Attendant:
    """Look after the streams of this home until told to stop."""

    def __init__(
        self,
        ingest: Ingest,
        tables: Tables,
        access: Access,
        opened: Callable[[Stream], StreamOptions],
        receiver: Callable[[Served], Receiver],
    ) -> None:
        self.ingest = ingest
        self.tables = tables
        self.access = access
        self._opened = opened
        self._receiver = receiver
        self._served: dict[str, Served] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._teller: threading.Thread | None = None
        self._closed = threading.Event()
        self._swept = 0.0
        place = f"{platform.node()} {ingest.settings.home.resolve()}"
        self._holder = hashlib.sha256(place.encode()).hexdigest()[:32]

    def start(self) -> None:
        """Begin; for the process that holds the home."""
        self._stopping.clear()
        self._look()
        self._thread = threading.Thread(target=self._attend, name="beijiang-streams", daemon=True)
        self._thread.start()
        self._teller = threading.Thread(target=self._announce, name="beijiang-announcing", daemon=True)
        self._teller.start()

    def stop(self) -> None:
        """Receive no more and put on disk what has come."""
        if self._thread is None:
            return
        self._stopping.set()
        self._closed.set()
        self._thread.join()
        self._thread = None
        if self._teller is not None:
            self._teller.join()
            self._teller = None
        for served in [*self._served.values()]:
            self._let_go(served)

    def served(self, stream_id: str) -> Served | None:
        """Return a stream that this process receives for."""
        return self._served.get(stream_id)

    def _attend(self) -> None:
        while not self._stopping.wait(_EVERY):
            self._look()

    def _announce(self) -> None:
        """Tell of closed segments in a thread of its own: whoever listens does not wait for what batches have to do."""
        took = 0.0
        while not self._stopping.wait(max(_EVERY, _ROUND - took)):  # many at once rather than a few often
            self._closed.wait(_ROUND)
            self._closed.clear()
            began = time.monotonic()
            for served in [*self._served.values()]:
                if served.announcer is not None:
                    served.announcer.look(served.stream, served.options, served.spool)
            took = time.monotonic() - began

    def _look(self) -> None:
        try:
            with self.ingest.db.read() as connection:
                streams = {s.id: s for s in StreamStore(connection).streams()}
            for gone in [s for i, s in self._served.items() if i not in streams]:
                self._let_go(gone)
            for stream in streams.values():
                self._look_at(stream)
            self._sweep()
        except Exception:  # the attendant outlives a failing database and tries again
            log.exception("looking after streams failed; it will be tried again")

    def _look_at(self, stream: Stream) -> None:
        served = self._served.get(stream.id)
        if served is not None and (served.stream.options, served.stream.secrets) != (stream.options, stream.secrets):
            self._let_go(served)
            served = None
        try:
            if served is None:
                served = self._take_up(stream)
            served.stream = stream
            self._renew(served)
            self._receive(served)
            self._batch(served)
            self._tell(served)
        except Busy:
            return  # another process has it
        except BeijiangError as error:
            if served is not None:
                self._put_off(served)
            self._trouble(stream, error)

    def _take_up(self, stream: Stream) -> Served:
        options = self._opened(stream)
        self._lease(stream)
        folder = self.ingest.settings.home / "spool" / stream.id
        spool = Spool(folder, seconds=options.batch_seconds, limit=self.ingest.settings.spool_limit_bytes)
        spool.closes = self._closed.set
        spool.open(lambda: max(stream.position, self._last_landed(stream.id)))
        pace = Pace(options.per_second if isinstance(options, WebhookOptions) else 1.0)
        tail = partial(self._tail, stream.id, spool)
        served = Served(stream, options, spool, pace, tail=tail, renewed_at=time.monotonic())
        served.announcer = Announcer(self.ingest)
        spool.known = partial(served.before, receipts=partial(self._receipts, stream.id))
        for _, path in spool.closed():
            with contextlib.suppress(FileNotFoundError):  # landed meanwhile: the database knows its keys
                self._recall(served, path)
        # A run that the last process began goes on; another beside it would take in the same segments.
        open_runs = [r.id for r in self.ingest.runs(SYSTEM, table=stream.table, limit=_TAIL) if not r.ended]
        served.run_id = open_runs[0] if open_runs else None
        self._served[stream.id] = served
        return served

    def _last_landed(self, stream_id: str) -> int:
        with self.ingest.db.read() as connection:
            last = StreamStore(connection).last_segment(stream_id)
        return last.seq if last else 0

    def _tail(self, stream_id: str, spool: Spool) -> list[Path]:
        """List what came last, wherever it is: what is landed after the spool was listed, the database knows by then."""
        files = dict(spool.closed())
        with self.ingest.db.read() as connection:
            store = StreamStore(connection)
            last = store.last_segment(stream_id)
            landed = store.segments(stream_id, max(0, last.seq - _TAIL) if last else 0, _TAIL)
        files |= {segment.seq: self.ingest.landing.path(segment.sha256) for segment in landed}
        return [files[seq] for seq in sorted(files)]

    def _recall(self, served: Served, path: Path) -> None:
        """Know the keys of what was on disk and not landed when the last process ended."""
        for line in lines_of(path):
            told = orjson.loads(line) if b'"key":' in line else {}
            if told.get("key"):
                promise: Future[Receipt] = Future()
                promise.set_result(Receipt(told["id"], told.get("n", 1), again=True))
                served.keys[told["key"]] = (promise, time.monotonic())

    def _receipts(self, stream_id: str, keys: Sequence[str]) -> dict[str, Receipt]:
        with self.ingest.db.read() as connection:
            found = StreamStore(connection).receipts(stream_id, keys)
        return {key: Receipt(told[0], told[1], again=True) for key, told in found.items()}

    def _lease(self, stream: Stream) -> None:
        now = self.ingest.clock.now()
        with self.ingest.db.begin() as tx:
            if not StreamStore(tx.connection).take_lease(stream.id, self._holder, now, now + _LEASE):
                raise Busy(
                    "另一个进程正在接收这个数据流。", "Another process receives this stream.", code="stream_held"
                )

    def _renew(self, served: Served) -> None:
        if time.monotonic() - served.renewed_at < _LEASE.total_seconds() / 3:
            return
        try:
            self._lease(served.stream)
        except Busy:  # this process slept too long and another has taken over
            self._let_go(served)
            raise
        served.renewed_at = time.monotonic()

    def _let_go(self, served: Served) -> None:
        self._served.pop(served.stream.id, None)
        if served.receiver is not None:
            served.receiver.stop()
        served.spool.close()
        with contextlib.suppress(BeijiangError), self.ingest.db.begin() as tx:
            StreamStore(tx.connection).drop_lease(served.stream.id, self._holder)

    def _receive(self, served: Served) -> None:
        wanted = served.stream.kind is StreamKind.MQTT and served.stream.state is StreamState.RUNNING
        if wanted and served.receiver is None:
            served.receiver = self._receiver(served)
            served.receiver.start()
        if not wanted and served.receiver is not None:
            served.receiver.stop()
            served.receiver = None
            served.spool.seal()

    # Batches

    def _batch(self, served: Served) -> None:
        """Have closed segments taken in, one run at a time."""
        stream = served.stream
        if served.run_id is not None and not self._ended(served):
            return
        if time.monotonic() < served.again_at:
            return
        closed = served.spool.look()
        if not closed and time.monotonic() - served.looked_at < _TELL_EVERY:
            return
        served.looked_at = time.monotonic()
        position: Any = self.tables.positions(stream.owner, stream.table).get(stream.id, 0)
        if position < stream.position:
            self._trouble(stream, _rolled_back(stream, position))
            served.again_at = time.monotonic() + _PAUSES[0]
            return
        with self.ingest.db.read() as connection:
            landed = StreamStore(connection).segments(stream.id, position, 1)
        if not landed and not any(seq > position for seq, _ in closed):
            served.sweep(served.options.batch_seconds + WAIT)
            return
        actor = self.access.current(stream.owner)
        self.ingest.require_free(actor, stream.table, stream.org_id)
        request = IngestRequest(
            files=(),
            into=stream.table,
            org_id=stream.org_id,
            key=stream.key,
            mode=RunMode.MERGE if stream.key else RunMode.APPEND,
            sync=stream.id,
        )
        served.run_id = self.ingest.queue(actor, request, [], STREAM_JOB)

    def _ended(self, served: Served) -> bool:
        run = self.ingest.kept(served.run_id or "")
        if not run.ended:
            return False
        served.run_id = None
        if run.state is RunState.COMMITTED:
            served.pause = _PAUSES[0]
        else:
            self._put_off(served)
            told: Any = run.error or {
                "code": run.state.value,
                "zh": "任务没有完成。",
                "en": "The run was not finished.",
            }
            self._note(served.stream, told | {"run": run.id})
        return True

    def _put_off(self, served: Served) -> None:
        """Try again later, each time a little later."""
        served.again_at = time.monotonic() + served.pause
        served.pause = min(served.pause * 2, _PAUSES[1])

    # Telling

    def _trouble(self, stream: Stream, error: BeijiangError) -> None:
        self._note(stream, {"code": error.reason, "zh": error.text.zh, "en": error.text.en})

    def _note(self, stream: Stream, trouble: dict[str, Any]) -> None:
        if stream.trouble is not None and stream.trouble.get("code") == trouble.get("code"):
            return
        with self.ingest.db.begin() as tx:
            StreamStore(tx.connection).change(stream.id, trouble=trouble)

    def _tell(self, served: Served) -> None:
        """Write down how it goes, every other second while something changes."""
        passed = time.monotonic() - served.told_at
        if passed < _TELL_EVERY:
            return
        rate = (served.received - served.told_received) / passed if served.told_at else 0.0
        served.told_at, served.told_received = time.monotonic(), served.received
        live: dict[str, JsonValue] = {
            "received": served.received,
            "per_second": round(rate, 1),
            "waiting_bytes": served.spool.held,
            **(served.receiver.live() if served.receiver is not None else {}),
        }
        if served.last_at is not None:
            live["last_message_at"] = served.last_at
        if live == served.told:
            return
        served.told = live
        with self.ingest.db.begin() as tx:
            StreamStore(tx.connection).change(served.stream.id, live=live)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept < 600:  # noqa: PLR2004 - seconds; keys are kept for a day
            return
        self._swept = time.monotonic()
        with self.ingest.db.begin() as tx:
            StreamStore(tx.connection).sweep_keys(self.ingest.clock.now() - _KEYS_FOR)


def _rolled_back(stream: Stream, position: int) -> BeijiangError:
    text = Text(
        f"表“{stream.table}”已回滚到数据流第 {position} 段，而之后的消息曾经入表。重新启动该数据流（streams start），即从这里起再次入表。",
        f'Table "{stream.table}" was rolled back to segment {position} of the stream. Start the stream again (streams start) to take in what came after it once more.',
    )
    return BeijiangError(text.zh, text.en, code="rolled_back")
