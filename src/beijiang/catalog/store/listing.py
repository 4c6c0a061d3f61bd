"""Working entries as a long list: what stands in its columns, in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from beijiang.catalog.store import schema as s
from beijiang.catalog.store.resources import ResourceStore
from beijiang.db import Shelf, age_of, number_of, part_of
from beijiang.kit import Part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

    from beijiang.catalog.models import Resource, Task
    from beijiang.kit import Wanted

__all__ = ["entry_part"]

_R = s.resource.c
_SOON = 2
"""Working days."""


def entry_part(
    connection: Connection,
    wanted: Wanted,
    *,
    org_id: str | None,
    tasks: Sequence[Task],
    now: datetime,
) -> Part[Resource]:
    """Return a part of the working entries of a provider (None: of all), latest change first; ``tasks`` wait for the reader."""
    first: dict[str, Task] = {}
    for task in tasks:
        first.setdefault(task.resource_id, task)  # the most urgent comes first
    late = [one for one, task in first.items() if task.days_left < 0]
    soon = [one for one, task in first.items() if 0 <= task.days_left <= _SOON]
    shelf = Shelf(
        rows=_asked(org_id),
        columns={
            "name": _R.name,
            "provider": _R.entry["provider_name"].as_string(),
            "state": _R.state,
            "turn": case((_R.id.in_(list(first)), "mine")),
            "due": _due([task.id for task in first.values()]),
            "pace": case((_R.id.in_(late), "late"), (_R.id.in_(soon), "soon")),
            "said": _said(),
            "code": _code(),
            "grade": _R.level,
            "share": _R.entry["share_type"].as_string(),
            "open": _R.entry["open_type"].as_string(),
            "rows": number_of(_R.facts, "rows"),
            "table": _R.table_name,
            "changed": _R.updated_at,
            "published": _R.published_at,
            "age": age_of(_R.published_at, now),
        },
        counted=("provider", "state", "turn", "pace", "grade", "share", "open", "age"),
        words=("name", "code", "table"),
        order=(_R.updated_at.desc(), _R.id),
    )
    rows, found, counts = part_of(connection, shelf, wanted)
    return Part(ResourceStore(connection).made_of(rows), found, counts)


def _asked(org_id: str | None) -> Select[tuple[object, ...]]:
    query = select(s.resource)
    return query if org_id is None else query.where(_R.provider_id == org_id)


def _due(task_ids: Sequence[int]) -> ColumnElement[object]:
    mine = (s.task.c.resource_id == _R.id) & s.task.c.id.in_(task_ids)
    return select(func.min(s.task.c.due_on)).where(mine).scalar_subquery()


def _said() -> ColumnElement[object]:
    """Count the open comments; none is nothing, as the list shows it."""
    here = (s.thread.c.resource_id == _R.id) & s.thread.c.resolved_at.is_(None)
    return func.nullif(select(func.count()).select_from(s.thread).where(here).scalar_subquery(), 0)


def _code() -> ColumnElement[str]:
    """Return the first living code, as it is written."""
    own = (s.code.c.resource_id == _R.id) & s.code.c.retired_at.is_(None)
    query = select(s.code.c.prefix.concat("/").concat(s.code.c.sequence)).where(own)
    return query.order_by(s.code.c.is_primary.desc(), s.code.c.prefix, s.code.c.sequence).limit(1).scalar_subquery()
