"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass

from beijiang.kit import Text


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: whether it is well, and what to do if not."""

    name: str
    ok: bool
    text: Text
    warns: bool = False
    """Well by now, and still something for somebody to do."""
