"""What else stands or falls with a column besides data made from it: what people agreed on, declared or built over its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.ingest import AffectedKind
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.access import Permission

__all__ = ["Dependent", "DependentsOf"]


@dataclass(frozen=True, slots=True)
class Dependent:
    """One of them, and who may know of it: whoever has the permission in one of the organisations."""

    kind: AffectedKind
    name: str
    how: Text
    permission: Permission
    org_ids: tuple[str, ...]


DependentsOf = Callable[[str, Sequence[str]], Iterable[Dependent]]
"""Tells what depends on some columns of a table; the parts that know stand above and are wired when all is there."""
