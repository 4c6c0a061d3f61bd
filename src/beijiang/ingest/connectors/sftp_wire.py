"""The file protocol of SSH (SFTP, version 3): list, look, read many blocks at once; write, make a folder, rename."""

from __future__ import annotations

import stat
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beijiang.outbound import Channel

__all__ = ["Entry", "Session", "Status", "WritingSession"]

_INIT, _VERSION, _OPEN, _CLOSE, _READ, _WRITE, _LSTAT, _FSTAT = 1, 2, 3, 4, 5, 6, 7, 8
_REMOVE, _MKDIR, _RENAME, _EXTENDED = 13, 14, 18, 200
_ANEW: Final = 0x02 | 0x08 | 0x10
"""Open to write, made if it is not there, emptied if it is."""
_OPENDIR, _READDIR, _STATUS, _HANDLE, _DATA, _NAME, _ATTRS = 11, 12, 101, 102, 103, 104, 105
_EOF: Final = 1
_LONGEST: Final = 1 << 20
"""A packet beyond this is none; servers send at most 256 KiB."""
_BLOCK: Final = 32_768
_AHEAD: Final = 64
"""Blocks that are asked for before the first has come."""


class Status(Exception):
    """What a server says instead of an answer: 2 no such file, 3 not allowed, others a failure."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass(frozen=True, slots=True)
class Entry:
    """A name and what the server says of it."""

    name: str
    size: int | None
    mode: int
    mtime: int | None

    @property
    def is_file(self) -> bool:
        """Tell whether it is a plain file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        """Tell whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """Tell whether it leads somewhere else."""
        return stat.S_ISLNK(self.mode)

    @property
    def modified(self) -> datetime | None:
        """Return when it was changed."""
        return None if self.mtime is None else datetime.fromtimestamp(self.mtime, UTC)


class _Packet:
    """The inside of an answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def number(self, size: int = 4) -> int:
        return int.from_bytes(self._take(size), "big")

    def text(self) -> bytes:
        return self._take(self.number())

    def attributes(self) -> tuple[int | None, int, int | None]:
        """Return size, mode and time of change."""
        flags, size, mode, mtime = self.number(), None, 0, None
        if flags & 1:
            size = self.number(8)
        if flags & 2:
            self._take(8)
        if flags & 4:
            mode = self.number()
        if flags & 8:
            self.number()
            mtime = self.number()
        if flags & 0x80000000:
            for _ in range(self.number()):
                self.text()
                self.text()
        return size, mode, mtime

    def _take(self, size: int) -> bytes:
        piece = self._body[self._at : self._at + size]
        if len(piece) != size:
            raise EOFError
        self._at += size
        return piece


class Session:
    """One conversation with a server; questions carry numbers, and answers are waited for in their order."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._next = 0
        self._asked_for: set[int] = set()
        self._came: dict[int, tuple[int, _Packet]] = {}
        self._write(bytes([_INIT]) + struct.pack(">I", 3))
        kind, _ = self._packet()
        if kind != _VERSION:
            raise EOFError

    def folder(self, path: str) -> Iterator[Entry]:
        """Yield what lies in a folder, except itself and the one above."""
        handle = self._handle(_OPENDIR, _text(path))
        try:
            while True:
                try:
                    answer = self._asked(_READDIR, _text(handle), _NAME)
                except Status as status:
                    if status.code != _EOF:
                        raise
                    return
                names = answer.number()
                if not names:
                    raise EOFError
                for _ in range(names):
                    name = answer.text()
                    answer.text()  # the line that "ls -l" would show
                    entry = Entry(name.decode("utf-8", "surrogateescape"), *answer.attributes())
                    if entry.name not in {".", ".."}:
                        yield entry
        finally:
            self._close(handle)

    def look(self, path: str) -> Entry:
        """Return what a path is, without following it."""
        return Entry(path, *self._asked(_LSTAT, _text(path), _ATTRS).attributes())

    def read(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a file; after a block that came short, reading begins again where it ended."""
        handle = self._handle(_OPEN, _text(path) + struct.pack(">II", 1, 0))
        waiting: deque[tuple[int, int]] = deque()
        size = Entry(path, *self._asked(_FSTAT, _text(handle), _ATTRS).attributes()).size
        ahead = _AHEAD if size is None else min(_AHEAD, size // _BLOCK + 2)
        place = 0
        try:
            while True:
                while len(waiting) < ahead:
                    question = _text(handle) + struct.pack(">QI", place, _BLOCK)
                    waiting.append((self._ask(_READ, question), place))
                    place += _BLOCK
                number, begin = waiting.popleft()
                try:
                    piece = self._answer(number, _DATA).text()
                except Status as status:
                    if status.code != _EOF:
                        raise
                    return
                if not 0 < len(piece) <= _BLOCK:
                    raise EOFError
                yield piece
                if len(piece) < _BLOCK:
                    self._let_go(waiting)
                    place = begin + len(piece)
        finally:
            self._let_go(waiting)
            self._close(handle)

    def _handle(self, kind: int, body: bytes) -> bytes:
        return self._asked(kind, body, _HANDLE).text()

    def _close(self, handle: bytes) -> None:
        with suppress(Status):
            self._asked(_CLOSE, _text(handle), _STATUS)

    def _let_go(self, waiting: deque[tuple[int, int]]) -> None:
        """Hear the answers to questions that no longer matter."""
        while waiting:
            with suppress(Status):
                self._answer(waiting.popleft()[0], _DATA)

    def _asked(self, kind: int, body: bytes, wanted: int) -> _Packet:
        return self._answer(self._ask(kind, body), wanted)

    def _ask(self, kind: int, body: bytes) -> int:
        self._next += 1
        self._asked_for.add(self._next)
        self._write(bytes([kind]) + struct.pack(">I", self._next) + body)
        return self._next

    def _answer(self, number: int, wanted: int) -> _Packet:
        """Return the answer to one question; others that were asked for and come before it are kept."""
        while number not in self._came:
            kind, packet = self._packet()
            told = packet.number()
            if told not in self._asked_for:
                raise EOFError
            self._asked_for.remove(told)
            self._came[told] = (kind, packet)
        kind, packet = self._came.pop(number)
        if kind == _STATUS:
            code = packet.number()
            if code or wanted != _STATUS:
                raise Status(code)
        elif kind != wanted:
            raise EOFError
        return packet

    def _write(self, body: bytes) -> None:
        self._channel.write(struct.pack(">I", len(body)) + body)

    def _packet(self) -> tuple[int, _Packet]:
        size = int.from_bytes(self._channel.read(4), "big")
        if not 0 < size <= _LONGEST:
            raise EOFError
        body = self._channel.read(size)
        return body[0], _Packet(body[1:])


class WritingSession(Session):
    """A conversation in which files are written too."""

    def write(self, path: str, body: bytes) -> None:
        """Write a file anew, many blocks at once."""
        handle = self._handle(_OPEN, _text(path) + struct.pack(">II", _ANEW, 0))
        waiting: deque[int] = deque()
        try:
            for place in range(0, len(body), _BLOCK):
                piece = body[place : place + _BLOCK]
                waiting.append(self._ask(_WRITE, _text(handle) + struct.pack(">Q", place) + _text(piece)))
                if len(waiting) >= _AHEAD:
                    self._answer(waiting.popleft(), _STATUS)
            while waiting:
                self._answer(waiting.popleft(), _STATUS)
        except Status:
            for number in waiting:
                with suppress(Status):
                    self._answer(number, _STATUS)
            raise
        finally:
            self._close(handle)

    def make(self, path: str) -> None:
        """Make a folder."""
        self._asked(_MKDIR, _text(path) + struct.pack(">I", 0), _STATUS)

    def rename(self, path: str, name: str) -> None:
        """Give a file its name, in place of one that has it; by OpenSSH's own word, or in two steps where it is not known."""
        try:
            self._asked(_EXTENDED, _text("posix-rename@openssh.com") + _text(path) + _text(name), _STATUS)
        except Status:
            with suppress(Status):
                self._asked(_REMOVE, _text(name), _STATUS)
            self._asked(_RENAME, _text(path) + _text(name), _STATUS)


def _text(value: bytes | str) -> bytes:
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return struct.pack(">I", len(raw)) + raw
