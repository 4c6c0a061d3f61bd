"""The content of a catalog entry: the thirteen metadata of the 2017 guide, and one record per data item."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from beijiang.catalog.models.attributes import Level, OpenType, Personal, ShareMethod, ShareType
from beijiang.catalog.models.extension import Filled, filled_with

NAME_LIMIT = 200
SUMMARY_LIMIT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One data item; an attribute that is empty is inherited from the entry (`standards.md` 2.7)."""

    column: str
    """Name in the bound table; it is the item's identity inside the entry."""
    name: str
    type: str = "C"
    length: int | None = None
    description: str = ""
    element_id: str | None = None
    code_set: str | None = None
    share_type: ShareType | None = None
    share_condition: str = ""
    no_share_basis: str = ""
    share_method: ShareMethod | None = None
    open_type: OpenType | None = None
    open_condition: str = ""
    update_cycle: str | None = None
    level: Level | None = None
    kind: str | None = None
    personal: Personal = Personal.NONE
    secret_flag: bool = False
    source_org: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Where a part of the resource, or its page, is to be had outside the platform; an http(s) address."""

    title: str
    url: str
    format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a steward compiles; undecided attributes are None, and a published entry has none of those."""

    name: str
    summary: str = ""
    provider_id: str
    provider_name: str = ""
    provider_code: str = ""
    inner_office: str = ""
    categories: tuple[str, ...] = ()
    """Divisions that the entry hangs under; the first is the primary one. Codes are made per division."""
    formats: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    share_type: ShareType | None = None
    share_condition: str = ""
    no_share_basis: str = ""
    share_method: ShareMethod | None = None
    open_type: OpenType | None = None
    open_condition: str = ""
    """The conditions of a conditional opening, or the reason why it is not open."""
    licence: str = ""
    update_cycle: str = "9"
    region_code: str | None = None
    keywords: tuple[str, ...] = ()
    time_span: str = ""
    related_codes: tuple[str, ...] = ()
    contact: str = ""
    secret_flag: bool = False
    links: tuple[Link, ...] = ()
    """Kept by harvests: where the source gives the data."""
    extensions: tuple[Filled, ...] = ()
    """Values of the fields that the region declared, by key."""

    def extension(self, key: str) -> str:
        """Return the value of a declared field; empty where there is none."""
        return next((one.value for one in self.extensions if one.field == key), "")

    def item(self, column: str) -> Item | None:
        """Return the item of a column."""
        return next((item for item in self.items if item.column == column), None)

    def share_type_of(self, item: Item) -> ShareType:
        """Return the sharing type in force for an item; undecided counts as not shared."""
        return item.share_type or self.share_type or ShareType.NOT_SHARED

    def open_type_of(self, item: Item) -> OpenType:
        """Return the open type in force for an item: its own or the entry's, whichever opens less."""
        own = item.open_type or self.open_type or OpenType.NOT_OPEN
        return max(own, self.open_type or OpenType.NOT_OPEN, key=_OPENNESS.index)

    def cycle_of(self, item: Item) -> str:
        """Return the update cycle in force for an item."""
        return item.update_cycle or self.update_cycle

    @property
    def open_items(self) -> frozenset[str]:
        """Return the columns that anybody may have."""
        return frozenset(i.column for i in self.items if self.open_type_of(i) is OpenType.UNCONDITIONAL)

    @property
    def conditional_items(self) -> frozenset[str]:
        """Return the columns that the public may have on conditions."""
        return frozenset(i.column for i in self.items if self.open_type_of(i) is OpenType.CONDITIONAL)

    @property
    def shared_items(self) -> frozenset[str]:
        """Return the columns that every department may have without approval."""
        return frozenset(i.column for i in self.items if self.share_type_of(i) is ShareType.UNCONDITIONAL)

    @property
    def refused_items(self) -> frozenset[str]:
        """Return the columns that are not shared and say by which rule: nobody may ask for them."""
        return frozenset(
            i.column
            for i in self.items
            if self.share_type_of(i) is ShareType.NOT_SHARED and (i.no_share_basis or self.no_share_basis)
        )

    @property
    def level(self) -> Level | None:
        """Return the highest grade of the items; None while no item is graded."""
        return max((item.level for item in self.items if item.level), default=None)

    @property
    def shares_mixed(self) -> dict[ShareType, int]:
        """Count the items per sharing type; more than one key means a mixed entry."""
        counts: dict[ShareType, int] = {}
        for item in self.items:
            kind = self.share_type_of(item)
            counts[kind] = counts.get(kind, 0) + 1
        return counts

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Entry:
        """Read an entry back; keys of a later release are ignored."""
        known = {f.name for f in fields(cls)}
        facts = {key: item for key, item in value.items() if key in known}
        return cls(
            **{
                **facts,
                "categories": tuple(facts.get("categories", ())),
                "formats": tuple(facts.get("formats", ())),
                "keywords": tuple(facts.get("keywords", ())),
                "related_codes": tuple(facts.get("related_codes", ())),
                "items": tuple(_item(item) for item in facts.get("items", ())),
                "links": tuple(Link(**link) for link in facts.get("links", ())),
                "extensions": tuple(Filled(**one) for one in facts.get("extensions", ())),
                "share_type": _maybe(ShareType, facts.get("share_type")),
                "share_method": _maybe(ShareMethod, facts.get("share_method")),
                "open_type": _maybe(OpenType, facts.get("open_type")),
            }
        )


_OPENNESS = [OpenType.UNCONDITIONAL, OpenType.CONDITIONAL, OpenType.NOT_OPEN]


def _maybe(kind: Any, value: Any) -> Any:
    return None if value is None else kind(value)


def _item(value: Mapping[str, Any]) -> Item:
    known = {f.name for f in fields(Item)}
    facts = {key: item for key, item in value.items() if key in known}
    facts["share_type"] = _maybe(ShareType, facts.get("share_type"))
    facts["share_method"] = _maybe(ShareMethod, facts.get("share_method"))
    facts["open_type"] = _maybe(OpenType, facts.get("open_type"))
    facts["level"] = _maybe(Level, facts.get("level"))
    facts["personal"] = Personal(facts.get("personal") or "N")
    return Item(**facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEdit:
    """Changes to one item; None leaves a field alone. Grades are not here: protection keeps them."""

    column: str
    name: str | None = None
    description: str | None = None
    length: int | None = None
    element_id: str | None = None
    code_set: str | None = None
    share_type: ShareType | None = None
    share_condition: str | None = None
    no_share_basis: str | None = None
    share_method: ShareMethod | None = None
    open_type: OpenType | None = None
    open_condition: str | None = None
    update_cycle: str | None = None
    secret_flag: bool | None = None
    source_org: str | None = None
    inherit: tuple[str, ...] = ()
    """Attributes to empty again, so that the entry's value holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceEdit:
    """Changes to an entry; None leaves a field alone. Code, provider, state and dates are the platform's."""

    name: str | None = None
    summary: str | None = None
    inner_office: str | None = None
    provider_code: str | None = None
    categories: tuple[str, ...] | None = None
    formats: tuple[str, ...] | None = None
    share_type: ShareType | None = None
    share_condition: str | None = None
    no_share_basis: str | None = None
    share_method: ShareMethod | None = None
    open_type: OpenType | None = None
    open_condition: str | None = None
    open_items: tuple[str, ...] | None = None
    """Columns to open; the others become not open, and what is open on conditions stays so. Shorthand for items."""
    licence: str | None = None
    update_cycle: str | None = None
    region_code: str | None = None
    keywords: tuple[str, ...] | None = None
    time_span: str | None = None
    related_codes: tuple[str, ...] | None = None
    contact: str | None = None
    secret_flag: bool | None = None
    extensions: Mapping[str, str] | None = None
    """Values of declared fields by key; those not named stay, an empty text takes one away."""
    items: tuple[ItemEdit, ...] = field(default=())

    def apply(self, entry: Entry) -> Entry:
        """Return the entry with the changes; unknown columns of items are left to the caller's check."""
        own = {f.name for f in fields(self)} - {"extensions", "items", "open_items"}
        changes: dict[str, Any] = {name: value for name in own if (value := getattr(self, name)) is not None}
        changes |= {name: tuple(dict.fromkeys(value)) for name, value in changes.items() if isinstance(value, tuple)}
        edits = {edit.column: edit for edit in self.items}
        items = tuple(self._item(item, edits.get(item.column)) for item in entry.items)
        extensions = filled_with(entry.extensions, self.extensions or {})
        return replace(entry, **changes, items=items, extensions=extensions)

    def _item(self, item: Item, edit: ItemEdit | None) -> Item:
        if self.open_items is not None:
            kept = item.open_type if item.open_type is not OpenType.NOT_OPEN else None
            item = replace(item, open_type=kept if item.column in self.open_items else OpenType.NOT_OPEN)
        if edit is None:
            return item
        names = {f.name for f in fields(edit)} - {"column", "inherit"}
        changes: dict[str, Any] = {n: v for n in names if (v := getattr(edit, n)) is not None}
        changes |= {name: _EMPTY[name] for name in edit.inherit if name in _EMPTY}
        return replace(item, **changes)

    def columns_named(self) -> frozenset[str]:
        """Return every column that the edit speaks of."""
        return frozenset(edit.column for edit in self.items) | frozenset(self.open_items or ())


_EMPTY: dict[str, Any] = {
    "share_type": None,
    "share_condition": "",
    "no_share_basis": "",
    "share_method": None,
    "open_type": None,
    "open_condition": "",
    "update_cycle": None,
    "source_org": None,
    "element_id": None,
    "code_set": None,
    "description": "",
    "length": None,
}


def canonical(value: Mapping[str, Any]) -> str:
    """Return the one JSON text of a value, so that equal values have equal digests."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """Return the digest of a version's JSON, with the algorithm's name in front."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


__all__ = ["NAME_LIMIT", "SUMMARY_LIMIT", "Entry", "Item", "ItemEdit", "Link", "ResourceEdit", "canonical", "digest"]
