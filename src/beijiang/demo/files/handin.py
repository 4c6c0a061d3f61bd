"""What a department hands in: one file (or one sheet of it) and what its clerk would say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

__all__ = ["OPEN_LICENCE", "HandIn", "LoadMode", "OpenType", "ShareType"]

OPEN_LICENCE = "CC-BY-4.0"
"""The licence of everything that the demo region opens."""


class LoadMode(StrEnum):
    """How the rows meet those that are already there."""

    APPEND = "append"
    MERGE = "merge"
    REPLACE = "replace"


class ShareType(StrEnum):
    """Who inside government may have it (`standards.md` 2.5)."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NOT_SHARED = "not_shared"


class OpenType(StrEnum):
    """Who outside government may have it (`standards.md` 2.6)."""

    UNCONDITIONAL = "unconditional_open"
    CONDITIONAL = "conditional_open"
    NOT_OPEN = "not_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandIn:
    """One table to be taken in, with the answers that the hand-in form asks for.

    ``columns`` are the flattened names in file order (a two-row header gives ``上级_下级``; of GeoJSON the properties, to
    which a reader adds the geometry, ``经度`` and ``纬度``); ``rows`` counts the
    records that stand in the file, bad ones included. ``planted`` says how often each kind of dirt was put in.
    """

    path: Path
    org_key: str
    """`dept_id` of `departments_2018.csv`."""
    table_name: str
    title: str
    summary: str
    columns: tuple[str, ...]
    key_columns: tuple[str, ...]
    rows: int
    category: str
    """Catalog category without sequence: class, group, division (`standards.md` 2.4)."""
    update_cycle: str
    """Code of `update_cycles.csv`."""
    share_type: ShareType
    share_condition: str = ""
    no_share_basis: str = ""
    open_type: OpenType = OpenType.UNCONDITIONAL
    open_condition: str = ""
    open_columns: tuple[str, ...] = ()
    """The items that may be opened; empty when nothing may."""
    licence: str = ""
    mode: LoadMode = LoadMode.REPLACE
    unit: str = ""
    """The unit of every figure, where the whole table has one."""
    sheet: str | None = None
    """Named only where a user would have to name it: several tables in one workbook."""
    encoding: str | None = None
    """Always left to the reader in the demo region; present because the form has the field."""
    planted: Mapping[str, int] = field(default_factory=dict)
