"""Libraries, declared: what they hold, what makes two records the same, which value wins, and who gives what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Actor, Shown, Text, Word

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = [
    "CHECKED",
    "CROSSWALK",
    "GOLDEN",
    "Choosing",
    "Element",
    "Library",
    "LibraryDraft",
    "LibraryLine",
    "LibraryModel",
    "Link",
    "LinkDraft",
    "LinkState",
]

GOLDEN: Final = "主体标识"
"""The column that names a golden record; it stays the same while its records come and go."""
CROSSWALK: Final = "_关联"
"""What the name of a library's table is followed by in the name of its crosswalk."""
CHECKED: Final = frozenset({"citizen_id", "uscc", "org_code"})
"""Check algorithms by which a value of a key counts as one or does not (``standards.md`` 5.2)."""


class Choosing(Word):
    """Which of several values of a field becomes the golden one; valid ones come before invalid ones either way."""

    SOURCE = "source", "来源优先", "by source"
    RECENT = "recent", "最近更新", "newest"
    LONGEST = "longest", "最完整", "most complete"
    VOTE = "vote", "多数一致", "most often"


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A field of a library and how its value is chosen."""

    name: str
    """The column of the library's table, in Chinese."""
    element: str = ""
    """The data element of the standards that it is bound to, as ``population.full_name``."""
    type: str = "C"
    """A letter of the item types (``standards.md`` 2.3)."""
    length: str = ""
    check: str = ""
    choosing: Choosing = Choosing.SOURCE

    def to_json(self) -> dict[str, JsonValue]:
        """Return the element as plain data."""
        return {
            "name": self.name,
            "element": self.element,
            "type": self.type,
            "length": self.length,
            "check": self.check,
            "choosing": self.choosing.value,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Element:
        """Read what ``to_json`` gave."""
        words = {name: str(value.get(name, "")) for name in ("name", "element", "length", "check")}
        return cls(
            **words, type=str(value.get("type") or "C"), choosing=Choosing(str(value.get("choosing") or "source"))
        )


@dataclass(frozen=True, slots=True)
class LibraryModel:
    """What the platform knows of a kind of library before anybody declares one; a row of ``libraries.csv``."""

    kind: str
    name: Text
    prefix: str
    library: str
    """Whose data elements it takes; empty for theme libraries, which bring their own."""
    key: tuple[str, ...]
    """Fields of the elements that name one subject together."""
    matching: str
    choosing: Mapping[str, Choosing]
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryDraft:
    """A library as it is handed in."""

    kind: str
    name: str
    target: str
    """The table that it fills; nothing else does."""
    elements: tuple[Element, ...]
    key: tuple[str, ...]
    """Names of elements: records with the same valid values in all of them are the same subject."""
    matching: str = ""
    """A model by which records without a key in common are compared; empty: by the key only."""
    certain: float = 0.99
    """From this probability on two records are the same without asking anybody."""
    grey: float = 0.6
    """From here to ``certain`` a person decides."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return what is declared as plain data, to be saved, compared and declared elsewhere."""
        return {
            "kind": self.kind,
            "name": self.name,
            "target": self.target,
            "elements": [one.to_json() for one in self.elements],
            "key": list(self.key),
            "matching": self.matching,
            "certain": self.certain,
            "grey": self.grey,
        }

    def element(self, name: str) -> Element | None:
        """Return an element by its name."""
        return next((one for one in self.elements if one.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Library(LibraryDraft):
    """One revision of a library."""

    id: str
    revision: int
    org_id: str
    prefix: str
    retired: bool = False
    reason: str = ""
    owner: Actor
    at: datetime

    @property
    def geometry(self) -> str:
        """Return the field in which geometries are; empty where there is none."""
        return next((one.name for one in self.elements if one.type == "G"), "")

    @property
    def crosswalk(self) -> str:
        """Return the table that says which records of the sources each golden record is made of."""
        return f"{self.target}{CROSSWALK}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryLine:
    """A library as a list has it: its sources, what waits for a person, and the newest run that wrote a version."""

    library: Library
    sources: int
    """Sources in force."""
    offered: int
    """Sources that one side has yet to agree to."""
    waiting: int
    """Pairs of records that a person has to decide on."""
    subjects: int | None
    """None before the first run."""
    records: int | None
    ran_at: datetime | None


_COLUMNS: Final = Text("取哪些列", "columns that are taken")
_KEY: Final = Text("行的主键和时间列", "key and time of a row")
_PRIORITY: Final = Text("优先级", "priority")
_ASKED: Final = Text("由谁提出、为什么", "who asks, and why")


class LinkState(Word):
    """Where the agreement about one source stands: both sides must have agreed before a row of it is read."""

    ASKED = "asked", "待来源部门同意", "waits for the department of the source"
    OFFERED = "offered", "待主管部门接收", "waits for the keeper of the library"
    IN_FORCE = "in_force", "已接入", "in force"
    ENDED = "ended", "已停用", "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDraft:
    """A table that is to serve a library: which of its columns are which elements."""

    table: str
    columns: Mapping[str, str]
    """Name of the element to column of the table."""
    priority: int = 5
    """1 comes first, where values are chosen by source."""
    key: tuple[str, ...] = ()
    """Columns that name a row of the table; empty: its own key, or, without one, all that is taken of it."""
    seen: str = ""
    """Column that says when the row was last true; empty: when its version was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(LinkDraft):
    """One source of a library, as agreed."""

    id: str
    library_id: str
    number: int
    """Names the source inside the library for ever, so that its records keep their names."""
    org_id: str
    state: LinkState
    reason: str = ""
    asked_by: Actor
    agreed_by: Actor | None = None
    at: datetime

    @property
    def shown(self) -> Shown:
        """Return what somebody agrees to."""
        columns: dict[Text, object] = {_COLUMNS: dict(self.columns), _KEY: (self.key, self.seen)}
        return Shown({**columns, _PRIORITY: self.priority, _ASKED: (self.state.value, self.asked_by.id, self.reason)})

    @property
    def works(self) -> bool:
        """Tell whether its rows are read."""
        return self.state is LinkState.IN_FORCE
