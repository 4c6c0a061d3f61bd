"""Serving copies (服务副本): indexed read-only copies of what readers page through, made for tables whose owner asked for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["CopyState", "Serving", "ServingCopy", "ServingView"]


class CopyState(Word):
    """Where a copy stands."""

    WAITING = "waiting", "待建立", "to be made"
    READY = "ready", "可用", "ready"
    FAILED = "failed", "未能建立", "not made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A table whose owner wants copies of it, and the columns that are looked up beside its key."""

    table: str
    table_id: str
    provider_id: str
    columns: tuple[str, ...]
    by: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingCopy:
    """What became of one copy; its print names version, columns, masks and row filter."""

    print: str
    table: str
    version: int
    state: CopyState
    indexes: tuple[str, ...] = ()
    rows: int = 0
    bytes: int = 0
    note: Text = field(default_factory=lambda: Text("", ""))
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingView:
    """A table's copies as they should be and are, each with whom it is for."""

    serving: Serving
    copies: tuple[tuple[ServingCopy, tuple[str, ...]], ...]
    """Whom a copy is for: ``open``, ``shared``, or the id of a grant; equal grants share one."""
    job: str | None = None
    """The job that makes what is missing, just submitted."""
