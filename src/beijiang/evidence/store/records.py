"""The records, and one row that holds the end of their chain."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from beijiang.db import UtcDateTime, metadata
from beijiang.evidence.models import (
    ERASED,
    GENESIS,
    TARGET_LIMIT,
    Decision,
    Entry,
    EvidenceQuery,
    EvidenceRecord,
    Head,
    Stored,
    canonical,
    commitment_of,
    digest_of,
)
from beijiang.kit import SYSTEM

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from beijiang.evidence.models.holds import Held

SEQUENCE = BigInteger().with_variant(Integer, "sqlite")

SALT_BYTES = 16
ABOUT_SOMETHING = text("about IS NOT NULL")

records = Table(
    "evidence_record",
    metadata,
    Column("sequence", SEQUENCE, primary_key=True, autoincrement=False),
    Column("id", String(40), nullable=False, unique=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_id", String(100), nullable=False),
    Column("org_id", String(64)),
    Column("action", String(100), nullable=False),
    Column("target", String(TARGET_LIMIT), nullable=False),
    Column("decision", String(10), nullable=False),
    Column("body", Text, nullable=False),
    Column("salt", String(32), nullable=False),
    Column("commitment", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("about", String(40)),
    Index("ix_evidence_record_at", "at"),
    Index("ix_evidence_record_actor_id", "actor_id", "sequence"),
    Index("ix_evidence_record_action", "action", "sequence"),
    Index("ix_evidence_record_target", "target", "sequence"),
    Index("ix_evidence_record_about", "about", sqlite_where=ABOUT_SOMETHING, postgresql_where=ABOUT_SOMETHING),
)

heads = Table(
    "evidence_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", SEQUENCE, nullable=False),
    Column("digest", String(64), nullable=False),
    CheckConstraint("id = 1", name="single"),
)


_READ = (
    records.c.sequence,
    records.c.id,
    records.c.at,
    records.c.action,
    records.c.decision,
    records.c.body,
    records.c.digest,
)

_STORED = (records.c.sequence, records.c.body, records.c.salt, records.c.commitment)

_LOCK = select(heads.c.sequence, heads.c.digest).with_for_update()
_ADD = insert(records)
_MOVE = update(heads).values(sequence=bindparam("to"), digest=bindparam("as"))
"""Made once: every read of data runs the three."""

ERASE = "evidence.erase"
"""The action of a record that names what was erased; it is never erased itself."""


class EvidenceStore:
    """Append to the chain and read it back."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def append(self, entries: Sequence[Entry], *, again: bool = False) -> Head:
        """Add entries at the end of the chain and move the head, which other writers wait for until this commits.

        ``again``: leave out those that are there already.
        """
        head = self._lock_head()
        if again:
            entries = [*{entry.id: entry for entry in entries}.values()]
            known = select(records.c.id).where(records.c.id.in_([entry.id for entry in entries]))
            there = set(self.connection.execute(known).scalars())
            entries = [entry for entry in entries if entry.id not in there]
            if not entries:
                return head
        rows: list[dict[str, Any]] = []
        salts = secrets.token_hex(
            SALT_BYTES * len(entries)
        )  # drawn at once: asking the system costs as much as all the rest
        for at, entry in enumerate(entries):
            row = _row(entry, head, salts[2 * SALT_BYTES * at : 2 * SALT_BYTES * (at + 1)])
            head = Head(row["sequence"], row["digest"])
            rows.append(row)
        self.connection.execute(_ADD, rows)
        self.connection.execute(_MOVE, {"to": head.sequence, "as": head.digest})
        return head

    def _lock_head(self) -> Head:
        row = self.connection.execute(_LOCK).one_or_none()
        if row is None:
            self._make_head()
            row = self.connection.execute(_LOCK).one()
        return Head(row.sequence, row.digest)

    def _make_head(self) -> None:
        values = {"id": 1, "sequence": 0, "digest": GENESIS}
        build = sqlite.insert if self.connection.dialect.name == "sqlite" else postgresql.insert
        self.connection.execute(build(heads).values(**values).on_conflict_do_nothing())

    def head(self) -> Head:
        """Return the recorded end of the chain."""
        row = self.connection.execute(select(heads.c.sequence, heads.c.digest)).one_or_none()
        return Head() if row is None else Head(row.sequence, row.digest)

    def last(self) -> int:
        """Return the highest sequence that is really there, 0 when none is."""
        query = select(records.c.sequence).order_by(records.c.sequence.desc()).limit(1)
        return int(self.connection.execute(query).scalar() or 0)

    def walk(self, upto: int, size: int = 2000) -> Iterator[Sequence[Row[Any]]]:
        """Yield all raw rows up to a sequence in order, in pieces of bounded size."""
        after = -1
        while True:
            here = (records.c.sequence > after) & (records.c.sequence <= upto)
            query = select(records).where(here).order_by(records.c.sequence).limit(size)
            try:
                rows = self.connection.execute(query).all()
            except ValueError:  # somebody wrote a time into the table that is none
                rows = self._walk_damaged(query)
            if not rows:
                return
            yield rows
            after = rows[-1].sequence

    def _walk_damaged(self, query: Select[Any]) -> list[Row[Any]]:
        """Read rows one by one; where the time cannot be read, it is None."""
        rows = []
        sequences = self.connection.execute(query.with_only_columns(records.c.sequence)).scalars().all()
        for sequence in sequences:
            here = records.c.sequence == sequence
            try:
                rows.append(self.connection.execute(select(records).where(here)).one())
            except ValueError:
                others = [null().label("at") if column.name == "at" else column for column in records.columns]
                rows.append(self.connection.execute(select(*others).where(here)).one())
        return rows

    def following(self, after: int, last: int, actions: Collection[str], limit: int) -> list[EvidenceRecord]:
        """Return the records of some actions after a place and up to another, in order."""
        here = (records.c.sequence > after) & (records.c.sequence <= last) & records.c.action.in_(sorted(actions))
        query = select(*_READ).where(here, records.c.decision == Decision.ALLOW).order_by(records.c.sequence)
        return [_record(row) for row in self.connection.execute(query.limit(limit))]

    def place_at(self, since: datetime) -> int:
        """Return the sequence of the last record before a moment, 0 when there is none."""
        query = select(func.max(records.c.sequence)).where(records.c.at < since)
        return int(self.connection.execute(query).scalar() or 0)

    def actors_on(self, target: str, before: int) -> set[str]:
        """Return who did something with a target before a place; who only read it, or was refused, did nothing."""
        here = (records.c.target == target) & (records.c.sequence < before) & (records.c.decision == Decision.ALLOW)
        query = select(records.c.actor_id).where(here, ~_begins(("read",))).distinct()
        return set(self.connection.execute(query).scalars())

    def digests(self, sequences: Sequence[int]) -> dict[int, str]:
        """Return the digests of the given records, as far as they exist."""
        query = select(records.c.sequence, records.c.digest).where(records.c.sequence.in_(sequences))
        return {row.sequence: row.digest for row in self.connection.execute(query)}

    def find(self, record_id: str) -> EvidenceRecord | None:
        """Return one record by its id."""
        row = self.connection.execute(select(*_READ).where(records.c.id == record_id)).one_or_none()
        return None if row is None else _record(row)

    def parts(self, receipt_id: str) -> list[Stored]:
        """Return the record of a receipt, and those that add to it, in order."""
        here = (records.c.id == receipt_id) | (records.c.about == receipt_id)
        rows = self.connection.execute(select(*_STORED).where(here).order_by(records.c.sequence))
        return [Stored(row.sequence, row.body, row.salt, row.commitment) for row in rows]

    def refused(self, receipts: Sequence[str]) -> set[str]:
        """Return which of these reads were refused after all, before anything was handed over."""
        query = select(*_READ, records.c.about).where(records.c.about.in_(receipts))
        added = [(row.about, _record(row)) for row in self.connection.execute(query)]
        handed = {receipt for receipt, one in added if one.action != "read.refused" and (one.rows or one.bytes)}
        return {receipt for receipt, one in added if one.action == "read.refused"} - handed

    def stored(self, sequences: Sequence[int]) -> list[Stored]:
        """Return records as they lie in the table."""
        rows = self.connection.execute(select(*_STORED).where(records.c.sequence.in_(sequences)))
        return [Stored(row.sequence, row.body, row.salt, row.commitment) for row in rows]

    def stored_between(self, first: int, last: int) -> list[Stored]:
        """Return records in a row as they lie in the table."""
        rows = self.connection.execute(select(*_STORED).where(records.c.sequence.between(first, last)))
        return [Stored(row.sequence, row.body, row.salt, row.commitment) for row in rows]

    def due(self, until: datetime, prefixes: Sequence[str], but: Sequence[str], actor_id: str | None) -> list[int]:
        """Return the sequences of records with text, older than ``until``, whose action begins with one of ``prefixes``.

        ``but``: actions that begin so are left out.
        """
        old = (records.c.at < until) & (records.c.body != "") & (records.c.action != ERASE)
        query = select(records.c.sequence).where(old, _begins(prefixes)).order_by(records.c.sequence)
        if but:
            query = query.where(~_begins(but))
        if actor_id is not None:
            query = query.where(records.c.actor_id == actor_id)
        return list(self.connection.execute(query).scalars())

    def count_named(self, name: str, *, actor: bool) -> int:
        """Count the records of what a person or key did, or of what was done to a thing or table."""
        column = records.c.actor_id if actor else records.c.target
        return int(self.connection.execute(select(func.count()).where(column == name)).scalar_one())

    def targets_like(self, name: str, most: int) -> list[str]:
        """Return targets of the log that begin as a name does, as long a beginning as finds any."""
        for length in range(len(name), 0, -1):
            begin = name[:length]
            alike = select(records.c.target).where(records.c.target >= begin, records.c.target < f"{begin}\U0010ffff")
            found = self.connection.execute(alike.distinct().order_by(records.c.target).limit(most)).scalars().all()
            if found:
                return [*found]
        return []

    def free(self, sequences: Sequence[int], held: Held) -> list[int]:
        """Return those of these records that no legal hold names."""
        found: list[int] = []
        theirs = records.c.actor_id.in_(held.people) | records.c.target.in_(held.targets | held.tables)
        for at in range(0, len(sequences), 500):
            here = records.c.sequence.in_(sequences[at : at + 500])
            found += self.connection.execute(select(records.c.sequence).where(here, ~theirs)).scalars()
        return sorted(found)

    def erase(self, sequences: Sequence[int]) -> None:
        """Take text and salt out of records; place, time, action and commitment stay."""
        values = {"body": "", "salt": "", "actor_id": ERASED, "org_id": None, "target": ERASED}
        for at in range(0, len(sequences), 500):
            here = records.c.sequence.in_(sequences[at : at + 500])
            self.connection.execute(update(records).where(here).values(**values))

    def active(self, since: datetime, until: datetime) -> dict[str, datetime]:
        """Return the organisations that did something from a moment on and before another, and when last."""
        here = (records.c.at >= since) & (records.c.at < until) & (records.c.decision == Decision.ALLOW)
        query = select(records.c.org_id, func.max(records.c.at)).where(
            here, records.c.org_id.is_not(None), records.c.actor_id != SYSTEM.id
        )
        query = query.where(~_begins(("access.sign_in", "access.sign_out"))).group_by(records.c.org_id)
        return {row[0]: row[1] for row in self.connection.execute(query)}

    def readers(self, target: str, since: datetime) -> list[tuple[str | None, int]]:
        """Return which organisations, the platform itself left out, read a target since then, and how often."""
        reads = func.count().label("reads")
        where = (records.c.target == target) & (records.c.action == "read") & (records.c.at >= since)
        query = select(records.c.org_id, reads).where(
            where, records.c.decision == Decision.ALLOW, records.c.actor_id != SYSTEM.id
        )
        query = query.group_by(records.c.org_id).order_by(reads.desc(), records.c.org_id)
        return [(row.org_id, row.reads) for row in self.connection.execute(query)]

    def served(self, since: datetime, until: datetime) -> dict[tuple[str, str | None], int]:
        """Return how often each organisation, the platform itself left out, read each target from a moment on and before another."""
        reads = func.count().label("reads")
        where = (records.c.action == "read") & (records.c.at >= since) & (records.c.at < until)
        query = select(records.c.target, records.c.org_id, reads).where(
            where, records.c.decision == Decision.ALLOW, records.c.actor_id != SYSTEM.id
        )
        rows = self.connection.execute(query.group_by(records.c.target, records.c.org_id))
        return {(row.target, row.org_id): row.reads for row in rows}

    def handed_over(
        self, target: str, looked_at: Collection[str]
    ) -> dict[tuple[int, str | None], tuple[int, datetime]]:
        """Return how often, and when last, each version went to each organisation by other exits than these.

        The platform itself is left out, and so are reads whose text was erased.
        """
        query = select(records.c.org_id, records.c.at, records.c.body).where(
            records.c.target == target,
            records.c.action == "read",
            records.c.decision == Decision.ALLOW,
            records.c.actor_id != SYSTEM.id,
            records.c.body != "",
        )
        found: dict[tuple[int, str | None], tuple[int, datetime]] = {}
        for row in self.connection.execute(query.order_by(records.c.sequence), execution_options={"yield_per": 5000}):
            body = json.loads(row.body)
            if body.get("version") is not None and body.get("exit") not in looked_at:
                key = (int(body["version"]), row.org_id)
                found[key] = (found.get(key, (0, row.at))[0] + 1, row.at)
        return found

    def search(self, query: EvidenceQuery) -> list[EvidenceRecord]:
        """Return matching records, newest first, at most ``limit``."""
        statement = _conditions(select(*_READ), query)
        statement = statement.order_by(records.c.sequence.desc()).limit(query.limit)
        return [_record(row) for row in self.connection.execute(statement)]


def _row(entry: Entry, before: Head, salt: str) -> dict[str, Any]:
    sequence = before.sequence + 1
    body = entry.body(sequence)
    commitment = commitment_of(salt, body)
    return {
        "sequence": sequence,
        "id": entry.id,
        "at": entry.at,
        "actor_id": entry.actor.id,
        "org_id": entry.actor.org_id,
        "action": entry.action,
        "target": entry.target,
        "decision": str(entry.decision),
        "body": body,
        "salt": salt,
        "commitment": commitment,
        "digest": digest_of(before.digest, sequence, commitment),
        "about": entry.about,
    }


def _record(row: Any) -> EvidenceRecord:
    if row.body:
        return EvidenceRecord.from_body(row.body, row.digest)
    return EvidenceRecord.without_text(row.sequence, row.id, row.at, row.action, row.decision, row.digest)


def _begins(prefixes: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(records.c.action.startswith(prefix, autoescape=True) for prefix in prefixes))


def _conditions(statement: Select[Any], query: EvidenceQuery) -> Select[Any]:
    equal = {
        records.c.actor_id: query.actor_id,
        records.c.org_id: query.org_id,
        records.c.target: query.target,
        records.c.decision: query.decision,
    }
    for column, wanted in equal.items():
        if wanted is not None:
            statement = statement.where(column == wanted)
    if query.action is not None:
        prefix = query.action.endswith(".")
        statement = statement.where(
            records.c.action.startswith(query.action, autoescape=True) if prefix else records.c.action == query.action
        )
    if query.grant is not None:
        named = canonical({"grant": query.grant})[1:-1]
        statement = statement.where(records.c.body.contains(named, autoescape=True))
    if query.since is not None:
        statement = statement.where(records.c.at >= query.since)
    if query.until is not None:
        statement = statement.where(records.c.at < query.until)
    if query.before is not None:
        statement = statement.where(records.c.sequence < query.before)
    return statement
