"""The sockets below the HTTP client: each goes to an address that was checked at that moment, and none outlives its deadline."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    from beijiang.outbound.addresses import Outbound

__all__ = ["CheckedBackend", "Deadline", "tls_context"]


# At its finest, the library writes answers' headers to the log; an address in one of them may carry a key.
logging.getLogger("httpcore").setLevel(logging.WARNING)


class Deadline:
    """When the exchange that goes on now has to be over, whatever the other side does meanwhile."""

    def __init__(self) -> None:
        self._end = float("inf")

    def start(self, seconds: float) -> None:
        """Begin an exchange that may take ``seconds``."""
        self._end = time.monotonic() + seconds

    def left(self, most: float | None = None) -> float | None:
        """Return for how long one step may wait.

        Raises:
            httpcore.ReadTimeout: nothing is left.

        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        if left == float("inf"):
            return most
        return left if most is None else min(left, most)


class CheckedBackend(httpcore.NetworkBackend):
    """Connect to what ``Outbound.addresses`` returns; the host's name stays for the certificate and the Host header."""

    def __init__(self, outbound: Outbound, deadline: Deadline) -> None:
        self._outbound = outbound
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        del local_address
        failure: Exception = httpcore.ConnectError()
        for address in self._outbound.addresses(host, port):
            try:
                left = self._deadline.left(timeout)
                stream = self._plain.connect_tcp(address.ip, address.port, left, socket_options=socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return _Stream(stream, self._deadline, self._outbound)
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        stream = self._plain.connect_unix_socket(path, left, socket_options=socket_options)
        return _Stream(stream, self._deadline, self._outbound)


class _Stream(httpcore.NetworkStream):
    """A connection whose every step ends with the deadline, so that bytes that trickle cannot hold it open."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline, outbound: Outbound) -> None:
        self._inner = inner
        self._deadline = deadline
        self._outbound = outbound
        outbound.opened(inner.get_extra_info("socket"))

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline, self._outbound)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def tls_context(trusted: str) -> ssl.SSLContext:
    """Return a context of TLS 1.2 and above that always verifies: by this machine's authorities and those in ``trusted`` (PEM).

    Raises:
        ssl.SSLError: ``trusted`` holds no certificate.

    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # whatever this machine's OpenSSL is set to allow
    if trusted:
        context.load_verify_locations(cadata=trusted)
    return context
