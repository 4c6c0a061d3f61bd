"""The one HTTP client: checked addresses at every connection and redirect, verified TLS, and an end to size and time.

It knows no proxies from the environment, keeps no cookies, writes nothing to a log, and says what fails in words of its own.
"""

from __future__ import annotations

import re
import ssl
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import httpcore
import httpx

from beijiang.outbound import troubles
from beijiang.outbound.models import MAX_PORT
from beijiang.outbound.wire import CheckedBackend, Deadline, tls_context

if TYPE_CHECKING:
    from beijiang.outbound.addresses import Outbound

__all__ = ["Credentials", "Http", "HttpAnswer", "HttpLimits", "HttpStream", "Url", "parsed", "same_origin"]

Url: TypeAlias = httpx.URL

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GZIP: Final = frozenset({"gzip", "x-gzip"})
_GZIP_BITS: Final = 31
_PIECE: Final = 65_536
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_AGENT: Final = "beijiang"


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How much one exchange may cost."""

    body: int = 64 * 1024 * 1024
    """Bytes of the body after unpacking."""
    seconds: float = 120.0
    """From the first connection to the last byte, redirects included."""
    idle: float = 30.0
    """Without a single byte."""
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who asks; it goes to the host that was named and to no other."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer, within the limits."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    url: Url = field(repr=False)


class HttpStream:
    """An answer whose body has yet to come."""

    def __init__(self, response: httpcore.Response, url: Url, limit: int) -> None:
        self.status = response.status
        self.headers = httpx.Headers(response.headers)
        self.url = url
        self._response = response
        self._limit = limit

    def pieces(self) -> Iterator[bytes]:
        """Yield the body, unpacked, in pieces of bounded size.

        Raises:
            TooLarge: it is over the limit, by its own word or in fact.
            Invalid: it is packed in an odd way.
            Unavailable: it ends too early, or too late.

        """
        told = self.headers.get("content-length", "")
        if told.isascii() and told.isdigit() and int(told[:20]) > self._limit:
            raise troubles.too_large(self._limit)
        size = 0
        for piece in self._unpacked():
            size += len(piece)
            if size > self._limit:
                raise troubles.too_large(self._limit)
            yield piece

    def _unpacked(self) -> Iterator[bytes]:
        packing = self.headers.get("content-encoding", "").strip().lower()
        if packing in {"", "identity"}:
            yield from self._response.iter_stream()
        elif packing in _GZIP:
            yield from _gunzip(self._response.iter_stream())
        else:
            raise troubles.odd_encoding()


@lru_cache(maxsize=32)
def _context(trusted: str) -> ssl.SSLContext:
    """Keep contexts of clients, which all use them alike: to read this machine's authorities takes longer than most answers."""
    return tls_context(trusted)


class Http:
    """A client for one piece of work, to be used from one thread.

    Args:
        outbound: checks every address at the moment of connecting.
        limits: what one exchange may cost.
        trusted: certificates (PEM) of authorities that are trusted besides the machine's own.
        socket: the file of a socket of this machine, behind which a process of the platform's own answers; nothing else is reached.

    Raises:
        Invalid: ``trusted`` holds no certificate (``outbound_bad_authority``).

    """

    def __init__(
        self, outbound: Outbound, limits: HttpLimits | None = None, trusted: str = "", socket: str = ""
    ) -> None:
        self._limits = limits or HttpLimits()
        self._deadline = Deadline()
        try:
            context = _context(trusted)
        except (ssl.SSLError, ValueError) as error:
            raise troubles.bad_authority() from error
        self._pool = httpcore.ConnectionPool(
            context,
            max_connections=4,
            keepalive_expiry=30,
            uds=socket or None,
            network_backend=CheckedBackend(outbound, self._deadline),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def fetch(
        self,
        method: str,
        url: str | Url,
        *,
        headers: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
        content: bytes | None = None,
    ) -> HttpAnswer:
        """Return a whole answer, whatever its status; see ``open`` for what can go wrong."""
        with self.open(method, url, headers=headers, credentials=credentials, content=content) as stream:
            return HttpAnswer(stream.status, stream.headers, b"".join(stream.pieces()), stream.url)

    @contextmanager
    def open(
        self,
        method: str,
        url: str | Url,
        *,
        headers: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
        content: bytes | None = None,
    ) -> Iterator[HttpStream]:
        """Send a request, follow redirects of what is only read, and hand over the answer as it comes.

        Raises:
            Refused: an address may not be reached, or a redirect is not followed.
            Invalid: address, header or certificate is wrong.
            Unavailable: no connection, broken off, or too slow.
            TooLarge: the body is over the limit.

        """
        at = parsed(url)
        shown: Credentials | None = credentials or Credentials()
        self._deadline.start(self._limits.seconds)
        for _ in range(self._limits.redirects + 1):
            with self._sent(method, at, headers or {}, shown, content) as stream:
                if stream.status not in _REDIRECTS or "location" not in stream.headers:
                    yield stream
                    return
                target = _redirected(method, at, stream.headers["location"])
            if not same_origin(at, target):
                shown = None
            at = target
        raise troubles.redirect_refused("limit")

    @contextmanager
    def relay(
        self, method: str, url: str | Url, *, headers: Mapping[str, str], content: bytes | Iterator[bytes] | None
    ) -> Iterator[HttpStream]:
        """Send on what somebody else asks, its body as it comes; a redirect is handed back, never followed.

        Raises:
            Refused: the address may not be reached.
            Invalid: address, header or certificate is wrong.
            Unavailable: no connection, broken off, or too slow.

        """
        self._deadline.start(self._limits.seconds)
        with self._sent(method, parsed(url), headers, None, content) as stream:
            yield stream

    @contextmanager
    def _sent(
        self,
        method: str,
        url: Url,
        headers: Mapping[str, str],
        shown: Credentials | None,
        content: bytes | Iterator[bytes] | None,
    ) -> Iterator[HttpStream]:
        given = {"User-Agent": _AGENT, "Accept-Encoding": "gzip", **headers}
        if shown is not None:
            given |= shown.headers
            url = url.copy_merge_params(dict(shown.query)) if shown.query else url
        place = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        host = {"Host": url.netloc.decode("ascii")}
        waits = dict.fromkeys(("connect", "read", "write", "pool"), self._limits.idle)
        with (
            _in_our_words(),
            self._pool.stream(
                method, place, headers=_checked(given | host), content=content, extensions={"timeout": waits}
            ) as response,
        ):
            yield HttpStream(response, url, self._limits.body)


def parsed(url: str | Url) -> Url:
    """Return an address that may be asked for.

    Raises:
        Invalid: it is no http(s) address, or it carries a password.

    """
    try:
        found = Url(url)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise troubles.bad_url() from error
    if found.scheme not in {"http", "https"} or not found.host or found.userinfo or not _port_fits(found):
        raise troubles.bad_url()
    return found.copy_with(fragment=None)


def _port_fits(url: Url) -> bool:
    return url.port is None or 0 < url.port <= MAX_PORT


def same_origin(left: Url, right: Url) -> bool:
    """Tell whether two addresses are of one scheme, host and port."""
    return _origin(left) == _origin(right)


def _origin(url: Url) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host.lower(), url.port or (443 if url.scheme == "https" else 80)


def _redirected(method: str, at: Url, location: str) -> Url:
    if method not in {"GET", "HEAD"}:
        raise troubles.redirect_refused("method")
    try:
        target = parsed(at.join(location))
    except Exception as error:
        raise troubles.redirect_refused("address") from error
    if at.scheme == "https" and target.scheme != "https":
        raise troubles.redirect_refused("downgrade")
    return target


def _checked(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as bytes; nothing in them can end its line and begin another."""
    made = []
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or value != value.strip():
            raise troubles.bad_header(name)
        made.append((name.encode("ascii"), value.encode("latin-1")))
    return made


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack piece by piece: a small piece that would become a huge one comes out in many of bounded size."""
    unpacker = zlib.decompressobj(_GZIP_BITS)
    begun = False
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(_GZIP_BITS)
                begun = True
                yield unpacker.decompress(rest, _PIECE)
                rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        while begun and not unpacker.eof:
            more = unpacker.decompress(b"", _PIECE)
            if not more:
                raise troubles.broken_off()
            yield more
    except zlib.error as error:
        raise troubles.broken_off() from error


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException as error:
        raise troubles.timed_out() from error
    except httpcore.ConnectError as error:
        raise (troubles.tls_failed() if _about_tls(error) else troubles.broken_off()) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ConnectionNotAvailable) as error:
        raise troubles.broken_off() from error


def _about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            return True
        error = error.__cause__ or error.__context__
    return False
