"""Documents of which every revision is kept: a row each, and one of them in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from beijiang.kit import Conflict

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row, Table

__all__ = ["Revisions"]

T = TypeVar("T")


class Revisions(Generic[T]):
    """Read and write the documents of one table on one connection; a store of such documents is one of these.

    The table has the columns ``id``, ``revision`` (from 1) and ``is_current``; where it has ``retired``, a document ends by a last
    revision that says so. A revision that was added is never changed. That ``id`` and ``revision`` are its key is what keeps
    two transactions from adding the same one.
    """

    def __init__(self, connection: Connection, table: Table, read: Callable[[Row[Any]], T]) -> None:
        self._connection = connection
        self._table = table
        self._read = read

    def put(self, values: Mapping[str, Any]) -> None:
        """Add a revision; it is the one in force from now on.

        Raises:
            Conflict: it does not follow the newest one, since somebody else added that meanwhile (``changed_meanwhile``).

        """
        self._check_follows(values)
        before = update(self._table).where(self._table.c.id == values["id"], self._table.c.is_current.is_(True))
        try:
            with self._connection.begin_nested():
                self._connection.execute(before.values(is_current=False))
                self._connection.execute(insert(self._table).values(**values, is_current=True))
        except IntegrityError:
            self._check_follows(values)  # another transaction that had begun before ended while this one waited for it
            raise

    def _check_follows(self, values: Mapping[str, Any]) -> None:
        mine = self._table.c.id == values["id"]
        newest = self._connection.execute(select(func.max(self._table.c.revision)).where(mine)).scalar_one()
        if (newest or 0) + 1 != values["revision"]:
            raise Conflict(
                "他人刚刚作了修改，本次修改未保存。请刷新后在最新版本上再改。",
                "Somebody else has just changed this, and your change was not kept. Load it again and change the newest revision.",
                code="changed_meanwhile",
            )

    def get(self, document_id: str, revision: int | None = None) -> T | None:
        """Return a document as it is now, in force or retired, or one of its revisions."""
        c = self._table.c
        which = c.is_current.is_(True) if revision is None else c.revision == revision
        row = self._connection.execute(select(self._table).where(c.id == document_id, which)).one_or_none()
        return None if row is None else self._read(row)

    def in_force(self, *which: ColumnElement[bool], by: tuple[ColumnElement[Any], ...] = ()) -> list[T]:
        """Return the newest revisions that fit, of the documents that have not ended, sorted by some columns and their ids."""
        query = select(self._table).where(self._table.c.is_current.is_(True), *which)
        if "retired" in self._table.c:
            query = query.where(self._table.c.retired.is_(False))
        return [self._read(row) for row in self._connection.execute(query.order_by(*by, self._table.c.id))]

    def history(self, document_id: str) -> list[T]:
        """Return all revisions of a document, oldest first."""
        query = select(self._table).where(self._table.c.id == document_id).order_by(self._table.c.revision)
        return [self._read(row) for row in self._connection.execute(query)]
