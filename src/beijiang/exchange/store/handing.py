"""Packages that wait, and the marks of files that were handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from beijiang.exchange.models.handing import Mark, Package
from beijiang.exchange.store.schema import exchange_mark, exchange_package

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = ["HandingStore"]

_M, _P = exchange_mark.c, exchange_package.c
_SAME = ("receipt", "grant_id", "version", "org_id", "by", "by_name", "purpose", "at")
_SAME_PACKAGE = (
    "id",
    "by",
    "version",
    "obligations",
    "grant_id",
    "purpose",
    "receipt",
    "file_name",
    "bytes",
    "sm3",
    "at",
    "until",
)


class HandingStore:
    """Read and write them on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_mark(self, made: Mark) -> None:
        """Add the mark of a file."""
        values = {name: getattr(made, name) for name in _SAME}
        facts = {"table_name": made.table, "columns": [*made.columns]}
        self._connection.execute(insert(exchange_mark).values(**values, **facts))

    def marks(self) -> list[Mark]:
        """Return every mark, the newest first."""
        rows = self._connection.execute(select(exchange_mark).order_by(_M.at.desc(), _M.receipt))
        return [_mark(row) for row in rows]

    def add_package(self, made: Package) -> None:
        """Add a package."""
        values = {name: getattr(made, name) for name in _SAME_PACKAGE}
        self._connection.execute(insert(exchange_package).values(**values, table_name=made.table))

    def package(self, package_id: str) -> Package | None:
        """Return one package."""
        row = self._connection.execute(select(exchange_package).where(_P.id == package_id)).one_or_none()
        return None if row is None else _package(row)

    def packages(self, by: str) -> list[Package]:
        """Return the packages that wait for a person, the newest first."""
        rows = select(exchange_package).where(_P.by == by).order_by(_P.at.desc(), _P.id)
        return [_package(row) for row in self._connection.execute(rows)]

    def past(self, now: datetime) -> list[Package]:
        """Return the packages whose time is over."""
        return [_package(row) for row in self._connection.execute(select(exchange_package).where(_P.until <= now))]

    def remove_package(self, package_id: str) -> None:
        """Forget a package."""
        self._connection.execute(delete(exchange_package).where(_P.id == package_id))


def _mark(row: Row[Any]) -> Mark:
    return Mark(**{name: getattr(row, name) for name in _SAME}, table=row.table_name, columns=tuple(row.columns))


def _package(row: Row[Any]) -> Package:
    return Package(**{name: getattr(row, name) for name in _SAME_PACKAGE}, table=row.table_name)
