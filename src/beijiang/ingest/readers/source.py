"""One landed file, or one member of a landed archive, as something that can be opened again and again."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

__all__ = ["Source"]


@dataclass(slots=True, weakref_slot=True)
class Source:
    """Bytes with a name: ``open`` gives a fresh stream from the start, ``path`` a file on disk."""

    name: str
    """The supplier's name of the file (of the archive, for a member)."""
    size: int
    """Bytes, after unpacking."""
    open: Callable[[], BinaryIO]
    inner: str = ""
    """The member's path inside the archive."""
    depth: int = 0
    """How many archives stand around it."""
    _path: Path | None = field(default=None, repr=False)

    @classmethod
    def of_file(cls, path: Path, name: str) -> Source:
        """Describe a landed file."""
        return cls(name, path.stat().st_size, lambda: cast("BinaryIO", path.open("rb")), _path=path)

    @property
    def suffix(self) -> str:
        """Return the extension in lower case, with its dot."""
        return Path(self.inner or self.name).suffix.lower()

    @property
    def leaf(self) -> str:
        """Return the last part of the name."""
        return Path(self.inner or self.name).name

    def head(self, size: int) -> bytes:
        """Return the first ``size`` bytes."""
        with self.open() as stream:
            return stream.read(size)

    def path(self) -> Path:
        """Return a path on disk: the landed file, or the member unpacked once into a file that goes with this object."""
        if self._path is None:
            with tempfile.NamedTemporaryFile(prefix="beijiang-member-", suffix=self.suffix, delete=False) as target:
                self._path = Path(target.name)
                weakref.finalize(self, self._path.unlink, missing_ok=True)
                with self.open() as stream:
                    shutil.copyfileobj(stream, target, 1 << 20)
        return self._path
