"""Socket files of this machine: one on which a child of the platform is asked, one through which a child without network asks it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["Bridge", "listening_at"]

_PIECE: Final = 65_536
_WAITING: Final = 64


def listening_at(path: Path) -> socket.socket:
    """Return a socket that listens at a file which only this account may open."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(path))
    path.chmod(0o600)
    made.listen(_WAITING)
    return made


class Bridge:
    """A socket file that leads to one address of this machine, byte by byte, and to nothing else."""

    def __init__(self, path: Path, host: str, port: int, at_once: int = 16) -> None:
        self._listener = listening_at(path)
        self._to = (host, port)
        self._places = threading.Semaphore(at_once)
        threading.Thread(target=self._accept, name="beijiang-bridge", daemon=True).start()

    def close(self) -> None:
        """Take no more; what goes on ends with its two ends."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._places.acquire(blocking=False):
                near.close()
                continue
            threading.Thread(target=self._lead, args=(near,), daemon=True).start()

    def _lead(self, near: socket.socket) -> None:
        try:
            with near, socket.create_connection(self._to, 10) as far:
                far.settimeout(None)
                back = threading.Thread(target=_carry, args=(far, near), daemon=True)
                back.start()
                _carry(near, far)
                back.join()
        except OSError:
            pass  # the platform's own door is shut; whoever asks sees a line that ends
        finally:
            self._places.release()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
