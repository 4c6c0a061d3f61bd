"""Finding subjects by name or code, for those who come across a name elsewhere: in a document, on a form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from beijiang.access import Permission
from beijiang.fusion.models.libraries import GOLDEN
from beijiang.fusion.service.looking import Looking
from beijiang.kit import Actor, NotFound
from beijiang.tables import Exit, Filter, FilterOp

if TYPE_CHECKING:
    from beijiang.fusion.models.libraries import Library

__all__ = ["Named", "Naming"]

NAME: Final = "legal_entity.entity_name"
CODE: Final = "legal_entity.uscc"
NAMES_MOST: Final = 20_000
PARTS_MOST: Final = 2000
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
    """Whom a name names. Each question reads the names once through the gate: no index outlives it that another might see."""

    def named(self, actor: Actor, words: Sequence[str]) -> Mapping[str, Sequence[Named]]:
        """Return the legal entities that hold now for each name or credit code, as the actor may see them.

        A masked name or code finds nothing, and neither does a library that is hidden from the actor.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        wanted = list(dict.fromkeys(words))[:NAMES_MOST]
        among, found = pa.array(wanted, pa.string()), dict[str, list[Named]]()
        for one, said in self._fitting(actor, lambda column: pc.is_in(column, among)) if wanted else ():
            found.setdefault(said, []).append(one)
        return {one: found[one] for one in wanted if one in found}

    def containing(self, actor: Actor, parts: Sequence[str]) -> Sequence[Named]:
        """Return the legal entities that hold now whose names contain one of some words, as the actor may see them."""
        import pyarrow.compute as pc

        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        wanted = "|".join(re.escape(one) for one in list(dict.fromkeys(parts))[:PARTS_MOST])
        if not wanted:
            return []
        fits = self._fitting(actor, lambda column: pc.match_substring_regex(column, wanted), of=(NAME,))
        return list({one.id: one for one, _ in fits}.values())

    def _fitting(
        self, actor: Actor, fits: Callable[[Any], Any], of: Sequence[str] = (NAME, CODE)
    ) -> Iterator[tuple[Named, str]]:
        """Yield the legal entities one of whose columns fits, with what it says; ``FOUND_MOST`` at most."""
        left = FOUND_MOST
        for library in self.libraries(actor):
            columns = {one.element: one.name for one in library.elements if one.element in {NAME, CODE}}
            for element, row in self._rows_that_fit(actor, library, columns, fits) if columns else ():
                if element in of and left > 0:
                    left -= 1
                    yield _named(library, columns, row), str(row[columns[element]])

    def _rows_that_fit(
        self, actor: Actor, library: Library, columns: Mapping[str, str], fits: Callable[[Any], Any]
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        try:
            governed = self.tables.open(actor, library.target, "names", Exit.PAGE)
        except NotFound:
            return
        shown = {column.name for column in governed.columns}
        seen = {element: name for element, name in columns.items() if name in shown}
        if GOLDEN not in shown or not seen:
            return
        now = [Filter("valid_to", FilterOp.ISNULL)]
        for batch in governed.batches(now, [GOLDEN, *seen.values()]):
            for element, name in seen.items():
                for row in batch.filter(fits(batch.column(name))).to_pylist():
                    yield element, row


def _named(library: Library, columns: Mapping[str, str], row: Mapping[str, Any]) -> Named:
    code, name = (str(row.get(columns.get(element, "")) or "") for element in (CODE, NAME))
    note = " · ".join(one for one in (code, library.name) if one)
    place = f"/console/libraries/{quote(library.id)}/subjects/{quote(str(row[GOLDEN]))}"
    return Named(str(row[GOLDEN]), name or code, note, place)
