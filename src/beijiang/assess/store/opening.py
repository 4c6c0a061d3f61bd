"""Which statistical indicators are public."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from beijiang.assess.models import Opening
from beijiang.assess.store.schema import assess_figure_opening

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["OpeningStore"]

_O = assess_figure_opening.c
_NAMES = ("code", "reason", "by", "by_name", "at")


class OpeningStore:
    """Read and write the decisions on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def every(self) -> dict[str, Opening]:
        """Return what is public now, by indicator."""
        rows = self._connection.execute(select(assess_figure_opening).order_by(_O.code))
        return {row.code: Opening(**{name: getattr(row, name) for name in _NAMES}) for row in rows}

    def add(self, opening: Opening) -> None:
        """Write a decision."""
        self._connection.execute(
            insert(assess_figure_opening).values(**{name: getattr(opening, name) for name in _NAMES})
        )

    def remove(self, code: str) -> bool:
        """Take a decision back; False where there is none."""
        return self._connection.execute(delete(assess_figure_opening).where(_O.code == code)).rowcount == 1
