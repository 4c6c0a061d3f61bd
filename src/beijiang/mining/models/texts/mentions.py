"""Names in a text, linked to what they name: regions, departments, legal entities; with the doubt where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from beijiang.kit import Actor

__all__ = [
    "Entity",
    "EntityKind",
    "Mention",
    "Names",
    "RegisterEntry",
    "Registers",
    "company_names",
    "mentions_of",
    "settled",
]

_COMPANY: Final = re.compile(
    r"[\u4e00-\u9fffA-Za-z0-9()（）·]{2,40}?(?:有限责任公司|股份有限公司|集团有限公司|有限公司|农民专业合作社|专业合作社|合伙企业)"
)
_CODE: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{18}(?![0-9A-Za-z])")
COMPANIES_MOST: Final = 20_000
"""Beginnings of names that are asked of the register for one document."""
CORE_LEAST: Final = 6
"""Characters of the shortest full name."""
STARTS_MOST: Final = 30


class EntityKind(Word):
    """What a name names."""

    REGION = "region", "行政区划", "region"
    DEPARTMENT = "department", "部门", "department"
    COMPANY = "company", "法人单位", "legal entity"


class RegisterEntry(Protocol):
    """A subject of a base library, as far as it is needed here."""

    @property
    def id(self) -> str:
        """Name it for ever."""

    @property
    def name(self) -> str:
        """Return its name as the reader may see it."""

    @property
    def note(self) -> str:
        """Return what tells it from others of the name."""

    @property
    def page(self) -> str:
        """Return where it is shown."""


class Registers(Protocol):
    """The base libraries, asked as the reader: what he may not see there is not found for him here."""

    def named(self, actor: Actor, words: Sequence[str]) -> Mapping[str, Sequence[RegisterEntry]]:
        """Return the legal entities of each name or credit code."""

    def containing(self, actor: Actor, parts: Sequence[str]) -> Sequence[RegisterEntry]:
        """Return the legal entities whose names contain one of some words."""


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that a name may name."""

    kind: EntityKind
    id: str
    name: str
    note: str = ""
    """What tells it from others of the name."""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name, where it stands, what it may name, and which of these is meant if anything tells."""

    words: str
    start: int
    sentence: int
    choices: tuple[Entity, ...]
    chosen: str = ""
    """The id of the one that is meant; empty where nothing tells."""
    why: Text = field(default=Text("", ""))


class Names:
    """A dictionary of names that are looked for in texts, the longest at each place."""

    def __init__(self, entries: Mapping[str, Sequence[Entity]]) -> None:
        self._entries = entries
        self._sizes: dict[str, list[int]] = {}
        for name in entries:
            self._sizes.setdefault(name[:2], []).append(len(name))
        for sizes in self._sizes.values():
            sizes.sort(reverse=True)

    def find(self, text: str) -> Iterator[tuple[int, str, Sequence[Entity]]]:
        """Yield place, words and choices of every name, from left to right."""
        at = 0
        while at < len(text) - 1:
            for size in self._sizes.get(text[at : at + 2], ()):
                words = text[at : at + size]
                if words in self._entries:
                    yield at, words, self._entries[words]
                    at += size
                    break
            else:
                at += 1


def company_names(text: str) -> Sequence[str]:
    """Return what may be names of firms, and credit codes, as they occur."""
    found: dict[str, None] = {}
    for match in _COMPANY.finditer(text):
        words = match.group()
        for start in range(min(len(words) - CORE_LEAST, STARTS_MOST)):
            found[words[start:]] = (
                None  # what stands before a name is not parted from it: the register tells where it begins
            )
    found |= dict.fromkeys(_CODE.findall(text))
    return list(found)[:COMPANIES_MOST]


def mentions_of(sentences: Sequence[tuple[int, int, str]], names: Names) -> Sequence[Mention]:
    """Return the mentions in sentences that are given as place, start and text, as yet undecided."""
    return [
        Mention(words, start + at, place, tuple(choices))
        for place, start, text in sentences
        for at, words, choices in names.find(text)
    ]


def settled(found: Sequence[Mention], parents: Mapping[str, str]) -> Sequence[Mention]:
    """Choose where something tells: the only one of the name, or the region whose parent the document names too."""
    sure = {one.choices[0].id for one in found if len(one.choices) == 1}
    return [_settled(one, sure, parents) for one in found]


def _settled(one: Mention, sure: set[str], parents: Mapping[str, str]) -> Mention:
    if len(one.choices) == 1:
        return replace(one, chosen=one.choices[0].id, why=Text("只有一个同名", "the only one of this name"))
    near = [choice for choice in one.choices if parents.get(choice.id) in sure]
    if len(near) == 1:
        return replace(one, chosen=near[0].id, why=Text("文中提到其上级地区", "the document names the region above it"))
    return replace(
        one, why=Text(f"同名 {len(one.choices)} 个，需人工判断", f"{len(one.choices)} have this name; a person decides")
    )
