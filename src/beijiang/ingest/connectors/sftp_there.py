"""Deliveries to an SFTP server: written under another name, and renamed when they are whole."""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar, Final

from beijiang.ingest.connectors.files_there import FileDestination
from beijiang.ingest.connectors.sftp import Sftp, SftpOptions
from beijiang.ingest.connectors.sftp_wire import Status, WritingSession
from beijiang.ingest.connectors.troubles import source_refuses, source_unreachable
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.ingest.connectors.contract import ConnectorOptions

__all__ = ["SftpDestination"]

_MISSING: Final = 2
_NOT_ALLOWED: Final = 3


class SftpDestination(FileDestination):
    """Bring files to an SFTP server."""

    text: ClassVar[Text] = Sftp.text
    options_model: ClassVar[type[ConnectorOptions]] = SftpOptions
    options: SftpOptions

    @contextmanager
    def place(self) -> Iterator[_Server]:
        there = Sftp(self.options, self.outbound)
        with there.writing() as session:
            yield _Server(session, there.root)


class _Server:
    def __init__(self, session: WritingSession, root: str) -> None:
        self._session = session
        self._root = root

    def put(self, path: str, body: bytes) -> None:
        place = f"{self._root}/{path}"
        folder, _, name = place.rpartition("/")
        with _told():
            self._make(folder)
            self._session.write(f"{folder}/.{name}.part", body)
            self._session.rename(f"{folder}/.{name}.part", place)

    def pieces(self, path: str) -> Generator[bytes] | None:
        try:
            read = self._session.read(f"{self._root}/{path}")
            return _with(next(read, b""), read)
        except Status as status:
            if status.code == _MISSING:
                return None
            raise source_refuses("source_forbidden", str(status.code)) from status

    def _make(self, folder: str) -> None:
        """Make a folder and those above it, as far as they are not there."""
        try:
            self._session.look(folder)
        except Status as status:
            if status.code != _MISSING:
                raise
            above = folder.rpartition("/")[0]
            if above and above != folder:
                self._make(above)
            with suppress(Status):  # another delivery may have made it meanwhile
                self._session.make(folder)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Status as status:
        if status.code == _NOT_ALLOWED:
            raise source_refuses("source_forbidden", str(status.code)) from status
        raise source_unreachable(str(status.code)) from status
    except (EOFError, struct.error) as error:
        raise source_unreachable() from error


def _with(first: bytes, rest: Iterator[bytes]) -> Generator[bytes]:
    """Yield the first block, which was asked for to see whether there is a file, and then the rest."""
    with _told():
        yield first
        yield from rest
