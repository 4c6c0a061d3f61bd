"""Rows counted against the grants of one access; what they do not cover stands in the log as refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    from beijiang.protection.models.granting import Grants

__all__ = ["RowCounter"]


class RowCounter:
    """Take rows from the quotas of all grants that an access is under."""

    def __init__(self, grants: Grants, held: Sequence[str], refused: Callable[[str], None]) -> None:
        self._grants = grants
        self._held = held
        self._refused = refused

    def __call__(self, rows: int) -> None:
        """Take rows before they are handed over.

        Raises:
            Throttled: a grant does not cover so many today, or ended; added to the receipt.

        """
        try:
            self._take(rows)
        except BeijiangError as error:
            self._refused(error.reason)
            raise

    def after(self, rows: int) -> None:
        """Note rows that were handed over where no quota counted them ahead; a grant that ended is no matter now."""
        with suppress(BeijiangError):
            self._take(rows)

    def _take(self, rows: int) -> None:
        for grant_id in self._held:
            self._grants.take_rows(grant_id, rows)
