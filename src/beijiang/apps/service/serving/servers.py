"""Servers of bundles in Python: begun when somebody asks, stopped when nobody does, begun again with pauses when they end by themselves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from beijiang.access import Permission
from beijiang.apps.errors import (
    no_page,
    not_emptied,
    not_now,
    people_only,
    server_failed,
    server_full,
    server_held,
    server_waits,
    wrong_state,
)
from beijiang.apps.models import App, AppVersion, ServerStanding, ServerState, digest_of
from beijiang.apps.models.relaying import answer_headers, asked_headers, led_to, unpacked
from beijiang.apps.models.serving import pause_after
from beijiang.apps.service.audience import said
from beijiang.apps.service.counting import Served
from beijiang.apps.service.relay import RelayAsk, RelayStart
from beijiang.apps.service.serving.child import LOG, Child, ChildOrder, sweep_sockets
from beijiang.apps.service.serving.folders import Held, held_in, put_aside, sweep_aside
from beijiang.apps.store import AppStore, ServerStore
from beijiang.kit import ActorKind, BeijiangError, Conflict, Refused, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from beijiang.apps.service.cycle import Apps
    from beijiang.apps.service.viewers import Viewers
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.outbound import Outbound
    from beijiang.settings import Settings

__all__ = ["AppServers"]

AT_ONCE: Final = 8
"""Requests that one server answers at once; the next are told to come again."""
_BODY: Final = 16 << 20
_BROKEN: Final = 500
"""The first status that says that a server failed."""
_KEY_MARK: Final = "key_"
"""How proofs of a person's own API keys begin; those of applications' tokens begin otherwise."""
_STEADY: Final = 60.0
"""Seconds after which a server that ends by itself counts as having failed for the first time."""
_FULL: Final = "工作目录已满，请在应用页面清空 (the own folder is full; empty it on the application's page)"
_LINES: Final = 200
_SANDBOX: Final = (
    "sandbox allow-scripts allow-forms; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_LEADS: Final = frozenset({201, 301, 302, 303, 307, 308})


@dataclass(slots=True)
class _Place:
    """What is kept of one application's server while the platform runs."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))
    child: Child | None = None
    failures: int = 0
    wait_until: float = 0.0
    starts: int = 0


class AppServers:
    """Run the servers that reviewed bundles bring along, each in a process of its own."""

    def __init__(self, apps: Apps, viewers: Viewers, settings: Settings, outbound: Outbound) -> None:
        self.apps = apps
        self.access = apps.access
        self.viewers = viewers
        self.at = settings.public_url
        """Where this platform listens on this machine; who serves it says so."""
        self._settings = settings
        self._outbound = outbound
        self._folder = settings.home / "servers"
        self._places: dict[str, _Place] = {}
        self._turn = threading.Lock()
        self._keeper: ThreadPoolExecutor | None = None

    @contextmanager
    def answered(self, actor: Actor, app_id: str, ask: RelayAsk) -> Iterator[RelayStart]:
        """Ask the server of an application as its viewer, and hand over the answer as it comes.

        Raises:
            NotFound: no such application for the actor, or it has no server.
            Unauthenticated: nobody has signed in.
            Denied: an application asks, by itself or for somebody (``server_people_only``).
            Unavailable: it does not begin, waits before it begins again, is busy, or breaks off; its folder is full (``server_full``),
                or somebody stopped it (``server_held``).

        """
        app, bundle = self.apps.open(actor, app_id)
        if not bundle.server:
            raise no_page()
        if actor.is_anonymous:
            raise Unauthenticated(
                "请先登录，再使用应用的服务。",
                "Sign in before you use the server of an application.",
                code="server_sign_in",
            )
        if actor.kind is not ActorKind.PERSON and not (actor.session_id or "").startswith(_KEY_MARK):
            raise people_only()
        place, answer = self._place(app_id), Served()
        try:
            with self._room(place), self._answering(app, place, actor, ask) as start:
                answer.failed = start.status >= _BROKEN
                yield replace(start, pieces=answer.passing(start.pieces))
        except BeijiangError:
            answer.failed = True
            raise
        finally:
            self.apps.counting.note_served((app_id, app.current or 0), self.apps.clock.now().date(), answer)

    def standing(self, actor: Actor, app_id: str) -> tuple[ServerStanding | None, str]:
        """Return how an application's server stands and its last words, for whoever has to do with the application.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.apps.app(actor, app_id)
        with self.apps.db.read() as connection:
            found = ServerStore(connection).get(app_id)
        log = self._folder / app_id / LOG
        words = log.read_text(encoding="utf-8", errors="replace") if found is not None and log.exists() else ""
        return found, "\n".join(words.splitlines()[-_LINES:])

    def restart(self, actor: Actor, app_id: str) -> ServerStanding:
        """Have an application's server begun anew at the next request.

        Raises:
            NotFound: unknown, or none of the actor's business.
            Denied: the actor neither builds nor releases it.
            Conflict: it never ran (``server_never_ran``), or was stopped (``app_state``).

        """
        app = self._kept(actor, app_id)
        with self.apps.db.begin() as tx:
            found = self._begin_anew(tx, app_id)
            if found.held_at is not None:
                raise wrong_state("应用的服务已停止，请先启动。", "The server is stopped; start it first.")
            self.apps.evidence.record(tx, actor, "apps.server_restart", target=app_id, detail={"org": app.org_id})
        return found

    def hold(self, actor: Actor, app_id: str, reason: str) -> ServerStanding:
        """Stop an application's server; nobody's request begins it until it is started. Its pages go on.

        Raises:
            NotFound: unknown, or none of the actor's business.
            Denied: the actor neither builds nor releases it.
            Invalid: no reason (``app_reason``).
            Conflict: it never ran (``server_never_ran``), or is stopped already (``app_state``).

        """
        app, words = self._kept(actor, app_id), said(reason)
        place = self._place(app_id)
        with place.turn:
            found = self._turned(actor, app, words, off=True)
            if place.child is not None:
                self._stop(app_id, place, place.child)
        return found

    def let_run(self, actor: Actor, app_id: str) -> ServerStanding:
        """Let an application's server that was stopped run again, with the next request.

        Raises:
            NotFound: unknown, or none of the actor's business.
            Denied: the actor neither builds nor releases it.
            Conflict: it never ran (``server_never_ran``), or is not stopped (``app_state``).

        """
        return self._turned(actor, self._kept(actor, app_id), "", off=False)

    def _turned(self, actor: Actor, app: App, reason: str, *, off: bool) -> ServerStanding:
        with self.apps.db.begin() as tx:
            store = ServerStore(tx.connection)
            found = store.get(app.id)
            if found is None:
                raise _never_ran()
            if off == (found.held_at is not None):
                zh, en = ("已经停止", "It is stopped already.") if off else ("没有停止", "It is not stopped.")
                raise wrong_state(f"应用的服务{zh}。", en)
            store.hold(app.id, self.apps.clock.now() if off else None, reason)
            action = "apps.server_stop" if off else "apps.server_start"
            detail: dict[str, JsonValue] = {"org": app.org_id, "reason": reason}
            self.apps.evidence.record(tx, actor, action, target=app.id, detail=detail)
            changed = store.get(app.id)
            assert changed is not None  # noqa: S101 - it was written to just now
        return changed

    def clear(self, actor: Actor, app_id: str, reason: str) -> Held:
        """Empty the own folder of an application's server for good, and have it begun anew; return what it held.

        Raises:
            NotFound: unknown, or none of the actor's business.
            Denied: the actor neither builds nor releases it.
            Invalid: no reason (``app_reason``).
            Conflict: it never ran (``server_never_ran``).
            Unavailable: the server has an empty folder, but some of the old one could not be removed (``server_left``).

        """
        app, words = self._kept(actor, app_id), said(reason)
        place, folder = self._place(app_id), self._folder / app_id
        with place.turn:
            if place.child is not None:
                self._stop(app_id, place, place.child)
            held = held_in(folder)
            with self.apps.db.begin() as tx:
                standing = self._begin_anew(tx, app_id)
                detail: dict[str, JsonValue] = {
                    "org": app.org_id, "entries": held.entries, "bytes": held.bytes, "full": held.is_full, "reason": words,
                }  # fmt: skip
                self.apps.evidence.record(tx, actor, "apps.server_clear", target=app_id, detail=detail)
            aside = put_aside(folder)  # only once it is evidence
            if standing.error == _FULL:
                self._say(app_id, standing.version, standing.state, place)
        sweep_aside(self._folder)
        if aside is not None and aside.exists():
            raise not_emptied()
        return held

    def _kept(self, actor: Actor, app_id: str) -> App:
        """Return an application whose server the actor may look after."""
        app, _ = self.apps.app(actor, app_id)
        if not self.access.allows(actor, Permission.APPS_APP_BUILD, app.org_id):
            self.access.require(actor, Permission.APPS_APP_RELEASE, app.org_id)
        return app

    def _begin_anew(self, tx: UnitOfWork, app_id: str) -> ServerStanding:
        store = ServerStore(tx.connection)
        if not store.want_restart(app_id, self.apps.clock.now()):
            raise _never_ran()
        found = store.get(app_id)
        assert found is not None  # noqa: S101 - it was written to just now
        return found

    # What the clock and the platform's own parts ask

    def watch(self) -> None:
        """Stop what is idle, off or too large, and note what ended by itself; called by the dispatcher."""
        with self._turn:
            places = list(self._places.items())
        for app_id, place in places:
            with place.turn:
                child = place.child
                if child is None:
                    continue
                if not child.lives:
                    self._ended(app_id, place, child)
                elif self._is_full(app_id):
                    self._stop(app_id, place, child, _FULL)
                elif self._is_over(app_id, child):
                    self._stop(app_id, place, child)

    def start(self) -> None:
        """Remove what an earlier platform left behind."""
        sweep_sockets()
        sweep_aside(self._folder)

    def stop(self) -> None:
        """End every server."""
        with self._turn:
            places, self._places = list(self._places.items()), {}
            keeper, self._keeper = self._keeper, None
        for app_id, place in places:
            with place.turn:
                if place.child is not None:
                    self._stop(app_id, place, place.child)
        if keeper is not None:
            keeper.shutdown(wait=True)

    def pid(self, app_id: str) -> int | None:
        """Return the number of the process of an application's server that runs now."""
        child = self._place(app_id).child
        return child.pid if child is not None and child.lives else None

    # Inside

    @contextmanager
    def _room(self, place: _Place) -> Iterator[None]:
        if not place.room.acquire(blocking=False):
            raise not_now()
        try:
            yield
        finally:
            place.room.release()

    @contextmanager
    def _answering(self, app: App, place: _Place, viewer: Actor, ask: RelayAsk) -> Iterator[RelayStart]:
        """Have the process that runs, or is begun, answer."""
        self._require_room(app, place)
        child = self._running(app, place)
        child.used_at = time.monotonic()
        with self._exchange(app, child, viewer, ask) as start:
            yield start
        child.used_at = time.monotonic()

    def _place(self, app_id: str) -> _Place:
        with self._turn:
            return self._places.setdefault(app_id, _Place())

    def _running(self, app: App, place: _Place) -> Child:
        """Return the process of the version in use; begin it where there is none."""
        version, wanted_at = self._version(app)
        with place.turn:
            child = place.child
            if child is not None and not child.lives:
                self._ended(app.id, place, child)
                child = None
            if child is not None and (child.digest != version.digest or child.began_at < wanted_at):
                self._stop(app.id, place, child)
                child = None
            if child is None:
                version, _ = self._version(app)  # again: it may have been stopped while this one waited for the turn
                child = self._begun(app, version, place)
            return child

    def _version(self, app: App) -> tuple[AppVersion, float]:
        """Return the version in use, whose files are those that were reviewed, and when a restart was wanted, on the steady clock."""
        with self.apps.db.read() as connection:
            found = AppStore(connection).version(app.id, app.current or 0)
            standing = ServerStore(connection).get(app.id)
        if found is None or digest_of(found.files) != found.digest:
            raise Conflict(
                "应用文件与提交时的摘要不符，已停止运行。请联系平台管理员。",
                "The files of the application are not those that were submitted, so it does not run. Tell the operator.",
                code="app_changed",
            )
        if standing is not None and standing.held_at is not None:
            raise server_held()
        wanted = None if standing is None else standing.restart_at
        ago = float("inf") if wanted is None else (self.apps.clock.now() - wanted).total_seconds()
        return found, time.monotonic() - ago

    def _begun(self, app: App, version: AppVersion, place: _Place) -> Child:
        left = place.wait_until - time.monotonic()
        if left > 0:
            raise server_waits(int(left) + 1)
        files = {
            name.removeprefix("server/"): text for name, text in version.files.items() if name.startswith("server/")
        }
        folder = self._folder / app.id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        order = ChildOrder(
            folder=folder.resolve(), files=files, digest=version.digest, version=version.number, bridge=self._bridged
        )
        place.starts += 1
        child = Child(order, self._settings, self._spawn)
        if not child.is_walled:
            self._ended(app.id, place, child)
            raise server_failed()
        place.child = child
        self._say(app.id, version.number, ServerState.RUNNING, place, walls=child.walls)
        return child

    def _spawn(self, work: Callable[[], object]) -> object:
        with self._turn:
            if self._keeper is None:
                self._keeper = ThreadPoolExecutor(1, thread_name_prefix="beijiang-servers")
            keeper = self._keeper
        return keeper.submit(work).result()

    def _bridged(self, path: Path) -> Callable[[], None]:
        from beijiang.outbound import Bridge

        at = urlsplit(self.at)
        return Bridge(path, at.hostname or "127.0.0.1", at.port or 80).close

    def _ended(self, app_id: str, place: _Place, child: Child) -> None:
        """Note a process that ended by itself; the next one waits, longer each time."""
        if time.monotonic() - child.began_at > _STEADY:
            place.failures = 0
        self._failed(place)
        child.end()
        place.child = None
        self._say(app_id, child.version, ServerState.WAITING, place, walls=child.walls, error=child.last_line)

    def _failed(self, place: _Place) -> None:
        place.failures += 1
        place.wait_until = time.monotonic() + pause_after(place.failures)

    def _stop(self, app_id: str, place: _Place, child: Child, error: str = "") -> None:
        child.end()
        place.child = None
        place.failures, place.wait_until = 0, 0.0
        self._say(app_id, child.version, ServerState.STOPPED, place, walls=child.walls, error=error)

    def _require_room(self, app: App, place: _Place) -> None:
        """Return if the server's own folder has room; stop it otherwise, and say so where its department looks."""
        if not self._is_full(app.id):
            return
        with place.turn:
            if place.child is not None:
                self._stop(app.id, place, place.child, _FULL)
            else:
                with self.apps.db.read() as connection:
                    standing = ServerStore(connection).get(app.id)
                if standing is None or standing.error != _FULL:
                    self._say(app.id, app.current or 0, ServerState.STOPPED, place, error=_FULL)
        raise server_full()

    def _is_full(self, app_id: str) -> bool:
        """Tell whether a server's own folder holds more than it may; the look itself is bounded."""
        return held_in(self._folder / app_id).is_full

    def _is_over(self, app_id: str, child: Child) -> bool:
        idle = time.monotonic() - child.used_at > self._settings.server_idle_seconds
        with self.apps.db.read() as connection:
            app, standing = AppStore(connection).get(app_id), ServerStore(connection).get(app_id)
        held = standing is not None and standing.held_at is not None
        return idle or held or app is None or not app.serves or app.current != child.version

    def _say(
        self, app_id: str, version: int, state: ServerState, place: _Place, walls: tuple[str, ...] = (), error: str = ""
    ) -> None:
        standing = ServerStanding(
            app_id=app_id,
            version=version,
            state=state,
            since=self.apps.clock.now(),
            starts=place.starts,
            walls=walls,
            error=error,
        )
        with self.apps.db.begin(counted=False) as tx:
            ServerStore(tx.connection).set(standing)

    @contextmanager
    def _exchange(self, app: App, child: Child, viewer: Actor, ask: RelayAsk) -> Iterator[RelayStart]:
        from beijiang.outbound import Http, HttpLimits

        prefix = f"/apps/{quote(app.id)}/server"
        told = {"id": viewer.id, "name": viewer.name, "org": viewer.org_id}
        own = {
            "x-beijiang-viewer": json.dumps(told),
            "x-beijiang-token": self.viewers.issue(app, viewer),
            "x-beijiang-prefix": prefix,
            "accept-encoding": "identity",
        }
        given = [(name, value) for name, value in ask.headers if name.lower() not in {"cookie", "authorization"}]
        limits = HttpLimits(
            body=_BODY, seconds=self._settings.server_seconds, idle=self._settings.server_seconds, redirects=0
        )
        try:
            with (
                Http(self._outbound, limits, socket=child.socket) as http,
                http.relay(
                    ask.method, f"http://application{ask.target}", headers=asked_headers(given, own), content=ask.body
                ) as stream,
            ):
                heads = [(n, v) for n, v in stream.headers.multi_items() if n.lower() != "set-cookie"]
                headers = answer_headers(heads, "", whole=unpacked(stream.headers), https=False)
                headers = [(n, _SANDBOX if n == "content-security-policy" else v) for n, v in headers]
                where = stream.headers.get("location", "")
                if where and stream.status in _LEADS:
                    led = led_to(where, "http://application", ask.target, "http://application", "")
                    headers.append(("location", led if led.startswith(f"{prefix}/") else f"{prefix}{led}"))
                yield RelayStart(status=stream.status, headers=headers, pieces=stream.pieces())
        except (Unavailable, Refused) as error:
            raise self._told(child, error) from error

    def _told(self, child: Child, error: BeijiangError) -> BeijiangError:
        return error if child.lives else server_failed()


def _never_ran() -> Conflict:
    return Conflict(
        "这个应用的服务还没有运行过。", "The server of this application never ran.", code="server_never_ran"
    )
