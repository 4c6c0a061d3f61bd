"""What lies on a desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["MOST", "View", "ViewDraft"]

MOST: Final = 30
"""Views of one list that a person keeps at most."""


class ViewDraft(BaseModel):
    """A view to be kept: which list, under which name, and the words of its address."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    list: str = Field(
        min_length=1, max_length=40, pattern=r"^[a-z_]+$", description="Key of the list, such as requests."
    )
    name: str = Field(
        min_length=1, max_length=60, description="What the person calls it; the same name again replaces it."
    )
    query: str = Field(default="", max_length=2000, description="Query of the list's address: order, filters, columns.")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view that somebody keeps."""

    id: str
    person_id: str
    list: str
    name: str
    query: str
    kept_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the view for an API answer."""
        return {
            "id": self.id,
            "list": self.list,
            "name": self.name,
            "query": self.query,
            "kept_at": self.kept_at.isoformat(),
        }
