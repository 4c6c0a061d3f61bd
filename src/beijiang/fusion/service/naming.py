"""Finding subjects by name or code, for those who come across a name elsewhere: in a document, on a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from beijiang.access import Permission
from beijiang.fusion.models.libraries import GOLDEN
from beijiang.fusion.service.looking import Looking
from beijiang.kit import Actor, NotFound
from beijiang.tables import Filter, FilterOp

__all__ = ["Named", "Naming"]

NAME: Final = "legal_entity.entity_name"
CODE: Final = "legal_entity.uscc"
NAMES_MOST: Final = 200
FOUND_MOST: Final = 500


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
    """Whom a name names."""

    def named(self, actor: Actor, words: Sequence[str]) -> Mapping[str, Sequence[Named]]:
        """Return the legal entities that hold now for each name or credit code, as the actor may see them.

        A masked name or code finds nothing, and neither does a library that is hidden from the actor.
        """
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        wanted = list(dict.fromkeys(words))[:NAMES_MOST]
        found: dict[str, list[Named]] = {}
        for library in self.libraries(actor):
            columns = {one.element: one.name for one in library.elements if one.element in {NAME, CODE}}
            for element in columns if wanted else ():
                filters = [Filter(columns[element], FilterOp.IN_, wanted)]
                try:
                    page = self.subjects(actor, library.id, filters, limit=FOUND_MOST)
                except NotFound:
                    continue
                for row in page.rows.to_pylist():
                    said = str(row.get(columns[element]) or "")
                    code = str(row.get(columns.get(CODE, "")) or "")
                    name = str(row.get(columns.get(NAME, "")) or said)
                    note = " · ".join(one for one in (code, library.name) if one)
                    place = f"/console/libraries/{quote(library.id)}/subjects/{quote(str(row[GOLDEN]))}"
                    found.setdefault(said, []).append(Named(str(row[GOLDEN]), name, note, place))
        return {one: found[one] for one in wanted if one in found}
