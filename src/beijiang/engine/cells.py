"""The parent's side of the child processes: keep some warm, give each one query, kill at the deadline."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, TYPE_CHECKING, Final, cast

from beijiang.engine.failures import failure
from beijiang.engine.port import QueryLimits

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Cells", "Errand"]

SCRIPT: Final = Path(__file__).with_name("cell.py")
HEAD: Final = struct.Struct(">BQ")
GRACE: Final = 2.0
"""Seconds after the time limit at which the whole process group is killed."""
STALE: Final = 86_400.0
"""Seconds after which the folder of a child that nobody ended is taken for left behind."""
CEILING: Final = 64 << 20
"""Bytes that the parent takes from a child at most, whatever the child says."""


@dataclass(slots=True)
class _Cell:
    process: subprocess.Popen[bytes]
    folder: Path

    def end(self) -> None:
        """Kill the child and everything it may have started, and remove its folder."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Errand:
    """What a child needs to know: the statement, and the statements that make its relations and their empty stubs."""

    sql: str
    tables: tuple[str, ...]
    views: tuple[str, ...]
    stubs: tuple[str, ...]
    files: tuple[str, ...]


class Cells:
    """A small stock of warm children; each serves one query and ends."""

    def __init__(self, folder: Path, *, size: int, time_zone: str = "Asia/Shanghai") -> None:
        self._folder = folder
        self._time_zone = time_zone
        self._size = size
        self._idle: deque[_Cell] = deque()
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(size)
        self._closed = False
        self._tidied = False

    def run(self, errand: Errand, limits: QueryLimits) -> pa.Table:
        """Run one statement in a child.

        Raises:
            BeijiangError: with the reason code that the child gave, and none of its text.

        """
        request = {
            **asdict(errand),
            "time_zone": self._time_zone,
            "seconds": limits.seconds,
            "memory_mb": limits.memory_mb,
            "threads": limits.threads,
            "temp_mb": limits.temp_mb,
            "rows": limits.rows,
            "bytes": limits.bytes,
        }
        if not self._turns.acquire(timeout=limits.seconds):
            raise failure("query_busy")
        try:
            cell = self._take()
            try:
                status, payload = _talk(cell, json.dumps(request).encode(), limits.seconds + GRACE)
            finally:
                cell.end()
        finally:
            self._turns.release()
            self._replace_later()
        if status:
            raise failure(payload.decode("ascii", "replace"))
        return _table(payload)

    def warm(self) -> None:
        """Start the stock now, so that the first query need not wait for an interpreter."""
        while not self._closed and len(self._idle) < self._size:
            self._stock(self._start())

    def close(self) -> None:
        """End the idle children; running ones end with their queries."""
        with self._lock:
            self._closed = True
            idle, self._idle = list(self._idle), deque()
        for cell in idle:
            cell.end()

    def _take(self) -> _Cell:
        with self._lock:
            while self._idle:
                cell = self._idle.popleft()
                if cell.process.poll() is None:
                    return cell
                cell.end()
        return self._start()

    def _stock(self, cell: _Cell) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < self._size:
                self._idle.append(cell)
                return
        cell.end()

    def _replace_later(self) -> None:
        threading.Thread(target=self._replace, name="beijiang-cells", daemon=True).start()

    def _replace(self) -> None:
        """Start one child for the one that was used: a stock that nobody warmed, as in a command, stays small."""
        if not self._closed and len(self._idle) < self._size:
            self._stock(self._start())

    def _start(self) -> _Cell:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tidy()
        folder = Path(mkdtemp(prefix="cell-", dir=self._folder))
        process = subprocess.Popen(  # noqa: S603 - our own script, no shell, nothing of a user in the arguments
            [sys.executable, "-I", "-X", "utf8", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={},
            close_fds=True,
            start_new_session=True,
        )
        return _Cell(process, folder)

    def _tidy(self) -> None:
        """Remove, once, the folders of children whose parent was killed."""
        with self._lock:
            tidied, self._tidied = self._tidied, True
        for folder in () if tidied else self._folder.glob("cell-*"):
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > STALE:
                    shutil.rmtree(folder, ignore_errors=True)


def _talk(cell: _Cell, request: bytes, seconds: float) -> tuple[int, bytes]:
    deadline = time.monotonic() + seconds
    stdin, stdout = cast("IO[bytes]", cell.process.stdin), cast("IO[bytes]", cell.process.stdout)
    try:
        stdin.write(len(request).to_bytes(8, "big") + request)
        stdin.flush()
    except OSError:
        raise failure("query_failed") from None
    head = _read(stdout.fileno(), HEAD.size, deadline)
    status, length = HEAD.unpack(head)
    if length > CEILING:
        raise failure("query_too_large")
    return status, _read(stdout.fileno(), length, deadline)


def _read(descriptor: int, size: int, deadline: float) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise failure("query_timeout")
        part = os.read(descriptor, min(size - len(parts), 1 << 20))
        if not part:  # the system ended it: address space, CPU time or file size
            raise failure("query_memory")
        parts += part
    return bytes(parts)


def _table(payload: bytes) -> pa.Table:
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(payload) as reader:
            table = reader.read_all()
        table.validate()
    except pa.ArrowException:
        raise failure("query_failed") from None
    return table
