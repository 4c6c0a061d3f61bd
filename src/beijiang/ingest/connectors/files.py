"""What a connector to files is: it lists them and hands over their bytes, and the one way in does everything else.

Files of a source are landed, decoded, typed and checked as if somebody had handed them in. A connector of this kind knows
nothing of formats, tables or what was taken before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar, Final

from beijiang.ingest.connectors.contract import ConnectorOptions, Feed
from beijiang.ingest.models import Found
from beijiang.kit import Conflict, Invalid, Refused, Text, TooLarge

if TYPE_CHECKING:
    from beijiang.outbound import Outbound

__all__ = ["ROOT", "FileConnector", "Shelf", "capped", "file_changed", "file_forbidden", "safe_name"]

ROOT: Final = "."
"""Name of the feed that is the source's own folder."""
_NAME: Final = 1_000
_ENTRIES: Final = 200_000


class Shelf(ABC):
    """One look at the files of a source."""

    @abstractmethod
    def listing(self, feed: str, *, deep: bool) -> Iterator[Found]:
        """Yield the files of a folder, with what lies in its sub-folders if ``deep``.

        Raises:
            NotFound: there is no such folder, or this account may not see it.

        """

    @abstractmethod
    def read(self, feed: str, found: Found) -> Iterator[bytes]:
        """Yield the bytes of a file.

        Raises:
            Conflict: ``file_changed``, it is no longer what was listed.
            Refused: ``file_forbidden``, it may not be read (yet).
            Unavailable: the source does not answer, or broke off.

        """


class FileConnector(ABC):
    """A way to one kind of place in which files arrive."""

    text: ClassVar[Text]
    """What people call the kind of source."""
    options_model: ClassVar[type[ConnectorOptions]]

    def __init__(self, options: ConnectorOptions, outbound: Outbound) -> None:
        self.options = options
        self.outbound = outbound

    @abstractmethod
    def discover(self) -> list[Feed]:
        """Return the folders from which files can be taken; also the test of a connection."""

    @abstractmethod
    def open(self) -> AbstractContextManager[Shelf]:
        """Begin to look at the files."""

    def describe(self, name: str) -> Feed:
        """Return one folder; its files tell the columns when they are read."""
        return Feed(name=safe_folder(name))


def safe_folder(name: str) -> str:
    """Return the name of a folder below the source's own.

    Raises:
        Invalid: it leads elsewhere.

    """
    if name == ROOT or not safe_name(name):
        if name == ROOT:
            return name
        raise Invalid(
            "目录名从数据源的目录起写，用 / 分隔，不含 ..。",
            "A folder's name begins at the source's own, with / between its parts and without .. .",
            code="bad_folder",
        )
    return name


def safe_name(name: str) -> bool:
    """Tell whether a name from outside stays below the folder that it was listed in, and can be shown."""
    parts = name.split("/")
    return (
        0 < len(name) <= _NAME
        and name.isprintable()
        and "\\" not in name
        and not PurePosixPath(name).is_absolute()
        and not any(p in {"", ".", ".."} for p in parts)
    )


def capped(entries: Iterable[Found], limit: int = _ENTRIES) -> list[Found]:
    """Return a listing whose names are safe, or say that it has no end.

    Raises:
        TooLarge: ``too_many_files``.

    """
    listed: list[Found] = []
    for found in entries:
        if len(listed) >= limit:
            raise TooLarge(
                f"目录中的文件超过 {limit:,} 个，没有取数。请把已取的文件移走或按月分目录，再用样式缩小范围。",
                f"The folder lists more than {limit:,} files; nothing was taken. Move old ones away, or make a folder a month and narrow the pattern.",
                code="too_many_files",
                detail={"limit": limit},
            )
        if safe_name(found.name):
            listed.append(found)
        else:
            shown = "".join(c if c.isprintable() else "?" for c in found.name)[:_NAME]
            listed.append(replace(found, name=shown, fault="unsafe_name"))
    return listed


def file_changed() -> Conflict:
    """Say that a file is not what the listing said; the next look will tell."""
    return Conflict(
        "文件在读取时又有改动，下次取数再取。",
        "The file changed while it was read; the next run takes it.",
        code="file_changed",
    )


def file_forbidden() -> Refused:
    """Say that a file may not be read by this account, which somebody may mend without touching the file."""
    return Refused(
        "没有读取该文件的权限，修正后下次取数再取。",
        "The file may not be read by this account; once that is mended, the next run takes it.",
        code="file_forbidden",
    )
