"""Append whole lines to a file, or nothing: a line that a full disk cut is taken back, one that a kill cut is ended."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["append", "locked"]


def append(path: Path, lines: bytes, *, sync: bool = True) -> None:
    """Put lines at the end of a file; other processes may do the same. With ``sync`` they are on the disk when it returns.

    Raises:
        OSError: they did not fit, and the file is as it was.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path, os.O_CREAT) as descriptor:
        before = os.fstat(descriptor).st_size
        torn = before and os.pread(descriptor, 1, before - 1) != b"\n"
        try:
            _write(descriptor, b"\n" + lines if torn else lines)
            if sync:
                os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise


@contextmanager
def locked(path: Path, flags: int = 0) -> Iterator[int]:
    """Hold a file, which still has this name when it is held, against others that append to it or rename it.

    Raises:
        FileNotFoundError: there is none, and ``flags`` do not make one.

    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _names(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _names(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _write(descriptor: int, left: bytes) -> None:
    """Write until everything is written: a disk that is nearly full takes a part, and fails with the next one."""
    while left:
        left = left[os.write(descriptor, left) :]
