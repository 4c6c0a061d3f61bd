"""Where a reader stands toward a table, without any row of it; asked again for as long as something that was opened is in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.protection.models.granting import OwnGrant
    from beijiang.tables import Exit, GovernedColumn

__all__ = ["Asked", "Standing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants of which table: by which exit, for what, under which grant, and which version of it."""

    table: str
    exit: Exit
    purpose: str = ""
    grant: str = ""
    """The grant to read under, and no other; ``NO_GRANT`` for none."""
    version: int | None = None
    own: OwnGrant | None = None
    """The grant of the application that asks for the reader: what both open is seen, as strictly as the stricter says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the reader would see now."""

    table: str
    version: int
    written_at: datetime
    obligations: str
    """Changes with anything that the reader's answers depend on."""
    columns: tuple[GovernedColumn, ...]
    grant: str
    """The grant that it is seen under; empty for none."""
    schema: pa.Schema
    """Of the rows as they would be shown."""
