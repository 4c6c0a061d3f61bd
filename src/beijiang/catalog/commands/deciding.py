"""What somebody decides on at the terminal: all of an entry that the ``seen`` stands for, shown before it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from beijiang.catalog.plain import as_plain
from beijiang.kit import Text
from beijiang.terminal import Column, asked_after, show

if TYPE_CHECKING:
    from beijiang.catalog.models import Resource

__all__ = ["seen_of"]

_SHOWN = (
    Column("item", Text("数据项", "item")),
    Column("field", Text("字段", "field"), whole=True),
    Column("value", Text("内容", "content")),
)


def seen_of(found: Resource, seen: str | None) -> str:
    """Return what was seen: as it was given, or as it is shown now to who is asked."""
    return asked_after(lambda: show([*_facts(found)], _SHOWN), found.shown.token) if seen is None else seen


def _facts(found: Resource) -> Iterator[dict[str, Any]]:
    entry = as_plain(found.entry)
    items = entry.pop("items")
    for field, value in {**entry, "state": found.state.value, "submitted_by": found.submitted_by}.items():
        yield {"item": "", "field": field, "value": _words(value)}
    for item in items:
        for field, value in item.items():
            if value not in (None, "", False):
                yield {"item": item["column"], "field": field, "value": _words(value)}


def _words(value: Any) -> Any:
    """Write a list as lines: links of their parts, the rest by itself."""
    if not isinstance(value, list):
        return value
    return "\n".join(" ".join(map(str, one.values())) if isinstance(one, dict) else str(one) for one in value)
