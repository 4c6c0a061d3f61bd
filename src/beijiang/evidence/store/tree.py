"""Shards, tiles of hashes, signed checkpoints, cosignatures and keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    exists,
    func,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from beijiang.db import UtcDateTime, metadata
from beijiang.evidence.models import Cosigned, Shard
from beijiang.evidence.store.records import SEQUENCE, records
from beijiang.evidence.verifier import Key

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

shards = Table(
    "evidence_shard",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("origin", String(300), nullable=False),
    Column("first", SEQUENCE, nullable=False),
    Column("size", SEQUENCE, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("closed", Boolean, nullable=False),
)

tiles = Table(
    "evidence_tile",
    metadata,
    Column("shard", String(40), primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", SEQUENCE, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

checkpoints = Table(
    "evidence_checkpoint",
    metadata,
    Column("shard", String(40), primary_key=True),
    Column("size", SEQUENCE, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

cosignatures = Table(
    "evidence_cosignature",
    metadata,
    Column("shard", String(40), primary_key=True),
    Column("size", SEQUENCE, primary_key=True, autoincrement=False),
    Column("witness", String(200), primary_key=True),
    Column("line", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

keys = Table(
    "evidence_key",
    metadata,
    Column("role", String(20), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False, server_default="1"),
    Column("public", String(600), nullable=False),
    Column("secret", Text, nullable=False),
    # Empty once the key has retired: nobody can sign with it any more.
    Column("made_at", UtcDateTime, nullable=False),
    Column("retires_at", UtcDateTime),
    Column("handover", Text, nullable=False, server_default=""),
)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A private key at rest: what it is for, its public half, the sealed secret."""

    role: str
    public: Key
    secret: str
    made_at: datetime
    generation: int = 1
    retires_at: datetime | None = None
    """Until then it signs beside the key that follows it."""
    handover: str = ""
    """The note by which the key before named this one."""

    @property
    def context(self) -> str:
        """Return what the sealed secret is bound to."""
        return self.role if self.generation == 1 else f"{self.role}/{self.generation}"

    def signs(self, now: datetime) -> bool:
        """Tell whether checkpoints bear its signature."""
        return bool(self.secret) and (self.retires_at is None or now < self.retires_at)


class TreeStore:
    """Read and write the tree; one writer at a time."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def all_shards(self) -> list[Shard]:
        """Return every shard, oldest first."""
        return [_shard(row) for row in self.connection.execute(select(shards).order_by(shards.c.first))]

    def shard(self, name: str) -> Shard | None:
        """Return one shard."""
        row = self.connection.execute(select(shards).where(shards.c.name == name)).one_or_none()
        return None if row is None else _shard(row)

    def newest(self, *, lock: bool = False) -> Shard | None:
        """Return the shard that grows; when locked, other writers wait until this transaction ends.

        Whoever waited for the lock got the shard that was the newest before: it asks again until what it holds still is.
        """
        query = select(shards).order_by(shards.c.first.desc()).limit(1)
        row = self.connection.execute(query.with_for_update() if lock else query).one_or_none()
        while lock and row is not None and self.connection.execute(query).one().name != row.name:
            row = self.connection.execute(query.with_for_update()).one()
        return None if row is None else _shard(row)

    def begin_shard(self, shard: Shard) -> bool:
        """Write a new, empty shard; tell whether nobody else had begun it, having waited for whoever is about to."""
        begun = self._insert(shards).values(**_values(shard)).on_conflict_do_nothing()
        return bool(self.connection.execute(begun).rowcount)

    def shard_of(self, sequence: int) -> Shard | None:
        """Return the shard that holds a record; None when it is not sealed yet."""
        here = (shards.c.first <= sequence) & (sequence < shards.c.first + shards.c.size)
        row = self.connection.execute(select(shards).where(here)).one_or_none()
        return None if row is None else _shard(row)

    def save_shard(self, shard: Shard) -> None:
        """Write a shard as it is now."""
        self._put(shards, [_values(shard)])

    def unsealed(self, after: int, limit: int) -> list[tuple[int, datetime | None, str]]:
        """Return sequence, time and commitment of the next records; the time is None where somebody wrote one that is none."""
        query = select(records.c.sequence, records.c.at, records.c.commitment).where(records.c.sequence > after)
        query = query.order_by(records.c.sequence).limit(limit)
        try:
            found = self.connection.execute(query).all()
        except ValueError:
            timeless = query.with_only_columns(records.c.sequence, null().label("at"), records.c.commitment)
            found = self.connection.execute(timeless).all()
        return [(row.sequence, row.at, row.commitment) for row in found]

    def waiting(self, after: int) -> tuple[int, datetime | None]:
        """Return how many records wait for a seal, and since when the first does."""
        beyond = records.c.sequence > after
        count = self.connection.execute(select(func.count()).select_from(records).where(beyond)).scalar_one()
        first = select(records.c.at).where(beyond).order_by(records.c.sequence).limit(1)
        return count, self.connection.execute(first).scalar()

    def commitments(self, first: int, count: int) -> list[tuple[int, str]]:
        """Return sequence and commitment of records in a row."""
        here = (records.c.sequence >= first) & (records.c.sequence < first + count)
        query = select(records.c.sequence, records.c.commitment).where(here).order_by(records.c.sequence)
        return [(row.sequence, row.commitment) for row in self.connection.execute(query)]

    def tile(self, shard: str, level: int, number: int) -> bytes:
        """Return the hashes of a tile as far as there are any."""
        here = (tiles.c.shard == shard) & (tiles.c.level == level) & (tiles.c.number == number)
        return self.connection.execute(select(tiles.c.hashes).where(here)).scalar() or b""

    def save_tiles(self, shard: str, made: Mapping[tuple[int, int], bytes]) -> None:
        """Write tiles, whole or as far as they go."""
        self._put(tiles, [{"shard": shard, "level": lv, "number": n, "hashes": h} for (lv, n), h in made.items()])

    def add_checkpoint(self, shard: str, size: int, note: str, at: datetime) -> None:
        """Keep a checkpoint; those before it in the same hour that nobody cosigned are superseded."""
        signed = exists().where(cosignatures.c.shard == checkpoints.c.shard, cosignatures.c.size == checkpoints.c.size)
        hour = at.replace(minute=0, second=0, microsecond=0)
        here = (checkpoints.c.shard == shard) & (checkpoints.c.at >= hour) & ~signed
        self.connection.execute(delete(checkpoints).where(here))
        self.keep_checkpoint(shard, size, note, at)

    def keep_checkpoint(self, shard: str, size: int, note: str, at: datetime) -> None:
        """Keep one checkpoint and take no other away."""
        self._put(checkpoints, [{"shard": shard, "size": size, "note": note, "at": at}])

    def checkpoint(self, shard: str, size: int | None = None) -> tuple[int, str, datetime] | None:
        """Return size, note with all cosignatures, and time of a checkpoint; without a size, of the newest."""
        query = select(checkpoints).where(checkpoints.c.shard == shard)
        query = query.order_by(checkpoints.c.size.desc()).limit(1)
        row = self.connection.execute(query if size is None else query.where(checkpoints.c.size == size)).one_or_none()
        if row is None:
            return None
        here = (cosignatures.c.shard == shard) & (cosignatures.c.size == row.size)
        lines = select(cosignatures.c.line).where(here).order_by(cosignatures.c.witness)
        return row.size, row.note + "".join(self.connection.execute(lines).scalars()), row.at

    def best_checkpoint(self, shard: str, over: int) -> tuple[int, str] | None:
        """Return size and note of the newest checkpoint that a witness signed and that reaches beyond ``over``."""
        here = (cosignatures.c.shard == shard) & (cosignatures.c.size > over)
        size = self.connection.execute(select(func.max(cosignatures.c.size)).where(here)).scalar()
        found = None if size is None else self.checkpoint(shard, size)
        return None if found is None else found[:2]

    def all_checkpoints(self, shard: str) -> list[tuple[int, str]]:
        """Return size and note of every checkpoint kept of a shard, without cosignatures."""
        query = select(checkpoints.c.size, checkpoints.c.note).where(checkpoints.c.shard == shard)
        return [(row.size, row.note) for row in self.connection.execute(query.order_by(checkpoints.c.size))]

    def add_cosignature(self, one: Cosigned) -> None:
        """Keep what a witness signed."""
        values = {"shard": one.shard, "size": one.size, "witness": one.witness, "line": one.line, "at": one.at}
        self._put(cosignatures, [values])

    def cosigned(self, limit: int = 200) -> list[Cosigned]:
        """Return what witnesses signed, newest first."""
        query = select(cosignatures).order_by(cosignatures.c.at.desc(), cosignatures.c.size.desc()).limit(limit)
        return [Cosigned(row.shard, row.size, row.witness, row.line, row.at) for row in self.connection.execute(query)]

    def newest_cosigned(self, witness: str, shard: str) -> int:
        """Return the largest size that a witness signed, 0 when it signed none."""
        here = (cosignatures.c.witness == witness) & (cosignatures.c.shard == shard)
        return self.connection.execute(select(func.max(cosignatures.c.size)).where(here)).scalar() or 0

    def key(self, role: str) -> KeyRow | None:
        """Return the newest private key of a role."""
        newest = select(keys).where(keys.c.role == role).order_by(keys.c.generation.desc()).limit(1)
        row = self.connection.execute(newest).one_or_none()
        return None if row is None else _key(row)

    def add_key(self, key: KeyRow) -> None:
        """Keep a new private key, unless another process was faster."""
        values = {**asdict(key), "public": str(key.public)}
        self.connection.execute(self._insert(keys).values(**values).on_conflict_do_nothing())

    def change_key(self, key: KeyRow) -> None:
        """Write anew what may change of a key: its sealed secret, and when it retires."""
        here = (keys.c.role == key.role) & (keys.c.generation == key.generation)
        self.connection.execute(update(keys).where(here).values(secret=key.secret, retires_at=key.retires_at))

    def all_keys(self) -> list[KeyRow]:
        """Return every private key, sealed; of a role the oldest first."""
        return [_key(row) for row in self.connection.execute(select(keys).order_by(keys.c.role, keys.c.generation))]

    def _put(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows over those with the same primary key."""
        found: Sequence[Mapping[str, Any]] = list(rows)
        if not found:
            return
        command = self._insert(table)
        rest = {c.name: command.excluded[c.name] for c in table.columns if not c.primary_key}
        wanted = command.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=rest)
        self.connection.execute(wanted, found)

    def _insert(self, table: Table) -> Any:
        return (sqlite.insert if self.connection.dialect.name == "sqlite" else postgresql.insert)(table)


def _values(shard: Shard) -> dict[str, Any]:
    return {
        "name": shard.name,
        "origin": shard.origin,
        "first": shard.first,
        "size": shard.size,
        "root": shard.root,
        "closed": shard.closed,
    }


def _key(row: Any) -> KeyRow:
    public = Key.parse(row.public)
    return KeyRow(row.role, public, row.secret, row.made_at, row.generation, row.retires_at, row.handover)


def _shard(row: Any) -> Shard:
    return Shard(row.name, row.origin, row.first, row.size, bytes(row.root), row.closed)
