"""What of a delivery is being looked into (校核): asked once at every access, kept in the receipt, told wherever that is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.kit import REMEMBERED, Recent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beijiang.kit.errors import JsonValue
    from beijiang.tables import GovernedColumn

__all__ = ["WHOLE", "Doubts"]

WHOLE: Final = "*"
"""Stands for every column, where the table as a whole is in doubt."""


class Doubts:
    """Marks the columns of an access that are in doubt, and knows them by the receipt for as long as the answer is being given."""

    def __init__(self) -> None:
        self.of: Callable[[str], Sequence[str]] = lambda _: ()
        """The columns of a table, or of the entry of a service, that are in doubt now; set in build.py."""
        self._told: Recent[tuple[str, ...]] = Recent(REMEMBERED)

    def marked(self, name: str, columns: tuple[GovernedColumn, ...]) -> tuple[GovernedColumn, ...]:
        """Return the columns as a reader sees them, with those marked that are in doubt."""
        doubted = self.among(name, [one.name for one in columns])
        return tuple(replace(one, in_doubt=one.name in doubted) for one in columns) if doubted else columns

    def among(self, name: str, columns: Sequence[str]) -> tuple[str, ...]:
        """Return those of some columns of a table, or of a service's entry, that are in doubt now."""
        doubted = frozenset(self.of(name))
        return tuple(one for one in columns if doubted & {one, WHOLE}) if doubted else ()

    @staticmethod
    def noted(columns: Sequence[GovernedColumn]) -> dict[str, JsonValue]:
        """Return what the receipt says of it: nothing where nothing is in doubt."""
        named: list[JsonValue] = [one.name for one in columns if one.in_doubt]
        return {"in_doubt": named} if named else {}

    def keep(self, receipt: str, columns: Sequence[GovernedColumn]) -> None:
        """Remember what is in doubt of the access that has this receipt."""
        named = tuple(one.name for one in columns if one.in_doubt)
        if named:
            self._told.get(receipt, lambda: named)

    def told(self, receipts: str) -> tuple[str, ...]:
        """Return the columns in doubt of answers that are being given now, by their receipts with spaces between."""
        found = (self._told.peek(one) or () for one in receipts.split())
        return tuple(dict.fromkeys(name for names in found for name in names))
