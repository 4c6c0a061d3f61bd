"""SQL on what the public says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, delete, false, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from beijiang.db import Shelf, age_of, part_of
from beijiang.kit import Part
from beijiang.opendata.store.schema import portal_support, portal_voice
from beijiang.opendata.voices import Outcome, Voice, VoiceKind, VoiceState
from beijiang.standards import Case

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select
    from sqlalchemy.sql import ColumnElement

    from beijiang.kit import Wanted
    from beijiang.opendata.voices import VoiceQuery

__all__ = ["VoiceStore"]

_V, _S = portal_voice.c, portal_support.c
_SAME = (
    "id", "dataset_id", "dataset_title", "org_id", "title", "words", "by", "contact", "digest", "answer", "basis",
    "answered_by", "result_id", "ticket_id", "hidden", "hidden_reason", "urged", "revision", "created_at", "changed_at",
    "ended_at",
)  # fmt: skip
_OPEN = tuple(state.value for state in VoiceState if not state.is_over)


class VoiceStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, made: Voice) -> None:
        """Add what somebody said."""
        self._connection.execute(insert(portal_voice).values(**_values(made)))

    def get(self, voice_id: str) -> Voice | None:
        """Return one."""
        row = self._connection.execute(select(portal_voice).where(_V.id == voice_id)).one_or_none()
        return None if row is None else _voice(row)

    def save(self, changed: Voice) -> bool:
        """Write the next revision; False where somebody was faster."""
        unchanged = (_V.id == changed.id, _V.revision == changed.revision - 1)
        done = self._connection.execute(update(portal_voice).where(*unchanged).values(**_values(changed)))
        return done.rowcount == 1

    def running(self) -> list[Voice]:
        """Return what waits for an answer, the oldest first."""
        rows = select(portal_voice).where(_V.state.in_(_OPEN)).order_by(_V.created_at, _V.id)
        return [_voice(row) for row in self._connection.execute(rows)]

    def count_running(self, org_id: str | None, *, received: bool) -> int:
        """Return how many wait for the answer of a department, and with ``received`` also those that nobody was charged with."""
        query = select(func.count()).select_from(portal_voice).where(_waits(org_id, received=received))
        return int(self._connection.execute(query).scalar_one())

    def found_running(self, query: VoiceQuery, org_id: str | None, *, received: bool) -> tuple[list[Voice], int]:
        """Return a page of those that ``count_running`` counts, newest first, and how many fit the query."""
        return self._found(select(portal_voice).where(_waits(org_id, received=received)), query)

    def part(self, query: VoiceQuery, wanted: Wanted, org_id: str | None, now: datetime, *, every: bool) -> Part[Voice]:
        """Return a part of what a department (``every``: the authority, which sees all) deals with, newest first."""
        asked = select(portal_voice).where(*_conditions(query))
        if query.mine:
            asked = asked.where(_waits(org_id, received=every))
        elif not every:
            asked = asked.where(_V.org_id == (org_id or ""))
        supporters = select(func.count()).where(_S.voice_id == _V.id).scalar_subquery()
        shelf = Shelf(
            rows=asked,
            columns={
                "title": _V.title,
                "dataset": _V.dataset_title,
                "kind": _V.kind,
                "org": _V.org_id,
                "state": _V.state,
                "outcome": _V.outcome,
                "public": case((_V.hidden, "hidden"), else_="shown"),
                "supporters": func.nullif(supporters, 0),
                "at": _V.created_at,
                "ended": _V.ended_at,
                "age": age_of(_V.created_at, now),
                "id": _V.id,
            },
            counted=("kind", "org", "state", "outcome", "public", "age"),
            words=("title", "dataset", "id"),
            order=(_V.created_at.desc(), _V.id),
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([_voice(row) for row in rows], found, counts)

    def public(self, query: VoiceQuery) -> tuple[list[Voice], int]:
        """Return what everybody may see, newest first, and how many there are."""
        return self._found(select(portal_voice).where(_PUBLIC), query)

    def desk(self, query: VoiceQuery, orgs: Collection[str] | None) -> tuple[list[Voice], int]:
        """Return what some departments deal with (None: all of them), newest first, and how many there are."""
        wanted = select(portal_voice)
        if orgs is not None:
            wanted = wanted.where(_V.org_id.in_(orgs))
        return self._found(wanted, query)

    def said_by(self, person_id: str) -> list[Voice]:
        """Return what a member said, newest first."""
        rows = select(portal_voice).where(_V.by == person_id).order_by(_V.created_at.desc(), _V.id).limit(200)
        return [_voice(row) for row in self._connection.execute(rows)]

    def supporters(self, ids: Sequence[str]) -> dict[str, int]:
        """Return how many people said that they need it too."""
        rows = select(_S.voice_id, func.count()).where(_S.voice_id.in_(ids)).group_by(_S.voice_id)
        return {row[0]: row[1] for row in self._connection.execute(rows)}

    def supports(self, voice_id: str, person_id: str) -> bool:
        """Tell whether somebody said so."""
        found = select(_S.voice_id).where(_S.voice_id == voice_id, _S.person_id == person_id)
        return self._connection.execute(found).one_or_none() is not None

    def support(self, voice_id: str, person_id: str, at: datetime) -> None:
        """Note that somebody needs it too; twice is once."""
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(portal_support).values(voice_id=voice_id, person_id=person_id, at=at))
        except IntegrityError:
            return

    def unsupport(self, voice_id: str, person_id: str) -> None:
        """Take it back."""
        self._connection.execute(delete(portal_support).where(_S.voice_id == voice_id, _S.person_id == person_id))

    def contacts(self) -> list[tuple[str, str]]:
        """Return every sealed contact with the id that it is bound to."""
        rows = select(_V.id, _V.contact).where(_V.contact != "")
        return [(row.id, row.contact) for row in self._connection.execute(rows)]

    def put_contact(self, voice_id: str, sealed: str) -> None:
        """Replace a sealed contact."""
        self._connection.execute(update(portal_voice).where(_V.id == voice_id).values(contact=sealed))

    def _found(self, wanted: Select[Any], query: VoiceQuery) -> tuple[list[Voice], int]:
        for condition in _conditions(query):
            wanted = wanted.where(condition)
        count = self._connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
        start = (query.page - 1) * query.size
        rows = wanted.order_by(_V.created_at.desc(), _V.id).limit(query.size).offset(start)
        return [_voice(row) for row in self._connection.execute(rows)], count


def _waits(org_id: str | None, *, received: bool) -> ColumnElement[bool]:
    mine = [_V.state == VoiceState.RECEIVED.value] if received else []
    mine += [_V.org_id == org_id] if org_id else []
    return and_(_V.state.in_(_OPEN), or_(false(), *mine))


_PUBLIC: ColumnElement[bool] = and_(
    _V.hidden.is_(False),
    or_(
        _V.state == VoiceState.ANSWERED.value,
        and_(_V.kind == VoiceKind.REQUEST.value, _V.state == VoiceState.DISPATCHED.value),
    ),
)


def _conditions(query: VoiceQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.kind is not None:
        found.append(_V.kind == query.kind.value)
    if query.dataset_id:
        found.append(_V.dataset_id == query.dataset_id)
    if query.open_only:
        found.append(_V.state.in_(_OPEN))
    if query.words:
        about = (column.contains(query.words, autoescape=True) for column in (_V.title, _V.dataset_title, _V.answer))
        found.append(or_(*about))
    return found


def _values(one: Voice) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in _SAME},
        "kind": one.kind.value,
        "state": one.state.value,
        "outcome": None if one.outcome is None else one.outcome.value,
        "clock": None if one.case is None else one.case.to_json(),
    }


def _voice(row: Row[Any]) -> Voice:
    return Voice(
        **{name: getattr(row, name) for name in _SAME},
        kind=VoiceKind(row.kind),
        state=VoiceState(row.state),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        case=None if row.clock is None else Case.from_json(row.clock),
    )
