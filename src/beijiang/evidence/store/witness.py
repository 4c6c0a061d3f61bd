"""Peers outside, the last head that this witness saw of each log, and what contradicted it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Column, LargeBinary, String, Table, Text, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beijiang.db import UtcDateTime, metadata
from beijiang.evidence.models import Peer, PeerKind
from beijiang.evidence.store.records import SEQUENCE
from beijiang.evidence.verifier import Key
from beijiang.kit import Text as Words

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

peers = Table(
    "evidence_peer",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("key", String(600), nullable=False, unique=True),
    Column("url", String(600), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", String(100), nullable=False),
    Column("trouble_zh", Text),
    Column("trouble_en", Text),
    Column("handover", Text),
)

seen = Table(
    "evidence_seen",
    metadata,
    Column("origin", String(300), primary_key=True),
    Column("size", SEQUENCE, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

forks = Table(
    "evidence_fork",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("origin", String(300), nullable=False),
    Column("note", Text, nullable=False),
    Column("known", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint that this witness signed of a log."""

    origin: str
    size: int
    root: bytes
    note: str
    at: datetime


class WitnessStore:
    """Read and write what concerns others."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def peers(self, kind: PeerKind | None = None) -> list[Peer]:
        """Return trusted keys outside, oldest first, those of one moment by their keys."""
        query = select(peers).order_by(peers.c.added_at, peers.c.key)
        rows = self.connection.execute(query if kind is None else query.where(peers.c.kind == kind.value))
        return [
            Peer(
                id=row.id,
                kind=PeerKind(row.kind),
                key=Key.parse(row.key),
                url=row.url,
                added_at=row.added_at,
                added_by=row.added_by,
                trouble=None if row.trouble_zh is None else Words(row.trouble_zh, row.trouble_en or ""),
                handover=row.handover or "",
            )
            for row in rows
        ]

    def add_peer(self, peer: Peer) -> None:
        """Trust a key."""
        values = {
            "id": peer.id,
            "kind": peer.kind.value,
            "key": str(peer.key),
            "url": peer.url,
            "added_at": peer.added_at,
            "added_by": peer.added_by,
        }
        self.connection.execute(insert(peers).values(**values))

    def follow(self, peer_id: str, note: str) -> bool:
        """Keep the note by which a key named the next; False when it had named one before."""
        here = (peers.c.id == peer_id) & peers.c.handover.is_(None)
        return bool(self.connection.execute(update(peers).where(here).values(handover=note)).rowcount)

    def mend(self, peer_id: str, unclear: str, note: str) -> bool:
        """Put a clear note in the place of an unclear one; False when somebody else was faster."""
        here = (peers.c.id == peer_id) & (peers.c.handover == unclear)
        return bool(self.connection.execute(update(peers).where(here).values(handover=note)).rowcount)

    def remove_peer(self, peer_id: str) -> bool:
        """Trust a key no longer; tell whether it was trusted."""
        return bool(self.connection.execute(delete(peers).where(peers.c.id == peer_id)).rowcount)

    def say_trouble(self, peer_id: str, trouble: Words | None) -> None:
        """Remember why an exchange failed, or that it went well."""
        values = {"trouble_zh": trouble and trouble.zh, "trouble_en": trouble and trouble.en}
        self.connection.execute(update(peers).where(peers.c.id == peer_id).values(**values))

    def last(self, origin: str) -> Seen | None:
        """Return the newest head signed of a log; no other writer moves it before this transaction ends."""
        row = self.connection.execute(select(seen).where(seen.c.origin == origin).with_for_update()).one_or_none()
        return None if row is None else Seen(row.origin, row.size, bytes(row.root), row.note, row.at)

    def all_seen(self) -> list[Seen]:
        """Return the newest head of every log witnessed here."""
        rows = self.connection.execute(select(seen).order_by(seen.c.origin))
        return [Seen(row.origin, row.size, bytes(row.root), row.note, row.at) for row in rows]

    def move(self, new: Seen, old: Seen | None) -> bool:
        """Move the head of a log on from ``old``; False when somebody else moved it meanwhile."""
        values = {"origin": new.origin, "size": new.size, "root": new.root, "note": new.note, "at": new.at}
        if old is None:
            build = sqlite.insert if self.connection.dialect.name == "sqlite" else postgresql.insert
            return bool(self.connection.execute(build(seen).values(**values).on_conflict_do_nothing()).rowcount)
        same = (seen.c.origin == old.origin) & (seen.c.size == old.size) & (seen.c.root == old.root)
        return bool(self.connection.execute(update(seen).where(same).values(**values)).rowcount)

    def add_fork(self, fork_id: str, origin: str, notes: tuple[str, str], at: datetime) -> None:
        """Keep two checkpoints that contradict each other, for those who will judge."""
        values = {"id": fork_id, "origin": origin, "note": notes[0], "known": notes[1], "at": at}
        self.connection.execute(insert(forks).values(**values))

    def forks(self) -> list[tuple[str, str, str, datetime]]:
        """Return origin, both notes and the time of every contradiction, newest first."""
        rows = self.connection.execute(select(forks).order_by(forks.c.at.desc(), forks.c.id.desc()))
        return [(row.origin, row.note, row.known, row.at) for row in rows]
