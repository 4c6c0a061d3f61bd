"""The spool of one stream: every delivery is on disk before anybody is told that it was received.

Deliveries are lines of JSON in numbered files. One thread writes whatever waits, flushes it to disk once, and only then
says so to all who wait: the more come at once, the less each costs. A file that is large or old enough is closed and takes
its lasting name; runs take closed files only.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from beijiang.ingest.store.landing import flush_folder
from beijiang.kit import BeijiangError, Busy, Unavailable

log = logging.getLogger(__name__)

__all__ = ["Spool", "lines_of"]

_OPEN: Final = ".open"
_CLOSED: Final = ".ndjson"
_SEGMENT: Final = 32 << 20
_AT_ONCE: Final = 20_000

Done = Callable[[BaseException | None], None]
"""Told once: None when the delivery is on disk, otherwise why it is not."""
Known = Callable[[Sequence[str]], Collection[str]]
"""Given the keys of what comes next, returns those that were received before, and has told their senders so."""


class _Waiting(NamedTuple):
    line: bytes
    done: Done
    key: str


class Spool:
    """Take deliveries for one stream; one process holds it at a time."""

    def __init__(self, folder: Path, *, seconds: float, limit: int) -> None:
        self.folder = folder
        self._seconds = seconds
        self._limit = limit
        self._waiting: list[_Waiting] = []
        self._queued = 0
        self._news = threading.Condition()
        self._stopping = False
        self._seal_now = False
        self._lock: IO[Any] | None = None
        self._file: IO[bytes] | None = None
        self._size = 0
        self._began = 0.0
        self._seq = 0
        self._thread: threading.Thread | None = None
        self.known: Known | None = None
        """Who knows the keys of earlier deliveries; set before the first of this process is put."""
        self.then: Callable[[], None] | None = None
        """Called after all of a batch were told; set before the first that wants it is put."""
        self.closes: Callable[[], None] | None = None
        """Called when a file was closed, and may be taken."""
        self.held = 0
        """Bytes in closed files that no run has taken yet; kept by ``look``."""

    def open(self, landed: Callable[[], int]) -> None:
        """Hold the folder, close what a killed process left, and go on with a number above all that was ever given.

        ``landed`` returns the highest that is landed; it is asked once the files are listed, for a run may land them meanwhile.

        Raises:
            Busy: another process holds it.

        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise Busy(
                "另一个进程正在接收这个数据流。", "Another process receives this stream.", code="stream_held"
            ) from None
        self._lock = lock
        for path in sorted(self.folder.glob(f"*{_OPEN}")):
            _mend(path)
        there = [seq for seq, _ in self.closed()]
        after = landed()
        self._seq = max([after, *there])
        for seq, path in self.closed():
            if seq <= after:
                path.unlink(missing_ok=True)  # landed by a run that was killed before it could remove it
        self.look()
        self._thread = threading.Thread(target=self._write_on, name="beijiang-spool", daemon=True)
        self._thread.start()

    def look(self) -> list[tuple[int, Path]]:
        """Return the closed files and note how much they hold."""
        found = self.closed()
        self.held = sum(path.stat().st_size for _, path in found if path.exists())
        return found

    def closed(self) -> list[tuple[int, Path]]:
        """Return number and path of the files that runs may take, in order."""
        return closed_files(self.folder)

    def put(self, line: bytes, done: Done, key: str = "") -> None:
        """Hand over one delivery (empty: only wait for those before it); ``done`` is told from another thread.

        One whose ``key`` is ``known`` is not kept a second time, and ``known`` answers for it; it is asked for many at once.

        Raises:
            Unavailable: more waits than may (``spool_full``), or nothing is received any more (``stream_closed``).

        """
        if self.held + self._size + self._queued > self._limit:
            raise Unavailable(
                "数据流积压已达上限，暂不接收；已接收的不会丢失。请检查该数据流的汇聚任务为何停止。",
                "As much waits in this stream as may; nothing more is received now, and nothing received is lost. See why its runs stopped.",
                code="spool_full",
            )
        with self._news:
            if self._stopping:
                raise Unavailable("数据流已停止接收。", "This stream receives no more.", code="stream_closed")
            self._waiting.append(_Waiting(line, done, key))
            self._queued += len(line)
            self._news.notify()

    def seal(self) -> None:
        """Close the present file at once, so that a run may take it."""
        with self._news:
            self._seal_now = True
            self._news.notify()

    def close(self) -> None:
        """Write what waits, close the file and let go of the folder."""
        with self._news:
            self._stopping = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join()
        if self._lock is not None:
            self._lock.close()

    def _write_on(self) -> None:
        while True:
            with self._news:
                while not (self._waiting or self._stopping or self._seal_now):
                    left = self._began + self._seconds - time.monotonic() if self._file is not None else None
                    if left is not None and left <= 0:
                        break
                    self._news.wait(left)
                batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                stopping, seal = self._stopping and not self._waiting, self._seal_now and not self._waiting
                if seal:
                    self._seal_now = False
            size = sum(len(waiting.line) for waiting in batch)
            batch = self._new(batch)
            trouble = self._keep(batch)
            with self._news:
                self._queued -= size
            self._tell(batch, trouble)
            self._follow()
            old = self._file is not None and time.monotonic() - self._began >= self._seconds
            if self._file is not None and (stopping or seal or old or self._size >= _SEGMENT):
                self._take_name()
            if stopping:
                return

    def _tell(self, batch: Sequence[_Waiting], trouble: BeijiangError | None) -> None:
        for waiting in batch:
            try:
                waiting.done(trouble)
            except Exception:  # whoever waits may be gone; those behind must still be told
                log.exception("a sender could not be told")

    def _follow(self) -> None:
        if self.then is None:
            return
        try:
            self.then()
        except Exception:  # those that come next must still be kept and told
            log.exception("what follows a batch of deliveries failed")

    def _new(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Return what was not received before; where that cannot be said of those with a key, these are told why they are not kept."""
        keys = [waiting.key for waiting in batch if waiting.key]
        if not keys or self.known is None:
            return batch
        try:
            before = self.known(keys)
        except Exception:  # whatever it was, the senders send again
            log.exception("earlier deliveries cannot be looked up")
            trouble = Unavailable(
                "暂时无法核对是否重复，没有接收。请稍后以同一个 Idempotency-Key 重发。",
                "It cannot be told just now whether this was received before, so it was not received. Send it again in a moment under the same Idempotency-Key.",
                code="keys_unknown",
            )
            self._tell([waiting for waiting in batch if waiting.key], trouble)
            return [waiting for waiting in batch if not waiting.key]
        return [waiting for waiting in batch if waiting.key not in before]

    def _keep(self, batch: Sequence[_Waiting]) -> BeijiangError | None:
        """Write and flush some deliveries; what did not get to disk whole leaves no trace there."""
        body = b"".join(waiting.line for waiting in batch)
        if not body:
            return None
        try:
            if self._file is None:
                self._seq += 1
                self._file = (self.folder / f"{self._seq:012d}{_OPEN}").open("xb", buffering=0)
                self._size, self._began = 0, time.monotonic()
                flush_folder(self.folder)
            view = memoryview(body)
            while view:
                view = view[self._file.write(view) :]
            os.fdatasync(self._file.fileno())
        except OSError as error:
            self._undo()
            return Unavailable(
                "无法写入磁盘，这条消息没有接收。请检查磁盘空间后重发。",
                "The disk cannot be written; this message was not received. Check the disk and send it again.",
                code="disk_full",
                detail={"errno": error.errno},
            )
        self._size += len(body)
        return None

    def _undo(self) -> None:
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            self._file.truncate(self._size)
            self._file.seek(self._size)
            return
        with contextlib.suppress(OSError):  # the disk is gone: the next file is a new one, this is mended at the start
            self._file.close()
        self._file = None

    def _take_name(self) -> None:
        if self._file is None:
            return
        try:
            self._file.close()
            path = self.folder / f"{self._seq:012d}{_OPEN}"
            if self._size:
                path.rename(path.with_suffix(_CLOSED))
                self.held += self._size
                if self.closes is not None:
                    self.closes()
            else:
                path.unlink()
            flush_folder(self.folder)
        except OSError:
            return  # tried again at the next start; what is in it is on disk
        finally:
            self._file, self._size = None, 0


def closed_files(folder: Path) -> list[tuple[int, Path]]:
    """Return number and path of the closed files of a spool, in order."""
    return [(int(p.stem), p) for p in sorted(folder.glob(f"*{_CLOSED}")) if p.stem.isdecimal()]


def _mend(path: Path) -> None:
    """Cut a file after its last whole line: what follows was told to nobody. Then give it its lasting name."""
    with path.open("r+b") as file:
        whole = 0
        for line in file:
            if not line.endswith(b"\n") or not line.startswith(b"{"):
                break
            whole += len(line)
        file.truncate(whole)
        os.fsync(file.fileno())
    if whole:
        path.rename(path.with_suffix(_CLOSED))
    else:
        path.unlink()
    flush_folder(path.parent)


def lines_of(path: Path) -> Iterator[bytes]:
    """Yield the deliveries of a closed or landed file."""
    with path.open("rb") as file:
        yield from file
