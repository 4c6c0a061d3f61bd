"""The landing store: every byte that was handed in, unchanged, under its SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from beijiang.ingest.errors import disk_trouble, too_large
from beijiang.kit import new_id

__all__ = ["Landing", "flush_folder"]

_CHUNK: Final = 1 << 20
_TEMPORARY: Final = "tmp-"


class Landing:
    """Content-addressed files below one folder: ``ab/cdef...``, written once, never changed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Return where a file is, or would be."""
        return self.root / sha256[:2] / sha256[2:]

    def has(self, sha256: str) -> bool:
        """Tell whether the bytes are here."""
        return self.path(sha256).is_file()

    def put(self, stream: BinaryIO, limit: int) -> tuple[str, int, bool]:
        """Keep the bytes of ``stream``; return their SHA-256, their number, and whether they were here before.

        They appear under their name only when every byte is on disk. Whatever goes wrong leaves nothing behind.

        Raises:
            TooLarge: more than ``limit`` bytes.
            Unavailable: the disk is full (``disk_full``) or broken.

        """
        temporary = self.root / f"{_TEMPORARY}{new_id('f')}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            sha256, size = self._write(temporary, stream, limit)
            target = self.path(sha256)
            if target.is_file() and target.stat().st_size == size:
                return sha256, size, True
            target.parent.mkdir(exist_ok=True)
            temporary.chmod(0o440)
            temporary.replace(target)
            flush_folder(target.parent)
            flush_folder(self.root)
        except OSError as error:
            raise disk_trouble(error) from error
        finally:
            temporary.unlink(missing_ok=True)
        return sha256, size, False

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """Keep many files together: written one by one, made durable and named at the end, or none of them.

        Raises:
            Unavailable: the disk is full (``disk_full``) or broken.

        """
        made = Batch(self)
        try:
            yield made
            made.keep()
        finally:
            made.drop()

    def _write(self, temporary: Path, stream: BinaryIO, limit: int, *, flush: bool = True) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        with temporary.open("xb", buffering=0) as file:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                digest.update(chunk)
                view = memoryview(chunk)
                while view:  # an unbuffered write may take a part only
                    view = view[file.write(view) :]
            if flush:
                os.fsync(file.fileno())
        return digest.hexdigest(), size

    def sweep(self) -> int:
        """Remove what a killed process left half-written; return how many files. Only while nobody lands."""
        left = [*self.root.glob(f"{_TEMPORARY}*")] if self.root.is_dir() else []
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


class Batch:
    """Files that have landed and are not named yet."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        self._waiting: dict[Path, str] = {}

    def put(self, stream: BinaryIO, limit: int) -> tuple[str, int]:
        """Write the bytes of ``stream``; return their SHA-256 and their number.

        Raises:
            TooLarge: more than ``limit`` bytes.
            Unavailable: the disk is full (``disk_full``) or broken.

        """
        temporary = self._landing.root / f"{_TEMPORARY}{new_id('f')}"
        try:
            self._landing.root.mkdir(parents=True, exist_ok=True)
            found = self._landing._write(temporary, stream, limit, flush=False)  # noqa: SLF001 - one room, one file
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise disk_trouble(error) from error
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._waiting[temporary] = found[0]
        return found

    def keep(self) -> None:
        """Bring all bytes to the disk, then give the files their names: the disk writes many at once faster than one by one."""
        root, parents = self._landing.root, set()
        try:
            for temporary in self._waiting:
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
            for temporary, sha256 in self._waiting.items():
                target = self._landing.path(sha256)
                if not (target.is_file() and target.stat().st_size == temporary.stat().st_size):
                    target.parent.mkdir(exist_ok=True)
                    temporary.chmod(0o440)
                    temporary.replace(target)
                    parents.add(target.parent)
            for parent in parents:
                flush_folder(parent)
            if parents:
                flush_folder(root)
        except OSError as error:
            raise disk_trouble(error) from error

    def drop(self) -> None:
        """Remove what got no name."""
        for temporary in self._waiting:
            temporary.unlink(missing_ok=True)
        self._waiting = {}


def flush_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
