"""SQL on subscriptions: who hears of what, what is yet to be told, and the place in the log up to which it was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from beijiang.db import UtcDateTime, metadata
from beijiang.kit import Language
from beijiang.opendata.follows import Follow, FollowKind, FollowPace, FollowState, FollowWay, Happening
from beijiang.opendata.lanes import PER_LANE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["FollowStore", "portal_follow", "portal_follow_news", "portal_follow_place"]

portal_follow = Table(
    "portal_follow",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("by", String(100), nullable=False, index=True),
    Column("kind", String(10), nullable=False),
    Column("what", String(1000), nullable=False),
    Column("way", String(10), nullable=False),
    Column("pace", String(10), nullable=False),
    Column("language", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("lane", String(64), nullable=False, server_default=""),
    Column("address_digest", String(64), nullable=False, index=True),
    Column("code_digest", String(64), nullable=False),
    Column("end_digest", String(64), nullable=False),
    Column("code_until", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("error", String(60), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime),
    Column("next_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_portal_follow_what", "kind", "what"),
    Index("ix_portal_follow_due", "next_at"),
)

portal_follow_news = Table(
    "portal_follow_news",
    metadata,
    Column("follow_id", String(40), ForeignKey("portal_follow.id"), primary_key=True),
    Column("dataset_id", String(40), primary_key=True),
    Column("what", String(10), nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

portal_follow_place = Table(
    "portal_follow_place",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger),
    Column("sealed", Text, nullable=False),
)

_F, _N, _P = portal_follow.c, portal_follow_news.c, portal_follow_place.c
_ONLY: Final = 1
OWN_MOST: Final = 200
_TOGETHER: Final = 500
_OPEN: Final = (FollowState.WAITING.value, FollowState.ACTIVE.value, FollowState.OFF.value)


class FollowStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert

    # The place in the log, and the key of the digests of addresses

    def key(self) -> str:
        """Return the sealed key of the digests, empty before it was drawn."""
        return str(self._connection.execute(select(_P.sealed)).scalar() or "")

    def put_key(self, sealed: str) -> None:
        """Keep the sealed key if there is none; whoever comes later reads the first."""
        made = self._insert(portal_follow_place).values(id=_ONLY, sequence=None, sealed=sealed)
        kept = made.on_conflict_do_update(index_elements=["id"], set_={"sealed": sealed}, where=_P.sealed == "")
        self._connection.execute(kept)

    def change_key(self, sealed: str) -> None:
        """Replace the sealed key by the same under another root key."""
        self._connection.execute(update(portal_follow_place).values(sealed=sealed))

    def place(self) -> int | None:
        """Return the place up to which the log was heard; None before the first look."""
        found = self._connection.execute(select(_P.sequence)).scalar()
        return None if found is None else int(found)

    def move(self, before: int | None, after: int) -> bool:
        """Move the place on; False if somebody else moved it meanwhile."""
        here = _P.sequence.is_(None) if before is None else _P.sequence == before
        return bool(self._connection.execute(update(portal_follow_place).where(here).values(sequence=after)).rowcount)

    # Subscriptions

    def add(self, one: Follow) -> None:
        """Add a subscription."""
        words = ("kind", "way", "pace", "language", "state")
        same = ("id", "by", "what", "sealed", "lane", "address_digest", "code_digest", "end_digest", "code_until")
        more = ("attempts", "error", "created_at", "told_at", "next_at", "ended_at")
        values = {name: getattr(one, name) for name in (*same, *more)}
        self._connection.execute(
            insert(portal_follow).values(**values, **{name: getattr(one, name).value for name in words})
        )

    def get(self, follow_id: str) -> Follow | None:
        """Return one."""
        row = self._connection.execute(select(portal_follow).where(_F.id == follow_id)).one_or_none()
        return None if row is None else _follow(row)

    def change(self, follow_id: str, state: FollowState, values: dict[str, Any]) -> bool:
        """Change one that is in a state; tell whether it was."""
        here = (_F.id == follow_id, _F.state == state.value)
        return bool(self._connection.execute(update(portal_follow).where(*here).values(**values)).rowcount)

    def end(self, follow_id: str, at: datetime) -> None:
        """End one and forget its address; its id stays a while so that the link in a mail still says so, its digest a day (``sweep``)."""
        gone = {"state": FollowState.ENDED.value, "sealed": "", "next_at": None, "ended_at": at}
        self._connection.execute(update(portal_follow).where(_F.id == follow_id).values(**gone))
        self._connection.execute(delete(portal_follow_news).where(_N.follow_id == follow_id))

    def drop(self, follow_id: str) -> None:
        """Remove one."""
        self._connection.execute(delete(portal_follow_news).where(_N.follow_id == follow_id))
        self._connection.execute(delete(portal_follow).where(_F.id == follow_id))

    def own(self, person_id: str) -> list[Follow]:
        """Return those of a person that have not ended, newest first."""
        mine = select(portal_follow).where(_F.by == person_id, _F.state.in_(_OPEN))
        return [
            _follow(row) for row in self._connection.execute(mine.order_by(_F.created_at.desc(), _F.id).limit(OWN_MOST))
        ]

    def at_address(self, address_digest: str) -> list[Follow]:
        """Return those that go to an address and have not ended."""
        same = select(portal_follow).where(_F.address_digest == address_digest, _F.state.in_(_OPEN))
        return [_follow(row) for row in self._connection.execute(same)]

    def letters(self, person_id: str, address_digest: str, since: datetime) -> list[tuple[str, str]]:
        """Return by whom and where to each mail subscription was asked for since then, by a person or to an address, ended or not."""
        theirs = _F.address_digest == address_digest
        if person_id:
            theirs = theirs | (_F.by == person_id)
        rows = select(_F.by, _F.address_digest).where(theirs, _F.way == FollowWay.MAIL.value, _F.created_at > since)
        return [(row.by, row.address_digest) for row in self._connection.execute(rows)]

    def following(self, exact: Collection[tuple[FollowKind, str]]) -> list[Follow]:
        """Return the active ones of these things."""
        by_kind: dict[FollowKind, list[str]] = {}
        for kind, what in exact:
            by_kind.setdefault(kind, []).append(what)
        found: list[Follow] = []
        for kind, whats in by_kind.items():
            for begin in range(0, len(whats), _TOGETHER):
                some = whats[begin : begin + _TOGETHER]
                here = (_F.state == FollowState.ACTIVE.value, _F.kind == kind.value, _F.what.in_(some))
                found += (_follow(row) for row in self._connection.execute(select(portal_follow).where(*here)))
        return found

    def searches(self) -> list[str]:
        """Return the different searches that are followed."""
        rows = select(_F.what).where(_F.kind == FollowKind.SEARCH.value, _F.state == FollowState.ACTIVE.value)
        return list(self._connection.execute(rows.distinct()).scalars())

    def due(self, now: datetime, limit: int, closed: Collection[str], without: FollowWay | None) -> list[Follow]:
        """Return those whose time has come, but for those of lanes that are closed now and of a way that is.

        Of each host only as many as it may have at a time, so that thousands of one host hide nothing of another.
        """
        turn = func.row_number().over(partition_by=_F.lane, order_by=(_F.next_at, _F.id)).label("turn")
        rows = select(portal_follow, turn).where(_F.next_at <= now, _F.state.in_(_OPEN), _F.lane.not_in(closed))
        if without is not None:
            rows = rows.where(_F.way != without.value)
        first = rows.subquery()
        some = select(first).where(first.c.turn <= PER_LANE).order_by(first.c.next_at, first.c.id)
        return [_follow(row) for row in self._connection.execute(some.limit(limit))]

    def claim(self, one: Follow, until: datetime) -> bool:
        """Take one in hand until then; False if somebody else did."""
        mine = (_F.id == one.id, _F.next_at == one.next_at, _F.attempts == one.attempts, _F.state == one.state.value)
        return bool(self._connection.execute(update(portal_follow).where(*mine).values(next_at=until)).rowcount)

    def renew(self, follow_id: str, before: datetime, until: datetime) -> bool:
        """Keep one in hand longer; False if it is not in this hand any more."""
        mine = (_F.id == follow_id, _F.next_at == before)
        return bool(self._connection.execute(update(portal_follow).where(*mine).values(next_at=until)).rowcount)

    def sealed(self) -> list[tuple[str, str]]:
        """Return every sealed address with its id."""
        rows = self._connection.execute(select(_F.id, _F.sealed).where(_F.sealed != ""))
        return [(row.id, row.sealed) for row in rows]

    def put_sealed(self, follow_id: str, sealed: str) -> None:
        """Replace a sealed address by the same under another root key."""
        self._connection.execute(update(portal_follow).where(_F.id == follow_id).values(sealed=sealed))

    def counts(self) -> list[tuple[str, str, str, int]]:
        """Count them by kind, way and state."""
        grouped = select(_F.kind, _F.way, _F.state, func.count().label("number")).group_by(_F.kind, _F.way, _F.state)
        rows = self._connection.execute(grouped.order_by(_F.kind, _F.way, _F.state))
        return [(row.kind, row.way, row.state, int(row.number)) for row in rows]

    def sweep(self, unconfirmed: datetime, ended: datetime, counted: datetime) -> None:
        """Forget what nobody confirmed in time, what ended long ago, and the digests that count for no limit any more."""
        over = (_F.state == FollowState.ENDED.value, _F.created_at < counted, _F.address_digest != "")
        self._connection.execute(update(portal_follow).where(*over).values(address_digest=""))
        late = (_F.state == FollowState.WAITING.value) & (_F.created_at < unconfirmed)
        old = select(_F.id).where(or_(late, (_F.state == FollowState.ENDED.value) & (_F.ended_at < ended)))
        self._connection.execute(delete(portal_follow_news).where(_N.follow_id.in_(old)))
        self._connection.execute(delete(portal_follow).where(_F.id.in_(old.scalar_subquery())))

    # What is to be told

    def add_news(self, rows: Sequence[tuple[str, str, Happening, int, datetime]]) -> None:
        """Keep what is to be told: subscription, data set, what, place in the log, moment; of a data set the newest."""
        if not rows:
            return
        self._alone_with({row[0] for row in rows})
        words = ("follow_id", "dataset_id", "what", "place", "at")
        values = [dict(zip(words, (*row[:2], row[2].value, *row[3:]), strict=True)) for row in rows]
        made = self._insert(portal_follow_news)
        newest = {name: made.excluded[name] for name in ("what", "place", "at")}
        kept = made.on_conflict_do_update(index_elements=["follow_id", "dataset_id"], set_=newest)
        self._connection.execute(kept, values)

    def wake(self, moments: Mapping[str, datetime]) -> None:
        """Set when each subscription is told, if that is not set yet."""
        if not moments:
            return
        asleep = (_F.id == bindparam("one"), _F.next_at.is_(None), _F.state == FollowState.ACTIVE.value)
        woken = update(portal_follow).where(*asleep).values(next_at=bindparam("then"))
        self._connection.execute(woken, [{"one": one, "then": at} for one, at in moments.items()])

    def news(self, follow_id: str, most: int) -> list[tuple[str, Happening, int, datetime]]:
        """Return what is to be told to one, oldest first: data set, what, place, moment."""
        rows = select(portal_follow_news).where(_N.follow_id == follow_id).order_by(_N.place, _N.dataset_id)
        return [
            (r.dataset_id, Happening(r.what), int(r.place), r.at) for r in self._connection.execute(rows.limit(most))
        ]

    def told(self, follow_id: str, news: Sequence[tuple[str, Happening, int, datetime]]) -> bool:
        """Forget what was told unless it changed meanwhile; tell whether something is left."""
        self._alone_with({follow_id})
        for dataset_id, _, place, _ in news:
            same = (_N.follow_id == follow_id, _N.dataset_id == dataset_id, _N.place == place)
            self._connection.execute(delete(portal_follow_news).where(*same))
        left = select(func.count()).where(_N.follow_id == follow_id)
        return bool(self._connection.execute(left).scalar_one())

    def _alone_with(self, follow_ids: Collection[str]) -> None:
        """Let nobody else add to what is to be told to some, or note that it was told, until this transaction ends."""
        ids = sorted(follow_ids)  # in one order, so that no two wait for each other
        for begin in range(0, len(ids), _TOGETHER):
            some = select(_F.id).where(_F.id.in_(ids[begin : begin + _TOGETHER])).order_by(_F.id)
            self._connection.execute(some.with_for_update()).all()


def _follow(row: Any) -> Follow:
    return Follow(
        id=row.id,
        by=row.by,
        kind=FollowKind(row.kind),
        what=row.what,
        way=FollowWay(row.way),
        pace=FollowPace(row.pace),
        language=Language(row.language),
        state=FollowState(row.state),
        sealed=row.sealed,
        lane=row.lane,
        address_digest=row.address_digest,
        code_digest=row.code_digest,
        end_digest=row.end_digest,
        code_until=row.code_until,
        attempts=row.attempts,
        error=row.error,
        created_at=row.created_at,
        told_at=row.told_at,
        next_at=row.next_at,
        ended_at=row.ended_at,
    )
