"""Facts that hosted applications publish."""

from __future__ import annotations

from dataclasses import dataclass

from beijiang.kit import Event

__all__ = ["AppMoved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppMoved(Event):
    """Readers have another version of an application, or it was switched off or on."""

    app_id: str
