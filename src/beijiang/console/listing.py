"""One table for the console's long lists: sorted, filtered, with the columns that a person chose, taken away as it is seen.

A list is made from rows that a service has already shown to the actor; nothing here reads, so nothing here can show more.
All of its state stands in the address, so a view can be kept, sent to a colleague, and works without a script.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeGuard, TypeVar
from urllib.parse import urlencode

from beijiang.kit import Language, Part, Text, Wanted, finds_of, normalise, plain_text, sound_order

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
    "as_now",
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
FILE_MOST: Final = 50_000
"""Rows that a file of a list holds."""
_DIGITS: Final = 6
R = TypeVar("R")


def as_now(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the words of an address as they are written now: kept views and bookmarks hold those of older releases."""
    return [(_FORMER.get(name, name), value) for name, value in pairs]


_FORMER: Final = {"q": FIND}


class Kind(StrEnum):
    """How the cells of a column are shown."""

    TEXT = "text"
    NUMBER = "number"
    MOMENT = "moment"
    DAY = "day"
    CODE = "code"
    TAG = "tag"
    GRADE = "grade"


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
    named: Callable[[str], Text | str] | None = None
    """What a value of the column is called, where the database counts them and knows only codes."""
    sorts: bool = True
    """Whether the list can be sorted by it; what the database does not have it cannot sort by."""
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
    row_key: Callable[[R], str]
    rows: Sequence[R] = ()
    part: Callable[[Wanted], Part[R]] | None = None
    """Where the rows come from, when the database narrows, counts, sorts and cuts them; the list can be of any length."""
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
        return plain_text(next((value for key, value in reversed(self.pairs) if key == name), ""))

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
    _every: Callable[[], Sequence[R]] = field(default=tuple, repr=False)
    _chosen: Sequence[Column[R]] = field(default=(), repr=False)

    @classmethod
    def of(cls, table: Table[R], ask: Ask, views: Sequence[KeptView] = ()) -> Listing[R]:
        """Sort, narrow and cut a list as asked; what makes no sense in the address is not taken notice of."""
        wanted = {value for key, value in ask.pairs if key == COLUMNS}
        chosen = [c for c in table.columns if c.key in wanted] or [c for c in table.columns if c.shown]
        find = ask.one(FIND).strip()[:200]
        only = {c.key: ask.one(ONLY + c.key) for c in table.columns if c.choice and ask.one(ONLY + c.key)}
        look = _in_memory if table.part is None else _in_database
        seen = look(table, ask, find, only)
        pages = max(1, -(-seen.found // SHOWN))
        page = min(_page(ask.one(PAGE)), pages)
        own = {SORT, FIND, PAGE, FORMAT, COLUMNS, "lang", *(ONLY + c.key for c in table.columns)}
        return cls(
            table=table,
            ask=ask,
            heads=[_head(c, ask) for c in chosen],
            lines=[Line(table.row_key(row), row, [_shown(c, row, ask) for c in chosen]) for row in seen.cut(page)],
            choices=seen.choices,
            find=find,
            found=seen.found,
            page=page,
            pages=pages,
            columns=[(c.key, c.words, c in chosen) for c in table.columns],
            kept=[(k, v) for k, v in ask.pairs if k not in own and v],
            narrowed=bool(find or only),
            views=views,
            _every=seen.every,
            _chosen=chosen,
        )

    def file_lines(self) -> list[list[str]]:
        """Return what a file holds: the columns and the rows that fit, in the order seen, up to a limit (see ``file_part``)."""
        ask = self.ask
        head = [c.words.in_language(ask.language) for c in self._chosen]
        return [head, *([_words(c.of(row), c.kind, ask) for c in self._chosen] for row in self._every())]

    @property
    def file_part(self) -> str:
        """Return what the name of a file says of a list that is too long for it; nothing where all of it is there."""
        if self.found <= FILE_MOST:
            return ""
        return Text(f"_前{FILE_MOST}行", f"_first_{FILE_MOST}_rows").in_language(self.ask.language)

    @property
    def cleared(self) -> str:
        """Return the address of the whole list, with its order and columns."""
        away = {FIND, *(ONLY + c.key for c in self.table.columns)}
        return self.ask.address(**dict.fromkeys(away))

    def turned(self, page: int) -> str:
        """Return the address of another page."""
        here = self.ask.address()
        return here if page <= 1 else f"{here}{'&' if '?' in here else '?'}{PAGE}={page}"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a list holds that was asked for, however it was found."""

    found: int
    choices: Sequence[Choice]
    cut: Callable[[int], Sequence[Any]]
    """The rows of a page."""
    every: Callable[[], Sequence[Any]]


def _in_memory(table: Table[Any], ask: Ask, find: str, only: Mapping[str, str]) -> _Seen:
    """Look through rows that are all there."""
    fitting = [row for row in table.rows if _holds(table, row, find, ask)]
    rows = _in_order(table, [row for row in fitting if _has(table, row, only)], ask)
    choices = [_choice(c, fitting, ask) for c in table.columns if c.choice]
    return _Seen(len(rows), choices, lambda page: rows[(page - 1) * SHOWN : page * SHOWN], lambda: rows[:FILE_MOST])


def _in_database(table: Table[Any], ask: Ask, find: str, only: Mapping[str, str]) -> _Seen:
    """Have the database look: it is told which codes have a name that was asked for, and the order of their names."""
    part = table.part
    if part is None:
        return _in_memory(table, ask, find, only)
    asked, choices = ask.one(SORT), {c.key: c for c in table.columns if c.choice}
    key, falling = asked.removeprefix("-"), asked.startswith("-")
    words = finds_of(find)
    known = part(Wanted(limit=0)).counts if words or only or key in choices else {}
    named = {name: {code: _called(c, code, ask) for code in known.get(name, ())} for name, c in choices.items()}

    def wanted(offset: int, limit: int | None) -> Wanted:
        return Wanted(
            finds=[
                replace(
                    one,
                    codes={
                        k: [code for code, name in codes.items() if one.word in normalise(name)]
                        for k, codes in named.items()
                    },
                )
                for one in words
            ],
            only={name: _code_of(named[name], value) for name, value in only.items()},
            sort=key,
            falling=falling,
            order=sorted(named.get(key, ()), key=lambda code: sound_order(named[key][code])),
            offset=offset,
            limit=limit,
        )

    first = part(wanted((_page(ask.one(PAGE)) - 1) * SHOWN, SHOWN))
    pages = max(1, -(-first.found // SHOWN))

    def cut(page: int) -> Sequence[Any]:
        return first.rows if first.rows or not first.found else part(wanted((min(page, pages) - 1) * SHOWN, SHOWN)).rows

    counted = [_counted_choice(c, first.counts.get(c.key, {}), ask) for c in choices.values()]
    return _Seen(first.found, counted, cut, lambda: part(wanted(0, FILE_MOST)).rows)


def _code_of(names: Mapping[str, str], value: str) -> str:
    """Return the code that a list is narrowed to; a kept view of an older release may hold its name."""
    return value if value in names else next((code for code, name in names.items() if name == value), value)


def _called(column: Column[Any], code: str, ask: Ask) -> str:
    name = code if column.named is None else column.named(code)
    return name.in_language(ask.language) if isinstance(name, Text) else name


def _counted_choice(column: Column[Any], counts: Mapping[str, int], ask: Ask) -> Choice:
    most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:MOST_CHOICES]
    options = [(code, _called(column, code, ask), count) for code, count in most]
    return _choice_of(column, options, ask)


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
    if isinstance(cell, int | float | datetime | date) and not _is_named(cell):
        return cell
    words = cell.text if _is_named(cell) else cell
    return sound_order(words.in_language(language) if isinstance(words, Text) else str(words)) or None


def _is_named(cell: Cell) -> TypeGuard[_Named]:
    """Tell whether a cell is a code with a name: asked of every cell, and ``isinstance`` of a protocol takes fifty times as long."""
    return hasattr(cell, "text") and hasattr(cell, "value")


def _code(cell: Cell) -> str:
    if _is_named(cell):
        return str(cell.value)
    return "" if cell is None else str(cell)


def _words(cell: Cell, kind: Kind, ask: Ask) -> str:
    if cell is None:
        return ""
    if _is_named(cell):
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
    return Head(column.key, column.words, column.kind, ask.address(**{SORT: other}) if column.sorts else "", order)


def _choice(column: Column[Any], rows: Iterable[Any], ask: Ask) -> Choice:
    counted: Counter[str] = Counter()
    names: dict[str, str] = {}
    for row in rows:
        cell = column.of(row)
        code = _code(cell)
        if code:
            counted[code] += 1
            names[code] = _words(cell, column.kind, ask)
    options = [(code, names[code], count) for code, count in counted.most_common(MOST_CHOICES)]
    return _choice_of(column, options, ask)


def _choice_of(column: Column[Any], options: list[tuple[str, str, int]], ask: Ask) -> Choice:
    chosen = ask.one(ONLY + column.key)
    if chosen and all(code != chosen for code, _, _ in options):
        options.append((chosen, chosen, 0))
    return Choice(ONLY + column.key, column.words, options, chosen)
