"""Two states of a catalog entry side by side: its fields and items, with the words that differ marked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from beijiang.catalog import ChangeKind, Entry, Item, word_marks
from beijiang.console.words import word
from beijiang.kit import NotFound, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beijiang.catalog import ExtensionValue, Span
    from beijiang.kit import Language
    from beijiang.standards import Standards

__all__ = ["Pair", "Subject", "extended", "subjects"]

_OWN: Final = tuple(f.name for f in fields(Entry) if f.name not in {"extensions", "items"})
_ITEM: Final = tuple(f.name for f in fields(Item) if f.name != "column")


@dataclass(frozen=True, slots=True)
class Pair:
    """One field in both states."""

    field: Text
    before: tuple[Span, ...]
    after: tuple[Span, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """The entry itself, or one of its items, in both states."""

    column: str | None
    name: str
    kind: ChangeKind | None
    """None where nothing differs."""
    pairs: tuple[Pair, ...]


def extended(before: Sequence[ExtensionValue], after: Sequence[ExtensionValue], language: Language) -> tuple[Pair, ...]:
    """Return the fields that the region declared, in both states."""
    old = {one.field.key: one for one in before}
    new = {one.field.key: one for one in after}
    pairs = []
    for key, one in {**old, **new}.items():
        words = [held[key].shown.in_language(language) if key in held else "" for held in (old, new)]
        pairs.append(Pair(one.field.name, *word_marks(*words), differs=words[0] != words[1]))
    return tuple(pairs)


def subjects(
    before: Entry, after: Entry, standards: Standards, language: Language, declared: tuple[Pair, ...] = ()
) -> list[Subject]:
    """Return the entry, then its items in their new order, then those that are gone; ``declared`` are the region's fields."""
    told = _Told(standards, language)
    own = (*_pairs(before, after, _OWN, told), *declared)
    found = [Subject(None, after.name, _kind(own), own)]
    gone = [item for item in before.items if after.item(item.column) is None]
    for item in (*after.items, *gone):
        old, new = before.item(item.column), after.item(item.column)
        pairs = tuple(_pairs(old, new, _ITEM, told))
        kind = ChangeKind.ADDED if old is None else ChangeKind.REMOVED if new is None else _kind(pairs)
        found.append(Subject(item.column, item.name, kind, pairs))
    return found


def _kind(pairs: Iterable[Pair]) -> ChangeKind | None:
    return ChangeKind.CHANGED if any(pair.differs for pair in pairs) else None


def _pairs(before: object, after: object, names: Iterable[str], told: _Told) -> Iterator[Pair]:
    for name in names:
        old, new = getattr(before, name, None), getattr(after, name, None)
        words = told.words(name, old), told.words(name, new)
        if any(words) or old != new:
            yield Pair(word("field", name), *word_marks(*words), differs=old != new)


class _Told:
    """What people call the value of a field."""

    def __init__(self, standards: Standards, language: Language) -> None:
        self._standards = standards
        self._language = language

    def words(self, name: str, value: Any) -> str:
        if value is None or value == "":
            return ""
        if isinstance(value, bool):
            return self._in(Text("是", "yes") if value else Text("否", "no"))
        if isinstance(value, tuple):
            between = self._in(Text("、", ", "))
            return between.join(self.words(name, one) for one in value)
        if name == "links":
            return f"{value.title} {value.url}".strip()
        return self._in(self._named(name, str(value)))

    def _in(self, text: Text) -> str:
        return text.in_language(self._language)

    def _named(self, name: str, code: str) -> Text:
        standards = self._standards
        try:
            if name == "categories":
                category = standards.category(code)
                return Text(f"{code} {category.name.zh}", f"{code} {category.name.en}")
            if name == "update_cycle":
                return standards.update_cycle(code).name
            if name == "licence":
                return standards.licence(code).name
        except NotFound:
            return Text(code, code)
        return word("item" if name == "type" else "value", code)
