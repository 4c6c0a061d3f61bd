"""Facts that one domain publishes and others may want to know of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events: frozen, with JSON-able fields only, named in the past tense (``TableWritten``)."""
