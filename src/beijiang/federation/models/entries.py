"""What a node tells the node above of its catalog, and what is kept of it there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AwareDatetime, Field

from beijiang.catalog import Entry, Item, Level
from beijiang.catalog import Link as CatalogLink
from beijiang.federation.models.letters import LETTER_MOST, canonical
from beijiang.federation.models.nodes import Bearing
from beijiang.federation.models.said import Id, Said, bad_letter, seen
from beijiang.federation.models.travels import Department, organisation_of, short_of
from beijiang.kit import Text, normalise

if TYPE_CHECKING:
    from beijiang.catalog import Published, Version
    from beijiang.federation.models.nodes import Card, Link
    from beijiang.kit.errors import JsonValue

__all__ = [
    "LIST_MOST",
    "CatalogStanding",
    "Comparison",
    "EntryTold",
    "Gone",
    "LinkedEntry",
    "Listing",
    "Room",
    "Rule",
    "Telling",
    "Wanted",
    "digest_told",
    "entry_of",
    "listings",
    "telling",
    "words_of",
]

LIST_MOST: Final = 2000
"""Entries of one letter that lists them: id and digest of each stay within its size."""
_ITEMS: Final = 2000
_NAME: Final = 200
_LONG: Final = 4000
_SPARE: Final = 2048
"""Bytes that a letter keeps for what the digest does not cover."""
_PRIVATE: Final = frozenset({"extensions", "provider_id", "related_codes"})
"""What stays here: fields that the region declared, and ids and codes that mean something here only."""
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


@dataclass(frozen=True, slots=True)
class Rule:
    """What is told to a node above: nothing until somebody decides it; all published entries, or those of some divisions."""

    on: bool = False
    divisions: tuple[str, ...] = ()
    """Beginnings of category codes; none means all."""
    decided_by: str = ""
    decided_at: datetime | None = None

    def takes(self, entry: Entry) -> bool:
        """Tell whether an entry is told. What is marked as secret never is."""
        if entry.secret_flag or any(item.secret_flag for item in entry.items):
            return False
        return not self.divisions or any(one.startswith(self.divisions) for one in entry.categories)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two lists of entries differ, counted."""

    fresh: int = 0
    changed: int = 0
    gone: int = 0

    def __bool__(self) -> bool:
        return bool(self.fresh or self.changed or self.gone)

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(self.fresh + other.fresh, self.changed + other.changed, self.gone + other.gone)

    @classmethod
    def between(cls, known: Mapping[str, str], now: Mapping[str, str]) -> Comparison:
        """Compare digests by id: what is ``known`` with what holds ``now``."""
        both = known.keys() & now.keys()
        changed = sum(known[one] != now[one] for one in both)
        return cls(len(now) - len(both), changed, len(known) - len(both))


@dataclass(frozen=True, slots=True)
class Room:
    """How much is kept of one node below."""

    entries: int
    """Entries in force."""
    departments: int
    """Departments that ever told one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogStanding:
    """How the catalog of, or for, a linked node stands."""

    link: Link
    rule: Rule
    """Of a node above: what it is told."""
    entries: int = 0
    """Told by a node below and in force; or told to a node above."""
    compared_at: datetime | None = None
    """When a list was last held against what is kept."""
    found: Comparison = Comparison()
    """What that comparison found to differ; it was put right by the letters that followed."""
    departments: int = 0
    """Departments of a node below that told an entry."""
    room: Room | None = None
    """Of a node below: how much of it is kept at most."""

    @property
    def is_above(self) -> bool:
        """Tell whether entries are told to that node."""
        return self.link.bearing is Bearing.ABOVE

    def to_json(self) -> dict[str, Any]:
        """Return it for an API answer or the terminal."""
        return {
            "node_id": self.link.node_id,
            "bearing": self.link.bearing.value,
            "on": self.rule.on,
            "divisions": list(self.rule.divisions),
            "decided_by": self.rule.decided_by,
            "decided_at": self.rule.decided_at.isoformat() if self.rule.decided_at else None,
            "entries": self.entries,
            "compared_at": self.compared_at.isoformat() if self.compared_at else None,
            "departments": self.departments,
            "room": None if self.room is None else asdict(self.room),
            **asdict(self.found),
        }


@dataclass(frozen=True, slots=True)
class Telling:
    """One entry as it would be told now."""

    resource_id: str
    body: Mapping[str, JsonValue]

    @property
    def digest(self) -> str:
        """Return what both sides know it by."""
        return digest_told(self.body)


def telling(published: Published, provider: Department, url: str) -> Telling:
    """Return what is told of a published entry, with the grades in force where they are higher than those it was published with.

    Where its items do not fit into a letter they are left off, and that is said.
    """
    entry = published.version.entry
    told = {key: value for key, value in asdict(entry).items() if key not in _PRIVATE}
    for item, kept in zip(told["items"], entry.items, strict=True):
        item["level"] = max((one for one in (kept.level, published.grades.get(kept.column)) if one), default=None)
        item["source_org"] = None
    body: dict[str, JsonValue] = {
        "resource": published.resource_id,
        "version": published.version.number,
        "published_at": published.version.published_at.isoformat(),
        "codes": [*published.version.codes],
        "url": url,
        "org": provider.model_dump(),
        "entry": told,
        "items_left_off": 0,
    }
    if len(entry.items) > _ITEMS or len(canonical(body).encode()) > LETTER_MOST - _SPARE:
        body |= {"entry": {**told, "items": []}, "items_left_off": len(entry.items)}
    return Telling(published.resource_id, body)


def listings(digests: Mapping[str, str]) -> list[dict[str, JsonValue]]:
    """Return what is written when everything is compared: every id with its digest, in as many letters as it takes."""
    ids = sorted(digests)
    pages = [ids[at : at + LIST_MOST] for at in range(0, len(ids), LIST_MOST)] or [[]]
    found: list[dict[str, JsonValue]] = []
    after = ""
    for page in pages:
        upto = "" if page is pages[-1] else page[-1]
        found.append({"after": after, "upto": upto, "entries": {one: digests[one] for one in page}})
        after = upto
    return found


class EntryTold(Said):
    """A published entry of another node."""

    resource: Id
    version: int = Field(ge=1, le=2**31 - 1)
    published_at: AwareDatetime
    codes: list[Annotated[str, Field(max_length=100)]] = Field(max_length=20)
    url: str = Field(pattern=r"^https?://[!-~]+$", max_length=400)
    org: Department
    entry: dict[str, Any]
    items_left_off: int = Field(ge=0, le=2**31 - 1)

    def read(self, origin: str) -> Entry:
        """Return the entry as it is kept here: under an organisation that stands for its department.

        Raises:
            Invalid: it is no published entry (``bad_letter``).

        """
        own = {key: value for key, value in self.entry.items() if key not in _PRIVATE}
        try:
            entry = Entry.from_json({**_clean(own), "provider_id": organisation_of(origin, self.org.id)})
            _check(entry)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise bad_letter() from error
        return replace(entry, name=entry.name[:_NAME])


class Gone(Said):
    """Entries that their origin no longer publishes, or no longer tells."""

    resource: Id


class Listing(Said):
    """Everything that a node tells, between two ids: the ids after ``after`` up to ``upto``; empty means no bound."""

    after: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,40}$")]
    upto: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,40}$")]
    entries: dict[Id, _Digest] = Field(max_length=LIST_MOST)

    def spans(self, resource: str) -> bool:
        """Tell whether an id lies between the two."""
        return self.after < resource and (not self.upto or resource <= self.upto)


class Wanted(Said):
    """What the node above does not have as it was listed."""

    number: int = Field(ge=1)
    """The number of the letter that listed it."""
    ids: list[Id] = Field(max_length=LIST_MOST)
    fresh: int = Field(ge=0, le=LIST_MOST)
    gone: int = Field(ge=0, le=2**31 - 1)
    first: bool
    """Whether the comparison begins with this list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedEntry:
    """An entry of a node below, as it said; only its origin changes it."""

    id: str
    """Its id here: the same whenever it comes."""
    origin: str
    theirs: str
    """Its id at its origin."""
    version: Version
    """What it says, as the catalog keeps published versions."""
    url: str
    items_left_off: int
    received_at: datetime
    withdrawn_at: datetime | None
    card: Card

    @property
    def entry(self) -> Entry:
        """Return what it says."""
        return self.version.entry

    @property
    def node(self) -> Text:
        """Return the name of its origin."""
        return self.card.name

    @property
    def level(self) -> Level | None:
        """Return its highest grade."""
        return self.entry.level

    def to_json(self) -> dict[str, Any]:
        """Return the entry for an API answer or the terminal, without its items."""
        entry = self.entry
        return {
            "id": self.id,
            "origin": self.origin,
            "origin_name": {"zh": self.node.zh, "en": self.node.en},
            "tier": self.card.tier,
            "resource_id": self.theirs,
            "version": self.version.number,
            "name": entry.name,
            "summary": entry.summary,
            "provider": entry.provider_name,
            "codes": list(self.version.codes),
            "share_type": entry.share_type.value if entry.share_type else None,
            "open_type": entry.open_type.value if entry.open_type else None,
            "level": self.level.value if self.level else None,
            "items": len(entry.items),
            "items_left_off": self.items_left_off,
            "url": self.url,
            "published_at": self.version.published_at.isoformat(),
            "received_at": self.received_at.isoformat(),
            "withdrawn_at": self.withdrawn_at.isoformat() if self.withdrawn_at else None,
        }


def entry_of(origin: str, resource_id: str) -> str:
    """Return the id here of an entry of another node: the same whenever it comes."""
    return f"lnk_{short_of(origin, resource_id)}"


def words_of(entry: Entry) -> str:
    """Return the words by which an entry is found."""
    items = [word for item in entry.items for word in (item.name, item.description)]
    return normalise(" ".join((entry.name, entry.summary, entry.provider_name, *entry.keywords, *items)))


def digest_told(body: Mapping[str, JsonValue]) -> str:
    """Return what both sides know an entry by: over all that was told of it."""
    return hashlib.sha256(canonical(body).encode()).hexdigest()[:32]


def _clean(value: Any) -> Any:
    """Return what another node wrote without signs that cannot be seen."""
    if isinstance(value, str):
        return seen(value)
    if isinstance(value, dict):
        return {key: _clean(one) for key, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list) else value


def _check(entry: Entry) -> None:
    """Return if an entry has the types and bounds that the catalog counts on.

    Raises:
        ValueError: it has not.

    """
    if not entry.name or entry.share_type is None or entry.open_type is None or len(entry.items) > _ITEMS:
        raise ValueError(entry.name)
    if len({item.column for item in entry.items}) < len(entry.items):
        raise ValueError(len(entry.items))
    for link in entry.links:
        if not link.url.startswith(("https://", "http://")):
            raise ValueError(link.title)
    parts: tuple[Entry | Item | CatalogLink, ...] = (entry, *entry.items, *entry.links)
    for part in parts:
        for one in fields(part):
            value, kind = getattr(part, one.name), str(one.type)
            texts: Sequence[object] = value if kind.startswith("tuple[str") else ()
            if (kind == "str") or (kind == "str | None" and value is not None):
                texts = (value,)
            if any(not isinstance(text, str) or len(text) > _LONG for text in texts):
                raise ValueError(one.name)
