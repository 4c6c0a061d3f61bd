"""Letters that wait, came and went, and the requests that were seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, insert, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beijiang.federation.models import Kept, Letter, LetterState, Way, canonical
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

    def waiting(self) -> dict[str, tuple[int, datetime]]:
        """Return by node how many letters to it wait, and when the oldest of them was written."""
        query = select(letters.c.node_id, func.count(), func.min(letters.c.written_at)).where(
            letters.c.way == Way.OUT.value, letters.c.state == LetterState.WAITING.value
        )
        rows = self.connection.execute(query.group_by(letters.c.node_id))
        return {node_id: (count, oldest) for node_id, count, oldest in rows}

    def read(
        self, kinds: Sequence[str], since: datetime, until: datetime
    ) -> dict[str, dict[str, tuple[int, datetime]]]:
        """Return by node and kind how many letters were read from a moment on and before another, and when last."""
        query = select(letters.c.node_id, letters.c.kind, func.count(), func.max(letters.c.answered_at)).where(
            letters.c.way == Way.IN.value,
            letters.c.state == LetterState.READ.value,
            letters.c.kind.in_(kinds),
            letters.c.answered_at >= since,
            letters.c.answered_at < until,
        )
        found: dict[str, dict[str, tuple[int, datetime]]] = {}
        rows = self.connection.execute(query.group_by(letters.c.node_id, letters.c.kind))
        for node_id, kind, count, last in rows:
            found.setdefault(node_id, {})[kind] = (count, last)
        return found

    # How long they are kept

    def subjects(self, beginning: str) -> list[tuple[str, str]]:
        """Return every subject that begins so, with its node."""
        query = select(letters.c.node_id, letters.c.subject).where(
            letters.c.subject.startswith(beginning, autoescape=True), letters.c.cleared_at.is_(None)
        )
        return [(row.node_id, row.subject) for row in self.connection.execute(query.distinct())]

    def old(self, kept: Kept) -> int:
        """Count the letters whose time to be kept is over."""
        query = select(func.count()).select_from(letters).where(*_old(kept))
        return int(self.connection.execute(query).scalar_one())

    def clear(self, kept: Kept, at: datetime, most: int) -> int:
        """Clear some letters whose time to be kept is over; return how many.

        Those that were sent are removed. Of those that came the words go; number, id, digest and answer stay, so that one that comes
        again is answered as before and not read.
        """
        where = _old(kept)
        piece = select(letters.c.way, letters.c.node_id, letters.c.id).where(*where).limit(most)
        found: dict[tuple[str, str], list[str]] = {}
        for row in self.connection.execute(piece):
            found.setdefault((row.way, row.node_id), []).append(row.id)
        for (way, node_id), ids in found.items():
            these = and_(letters.c.way == way, letters.c.node_id == node_id, letters.c.id.in_(ids))
            if way == Way.IN.value:
                self.connection.execute(update(letters).where(these).values(body="{}", cleared_at=at))
            else:
                self.connection.execute(delete(letters).where(these))
        return sum(map(len, found.values()))

    # Requests

    def first_time(self, node_id: str, nonce: str, at: datetime) -> bool:
        """Note that a request came; False when it came before."""
        build = sqlite.insert if self.connection.dialect.name == "sqlite" else postgresql.insert
        noted = build(nonces).values(node_id=node_id, nonce=nonce, at=at).on_conflict_do_nothing()
        return bool(self.connection.execute(noted).rowcount)

    def forget_requests(self, before: datetime) -> None:
        """Forget requests that are too old to be taken again anyhow."""
        self.connection.execute(delete(nonces).where(nonces.c.at < before))


def _old(kept: Kept) -> list[ColumnElement[bool]]:
    """Return what holds of letters that were settled and whose time to be kept is over, but for those that a hold names."""
    where: list[ColumnElement[bool]] = [
        letters.c.cleared_at.is_(None),
        letters.c.answered_at < kept.until,
        letters.c.state != LetterState.WAITING.value,
        letters.c.node_id.not_in(kept.held_nodes),
        letters.c.id.not_in(kept.held),
        letters.c.subject.not_in([*kept.held_subjects]),
    ]
    if kept.kinds:
        where.append(or_(*(letters.c.kind.startswith(one, autoescape=True) for one in kept.kinds)))
    where += [not_(letters.c.kind.startswith(one, autoescape=True)) for one in kept.others]
    return where


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
        cleared_at=row.cleared_at,
    )
