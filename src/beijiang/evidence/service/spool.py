"""Records that the database did not take, on the disk until it does: evidence must not stop the service."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from beijiang.evidence.models import Entry, canonical, moment
from beijiang.evidence.service.appending import append, locked
from beijiang.kit import Actor, ActorKind, Unavailable, new_id

__all__ = ["Spool", "Taken"]

_NAME: Final = "spool.ndjson"
_TAKEN: Final = "spool-*.taken"
_RESERVE: Final = "spool.reserve"
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Taken:
    """A file of the spool with what stands in it, and how many of its lines cannot be read."""

    path: Path
    entries: Sequence[Entry]
    unreadable: int


class Spool:
    """One line of JSON for each record, appended and synced before the read that it is about goes on.

    A file is taken as a whole: renamed, written to the database, removed. Killed in between, it is taken again; records have ids,
    so none is written twice. ``reserve`` bytes are held on the disk, and given up when it is full of other things.
    """

    def __init__(self, folder: Path, limit: int, reserve: int = 0) -> None:
        self._folder = folder
        self._limit = limit
        self._reserve = reserve
        self._lock = threading.Lock()

    def add(self, entries: Sequence[Entry], *, share: float = 1.0, sync: bool = True) -> None:
        """Put records on the disk, all or none, and return when they are there.

        Args:
            entries: the records.
            share: the part of the spool that may be full with them; the rest is for others.
            sync: without it they outlive the process, and a loss of power only once the system has written them.

        Raises:
            Unavailable: the spool or its disk is full, which is the one point where evidence holds up readers
                (``evidence_unavailable``).

        """
        lines = "".join(canonical(_written(entry)) + "\n" for entry in entries).encode()
        with self._lock:
            if self.size() + len(lines) > self._limit * share:
                raise full()
            try:
                self._append(lines, sync=sync)
            except OSError as error:
                raise full() from error

    def _append(self, lines: bytes, *, sync: bool) -> None:
        path = self._folder / _NAME
        try:
            append(path, lines, sync=sync)
        except OSError as error:
            if error.errno not in _NO_ROOM or not (self._folder / _RESERVE).exists():
                raise
            (self._folder / _RESERVE).unlink(missing_ok=True)
            append(path, lines, sync=sync)

    def reserve(self) -> None:
        """Hold room on the disk for records that come when it is full; does nothing where it is held, or is not to be had."""
        path = self._folder / _RESERVE
        if not self._reserve or path.exists():
            return
        try:
            with path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._reserve)
        except OSError:
            path.unlink(missing_ok=True)

    def size(self) -> int:
        """Return the bytes that wait."""
        found = 0
        for path in (self._folder / _NAME, *self._folder.glob(_TAKEN)):
            with suppress(FileNotFoundError):  # another process wrote and removed it
                found += path.stat().st_size
        return found

    def take(self) -> Iterator[Taken]:
        """Yield what waits, file by file; ``done`` removes one that was written."""
        waiting = self._folder / _NAME
        with suppress(FileNotFoundError), locked(waiting):
            waiting.rename(self._folder / f"spool-{new_id('sp')}.taken")
        for path in sorted(self._folder.glob(_TAKEN)):
            with suppress(FileNotFoundError):
                lines = path.read_bytes().splitlines(keepends=True)
                found = [
                    _read(line) for line in lines if line.endswith(b"\n")
                ]  # else killed before it was told to be there
                entries = [entry for entry in found if entry is not None]
                yield Taken(path, entries, len(found) - len(entries))

    @staticmethod
    def done(taken: Taken) -> None:
        """Remove a file whose records are in the database; one with lines that cannot be read is set aside."""
        if taken.unreadable:
            with suppress(FileNotFoundError):
                taken.path.rename(taken.path.with_suffix(".unreadable"))
        taken.path.unlink(missing_ok=True)


def full() -> Unavailable:
    """Return what is said when a read cannot be recorded anywhere."""
    return Unavailable(
        "存证暂时无法写入，操作未执行，请稍后再试。",
        "The evidence log cannot be written now, so nothing was done; try again later.",
        code="evidence_unavailable",
    )


def _written(entry: Entry) -> dict[str, Any]:
    who = entry.actor
    return {
        "actor": [who.id, who.name, who.kind.value, who.org_id, who.session_id],
        "action": entry.action,
        "target": entry.target,
        "at": moment(entry.at),
        "decision": str(entry.decision),
        "purpose": entry.purpose,
        "exit": entry.exit,
        "version": entry.version,
        "policy": entry.policy,
        "columns": None if entry.columns is None else list(entry.columns),
        "rows": entry.rows,
        "bytes": entry.bytes,
        "grade": None if entry.grade is None else str(entry.grade),
        "detail": dict(entry.detail),
        "id": entry.id,
    }


def _read(line: bytes) -> Entry | None:
    """Return the record of a line; None where it cannot be read."""
    try:
        facts = json.loads(line)
        person, name, kind, org, session = facts.pop("actor")
        columns = facts.pop("columns")
        return Entry(
            actor=Actor(id=person, name=name, kind=ActorKind(kind), org_id=org, session_id=session),
            at=datetime.fromisoformat(facts.pop("at")),
            columns=None if columns is None else tuple(columns),
            **facts,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
