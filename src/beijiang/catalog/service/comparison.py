"""What changed between two published versions, field by field and item by item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from beijiang.catalog.models import EXTENSION, Change, ChangeKind, Comparison, Entry, Item, Resource, Version

_NOT_COMPARED = frozenset({"extensions", "items"})


def compare(before: Version, after: Version) -> Comparison:
    """Return every difference, in the order of the fields and of the items."""
    return Comparison(
        after.resource_id,
        before.number,
        after.number,
        (before.table_version, after.table_version),
        tuple(differences(before.entry, after.entry)),
    )


def compare_working(before: Version, now: Resource) -> Comparison:
    """Return every difference of the working entry from a published version."""
    versions = (before.table_version, now.facts.version)
    return Comparison(now.id, before.number, None, versions, tuple(differences(before.entry, now.entry)))


def differences(before: Entry, after: Entry) -> Iterator[Change]:
    """Yield the differences of two entries."""
    for name in (f.name for f in fields(Entry) if f.name not in _NOT_COMPARED):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Change(ChangeKind.CHANGED, name, None, _plain(old), _plain(new))
    yield from _extensions(before, after)
    for item in before.items:
        other = after.item(item.column)
        if other is None:
            yield Change(ChangeKind.REMOVED, "items", item.column, item.name, None)
        else:
            yield from _item(item, other)
    for item in after.items:
        if before.item(item.column) is None:
            yield Change(ChangeKind.ADDED, "items", item.column, None, item.name)


def _extensions(before: Entry, after: Entry) -> Iterator[Change]:
    """Yield the differences in fields that the region declared, each under its own name."""
    for key in sorted({one.field for one in (*before.extensions, *after.extensions)}):
        old, new = before.extension(key), after.extension(key)
        if old != new:
            yield Change(ChangeKind.CHANGED, EXTENSION + key, None, old, new)


def _item(before: Item, after: Item) -> Iterator[Change]:
    for name in (f.name for f in fields(Item)):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Change(ChangeKind.CHANGED, name, before.column, _plain(old), _plain(new))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


__all__ = ["compare", "compare_working", "differences"]
