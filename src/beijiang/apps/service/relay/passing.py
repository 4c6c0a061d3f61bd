"""One exchange between a visitor and a relayed application, through the one way out: checked address, caps on size and time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from beijiang.apps.models import Client
from beijiang.apps.models.relaying import answer_headers, asked_headers, led_to, unpacked
from beijiang.kit import Text, TooLarge

if TYPE_CHECKING:
    from beijiang.apps.service.clients.registry import Clients
    from beijiang.apps.service.clients.signing_on import SignOn
    from beijiang.outbound import Http, HttpStream, Outbound

__all__ = ["Passing", "RelayAsk", "RelayStart"]

_LEADS: Final = frozenset({201, 301, 302, 303, 307, 308})
_IDLE: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayAsk:
    """What a visitor asks."""

    method: str
    target: str
    """Path and query."""
    headers: Sequence[tuple[str, str]]
    body: Iterator[bytes] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStart:
    """How the answer begins; its body comes in ``pieces``."""

    status: int
    headers: Sequence[tuple[str, str]]
    pieces: Iterator[bytes] = field(repr=False)


class Passing:
    """Sends on and hands back."""

    def __init__(self, clients: Clients, sign_on: SignOn, outbound: Outbound) -> None:
        self.clients = clients
        self.sign_on = sign_on
        self._outbound = outbound

    @contextmanager
    def passed(self, client: Client, address: str, ask: RelayAsk, own: Mapping[str, str]) -> Iterator[RelayStart]:
        """Send a visitor's request on and hand over the answer as it comes.

        Raises:
            Refused: the address may not be reached, or the answer leads elsewhere (``relay_redirect``).
            Unavailable: no connection, broken off, or too slow.
            TooLarge: a body is over the limit.

        """
        upstream, most = client.facts.upstream, self.clients.settings.relay_body_mb << 20
        host = urlsplit(address).hostname or ""
        sent = asked_headers(ask.headers, own) | {"accept-encoding": "identity"}
        if any(name.lower() == "origin" for name, _ in ask.headers):
            sent["origin"] = upstream  # the door has seen that it was the application's own
        body = None if ask.body is None else _capped(ask.body, most)
        with (
            self.reach(client, self.clients.settings.relay_seconds, most) as http,
            http.relay(ask.method, f"{upstream}{ask.target}", headers=sent, content=body) as stream,
        ):
            yield self._started(stream, ask, upstream, address, host)

    def _started(self, stream: HttpStream, ask: RelayAsk, upstream: str, address: str, host: str) -> RelayStart:
        given = [(name, value) for name, value in stream.headers.multi_items()]
        whole = unpacked(stream.headers)
        https = address.startswith("https://")
        headers = answer_headers(given, host, whole=whole, https=https)
        where = stream.headers.get("location", "")
        if where and stream.status in _LEADS:
            headers.append(("location", led_to(where, upstream, ask.target, address, self.sign_on.issuer)))
        return RelayStart(status=stream.status, headers=headers, pieces=stream.pieces())

    @contextmanager
    def reach(self, client: Client, seconds: float, most: int) -> Iterator[Http]:
        """Open the way to an application: its department's, for calls; over plain http only where that is allowed.

        Raises:
            Refused: the address may not be reached (``target_not_allowed``, ``plain_http``).

        """
        from beijiang.outbound import Http, HttpLimits, Use

        way = self._outbound.bound(Use.CALL, client.org_id)
        parts = urlsplit(client.facts.upstream)
        if parts.scheme == "http":
            way.require_plain(parts.hostname or "", parts.port or 80)
        with Http(way, HttpLimits(body=most, seconds=seconds, idle=min(_IDLE, seconds), redirects=0)) as http:
            yield http


def _capped(body: Iterator[bytes], most: int) -> Iterator[bytes]:
    size = 0
    for piece in body:
        size += len(piece)
        if size > most:
            words = Text(f"内容超过 {most >> 20} MB。", f"The body is over {most >> 20} MB.")
            raise TooLarge(words.zh, words.en, code="relay_too_large")
        yield piece
