"""How far a derived table has followed its sources: kept with its rows, so that both move by one commit or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beijiang.kit import Text
from beijiang.recipes.models.ways import Making

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = ["Spot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """What the newest rows of a derived table were made of."""

    run: str
    revision: int
    mark: str
    """Digest of the compiled statement, code sets and dates in it, of the source's columns, and of the way."""
    sources: Mapping[str, int]
    counted: Mapping[str, int]
    """What the steps changed and could not read, over all rows."""
    unique: bool
    """Whether the key told all rows of the source apart when all were worked."""
    making: Making
    why: Text | None = None
    worked: int | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as a commit's position."""
        return {
            "run": self.run,
            "revision": self.revision,
            "mark": self.mark,
            "sources": dict(self.sources),
            "counted": dict(self.counted),
            "unique": self.unique,
            "making": self.making.value,
            "why": None if self.why is None else {"zh": self.why.zh, "en": self.why.en},
            "worked": self.worked,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Spot:
        """Read what ``to_json`` gave."""
        return cls(
            run=str(value["run"]),
            revision=int(value["revision"]),
            mark=str(value["mark"]),
            sources={name: int(version) for name, version in value["sources"].items()},
            counted={name: int(count) for name, count in value["counted"].items()},
            unique=bool(value["unique"]),
            making=Making(value["making"]),
            why=None if value["why"] is None else Text(value["why"]["zh"], value["why"]["en"]),
            worked=value["worked"],
        )
