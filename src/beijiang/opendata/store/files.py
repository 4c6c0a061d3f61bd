"""The digests of files of open data, kept so that a description can name them before anybody has taken the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, Integer, String, Table, delete, insert, select

from beijiang.db import UtcDateTime, metadata
from beijiang.opendata.models import FileFace

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["FileStore", "opendata_file"]

opendata_file = Table(
    "opendata_file",
    metadata,
    Column("resource_id", String(40), primary_key=True),
    Column("form", String(10), primary_key=True),
    Column("basis", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)


class FileStore:
    """What is known of the bytes of each data set's present file, by form."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known(self, resource_id: str, form: str, basis: str) -> FileFace | None:
        """Return the digest of a file, if it was made of the same rows, columns and masks."""
        t = opendata_file.c
        found = self._connection.execute(
            select(t.version, t.sha256, t.bytes).where(t.resource_id == resource_id, t.form == form, t.basis == basis)
        ).one_or_none()
        return FileFace(form, found.version, found.sha256, found.bytes) if found else None

    def put(self, resource_id: str, file: FileFace, basis: str, at: datetime) -> None:
        """Keep the digest of a file in place of that of an earlier version."""
        t = opendata_file.c
        self._connection.execute(delete(opendata_file).where(t.resource_id == resource_id, t.form == file.form))
        self._connection.execute(
            insert(opendata_file).values(
                resource_id=resource_id,
                form=file.form,
                basis=basis,
                version=file.version,
                sha256=file.sha256,
                bytes=file.bytes,
                made_at=at,
            )
        )
