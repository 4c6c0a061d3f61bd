"""Serve and work in one process: the web server in front, the job engine behind it, one clean end for both."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from beijiang.app import create_app, folder_app
from beijiang.kit import Busy, Text
from beijiang.settings import HEALTH_LEAST
from beijiang.terminal import say

if TYPE_CHECKING:
    from pathlib import Path

    from beijiang.build import Platform
    from beijiang.exchange.routes.flight import FlightServer
    from beijiang.kit import Actor
    from beijiang.settings import Settings

log = logging.getLogger(__name__)

RETRY_SECONDS = 10.0
SHUTDOWN_SECONDS = 30
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_IMPATIENT = 3
"""So many signals after the server is down leave at once, whatever has not ended."""


class _Server(uvicorn.Server):
    """A server that leaves the signals to us: uvicorn would raise them again after its own shutdown."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Take the address before anything slow is done; port 0 takes a free one.

    Raises:
        Busy: ``port_in_use``, another program listens there.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise Busy(
            f"{host}:{port} 无法监听，多半已被别的程序占用。请先停止它，或用 --port（或 BEIJIANG_PORT）换一个端口。",
            f"Cannot listen on {host}:{port}; another program probably does. Stop it, or choose another port with --port or BEIJIANG_PORT.",
            code="port_in_use",
            detail={"host": host, "port": port},
        ) from error
    # Connections inherit it. asyncio would set it on sockets that name their protocol, which these do not: head and body of an
    # answer on a connection that is kept would wait 40 ms for each other.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def address_of(listener: socket.socket) -> str:
    """Return the address under which the listener is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(platform: Platform, listener: socket.socket, ready: Callable[[str], None] | None = None) -> None:
    """Hold the home, serve until SIGINT or SIGTERM, finish what is running, then leave.

    Args:
        platform: the wired platform.
        listener: a socket of ``listen``.
        ready: called once with the address when the first request can be answered.

    Raises:
        Busy: another process holds the home.

    """
    warn(platform.settings)
    with platform.lock.held("serve"):
        platform.start()
        try:
            answer_requests(platform, listener, ready)
        finally:
            platform.stop()


def warn(settings: Settings) -> None:
    """Say which settings are taken otherwise than they are written."""
    if settings.health_seconds < HEALTH_LEAST:
        say(
            Text(
                f"设置 health_seconds 为 {settings.health_seconds}，少于 {HEALTH_LEAST} 的按 {HEALTH_LEAST} 秒计。请改为 {HEALTH_LEAST} 或更大。",
                f"The setting health_seconds is {settings.health_seconds}; less than {HEALTH_LEAST} counts as {HEALTH_LEAST}. Set {HEALTH_LEAST} or more.",
            )
        )


def serve_folder(platform: Platform, folder: Path, who: Callable[[], Actor], port: int) -> None:
    """Serve the pages of an application that is being written, on this machine alone, until Ctrl-C.

    Raises:
        Busy: another program listens at the port.

    """
    listener, key = listen("127.0.0.1", port), secrets.token_urlsafe(16)
    config = uvicorn.Config(
        folder_app(platform, folder, who, key),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,  # an open page waits for changes and would hold the end up
    )
    address = f"{address_of(listener)}/writing/{key}/pages/-"
    say(
        Text(
            f"预览在 {address}（保存文件即更新，Ctrl-C 停止）",
            f"The preview is at {address} (renewed when you save; Ctrl-C stops it)",
        )
    )
    uvicorn.Server(config).run(sockets=[listener])


def _flight(platform: Platform) -> FlightServer | None:
    """Start the server of Flight SQL where the settings want it.

    Raises:
        Busy: another program listens at its address.

    """
    settings = platform.settings
    if not settings.flight:
        return None
    from beijiang.exchange.routes.flight import FlightServer

    if settings.flight_port:  # its own library would share the address with whoever else listens there
        _free(settings.flight_host, settings.flight_port)
    server = FlightServer(platform.flight, platform.access, settings, platform.subscriptions)
    say(Text(f"Flight SQL 在 {server.address}", f"Flight SQL is served at {server.address}"))
    return server


def _free(host: str, port: int) -> None:
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise Busy(
            f"Flight SQL 无法在 {host}:{port} 监听，多半已被别的程序占用。请用 --flight-port（或 BEIJIANG_FLIGHT_PORT）换一个端口。",
            f"Flight SQL cannot listen on {host}:{port}; another program probably does. Choose another port with --flight-port or BEIJIANG_FLIGHT_PORT.",
            code="port_in_use",
            detail={"host": host, "port": port},
        ) from error


def answer_requests(platform: Platform, listener: socket.socket, ready: Callable[[str], None] | None = None) -> None:
    """Serve a platform that already holds its home and works off its jobs."""
    platform.app_servers.at = address_of(listener)
    flight = _flight(platform)
    try:
        asyncio.run(_serve(platform, listener, ready))
        _leave_in_peace()
    finally:
        if flight is not None:
            flight.close()


def _leave_in_peace() -> None:
    """Let what ends now end: a signal that comes late interrupts nothing, a few more leave at once."""
    late = 0

    def count(number: int, frame: object) -> None:
        nonlocal late
        del frame
        late += 1
        if late >= _IMPATIENT:
            os._exit(128 + number)

    for kind in _SIGNALS:
        signal.signal(kind, count)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


async def _serve(platform: Platform, listener: socket.socket, ready: Callable[[str], None] | None) -> None:
    config = uvicorn.Config(
        create_app(platform),
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(platform.settings.trusted_proxies),
        forwarded_allow_ips=platform.settings.trusted_proxies or None,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        lifespan="off",  # nothing of ours begins or ends with it, and a hasty end would log it as an error
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    stop = threading.Event()
    for kind in _SIGNALS:
        loop.add_signal_handler(kind, _stop, server, stop, platform)
    redelivery = threading.Thread(target=_redeliver, args=(platform, stop), name="redelivery", daemon=True)
    redelivery.start()
    await asyncio.gather(server.serve(sockets=[listener]), _announce(server, listener, ready))
    stop.set()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # they wait until the loop, which hears them, is closed


def _stop(server: uvicorn.Server, stop: threading.Event, platform: Platform) -> None:
    """Stop accepting and finish, and let open pages go; a second signal leaves at once."""
    platform.live.end()
    if server.should_exit:
        server.force_exit = True
        for name in ("uvicorn.error", "asyncio"):  # what is cut off now was told to be
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    server.should_exit = True
    stop.set()


async def _announce(server: uvicorn.Server, listener: socket.socket, ready: Callable[[str], None] | None) -> None:
    while not server.started:
        if server.should_exit:
            return
        await asyncio.sleep(0.02)
    address = address_of(listener)
    if ready is not None:
        ready(address)
    else:
        say(Text(f"云上北疆在 {address} 上等您（Ctrl-C 停止）", f"Beijiang is served at {address} (Ctrl-C stops it)"))


def _redeliver(platform: Platform, stop: threading.Event) -> None:
    known: frozenset[int] = frozenset()
    while not stop.wait(RETRY_SECONDS):
        try:
            known = platform.db.deliver_again(known)
        except Exception:  # a database that is away for a while must not end this for good
            log.exception("looking for what was not told failed; it will be tried again")
