"""SQL on works, favourites and stars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from beijiang.opendata.store.schema import portal_favourite, portal_rating, portal_work, portal_work_set
from beijiang.opendata.works import Work, WorkKind, WorkState

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

__all__ = ["KeepingStore"]

_F, _R, _W, _U = portal_favourite.c, portal_rating.c, portal_work.c, portal_work_set.c
_SAME = ("id", "title", "author", "words", "link", "by", "reason", "created_at", "decided_at")
SHOWN = 100


class KeepingStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, person_id: str, dataset_id: str, at: datetime) -> None:
        """Keep a data set; twice is once."""
        self.let_go(person_id, dataset_id)
        self._connection.execute(
            insert(portal_favourite).values(person_id=person_id, dataset_id=dataset_id, at=at, seen_at=at)
        )

    def let_go(self, person_id: str, dataset_id: str) -> None:
        """Keep it no more."""
        self._connection.execute(delete(portal_favourite).where(_F.person_id == person_id, _F.dataset_id == dataset_id))

    def kept(self, person_id: str) -> list[tuple[str, datetime, datetime]]:
        """Return the data sets that somebody keeps, since when, and when they last looked; newest first."""
        rows = (
            select(portal_favourite).where(_F.person_id == person_id).order_by(_F.at.desc(), _F.dataset_id).limit(SHOWN)
        )
        return [(row.dataset_id, row.at, row.seen_at) for row in self._connection.execute(rows)]

    def keepers(self, dataset_ids: Collection[str]) -> dict[str, list[str]]:
        """Return who keeps each data set."""
        found: dict[str, list[str]] = {}
        kept = select(_F.dataset_id, _F.person_id).where(_F.dataset_id.in_(dataset_ids))
        for row in self._connection.execute(kept):
            found.setdefault(row.dataset_id, []).append(row.person_id)
        return found

    def seen(self, person_id: str, at: datetime) -> None:
        """Note that somebody looked."""
        self._connection.execute(update(portal_favourite).where(_F.person_id == person_id).values(seen_at=at))

    def rate(self, dataset_id: str, person_id: str, stars: int, at: datetime) -> None:
        """Keep the newest stars of somebody."""
        self._connection.execute(delete(portal_rating).where(_R.dataset_id == dataset_id, _R.person_id == person_id))
        self._connection.execute(
            insert(portal_rating).values(dataset_id=dataset_id, person_id=person_id, stars=stars, at=at)
        )

    def score(self, dataset_id: str) -> tuple[float | None, int]:
        """Return the mean of the stars and how many people gave some."""
        row = self._connection.execute(
            select(func.avg(_R.stars), func.count()).where(_R.dataset_id == dataset_id)
        ).one()
        return (None if row[0] is None else float(row[0]), int(row[1]))

    def add(self, made: Work) -> None:
        """Add a work with the data sets that it uses."""
        values = {name: getattr(made, name) for name in _SAME}
        self._connection.execute(insert(portal_work).values(**values, kind=made.kind.value, state=made.state.value))
        used = [{"work_id": made.id, "dataset_id": one, "title": title} for one, title in made.datasets]
        self._connection.execute(insert(portal_work_set), used)

    def get(self, work_id: str) -> Work | None:
        """Return one work."""
        return next(iter(self._works(select(portal_work).where(_W.id == work_id))), None)

    def decide(self, work_id: str, state: WorkState, reason: str, at: datetime) -> None:
        """Write whether it is shown."""
        values = {"state": state.value, "reason": reason, "decided_at": at}
        self._connection.execute(update(portal_work).where(_W.id == work_id).values(**values))

    def works(self, state: WorkState, kind: WorkKind | None = None) -> list[Work]:
        """Return the works of a state, newest first."""
        wanted = select(portal_work).where(_W.state == state.value)
        if kind is not None:
            wanted = wanted.where(_W.kind == kind.value)
        return self._works(wanted)

    def works_with(self, dataset_id: str) -> list[Work]:
        """Return the shown works that use a data set."""
        using = select(_U.work_id).where(_U.dataset_id == dataset_id)
        return self._works(select(portal_work).where(_W.state == WorkState.SHOWN.value, _W.id.in_(using)))

    def made_by(self, person_id: str) -> list[Work]:
        """Return what somebody handed in."""
        return self._works(select(portal_work).where(_W.by == person_id))

    def waiting_of(self, person_id: str) -> int:
        """Return how many works of somebody wait."""
        mine = (_W.by == person_id, _W.state == WorkState.WAITING.value)
        return self._connection.execute(select(func.count()).select_from(portal_work).where(*mine)).scalar_one()

    def _works(self, wanted: Select[Any]) -> list[Work]:
        rows = self._connection.execute(wanted.order_by(_W.created_at.desc(), _W.id).limit(SHOWN)).all()
        used = self._used([row.id for row in rows])
        return [
            Work(
                **{name: getattr(row, name) for name in _SAME},
                kind=WorkKind(row.kind),
                state=WorkState(row.state),
                datasets=used.get(row.id, ()),
            )
            for row in rows
        ]

    def _used(self, ids: Sequence[str]) -> dict[str, tuple[tuple[str, str], ...]]:
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        if ids:
            rows = select(portal_work_set).where(_U.work_id.in_(ids)).order_by(_U.title)
            for row in self._connection.execute(rows):
                found[row.work_id] = (*found.get(row.work_id, ()), (row.dataset_id, row.title))
        return found
