"""The socket that the platform listens on."""

from __future__ import annotations

import socket

from beijiang.worker import listen


def test_connections_send_what_they_have_at_once() -> None:
    """Head and body of an answer do not wait for each other: connections inherit it from the listener."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
