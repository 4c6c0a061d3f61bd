"""All SQL on sources, syncs, certificates and allowed targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    false,
    insert,
    select,
    update,
)

from beijiang.db import JsonDocument, UtcDateTime, metadata
from beijiang.ingest.models import AllowedTarget, Certificate, FileRules, Source, Sync, SyncMode, Verdict

__all__ = ["SourceStore"]

ingest_source = Table(
    "ingest_source",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("options", JsonDocument, nullable=False),
    Column("secrets", JsonDocument, nullable=False),  # sealed
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(200), nullable=False),
    UniqueConstraint("org_id", "name"),
)

ingest_sync = Table(
    "ingest_sync",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("source_id", String(40), ForeignKey("ingest_source.id"), nullable=False, index=True),
    Column("feed", String(300), nullable=False),
    Column("table_name", String(200), nullable=False, unique=True),  # one source per table (一数一源)
    Column("mode", String(20), nullable=False),
    Column("key", JsonDocument, nullable=False),
    Column("columns", JsonDocument, nullable=False),
    Column("cursor", String(200), nullable=False),
    Column("overlap", String(40), nullable=False),
    Column("deletes", Boolean, nullable=False),
    Column("deletes_every", Integer, nullable=False, server_default="1"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("files", JsonDocument),  # how files are taken, where files arrive
    Column("history", Boolean, nullable=False, server_default=false()),
)

ingest_certificate = Table(
    "ingest_certificate",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("sync_id", String(40), nullable=False),
    Column("run_id", String(40), unique=True),
    Column("table_name", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("body", JsonDocument, nullable=False),
    Index("ix_ingest_certificate_sync", "sync_id", "id"),
)

ingest_target = Table(
    "ingest_target",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("port", Integer, nullable=False),
    Column("network", String(60), nullable=False),
    Column("folder", String(1000), nullable=False),
    Column("uses", JsonDocument, nullable=False, server_default='["read"]'),
    Column("org_id", String(60), nullable=False, server_default=""),
    Column("plain_http", Boolean, nullable=False, server_default=false()),
    Column("reason", Text, nullable=False),
    Column("added_by", String(200), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
)


class SourceStore:
    """Rows of sources and what hangs on them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Sources

    def add_source(self, source: Source) -> None:
        """Store a source; the name is unique inside its department."""
        values = {name: getattr(source, name) for name in ("id", "org_id", "name", "kind", "created_at", "created_by")}
        self._connection.execute(
            insert(ingest_source).values(**values, options=dict(source.options), secrets=dict(source.secrets))
        )

    def change_source(self, source_id: str, options: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        """Replace a source's options and sealed secrets."""
        query = update(ingest_source).where(ingest_source.c.id == source_id)
        self._connection.execute(query.values(options=dict(options), secrets=dict(secrets)))

    def forget_source(self, source_id: str) -> None:
        """Remove a source and its syncs; certificates stay as they are part of the tables' history."""
        self._connection.execute(delete(ingest_sync).where(ingest_sync.c.source_id == source_id))
        self._connection.execute(delete(ingest_source).where(ingest_source.c.id == source_id))

    def source(self, words: str, org_id: str | None = None) -> Source | None:
        """Return a source by its id, or by its name inside one department (None: where the name is unique)."""
        query = select(ingest_source).where((ingest_source.c.id == words) | (ingest_source.c.name == words))
        if org_id is not None:
            query = query.where(ingest_source.c.org_id == org_id)
        found = self._connection.execute(query.limit(2)).all()
        return _source(found[0]) if len(found) == 1 else None

    def sources(self, org_id: str | None) -> list[Source]:
        """Return the sources of a department (None: of all), by name."""
        query = select(ingest_source).order_by(ingest_source.c.name)
        if org_id is not None:
            query = query.where(ingest_source.c.org_id == org_id)
        return [_source(row) for row in self._connection.execute(query)]

    # Syncs

    def add_sync(self, values: Mapping[str, Any]) -> None:
        """Store a sync; a table has at most one."""
        self._connection.execute(insert(ingest_sync).values(**values))

    def forget_sync(self, sync_id: str) -> None:
        """Remove a sync; its table stays."""
        self._connection.execute(delete(ingest_sync).where(ingest_sync.c.id == sync_id))

    def sync(self, words: str) -> Sync | None:
        """Return a sync by its id or by the table that it fills."""
        query = _syncs().where((ingest_sync.c.id == words) | (ingest_sync.c.table_name == words))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _sync(row)

    def syncs(self, *, source_id: str | None = None, org_id: str | None = None) -> list[Sync]:
        """Return the syncs of a source, of a department, or all, by table."""
        query = _syncs().order_by(ingest_sync.c.table_name)
        if source_id is not None:
            query = query.where(ingest_sync.c.source_id == source_id)
        if org_id is not None:
            query = query.where(ingest_source.c.org_id == org_id)
        return [_sync(row) for row in self._connection.execute(query)]

    # Certificates

    def add_certificate(self, certificate: Certificate) -> None:
        """Store a certificate; a run has one."""
        self._connection.execute(
            insert(ingest_certificate).values(
                id=certificate.id,
                sync_id=certificate.sync_id,
                run_id=certificate.run_id,
                table_name=certificate.table,
                version=certificate.version,
                at=certificate.at,
                verdict=certificate.verdict.value,
                body=dict(certificate.body),
            )
        )

    def certificates(self, sync_ids: Sequence[str], limit: int) -> list[Certificate]:
        """Return the certificates of some syncs, newest first."""
        query = select(ingest_certificate).where(ingest_certificate.c.sync_id.in_(sync_ids))
        rows = self._connection.execute(query.order_by(ingest_certificate.c.id.desc()).limit(limit))
        return [_certificate(row) for row in rows]

    def certificate(self, words: str) -> Certificate | None:
        """Return a certificate by its id or by its run."""
        query = select(ingest_certificate).where(
            (ingest_certificate.c.id == words) | (ingest_certificate.c.run_id == words)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _certificate(row)

    # Targets

    def add_target(self, target: AllowedTarget) -> None:
        """Store what may be reached."""
        values = {c.name: getattr(target, c.name) for c in ingest_target.c}
        values["uses"] = [*target.uses]
        self._connection.execute(insert(ingest_target).values(**values))

    def forget_target(self, target_id: str) -> bool:
        """Close a target again; tell whether there was one."""
        return self._connection.execute(delete(ingest_target).where(ingest_target.c.id == target_id)).rowcount > 0

    def targets(self) -> list[AllowedTarget]:
        """Return everything that was opened, newest first."""
        query = select(ingest_target).order_by(ingest_target.c.id.desc())
        return [_target(row) for row in self._connection.execute(query)]


def _target(row: Row[Any]) -> AllowedTarget:
    values = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's names
    return AllowedTarget(**{**values, "uses": tuple(row.uses)})


def _syncs() -> Select[Any]:
    joined = ingest_sync.join(ingest_source, ingest_sync.c.source_id == ingest_source.c.id)
    return select(ingest_sync, ingest_source.c.name.label("source_name"), ingest_source.c.org_id).select_from(joined)


def _source(row: Row[Any]) -> Source:
    return Source(
        id=row.id,
        name=row.name,
        kind=row.kind,
        org_id=row.org_id,
        options=row.options,
        secrets=row.secrets,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _sync(row: Row[Any]) -> Sync:
    return Sync(
        id=row.id,
        source_id=row.source_id,
        source_name=row.source_name,
        org_id=row.org_id,
        feed=row.feed,
        table=row.table_name,
        mode=SyncMode(row.mode),
        key=tuple(row.key),
        columns=tuple(row.columns),
        cursor=row.cursor,
        overlap=row.overlap,
        deletes=row.deletes,
        deletes_every=row.deletes_every,
        created_at=row.created_at,
        history=row.history,
        files=None if row.files is None else FileRules.from_json(row.files),
    )


def _certificate(row: Row[Any]) -> Certificate:
    return Certificate(
        id=row.id,
        sync_id=row.sync_id,
        run_id=row.run_id,
        table=row.table_name,
        version=row.version,
        at=row.at,
        verdict=Verdict(row.verdict),
        body=row.body,
    )
