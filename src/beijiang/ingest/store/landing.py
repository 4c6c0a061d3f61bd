"""The landing store: every byte that was handed in, unchanged, under its SHA-256."""

from __future__ import annotations

import hashlib
import os
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

    def _write(self, temporary: Path, stream: BinaryIO, limit: int) -> tuple[str, int]:
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
            os.fsync(file.fileno())
        return digest.hexdigest(), size

    def sweep(self) -> int:
        """Remove what a killed process left half-written; return how many files. Only while nobody lands."""
        left = [*self.root.glob(f"{_TEMPORARY}*")] if self.root.is_dir() else []
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
