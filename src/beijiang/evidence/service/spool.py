"""Records that the database did not take, on the disk until it does: evidence must not stop the service."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from beijiang.evidence.models import Entry, canonical, moment
from beijiang.kit import Actor, ActorKind, Unavailable, new_id

__all__ = ["Spool"]

_NAME: Final = "spool.ndjson"
_TAKEN: Final = "spool-*.taken"


class Spool:
    """One line of JSON for each record, appended and synced before the read that it is about goes on.

    A file is taken as a whole: renamed, written to the database, removed. Killed in between, it is taken again; records have ids,
    so none is written twice.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> None:
        """Put a record on the disk and return when it is there.

        Raises:
            Unavailable: the spool is full, which is the one point where evidence holds up readers (``evidence_unavailable``).

        """
        line = (canonical(_written(entry)) + "\n").encode()
        with self._lock:
            if self.size() + len(line) > self._limit:
                raise full()
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / _NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def size(self) -> int:
        """Return the bytes that wait."""
        return sum(path.stat().st_size for path in self._files() if path.exists())

    def take(self) -> Iterator[tuple[Path, Sequence[Entry]]]:
        """Yield what waits, file by file; ``done`` removes one that was written."""
        with self._lock:
            waiting = self._folder / _NAME
            if waiting.exists():
                waiting.rename(self._folder / f"spool-{new_id('sp')}.taken")
        for path in sorted(self._folder.glob(_TAKEN)):
            try:
                lines = path.read_bytes().splitlines(keepends=True)
            except FileNotFoundError:  # another process wrote and removed it
                continue
            yield path, [_read(json.loads(line)) for line in lines if line.endswith(b"\n")]

    @staticmethod
    def done(path: Path) -> None:
        """Remove a file whose records are in the database."""
        path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return [self._folder / _NAME, *self._folder.glob(_TAKEN)]


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


def _read(facts: dict[str, Any]) -> Entry:
    person, name, kind, org, session = facts.pop("actor")
    columns = facts.pop("columns")
    return Entry(
        actor=Actor(id=person, name=name, kind=ActorKind(kind), org_id=org, session_id=session),
        at=datetime.fromisoformat(facts.pop("at")),
        columns=None if columns is None else tuple(columns),
        **facts,
    )
