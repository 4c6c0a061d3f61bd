"""Finding subjects by name or code, for those who come across a name elsewhere: in a document, on a form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

from beijiang.access import Permission
from beijiang.fusion.models.libraries import GOLDEN
from beijiang.fusion.service.looking import Looking
from beijiang.kit import Actor, NotFound
from beijiang.tables import AnyPart, Exit, Filter, FilterOp

if TYPE_CHECKING:
    from beijiang.fusion.models.libraries import Library

__all__ = ["Named", "Naming"]

_Ask: TypeAlias = Callable[[str], Filter]
"""Makes the condition for a column."""
NAME: Final = "legal_entity.entity_name"
CODE: Final = "legal_entity.uscc"
NAMES_AT_ONCE: Final = 3000
PARTS_AT_ONCE: Final = 50_000
"""As many as a filter takes; more are asked in turns."""
LONGEST: Final = 500
"""Characters of the longest words that may be a name."""
FOUND_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Named:
    """A subject of a base library that goes by a name or code."""

    id: str
    name: str
    note: str
    """Its code and library: what tells it from others of the name."""
    page: str
    """Where the console shows it."""


class Naming(Looking):
    """Whom a name names. The gate is asked for what was named alone, so its receipts tell what was found and nothing more."""

    def named(self, actor: Actor, words: Sequence[str]) -> Mapping[str, Sequence[Named]]:
        """Return the legal entities that hold now for each name or credit code, as the actor may see them.

        A masked name or code finds nothing, and neither does a library that is hidden from the actor.
        """
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        wanted = _askable(words)
        codes = [one for one in wanted if one.isascii()]
        asked = {
            element: [partial(Filter, op=FilterOp.IN_, value=some) for some in _in_turns(listed, NAMES_AT_ONCE)]
            for element, listed in ((NAME, wanted), (CODE, codes))
        }
        found: dict[str, list[Named]] = {}
        for one, said in islice(self._fitting(actor, asked), FOUND_MOST):
            found.setdefault(said, []).append(one)
        return {one: found[one] for one in wanted if one in found}

    def containing(self, actor: Actor, parts: Sequence[str]) -> Sequence[Named]:
        """Return the legal entities that hold now whose names contain one of some words, as the actor may see them."""
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        turns = _in_turns(_askable(parts), PARTS_AT_ONCE)
        asked = {NAME: [partial(AnyPart, op=FilterOp.CONTAINS, value=some) for some in turns]}
        found = islice(self._fitting(actor, asked), FOUND_MOST)
        return list({one.id: one for one, _ in found}.values())

    def _fitting(self, actor: Actor, asked: Mapping[str, Sequence[_Ask]]) -> Iterator[tuple[Named, str]]:
        """Yield the legal entities that fit what is asked of an element, with what that says; reads on while one takes."""
        for library in self.libraries(actor):
            columns = {one.element: one.name for one in library.elements if one.element in {NAME, CODE}}
            for element, ask in [(of, ask) for of in columns for ask in asked.get(of, ())]:
                for row in self._rows_that_fit(actor, library, columns, element, ask):
                    yield _named(library, columns, row), str(row[columns[element]])

    def _rows_that_fit(
        self, actor: Actor, library: Library, columns: Mapping[str, str], element: str, ask: _Ask
    ) -> Iterator[Mapping[str, Any]]:
        try:
            governed = self.tables.open(actor, library.target, "names", Exit.PAGE)
        except NotFound:
            return
        shown = {column.name for column in governed.columns}
        seen = [name for name in columns.values() if name in shown]
        if GOLDEN not in shown or columns[element] not in shown:
            return
        filters = [Filter("valid_to", FilterOp.ISNULL), ask(columns[element])]
        for batch in governed.batches(filters, [GOLDEN, *seen]):
            yield from batch.to_pylist()


def _askable(words: Sequence[str]) -> list[str]:
    """Return the words that a name may have, each once."""
    return [one for one in dict.fromkeys(words) if 0 < len(one) <= LONGEST and "\x00" not in one]


def _in_turns(words: Sequence[str], most: int) -> Sequence[Sequence[str]]:
    return [words[at : at + most] for at in range(0, len(words), most)]


def _named(library: Library, columns: Mapping[str, str], row: Mapping[str, Any]) -> Named:
    code, name = (str(row.get(columns.get(element, "")) or "") for element in (CODE, NAME))
    note = " · ".join(one for one in (code, library.name) if one)
    place = f"/console/libraries/{quote(library.id)}/subjects/{quote(str(row[GOLDEN]))}"
    return Named(str(row[GOLDEN]), name or code, note, place)
