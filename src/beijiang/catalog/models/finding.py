"""What is looked for in the catalog, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from beijiang.catalog.models.attributes import Level, OpenType
from beijiang.catalog.models.lifecycle import State
from beijiang.kit import Text


class Facet(StrEnum):
    """The ways in which results can be narrowed."""

    THEME = "theme"
    DEPARTMENT = "department"
    REGION = "region"
    FORMAT = "format"
    OPEN_TYPE = "open_type"
    UPDATE_CYCLE = "update_cycle"
    GRADE = "grade"
    EXTENSION = "extension"
    """Fields that the region declared, as ``key=value``."""


class Sort(StrEnum):
    """The order of results."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    UPDATED = "updated"
    NAME = "name"


class MatchKind(StrEnum):
    """How far the search had to reach to find something."""

    ALL = "all"
    """No text was given: everything there is."""
    PHRASE = "phrase"
    """Every word occurs as it was written (or begins a pinyin of a name)."""
    PAIRS = "pairs"
    """Every character pair occurs somewhere."""
    SOUND = "sound"
    """The name sounds the same."""
    TYPO = "typo"
    """One character differs."""
    LOOSE = "loose"
    """At least half of the character pairs occur."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What to look for; facet values of one facet are alternatives, facets narrow each other."""

    text: str = ""
    facets: Mapping[Facet, frozenset[str]] = field(default_factory=dict)
    sort: Sort = Sort.RELEVANCE
    page: int = 1
    size: int = 20


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text; ``hit`` marks what matched."""

    text: str
    hit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """One resource of a result page."""

    id: str
    name: tuple[Span, ...]
    summary: tuple[Span, ...]
    fields: tuple[tuple[Span, ...], ...]
    """Names of data items that matched, at most five."""
    provider_id: str
    provider_name: str
    themes: tuple[str, ...]
    formats: tuple[str, ...]
    region: str | None
    open_type: OpenType | None
    update_cycle: str
    level: Level | None
    state: State
    is_public: bool
    rows: int | None
    """None where a rule keeps rows back from outsiders."""
    columns: int
    published_at: datetime | None
    data_at: datetime | None

    @property
    def title(self) -> str:
        """Return the name as plain text."""
        return "".join(span.text for span in self.name)


@dataclass(frozen=True, slots=True)
class FacetCount:
    """One value of a facet: how many of the present results have it."""

    value: str
    label: Text
    count: int
    selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """One page of results with facets counted over everything that the reader may see."""

    total: int
    hits: tuple[SearchHit, ...]
    facets: Mapping[Facet, tuple[FacetCount, ...]]
    kind: MatchKind
    suggestion: str | None
    page: int
    size: int
    indexed_up_to: datetime | None


__all__ = [
    "Facet",
    "FacetCount",
    "MatchKind",
    "SearchHit",
    "SearchPage",
    "SearchQuery",
    "Sort",
    "Span",
]
