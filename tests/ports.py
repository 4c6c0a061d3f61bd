"""Ports for servers that have to be told theirs before they open it, such as a broker, a database or sshd.

A port that the system has just given and taken back may be given to somebody else, most likely to a connection going out,
before the server opens it. These lie below what the system gives by itself, and each is held by a lock until this process
ends, so that no other worker, nor a second suite on this machine, is given the same.
"""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from waiting import until

__all__ = ["listens", "own_port"]

FIRST, LAST = 15_000, 32_000
FOLDER = Path(tempfile.gettempdir()) / f"beijiang-test-ports-{os.getuid()}"
_held: list[int] = []


def own_port() -> int:
    """Return a port of 127.0.0.1 that nobody has, and that nobody else who asks here gets while this process lives."""
    FOLDER.mkdir(exist_ok=True)
    begin = os.getpid() * 61
    for step in range(LAST - FIRST):
        port = FIRST + (begin + step) % (LAST - FIRST)
        lock = os.open(FOLDER / str(port), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.create_server(("127.0.0.1", port)):
                pass
        except OSError:
            os.close(lock)
            continue
        _held.append(lock)
        return port
    msg = f"no port between {FIRST} and {LAST} is free"
    raise AssertionError(msg)


def listens(port: int, server: subprocess.Popen[Any], log: Path) -> None:
    """Wait until a server answers at its port; fail with what it said if it has ended."""

    def answers() -> bool:
        assert server.poll() is None, log.read_text(errors="replace")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10):
            return True
        return False

    until(answers)
