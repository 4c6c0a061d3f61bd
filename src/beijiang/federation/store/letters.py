"""Letters that wait, came and went, and the requests that were seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beijiang.federation.models import Letter, LetterState, Way, canonical
from beijiang.federation.store.schema import letters, nonces
from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

__all__ = ["LetterStore"]


class LetterStore:
    """Read and write letters."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, letter: Letter) -> None:
        """Keep a letter."""
        self.connection.execute(insert(letters).values(**_values(letter)))

    def add_once(self, letter: Letter) -> bool:
        """Keep a letter; False when it is kept already, or somebody else keeps it this moment."""
        build = sqlite.insert if self.connection.dialect.name == "sqlite" else postgresql.insert
        return bool(self.connection.execute(build(letters).values(**_values(letter)).on_conflict_do_nothing()).rowcount)

    def one(self, node_id: str, way: Way, letter_id: str) -> Letter | None:
        """Return a letter; None when there is none."""
        query = select(letters).where(
            letters.c.node_id == node_id, letters.c.way == way.value, letters.c.id == letter_id
        )
        row = self.connection.execute(query).one_or_none()
        return None if row is None else _letter(row)

    def due(self, node_id: str, now: datetime, most: int) -> list[Letter]:
        """Return the letters to a node that may be posted now, in order; none before an earlier one of its subject."""
        earlier = letters.alias()
        held = (
            select(earlier.c.id)
            .where(
                earlier.c.node_id == letters.c.node_id,
                earlier.c.way == Way.OUT.value,
                earlier.c.state == LetterState.WAITING.value,
                earlier.c.subject == letters.c.subject,
                earlier.c.number <= letters.c.number,
                earlier.c.next_at > now,
            )
            .exists()
        )
        query = (
            select(letters)
            .where(
                letters.c.node_id == node_id,
                letters.c.way == Way.OUT.value,
                letters.c.state == LetterState.WAITING.value,
                ~held,
            )
            .order_by(letters.c.number)
            .limit(most)
        )
        return [_letter(row) for row in self.connection.execute(query)]

    def change(self, letter: Letter, **values: Any) -> bool:
        """Change some columns of a letter that waits; False when it waits no more."""
        here = (letters.c.node_id == letter.node_id) & (letters.c.way == letter.way.value) & (letters.c.id == letter.id)
        waiting = letters.c.state == LetterState.WAITING.value
        return bool(self.connection.execute(update(letters).where(here, waiting).values(**values)).rowcount)

    def withdraw(self, node_id: str, at: datetime, kind: str = "") -> list[Letter]:
        """Take back the letters to a node that still wait, of one kind or of all; return them in order."""
        which = [letters.c.node_id == node_id, letters.c.way == Way.OUT.value]
        which += [letters.c.state == LetterState.WAITING.value]
        which += [letters.c.kind == kind] if kind else []
        values = {"state": LetterState.WITHDRAWN.value, "answered_at": at}
        taken = update(letters).where(*which).values(**values).returning(letters)
        return sorted(map(_letter, self.connection.execute(taken)), key=lambda one: one.number)

    def page(
        self, node_id: str, ways: Sequence[Way], states: Sequence[LetterState], most: int, skip: int = 0
    ) -> tuple[list[Letter], int]:
        """Return letters, newest first, and how many there are in all; no node means all nodes."""
        where: list[ColumnElement[bool]] = [
            letters.c.way.in_([way.value for way in ways]),
            letters.c.state.in_([one.value for one in states]),
        ]
        where += [letters.c.node_id == node_id] if node_id else []
        total = self.connection.execute(select(func.count()).select_from(letters).where(*where)).scalar_one()
        newest = select(letters).where(*where).order_by(letters.c.written_at.desc(), letters.c.id.desc())
        return [_letter(row) for row in self.connection.execute(newest.limit(most).offset(skip))], int(total)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return by node how many letters stand where, as ``out.waiting``."""
        query = select(letters.c.node_id, letters.c.way, letters.c.state, func.count()).group_by(
            letters.c.node_id, letters.c.way, letters.c.state
        )
        found: dict[str, dict[str, int]] = {}
        for node_id, way, state, count in self.connection.execute(query):
            found.setdefault(node_id, {})[f"{way}.{state}"] = count
        return found

    # Requests

    def first_time(self, node_id: str, nonce: str, at: datetime) -> bool:
        """Note that a request came; False when it came before."""
        build = sqlite.insert if self.connection.dialect.name == "sqlite" else postgresql.insert
        noted = build(nonces).values(node_id=node_id, nonce=nonce, at=at).on_conflict_do_nothing()
        return bool(self.connection.execute(noted).rowcount)

    def forget_requests(self, before: datetime) -> None:
        """Forget requests that are too old to be taken again anyhow."""
        self.connection.execute(delete(nonces).where(nonces.c.at < before))


def _values(letter: Letter) -> dict[str, Any]:
    return {
        "node_id": letter.node_id,
        "way": letter.way.value,
        "id": letter.id,
        "number": letter.number,
        "kind": letter.kind,
        "subject": letter.subject,
        "body": canonical(letter.body),
        "digest": letter.digest,
        "state": letter.state.value,
        "code": letter.code,
        "reason_zh": letter.reason and letter.reason.zh,
        "reason_en": letter.reason and letter.reason.en,
        "attempts": letter.attempts,
        "written_at": letter.written_at,
        "next_at": letter.next_at,
        "answered_at": letter.answered_at,
    }


def _letter(row: Row[Any]) -> Letter:
    return Letter(
        id=row.id,
        node_id=row.node_id,
        way=Way(row.way),
        number=row.number,
        kind=row.kind,
        subject=row.subject,
        body=json.loads(row.body),
        digest=row.digest,
        state=LetterState(row.state),
        code=row.code,
        reason=None if row.reason_zh is None else Text(row.reason_zh, row.reason_en or ""),
        attempts=row.attempts,
        written_at=row.written_at,
        next_at=row.next_at,
        answered_at=row.answered_at,
    )
