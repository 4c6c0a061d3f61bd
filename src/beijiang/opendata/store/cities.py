"""SQL on the portals of cities and counties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from beijiang.opendata.store.schema import portal_city

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from beijiang.opendata.cities import Portal

__all__ = ["CityStore"]

_C = portal_city.c
_SHOWN = tuple(column for column in portal_city.c if column.name != "logo")


class CityStore:
    """Read and write portals on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[dict[str, Any]]:
        """Return every portal without its picture, by code."""
        rows = self._connection.execute(select(*_SHOWN).order_by(_C.code))
        return [dict(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented name

    def put(self, made: Portal, *, fresh: bool) -> None:
        """Add a portal, or write its next revision."""
        names = ("name_zh", "name_en", "header_mn", "region_code", "colour", "contact", "revision", "at")
        values = {name: getattr(made, name) for name in names}
        values |= {"host": made.host or None, "themes": list(made.themes)}
        if fresh:
            empty = {"code": made.code, "logo": None, "logo_kind": "", "logo_digest": ""}
            self._connection.execute(insert(portal_city).values(**values, **empty))
        else:
            self._connection.execute(update(portal_city).where(_C.code == made.code).values(**values))

    def put_logo(self, code: str, content: bytes | None, kind: str, digest: str) -> None:
        """Set or take away the picture of a portal."""
        changed = update(portal_city).where(_C.code == code)
        self._connection.execute(changed.values(logo=content, logo_kind=kind, logo_digest=digest))

    def logo(self, code: str) -> bytes | None:
        """Return the picture of a portal."""
        return self._connection.execute(select(_C.logo).where(_C.code == code)).scalar_one_or_none()

    def remove(self, code: str) -> None:
        """Take a portal away."""
        self._connection.execute(delete(portal_city).where(_C.code == code))
