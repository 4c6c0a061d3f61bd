"""What a program picks from the catalog by a condition, in an order of its own; the questions of people are in ``finding``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from beijiang.catalog.models.entry import Entry
from beijiang.catalog.models.extension import ExtensionValue
from beijiang.catalog.models.finding import Facet
from beijiang.catalog.models.lifecycle import State


class Mark(StrEnum):
    """Words of an entry by which programs narrow and that no page lists beside its results."""

    LICENCE = "licence"
    TAG = "tag"


class Order(StrEnum):
    """The order of what is picked."""

    CREATED = "created"
    ID = "id"
    MODIFIED = "modified"
    SCORE = "score"
    TITLE = "title"


class Moment(StrEnum):
    """The moments of an entry that everybody may know."""

    CREATED = "created"
    """When it was first published."""
    MODIFIED = "modified"
    """When it last changed for the public: another version of the entry, or of its rows."""


@dataclass(frozen=True, slots=True)
class Everything:
    """What the reader may know of."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Its texts contain these words; with ``in_name`` its name does."""

    text: str
    in_name: bool = False
    together: bool = False
    """Whether the words have to stand one after the other."""


@dataclass(frozen=True, slots=True)
class Has:
    """It has one of these values; a value with ``*`` or ``?`` is a pattern, and is tried on 1,000 values at most."""

    of: Facet | Mark
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Named:
    """It has one of these ids; patterns as in ``Has``."""

    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Between:
    """One of its moments lies in a span; an open end is None."""

    moment: Moment
    low: datetime | None = None
    high: datetime | None = None
    low_open: bool = False
    high_open: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; of no part: everything."""

    parts: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; of no part: nothing."""

    parts: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Unlike:
    """The part does not hold."""

    part: Wanted


Wanted: TypeAlias = "Everything | Spoken | Has | Named | Between | AllOf | AnyOf | Unlike"


@dataclass(frozen=True, slots=True, kw_only=True)
class PickQuery:
    """What to pick, and which page of it; pages may be turned as deep as there is something."""

    wanted: Wanted = Everything()
    order: Order = Order.SCORE
    descending: bool = False
    start: int = 0
    size: int = 10
    counted: tuple[Facet | Mark, ...] = ()
    """Whose values are counted among everything picked."""
    values: int = 50
    """Values of each at most, the most frequent ones."""
    bare: bool = False
    """Whether only ids are wanted, which cost nothing even by the hundred thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """One entry as this reader may know it: as published, or as it is being compiled where the reader may see that."""

    id: str
    entry: Entry
    number: int
    """The number of the published version; 0 where there is none."""
    codes: tuple[str, ...]
    state: State
    is_public: bool
    created_at: datetime | None
    modified_at: datetime | None
    table: str | None
    table_version: int | None
    rows: int | None
    extensions: tuple[ExtensionValue, ...] = ()
    """Values of declared fields that everybody may see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickPage:
    """One page of what was picked."""

    total: int
    entries: tuple[Picked, ...]
    ids: tuple[str, ...] = ()
    counts: Mapping[Facet | Mark, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    indexed_up_to: datetime | None = None


__all__ = [
    "AllOf",
    "AnyOf",
    "Between",
    "Everything",
    "Has",
    "Mark",
    "Moment",
    "Named",
    "Order",
    "PickPage",
    "PickQuery",
    "Picked",
    "Spoken",
    "Unlike",
    "Wanted",
]
