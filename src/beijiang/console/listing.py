"""One table for the console's long lists: sorted, filtered, with the columns that a person chose, taken away as it is seen.

A list is made from rows that a service has already shown to the actor; nothing here reads, so nothing here can show more.
All of its state stands in the address, so a view can be kept, sent to a colleague, and works without a script.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable
from urllib.parse import urlencode

from beijiang.catalog import syllables
from beijiang.kit import Language, Text, normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

__all__ = [
    "COLUMNS",
    "FIND",
    "FORMAT",
    "ONLY",
    "PAGE",
    "SORT",
    "Ask",
    "Bulk",
    "Coded",
    "Column",
    "Kind",
    "Listing",
    "Table",
]

SORT: Final = "_sort"
FIND: Final = "_find"
COLUMNS: Final = "_col"
PAGE: Final = "_page"
FORMAT: Final = "_as"
ONLY: Final = "_only."
"""What stands before the key of a column that is filtered by one of its values."""
SHOWN: Final = 50
MOST_CHOICES: Final = 60
_DIGITS: Final = 6
R = TypeVar("R")


class Kind(StrEnum):
    """How the cells of a column are shown."""

    TEXT = "text"
    NUMBER = "number"
    MOMENT = "moment"
    DAY = "day"
    CODE = "code"
    TAG = "tag"
    GRADE = "grade"


@runtime_checkable
class _Named(Protocol):
    """A code that has a name in both languages, as the words of closed lists have."""

    @property
    def value(self) -> str: ...
    @property
    def text(self) -> Text: ...


@dataclass(frozen=True, slots=True)
class Coded:
    """A code and what it is called, where the code itself does not know."""

    value: str
    text: Text


Cell: TypeAlias = "str | int | float | datetime | date | Text | _Named | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[R]):
    """One column: what stands in it, how it is shown, and whether it can be narrowed to one of its values."""

    key: str
    words: Text
    of: Callable[[R], Cell]
    kind: Kind = Kind.TEXT
    link: Callable[[R], str] | None = None
    level: Callable[[R], str] | None = None
    """ok, warn, bad, info or nothing, for a tag."""
    under: Callable[[R], str] | None = None
    """A second line in small letters."""
    hint: Callable[[R], str] | None = None
    """What a pointer over the cell is told."""
    choice: bool = False
    shown: bool = True
    """Whether it is there before anybody chose columns."""


@dataclass(frozen=True, slots=True)
class KeptView:
    """A view of the list that the person keeps."""

    id: str
    name: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Bulk:
    """What can be done with the ticked rows together."""

    action: str
    words: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Generic[R]):
    """A list as a page gives it: its rows, and all columns that it could have."""

    key: str
    """The name under which people keep views of it."""
    path: str
    title: Text
    columns: Sequence[Column[R]]
    rows: Sequence[R]
    row_key: Callable[[R], str]
    bulk: Bulk | None = None
    at_most: int | None = None
    """How many of the newest rows it holds, where older ones are not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody wants to see of a list."""

    path: str
    """Where the list stands."""
    pairs: Sequence[tuple[str, str]]
    language: Language
    zone: ZoneInfo

    def one(self, name: str) -> str:
        """Return the last value of a word of the address."""
        return next((value for key, value in reversed(self.pairs) if key == name), "")

    @property
    def query(self) -> str:
        """Return what a kept view remembers: the words of the address, without the page."""
        return urlencode([(k, v) for k, v in self.pairs if k not in {PAGE, FORMAT, "lang"} and v])

    def address(self, **changes: str | None) -> str:
        """Return the address with some words changed; None takes one away. Another order or filter begins at page one."""
        pairs = [(k, v) for k, v in self.pairs if k not in changes and k not in {PAGE, FORMAT, "lang"} and v]
        pairs += [(k, v) for k, v in changes.items() if v]
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path


@dataclass(frozen=True, slots=True)
class Shown:
    """One cell as a page shows it."""

    kind: Kind
    words: str
    href: str = ""
    level: str = ""
    under: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Line(Generic[R]):
    """One row as a page shows it."""

    key: str
    row: R
    cells: Sequence[Shown]


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one column, with where a click on it leads."""

    key: str
    words: Text
    kind: Kind
    href: str
    sorted: str
    """ascending, descending or none, as a screen reader is told."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to narrow the list: a column, and how many rows have each of its values."""

    name: str
    words: Text
    options: Sequence[tuple[str, str, int]]
    chosen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[R]):
    """A list as it was asked for."""

    table: Table[R]
    ask: Ask
    heads: Sequence[Head]
    lines: Sequence[Line[R]]
    choices: Sequence[Choice]
    find: str
    found: int
    """How many rows fit."""
    page: int
    pages: int
    columns: Sequence[tuple[str, Text, bool]]
    """Every column there could be, and whether it is shown."""
    kept: Sequence[tuple[str, str]]
    """Words of the address that the list's own form must carry along."""
    narrowed: bool
    views: Sequence[KeptView] = ()
    """What the person keeps of this list."""
    _every: Sequence[R] = field(default=(), repr=False)
    _chosen: Sequence[Column[R]] = field(default=(), repr=False)

    @classmethod
    def of(cls, table: Table[R], ask: Ask, views: Sequence[KeptView] = ()) -> Listing[R]:
        """Sort, narrow and cut a list as asked; what makes no sense in the address is not taken notice of."""
        wanted = {value for key, value in ask.pairs if key == COLUMNS}
        chosen = [c for c in table.columns if c.key in wanted] or [c for c in table.columns if c.shown]
        find = ask.one(FIND).strip()[:200]
        only = {c.key: ask.one(ONLY + c.key) for c in table.columns if c.choice and ask.one(ONLY + c.key)}
        fitting = [row for row in table.rows if _holds(table, row, find, ask)]
        rows = [row for row in fitting if _has(table, row, only)]
        rows = _in_order(table, rows, ask)
        pages = max(1, -(-len(rows) // SHOWN))
        page = min(_page(ask.one(PAGE)), pages)
        part = rows[(page - 1) * SHOWN : page * SHOWN]
        own = {SORT, FIND, PAGE, FORMAT, COLUMNS, "lang", *(ONLY + c.key for c in table.columns)}
        return cls(
            table=table,
            ask=ask,
            heads=[_head(c, ask) for c in chosen],
            lines=[Line(table.row_key(row), row, [_shown(c, row, ask) for c in chosen]) for row in part],
            choices=[_choice(c, fitting, ask) for c in table.columns if c.choice],
            find=find,
            found=len(rows),
            page=page,
            pages=pages,
            columns=[(c.key, c.words, c in chosen) for c in table.columns],
            kept=[(k, v) for k, v in ask.pairs if k not in own and v],
            narrowed=bool(find or only),
            views=views,
            _every=rows,
            _chosen=chosen,
        )

    def file_lines(self) -> list[list[str]]:
        """Return what a file holds: the columns and all the rows that fit, in the order seen."""
        ask = self.ask
        head = [c.words.in_language(ask.language) for c in self._chosen]
        return [head, *([_words(c.of(row), c.kind, ask) for c in self._chosen] for row in self._every)]

    @property
    def cleared(self) -> str:
        """Return the address of the whole list, with its order and columns."""
        away = {FIND, *(ONLY + c.key for c in self.table.columns)}
        return self.ask.address(**dict.fromkeys(away))

    def turned(self, page: int) -> str:
        """Return the address of another page."""
        here = self.ask.address()
        return here if page <= 1 else f"{here}{'&' if '?' in here else '?'}{PAGE}={page}"


def _page(text: str) -> int:
    fits = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return max(1, int(text)) if fits else 1


def _holds(table: Table[Any], row: Any, find: str, ask: Ask) -> bool:
    """Tell whether every word that was asked for stands somewhere in the row."""
    if not find:
        return True
    whole = "\n".join(
        normalise(f"{_words(c.of(row), c.kind, ask)} {c.under(row) if c.under else ''}") for c in table.columns
    )
    return all(word in whole for word in normalise(find).split())


def _has(table: Table[Any], row: Any, only: Mapping[str, str]) -> bool:
    return all(_code(c.of(row)) == only[c.key] for c in table.columns if c.key in only)


def _in_order(table: Table[Any], rows: Sequence[Any], ask: Ask) -> list[Any]:
    asked = ask.one(SORT)
    column = next((c for c in table.columns if c.key == asked.removeprefix("-")), None)
    if column is None:
        return [*rows]
    there = [(_rank(column.of(row), ask.language), row) for row in rows]
    filled = sorted((one for one in there if one[0] is not None), key=lambda one: one[0], reverse=asked.startswith("-"))
    return [row for _, row in filled] + [row for rank, row in there if rank is None]


def _rank(cell: Cell, language: Language) -> Any:
    """Return what a cell is sorted by: numbers and moments as such, Chinese by its pinyin; None comes last."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, int | float | datetime | date) and not isinstance(cell, _Named):
        return cell
    words = cell.text if isinstance(cell, _Named) else cell
    return _sound(words.in_language(language) if isinstance(words, Text) else str(words))


@lru_cache(maxsize=20_000)
def _sound(words: str) -> tuple[str, ...]:
    return tuple(sound or character for sound, character in zip(syllables(words), normalise(words), strict=False))


def _code(cell: Cell) -> str:
    if isinstance(cell, _Named):
        return str(cell.value)
    return "" if cell is None else str(cell)


def _words(cell: Cell, kind: Kind, ask: Ask) -> str:
    if cell is None:
        return ""
    if isinstance(cell, _Named):
        return cell.text.in_language(ask.language)
    if isinstance(cell, Text):
        return cell.in_language(ask.language)
    if isinstance(cell, datetime):
        return cell.astimezone(ask.zone).strftime("%Y-%m-%d" if kind is Kind.DAY else "%Y-%m-%d %H:%M")
    return f"{cell:,}" if isinstance(cell, int | float) else str(cell)


def _shown(column: Column[Any], row: Any, ask: Ask) -> Shown:
    return Shown(
        kind=column.kind,
        words=_words(column.of(row), column.kind, ask),
        href=column.link(row) if column.link else "",
        level=column.level(row) if column.level else "",
        under=column.under(row) if column.under else "",
        hint=column.hint(row) if column.hint else "",
    )


def _head(column: Column[Any], ask: Ask) -> Head:
    asked = ask.one(SORT)
    order = {column.key: "ascending", f"-{column.key}": "descending"}.get(asked, "none")
    other = f"-{column.key}" if order == "ascending" else column.key
    return Head(column.key, column.words, column.kind, ask.address(**{SORT: other}), order)


def _choice(column: Column[Any], rows: Iterable[Any], ask: Ask) -> Choice:
    counted: Counter[str] = Counter()
    names: dict[str, str] = {}
    for row in rows:
        cell = column.of(row)
        code = _code(cell)
        if code:
            counted[code] += 1
            names[code] = _words(cell, column.kind, ask)
    chosen = ask.one(ONLY + column.key)
    options = [(code, names[code], count) for code, count in counted.most_common(MOST_CHOICES)]
    if chosen and all(code != chosen for code, _, _ in options):
        options.append((chosen, chosen, 0))
    return Choice(ONLY + column.key, column.words, options, chosen)
