"""The parent's side of the child processes: have one born for each query, kill it at the deadline or when it is stopped."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine.failures import failure
from beijiang.engine.port import QueryLimits, Stop, Streamed
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Cells", "Errand"]

SCRIPT: Final = Path(__file__).with_name("cell.py")
HEAD: Final = struct.Struct(">BQ")
PART: Final = 2
PIPE_BYTES: Final = 1 << 20
BATCH_ROWS: Final = 8192
"""Rows of one part at most; rows of many kilobytes have to fit into the memory of the child as one batch."""
GRACE: Final = 2.0
"""Seconds after the time limit at which the whole process group is killed."""
PATIENCE: Final = 30.0
"""Seconds in which the nursery must answer; it does so in milliseconds once it is ready."""
STALE: Final = 86_400.0
"""Seconds after which the folder of a child that nobody ended is taken for left behind."""
CEILING: Final = 64 << 20
"""Bytes that the parent takes from a child at most, whatever the child says."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a child needs to know: the statement, and the statements that make its relations and their empty stubs."""

    sql: str
    tables: tuple[str, ...]
    views: tuple[str, ...]
    stubs: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(slots=True)
class _Cell:
    """A child: its number, our ends of its two pipes, and the folder in which it may spill."""

    pid: int
    requests: int
    answers: int
    folder: Path


class Cells:
    """Children, each for one query, from a nursery that is started when the first is wanted."""

    def __init__(self, folder: Path, *, time_zone: str = "Asia/Shanghai") -> None:
        self._folder = folder
        self._time_zone = time_zone
        self._lock = threading.Lock()
        self._nursery: tuple[subprocess.Popen[bytes], socket.socket] | None = None
        self._tidied = False

    def run(self, errand: Errand, limits: QueryLimits, stop: Stop | None = None) -> pa.Table:
        """Run one statement in a child; ``stop`` lets another thread end it.

        Raises:
            BeijiangError: with the reason code that the child gave, and none of its text; ``query_cancelled`` if stopped.

        """
        stop = stop or Stop()
        cell = self._birth()
        try:
            with stop.over(lambda: self._end(cell)):
                status, payload = _talk(cell, _request(errand, limits, stream=False), limits.seconds + GRACE)
        except BeijiangError:
            if stop.asked:
                raise failure("query_cancelled") from None
            raise
        finally:
            self._bury(cell)
        if status:
            raise failure(payload.decode("ascii", "replace"))
        return _table(payload)

    def stream(self, errand: Errand, limits: QueryLimits, stop: Stop | None = None) -> Streamed:
        """Run one statement in a child that sends its answer in parts; the child ends with the last one or with ``close``.

        Only the time in which a part is waited for counts against the limit, not the pauses of the reader.

        Raises:
            BeijiangError: as ``run`` does, here or from the iterator.

        """
        import pyarrow as pa

        parts = self._parts(errand, limits, stop or Stop())
        schema = next(parts)
        if not isinstance(schema, pa.Schema):
            raise failure("query_failed")
        return Streamed(schema, parts)

    def _parts(self, errand: Errand, limits: QueryLimits, stop: Stop) -> Generator[Any, None, None]:
        import pyarrow as pa

        cell = self._birth()
        left = limits.seconds + GRACE
        schema: pa.Schema | None = None
        try:
            with stop.over(lambda: self._end(cell)):
                with contextlib.suppress(OSError):
                    fcntl.fcntl(cell.answers, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
                _say(cell, _request(errand, limits, stream=True))
                while True:
                    began = time.monotonic()
                    status, payload = _listen(cell, began + left)
                    left -= time.monotonic() - began
                    if status != PART:
                        break
                    if schema is None:
                        schema = pa.ipc.read_schema(pa.py_buffer(payload))
                        yield schema
                    else:
                        batch = pa.ipc.read_record_batch(pa.py_buffer(payload), schema)
                        batch.validate()
                        yield batch
        except pa.ArrowException:
            raise failure("query_failed") from None
        except BeijiangError:
            if stop.asked:
                raise failure("query_cancelled") from None
            raise
        finally:
            self._bury(cell)
        if status or schema is None:
            raise failure(payload.decode("ascii", "replace"))

    def warm(self) -> None:
        """Start the nursery now, so that the first query need not wait for an interpreter and an engine."""
        with self._lock:
            self._started()

    def close(self) -> None:
        """End the nursery, which ends its children."""
        with self._lock:
            self._stop()

    def _birth(self) -> _Cell:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tidy()
        folder = Path(mkdtemp(prefix="cell-", dir=self._folder))
        theirs_in, requests = os.pipe()
        answers, theirs_out = os.pipe()
        try:
            pid = self._ask(json.dumps({"folder": str(folder)}).encode(), (theirs_in, theirs_out))
        except BaseException:
            os.close(requests)
            os.close(answers)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        return _Cell(pid, requests, answers, folder)

    def _ask(self, order: bytes, descriptors: tuple[int, int]) -> int:
        """Order a child; a nursery that was killed, by want of memory for example, is replaced by another, once."""
        with self._lock:
            for _ in range(2):
                with contextlib.suppress(OSError, ValueError):
                    _, control = self._started()
                    socket.send_fds(control, [order], descriptors)
                    return int(control.recv(64))
                self._stop()
        raise failure("query_failed")

    def _end(self, cell: _Cell) -> None:
        """Kill a child and everything it may have started; the nursery knows whether the number is still its own."""
        with self._lock, contextlib.suppress(OSError):
            if self._nursery is not None:
                self._nursery[1].send(json.dumps({"end": cell.pid}).encode())

    def _bury(self, cell: _Cell) -> None:
        self._end(cell)
        for pipe in (cell.requests, cell.answers):
            with contextlib.suppress(OSError):
                os.close(pipe)
        shutil.rmtree(cell.folder, ignore_errors=True)

    def _started(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        if self._nursery is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.settimeout(PATIENCE)
            with theirs:
                process = subprocess.Popen(  # noqa: S603 - our own script, no shell, nothing of a user in the arguments
                    [sys.executable, "-I", "-X", "utf8", str(SCRIPT), self._time_zone],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env={},
                    close_fds=True,
                    start_new_session=True,
                )
            self._nursery = process, ours
        return self._nursery

    def _stop(self) -> None:
        nursery, self._nursery = self._nursery, None
        if nursery is None:
            return
        process, control = nursery
        control.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _tidy(self) -> None:
        """Remove, once, the folders of children whose parent was killed."""
        with self._lock:
            tidied, self._tidied = self._tidied, True
        for folder in () if tidied else self._folder.glob("cell-*"):
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > STALE:
                    shutil.rmtree(folder, ignore_errors=True)


def _request(errand: Errand, limits: QueryLimits, *, stream: bool) -> bytes:
    request = {
        **asdict(errand),
        "seconds": limits.seconds,
        "pause": limits.pause,
        "memory_mb": limits.memory_mb,
        "threads": limits.threads,
        "temp_mb": limits.temp_mb,
        "rows": limits.rows,
        "bytes": limits.bytes,
        "stream": stream,
        "batch": BATCH_ROWS,
    }
    return json.dumps(request).encode()


def _talk(cell: _Cell, request: bytes, seconds: float) -> tuple[int, bytes | bytearray]:
    deadline = time.monotonic() + seconds
    _say(cell, request)
    return _listen(cell, deadline)


def _say(cell: _Cell, request: bytes) -> None:
    try:
        view = memoryview(len(request).to_bytes(8, "big") + request)
        while view:
            view = view[os.write(cell.requests, view) :]
    except OSError:
        raise failure("query_failed") from None


def _listen(cell: _Cell, deadline: float) -> tuple[int, bytes | bytearray]:
    head = _read(cell.answers, HEAD.size, deadline)
    status, length = HEAD.unpack(head)
    if length > CEILING:
        raise failure("query_too_large")
    return status, _read(cell.answers, length, deadline)


def _read(descriptor: int, size: int, deadline: float) -> bytearray:
    found = bytearray(size)
    view = memoryview(found)
    while view:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise failure("query_timeout")
        count = os.readv(descriptor, [view[:PIPE_BYTES]])
        if not count:  # the system ended it: address space, CPU time or file size
            raise failure("query_memory")
        view = view[count:]
    return found


def _table(payload: bytes | bytearray) -> pa.Table:
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(payload) as reader:
            table = reader.read_all()
        table.validate()
    except pa.ArrowException:
        raise failure("query_failed") from None
    return table
