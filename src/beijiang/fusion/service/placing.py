"""Asking a geography library where: in which region a spot is, and what is near it. Rows come through the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from beijiang.fusion.models.atlas import Atlas, Found, Spot
from beijiang.fusion.models.libraries import GOLDEN
from beijiang.fusion.service.naming import Naming
from beijiang.kit import SYSTEM, Denied, Invalid
from beijiang.tables import Exit, Filter, FilterOp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beijiang.fusion.models import Library
    from beijiang.kit import Actor
    from beijiang.tables import GovernedTable

__all__ = ["Place", "Places", "Placing"]

_MOST: Final = 100
_KEPT: Final = 4
"""Atlases that are kept; each holds the geometries of one version."""
_PURPOSE: Final = "fusion:place"


@dataclass(frozen=True, slots=True)
class Place:
    """A golden record near a spot."""

    row: Mapping[str, Any]
    km: float
    inside: bool


@dataclass(frozen=True, slots=True)
class Places:
    """What contains a spot, the smallest first, and then what is near it, the nearest first."""

    library: Library
    governed: GovernedTable
    places: Sequence[Place]
    left_out: int
    """Records whose geometry cannot be read."""


class Placing(Naming):
    """Libraries with a geometry."""

    def near(self, actor: Actor, library_id: str, spot: Spot, *, km: float = 50, limit: int = 20) -> Places:
        """Return the golden records that contain a spot or are near it, as the actor may see them.

        Raises:
            NotFound: no such library, no run yet, or its table is hidden from the actor.
            Invalid: no spot or distance, or the library has no geometry (``no_geometry``).
            Denied: the actor may not see geometries as they are (``geometry_hidden``).

        """
        library = self._seen(actor, library_id)
        field = library.geometry
        if not field:
            raise Invalid(
                f"“{library.name}”没有几何字段，不能按位置查找。请选择空间地理库。",
                f'"{library.name}" has no field of geometry. Choose a geography library.',
                code="no_geometry",
            )
        governed = self.tables.open(actor, library.target, _PURPOSE, Exit.PAGE)
        if not any(column.name == field and not column.masked for column in governed.columns):
            raise Denied(
                f"您不能看到“{field}”的原值，因此不能按位置查找。请申请该字段的授权。",
                f'You do not see "{field}" as it is, and so cannot search by place. Ask for a grant of it.',
                code="geometry_hidden",
            )
        atlas = self._atlas(library.target, field, governed.version)
        near = atlas.near(spot, km, min(limit, _MOST) * 4)  # a row filter may keep some back
        rows = self._by_name(governed, near)
        shown = [Place(rows[one.name], one.km, one.inside) for one in near if one.name in rows]
        return Places(library, governed, shown[: min(limit, _MOST)], atlas.left_out)

    @cached_property
    def _atlas(self) -> Callable[[str, str, int], Atlas]:
        return lru_cache(_KEPT)(self._draw)

    def _draw(self, table: str, field: str, version: int) -> Atlas:
        """Return where everything of a version is; nobody sees it, what is found is read again as the reader sees it."""
        governed = self.tables.open(SYSTEM, table, _PURPOSE, Exit.PAGE, version)
        names: list[str] = []
        texts: list[str | None] = []
        for batch in governed.batches([Filter("valid_to", FilterOp.ISNULL)], [GOLDEN, field]):
            names += batch.column(0).to_pylist()
            texts += batch.column(1).to_pylist()
        return Atlas(names, texts)

    def _by_name(self, governed: GovernedTable, near: Sequence[Found]) -> dict[str, Mapping[str, Any]]:
        if not near:
            return {}
        filters = [Filter(GOLDEN, FilterOp.IN_, [one.name for one in near]), Filter("valid_to", FilterOp.ISNULL)]
        rows = governed.page(filters=filters, limit=len(near)).rows.to_pylist()
        return {row[GOLDEN]: row for row in rows}
