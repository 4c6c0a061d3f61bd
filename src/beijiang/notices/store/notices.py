"""All SQL on notices, on the place in the log up to which they are made, and on what people chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from beijiang.db import Shelf, UtcDateTime, age_of, metadata, part_of
from beijiang.kit import Part
from beijiang.notices.models import Notice, NoticeKind, NoticeQuery, Way

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

    from beijiang.kit import Wanted

__all__ = ["NoticeStore", "notice", "notice_choice", "notice_place"]

notice = Table(
    "notice",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("person_id", String(100), nullable=False),
    Column("fact", String(40), nullable=False),
    Column("action", String(100), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("subject", String(20), nullable=False),
    Column("thing", String(400), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("read_at", UtcDateTime),
    UniqueConstraint("person_id", "fact"),
    Index("ix_notice_person", "person_id", "place"),
    Index("ix_notice_place", "place"),
    Index("ix_notice_read_at", "read_at"),
    Index("ix_notice_thing", "thing"),
)

notice_place = Table(
    "notice_place",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("swept_at", UtcDateTime),
)

notice_choice = Table(
    "notice_choice",
    metadata,
    Column("person_id", String(100), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("way", String(10), nullable=False),
)

_N = notice.c
_ONLY = 1


class NoticeStore:
    """Read and write notices on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # The place in the log

    def place(self) -> int | None:
        """Return the sequence of the last record that was looked at; None before the first look."""
        found = self._connection.execute(select(notice_place.c.sequence)).scalar()
        return None if found is None else int(found)

    def move(self, before: int | None, after: int) -> bool:
        """Move the place on; False if somebody else moved it meanwhile."""
        if before is None:
            build = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
            begun = build(notice_place).values(id=_ONLY, sequence=after).on_conflict_do_nothing()
            return bool(self._connection.execute(begun).rowcount)
        moved = update(notice_place).where(notice_place.c.sequence == before).values(sequence=after)
        return bool(self._connection.execute(moved).rowcount)

    def swept_at(self) -> datetime | None:
        """Return when old notices were last removed."""
        found: datetime | None = self._connection.execute(select(notice_place.c.swept_at)).scalar()
        return found

    def sweep(self, until: datetime, most: int, at: datetime) -> int:
        """Remove notices older than ``until``, and the oldest of whoever has more than ``most``; return how many."""
        gone = self._connection.execute(delete(notice).where(_N.at < until)).rowcount
        counted = select(_N.person_id).group_by(_N.person_id).having(func.count() > most)
        for person_id in self._connection.execute(counted).scalars().all():
            mine = select(_N.place).where(_N.person_id == person_id).order_by(_N.place.desc()).offset(most - 1).limit(1)
            edge = self._connection.execute(mine).scalar()
            gone += self._connection.execute(delete(notice).where(_N.person_id == person_id, _N.place < edge)).rowcount
        self._connection.execute(update(notice_place).values(swept_at=at))
        return int(gone)

    # Notices

    def add(self, made: Sequence[Notice], places: Mapping[str, int]) -> list[Notice]:
        """Store notices, and return those that were new; of one person and fact there is one."""
        build = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        new = []
        for one in made:
            values = {
                "id": one.id,
                "person_id": one.person_id,
                "fact": one.fact,
                "action": one.action,
                "kind": one.kind.value,
                "subject": one.subject,
                "thing": one.thing,
                "at": one.at,
                "place": places[one.fact],
            }
            if self._connection.execute(build(notice).values(**values).on_conflict_do_nothing()).rowcount:
                new.append(one)
        return new

    def told_of(self, things: Collection[str]) -> dict[str, set[str]]:
        """Return who was told of each data set because they followed it."""
        rows = select(notice.c.thing, notice.c.person_id).where(notice.c.thing.in_(things)).distinct()
        found: dict[str, set[str]] = {}
        for row in self._connection.execute(rows.where(notice.c.kind == NoticeKind.FOLLOW.value)) if things else ():
            found.setdefault(row.thing, set()).add(row.person_id)
        return found

    def pulse(self) -> str:
        """Return a word that changes when a notice is added or read."""
        row = self._connection.execute(select(func.max(_N.place))).scalar()
        read = self._connection.execute(select(func.max(_N.read_at))).scalar()
        return f"{row}.{read}"

    def find(self, person_id: str, query: NoticeQuery) -> list[Notice]:
        """Return notices of a person, newest first."""
        wanted = _asked(person_id, query)
        if query.before:
            last = self._connection.execute(
                select(_N.place, _N.id).where(_N.person_id == person_id, _N.id == query.before)
            ).one_or_none()
            if last is None:
                return []
            wanted = wanted.where(or_(_N.place < last.place, (_N.place == last.place) & (_N.id < last.id)))
        wanted = wanted.order_by(_N.place.desc(), _N.id.desc()).limit(query.limit)
        return [_notice(row) for row in self._connection.execute(wanted)]

    def part(self, person_id: str, query: NoticeQuery, wanted: Wanted, now: datetime) -> Part[Notice]:
        """Return a part of the notices of a person that ``query`` asks for, newest first; pages are cut by ``wanted``."""
        shelf = Shelf(
            rows=_asked(person_id, query),
            columns={
                "what": _N.action + "|" + _N.kind + "|" + _N.subject,
                "kind": _N.kind,
                "state": case((_N.read_at.is_(None), "unread"), else_="read"),
                "at": _N.at,
                "age": age_of(_N.at, now),
            },
            counted=("what", "kind", "state", "age"),
            order=(_N.place.desc(), _N.id.desc()),
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([_notice(row) for row in rows], found, counts)

    def get(self, person_id: str, notice_id: str) -> Notice | None:
        """Return one notice of a person."""
        row = self._connection.execute(
            select(notice).where(_N.person_id == person_id, _N.id == notice_id)
        ).one_or_none()
        return None if row is None else _notice(row)

    def unread(self, person_id: str) -> dict[NoticeKind, int]:
        """Count the unread notices of a person by kind."""
        rows = self._connection.execute(
            select(_N.kind, func.count().label("number"))
            .where(_N.person_id == person_id, _N.read_at.is_(None))
            .group_by(_N.kind)
        )
        return {NoticeKind(row.kind): int(row.number) for row in rows}

    def read(
        self, person_id: str, at: datetime, *, notice_id: str | None = None, kind: NoticeKind | None = None
    ) -> int:
        """Mark one notice, those of a kind, or all of a person as read; return how many were not yet."""
        wanted = update(notice).where(_N.person_id == person_id, _N.read_at.is_(None))
        if notice_id is not None:
            wanted = wanted.where(_N.id == notice_id)
        if kind is not None:
            wanted = wanted.where(_N.kind == kind.value)
        return int(self._connection.execute(wanted.values(read_at=at)).rowcount)

    def tasks_of(self, things: Collection[str]) -> list[Notice]:
        """Return the unread tasks of anybody about some things."""
        if not things:
            return []
        rows = select(notice).where(_N.thing.in_(things), _N.kind == NoticeKind.TASK.value, _N.read_at.is_(None))
        return [_notice(row) for row in self._connection.execute(rows)]

    def settle(self, notice_ids: Sequence[str], at: datetime) -> None:
        """Mark notices as read that need no reading any more."""
        if notice_ids:
            wanted = update(notice).where(_N.id == bindparam("settled"), _N.read_at.is_(None)).values(read_at=at)
            self._connection.execute(wanted, [{"settled": one} for one in sorted(notice_ids)])

    # Choices

    def choices(self, person_ids: Sequence[str]) -> dict[tuple[str, NoticeKind], Way]:
        """Return what people chose; what is not there was not chosen."""
        if not person_ids:
            return {}
        rows = self._connection.execute(select(notice_choice).where(notice_choice.c.person_id.in_(person_ids)))
        return {(row.person_id, NoticeKind(row.kind)): Way(row.way) for row in rows}

    def choose(self, person_id: str, chosen: Mapping[NoticeKind, Way]) -> None:
        """Replace what a person chose of these kinds."""
        for kind, way in chosen.items():
            same = (notice_choice.c.person_id == person_id, notice_choice.c.kind == kind.value)
            self._connection.execute(delete(notice_choice).where(*same))
            values = {"person_id": person_id, "kind": kind.value, "way": way.value}
            self._connection.execute(insert(notice_choice).values(**values))


def _asked(person_id: str, query: NoticeQuery) -> Select[Any]:
    wanted = select(notice).where(_N.person_id == person_id)
    if query.kind is not None:
        wanted = wanted.where(_N.kind == query.kind.value)
    return wanted.where(_N.read_at.is_(None)) if query.unread_only else wanted


def _notice(row: Any) -> Notice:
    return Notice(
        id=row.id,
        person_id=row.person_id,
        fact=row.fact,
        action=row.action,
        kind=NoticeKind(row.kind),
        subject=row.subject,
        thing=row.thing,
        at=row.at,
        read_at=row.read_at,
    )
