"""How far a source's log was followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from beijiang.kit import Text
from beijiang.kit.errors import JsonValue

__all__ = ["CaptureState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureState:
    """Position in the log and distance from its end, as last measured."""

    sync_id: str
    follows: str
    """Position that stands with the table's rows."""
    position: str
    """Up to where the log was read; between the two nothing concerned the table."""
    seen_at: str
    """The source's clock at the position, in UTC."""
    lag_bytes: int | None
    lag_seconds: float | None
    retained: int | None
    """Bytes of log that the source keeps for this sync."""
    measured_at: datetime
    warnings: tuple[Text, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {
            "sync": self.sync_id,
            "position": self.position,
            "seen_at": self.seen_at,
            "lag_bytes": self.lag_bytes,
            "lag_seconds": None if self.lag_seconds is None else round(self.lag_seconds, 3),
            "retained_bytes": self.retained,
            "measured_at": self.measured_at.isoformat(),
            "warnings": [{"zh": w.zh, "en": w.en} for w in self.warnings],
        }
